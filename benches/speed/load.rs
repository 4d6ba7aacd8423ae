//! A small load generator: blocking connections that each ask, wait for the whole answer, and ask again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One answer: status line and headers as text, and the body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    pub fn ask(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0u8; 16 << 10];
        loop {
            let got = self.stream.read(&mut chunk)?;
            if got == 0 {
                return Err(std::io::Error::other("the connection was closed in the middle of an answer"));
            }
            self.buffer.extend_from_slice(&chunk[..got]);
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                })
                .unwrap_or(0);
            if self.buffer.len() >= end + 4 + length {
                let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
                return Ok(Answer { status, head, body: self.buffer[end + 4..end + 4 + length].to_vec() });
            }
        }
    }
}

/// Answers per second of a server that is asked the same over `connections` connections for `time`; every answer must
/// be a 200, or nothing was measured.
pub fn per_second(address: SocketAddr, request: &[u8], connections: usize, time: Duration) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (stop, count, request) = (Arc::clone(&stop), Arc::clone(&count), request.to_vec());
            std::thread::spawn(move || {
                let mut connection = Connection::open(address).expect("the server under measurement listens");
                while !stop.load(Ordering::Relaxed) {
                    let answer = connection.ask(&request).expect("the server under measurement answers");
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // The first tenth warms up and is not counted.
    std::thread::sleep(time / 10);
    let (before, begin) = (count.load(Ordering::Relaxed), Instant::now());
    std::thread::sleep(time);
    let (after, took) = (count.load(Ordering::Relaxed), begin.elapsed());
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().expect("a connection failed while it was measured");
    }
    (after - before) as f64 / took.as_secs_f64()
}

/// An HTTP/1.1 request as bytes.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!(
            "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
            body.len()
        ));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

//! Whole processes: how soon one answers, and how much memory it keeps.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load;

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// From exec to the first answer, and the resident size right after it, in kilobytes.
pub fn cold_start(command: impl Fn(u16) -> Command, target: &str) -> (Duration, u64) {
    let port = free_port();
    let mut command = command(port);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let child = Ended(command.spawn().expect("the program under measurement starts"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let request = load::request("GET", target, &[], "");
    let took = loop {
        assert!(begin.elapsed() < Duration::from_secs(10), "the program under measurement never answered");
        match load::Connection::open(address).and_then(|mut connection| connection.ask(&request)) {
            Ok(answer) if answer.status == 200 => break begin.elapsed(),
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
    };
    let resident = memory(child.0.id(), "VmRSS").unwrap_or(0);
    (took, resident)
}

/// Runs a command to its end: wall time, peak resident size in kilobytes, exit code.
pub fn to_the_end(mut command: Command) -> (Duration, u64, Option<i32>) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().expect("the program under measurement starts");
    let mut peak = 0;
    loop {
        peak = memory(child.id(), "VmHWM").unwrap_or(peak).max(peak);
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (begin.elapsed(), peak, status.code());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The middle one of several measurements.
pub fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort();
    all[all.len() / 2]
}

fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Ends the child when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

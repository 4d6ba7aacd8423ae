//! What a partner's process prints, and its end.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::watch;

/// How much of its output is kept.
const LINES: usize = 200;
const LINE: usize = 2_000;

/// The last lines that a partner has printed; no secret of a client stands in them.
pub(super) struct Output {
    lines: VecDeque<String>,
    secrets: Vec<String>,
}

impl Output {
    pub(super) fn new(secrets: Vec<String>) -> Arc<Mutex<Output>> {
        Arc::new(Mutex::new(Output { lines: VecDeque::new(), secrets }))
    }

    /// So many of them, as one text.
    pub(super) fn last(&self, lines: usize) -> String {
        self.lines.iter().rev().take(lines).rev().cloned().collect::<Vec<_>>().join("\n")
    }

    fn add(&mut self, line: &[u8]) {
        let mut text = String::from_utf8_lossy(&line[..line.len().min(LINE)]).into_owned();
        for secret in self.secrets.iter().filter(|secret| secret.len() >= 6) {
            text = text.replace(secret, "<client secret>");
        }
        if self.lines.len() >= LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(text);
    }
}

/// What a partner prints, as it comes: its last lines are kept. A line without end is cut, never gathered without bound.
pub(super) struct Printed {
    pipe: pipe::Receiver,
    line: Vec<u8>,
    output: Arc<Mutex<Output>>,
}

impl Printed {
    pub(super) fn new(pipe: pipe::Receiver, output: &Arc<Mutex<Output>>) -> Printed {
        Printed { pipe, line: Vec::new(), output: Arc::clone(output) }
    }

    /// Takes what is there, up to more than a pipe holds; `false`: nobody can print any more.
    fn take(&mut self) -> bool {
        let mut chunk = [0u8; 8 << 10];
        for _ in 0..64 {
            match self.pipe.try_read(&mut chunk) {
                Ok(0) => return false,
                Ok(got) => self.add(&chunk[..got]),
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_line();
            } else if self.line.len() < LINE {
                self.line.push(*byte);
            }
        }
    }

    fn end_line(&mut self) {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).add(&self.line);
        self.line.clear();
    }

    /// More has come; `false`: nobody can print any more.
    async fn more(&mut self) -> bool {
        self.pipe.readable().await.is_ok() && self.take()
    }
}

/// Follows a process to its end, which is told once all is read that it has printed.
pub(super) async fn follow(mut child: Child, mut printed: Printed, ended: watch::Sender<Option<String>>) {
    let mut open = true;
    let how = loop {
        tokio::select! {
            more = printed.more(), if open => open = more,
            how = child.wait() => break how,
        }
    };
    open = open && printed.take();
    if !printed.line.is_empty() {
        printed.end_line();
    }
    ended.send_replace(Some(how.map_or_else(|error| error.to_string(), words_of)));
    // What it has started may go on, and must not be stopped by a pipe that is full.
    while open {
        open = printed.more().await;
    }
}

fn words_of(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

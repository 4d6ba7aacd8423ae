//! Raw HTTP/1.1 over a new connection for each request: what is sent is exactly what the test wrote.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request under construction.
#[derive(Clone)]
pub struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub type Pairs<'a> = &'a [(&'a str, &'a str)];

pub fn encoded(members: Pairs<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish()
}

pub fn get(target: &str) -> Ask {
    method("GET", target)
}

pub fn method(method: &str, target: &str) -> Ask {
    Ask { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
}

/// A form.
pub fn post(target: &str, members: Pairs<'_>) -> Ask {
    method("POST", target).body("application/x-www-form-urlencoded", encoded(members))
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// The same to another address.
    pub fn to(mut self, target: &str) -> Ask {
        target.clone_into(&mut self.target);
        self
    }

    pub fn bearer(self, token: &str) -> Ask {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// By another name of the same machine.
    pub fn host(self, name: &str) -> Ask {
        self.header("host", name)
    }

    pub fn basic(self, id: &str, secret: &str) -> Ask {
        self.header("authorization", &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
    }

    pub async fn send(&self, to: SocketAddr) -> Answer {
        let host = self.headers.iter().find(|(name, _)| name == "host").map_or("localhost", |(_, host)| host);
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", self.method, self.target);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "host") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        raw(to, &[head.as_bytes(), &self.body].concat()).await
    }
}

/// These bytes and nothing else, and what comes back until the end.
pub async fn raw(to: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).await.expect("the provider listens");
    let talking = async {
        // A server that refuses early may close while more is being sent.
        let sent = stream.write_all(bytes).await;
        let mut all = Vec::new();
        let read = stream.read_to_end(&mut all).await;
        assert!(sent.is_ok() && read.is_ok() || !all.is_empty() || bytes.len() > 100_000, "{sent:?} {read:?}");
        all
    };
    let all = tokio::time::timeout(PATIENCE, talking).await.expect("an answer in time");
    Answer::read(&all)
}

/// What came back. Status 0: the connection was closed without a word.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().filter_map(move |line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A member of the JSON as text.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        self.json().get(name).and_then(Json::as_str).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_owned()
    }

    /// A parameter of the `Location`, in its query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.header("location")?).ok()?;
        url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// `name=value` of each cookie that it sets.
    pub fn cookies(&self) -> Vec<String> {
        self.headers("set-cookie").filter_map(|value| value.split(';').next()).map(str::to_owned).collect()
    }

    /// A refusal as RFC 6749, section 5.2, has it: status, code, and nothing that was asked for.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.text("error").as_str()), (status, code), "{self:?}");
        for token in ["access_token", "refresh_token", "id_token"] {
            assert!(self.json().get(token).is_none(), "{self:?}");
        }
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
    }

    /// An error that goes back to the client through the browser.
    #[track_caller]
    pub fn sent_back(&self, code: &str) {
        assert_eq!((self.status, self.parameter("error").as_deref()), (302, Some(code)), "{self:?}");
        assert_eq!(self.parameter("code"), None, "{self:?}");
        assert_eq!(self.parameter("state").as_deref(), Some("s"), "{self:?}");
    }

    /// An error that goes back to nobody: a page for the person.
    #[track_caller]
    pub fn told_to_the_person(&self) {
        assert_eq!(self.status, 400, "{self:?}");
        assert_eq!(self.header("location"), None, "{self:?}");
        assert!(self.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{self:?}");
        assert!(!self.body.contains("<form"), "{self:?}");
    }
}

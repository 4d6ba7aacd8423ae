//! One request and its answer over HTTP/1.1: connections, bounds, content decoding. It knows no cookies, redirects or
//! parties, and starts no task: a connection lives and dies with whoever waits for it.

use std::collections::HashMap;
use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io::Read;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use super::{AgentError, Limits};
use crate::model::exchange::{Response, header};
use crate::tls;

/// Bytes of all headers of an answer together; browsers bear as much.
const HEADER_BYTES: usize = 256 << 10;
/// Lines of headers.
const HEADER_LINES: usize = 1_000;
/// What is kept of an answer that was too large or broke off.
const FRAGMENT: usize = 64 << 10;
/// A connection that was idle for longer is not used again: its other end may be about to close it.
const FRESH: Duration = Duration::from_secs(1);

/// What goes out.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub method: http::Method,
    pub url: Url,
    /// In order, lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Over https: who greets, and whether it says that it is the harness's browser.
    pub tls: Option<(tls::Client, bool)>,
}

/// Why there is no whole answer, and what came of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub error: AgentError,
    pub fragment: Option<Response>,
}

/// Idle connections of one browser.
#[derive(Default)]
pub(crate) struct Idle(Mutex<HashMap<String, (Line, Instant)>>);

impl Idle {
    fn take(&self, authority: &str) -> Option<Line> {
        let (mut line, since) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(authority)?;
        (since.elapsed() < FRESH && line.is_ready()).then_some(line)
    }

    fn put(&self, authority: String, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(authority, (line, Instant::now()));
    }
}

/// A connection, and the way to send on it.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<tls::Stream>, Full<Bytes>>>>,
    ended: bool,
}

impl Line {
    fn poll(&mut self, context: &mut Context<'_>) {
        if !self.ended {
            self.ended = self.connection.as_mut().poll(context).is_ready();
        }
    }

    /// Whether the other end still listens, as far as is known.
    fn is_ready(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop()));
        !self.ended && self.sender.is_ready()
    }

    /// Keeps the connection going while something is waited for.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            match work.as_mut().poll(context) {
                Poll::Pending if !self.ended => {
                    // What the work has just asked for is done at once, not at the next event.
                    self.poll(context);
                    work.as_mut().poll(context)
                }
                other => other,
            }
        })
        .await
    }
}

/// Sends and waits for the whole answer. With `idle` a connection may be used again and is kept for the next request.
pub(crate) async fn ask(outgoing: &Outgoing, idle: Option<&Idle>, limits: &Limits) -> Result<Response, Failure> {
    let mut received = None;
    let url = outgoing.url.as_str();
    let work = ask_unbounded(outgoing, idle, limits, &mut received);
    let error = match tokio::time::timeout(limits.answer, work).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => {
            let seconds = limits.answer.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
            Some(AgentError::Timeout { url: url.to_owned(), seconds })
        }
    };
    let answered = received.map(|(status, headers, body)| Response { status, headers, body: Bytes::from(body) });
    match (error, answered) {
        (None, Some(answered)) => decoded(answered, url, limits),
        (Some(error), answered) => Err(Failure { error, fragment: answered.map(shortened) }),
        (None, None) => Err(Failure { error: broken(url, "there was no answer"), fragment: None }),
    }
}

type Received = Option<(u16, Vec<(String, String)>, Vec<u8>)>;

async fn ask_unbounded(
    outgoing: &Outgoing,
    idle: Option<&Idle>,
    limits: &Limits,
    received: &mut Received,
) -> Result<(), AgentError> {
    let url = &outgoing.url;
    let authority = authority(url);
    let mut request = Some(request(outgoing)?);
    let mut line = None;
    let mut answer = None;
    if let Some(mut old) = idle.and_then(|idle| idle.take(&authority)) {
        let work = old.sender.try_send_request(request.take().unwrap_or_default());
        match old.during(work).await {
            Ok(head) => (line, answer) = (Some(old), Some(head)),
            // Only what never left may be sent once more.
            Err(mut error) => match error.take_message() {
                Some(unsent) => request = Some(unsent),
                None => return Err(broken(url.as_str(), &cause(&error.into_error()))),
            },
        }
    }
    let (mut line, answer) = match (line, answer) {
        (Some(line), Some(answer)) => (line, answer),
        _ => {
            let mut line = connect(outgoing).await?;
            let work = line.sender.send_request(request.unwrap_or_default());
            let answer = line.during(work).await.map_err(|error| broken(url.as_str(), &cause(&error)))?;
            (line, answer)
        }
    };
    let status = answer.status().as_u16();
    let headers: Vec<(String, String)> =
        answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect();
    let too_large = || AgentError::TooLarge { url: url.to_string(), limit: limits.body };
    let announced = header(&headers, "content-length").and_then(|length| length.parse::<u64>().ok());
    let (_, _, whole) = received.insert((status, headers, Vec::new()));
    if outgoing.method != http::Method::HEAD && announced.is_some_and(|length| length > limits.body as u64) {
        return Err(too_large());
    }
    let mut body = answer.into_body();
    while let Some(frame) = line.during(body.frame()).await {
        let frame = frame.map_err(|error| broken(url.as_str(), &cause(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limits.body {
            let room = limits.body - whole.len();
            whole.extend_from_slice(&data[..room]);
            return Err(too_large());
        }
        whole.extend_from_slice(&data);
    }
    if let Some(idle) = idle {
        idle.put(authority, line);
    }
    Ok(())
}

fn request(outgoing: &Outgoing) -> Result<http::Request<Full<Bytes>>, AgentError> {
    let url = &outgoing.url;
    let unsendable = |why: String| AgentError::BadUrl { url: url.to_string(), why };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let uri: http::Uri = target.parse().map_err(|error: http::uri::InvalidUri| unsendable(error.to_string()))?;
    let mut builder = http::Request::builder().method(outgoing.method.clone()).uri(uri);
    for (name, value) in &outgoing.headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        match (name, value) {
            (Ok(name), Ok(value)) => builder = builder.header(name, value),
            (Ok(name), Err(_)) => return Err(unsendable(format!("the value of the header `{name}` cannot be sent"))),
            (Err(_), _) => return Err(unsendable("a header that goes with it has no possible name".to_owned())),
        }
    }
    builder.body(Full::new(outgoing.body.clone())).map_err(|error| unsendable(error.to_string()))
}

async fn connect(outgoing: &Outgoing) -> Result<Line, AgentError> {
    let url = &outgoing.url;
    let failed = |why: String| AgentError::Connect { url: url.to_string(), why };
    let stream = stream(url).await.map_err(|error| failed(error.to_string()))?;
    // Without it small requests wait for nothing; that it fails only makes them slower.
    let _ = stream.set_nodelay(true);
    let stream = match &outgoing.tls {
        Some((client, as_browser)) if url.scheme() == "https" => {
            let greeted = client.connect(url.host_str().unwrap_or_default(), stream, *as_browser).await;
            greeted.map_err(|error| failed(untrusted(&error)))?
        }
        _ => tls::Stream::Plain(stream),
    };
    let (sender, connection) = Builder::new()
        .max_headers(HEADER_LINES)
        .max_header_size(HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(cause(&error)))?;
    Ok(Line { sender, connection: Box::pin(connection), ended: false })
}

/// Why a greeting over TLS failed, and what to do where the certificate is the reason.
fn untrusted(error: &std::io::Error) -> String {
    let text = error.to_string();
    let help =
        "\n  help: a partner that speaks https is started with {tls.cert} and {tls.key}, which are made for this run";
    if text.contains("certificate") { format!("{text}{help}") } else { text }
}

async fn stream(url: &Url) -> std::io::Result<TcpStream> {
    let port = url.port_or_known_default().unwrap_or(80);
    match url.host() {
        Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
        Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
        // Browsers ask nobody where this machine is.
        Some(Host::Domain(name)) if super::site::is_loopback(url) => {
            match TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).await {
                Ok(stream) => Ok(stream),
                Err(first) => {
                    let second = TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port)).await;
                    second.map_err(|_| std::io::Error::new(first.kind(), format!("{name}: {first}")))
                }
            }
        }
        Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
        None => Err(std::io::Error::other("no host")),
    }
}

/// Host and port, as in `Host`.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn broken(url: &str, why: &str) -> AgentError {
    AgentError::Broken { url: url.to_owned(), why: why.to_owned() }
}

/// An error with what is behind it.
fn cause(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

/// UTF-8 where it is, else each byte a character.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn shortened(mut response: Response) -> Response {
    if response.body.len() > FRAGMENT {
        response.body = response.body.slice(..FRAGMENT);
    }
    response
}

fn decoded(mut answered: Response, url: &str, limits: &Limits) -> Result<Response, Failure> {
    let encoding = header(&answered.headers, "content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    if answered.body.is_empty() || !matches!(encoding.as_str(), "gzip" | "x-gzip" | "deflate") {
        return Ok(answered);
    }
    let mut plain = Vec::new();
    let most = limits.body as u64 + 1;
    let raw: &[u8] = &answered.body;
    let read = match (encoding.as_str(), raw.first().is_some_and(|byte| byte & 0x0f == 8)) {
        ("deflate", true) => flate2::read::ZlibDecoder::new(raw).take(most).read_to_end(&mut plain),
        ("deflate", false) => flate2::read::DeflateDecoder::new(raw).take(most).read_to_end(&mut plain),
        _ => flate2::read::MultiGzDecoder::new(raw).take(most).read_to_end(&mut plain),
    };
    let error = match read {
        Err(_) => Some(broken(url, &format!("its body is not the {encoding} that its header says"))),
        Ok(_) if plain.len() > limits.body => Some(AgentError::TooLarge { url: url.to_owned(), limit: limits.body }),
        Ok(_) => None,
    };
    answered.body = Bytes::from(plain);
    match error {
        Some(error) => Err(Failure { error, fragment: Some(shortened(answered)) }),
        None => Ok(answered),
    }
}

//! The partner's own HTTP client: one connection per request, bounded in time and size.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::tls::{Client, Stream};

use super::state::App;

/// How long the provider may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much it may answer.
const LIMIT: usize = 1 << 20;

/// An answer of the provider.
pub(super) struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// What goes out.
#[derive(Default, Clone)]
pub(super) struct Ask<'a> {
    pub url: String,
    pub authorization: Option<String>,
    /// Members of a form; then it is a POST.
    pub form: Option<Vec<(&'a str, String)>>,
    /// No bound in time.
    pub endless: bool,
    /// For https.
    pub tls: Option<&'a Client>,
}

impl App {
    /// A request toward this provider, still without anything in it.
    pub(super) fn asking(&self, url: String) -> Ask<'_> {
        Ask { url, tls: self.config.tls.as_ref().map(|tls| &tls.client), ..Ask::default() }
    }
}

pub(super) async fn ask(ask: Ask<'_>) -> Result<Answer, String> {
    let endless = ask.endless;
    let work = send(ask);
    if endless {
        return work.await;
    }
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err("the provider does not answer".to_owned()))
}

async fn send(ask: Ask<'_>) -> Result<Answer, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let uri: hyper::Uri = ask.url.parse().map_err(|_| "the provider's address is no URL".to_owned())?;
    let host = uri.host().unwrap_or("localhost").to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| words(&error))?;
    let _ = stream.set_nodelay(true);
    let stream = match ask.tls {
        Some(client) if secure => client.connect(&host, stream, false).await.map_err(|error| words(&error))?,
        None if secure => return Err("the provider's address is https".to_owned()),
        _ => Stream::Plain(stream),
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    let driving = Driving(tokio::spawn(async move {
        // An error of the connection shows in the request.
        let _ = connection.await;
    }));
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let mut builder = hyper::Request::builder()
        .uri(uri.path_and_query().map_or("/", |target| target.as_str()))
        .header("host", authority)
        .header("accept", "application/json");
    if let Some(authorization) = &ask.authorization {
        builder = builder.header("authorization", authorization);
    }
    let body = match &ask.form {
        None => Bytes::new(),
        Some(members) => {
            builder = builder.method("POST").header("content-type", "application/x-www-form-urlencoded");
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish().into()
        }
    };
    let request = builder.body(Full::new(body)).map_err(|error| words(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| words(&error))?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), LIMIT).collect().await.map_err(|error| words(&error))?.to_bytes();
    drop(driving);
    Ok(Answer { status, body })
}

/// The connection's task ends with the request, even when nobody waits for it any more.
struct Driving(tokio::task::JoinHandle<()>);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

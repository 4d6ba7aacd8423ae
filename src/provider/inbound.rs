//! A request as it came in, read to its end and taken apart.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};

use crate::model::exchange::{self, Request};

/// More than any honest request of a login.
const BODY: usize = 256 << 10;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, read.
pub(super) struct Inbound {
    pub seq: u64,
    /// As it came, for the record.
    pub request: Request,
    pub path: String,
    /// The version that stood in front of the path, where the dialect has versions.
    pub version: Option<String>,
    pub query: Vec<(String, String)>,
    /// Members of a form body.
    pub form: Vec<(String, String)>,
    /// The body was too large or broke off.
    pub broken: Option<String>,
}

impl Inbound {
    /// Reads a request to its end. `path` is that below the issuer, where it is not the request's own.
    pub async fn read(seq: u64, issuer: &str, path: Option<String>, request: hyper::Request<Incoming>) -> Inbound {
        let (parts, body) = request.into_parts();
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let (body, broken) = match read_body(body).await {
            Ok(body) => (body, None),
            Err(why) => (Bytes::new(), Some(why)),
        };
        let url = match (&path, parts.uri.query()) {
            (None, _) => format!("{issuer}{}", parts.uri.path_and_query().map_or("/", |target| target.as_str())),
            (Some(path), None) => format!("{issuer}{path}"),
            (Some(path), Some(query)) => format!("{issuer}{path}?{query}"),
        };
        let form = match exchange::header(&headers, "content-type") {
            Some(kind) if is_form(kind) => url::form_urlencoded::parse(&body)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            _ => Vec::new(),
        };
        Inbound {
            seq,
            path: path.unwrap_or_else(|| parts.uri.path().to_owned()),
            version: None,
            query: exchange::query_of(&url),
            form,
            request: Request { method: parts.method.as_str().to_owned(), url, headers, body },
            broken,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        exchange::header(&self.request.headers, name)
    }

    pub fn is_post(&self) -> bool {
        self.request.method == "POST"
    }

    /// How often a header stands there.
    pub fn count(&self, name: &str) -> usize {
        self.request.headers.iter().filter(|(own, _)| own == name).count()
    }

    /// Query of a GET, form of a POST: where the parameters of an authorization request stand.
    pub fn parameters(&self) -> &[(String, String)] {
        if self.is_post() { &self.form } else { &self.query }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.header("cookie")?.split(';').find_map(|pair| {
            let (own, value) = pair.trim().split_once('=')?;
            (own == name).then_some(value)
        })
    }

    /// The bearer token (RFC 6750, section 2.1), or the one in a posted form (section 2.2).
    pub fn bearer(&self) -> Option<&str> {
        let header = self.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        header.or_else(|| self.posted_token())
    }

    /// A token in more than one place (RFC 6750, section 2: one method, once).
    pub fn has_several_tokens(&self) -> bool {
        let posted = if self.is_post() { &self.form[..] } else { &[] };
        let posted = posted.iter().filter(|(name, _)| name == "access_token").count();
        self.count("authorization") + posted > 1
    }

    /// A token in the query (RFC 6750, section 2.3), which nobody should send.
    pub fn queried_token(&self) -> Option<&str> {
        one(&self.query, "access_token")
    }

    fn posted_token(&self) -> Option<&str> {
        if self.is_post() { one(&self.form, "access_token") } else { None }
    }
}

/// All of a body, unless it is too much or does not come.
async fn read_body(body: Incoming) -> Result<Bytes, String> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > BODY as u64 {
        return Err(format!("more than {BODY} bytes"));
    }
    match tokio::time::timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the body did not arrive within {} s", PATIENCE.as_secs())),
    }
}

/// Whether a content type is that of a form, parameters aside.
fn is_form(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The first value of a name.
pub(super) fn one<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// A name of `known` that stands there more than once (RFC 6749, section 3.1).
pub(super) fn repeated<'a>(parameters: &[(String, String)], known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().find(|name| parameters.iter().filter(|(own, _)| own == name).count() > 1)
}

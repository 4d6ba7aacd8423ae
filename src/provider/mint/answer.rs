//! An HTTP answer under construction, and what a fault does to it.

use std::io::Write as _;

use bytes::Bytes;

use crate::model::exchange::Response;
use crate::model::fault::{Encode, ErrorAnswer, Layer, Pace, Patch};
use crate::model::value::{Environment, Source, Unresolved};
use crate::model::wire::Wire;

use super::patch;

/// What an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Wire),
    /// A page or any other text.
    Bytes(Bytes),
    /// A redirect: target without the parameters, and the parameters.
    Redirect {
        /// Where to.
        to: String,
        /// An object of texts.
        parameters: Wire,
    },
}

/// An HTTP answer under construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// What it carries.
    pub body: Body,
    /// How it leaves; set by a fault.
    pub pace: Option<Pace>,
}

impl Answer {
    /// JSON that nobody may store (RFC 6749, section 5.1).
    pub fn json(status: u16, wire: Wire) -> Answer {
        let headers = vec![header("content-type", "application/json"), header("cache-control", "no-store")];
        Answer { status, headers, body: Body::Json(wire), pace: None }
    }

    /// A page without scripts, frames or anything from elsewhere.
    pub fn page(status: u16, html: String) -> Answer {
        let headers = vec![
            header("content-type", "text/html; charset=utf-8"),
            header("cache-control", "no-store"),
            header("referrer-policy", "no-referrer"),
            header("x-frame-options", "DENY"),
            header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ];
        Answer { status, headers, body: Body::Bytes(html.into()), pace: None }
    }

    /// A redirect by 302 with parameters in the query.
    pub fn redirect(to: &str, parameters: Wire) -> Answer {
        let headers = vec![header("cache-control", "no-store")];
        Answer { status: 302, headers, body: Body::Redirect { to: to.to_owned(), parameters }, pace: None }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Answer {
        Answer { status, headers: vec![header("cache-control", "no-store")], body: Body::Empty, pace: None }
    }

    /// One more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.push(header(name, value));
        self
    }

    /// Applies a fault's patch to this answer; `error` makes the dialect's own error answer.
    ///
    /// # Errors
    /// A value that nobody knows, or an operation that cannot take effect here.
    pub fn apply(
        &mut self,
        patch: &Patch,
        error: &dyn Fn(&ErrorAnswer, &dyn Environment) -> Result<Answer, Unresolved>,
        environment: &dyn Environment,
    ) -> Result<(), Unresolved> {
        let operations = &patch.operations;
        if patch.address.layer == Layer::Http {
            return self.apply_headers(patch, environment);
        }
        if let Some(code) = &operations.error {
            *self = error(code, environment)?;
        }
        let changes = !operations.set.is_empty() || !operations.drop.is_empty() || !operations.duplicate.is_empty();
        match &mut self.body {
            Body::Json(wire) | Body::Redirect { parameters: wire, .. } => patch::apply(wire, operations, environment)?,
            Body::Empty | Body::Bytes(_) if changes => {
                return Err(Unresolved::text(format!("a member of {}, which has none here", patch.address)));
            }
            Body::Empty | Body::Bytes(_) => {}
        }
        if let Some(redirect) = &operations.redirect {
            let original = self.members();
            let with = patch::With { members: &original, behind: environment };
            let mut parameters = match redirect.carry.then(|| environment.source(&request_parameters())).flatten() {
                Some(wire) => wire,
                None => Wire::object(),
            };
            for (name, value) in patch::resolved(&redirect.set, &original, environment)? {
                parameters.set(&name, value);
            }
            let to = redirect.to.resolve(&with)?.to_text();
            *self = Answer { status: redirect.status, ..Answer::redirect(&to, parameters) };
        }
        if let Some(value) = &operations.replace {
            let original = self.members();
            let with = patch::With { members: &original, behind: environment };
            self.body = Body::Bytes(value.resolve(&with)?.to_plain_bytes().into());
        }
        if let Some(status) = operations.status {
            self.status = status;
        }
        if let Some(encode) = &operations.encode {
            self.encode(encode)?;
        }
        if let Some(pace) = &operations.send {
            if let Pace::Certificate(_) = pace {
                return Err(Unresolved::text("a certificate, without TLS,"));
            }
            self.pace = Some(pace.clone());
        }
        Ok(())
    }

    fn apply_headers(&mut self, patch: &Patch, environment: &dyn Environment) -> Result<(), Unresolved> {
        let mut wire = Wire::object();
        for (name, value) in &self.headers {
            wire.push(name, value.as_str());
        }
        let lower = |name: &String| name.to_lowercase();
        let operations = &patch.operations;
        let lowered = crate::model::fault::Operations {
            set: operations.set.iter().map(|(name, value)| (lower(name), value.clone())).collect(),
            drop: operations.drop.iter().map(lower).collect(),
            duplicate: operations.duplicate.iter().map(|(name, values)| (lower(name), values.clone())).collect(),
            ..Default::default()
        };
        patch::apply(&mut wire, &lowered, environment)?;
        if let Wire::Object(members) = wire {
            self.headers = members.into_iter().map(|(name, value)| (name, value.to_text())).collect();
        }
        Ok(())
    }

    fn members(&self) -> Wire {
        match &self.body {
            Body::Json(wire) | Body::Redirect { parameters: wire, .. } => wire.clone(),
            Body::Empty | Body::Bytes(_) => Wire::object(),
        }
    }

    fn encode(&mut self, encode: &Encode) -> Result<(), Unresolved> {
        let body = self.body_bytes();
        let encoded = match encode {
            Encode::Query => return Ok(()),
            Encode::Bom => [&[0xef, 0xbb, 0xbf], body.as_ref()].concat(),
            Encode::Latin1 => {
                let text = String::from_utf8_lossy(&body);
                text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
            }
            Encode::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                let done = encoder.write_all(&body).and_then(|()| encoder.finish());
                self.headers.push(header("content-encoding", "gzip"));
                done.map_err(|error| Unresolved::text(format!("gzip ({error})")))?
            }
            other => return Err(Unresolved::text(format!("the encoding {other:?} of this answer"))),
        };
        self.body = Body::Bytes(encoded.into());
        Ok(())
    }

    fn body_bytes(&self) -> Bytes {
        match &self.body {
            Body::Empty | Body::Redirect { .. } => Bytes::new(),
            Body::Json(wire) => wire.to_json_bytes().into(),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    /// The answer as it goes out.
    pub fn render(&self) -> Response {
        let mut headers = self.headers.clone();
        if let Body::Redirect { to, parameters } = &self.body {
            headers.insert(0, header("location", &location(to, parameters)));
        }
        Response { status: self.status, headers, body: self.body_bytes() }
    }
}

/// The name under which an environment gives the parameters of the request that is answered.
pub fn request_parameters() -> Source {
    Source::Of { field: "parameters".to_owned(), of: "request".to_owned() }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A target with parameters in its query; each value as its bytes, so that what is not UTF-8 arrives as it is.
fn location(to: &str, parameters: &Wire) -> String {
    let Wire::Object(members) = parameters else { return to.to_owned() };
    let mut out = to.to_owned();
    for (name, value) in members {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
        out.push('=');
        out.extend(url::form_urlencoded::byte_serialize(&value.to_plain_bytes()));
    }
    out
}

//! An HTTP answer under construction, and what a fault does to it. Knows status, headers and body, and nothing of the
//! endpoint that gives it or the connection that takes it.

use std::io::Write as _;

use bytes::Bytes;

use crate::model::exchange::Response;
use crate::model::fault::ProviderName;
use crate::model::fault::{Encode, ErrorAnswer, Layer, Operations, Pace, Patch};
use crate::model::value::{Environment, Source, Unresolved};
use crate::model::wire::Wire;

use super::form_post;
use super::patch;

/// What an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Wire),
    /// Members as a form, as some token endpoints answer.
    Form(Wire),
    /// A page or any other text.
    Bytes(Bytes),
    /// A redirect: target without the parameters, and the parameters.
    Redirect {
        /// Where to.
        to: String,
        /// An object of texts.
        parameters: Wire,
        /// Where the parameters stand.
        carrier: Carrier,
    },
}

/// How an authorization response reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1;
/// OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carrier {
    /// A redirect with the parameters in its query.
    #[default]
    Query,
    /// A redirect with the parameters in its fragment.
    Fragment,
    /// A page that posts them.
    FormPost,
}

impl Carrier {
    /// Every one.
    pub const ALL: [Carrier; 3] = [Carrier::Query, Carrier::Fragment, Carrier::FormPost];

    /// As `response_mode` says it.
    pub fn name(self) -> &'static str {
        match self {
            Carrier::Query => "query",
            Carrier::Fragment => "fragment",
            Carrier::FormPost => "form_post",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Carrier> {
        Carrier::ALL.into_iter().find(|own| own.name() == name)
    }
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

/// Makes the dialect's own error answer.
pub type MakeError<'a> = &'a dyn Fn(&ErrorAnswer, &dyn Environment) -> Result<Answer, Unresolved>;

impl Answer {
    /// JSON that nobody may store (RFC 6749, section 5.1).
    pub fn json(status: u16, wire: Wire) -> Answer {
        let headers = vec![header("content-type", "application/json"), header("cache-control", "no-store")];
        Answer { status, headers, body: Body::Json(wire), pace: None }
    }

    /// Members as a form that nobody may store.
    pub fn form(status: u16, wire: Wire) -> Answer {
        let headers =
            vec![header("content-type", "application/x-www-form-urlencoded"), header("cache-control", "no-store")];
        Answer { status, headers, body: Body::Form(wire), pace: None }
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
        let body = Body::Redirect { to: to.to_owned(), parameters, carrier: Carrier::Query };
        Answer { status: 302, headers, body, pace: None }
    }

    /// A redirect carries its parameters so; anything else stays as it is.
    #[must_use]
    pub fn by(mut self, by: Carrier) -> Answer {
        if let Body::Redirect { carrier, .. } = &mut self.body {
            *carrier = by;
        }
        self
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

    /// Applies one patch to this answer; `error` makes the dialect's own error answer. For several, see
    /// [`Answer::apply_all`].
    ///
    /// # Errors
    /// A value that nobody knows, or an operation that cannot take effect here.
    pub fn apply(
        &mut self,
        patch: &Patch,
        error: MakeError<'_>,
        environment: &dyn Environment,
    ) -> Result<(), Unresolved> {
        self.apply_all(&[patch], error, environment)
    }

    /// Applies every patch that means this answer, operation by operation: errors first, then members, text, redirect
    /// and status, then HTTP headers, then encoding and pace. Within one operation the order is that of the patches.
    ///
    /// # Errors
    /// A value that nobody knows, or an operation that cannot take effect here.
    pub fn apply_all(
        &mut self,
        patches: &[&Patch],
        error: MakeError<'_>,
        environment: &dyn Environment,
    ) -> Result<(), Unresolved> {
        for patch in patches {
            check(patch)?;
        }
        let of = |layer: Layer| patches.iter().copied().filter(move |patch| patch.address.layer == layer);
        for code in of(Layer::Members).filter_map(|patch| patch.operations.error.as_ref()) {
            *self = error(code, environment)?;
        }
        for patch in of(Layer::Members) {
            self.change_content(patch, environment)?;
        }
        if let Some(status) = patches.iter().rev().find_map(|patch| patch.operations.status) {
            self.status = status;
        }
        let encodings: Vec<&Encode> = of(Layer::Members).filter_map(|patch| patch.operations.encode.as_ref()).collect();
        // How a redirect carries its parameters decides which headers there are.
        let early = matches!(self.body, Body::Redirect { .. });
        for encode in encodings.iter().filter(|_| early) {
            self.encode(encode)?;
        }
        for patch in of(Layer::Http) {
            self.change_headers(&patch.operations, environment)?;
        }
        for encode in encodings.iter().filter(|_| !early) {
            self.encode(encode)?;
        }
        if let Some(pace) = patches.iter().rev().find_map(|patch| patch.operations.send.as_ref()) {
            self.pace = Some(pace.clone());
        }
        Ok(())
    }

    fn change_content(&mut self, patch: &Patch, environment: &dyn Environment) -> Result<(), Unresolved> {
        let operations = &patch.operations;
        match &mut self.body {
            Body::Json(wire) | Body::Form(wire) | Body::Redirect { parameters: wire, .. } => {
                patch::apply(wire, operations, environment)?;
            }
            Body::Empty | Body::Bytes(_) if patch::changes_members(operations) => {
                return Err(Unresolved::text(format!("a member of {}, which has none here", patch.address)));
            }
            Body::Empty | Body::Bytes(_) => {}
        }
        let original = self.members();
        let with = patch::With { members: &original, behind: environment };
        if let Some(value) = &operations.replace {
            self.body = Body::Bytes(value.resolve(&with)?.to_plain_bytes().into());
        }
        if let Some(redirect) = &operations.redirect {
            let mut parameters = Wire::object();
            if redirect.carry {
                let carried = environment.source(&request_parameters());
                parameters = carried.ok_or_else(|| Unresolved::text("the request's parameters, to carry along,"))?;
            }
            for (name, value) in patch::resolved(&redirect.set, &original, environment)? {
                parameters.set(&name, value);
            }
            let to = redirect.to.resolve(&with)?.to_text();
            let body = std::mem::replace(&mut self.body, Body::Empty);
            *self = Answer { status: redirect.status, ..Answer::redirect(&to, parameters) };
            if operations.replace.is_some() {
                // Both in one patch: a redirect that carries a text.
                self.settle_location();
                self.body = body;
            }
        }
        Ok(())
    }

    fn change_headers(&mut self, operations: &Operations, environment: &dyn Environment) -> Result<(), Unresolved> {
        let lower = |name: &String| name.to_lowercase();
        let lowered = Operations {
            set: operations.set.iter().map(|(name, value)| (lower(name), value.clone())).collect(),
            drop: operations.drop.iter().map(lower).collect(),
            duplicate: operations.duplicate.iter().map(|(name, values)| (lower(name), values.clone())).collect(),
            ..Operations::default()
        };
        self.settle_location();
        let mut wire = Wire::object();
        for (name, value) in &self.headers {
            wire.push(name, value.as_str());
        }
        patch::apply(&mut wire, &lowered, environment)?;
        if let Wire::Object(members) = wire {
            self.headers = members.into_iter().map(|(name, value)| (name, value.to_text())).collect();
        }
        Ok(())
    }

    /// From here on, where a redirect goes is a header like any other, or a page.
    fn settle_location(&mut self) {
        let place = match &self.body {
            Body::Redirect { carrier: Carrier::Query, .. } => '?',
            Body::Redirect { carrier: Carrier::Fragment, .. } => '#',
            Body::Redirect { to, parameters, carrier: Carrier::FormPost } => {
                let page = form_post::page(to, parameters);
                // What was set beside the redirect, such as a cookie, goes along with the page.
                let own = std::mem::replace(&mut self.headers, page.headers);
                let more: Vec<_> =
                    own.into_iter().filter(|(name, _)| self.headers.iter().all(|(page, _)| page != name)).collect();
                self.headers.extend(more);
                self.status = if self.status == 302 { page.status } else { self.status };
                self.body = page.body;
                return;
            }
            _ => return,
        };
        if let Body::Redirect { to, parameters, .. } = &self.body {
            self.headers.insert(0, header("location", &location(to, parameters, place)));
            self.body = Body::Empty;
        }
    }

    fn members(&self) -> Wire {
        match &self.body {
            Body::Json(wire) | Body::Form(wire) | Body::Redirect { parameters: wire, .. } => wire.clone(),
            Body::Empty | Body::Bytes(_) => Wire::object(),
        }
    }

    fn encode(&mut self, encode: &Encode) -> Result<(), Unresolved> {
        if let Body::Redirect { carrier, .. } = &mut self.body {
            *carrier = match encode {
                Encode::Query => Carrier::Query,
                Encode::Fragment => Carrier::Fragment,
                Encode::FormPost => Carrier::FormPost,
                other => return Err(Unresolved::text(format!("the encoding {other:?} of a redirect"))),
            };
            // What changes headers comes after this, and is to find those that there will be.
            self.settle_location();
            return Ok(());
        }
        let body = self.body_bytes();
        let encoded = match encode {
            Encode::Bom => [&[0xef, 0xbb, 0xbf], body.as_ref()].concat(),
            Encode::Latin1 => latin1(&body)?,
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
            Body::Form(wire) => urlencoded(wire).into(),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    /// The answer as it goes out.
    pub fn render(&self) -> Response {
        if matches!(self.body, Body::Redirect { .. }) {
            let mut settled = self.clone();
            settled.settle_location();
            return settled.render();
        }
        Response { status: self.status, headers: self.headers.clone(), body: self.body_bytes() }
    }
}

/// What cannot take effect on an answer is an error: silence would be taken for a delivered fault.
fn check(patch: &Patch) -> Result<(), Unresolved> {
    let operations = &patch.operations;
    let refuse = |what: &str| Err(Unresolved::text(format!("`{what}` of {}", patch.address)));
    if operations.sign.is_some() {
        return refuse("sign");
    }
    if let Some(Pace::Certificate(_)) = operations.send {
        return Err(Unresolved::text("a certificate, which is shown before any answer,"));
    }
    match patch.address.layer {
        Layer::Members => Ok(()),
        Layer::Http => {
            let of_the_whole = operations.error.is_some()
                || operations.replace.is_some()
                || operations.redirect.is_some()
                || operations.encode.is_some();
            if of_the_whole { refuse("error, replace, redirect or encode") } else { Ok(()) }
        }
        Layer::Jose | Layer::Form => refuse("this layer"),
    }
}

/// The name under which an environment gives the parameters of the request that is answered.
pub fn request_parameters() -> Source {
    Source::Of { field: "parameters".to_owned(), of: "request".to_owned(), at: ProviderName::Main }
}

pub(super) fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Text in ISO 8859-1; what it cannot say becomes a question mark.
fn latin1(body: &[u8]) -> Result<Vec<u8>, Unresolved> {
    if body.is_ascii() {
        return Err(Unresolved::text("a difference that Latin-1 would make to plain ASCII"));
    }
    Ok(String::from_utf8_lossy(body).chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect())
}

/// Members as a form; each value as its bytes, so that what is not UTF-8 arrives as it is.
fn urlencoded(parameters: &Wire) -> String {
    let mut out = String::new();
    if let Wire::Object(members) = parameters {
        for (name, value) in members {
            if !out.is_empty() {
                out.push('&');
            }
            out.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
            out.push('=');
            out.extend(url::form_urlencoded::byte_serialize(&value.to_plain_bytes()));
        }
    }
    out
}

/// A target with parameters in its query (`?`), before a fragment that it has, or in its fragment (`#`).
fn location(to: &str, parameters: &Wire, place: char) -> String {
    let parameters = urlencoded(parameters);
    if parameters.is_empty() {
        return to.to_owned();
    }
    let (before, fragment) = to.split_once('#').map_or((to, None), |(before, fragment)| (before, Some(fragment)));
    if place == '#' {
        return format!("{before}#{parameters}");
    }
    let join = if before.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{before}{join}{parameters}{fragment}")
}

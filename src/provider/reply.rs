//! What an endpoint says, with everything that the choke point needs to let it out.

use serde_json::Value as Json;

use crate::model::dialect::{Dialect, ErrorEntry, Filling, standard};
use crate::model::fault::{Endpoint, ErrorAnswer, Grant, Message};
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::faults::Hit;
use super::ledger::Origin;
use super::mint::answer::Answer;
use super::state::random_id;

/// The answer of an endpoint.
pub(super) struct Reply {
    pub answer: Answer,
    /// As which endpoint the request is written down; `None`: one of the provider's own pages.
    pub endpoint: Option<Endpoint>,
    /// As which message the answer can be changed.
    pub message: Option<Message>,
    /// Whose it is; `None`: nobody's.
    pub origin: Option<Origin>,
    pub grant: Option<Grant>,
    /// Why it was refused, for people.
    pub note: Option<String>,
    /// Faults in objects that this answer carries.
    pub hits: Vec<Hit>,
    /// The parameters that a redirect of a fault may carry along.
    pub carried: Vec<(String, String)>,
}

impl Reply {
    /// An answer of an endpoint.
    pub fn of(endpoint: Endpoint, answer: Answer) -> Reply {
        Reply {
            answer,
            endpoint: Some(endpoint),
            message: Some(Message::Response(endpoint)),
            origin: None,
            grant: None,
            note: None,
            hits: Vec::new(),
            carried: Vec::new(),
        }
    }

    /// One of the provider's own pages.
    pub fn page(answer: Answer) -> Reply {
        Reply { endpoint: None, message: None, ..Reply::of(Endpoint::Authorization, answer) }
    }

    pub fn from(mut self, origin: Option<Origin>) -> Reply {
        self.origin = origin;
        self
    }

    pub fn because(mut self, note: impl Into<String>) -> Reply {
        self.note = Some(note.into());
        self
    }

    pub fn grant(mut self, grant: Option<Grant>) -> Reply {
        self.grant = grant;
        self
    }
}

/// What the body of an error says: by the dialect's template and table, else `error` and `error_description`.
pub(super) fn error_body(dialect: &Dialect, kind: &str, why: &str) -> Wire {
    body(dialect, &Filling::new(kind, why, dialect.error_entry(kind)))
}

fn body(dialect: &Dialect, filling: &Filling) -> Wire {
    match &dialect.errors.body {
        Some(template) => {
            let trace = random_id();
            let filling = filling.clone().with("trace", trace.get(..22).unwrap_or_default());
            Wire::from(Json::Object(filling.object(template)))
        }
        None => plain(filling),
    }
}

/// As the standard has it (RFC 6749, sections 4.1.2.1 and 5.2).
fn plain(filling: &Filling) -> Wire {
    let mut wire = Wire::object();
    wire.push("error", filling.text("{code}"));
    let message = filling.text("{message}");
    if !message.is_empty() {
        wire.push("error_description", message);
    }
    let uri = filling.text("{uri}");
    if !uri.is_empty() {
        wire.push("error_uri", uri);
    }
    wire
}

/// What goes back through the browser instead of a code: the person refused, or something is wrong.
pub(super) fn redirect_error(dialect: &Dialect, kind: &str, why: &str) -> Wire {
    redirected(dialect, kind, &Filling::new(kind, why, dialect.error_entry(kind)))
}

fn redirected(dialect: &Dialect, kind: &str, filling: &Filling) -> Wire {
    let rules = &dialect.authorization;
    let own = if standard(kind) == "access_denied" { &rules.denied } else { &rules.error };
    let Some(template) = own else { return plain(filling) };
    let mut wire = Wire::object();
    for (name, text) in template {
        wire.push(name, filling.text(text));
    }
    wire
}

/// The dialect's own error answer for a place: shape, status, challenge (RFC 6749, section 5.2; RFC 6750, section 3).
/// A kind is a code of the standard, or a finer one below it, behind a dot.
pub(super) fn error_answer(dialect: &Dialect, endpoint: Endpoint, kind: &str, why: &str) -> Answer {
    let entry = dialect.error_entry(kind);
    entry_answer(dialect, endpoint, kind, entry, &Filling::new(kind, why, entry))
}

/// The error answer of an entry of the error table.
pub(super) fn entry_answer(
    dialect: &Dialect,
    endpoint: Endpoint,
    kind: &str,
    entry: Option<&ErrorEntry>,
    filling: &Filling,
) -> Answer {
    let code = standard(kind);
    let usual = match (endpoint, code) {
        (Endpoint::Userinfo | Endpoint::Api, "insufficient_scope") => 403,
        (Endpoint::Userinfo | Endpoint::Api, "invalid_request") => 400,
        (Endpoint::Userinfo | Endpoint::Api, _) | (_, "invalid_client") => 401,
        (_, "temporarily_unavailable") => 503,
        (_, "server_error") => 500,
        _ => 400,
    };
    let status = entry.and_then(|entry| entry.status).unwrap_or(usual);
    let mut answer = Answer::json(status, body(dialect, filling));
    if !dialect.errors.headers.is_empty() {
        for (name, text) in &dialect.errors.headers {
            let text = filling.text(text);
            if !text.is_empty() {
                answer = answer.with(name, &text);
            }
        }
        return answer;
    }
    match endpoint {
        Endpoint::Userinfo | Endpoint::Api => {
            let challenge = filling.text("Bearer error=\"{error}\", error_description=\"{message}\"");
            answer.with("www-authenticate", &challenge)
        }
        _ if status == 401 => answer.with("www-authenticate", "Basic realm=\"token\""),
        _ => answer,
    }
}

/// The error answer that a fault asks for, by a code of the standard or by the dialect's own. At the authorization
/// endpoint it goes back through the browser, so it keeps `state` and `iss`. `styled` gives the answer of a place whose
/// errors have a style of their own.
pub(super) fn faulty_error(
    dialect: &Dialect,
    endpoint: Endpoint,
    before: &Answer,
    error: &ErrorAnswer,
    environment: &dyn Environment,
    styled: &dyn Fn(&Filling) -> Option<Answer>,
) -> Result<Answer, Unresolved> {
    use super::mint::answer::Body;
    let text = |value: &Option<crate::model::value::Value>| {
        value.as_ref().map(|value| value.resolve(environment).map(|wire| wire.to_text())).transpose()
    };
    let (description, uri) = (text(&error.description)?, text(&error.uri)?);
    let entry = dialect.error_named(&error.code, error.subcode.as_deref());
    let kind = entry.and_then(|entry| entry.kinds.first()).map_or(error.code.as_str(), String::as_str);
    let redirect = matches!(before.body, Body::Redirect { .. });
    let mut filling = Filling::new(kind, if redirect { "" } else { "as the fault says" }, entry);
    if entry.is_none() {
        let number = error.code.parse::<i64>().ok().map(Json::from);
        filling = filling.with("code", number.unwrap_or_else(|| Json::from(error.code.as_str())));
        if let Some(subcode) = &error.subcode {
            let number = subcode.parse::<i64>().ok().map(Json::from);
            filling = filling.with("subcode", number.unwrap_or_else(|| Json::from(subcode.as_str())));
        }
    }
    if let Some(description) = description {
        filling = filling.with("message", description);
    }
    if let Some(uri) = uri {
        filling = filling.with("uri", uri);
    }
    if let Body::Redirect { to, parameters, carrier } = &before.body {
        let mut members = redirected(dialect, kind, &filling);
        for kept in ["state", "iss"] {
            if let Some(value) = parameters.get(kept) {
                members.push(kept, value.clone());
            }
        }
        return Ok(Answer::redirect(to, members).by(*carrier));
    }
    Ok(styled(&filling).unwrap_or_else(|| entry_answer(dialect, endpoint, kind, entry, &filling)))
}

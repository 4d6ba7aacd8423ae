//! What an endpoint says, with everything that the choke point needs to let it out.

use crate::model::dialect::Dialect;
use crate::model::fault::{Endpoint, ErrorAnswer, Grant, Message};
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::faults::Hit;
use super::ledger::Origin;
use super::mint::answer::Answer;

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

/// The dialect's error members.
pub(super) fn error_members(dialect: &Dialect, code: &str, description: Option<&str>) -> Wire {
    let mut wire = Wire::object();
    wire.push(dialect.error_member("error"), code);
    if let Some(description) = description {
        wire.push(dialect.error_member("description"), description);
    }
    wire
}

/// The dialect's own error answer for a place: shape, status, challenge (RFC 6749, section 5.2; RFC 6750, section 3).
pub(super) fn error_answer(dialect: &Dialect, endpoint: Endpoint, code: &str, description: &str) -> Answer {
    let members = error_members(dialect, code, Some(description));
    match endpoint {
        Endpoint::Userinfo | Endpoint::Api => {
            let status = match code {
                "insufficient_scope" => 403,
                "invalid_request" => 400,
                _ => 401,
            };
            let challenge = format!("Bearer error=\"{code}\", error_description=\"{description}\"");
            Answer::json(status, members).with("www-authenticate", &challenge)
        }
        _ => {
            let status = match code {
                "invalid_client" => 401,
                "temporarily_unavailable" => 503,
                "server_error" => 500,
                _ => 400,
            };
            let answer = Answer::json(status, members);
            if status == 401 { answer.with("www-authenticate", "Basic realm=\"token\"") } else { answer }
        }
    }
}

/// The error answer that a fault asks for. At the authorization endpoint it goes back through the browser, so it
/// keeps `state` and `iss`.
pub(super) fn faulty_error(
    dialect: &Dialect,
    endpoint: Endpoint,
    before: &Answer,
    error: &ErrorAnswer,
    environment: &dyn Environment,
) -> Result<Answer, Unresolved> {
    use super::mint::answer::Body;
    let text = |value: &Option<crate::model::value::Value>| {
        value.as_ref().map(|value| value.resolve(environment).map(|wire| wire.to_text())).transpose()
    };
    let (description, uri) = (text(&error.description)?, text(&error.uri)?);
    if let Body::Redirect { to, parameters, carrier } = &before.body {
        let mut members = error_members(dialect, &error.code, description.as_deref());
        if let Some(uri) = uri {
            members.push(dialect.error_member("uri"), uri);
        }
        for kept in ["state", "iss"] {
            if let Some(value) = parameters.get(kept) {
                members.push(kept, value.clone());
            }
        }
        return Ok(Answer::redirect(to, members).by(*carrier));
    }
    let mut answer =
        error_answer(dialect, endpoint, &error.code, description.as_deref().unwrap_or("as the fault says"));
    if let (Some(uri), Body::Json(wire)) = (uri, &mut answer.body) {
        wire.push(dialect.error_member("uri"), uri);
    }
    Ok(answer)
}

//! How the Graph of the time answers: content type, JSONP, and errors in the style of draft 00 or draft 10 of OAuth 2.0.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::dialect::{Filling, standard};
use crate::model::fault::Endpoint;
use crate::model::wire::Wire;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::{Answer, Body};
use crate::provider::reply::{Reply, error_answer};
use crate::provider::state::Shared;

/// One call of the Graph or of `restserver.php`: its request, and as which message its answer can be changed.
pub struct Call<'a> {
    pub shared: &'a Arc<Shared>,
    pub inbound: &'a Inbound,
    pub endpoint: Endpoint,
    /// Whose answer it is, once that is known.
    pub origin: Option<Origin>,
}

impl Call<'_> {
    /// A parameter, wherever it stands.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        one(&self.inbound.form, name).or_else(|| one(&self.inbound.query, name))
    }

    /// What is to be done: `POST` may say another method, and so may a JSONP call.
    pub fn method(&self) -> String {
        let own = self.inbound.request.method.as_str();
        let jsonp = own == "GET" && self.callback().is_some();
        let said = self.parameter("method").filter(|_| own == "POST" || jsonp);
        said.unwrap_or(own).to_ascii_uppercase()
    }

    /// The function that a JSONP call names: letters, digits, `_`, `.`, `[`, `]` only.
    fn callback(&self) -> Option<&str> {
        let name = one(&self.inbound.query, "callback")?;
        let safe = |c: char| c.is_ascii_alphanumeric() || "_.[]$".contains(c);
        (!name.is_empty() && name.len() <= 200 && name.chars().all(safe)).then_some(name)
    }

    /// An option of the dialect, as it is for this attempt.
    pub fn option(&self, name: &str) -> Json {
        let attempt = self.origin.as_ref().map_or_else(|| self.shared.default_attempt(), |own| own.attempt.clone());
        attempt.inner().options.more.get(name).cloned().unwrap_or_default()
    }

    /// A good answer.
    pub fn good(&self, body: impl Into<Wire>) -> Reply {
        self.sent(Answer::json(200, body.into()))
    }

    /// A refusal: a kind of the error table, and what there is to say about it.
    pub fn refused(&self, kind: &str, detail: &str) -> Reply {
        let dialect = &self.shared.dialect;
        let mut answer = error_answer(dialect, self.endpoint, kind, detail);
        if self.parameter("client_id").is_some() || self.option("draft10") == true {
            let filling = Filling::new(kind, detail, dialect.error_entry(kind));
            let mut body = Wire::object();
            body.push("error", standard(kind));
            body.push("error_description", filling.text("{message}"));
            answer.body = Body::Json(body);
        }
        if let (true, Some(status)) = (kind == "unknown_alias", self.option("unknown_alias_status").as_u64()) {
            answer.status = u16::try_from(status).unwrap_or(404);
        }
        let is_190 = dialect.error_entry(kind).and_then(|entry| entry.code.as_ref()).is_some_and(|code| *code == 190);
        if let (true, Some(status)) = (is_190, self.option("status_of_190").as_u64()) {
            answer.status = u16::try_from(status).unwrap_or(400);
        }
        if self.option("www_authenticate") == false {
            answer.headers.retain(|(name, _)| name != "www-authenticate");
        }
        self.sent(answer).because(format!("{}: {detail}", standard(kind)))
    }

    /// An answer with the headers of the time, and in a call of a function where the request names one.
    pub fn sent(&self, mut answer: Answer) -> Reply {
        let kind = self.option("graph_content_type");
        if let (Some(kind), Some((_, own))) =
            (kind.as_str(), answer.headers.iter_mut().find(|(name, _)| name == "content-type"))
        {
            kind.clone_into(own);
        }
        answer = answer.with("access-control-allow-origin", "*");
        if let (Some(callback), Body::Json(body)) = (self.callback(), &answer.body) {
            // A script is run only under 200, so an error is told in the body alone.
            answer.status = 200;
            answer.body = Body::Bytes(format!("{callback}({});", body.to_json()).into());
        }
        Reply::of(self.endpoint, answer).from(self.origin.clone())
    }
}

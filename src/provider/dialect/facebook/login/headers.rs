//! The headers of every answer of the Graph API: which version answers, how much of the app's limit is used, traces.
//!
//! How much is used of the limits of business use cases (`X-Business-Use-Case-Usage`) is told by other APIs than those
//! that a login opens, and not here.

use serde_json::{Value as Json, json};

use crate::model::wire::Wire;
use crate::provider::inbound::Inbound;
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::{Answer, Body};
use crate::provider::state::{Shared, random_id};

/// What an option of the dialect says for whoever asks, who may be nobody in particular.
fn option(shared: &Shared, origin: Option<&Origin>, name: &str) -> Json {
    let attempt = origin.map_or_else(|| shared.default_attempt(), |origin| origin.attempt.clone());
    attempt.inner().options.more.get(name).cloned().unwrap_or_default()
}

/// Whether an answer tells of a token that is no good.
fn is_190(answer: &Answer) -> bool {
    let Body::Json(body) = &answer.body else { return false };
    answer.status == 400 && body.get("error").and_then(|error| error.get("code")) == Some(&Wire::from(190))
}

/// An answer with the headers that every one has.
pub(super) fn dressed(shared: &Shared, inbound: &Inbound, origin: Option<&Origin>, mut answer: Answer) -> Answer {
    if !inbound.path.starts_with("/graph/") {
        return answer;
    }
    for (name, value) in &mut answer.headers {
        if name == "content-type" && value == "application/json" {
            *value = "application/json; charset=UTF-8".to_owned();
        }
    }
    if option(shared, origin, "www_authenticate") == false {
        answer.headers.retain(|(name, _)| name != "www-authenticate");
    }
    if let (true, Some(status)) = (is_190(&answer), option(shared, origin, "status_of_190").as_u64()) {
        answer.status = u16::try_from(status).unwrap_or(400);
    }
    let meant = || option(shared, origin, "version").as_str().map(str::to_owned);
    let version = inbound.version.clone().or_else(meant).unwrap_or_default();
    let used = option(shared, origin, "usage").as_i64().unwrap_or_default();
    let usage = json!({ "call_count": used, "total_time": used, "total_cputime": used });
    let id = random_id();
    let more = [
        ("access-control-allow-origin", "*".to_owned()),
        ("facebook-api-version", version),
        ("x-app-usage", usage.to_string()),
        ("x-fb-trace-id", id[..11.min(id.len())].to_owned()),
        ("x-fb-rev", "1".to_owned()),
        ("x-fb-debug", id),
    ];
    for (name, value) in more {
        if !answer.headers.iter().any(|(own, _)| own == name) {
            answer = answer.with(name, &value);
        }
    }
    answer
}

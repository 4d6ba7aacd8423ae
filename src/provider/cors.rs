//! What scripts of other sites may do here (Fetch, section 3.2): ask the endpoints that a browser application needs, and
//! read their answers. Never with cookies: the pages and the authorization endpoint are for people.

use crate::model::fault::Endpoint;

use super::TAG_HEADER;
use super::inbound::Inbound;
use super::mint::answer::Answer;
use super::reply::Reply;
use super::server;
use super::state::Shared;

/// The answer to a preflight; `None`: it is none, or asks for what is not for scripts.
pub(super) fn preflight(shared: &Shared, inbound: &Inbound) -> Option<Answer> {
    if inbound.request.method != "OPTIONS" || inbound.header("origin").is_none() {
        return None;
    }
    inbound.header("access-control-request-method")?;
    let (endpoint, methods) = server::methods(shared, &inbound.path)?;
    if !is_open(endpoint) {
        return None;
    }
    let answer = Answer::empty(204)
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-methods", methods)
        .with("access-control-allow-headers", &format!("authorization, content-type, {TAG_HEADER}"))
        .with("access-control-max-age", "600");
    Some(answer)
}

/// The answer may be read by the site that asked.
pub(super) fn readable(inbound: &Inbound, mut reply: Reply) -> Reply {
    let known = reply.answer.headers.iter().any(|(name, _)| name == "access-control-allow-origin");
    if inbound.header("origin").is_some() && is_open(reply.endpoint) && reply.message.is_some() && !known {
        reply.answer = reply
            .answer
            .with("access-control-allow-origin", "*")
            .with("access-control-expose-headers", "www-authenticate");
    }
    reply
}

/// No endpoint stands for registration, which carries no cookies either.
fn is_open(endpoint: Option<Endpoint>) -> bool {
    !matches!(
        endpoint,
        None | Some(Endpoint::Authorization | Endpoint::EndSession | Endpoint::CheckSession | Endpoint::Introspection)
    )
}

//! Front-channel logout (OpenID Connect Front-Channel Logout 1.0): the addresses that a page of this provider loads in
//! frames when a session ends. It loads none itself, a browser does.

use std::sync::PoisonError;

use url::Url;

use crate::model::case::{Notify, Via};
use crate::model::exchange::{Cause, FaultId};
use crate::model::fault::{Layer, Message, Object};
use crate::model::wire::Wire;

use super::environment::Surroundings;
use super::faults::{self, MessageFacts};
use super::ledger::Origin;
use super::mint::answer::{Answer, Body};
use super::mint::patch;
use super::state::{AttemptState, Shared};
use super::{Notified, NotifyError, pages};

/// Seconds until the page of frames leads on by itself.
const REST: u32 = 1;

/// The address that ends a person's session in the browser of `cause`, with whatever faults change of it.
pub(super) fn notice(
    shared: &Shared,
    attempt: &AttemptState,
    notify: &Notify,
    to: &str,
    cause: &Cause,
) -> Result<Notified, NotifyError> {
    if notify.via != Via::Frame {
        return Err(NotifyError::NotBuilt("frontchannel_logout in another way than by a frame".to_owned()));
    }
    let login = {
        let inner = attempt.inner();
        let mut own = inner.logins.iter().rev();
        own.find(|login| login.person == notify.about && login.browser == cause.browser).cloned()
    };
    let login = login.ok_or_else(|| NotifyError::NoSession(notify.about.clone()))?;
    let facts =
        MessageFacts { person: Some(notify.about.clone()), grant: None, path: to.to_owned(), login: cause.tab.clone() };
    let hits = faults::take(attempt, shared.name, &Message::Object(Object::FrontchannelLogout), &facts);
    let surroundings = Surroundings { shared, attempt, request: &[] };
    let mut members = members(shared, &login.sid);
    for hit in hits.iter().filter(|hit| hit.patch.address.layer == Layer::Members) {
        patch::apply(&mut members, &hit.patch.operations, &surroundings)?;
    }
    let faults: Vec<FaultId> = hits.iter().map(|hit| hit.fault).collect();
    Ok(Notified::Frame { url: with(to, &members), faults })
}

/// `iss` and `sid`: whoever gets one gets both (section 2).
fn members(shared: &Shared, sid: &str) -> Wire {
    let mut members = Wire::object();
    members.push("iss", shared.issuer.as_str());
    members.push("sid", sid);
    members
}

/// The registered address keeps the query that it has (section 2).
fn with(to: &str, members: &Wire) -> String {
    let Ok(mut url) = Url::parse(to) else { return to.to_owned() };
    if let Wire::Object(members) = members {
        let pairs = members.iter().map(|(name, value)| (name, value.to_text()));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.into()
}

/// What has to be loaded for a session that has ended: of every client that it was used at, but for the one that has
/// signed the person out itself.
pub(super) fn frames(shared: &Shared, sid: &str, origin: &Origin, but: Option<&str>) -> Vec<String> {
    let clients = shared.clients.read().unwrap_or_else(PoisonError::into_inner);
    let inner = origin.attempt.inner();
    let used = |id: &str| inner.logins.iter().any(|login| login.sid == sid && login.client_id == id);
    clients
        .values()
        .filter(|client| but != Some(client.id.as_str()) && used(&client.id))
        .filter_map(|client| Some(with(client.frontchannel_logout_uri.as_deref()?, &members(shared, sid))))
        .collect()
}

/// The page that loads them, and leads on to where the person was going.
pub(super) fn page(frames: &[String], onward: Option<&str>) -> Answer {
    let origins = frames.iter().filter_map(|frame| Some(Url::parse(frame).ok()?.origin().ascii_serialization()));
    let mut origins: Vec<String> = origins.collect();
    origins.sort();
    origins.dedup();
    let mut answer = Answer::page(200, pages::signed_out(frames, onward.map(|to| (to, REST))));
    for (name, value) in &mut answer.headers {
        if name == "content-security-policy" {
            value.push_str(&format!("; frame-src {}", origins.join(" ")));
        }
    }
    answer
}

/// Where a redirect leads, as one address.
pub(super) fn address(answer: &Answer) -> Option<String> {
    match &answer.body {
        Body::Redirect { to, parameters, .. } => Some(with(to, parameters)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_query_stays_and_values_are_encoded() {
        let mut members = Wire::object();
        members.push("iss", "http://localhost:9400/a b");
        let url = with("http://127.0.0.1:3000/out?keep=1", &members);
        assert_eq!(url, "http://127.0.0.1:3000/out?keep=1&iss=http%3A%2F%2Flocalhost%3A9400%2Fa+b");
    }

    #[test]
    fn the_page_may_frame_those_origins_and_no_others() {
        let frames = ["http://127.0.0.1:3000/out?sid=1&x=\"><script>".to_owned(), "http://127.0.0.1:3000/b".to_owned()];
        let answer = page(&frames, Some("http://127.0.0.1:3000/bye"));
        let policy = answer.headers.iter().find(|(name, _)| name == "content-security-policy").unwrap();
        assert!(policy.1.ends_with("; frame-src http://127.0.0.1:3000"), "{policy:?}");
        let Body::Bytes(html) = &answer.body else { panic!("a page") };
        let html = String::from_utf8_lossy(html);
        assert!(html.contains("content=\"1;url=http://127.0.0.1:3000/bye\"") && !html.contains("<script>"), "{html}");
    }
}

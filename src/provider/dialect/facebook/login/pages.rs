//! What a person does at the site itself: sees which apps she has let in, removes one, signs out.

use std::sync::Arc;

use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::super::apps;

/// What tells an app that somebody removed it.
pub(super) const CALLBACKS: [(&str, &str); 1] = [("deauthorize", "signed_request")];

/// A page of the site; `None`: none of these.
pub(super) fn answer(shared: &Arc<Shared>, inbound: &Inbound, rest: &str, tagged: Option<&Origin>) -> Option<Reply> {
    let method = inbound.request.method.as_str();
    match (method, rest.trim_end_matches('/')) {
        ("GET", "logout.php") => Some(logout(shared, inbound, tagged)),
        _ => apps::answer(shared, inbound, rest, tagged, &CALLBACKS),
    }
}

/// Ends the session at the site and goes on to `next`, if that is an address of an app.
fn logout(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let known = apps::signed_in(shared, inbound, tagged);
    if let Some((_, id, _)) = &known
        && let Some(session) = shared.ledger().sessions.get_mut(id)
    {
        session.ended = true;
    }
    let next = one(&inbound.query, "next").unwrap_or_default();
    let of_an_app = {
        let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let origin_of = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
        let next = origin_of(next);
        next.is_some() && clients.values().flat_map(|own| &own.redirect_uris).any(|own| origin_of(own) == next)
    };
    let origin = known.map(|(origin, ..)| origin).or_else(|| tagged.cloned());
    if of_an_app {
        return Reply::page(Answer::redirect(next, crate::model::wire::Wire::object())).from(origin);
    }
    Reply::page(Answer::page(200, pages::done("Signed out", "You are signed out of this site."))).from(origin)
}

//! Who is signed in at the provider in the browser that asks, and how a session begins. It knows cookies, and no requests
//! and pages.

use std::sync::Arc;

use super::check_session;
use super::cookies::{embedded_cookie, session_cookie};
use super::inbound::{Inbound, one};
use super::ledger::{Origin, Session};
use super::state::{AttemptState, Shared, random_id};

/// The session of the browser that asks, if it is one of the same attempt and still good.
pub(super) fn session_of(shared: &Shared, inbound: &Inbound, origin: &Origin) -> Option<(String, Session)> {
    let own = inbound.cookie(session_cookie(shared)).and_then(|id| session_in(shared, id, origin));
    // Asked without a page by a frame in a page of another site: there a browser holds that cookie back.
    let silent = check_session::is_on(shared) && one(inbound.parameters(), "prompt") == Some("none");
    own.or_else(|| silent.then(|| embedded_session_of(shared, inbound, origin)).flatten())
}

/// The same as pages of other sites see it.
pub(super) fn embedded_session_of(shared: &Shared, inbound: &Inbound, origin: &Origin) -> Option<(String, Session)> {
    session_in(shared, inbound.cookie(&embedded_cookie(shared))?, origin)
}

fn session_in(shared: &Shared, id: &str, origin: &Origin) -> Option<(String, Session)> {
    let session = shared.ledger().sessions.get(id).cloned()?;
    let same = session.origin.attempt.id == origin.attempt.id && !session.ended;
    let locked = origin.attempt.inner().locked.contains(&session.person);
    (same && !locked).then(|| (id.to_owned(), session))
}

/// A login of whoever comes without an attempt.
pub(super) fn new_login(attempt: &Arc<AttemptState>) -> Origin {
    Origin { attempt: Arc::clone(attempt), browser: String::new(), tab: random_id(), person: None }
}

/// Somebody is signed in from now on: the session, its id, and the origin of whatever follows.
pub(super) fn begin_session(shared: &Shared, origin: &Origin, person: &str) -> (Origin, String, Session) {
    let origin = Origin { person: Some(person.to_owned()), ..origin.clone() };
    let session = Session {
        origin: origin.clone(),
        person: person.to_owned(),
        sid: random_id(),
        auth_time: origin.attempt.now(),
        ended: false,
    };
    let id = random_id();
    shared.ledger().sessions.insert(id.clone(), session.clone());
    (origin, id, session)
}

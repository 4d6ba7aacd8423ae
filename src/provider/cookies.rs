//! The cookies by which the provider knows a browser again: its session, and the request that waits in it. They know
//! names and attributes, and nothing of what they stand for.

use crate::model::fault::ProviderName;

use super::check_session;
use super::dialect::Adapter;
use super::mint::answer::Answer;
use super::state::Shared;

/// Cookie of the browser's session at the provider. Cookies ignore ports, so each provider has a name of its own.
pub(super) fn session_cookie(shared: &Shared) -> &'static str {
    match shared.name {
        ProviderName::Main => "cs_session",
        ProviderName::Other => "cs_session_other",
        ProviderName::Attacker => "cs_session_attacker",
    }
}

/// Cookie that binds a waiting request to the browser that brought it.
pub(super) fn browser_cookie(shared: &Shared) -> &'static str {
    match shared.name {
        ProviderName::Main => "cs_browser",
        ProviderName::Other => "cs_browser_other",
        ProviderName::Attacker => "cs_browser_attacker",
    }
}

/// Cookie that stands for the session where a script may read it.
pub(super) fn state_cookie(shared: &Shared) -> &'static str {
    match shared.name {
        ProviderName::Main => "cs_state",
        ProviderName::Other => "cs_state_other",
        ProviderName::Attacker => "cs_state_attacker",
    }
}

/// The cookie of a session that goes along with what pages of other sites ask.
pub(super) fn embedded_cookie(shared: &Shared) -> String {
    format!("{}_embedded", session_cookie(shared))
}

/// The browser knows the session from this answer on.
pub(super) fn remembered_by(shared: &Shared, answer: Answer, id: &str) -> Answer {
    let answer = answer.with("set-cookie", &cookie(shared, session_cookie(shared), id));
    let answer = check_session::remembered_by(shared, answer, Some(id));
    if !shared.adapter.is_some_and(Adapter::is_embedded) && !check_session::is_on(shared) {
        return answer;
    }
    let (name, path) = (embedded_cookie(shared), &shared.prefix);
    answer.with("set-cookie", &format!("{name}={id}; Path={path}/; HttpOnly; Secure; SameSite=None"))
}

/// For the pages of this issuer alone: another one behind the same address has cookies of its own. Where browsers come over
/// https, it goes over https only.
pub(super) fn cookie(shared: &Shared, name: &str, value: &str) -> String {
    let secure = shared.everyday.base("authorization", &shared.issuer).starts_with("https://");
    let secure = if secure { " Secure;" } else { "" };
    format!("{name}={value}; Path={}/; HttpOnly;{secure} SameSite=Lax", shared.prefix)
}

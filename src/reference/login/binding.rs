//! Which login an answer belongs to: that of the same browser with the same state, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use crate::reference::detour;
use crate::reference::state::{App, Session, Transaction};
use crate::reference::web::Visit;

/// Takes the login that this answer belongs to off those under way: nobody can finish it a second time.
pub(super) fn take(app: &App, visit: &Visit, session: Option<&(String, Session)>) -> Option<Transaction> {
    let found = transaction(app, visit, session.map(|(_, session)| session))?;
    let Some((id, seen)) = session else { return Some(found) };
    let is_it = |login: &Transaction| login.state == found.state;
    if app.flaws.has("code-replayed") || !seen.logins.iter().any(is_it) {
        return Some(found);
    }
    // Of two answers that come at the same time, one finds it gone.
    let mut inner = app.inner();
    let logins = &mut inner.sessions.get_mut(id)?.logins;
    logins.remove(logins.iter().rposition(is_it)?)?;
    Some(found)
}

/// The login that this answer belongs to.
pub(super) fn transaction(app: &App, visit: &Visit, session: Option<&Session>) -> Option<Transaction> {
    let state = visit.query.get("state").filter(|state| !state.is_empty());
    let own = || session.into_iter().flat_map(|session| session.logins.iter().rev());
    // What a partner without a binding would go on with: the browser's last login, or nothing at all.
    let any = || {
        own().next().cloned().unwrap_or_else(|| Transaction {
            return_to: "/".to_owned(),
            asked: app.asked(),
            ..Transaction::default()
        })
    };
    if app.odd.has("state-in-signed-cookie") {
        let under_way = detour::unsealed(app, visit.login.as_deref()?)?;
        return (state == Some(&under_way.state)).then_some(under_way);
    }
    if app.odd.has("pkce-alone") {
        // What another browser began is redeemed with this one's verifier, and the provider refuses that.
        return own().next().cloned();
    }
    let flaw = |id: &str| app.flaws.has(id);
    if flaw("skip-state") || flaw("no-csrf-defence") {
        return Some(any());
    }
    if flaw("state-missing-ok") && !visit.query.contains_key("state") {
        return Some(any());
    }
    let state = state?;
    if flaw("state-only-presence") {
        return Some(any());
    }
    if flaw("state-constant") {
        return (*state == app.constant).then(any);
    }
    if flaw("state-reused") {
        return (session?.kept_state.as_ref() == Some(state)).then(any);
    }
    if flaw("state-unsigned-json") {
        let believed: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(state).ok()?).ok()?;
        let return_to = believed.get("return_to")?.as_str()?.to_owned();
        return Some(Transaction { return_to, ..any() });
    }
    if flaw("code-not-bound-to-browser") {
        return app.inner().everybodys_logins.iter().find(|login| login.state == *state).cloned();
    }
    if flaw("state-not-bound-to-session") {
        let known = app.inner().everybodys_logins.iter().any(|login| login.state == *state);
        return known.then(any);
    }
    if flaw("state-prefix-compare") {
        let prefix = |text: &str| text.chars().take(8).collect::<String>();
        return own().find(|login| prefix(&login.state) == prefix(state)).cloned();
    }
    // The login was begun with the provider whose answer this is.
    let here = |login: &Transaction| app.has_one_callback() || login.issuer == app.config.issuer;
    own().find(|login| login.state == *state && here(login)).cloned()
}

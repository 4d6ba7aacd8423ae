//! The settings page of a person: she sees which apps she has let in, and removes one; and what it means that an app is
//! removed.

use std::sync::Arc;

use crate::provider::authorize;
use crate::provider::dialect::{held, notify};
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{Origin, Session};
use crate::provider::mint::answer::Answer;
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

/// Where the settings are.
const SETTINGS: &str = "/www/settings/apps";

/// Callbacks of an app that hear of its removal, each with the message that goes there.
pub(super) type Callbacks = [(&'static str, &'static str)];

/// The settings, below `/www/`; `None`: none of their pages.
pub(super) fn answer(
    shared: &Arc<Shared>,
    inbound: &Inbound,
    rest: &str,
    tagged: Option<&Origin>,
    callbacks: &Callbacks,
) -> Option<Reply> {
    let method = inbound.request.method.as_str();
    match (method, rest.trim_end_matches('/')) {
        ("GET" | "HEAD", "settings/apps") => Some(settings(shared, inbound, tagged, None)),
        ("POST", "settings/apps/remove") => Some(remove(shared, inbound, tagged, callbacks)),
        _ => None,
    }
}

/// The person who is signed in at the site in this browser.
pub(super) fn signed_in(
    shared: &Shared,
    inbound: &Inbound,
    tagged: Option<&Origin>,
) -> Option<(Origin, String, Session)> {
    let origin = tagged.cloned().unwrap_or_else(|| shared.default_origin());
    let (id, session) = authorize::session_of(shared, inbound, &origin)?;
    Some((Origin { person: Some(session.person.clone()), ..origin }, id, session))
}

fn settings(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>, said: Option<&str>) -> Reply {
    let Some((origin, _, session)) = signed_in(shared, inbound, tagged) else {
        let text = "Sign in through one of your apps first; what it may see stands here afterwards.";
        return Reply::page(Answer::page(200, pages::done("Nobody is signed in", text))).from(tagged.cloned());
    };
    let name = origin.attempt.person(&session.person).and_then(|person| person.text("name"));
    let mut content = format!("<p>Signed in as {}.</p>\n", pages::escaped(&name.unwrap_or(session.person)));
    if let Some(said) = said {
        content += &format!("<p role=\"status\">{}</p>\n", pages::escaped(said));
    }
    let let_in = apps(&origin);
    if let_in.is_empty() {
        content += "<p>No app may see anything of you.</p>\n";
    }
    let action = shared.public_path(&format!("{SETTINGS}/remove"));
    for (client, scopes) in let_in {
        let says = |scope: &String| {
            let says = shared.dialect.scopes.get(scope).map(|own| own.says.clone()).unwrap_or_default();
            format!("<li>{} <small>({})</small></li>\n", pages::escaped(&says), pages::escaped(scope))
        };
        let list: String = scopes.iter().map(says).collect();
        let button = pages::buttons(&[("decision", "remove", &format!("Remove {client}"))]);
        content += &format!("<h2>{}</h2>\n<p>It may:</p>\n<ul>\n{list}</ul>\n", pages::escaped(&client));
        content += &pages::form("remove", &action, &[("app", &client)], &button);
    }
    let title = format!("Apps and websites at {}", shared.dialect.title);
    Reply::page(Answer::page(200, pages::frame(&title, &content))).from(Some(origin))
}

/// Removes an app, and tells it so where it registered a callback for that.
fn remove(shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>, callbacks: &Callbacks) -> Reply {
    let Some((origin, ..)) = signed_in(shared, inbound, tagged) else {
        return settings(shared, inbound, tagged, None);
    };
    let app = one(&inbound.form, "app").unwrap_or_default();
    if !apps(&origin).iter().any(|(client, _)| client == app) {
        return settings(shared, inbound, tagged, Some("This app may not see anything of you."));
    }
    uninstall(shared, &origin, app);
    tell_removed(shared, &origin, app, callbacks);
    settings(shared, inbound, tagged, Some(&format!("{app} is removed.")))
}

/// Tells an app that a person removed it, by every callback that it registered.
pub(super) fn tell_removed(shared: &Arc<Shared>, origin: &Origin, client_id: &str, callbacks: &Callbacks) {
    let Some(client) = shared.client(client_id) else { return };
    for (endpoint, send) in callbacks {
        if let Some(to) = client.callbacks.get(*endpoint) {
            notify::tell(shared, origin, client_id, (endpoint, send), to.clone());
        }
    }
}

/// The app is removed: nothing is granted any more, its tokens are dead, and it asks as for the first time.
pub(super) fn uninstall(shared: &Shared, origin: &Origin, client_id: &str) {
    let person = origin.person.clone().unwrap_or_default();
    let key = held::key(&shared.dialect, &person, client_id);
    {
        let mut inner = origin.attempt.inner();
        inner.grants.insert(key.clone(), Vec::new());
        inner.declined.remove(&key);
        inner.granted_at.remove(&key);
    }
    let mut ledger = shared.ledger();
    let own = |other: &Origin| Arc::ptr_eq(&other.attempt, &origin.attempt) && other.person.as_ref() == Some(&person);
    let tokens = ledger.access.values_mut().filter(|token| own(&token.origin) && token.client_id == client_id);
    tokens.for_each(|token| token.revoked = true);
}

/// Every app that a person permits something, with what.
pub(super) fn apps(origin: &Origin) -> Vec<(String, Vec<String>)> {
    let person = origin.person.clone().unwrap_or_default();
    let inner = origin.attempt.inner();
    let own = inner.grants.iter().filter(|((name, _), scopes)| *name == person && !scopes.is_empty());
    own.map(|((_, client), scopes)| (client.clone(), scopes.clone())).collect()
}

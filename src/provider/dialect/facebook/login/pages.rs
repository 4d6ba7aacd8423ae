//! What a person does at the site itself: sees which apps she has let in, removes one, signs out.

use std::sync::Arc;

use crate::provider::authorize;
use crate::provider::dialect::notify;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{Origin, Session};
use crate::provider::mint::answer::Answer;
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::permissions;

/// Where the settings are.
const SETTINGS: &str = "/www/settings/apps";

/// A page of the site; `None`: none of these.
pub(super) fn answer(shared: &Arc<Shared>, inbound: &Inbound, rest: &str, tagged: Option<&Origin>) -> Option<Reply> {
    let method = inbound.request.method.as_str();
    match (method, rest.trim_end_matches('/')) {
        ("GET" | "HEAD", "settings/apps") => Some(settings(shared, inbound, tagged, None)),
        ("POST", "settings/apps/remove") => Some(remove(shared, inbound, tagged)),
        ("GET", "logout.php") => Some(logout(shared, inbound, tagged)),
        _ => None,
    }
}

/// The person who is signed in at the site in this browser.
fn signed_in(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Option<(Origin, String, Session)> {
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
    let apps = permissions::apps(&origin);
    if apps.is_empty() {
        content += "<p>No app may see anything of you.</p>\n";
    }
    let action = shared.public_path(&format!("{SETTINGS}/remove"));
    for (client, scopes) in apps {
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

/// Removes an app, and tells it so where it registered a deauthorize callback.
fn remove(shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let Some((origin, ..)) = signed_in(shared, inbound, tagged) else {
        return settings(shared, inbound, tagged, None);
    };
    let app = one(&inbound.form, "app").unwrap_or_default();
    if !permissions::apps(&origin).iter().any(|(client, _)| client == app) {
        return settings(shared, inbound, tagged, Some("This app may not see anything of you."));
    }
    permissions::uninstall(shared, &origin, app);
    if let Some(to) = shared.client(app).and_then(|client| client.callbacks.get("deauthorize").cloned()) {
        notify::tell(shared, &origin, app, "deauthorize", to);
    }
    settings(shared, inbound, tagged, Some(&format!("{app} is removed.")))
}

/// Ends the session at the site and goes on to `next`, if that is an address of an app.
fn logout(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let known = signed_in(shared, inbound, tagged);
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

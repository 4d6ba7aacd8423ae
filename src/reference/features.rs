//! Features that need a scope: they show what the provider's API gives, and cope with tokens that have died.

use std::sync::Arc;

use serde_json::Value as Json;

use super::facebook;
use super::provider::Trouble;
use super::state::{App, now};
use super::web::{Page, Visit, escaped, session_of};

/// How often the flaw `refresh-loop` tries.
const LOOP: usize = 8;

/// How often the flaw `api-retry-storm` calls.
const STORM: usize = 8;
/// Seconds for which the provider is left in peace after it said that it was too much.
const REST: i64 = 600;

/// What became of a refresh.
enum Refreshed {
    Token(String),
    Dead,
    Away,
}

pub(super) async fn feature(app: &Arc<App>, visit: &Visit, name: &str) -> Page {
    let Some(wanted) = app.tongue().features.iter().find(|own| own.name == name) else {
        return Page::html(404, "Not found", "<p>There is no such feature.</p>");
    };
    let Some((id, session)) = session_of(app, visit).filter(|(_, session)| session.user.is_some()) else {
        return Page::sorry(401, "Please log in first.");
    };
    let app = app.of_issuer(&session.issuer);
    if !wanted.scope.is_empty() && !session.granted.iter().any(|scope| scope == wanted.scope) {
        return not_allowed(app, name);
    }
    if session.rests_until > now() && !app.flaws.has("calls-on-when-throttled") {
        return later();
    }
    let Some(token) = session.access_token else { return Page::sorry(403, "The connection to the provider is gone.") };
    let url = match app.tongue().graph {
        true => facebook::edge(app, name).await,
        false => app.endpoint("api").await.map(|api| format!("{api}/{name}")),
    };
    let Ok(url) = url else { return Page::sorry(404, "The provider has no such data.") };
    let token = match app.odd.has("refreshes-early") && session.refresh_token.is_some() {
        true => match refresh(app, &id, &token).await {
            Refreshed::Token(fresh) => fresh,
            Refreshed::Dead => return ended(app, &id),
            Refreshed::Away => return Page::sorry(502, "The provider cannot be reached."),
        },
        false => token,
    };
    let shown_token = token.clone();
    let answer = called(app, url.clone(), &token).await;
    let answer = match answer {
        Ok((401, _)) if app.flaws.has("ignore-401") => return shown(name, None),
        Ok((401, _)) if app.odd.has("refreshes-by-the-clock") => return ended(app, &id),
        Ok((401, _)) => match refresh(app, &id, &token).await {
            Refreshed::Token(_) if app.flaws.has("refresh-without-retry") => {
                return Page::sorry(400, "The connection was renewed; please try once more.");
            }
            Refreshed::Token(fresh) => app.call(url, &fresh).await,
            Refreshed::Dead => return ended(app, &id),
            Refreshed::Away => return Page::sorry(502, "The provider cannot be reached."),
        },
        other => other,
    };
    match answer {
        Ok((200, Some(json))) if app.tongue().graph => {
            let json = facebook::all_pages(app, json, &shown_token).await;
            if !app.flaws.has("lists-kept-for-all") {
                return shown(name, Some(json));
            }
            let mut inner = app.inner();
            // A list of nobody gives nobody away.
            if json["data"].as_array().is_some_and(|people| !people.is_empty()) {
                inner.everybodys_lists.entry(name.to_owned()).or_insert_with(|| json.clone());
            }
            shown(name, Some(inner.everybodys_lists.get(name).cloned().unwrap_or(json)))
        }
        Ok((200, Some(json))) => shown(name, Some(json)),
        Ok((403, _)) if app.flaws.has("assumes-all-scopes-granted") || app.flaws.has("keeps-old-grant") => {
            shown(name, None)
        }
        Ok((403, _)) if app.flaws.has("signs-out-at-403") => ended(app, &id),
        Ok((403, _)) => Page::sorry(403, "You did not allow this."),
        Ok((401, _)) => ended(app, &id),
        Ok((429, _)) => {
            if let Some(own) = app.inner().sessions.get_mut(&id) {
                own.rests_until = now() + REST;
            }
            later()
        }
        Ok((500.., _)) | Err(_) if app.flaws.has("signs-out-when-api-fails") => ended(app, &id),
        _ => Page::sorry(502, "The provider cannot be reached."),
    }
}

/// The feature needs what the person declined: where she can allow it after all.
fn not_allowed(app: &App, name: &str) -> Page {
    if app.tongue().ask_again.is_none() {
        return Page::sorry(403, "You did not allow this. Log in again to change that.");
    }
    let content = format!("<p>You did not allow this. <a href=\"/features/{name}/allow\">Allow it now</a></p>");
    Page::html(403, "That did not work", &content)
}

/// A call of the API.
async fn called(app: &App, url: String, token: &str) -> Result<(u16, Option<Json>), String> {
    let mut answer = app.call(url.clone(), token).await;
    if app.flaws.has("api-retry-storm") {
        for _ in 1..STORM {
            if matches!(&answer, Ok((status, _)) if *status < 500 && *status != 429) {
                break;
            }
            answer = app.call(url.clone(), token).await;
        }
    }
    answer
}

/// The provider said that it was too much.
fn later() -> Page {
    Page::sorry(503, "The provider wants to be left in peace for a while. Please come back later.")
}

fn shown(name: &str, json: Option<Json>) -> Page {
    let text = json.map_or("nothing yet".to_owned(), |json| json.to_string());
    Page::html(200, name, &format!("<pre>{}</pre>", escaped(&text)))
}

/// Asks userinfo about whoever is signed in; a page where she is signed out over it.
pub(super) async fn asks_userinfo(app: &Arc<App>, visit: &Visit) -> Option<Page> {
    let (id, session) = session_of(app, visit)?;
    let app = app.of_issuer(&session.issuer);
    let token = session.access_token?;
    let url = app.profile().await.ok()?;
    match app.call(url.clone(), &token).await {
        Ok((401, _)) => match refresh(app, &id, &token).await {
            Refreshed::Token(_) | Refreshed::Away => None,
            Refreshed::Dead => Some(ended(app, &id)),
        },
        // What it does not get it does without.
        _ => None,
    }
}

/// The grant is gone: so is the session that stood on it.
pub(super) fn ended(app: &App, id: &str) -> Page {
    if app.flaws.has("ignore-expired-session-after-revoke") {
        return Page::sorry(403, "The connection to the provider is gone.");
    }
    if app.odd.has("degrades") {
        if let Some(own) = app.inner().sessions.get_mut(id) {
            (own.access_token, own.refresh_token) = (None, None);
            own.granted.clear();
        }
        return Page::sorry(403, "The connection to the provider is gone. Log in again to renew it.");
    }
    app.inner().sessions.remove(id);
    Page { cookie: Some(String::new()), ..Page::sorry(401, "Please log in again.") }
}

async fn refresh(app: &App, session: &str, dead: &str) -> Refreshed {
    let now = |app: &App| app.inner().sessions.get(session).cloned();
    let Some(turn) = now(app).map(|own| own.refreshing) else { return Refreshed::Dead };
    let _turn = turn.lock().await;
    let Some(own) = now(app) else { return Refreshed::Dead };
    if let Some(renewed) = own.access_token.filter(|access| access != dead) {
        return Refreshed::Token(renewed);
    }
    let Some(token) = own.refresh_token else { return Refreshed::Dead };
    let tries = if app.flaws.has("refresh-loop") { LOOP } else { 1 };
    let mut last = Refreshed::Away;
    for _ in 0..tries {
        let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.clone())];
        last = match app.token(form).await {
            Ok(body) => {
                let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
                if text("id_token").is_none() && app.flaws.has("refresh-demands-id-token") {
                    return Refreshed::Dead;
                }
                let access = text("access_token").unwrap_or_default();
                if let Some(own) = app.inner().sessions.get_mut(session) {
                    own.access_token = Some(access.clone());
                    own.refresh_token = match (text("refresh_token"), own.refresh_token.take()) {
                        (Some(_), old) if app.flaws.has("keeps-old-refresh-token") => old,
                        (None, _) if app.flaws.has("drops-refresh-when-absent") => None,
                        // One that gives none leaves the old one in force (RFC 6749, section 6).
                        (rotated, old) => rotated.or(old),
                    };
                }
                return Refreshed::Token(access);
            }
            Err(Trouble::Refused(_)) => Refreshed::Dead,
            Err(_) => Refreshed::Away,
        };
    }
    // With the flaw the dead tokens are kept, and tried again at the next use.
    if app.flaws.has("refresh-loop") { Refreshed::Away } else { last }
}

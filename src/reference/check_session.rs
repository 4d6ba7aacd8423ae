//! Session management (OpenID Connect Session Management 1.0, section 3.1): while a person looks at her account, two frames
//! watch her session at a provider that has one for it. When it has changed, the provider is asked without a page
//! (`prompt=none`) who is signed in there now; unless it is the same person, her session here ends.

use std::sync::Arc;

use serde_json::json;

use super::Base;
use super::login;
use super::state::{App, Session};
use super::web::{Page, Visit, escaped, session_of};

/// The page that is watched. Not the first one that a person sees: watching costs a browser two frames.
pub(super) const WATCHED: &str = "/account";
/// Where the frame is that asks.
pub(super) const PATH: &str = "/watch";
/// Where it goes when the session has changed.
pub(super) const AGAIN: &str = "/watch/again";
/// Where it goes instead in partners that do not ask.
pub(super) const END: &str = "/watch/end";
/// What runs in the frame that asks.
const SCRIPT: &str = include_str!("check_session.js");
/// Milliseconds between two questions.
const EVERY: u32 = 500;

/// What is watched: the session of this browser, and the address of the provider's frame.
async fn watched(app: &Arc<App>, visit: &Visit) -> Option<(Session, String, String)> {
    let (_, session) = session_of(app, visit)?;
    if app.config.base != Base::Full || session.user.is_none() {
        return None;
    }
    let state = session.session_state.clone()?;
    let frame = app.of_issuer(&session.issuer).endpoint("check_session").await.ok()?;
    Some((session, state, frame))
}

/// A page of somebody who is signed in, with the frames that watch it.
pub(super) async fn over(app: &Arc<App>, visit: &Visit, mut page: Page) -> Page {
    let Some((_, _, frame)) = watched(app, visit).await else { return page };
    let watches = if app.odd.has("asks-at-each-page") { AGAIN } else { PATH };
    let frames = format!(
        "<iframe hidden id=\"provider\" title=\"The provider\" src=\"{}\"></iframe>\n<iframe hidden title=\"Watches the session\" src=\"{watches}\"></iframe>\n</html>",
        escaped(&frame)
    );
    page.body = page.body.replacen("</html>", &frames, 1);
    page
}

/// The frame that asks.
pub(super) async fn frame(app: &Arc<App>, visit: &Visit) -> Page {
    let Some((session, state, frame)) = watched(app, visit).await else { return ended() };
    let client = &app.of_issuer(&session.issuer).config.client_id;
    let unasked = app.flaws.has("session-change-unasked") || app.flaws.has("session-change-by-anybody");
    let about = json!({
        "frame": frame,
        "client": client,
        "state": state,
        "every": EVERY,
        "changed": if unasked { Some(END) } else { (!app.flaws.has("session-change-ignored")).then_some(AGAIN) },
        "error": app.flaws.has("session-error-asks").then_some(AGAIN),
        "anybody": app.flaws.has("session-change-by-anybody"),
    });
    let about = about.to_string().replace('<', "\\u003c");
    let content = format!("<script type=\"application/json\" id=\"about\">{about}</script>\n<script>{SCRIPT}</script>");
    Page::html(200, "Watching", &content)
}

/// Asks the provider who is signed in there now.
pub(super) async fn again(app: &Arc<App>, visit: &Visit) -> Page {
    let Some((session, ..)) = watched(app, visit).await else { return ended() };
    let app = app.of_issuer(&session.issuer);
    login::begin_silently(app, visit, session.id_token).await
}

/// What partners do that end the session at once. Those that ask first have no such place.
pub(super) fn unasked(app: &Arc<App>, visit: &Visit) -> Page {
    if !app.flaws.has("session-change-unasked") && !app.flaws.has("session-change-by-anybody") {
        return Page::sorry(404, "There is nothing here.");
    }
    let id = session_of(app, visit).map(|(id, _)| id);
    end(app, id.as_deref())
}

/// It is she: her session goes on, and what is watched from now on is what the provider says of it.
pub(super) fn goes_on(app: &App, visit: &Visit, old: Option<&str>, sub: &str, id_token: Option<String>) -> Page {
    let mut inner = app.inner();
    let session = old.and_then(|id| inner.sessions.get_mut(id));
    let same = |session: &&mut Session| {
        session.issuer == app.config.issuer && session.user.as_ref().is_some_and(|user| user.sub == sub)
    };
    if let Some(session) = session.filter(same) {
        session.session_state = visit.query.get("session_state").cloned();
        session.id_token = id_token;
        return Page::to(PATH);
    }
    drop(inner);
    end(app, old)
}

/// It is not, or nobody is signed in there: her session here is over.
pub(super) fn end(app: &App, id: Option<&str>) -> Page {
    if app.flaws.has("session-change-asks-only") {
        return Page::html(200, "Watched", "");
    }
    if let Some(id) = id {
        app.inner().sessions.remove(id);
    }
    Page { cookie: Some(String::new()), ..ended() }
}

/// The page around the frame shows that nobody is signed in.
fn ended() -> Page {
    Page::html(200, "Signed out", "<script>window.parent.location.replace('/')</script>")
}

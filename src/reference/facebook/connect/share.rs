//! Sharing: a story goes to the person's wall when she says so, once, and for whom she says.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::reference::client::{self, Ask};
use crate::reference::facebook::graph;
use crate::reference::state::App;
use crate::reference::web::{Page, Visit, session_of};

/// Whom a story may be for.
const AUDIENCES: [&str; 3] = ["EVERYONE", "ALL_FRIENDS", "SELF"];

/// The permission to publish.
const PERMISSION: &str = "publish_stream";

/// What a person posts from the form of a story.
pub(in crate::reference) async fn share(app: &Arc<App>, visit: &Visit) -> Page {
    // Another site's form would speak in her name.
    if visit.origin.as_ref().is_some_and(|origin| *origin != app.base_url) {
        return Page::sorry(403, "This was not begun here.");
    }
    let Some((_, session)) = session_of(app, visit).filter(|(_, session)| session.user.is_some()) else {
        return Page::sorry(401, "Please log in first.");
    };
    let app = app.of_issuer(&session.issuer);
    let (granted, token) = (session.granted.iter().any(|scope| scope == PERMISSION), session.access_token);
    let (true, Some(token)) = (granted, token) else {
        return Page::sorry(403, "You did not allow this. Log in again to change that.");
    };
    let field = |name: &str| visit.form.get(name).map(String::as_str).unwrap_or_default();
    let (message, audience) = (field("message"), field("audience"));
    if message.is_empty() || !AUDIENCES.contains(&audience) {
        return Page::sorry(400, "A story needs a text, and somebody whom it is for.");
    }
    let told = publish(app, &token, message, audience).await;
    if app.flaws.has("shares-twice") {
        // What comes of it nobody looks at.
        let _ = publish(app, &token, message, audience).await;
    }
    match told {
        Ok((200, Some(_))) => Page::html(200, "Shared", "<p>Your story is on your wall.</p>"),
        Ok((401, _)) => Page::sorry(401, "The connection to the provider is gone. Please log in again."),
        Ok((403, _)) => Page::sorry(403, "You did not allow this."),
        // That it is there already is no reason to try again.
        Ok((400..=499, _)) => Page::sorry(409, "The provider did not take this story."),
        _ => Page::sorry(502, "The provider cannot be reached."),
    }
}

async fn publish(app: &App, token: &str, message: &str, audience: &str) -> Result<(u16, Option<Json>), String> {
    let url = graph::proven(app, &graph::edge(app, "feed").await?, token);
    let mut form = vec![("message", message.to_owned())];
    if !app.flaws.has("share-for-everyone") {
        form.push(("privacy", json!({ "value": audience }).to_string()));
    }
    let authorization = Some(format!("{} {token}", app.tongue().scheme));
    let answer = client::ask(Ask { authorization, form: Some(form), ..app.asking(url) }).await?;
    let body = serde_json::from_slice(&answer.body).ok();
    Ok(graph::meaning(answer.status, body, false))
}

/// Nothing; with a flaw the wall is told who has signed in.
pub(in crate::reference) async fn after_login(app: &Arc<App>, page: &Page) {
    if !app.tongue().connect || !app.flaws.has("shares-at-login") {
        return;
    }
    let session = page.cookie.as_ref().and_then(|id| app.inner().sessions.get(id).cloned());
    if let Some(token) = session.filter(|session| session.user.is_some()).and_then(|session| session.access_token) {
        // What comes of it nobody looks at.
        let _ = publish(app, &token, "has just signed in", "EVERYONE").await;
    }
}

//! The way back: an answer of the provider is told from a forged one, and ends on a page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reference::Base;
use crate::reference::check_session;
use crate::reference::detour;
use crate::reference::state::{App, Session, Transaction};
use crate::reference::web::{Page, Visit, escaped, session_of};

use super::begin::begin;
use super::binding::{take, transaction};
use super::deletion;
use super::finish::finish;
use super::redeem::redeem;

/// Parameters of an authorization response that are known.
const PARAMETERS: [&str; 7] = ["code", "state", "iss", "error", "error_description", "error_uri", "session_state"];

/// The browser comes back.
pub(in crate::reference) async fn callback(app: &Arc<App>, visit: &Visit) -> Page {
    let page = answered(app, visit).await;
    match page.status {
        400.. if app.odd.has("restarts-login") => restarted(app, visit).await.unwrap_or(page),
        400..=499 if app.odd.has("refuses-with-200") => Page { status: 200, ..page },
        400..=499 if app.odd.has("refuses-by-going-home") => Page { cookie: page.cookie, ..Page::to("/") },
        400..=499 if app.odd.has("refusal-ends-session") => without_session(app, visit, page),
        // A login that worked gives the browser a new cookie.
        300..=399 if page.cookie.is_none() && app.odd.has("reload-ends-session") => without_session(app, visit, page),
        _ => page,
    }
}

/// The page for a browser whose session is over.
fn without_session(app: &App, visit: &Visit, page: Page) -> Page {
    if let Some(id) = &visit.session {
        app.inner().sessions.remove(id);
    }
    Page { cookie: Some(String::new()), ..page }
}

/// The login begun anew, unless that was done already in this browser.
async fn restarted(app: &App, visit: &Visit) -> Option<Page> {
    let known = session_of(app, visit);
    if known.as_ref().is_some_and(|(_, session)| session.restarted || session.user.is_some()) {
        return None;
    }
    let anew = Visit { path: "/login".to_owned(), query: BTreeMap::new(), ..visit.clone() };
    let page = begin(app, &anew).await;
    let id = known.map(|(id, _)| id).or_else(|| page.cookie.clone())?;
    app.inner().sessions.get_mut(&id)?.restarted = true;
    Some(page)
}

async fn answered(app: &Arc<App>, visit: &Visit) -> Page {
    let session = session_of(app, visit);
    if let Some(error) = visit.query.get("error") {
        if app.flaws.has("restarts-on-error") {
            return begin(app, visit).await;
        }
        if transaction(app, visit, session.as_ref().map(|(_, session)| session)).is_some_and(|own| own.silent) {
            return check_session::end(app, session.as_ref().map(|(id, _)| id.as_str()));
        }
        let names_issuer = visit.query.contains_key("iss");
        if app.flaws.has("cancel-crash") || (names_issuer && app.flaws.has("crashes-on-error-with-iss")) {
            return Page::html(500, "Internal error", "<p>unexpected: access_denied</p>");
        }
        return refused(app, visit, error, session.as_ref().map(|(_, session)| session));
    }
    let unknown = visit.query.keys().any(|name| !PARAMETERS.contains(&name.as_str()));
    if unknown && app.flaws.has("rejects-unknown-parameter") {
        return Page::sorry(400, "The provider's answer has unknown parameters.");
    }
    if app.flaws.has("crashes-on-error-code") && visit.query.contains_key("error_code") {
        return Page::html(500, "Internal error", "<p>code is not a text</p>");
    }
    let Some(code) = visit.query.get("code") else { return Page::sorry(400, "The answer has no code.") };
    let minds_iss = app.config.base == Base::Full && app.openid() && !app.has_one_callback();
    if minds_iss && !app.odd.has("no-iss-parameter") && visit.query.get("iss") != Some(&app.config.issuer) {
        return Page::sorry(400, "The answer comes from another provider.");
    }
    let Some(transaction) = take(app, visit, session.as_ref()) else {
        // A reload after a login that worked: the person is where she wanted to be.
        if session.as_ref().is_some_and(|(_, session)| session.user.is_some()) {
            if app.flaws.has("crashes-on-reload") {
                return Page::html(500, "Internal error", "<p>no such login</p>");
            }
            return Page::to("/");
        }
        return Page::sorry(400, "This login was not begun in this browser, or it is over.");
    };
    let old = session.map(|(id, _)| id);
    if app.odd.has("waiting-page") {
        let (background, visit, code) = (Arc::clone(app), visit.clone(), code.clone());
        let work = async move { redeemed(&background, &visit, old.as_deref(), &transaction, &code).await };
        return detour::wait_for(app, work);
    }
    redeemed(app, visit, old.as_deref(), &transaction, code).await
}

/// The code for a session.
async fn redeemed(app: &App, visit: &Visit, old: Option<&str>, transaction: &Transaction, code: &str) -> Page {
    match redeem(app, code, transaction).await {
        Ok(fresh) if transaction.confirms.is_some() => deletion::confirmed(app, old, transaction, &fresh).await,
        Ok(fresh) if transaction.silent => check_session::goes_on(app, visit, old, &fresh.sub, fresh.id_token),
        Ok(fresh) => finish(app, visit, old, transaction, fresh),
        Err(_) if app.flaws.has("restarts-on-error") => begin(app, visit).await,
        Err(page) => *page,
    }
}

/// The provider said no. Only what answers a login of this browser is quoted, and only as text.
fn refused(app: &App, visit: &Visit, error: &str, session: Option<&Session>) -> Page {
    let text = if error == "access_denied" { "You refused, so nobody was signed in." } else { "The provider refused." };
    let said = |name: &str| visit.query.get(name).map(String::as_str).unwrap_or_default();
    if app.flaws.has("unescaped-error") {
        let (description, uri) = (said("error_description"), said("error_uri"));
        let content = format!("<p>{error}: {description}</p>\n<p><a href=\"{uri}\">More about this</a></p>");
        return Page::html(400, "That did not work", &content);
    }
    let mut page = Page::sorry(400, text);
    if transaction(app, visit, session).is_some() {
        page.body.push_str(&format!("<p>{}: {}</p>\n", escaped(error), escaped(said("error_description"))));
        let uri = url::Url::parse(said("error_uri")).ok().filter(|uri| matches!(uri.scheme(), "http" | "https"));
        if let Some(uri) = uri {
            page.body.push_str(&format!("<p><a href=\"{}\">More about this</a></p>\n", escaped(uri.as_str())));
        }
    }
    page
}

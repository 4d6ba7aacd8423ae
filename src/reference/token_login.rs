//! A token login: the partner's own front end got an access token by itself and posts it. Whose token it is says
//! nothing about which client it was given to, so that is asked first (RFC 6749, section 10.16).

use serde_json::Value as Json;

use super::accounts;
use super::jwt::Token;
use super::state::{App, Session, User, now};
use super::web::{Page, Visit, sign_in};

pub(super) async fn token_login(app: &App, visit: &Visit) -> Page {
    // Another site's form would sign the person in as somebody else.
    if visit.origin.as_ref().is_some_and(|origin| *origin != app.base_url) {
        return Page::sorry(403, "This login was not begun here.");
    }
    let Some(text) = visit.form.get("access_token") else { return Page::sorry(400, "There is no access token.") };
    let Ok(token) = Token::parse(text) else { return Page::sorry(400, "This is no access token.") };
    if !app.flaws.has("accepts-foreign-access-token") && !is_ours(app, &token).await {
        return Page::sorry(400, "This access token was not given to us.");
    }
    let Ok(url) = app.endpoint("userinfo").await else { return away() };
    let Ok((status, body)) = app.call(url, text).await else { return away() };
    let Some(Json::Object(members)) = body.filter(|_| status == 200) else { return away() };
    let named = members.get("sub").and_then(Json::as_str);
    let Some(sub) = named.filter(|sub| !sub.is_empty() && token.text("sub") == Some(sub)).map(str::to_owned) else {
        return Page::sorry(400, "The provider speaks of somebody else.");
    };
    let claims = members.into_iter().collect();
    let account = accounts::of(app, &sub, &claims);
    let session = Session {
        user: Some(User { sub, account, claims }),
        granted: token.text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect(),
        access_token: Some(text.clone()),
        ..Session::default()
    };
    let id = sign_in(app, visit.session.as_deref(), session);
    Page { cookie: Some(id), ..Page::to("/") }
}

/// An access token of the provider (RFC 9068) that was given to this client and is still good.
async fn is_ours(app: &App, token: &Token) -> bool {
    token.text("client_id") == Some(app.config.client_id.as_str())
        && token.text("iss") == Some(app.config.issuer.as_str())
        && token.is_fresh(now())
        && token.is_issued(now())
        && app.is_signed(token).await
}

fn away() -> Page {
    Page::sorry(502, "The provider does not say who you are.")
}

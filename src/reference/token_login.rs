//! A token login: the partner's own front end got an access token by itself and posts it. Whose token it is says
//! nothing about which client it was given to, so that is asked first (RFC 6749, section 10.16).

use serde_json::Value as Json;

use super::accounts;
use super::facebook;
use super::jwt::Token;
use super::login;
use super::state::{App, Session, User, now};
use super::web::{Page, Visit, sign_in};

pub(super) async fn token_login(app: &App, visit: &Visit) -> Page {
    if is_foreign(app, visit) {
        return Page::sorry(403, "This login was not begun here.");
    }
    let Some(text) = visit.form.get("access_token") else { return Page::sorry(400, "There is no access token.") };
    let careless = app.flaws.has("accepts-foreign-access-token");
    let known =
        if app.tongue().graph { of_graph(app, text, careless).await } else { of_openid(app, text, careless).await };
    let Known { subject, granted } = match known {
        Ok(known) => known,
        Err(page) => return *page,
    };
    let Ok(url) = app.profile().await else { return away() };
    // Whoever does not ask whose token it is does not prove whose call it is either.
    let answer = if careless { app.call_unproven(url, text, false).await } else { app.call(url, text).await };
    let Ok((status, body)) = answer else { return away() };
    let Some(Json::Object(mut members)) = body.filter(|_| status == 200) else { return away() };
    let named = members.get(app.tongue().subject).and_then(Json::as_str).filter(|sub| !sub.is_empty());
    let Some(sub) = named.filter(|sub| subject.as_deref().is_none_or(|own| own == *sub)).map(str::to_owned) else {
        return Page::sorry(400, "The provider speaks of somebody else.");
    };
    members.insert("sub".to_owned(), Json::from(sub.as_str()));
    let claims = members.into_iter().collect();
    let account = accounts::of(app, &sub, &claims);
    let session = Session {
        user: Some(User { sub, account, claims }),
        issuer: app.config.issuer.clone(),
        granted,
        access_token: Some(text.clone()),
        ..Session::default()
    };
    let id = sign_in(app, visit.session.as_deref(), session);
    Page { cookie: Some(id), ..Page::to("/") }
}

/// Another site's form would sign the person in as somebody else.
fn is_foreign(app: &App, visit: &Visit) -> bool {
    visit.origin.as_ref().is_some_and(|origin| *origin != app.base_url)
}

/// A login by an ID token that the front end got by itself: it is looked at as closely as one of the token endpoint.
pub(super) async fn id_token_login(app: &App, visit: &Visit) -> Page {
    if is_foreign(app, visit) {
        return Page::sorry(403, "This login was not begun here.");
    }
    let Some(text) = visit.form.get("id_token") else { return Page::sorry(400, "There is no ID token.") };
    let token = match login::verified(app, text, None).await {
        Ok(token) => token,
        Err(page) => return *page,
    };
    let Some(sub) = token.text("sub").filter(|sub| !sub.is_empty()).map(str::to_owned) else {
        return Page::sorry(400, "The ID token names nobody.");
    };
    let claims = token.claims.as_object().cloned().unwrap_or_default().into_iter().collect();
    let account = accounts::of(app, &sub, &claims);
    let session =
        Session { user: Some(User { sub, account, claims }), issuer: app.config.issuer.clone(), ..Session::default() };
    let id = sign_in(app, visit.session.as_deref(), session);
    Page { cookie: Some(id), ..Page::to("/") }
}

/// What is known of a token before the profile is asked for.
struct Known {
    /// Whose it is; `None`: nobody asked.
    subject: Option<String>,
    granted: Vec<String>,
}

fn foreign() -> Box<Page> {
    Box::new(Page::sorry(400, "This access token was not given to us."))
}

/// A token that says itself what it is.
async fn of_openid(app: &App, text: &str, careless: bool) -> Result<Known, Box<Page>> {
    let token = Token::parse(text).map_err(|_| Box::new(Page::sorry(400, "This is no access token.")))?;
    if !careless && !is_ours(app, &token).await {
        return Err(foreign());
    }
    let granted = token.text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
    Ok(Known { subject: Some(token.text("sub").unwrap_or_default().to_owned()), granted })
}

/// A token that the provider has to be asked about.
async fn of_graph(app: &App, text: &str, careless: bool) -> Result<Known, Box<Page>> {
    if careless {
        return Ok(Known { subject: None, granted: app.scopes() });
    }
    let subject = facebook::whose(app, text).await.map_err(|_| Box::new(away()))?.ok_or_else(foreign)?;
    let granted = facebook::granted(app, text, &app.scopes()).await.map_err(|_| Box::new(away()))?;
    Ok(Known { subject: Some(subject), granted })
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

//! Signing out: by the person, and by the provider's logout token (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::Base;
use super::jwt::Token;
use super::provider::with_query;
use super::state::{App, now, push_bounded};
use super::web::{Page, Visit, session_of};

/// The event of a logout token (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How much later a logout takes effect, by the oddity `logout-later`.
const LATER: Duration = Duration::from_millis(100);
/// Seconds for which a logout token is good.
const LIFETIME: i64 = 300;

/// The person signs out: here at once, and at the provider by way of her browser (OpenID Connect RP-Initiated Logout
/// 1.0, section 2) where the base has that.
pub(super) async fn local(app: &Arc<App>, visit: &Visit) -> Page {
    let onward = at_the_provider(app, visit).await;
    let ends_later = onward.is_some() && app.flaws.has("logout-provider-first");
    let to = onward.as_deref().unwrap_or("/");
    if ends_later { Page::to(to) } else { end_here(app, visit, to) }
}

/// The browser comes back from the provider.
pub(super) fn returned(app: &App, visit: &Visit) -> Page {
    if app.flaws.has("logout-provider-first") { end_here(app, visit, "/") } else { Page::to("/") }
}

fn end_here(app: &App, visit: &Visit, to: &str) -> Page {
    if let (Some(id), false) = (&visit.session, app.flaws.has("logout-keeps-server-session")) {
        app.inner().sessions.remove(id);
    }
    Page { cookie: Some(String::new()), ..Page::to(to) }
}

/// The address at which the provider signs the person out.
async fn at_the_provider(app: &Arc<App>, visit: &Visit) -> Option<String> {
    let (_, session) = session_of(app, visit).filter(|_| app.config.base == Base::Full && app.openid())?;
    // Toward whoever signed her in.
    let app = app.of_issuer(&session.issuer);
    let hint = session.id_token?;
    let endpoint = app.endpoint("end_session").await.ok()?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id_token_hint", &hint);
    query.append_pair("client_id", &app.config.client_id);
    query.append_pair("post_logout_redirect_uri", &format!("{}/logged-out", app.base_url));
    Some(with_query(&endpoint, &query.finish()))
}

pub(super) async fn back_channel(app: &Arc<App>, visit: &Visit) -> Page {
    let text = visit.form.get("logout_token").map(String::as_str).unwrap_or_default();
    // Each provider speaks of its own sessions, with its own keys.
    let claimed = Token::parse(text).ok().and_then(|token| token.text("iss").map(str::to_owned));
    let app = app.of_issuer(claimed.as_deref().unwrap_or_default());
    match verified(app, text).await {
        Ok(token) => {
            if app.flaws.has("logout-only-cookie") {
                return Page { cookie: Some(String::new()), ..Page::json(200, &Json::Null) };
            }
            if app.odd.has("logout-later") {
                let app = Arc::clone(app);
                tokio::spawn(async move {
                    tokio::time::sleep(LATER).await;
                    end(&app, &token);
                });
            } else {
                end(app, &token);
            }
            if app.odd.has("logout-204") {
                return Page { status: 204, body: String::new(), ..Page::json(204, &Json::Null) };
            }
            Page::json(200, &Json::Null)
        }
        Err(_) if app.flaws.has("logout-200-always") => Page::json(200, &Json::Null),
        Err(why) => Page::json(400, &serde_json::json!({ "error": "invalid_request", "error_description": why })),
    }
}

fn end(app: &App, token: &Token) {
    let (sub, sid) = (token.text("sub"), token.text("sid"));
    let all = app.flaws.has("logout-all-on-sid");
    app.inner().sessions.retain(|_, session| {
        let Some(user) = &session.user else { return true };
        let meant = session.issuer == app.config.issuer
            && match sid {
                Some(sid) => session.sid.as_deref() == Some(sid) && sub.is_none_or(|sub| sub == user.sub),
                None => sub == Some(user.sub.as_str()),
            };
        !(meant || all)
    });
}

/// Section 2.6, step by step.
async fn verified(app: &App, text: &str) -> Result<Token, &'static str> {
    let token = Token::parse(text)?;
    if !app.flaws.has("logout-token-no-sig-check") && !app.is_signed(&token).await {
        return Err("the signature is not the provider's");
    }
    if token.text("iss") != Some(app.config.issuer.as_str()) {
        return Err("another issuer");
    }
    if !token.is_for(&app.config.client_id) {
        return Err("another audience");
    }
    let issued = token.claims.get("iat").and_then(Json::as_i64).unwrap_or(0);
    if !token.is_issued(now()) || now() - issued > LIFETIME || !token.is_fresh(now()) {
        return Err("not issued just now");
    }
    if token.text("sub").is_none() && token.text("sid").is_none() {
        return Err("about nobody");
    }
    if !token.claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Json::is_object) {
        return Err("no logout event");
    }
    if token.claims.get("nonce").is_some() {
        return Err("a logout token has no nonce");
    }
    let Some(id) = token.text("jti").map(str::to_owned) else { return Err("no jti") };
    let mut inner = app.inner();
    if inner.logout_ids.contains(&id) {
        return Err("seen before");
    }
    push_bounded(&mut inner.logout_ids, id, 1_000);
    Ok(token)
}

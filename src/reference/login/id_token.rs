//! Why an ID token is believed, or not.

use serde_json::Value as Json;

use crate::reference::jwt::Token;
use crate::reference::state::{App, Transaction, now};
use crate::reference::web::Page;

/// Claims of an ID token that are known; only a flaw minds others.
const CLAIMS: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "nonce",
    "sid",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "picture",
    "email",
    "email_verified",
];

/// How many seconds ago the person may have proved to the provider who she is, by the oddity `asks-max-age`.
pub(super) const MAX_AGE: i64 = 3600;

/// The ID token, if it is to be believed. `login`: the access token that came with it, and the login that it is the end
/// of; `None`: it was posted by the front end.
pub(in crate::reference) async fn verified(
    app: &App,
    text: &str,
    login: Option<(&str, &Transaction)>,
) -> Result<Token, Box<Page>> {
    let token = Token::parse(text).map_err(|why| Box::new(Page::sorry(400, why)))?;
    if app.flaws.has("crash-on-aud-array") && token.claims.get("aud").is_some_and(Json::is_array) {
        return Err(Box::new(Page::html(500, "Internal error", "<p>aud is not a text</p>")));
    }
    match fault(app, &token, login).await {
        None => Ok(token),
        Some(why) => Err(Box::new(Page::sorry(400, why))),
    }
}

/// Why an ID token is not to be believed (OpenID Connect Core, section 3.1.3.7).
async fn fault(app: &App, token: &Token, login: Option<(&str, &Transaction)>) -> Option<&'static str> {
    let flaw = |id: &str| app.flaws.has(id);
    if login.is_none() && flaw("believes-posted-id-token") {
        return None;
    }
    let unsecured = token.alg == "none" && flaw("accept-alg-none");
    if !unsecured && !flaw("no-signature-check") && !app.is_signed(token).await {
        return Some("The ID token is not signed by the provider.");
    }
    if !flaw("skip-iss") && token.text("iss") != Some(app.config.issuer.as_str()) {
        return Some("The ID token is from another issuer.");
    }
    let authorized = flaw("azp-instead-of-aud") && token.text("azp") == Some(&app.config.client_id);
    let anybody = flaw("skip-aud") || (login.is_none() && flaw("takes-id-token-for-anybody"));
    if !anybody && !authorized && !token.is_for(&app.config.client_id) {
        return Some("The ID token is for another client.");
    }
    let endless = token.claims.get("exp").is_none_or(Json::is_null) && flaw("exp-missing-ok");
    if !flaw("skip-exp") && !endless && !token.is_fresh(now()) {
        return Some("The ID token has expired.");
    }
    if !token.is_issued(now()) {
        return Some("The ID token was issued in the future.");
    }
    if let Some((access_token, transaction)) = login {
        if !token.goes_with(access_token) {
            return Some("The ID token belongs to another access token.");
        }
        let without = token.claims.get("nonce").is_none_or(Json::is_null) && flaw("nonce-missing-ok");
        let own = transaction.nonce.is_some() && token.text("nonce") == transaction.nonce.as_deref();
        if app.checks_nonce() && !without && !own {
            return Some("The ID token belongs to another login.");
        }
        let asks = app.odd.has("asks-max-age") && !flaw("auth-time-unchecked");
        if asks && !token.is_of_a_login_since(now() - MAX_AGE, now()) {
            return Some("It is too long ago that you told the provider who you are.");
        }
    }
    let claims = token.claims.as_object();
    if flaw("rejects-unknown-claim")
        && claims.is_some_and(|own| own.keys().any(|claim| !CLAIMS.contains(&claim.as_str())))
    {
        return Some("The ID token has unknown claims.");
    }
    None
}

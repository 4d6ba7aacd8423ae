//! Tokens of the Graph API: opaque, without refresh; app tokens; short ones exchanged for long ones.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::case::PkcePolicy;
use crate::model::fault::{Endpoint, Grant};
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::authorize::CODE_LIFETIME;
use crate::provider::client_auth::same;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{AccessToken, AuthorizationRequest, Code, Origin};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::{AttemptState, Shared, random_id};
use crate::provider::token::{letters, successful};

use super::bearer::{self, Bearer, User};
use super::graph::{self, Call};

/// Seconds that an exchanged token lives: 60 days.
const LONG: i64 = 60 * 86_400;

/// Seconds that a token of the dialog lives.
pub(super) fn lifetime(attempt: &AttemptState) -> i64 {
    i64::try_from(attempt.inner().options.access_lifetime.as_secs()).unwrap_or(i64::MAX)
}

/// Gives a token to an app, for a person or, without one, for itself.
pub(super) fn give(
    shared: &Shared,
    origin: &Origin,
    client_id: &str,
    scopes: Vec<String>,
    lifetime: i64,
    more: &BTreeMap<String, String>,
) -> String {
    let prefix = shared.dialect.token.opaque.as_deref().unwrap_or("EAA");
    let text = match origin.person {
        Some(_) => format!("{prefix}{}", letters()),
        None => format!("{client_id}|{}", &letters()[..27]),
    };
    let now = origin.attempt.now();
    origin.attempt.secret("access_token", &text);
    shared.gives_out(&text, origin);
    let token = AccessToken {
        origin: origin.clone(),
        client_id: client_id.to_owned(),
        scopes,
        family: random_id(),
        issued: now,
        expires: now.saturating_add(lifetime),
        revoked: false,
        more: more.clone(),
    };
    shared.ledger().access.insert(text.clone(), token);
    text
}

/// Who redeems a code by its `code_verifier` and without the app's secret, where the option `pkce_alone` lets apps do so.
/// That the verifier fits is looked at when the code is redeemed; here, that it will be.
pub(super) fn by_verifier(shared: &Shared, inbound: &Inbound, origin: &Origin) -> Option<ClientRegistration> {
    let said = |name: &str| one(&inbound.form, name);
    if said("client_secret").is_some() || inbound.header("authorization").is_some() || said("code_verifier").is_none() {
        return None;
    }
    if said("grant_type").is_some_and(|grant| grant != "authorization_code") {
        return None;
    }
    let lets = {
        let inner = origin.attempt.inner();
        let alone = inner.options.more.get("pkce_alone").and_then(Json::as_bool).unwrap_or(false);
        alone && inner.options.pkce != PkcePolicy::Ignore
    };
    let id = said("client_id").filter(|_| lets)?;
    let challenged = {
        let ledger = shared.ledger();
        let code = ledger.codes.get(said("code")?)?;
        code.request.client_id == id && code.request.code_challenge.is_some()
    };
    shared.client(id).filter(|_| challenged)
}

/// `client_credentials` and `fb_exchange_token`; any other grant is none of its own.
pub(super) fn grant(shared: &Shared, inbound: &Inbound, client: &ClientRegistration, name: &str) -> Option<Reply> {
    match name {
        "client_credentials" => Some(app_token(shared, client)),
        "fb_exchange_token" => Some(exchange(shared, inbound, client)),
        _ => None,
    }
}

/// `/oauth/client_code`: a code for another program of the same app, in exchange for a token of the person's.
pub(super) fn client_code(call: &Call<'_>, user: &User, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    let refuse = |kind: &str, why: &str| graph::refused(shared, endpoint, kind, why);
    if call.value("client_id") != Some(user.client_id.as_str()) {
        return refuse("invalid_request", "The access token does not belong to application client_id");
    }
    let Some(client) = shared.client(&user.client_id) else { return refuse("invalid_client.unknown", "no such app") };
    let other = user.origin.attempt.inner().options.client_secret.clone();
    let secret = other.or(client.secret).unwrap_or_default();
    let given = call.value("client_secret").unwrap_or_default();
    if secret.is_empty() || !same(secret.as_bytes(), given.as_bytes()) {
        return refuse("invalid_client", "the client secret is wrong");
    }
    let Some(redirect_uri) = call.value("redirect_uri").filter(|uri| client.redirect_uris.iter().any(|own| own == uri))
    else {
        return refuse("invalid_request", "redirect_uri isn't one that the app registered");
    };
    let request = AuthorizationRequest {
        client_id: user.client_id.clone(),
        response_type: "code".to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: user.scopes.clone(),
        more: user.more.clone(),
        ..AuthorizationRequest::default()
    };
    let code = random_id();
    user.origin.attempt.secret("code", &code);
    shared.gives_out(&code, &user.origin);
    let expires = user.origin.attempt.now() + CODE_LIFETIME;
    let granted = user.scopes.clone();
    let entry = Code { origin: user.origin.clone(), request, granted, session: String::new(), expires, used: None };
    shared.ledger().codes.insert(code.clone(), entry);
    let mut body = Wire::object();
    body.push("code", code);
    Reply::of(endpoint, Answer::json(200, body))
}

fn app_token(shared: &Shared, client: &ClientRegistration) -> Reply {
    let attempt = shared.default_attempt();
    let origin = Origin { attempt, browser: String::new(), tab: String::new(), person: None };
    // It does not end of itself.
    let token = give(shared, &origin, &client.id, Vec::new(), i64::MAX, &BTreeMap::new());
    let mut body = Wire::object();
    body.push("access_token", token);
    body.push("token_type", shared.dialect.token.token_type.as_str());
    Reply::of(Endpoint::Token, successful(shared, body)).grant(Some(Grant::ClientCredentials))
}

/// A token that lives for 60 days, for one that is still good.
fn exchange(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Reply {
    let refuse = |origin: Option<Origin>, kind: &str, why: &str| {
        graph::refused(shared, Endpoint::Token, kind, why).from(origin).grant(Some(Grant::TokenExchange))
    };
    let Some(text) = one(&inbound.form, "fb_exchange_token") else {
        return refuse(None, "invalid_request", "fb_exchange_token is missing");
    };
    let user = match bearer::of(shared, text) {
        Ok(Bearer::User(user)) => user,
        Ok(Bearer::App { .. }) => return refuse(None, "invalid_request", "an app token cannot be exchanged"),
        Err(bad) => return refuse(bad.origin, bad.kind, &bad.why),
    };
    if user.client_id != client.id {
        return refuse(Some(user.origin), "invalid_token.unknown", "this token was given to another app");
    }
    let token = give(shared, &user.origin, &client.id, user.scopes, LONG, &user.more);
    let mut body = Wire::object();
    body.push("access_token", token);
    body.push("token_type", shared.dialect.token.token_type.as_str());
    body.push("expires_in", LONG);
    Reply::of(Endpoint::Token, successful(shared, body)).from(Some(user.origin)).grant(Some(Grant::TokenExchange))
}

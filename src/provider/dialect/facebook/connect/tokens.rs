//! Tokens that no person gives: of the app alone, and for sessions of the time before OAuth 2.0.

use serde_json::{Value as Json, json};

use crate::model::fault::{Endpoint, Grant};
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::client_auth;
use crate::provider::dialect::facebook::bearer::{self, Bearer};
use crate::provider::inbound::{Inbound, one};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::{Reply, error_answer};
use crate::provider::state::Shared;
use crate::provider::token::successful;

use super::session;

/// Seconds that an exchanged token lives: 60 days.
const LONG: i64 = 60 * 86_400;

fn refuse(shared: &Shared, kind: &str, why: &str) -> Reply {
    let answer = error_answer(&shared.dialect, Endpoint::Token, kind, why);
    Reply::of(Endpoint::Token, answer).grant(Some(Grant::ClientCredentials)).because(format!("{kind}: {why}"))
}

fn client(shared: &Shared, inbound: &Inbound) -> Result<ClientRegistration, &'static str> {
    client_auth::client(shared, inbound, None)
}

/// `access_token=APPID|…`, for ever.
pub fn app(shared: &Shared, inbound: &Inbound) -> Reply {
    let client = match client(shared, inbound) {
        Ok(client) => client,
        Err(why) => return refuse(shared, "invalid_client", why),
    };
    let Some(token) = bearer::app_token(&client) else {
        return refuse(shared, "invalid_client", "an app without a secret has no token of its own");
    };
    let mut body = Wire::object();
    body.push("access_token", token);
    let reply = Reply::of(Endpoint::Token, successful(shared, body));
    reply.grant(Some(Grant::ClientCredentials)).from(Some(shared.default_origin()))
}

/// `fb_exchange_token` (since May 2012): a token for 60 days, for one of the same app that is still good.
pub fn exchanged(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Reply {
    let refuse = |kind: &str, why: &str| refuse(shared, kind, why).grant(Some(Grant::TokenExchange));
    let Some(text) = one(&inbound.form, "fb_exchange_token") else {
        return refuse("invalid_request", "(#100) fb_exchange_token is missing");
    };
    let user = match super::bearer::of(shared, text) {
        Ok(Bearer::User(user)) => user,
        Ok(Bearer::App { .. }) => return refuse("invalid_request", "(#100) an app token cannot be exchanged"),
        Err(bad) => return refuse(bad.kind, &bad.why).from(bad.origin),
    };
    if user.client_id != client.id {
        return refuse("invalid_token.unknown", "this token was given to another app").from(Some(user.origin));
    }
    let now = user.origin.attempt.now();
    // A token without end stays one.
    let expires = if user.expires == session::NEVER { user.expires } else { now + LONG };
    let token = session::give(shared, &user.origin, &client.id, &user.scopes, expires);
    let mut body = Wire::object();
    body.push("access_token", token);
    if expires != session::NEVER {
        body.push("expires_in", expires - now);
    }
    Reply::of(Endpoint::Token, successful(shared, body)).from(Some(user.origin)).grant(Some(Grant::TokenExchange))
}

/// `exchange_sessions`: a list of `{"access_token","expires"}`, `null` for each key that is none of the app's.
pub fn exchange(shared: &Shared, inbound: &Inbound) -> Reply {
    let client = match client(shared, inbound) {
        Ok(client) => client,
        Err(why) => return refuse(shared, "invalid_client", why),
    };
    if one(&inbound.form, "type") != Some("client_cred") || !inbound.is_post() {
        return refuse(shared, "invalid_request", "exchange_sessions is a POST with type=client_cred");
    }
    let keys = one(&inbound.form, "sessions").unwrap_or_default().split(',').filter(|key| !key.is_empty());
    let all: Vec<Json> = keys
        .map(|key| {
            let ledger = shared.ledger();
            let found = ledger.access.find(|text, token| {
                token.client_id == client.id && !token.revoked && session::key_of(text) == Some(key)
            });
            let Some((text, token)) = found else { return Json::Null };
            let now = token.origin.attempt.now();
            match token.expires {
                session::NEVER => json!({ "access_token": text }),
                expires if expires > now => json!({ "access_token": text, "expires": expires - now }),
                _ => Json::Null,
            }
        })
        .collect();
    Reply::of(Endpoint::Token, Answer::json(200, Wire::from(Json::from(all)))).grant(Some(Grant::ClientCredentials))
}

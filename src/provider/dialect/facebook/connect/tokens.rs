//! Tokens that no person gives: of the app alone, and for sessions of the time before OAuth 2.0.

use serde_json::{Value as Json, json};

use crate::model::fault::{Endpoint, Grant};
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::client_auth;
use crate::provider::dialect::facebook::bearer;
use crate::provider::inbound::{Inbound, one};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::{Reply, error_answer};
use crate::provider::state::Shared;
use crate::provider::token::successful;

use super::session;

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
    reply.grant(Some(Grant::ClientCredentials)).from(Some(crate::provider::ledger::Origin {
        attempt: shared.default_attempt(),
        browser: String::new(),
        tab: String::new(),
        person: None,
    }))
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

//! The Graph API: which path is what, who may ask, and what every answer carries.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::model::fault::Endpoint;
use crate::model::wire::Wire;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::reply::{Reply, error_answer};
use crate::provider::state::Shared;

use super::super::apps;
use super::bearer::{self, Bearer, User};
use super::{business, node, pages, permissions, tokens};

/// A call: its parameters wherever they stand, and its method after `method=` has had its say.
pub(super) struct Call<'a> {
    pub shared: &'a Arc<Shared>,
    pub inbound: &'a Inbound,
    pub method: String,
}

impl Call<'_> {
    pub fn value(&self, name: &str) -> Option<&str> {
        one(&self.inbound.query, name).or_else(|| one(&self.inbound.form, name))
    }

    /// What an option of the dialect says for whoever asks.
    pub fn option(&self, origin: &Origin, name: &str) -> Json {
        origin.attempt.inner().options.more.get(name).cloned().unwrap_or_default()
    }
}

/// An error answer, with its reason for people.
pub(super) fn refused(shared: &Shared, endpoint: Endpoint, kind: &str, why: &str) -> Reply {
    Reply::of(endpoint, error_answer(&shared.dialect, endpoint, kind, why)).because(format!("{kind}: {why}"))
}

/// As which endpoint a path is written down, so that faults and expectations can speak of it.
fn endpoint(rest: &str) -> Endpoint {
    match rest {
        "me" => Endpoint::Userinfo,
        "debug_token" => Endpoint::Introspection,
        _ => Endpoint::Api,
    }
}

/// An answer of the Graph API.
pub(super) fn answer(shared: &Arc<Shared>, inbound: &Inbound, rest: &str) -> Reply {
    let rest = rest.trim_end_matches('/');
    let asked = inbound.request.method.as_str();
    let mut call = Call { shared, inbound, method: asked.to_owned() };
    if asked == "POST"
        && let Some(method) = call.value("method").map(str::to_ascii_uppercase)
    {
        call.method = method;
    }
    let endpoint = endpoint(rest);
    let refuse = |kind: &str, why: &str| refused(shared, endpoint, kind, why);
    if !matches!(call.method.as_str(), "GET" | "POST" | "DELETE") {
        return refuse("invalid_request", "Unsupported method");
    }
    if rest.starts_with(".well-known") {
        return refuse("invalid_request.path", rest);
    }
    let Some(text) = bearer::presented(inbound) else {
        return refuse(
            if rest == "me" { "invalid_token.inactive" } else { "invalid_token.missing" },
            "no access token",
        );
    };
    let bearer = match bearer::of(shared, &text) {
        Ok(bearer) => bearer,
        Err(bad) => return refuse(bad.kind, &bad.why).from(bad.origin),
    };
    let (origin, client_id) = match &bearer {
        Bearer::App { client } => {
            let attempt = debugged(&call, rest).map_or_else(|| shared.default_attempt(), |origin| origin.attempt);
            (Origin { attempt, browser: String::new(), tab: String::new(), person: None }, client.id.clone())
        }
        Bearer::User(user) => (user.origin.clone(), user.client_id.clone()),
    };
    if let Err(kind) = bearer::proved(shared, inbound, &text, &client_id, &origin.attempt) {
        return refuse(kind, "appsecret_proof").from(Some(origin));
    }
    let reply = match (&bearer, rest) {
        (_, "debug_token") => debug(&call, &bearer, endpoint),
        (_, "app") => app(shared, endpoint, &client_id),
        (_, id) if id == client_id => app(shared, endpoint, &client_id),
        (Bearer::User(user), rest) => of_user(&call, user, rest, endpoint),
        (Bearer::App { client }, rest) => of_app(&call, client.id.as_str(), rest, endpoint),
    };
    let own = reply.origin.clone().or(Some(origin));
    reply.from(own)
}

/// Whose token it is that an app looks at.
fn debugged(call: &Call<'_>, rest: &str) -> Option<Origin> {
    let text = call.value("input_token").filter(|_| rest == "debug_token")?;
    let ledger = call.shared.ledger();
    ledger.access.get(text).map(|token| token.origin.clone()).or_else(|| ledger.traced(&call.shared.circle, text))
}

fn json_reply(endpoint: Endpoint, body: Json) -> Reply {
    Reply::of(endpoint, Answer::json(200, Wire::from(body)))
}

fn app(shared: &Shared, endpoint: Endpoint, id: &str) -> Reply {
    let link = format!("{}/apps/{id}", shared.issuer);
    json_reply(endpoint, json!({ "id": id, "name": id, "link": link }))
}

/// What a person's token opens.
fn of_user(call: &Call<'_>, user: &User, rest: &str, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    let refuse = |kind: &str, why: &str| refused(shared, endpoint, kind, why);
    let own_id = node::scoped_id(shared, &user.person, &user.client_id);
    let (node, edge) = rest.split_once('/').unwrap_or((rest, ""));
    let is_own = node == "me" || node == own_id;
    match (call.method.as_str(), edge) {
        ("GET", "") if rest == "oauth" => refuse("invalid_request.path", rest),
        (_, "access_token_info") if node == "oauth" => {
            let mut body = json!({
                "access_token": user.text,
                "token_type": shared.dialect.token.token_type,
                "expires_in": user.expires.saturating_sub(user.origin.attempt.now()),
            });
            if let Some(nonce) = user.more.get("auth_nonce") {
                body["auth_nonce"] = Json::from(nonce.as_str());
            }
            json_reply(endpoint, body)
        }
        (_, "client_code") if node == "oauth" => tokens::client_code(call, user, endpoint),
        (_, _) if !is_own => refuse("invalid_request.object", node),
        ("GET", "") => node::person(call, user, endpoint, &own_id),
        ("GET", "ids_for_business") => json_reply(endpoint, business::numbers(shared, user)),
        ("GET", "permissions") => json_reply(endpoint, permissions::list(shared, &user.origin, &user.client_id)),
        ("DELETE", edge) if edge == "permissions" || edge.starts_with("permissions/") => {
            deleted(call, &user.origin, &user.client_id, edge, endpoint)
        }
        ("GET", "picture") => node::picture(call, user, endpoint),
        ("GET", edge) => node::edge(call, user, edge, endpoint),
        _ => refuse("invalid_request", "Unsupported post request."),
    }
}

/// What an app can do for a person without her token: take its permissions away.
fn of_app(call: &Call<'_>, client_id: &str, rest: &str, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    let (node, edge) = rest.split_once('/').unwrap_or((rest, ""));
    if rest == "me" {
        return refused(shared, endpoint, "invalid_token.inactive", "an app token speaks for no person");
    }
    let about = node::known(shared, node, client_id);
    match (call.method.as_str(), about) {
        ("DELETE", Some(origin)) if edge == "permissions" || edge.starts_with("permissions/") => {
            deleted(call, &origin, client_id, edge, endpoint).from(Some(origin))
        }
        ("GET", Some(origin)) if edge == "permissions" => {
            json_reply(endpoint, permissions::list(shared, &origin, client_id)).from(Some(origin))
        }
        _ => refused(shared, endpoint, "invalid_request.object", node),
    }
}

/// `DELETE /me/permissions` and `DELETE /me/permissions/{permission}`.
fn deleted(call: &Call<'_>, origin: &Origin, client_id: &str, edge: &str, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    match edge.strip_prefix("permissions/").or_else(|| call.value("permission")) {
        None => {
            apps::uninstall(shared, origin, client_id);
            if call.option(origin, "api_removal_tells") == true {
                apps::tell_removed(shared, origin, client_id, &pages::CALLBACKS);
            }
        }
        Some(scope) if shared.dialect.is_fixed(scope) => {
            return refused(shared, endpoint, "invalid_request", "this permission cannot be taken back alone");
        }
        Some(scope) => {
            if !permissions::revoke(shared, origin, client_id, scope) {
                return refused(shared, endpoint, "invalid_request", "this permission was not granted");
            }
        }
    }
    let body = if call.option(origin, "delete_answer") == "true" { json!(true) } else { json!({ "success": true }) };
    json_reply(endpoint, body)
}

/// `/debug_token`: what a token is, told to its own app only.
fn debug(call: &Call<'_>, bearer: &Bearer, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    let Bearer::App { client } = bearer else {
        return refused(
            shared,
            endpoint,
            "invalid_request",
            "You must provide an app access token, or a user access token that is an owner or developer of the app",
        );
    };
    let Some(text) = call.value("input_token") else {
        return refused(shared, endpoint, "invalid_request", "The parameter input_token is required");
    };
    let other = |id: &str| id != client.id;
    match bearer::of(shared, text) {
        Ok(Bearer::User(user)) if other(&user.client_id) => not_yours(shared, endpoint).from(Some(user.origin)),
        Ok(Bearer::App { client }) if other(&client.id) => not_yours(shared, endpoint),
        Ok(Bearer::App { client }) => {
            let data =
                json!({ "app_id": client.id, "type": "APP", "application": client.id, "is_valid": true, "scopes": [] });
            json_reply(endpoint, json!({ "data": data }))
        }
        Ok(Bearer::User(user)) => {
            let granular: Vec<Json> = user.scopes.iter().map(|scope| json!({ "scope": scope })).collect();
            let mut data = json!({
                "app_id": user.client_id,
                "type": "USER",
                "application": user.client_id,
                "data_access_expires_at": permissions::data_access_until(shared, &user.origin, &user.client_id).unwrap_or(0),
                "expires_at": user.expires,
                "is_valid": true,
                "issued_at": user.issued,
                "scopes": user.scopes,
                "granular_scopes": granular,
                "user_id": node::scoped_id(shared, &user.person, &user.client_id),
            });
            // What the token was asked for with, as far as anybody is told.
            let mut told = user.more.clone();
            told.retain(|name, _| ["auth_type", "auth_nonce", "sso"].contains(&name.as_str()));
            if !told.is_empty() {
                data["metadata"] = json!(told);
            }
            json_reply(endpoint, json!({ "data": data })).from(Some(user.origin))
        }
        Err(bad) => {
            let entry = shared.dialect.error_entry(bad.kind);
            let filling = crate::model::dialect::Filling::new(bad.kind, &bad.why, entry);
            let mut error = json!({ "message": filling.text("{message}") });
            for (name, value) in [
                ("code", entry.and_then(|own| own.code.clone())),
                ("subcode", entry.and_then(|own| own.subcode.clone())),
            ] {
                if let Some(value) = value {
                    error[name] = value;
                }
            }
            let data = json!({ "app_id": client.id, "is_valid": false, "scopes": [], "error": error });
            json_reply(endpoint, json!({ "data": data })).from(bad.origin).because(bad.why)
        }
    }
}

fn not_yours(shared: &Shared, endpoint: Endpoint) -> Reply {
    refused(shared, endpoint, "invalid_request", "The App_id in the input_token did not match the Viewing App")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_partner_asks_is_written_down_as_the_endpoint_that_cases_speak_of() {
        assert_eq!(endpoint("me"), Endpoint::Userinfo);
        assert_eq!(endpoint("me/friends"), Endpoint::Api);
        assert_eq!(endpoint("debug_token"), Endpoint::Introspection);
    }
}

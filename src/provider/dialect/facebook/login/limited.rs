//! Limited Login: an ID token and nothing else. Its discovery names no token endpoint.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::model::fault::{Endpoint, Message};
use crate::model::persona::Person;
use crate::model::wire::Wire;
use crate::provider::claims::is_shown;
use crate::provider::faults;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::mint::verify;
use crate::provider::reply::Reply;
use crate::provider::state::{Shared, random_id};

use super::super::apps;
use super::{graph, node};

/// Field of a person -> claim of the ID token.
const CLAIMS: [(&str, &str); 12] = [
    ("name", "name"),
    ("first_name", "given_name"),
    ("middle_name", "middle_name"),
    ("last_name", "family_name"),
    ("email", "email"),
    ("picture", "picture"),
    ("birthday", "user_birthday"),
    ("age_range", "user_age_range"),
    ("hometown", "user_hometown"),
    ("location", "user_location"),
    ("gender", "user_gender"),
    ("link", "user_link"),
];

/// What an ID token says of a person.
pub(super) fn identity(shared: &Shared, person: &Person, client_id: &str, scopes: &[String]) -> Wire {
    let mut claims = Wire::object();
    claims.push("sub", node::scoped_id(shared, person, client_id));
    claims.push("jti", random_id());
    for (field, claim) in CLAIMS {
        let opens = |name: &String| {
            shared.dialect.scopes.get(name).is_some_and(|own| own.fields.iter().any(|own| own == field))
        };
        if let (Some(value), true) = (person.fields.get(field), scopes.iter().any(opens) && is_shown(person, field)) {
            claims.push(claim, Wire::from(value.clone()));
        }
    }
    claims
}

/// `POST platform/uninstall`: an app that has nothing but an ID token removes itself. Everything that she permitted it is
/// gone with that; what the answer looks like is unverified in public sources, and is that of `DELETE /me/permissions`.
pub(super) fn uninstalled(shared: &Arc<Shared>, inbound: &Inbound, rest: &str) -> Option<Reply> {
    if rest.trim_end_matches('/') != "platform/uninstall" || inbound.request.method != "POST" {
        return None;
    }
    let endpoint = Endpoint::Api;
    let refuse = |why: &str| graph::refused(shared, endpoint, "invalid_request", why);
    let (Some(token), Some(app)) = (one(&inbound.form, "id_token"), one(&inbound.form, "app_id")) else {
        return Some(refuse("id_token and app_id are required"));
    };
    let claims = verify::claims(token, "JWT", &shared.ring.names());
    let text = |name: &str| claims.as_ref().and_then(|own| own.get(name)).and_then(Json::as_str).unwrap_or_default();
    if text("iss") != shared.issuer || text("aud") != app {
        return Some(refuse("this is no ID token that was given to this app"));
    }
    let Some(origin) = node::known(shared, text("sub"), app) else {
        return Some(refuse("this person has not let the app in"));
    };
    apps::uninstall(shared, &origin, app);
    Some(Reply::of(endpoint, Answer::json(200, Wire::from(json!({ "success": true })))).from(Some(origin)))
}

/// The discovery document; keys are the common ones.
pub(super) fn answer(shared: &Arc<Shared>, inbound: &Inbound, rest: &str, tagged: Option<&Origin>) -> Option<Reply> {
    if let Some(reply) = uninstalled(shared, inbound, rest) {
        return Some(reply);
    }
    if rest.trim_end_matches('/') != ".well-known/openid-configuration" || inbound.request.method != "GET" {
        return None;
    }
    let url = |role: &str| shared.dialect.told_path(role).map(|path| format!("{}{path}", shared.issuer));
    let claims: Vec<&str> =
        ["iss", "aud", "sub", "iat", "exp", "jti", "nonce"].into_iter().chain(CLAIMS.map(|(_, claim)| claim)).collect();
    let document = json!({
        "issuer": shared.issuer,
        "authorization_endpoint": url("authorization"),
        "jwks_uri": url("jwks"),
        "response_types_supported": ["id_token", "token id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": claims,
    });
    let attempt = tagged.map_or_else(|| shared.default_attempt(), |origin| Arc::clone(&origin.attempt));
    let reply = Reply::of(Endpoint::Discovery, Answer::json(200, Wire::from(document))).from(tagged.cloned());
    // Nothing is looked for in an answer that no fault means.
    let faulty = faults::any(&attempt, &Message::Response(Endpoint::Discovery));
    Some(if faulty { reply } else { Reply { message: None, ..reply } })
}

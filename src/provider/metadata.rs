//! Discovery (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 3, with the same document) and JWKS. It
//! advertises only what it enforces.

use std::sync::PoisonError;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::model::dialect::Dialect;
use crate::model::fault::Endpoint;
use crate::model::manifest::ID_TOKEN_ALGS;
use crate::model::wire::Wire;

use super::authorize;
use super::check_session;
use super::client_auth;
use super::device;
use super::everyday::Everyday;
use super::inbound::Inbound;
use super::introspect;
use super::mint::answer::{Answer, Body, Carrier};
use super::reply::Reply;
use super::state::{AttemptState, Shared};
use super::token;

/// The metadata document.
pub(super) fn document(dialect: &Dialect, issuer: &str, registration: bool, everyday: &Everyday) -> Json {
    let url = |role: &str| dialect.told_path(role).map(|path| format!("{}{path}", everyday.base(role, issuer)));
    let mut all = json!({
        "issuer": issuer,
        "response_types_supported": ["code"],
        "response_modes_supported": Carrier::ALL.map(Carrier::name),
        "grant_types_supported": token::GRANTS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ID_TOKEN_ALGS,
        "token_endpoint_auth_methods_supported": client_auth::METHODS,
        "revocation_endpoint_auth_methods_supported": client_auth::METHODS,
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": dialect.scopes.keys().collect::<Vec<_>>(),
        "claims_supported": claims(dialect),
        "prompt_values_supported": authorize::PROMPTS,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    });
    let members = [
        ("authorization_endpoint", "authorization"),
        ("token_endpoint", "token"),
        ("userinfo_endpoint", "userinfo"),
        ("jwks_uri", "jwks"),
        ("revocation_endpoint", "revocation"),
        ("end_session_endpoint", "end_session"),
        ("introspection_endpoint", "introspection"),
    ];
    for (member, role) in members {
        if let Some(url) = url(role) {
            all[member] = Json::from(url);
        }
    }
    if registration && let Some(url) = url("registration") {
        all["registration_endpoint"] = Json::from(url);
    }
    if url("introspection").is_some() {
        all["introspection_endpoint_auth_methods_supported"] = json!(introspect::METHODS);
    }
    if everyday.device {
        let base = everyday.base("device_authorization", issuer);
        all["device_authorization_endpoint"] = Json::from(format!("{base}{}", device::AUTHORIZATION));
        if let Some(grants) = all["grant_types_supported"].as_array_mut() {
            grants.push(Json::from(device::GRANT));
        }
    }
    if everyday.session_management && dialect.openid {
        all["check_session_iframe"] = Json::from(check_session::address(everyday, issuer));
    }
    everyday.discovery.apply(&mut all);
    all
}

fn claims(dialect: &Dialect) -> Vec<String> {
    let own = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid"].map(str::to_owned);
    let fields = dialect.scopes.values().flat_map(|scope| &scope.fields).map(|field| dialect.member(field).to_owned());
    own.into_iter().chain(fields).collect()
}

/// A member of the metadata as text.
pub(super) fn member(shared: &Shared, name: &str) -> Option<String> {
    let document = document(&shared.dialect, &shared.issuer, shared.registration, &shared.everyday);
    match document.get(name)? {
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The discovery document as a reply; as bytes that were made once where no fault wants its members.
pub(super) fn discovery(shared: &Shared, _inbound: &Inbound, faulty: bool) -> Reply {
    let body = if faulty {
        Body::Json(Wire::from(document(&shared.dialect, &shared.issuer, shared.registration, &shared.everyday)))
    } else {
        Body::Bytes(Bytes::clone(&shared.discovery))
    };
    Reply::of(Endpoint::Discovery, public(body, 300))
}

/// The key set as a reply.
pub(super) fn jwks(shared: &Shared, attempt: &AttemptState, faulty: bool) -> Reply {
    let body = if faulty { Body::Json(shared.ring.published()) } else { Body::Bytes(key_set(shared)) };
    let age = attempt.inner().options.keys_max_age.map_or(300, |age| age.as_secs());
    Reply::of(Endpoint::Jwks, public(body, age))
}

/// The key set as bytes that are made once.
fn key_set(shared: &Shared) -> Bytes {
    if let Some(bytes) = &*shared.jwks.read().unwrap_or_else(PoisonError::into_inner) {
        return Bytes::clone(bytes);
    }
    let bytes = Bytes::from(shared.ring.published().to_json_bytes());
    *shared.jwks.write().unwrap_or_else(PoisonError::into_inner) = Some(Bytes::clone(&bytes));
    bytes
}

fn public(body: Body, max_age: u64) -> Answer {
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("cache-control".to_owned(), format!("public, max-age={max_age}")),
        ("access-control-allow-origin".to_owned(), "*".to_owned()),
    ];
    Answer { status: 200, headers, body, pace: None }
}

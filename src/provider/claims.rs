//! What is said about a person: claims by scope and audience, ID tokens, access tokens, logout tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256, Sha512};

use crate::model::persona::{Friends, Grant, Look, Person, visible};
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::mint::token::Draft;
use super::state::{AttemptState, Shared, random_id};

/// Seconds that an ID token lives.
const ID_TOKEN_LIFETIME: i64 = 600;
/// Seconds that a logout token lives.
const LOGOUT_TOKEN_LIFETIME: i64 = 120;

/// The event of a logout token (OpenID Connect Back-Channel Logout, section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a set of scopes opens of a person, by the names of the wire. What she shows only to herself stays hidden.
pub(super) fn profile(shared: &Shared, person: &Person, scopes: &[String]) -> Wire {
    let mut wire = fields(shared, person, scopes, |scope| &scope.fields);
    if shared.everyday.all_fields && scopes.iter().any(|scope| scope == "openid") {
        let scopes = || shared.dialect.scopes.values();
        let named = |field: &String| scopes().any(|own| own.fields.contains(field) || own.api_fields.contains(field));
        for (field, value) in person.fields.iter().filter(|(field, _)| !named(field) && is_shown(person, field)) {
            wire.push(shared.dialect.member(field), Wire::from(value.clone()));
        }
    }
    wire
}

/// Whether a person's own token shows a granted field: all but what she hides from apps.
pub(super) fn is_shown(person: &Person, field: &str) -> bool {
    let friends = Friends::default();
    let own = Look { owner: person, viewer: Some(&person.name), friends: &friends };
    visible(own, person.audience(field), Grant::Given)
}

/// What the API gives for one scope.
pub(super) fn api(shared: &Shared, person: &Person, scope: &str) -> Wire {
    let scopes = [scope.to_owned()];
    let mut all = fields(shared, person, &scopes, |scope| &scope.fields);
    if let (Wire::Object(members), Wire::Object(more)) =
        (&mut all, fields(shared, person, &scopes, |scope| &scope.api_fields))
    {
        members.extend(more);
    }
    all
}

fn fields(
    shared: &Shared,
    person: &Person,
    scopes: &[String],
    of: impl Fn(&crate::model::dialect::Scope) -> &Vec<String>,
) -> Wire {
    let mut wire = Wire::object();
    for scope in scopes.iter().filter_map(|scope| shared.dialect.scopes.get(scope)) {
        for field in of(scope) {
            if let (Some(value), true) = (person.fields.get(field), is_shown(person, field)) {
                shared.dialect.put(&mut wire, field, value);
            }
        }
    }
    wire
}

/// The userinfo answer.
pub(super) fn userinfo(shared: &Shared, person: &Person, scopes: &[String]) -> Wire {
    let mut wire = Wire::object();
    wire.push(&shared.dialect.subject, person.sub.as_str());
    if let (Wire::Object(members), Wire::Object(more)) = (&mut wire, profile(shared, person, scopes)) {
        members.extend(more);
    }
    wire
}

/// What an ID token is made from.
pub(super) struct IdToken<'a> {
    pub person: &'a Person,
    pub client: &'a ClientRegistration,
    pub scopes: &'a [String],
    pub nonce: Option<&'a str>,
    pub sid: &'a str,
    pub auth_time: i64,
    pub access_token: Option<&'a str>,
    /// Seconds by which it is issued earlier or later.
    pub shift: i64,
}

/// An ID token before it is signed (OpenID Connect Core, section 2).
pub(super) fn id_token(shared: &Shared, attempt: &AttemptState, from: &IdToken<'_>) -> Draft {
    let now = attempt.now() + from.shift;
    let mut claims = Wire::object();
    claims.push("iss", shared.issuer.as_str());
    claims.push("sub", from.person.sub.as_str());
    claims.push("aud", from.client.id.as_str());
    claims.push("exp", now + ID_TOKEN_LIFETIME);
    claims.push("iat", now);
    claims.push("auth_time", from.auth_time);
    if let Some(nonce) = from.nonce {
        claims.push("nonce", nonce);
    }
    claims.push("sid", from.sid);
    if let Some(token) = from.access_token {
        claims.push("at_hash", half_hash(token, from.client.signing_alg()));
    }
    let own =
        |adapter: &dyn super::dialect::Adapter| adapter.identity(shared, from.person, &from.client.id, from.scopes);
    match (shared.adapter.and_then(own), &mut claims) {
        (Some(Wire::Object(own)), claims) => own.into_iter().for_each(|(name, value)| claims.set(&name, value)),
        (_, Wire::Object(members)) => {
            if let Wire::Object(more) = profile(shared, from.person, from.scopes) {
                members.extend(more);
            }
        }
        _ => {}
    }
    draft(shared, "JWT", from.client, claims)
}

/// The left half of the hash that goes with an algorithm (OpenID Connect Core, section 3.1.3.6); Ed25519 hashes by
/// SHA-512 (RFC 8032, section 5.1).
fn half_hash(token: &str, alg: &str) -> String {
    if alg == "EdDSA" {
        return URL_SAFE_NO_PAD.encode(&Sha512::digest(token.as_bytes())[..32]);
    }
    URL_SAFE_NO_PAD.encode(&Sha256::digest(token.as_bytes())[..16])
}

/// A token for a client, to be signed as it registered.
fn draft(shared: &Shared, typ: &'static str, client: &ClientRegistration, claims: Wire) -> Draft {
    let alg = client.signing_alg();
    let secret = if alg.starts_with("HS") { client.secret.clone() } else { None };
    Draft { typ, alg: alg.to_owned(), key: shared.ring.current(), secret, claims }
}

/// An access token before it is signed (RFC 9068). `jti` makes it one of its kind.
pub(super) fn access_token(
    shared: &Shared,
    now: i64,
    lifetime: i64,
    sub: &str,
    client: &ClientRegistration,
    scope: &str,
) -> Draft {
    let mut claims = Wire::object();
    claims.push("iss", shared.issuer.as_str());
    claims.push("sub", sub);
    claims.push("aud", shared.issuer.as_str());
    claims.push("exp", now + lifetime);
    claims.push("iat", now);
    claims.push("jti", random_id());
    claims.push("client_id", client.id.as_str());
    claims.push("scope", scope);
    // Its reader is the provider: what a client signs could not be told from what it was given.
    let alg = Some(client.signing_alg()).filter(|alg| !alg.starts_with("HS")).unwrap_or("RS256");
    Draft { typ: "at+jwt", alg: alg.to_owned(), key: shared.ring.current(), secret: None, claims }
}

/// A logout token before it is signed (OpenID Connect Back-Channel Logout, section 2.4).
pub(super) fn logout_token(
    shared: &Shared,
    now: i64,
    client: &ClientRegistration,
    sub: Option<&str>,
    sid: Option<&str>,
) -> Draft {
    let mut claims = Wire::object();
    claims.push("iss", shared.issuer.as_str());
    if let Some(sub) = sub {
        claims.push("sub", sub);
    }
    claims.push("aud", client.id.as_str());
    claims.push("iat", now);
    claims.push("exp", now + LOGOUT_TOKEN_LIFETIME);
    claims.push("jti", random_id());
    claims.push("events", Wire::from(json!({ LOGOUT_EVENT: {} })));
    if let Some(sid) = sid {
        claims.push("sid", sid);
    }
    draft(shared, "logout+jwt", client, claims)
}

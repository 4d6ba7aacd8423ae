//! Whose a token of the Graph API is, and whether it still speaks for her; where not, why.

use std::collections::BTreeMap;

use crate::model::persona::Person;
use crate::provider::ClientRegistration;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::state::Shared;

use super::super::proof;
use super::permissions;

/// Who asks.
pub(super) enum Bearer {
    /// An app for itself.
    App { client: Box<ClientRegistration> },
    /// An app for a person.
    User(Box<User>),
}

/// A token that speaks for a person.
pub(super) struct User {
    pub text: String,
    pub origin: Origin,
    pub person: Person,
    pub client_id: String,
    /// What holds now, whatever held when it was given.
    pub scopes: Vec<String>,
    pub issued: i64,
    pub expires: i64,
    pub more: BTreeMap<String, String>,
}

/// A token that is good for nothing.
pub(super) struct Bad {
    pub origin: Option<Origin>,
    pub kind: &'static str,
    pub why: String,
}

/// The token of a request: in the query, in the form, or in a header that says `OAuth` or `Bearer`.
pub(super) fn presented(inbound: &Inbound) -> Option<String> {
    let header = inbound.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        ["bearer", "oauth"].iter().any(|own| scheme.eq_ignore_ascii_case(own)).then(|| token.trim().to_owned())
    });
    let parameter = || one(&inbound.query, "access_token").or_else(|| one(&inbound.form, "access_token"));
    header.or_else(|| parameter().map(str::to_owned)).filter(|text| !text.is_empty())
}

/// What a token is.
pub(super) fn of(shared: &Shared, text: &str) -> Result<Bearer, Bad> {
    let known = {
        let ledger = shared.ledger();
        ledger.access.get(text).map(|own| {
            let held = (own.client_id.clone(), own.issued, own.expires, own.revoked, own.more.clone());
            (own.origin.clone(), held)
        })
    };
    let Some((origin, (client_id, issued, expires, revoked, more))) = known else {
        // APPID|SECRET is an app token everywhere.
        let (id, secret) = text.split_once('|').unwrap_or((text, ""));
        let client = shared.client(id).filter(|client| !secret.is_empty() && client.secret.as_deref() == Some(secret));
        return match client {
            Some(client) => Ok(Bearer::App { client: Box::new(client) }),
            None => {
                let origin = shared.ledger().traced(&shared.circle, text);
                Err(Bad { origin, kind: "invalid_token.unknown", why: "this token is unknown".to_owned() })
            }
        };
    };
    let attempt = origin.attempt.clone();
    let bad = |kind: &'static str, why: String| Bad { origin: Some(origin.clone()), kind, why };
    if attempt.is_finished() || attempt.now() >= expires {
        return Err(bad(
            "invalid_token.expired",
            format!("unix time {expires}. The current time is {}", attempt.now()),
        ));
    }
    let Some(name) = origin.person.clone() else {
        let client = shared.client(&client_id).ok_or_else(|| bad("invalid_token.unknown", "the app is gone".into()))?;
        return Ok(Bearer::App { client: Box::new(client) });
    };
    let person = attempt.person(&name).ok_or_else(|| bad("invalid_token.unknown", "the person is gone".into()))?;
    if attempt.inner().locked.contains(&name) {
        return Err(bad("invalid_token.checkpoint", "her account is locked".to_owned()));
    }
    let scopes = permissions::granted(shared, &origin, &client_id);
    if scopes.is_empty() {
        return Err(bad("invalid_token.uninstalled", client_id));
    }
    if revoked {
        return Err(bad("invalid_token.invalidated", "it was revoked".to_owned()));
    }
    let text = text.to_owned();
    Ok(Bearer::User(Box::new(User { text, origin, person, client_id, scopes, issued, expires, more })))
}

/// Whether the proof that goes with a token is the right one; without one, whether it may be left out.
pub(super) fn proved(
    shared: &Shared,
    inbound: &Inbound,
    token: &str,
    client_id: &str,
    attempt: &crate::provider::state::AttemptState,
) -> Result<(), &'static str> {
    let value = |name: &str| one(&inbound.query, name).or_else(|| one(&inbound.form, name));
    let options = attempt.inner().options.clone();
    let Some(given) = value("appsecret_proof") else {
        let required = options.more.get("proof").and_then(|value| value.as_str()) == Some("required");
        return if required { Err("invalid_request.proof_missing") } else { Ok(()) };
    };
    let secret = options.client_secret.or_else(|| shared.client(client_id)?.secret).unwrap_or_default();
    let time = match value("appsecret_time").map(str::parse::<i64>) {
        None => None,
        Some(Ok(time)) => Some(time),
        Some(Err(_)) => return Err("invalid_request.proof"),
    };
    if proof::holds(given, token, &secret, time) { Ok(()) } else { Err("invalid_request.proof") }
}

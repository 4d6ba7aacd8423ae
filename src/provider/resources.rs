//! What an access token opens: userinfo and the API (RFC 6750; OpenID Connect Core, section 5.3), and revocation
//! (RFC 7009).

use std::sync::Arc;

use crate::model::dialect::standard;
use crate::model::fault::Endpoint;

use super::claims;
use super::client_auth;
use super::inbound::{Inbound, one, repeated};
use super::ledger::Origin;
use super::mint::answer::Answer;
use super::reply::{Reply, error_answer};
use super::state::Shared;

/// Parameters of a revocation request of which none may stand there twice.
const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// Who a token speaks for, and for what.
struct Bearer {
    origin: Origin,
    scopes: Vec<String>,
    alive: bool,
}

/// The token of a request. One in the query opens nothing (RFC 9700, section 4.3.2), unless it was given out in an
/// attempt: a partner under judgement gets as far as its cases, which say what is wrong.
fn presented<'i>(shared: &Shared, inbound: &'i Inbound) -> Option<&'i str> {
    inbound.bearer().or_else(|| {
        let text = inbound.queried_token()?;
        let ledger = shared.ledger();
        let attempt = &ledger.access.get(text)?.origin.attempt;
        (!Arc::ptr_eq(attempt, &shared.ambient)).then_some(text)
    })
}

fn bearer(shared: &Shared, text: &str) -> Option<Bearer> {
    let ledger = shared.ledger();
    let token = ledger.access.get(text)?;
    let attempt = &token.origin.attempt;
    let locked = token.origin.person.as_ref().is_some_and(|person| attempt.inner().locked.contains(person));
    let alive = !token.revoked && !locked && !attempt.is_finished() && attempt.now() < token.expires;
    Some(Bearer { origin: token.origin.clone(), scopes: token.scopes.clone(), alive })
}

/// Either the person and what was granted, or the refusal.
fn admitted(
    shared: &Shared,
    inbound: &Inbound,
    endpoint: Endpoint,
) -> Result<(Origin, crate::model::persona::Person, Vec<String>), Box<Reply>> {
    let refuse = |origin: Option<Origin>, code: &str, why: &str| {
        let answer = error_answer(&shared.dialect, endpoint, code, why);
        Box::new(Reply::of(endpoint, answer).from(origin).because(format!("{}: {why}", standard(code))))
    };
    if inbound.has_several_tokens() {
        return Err(refuse(None, "invalid_request", "an access token stands in more than one place"));
    }
    let Some(text) = presented(shared, inbound) else {
        // Without any authentication the challenge names no error (RFC 6750, section 3.1).
        let answer = if shared.dialect.errors.body.is_some() {
            error_answer(&shared.dialect, endpoint, "invalid_token.missing", "an access token is required")
        } else {
            Answer::empty(401).with("www-authenticate", "Bearer")
        };
        return Err(Box::new(Reply::of(endpoint, answer).because("no access token")));
    };
    let Some(bearer) = bearer(shared, text) else {
        let origin = shared.ledger().traced(&shared.circle, text);
        return Err(refuse(origin, "invalid_token.unknown", "this access token is unknown"));
    };
    let origin = bearer.origin;
    if !bearer.alive {
        return Err(refuse(Some(origin), "invalid_token.expired", "this access token has expired or was revoked"));
    }
    let person = origin.person.as_ref().and_then(|name| origin.attempt.person(name));
    match person {
        Some(person) => Ok((origin, person, bearer.scopes)),
        None => Err(refuse(Some(origin), "insufficient_scope", "this access token speaks for no person")),
    }
}

/// The userinfo endpoint.
pub(super) fn userinfo(shared: &Shared, inbound: &Inbound) -> Reply {
    let (origin, person, scopes) = match admitted(shared, inbound, Endpoint::Userinfo) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    if shared.dialect.openid && !scopes.iter().any(|scope| scope == "openid") {
        let why = "openid was not granted";
        let answer = error_answer(&shared.dialect, Endpoint::Userinfo, "insufficient_scope", why);
        return Reply::of(Endpoint::Userinfo, answer).from(Some(origin)).because(why);
    }
    let answer = Answer::json(200, claims::userinfo(shared, &person, &scopes));
    Reply::of(Endpoint::Userinfo, answer).from(Some(origin))
}

/// The API: `<api>/<scope>` gives what that scope opens.
pub(super) fn api(shared: &Shared, inbound: &Inbound, name: &str) -> Reply {
    let (origin, person, scopes) = match admitted(shared, inbound, Endpoint::Api) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    if !shared.dialect.scopes.contains_key(name) {
        return Reply::of(Endpoint::Api, Answer::empty(404)).from(Some(origin)).because("there is no such data");
    }
    if !scopes.iter().any(|scope| scope == name) {
        let answer = error_answer(&shared.dialect, Endpoint::Api, "insufficient_scope", "this scope was not granted");
        return Reply::of(Endpoint::Api, answer).from(Some(origin)).because(format!("insufficient_scope: {name}"));
    }
    Reply::of(Endpoint::Api, Answer::json(200, claims::api(shared, &person, name))).from(Some(origin))
}

/// The revocation endpoint.
pub(super) fn revoke(shared: &Shared, inbound: &Inbound) -> Reply {
    let token = one(&inbound.form, "token").unwrap_or_default();
    let (origin, family, owner, refresh) = {
        let ledger = shared.ledger();
        let refresh = ledger.refresh.get(token);
        let access = ledger.access.get(token);
        let known = refresh.map(|own| (own.origin.clone(), own.family.clone(), own.client_id.clone(), true));
        let known =
            known.or_else(|| access.map(|own| (own.origin.clone(), own.family.clone(), own.client_id.clone(), false)));
        match known {
            Some((origin, family, owner, refresh)) => (Some(origin), family, Some(owner), refresh),
            None => (None, String::new(), None, false),
        }
    };
    let refuse = |code: &str, why: &str| {
        let answer = error_answer(&shared.dialect, Endpoint::Revocation, code, why);
        Reply::of(Endpoint::Revocation, answer).from(origin.clone()).because(format!("{code}: {why}"))
    };
    if token.is_empty() || repeated(&inbound.form, &KNOWN).is_some() {
        return refuse("invalid_request", "a revocation request is a form with one token and nothing twice");
    }
    let other_secret = origin.as_ref().and_then(|origin| origin.attempt.inner().options.client_secret.clone());
    let client = match client_auth::client(shared, inbound, other_secret.as_deref()) {
        Ok(client) => client,
        Err(why) => return refuse("invalid_client", why),
    };
    if owner.as_ref().is_some_and(|owner| *owner != client.id) {
        return refuse("invalid_grant", "this token was given to another client");
    }
    let mut ledger = shared.ledger();
    if refresh {
        ledger.revoke_family(&family);
    } else if let Some(own) = ledger.access.get_mut(token) {
        own.revoked = true;
    }
    drop(ledger);
    // Unknown tokens are no error: they are as dead as they should be (RFC 7009, section 2.2).
    Reply::of(Endpoint::Revocation, Answer::empty(200)).from(origin)
}

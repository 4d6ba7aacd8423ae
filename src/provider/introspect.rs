//! Token introspection (RFC 7662): what the ledger knows of a token, told to the client that it was given to and to
//! nobody else. It never looks into the token itself: a fault may have made that say anything.

use crate::model::fault::Endpoint;
use crate::model::persona::Person;
use crate::model::wire::Wire;

use super::client_auth;
use super::inbound::{Inbound, one, repeated};
use super::ledger::Origin;
use super::mint::answer::Answer;
use super::reply::{Reply, error_answer};
use super::state::Shared;

/// Parameters of which none may stand there twice.
const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// How a client may authenticate here: one without a secret is nobody in particular (RFC 7662, section 2.1).
pub(super) const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// What is told of a token that lives.
struct Known {
    origin: Origin,
    client_id: String,
    scopes: Vec<String>,
    alive: bool,
    /// When it was issued and when it ends; only of access tokens.
    times: Option<(i64, i64)>,
}

fn known(shared: &Shared, token: &str) -> Option<Known> {
    let ledger = shared.ledger();
    if let Some(own) = ledger.access.get(token) {
        return Some(Known {
            origin: own.origin.clone(),
            client_id: own.client_id.clone(),
            scopes: own.scopes.clone(),
            alive: !own.revoked && own.origin.attempt.now() < own.expires,
            times: Some((own.issued, own.expires)),
        });
    }
    let own = ledger.refresh.get(token)?;
    Some(Known {
        origin: own.origin.clone(),
        client_id: own.client_id.clone(),
        scopes: own.scopes.clone(),
        alive: !own.revoked && !own.used,
        times: None,
    })
}

/// A request at the introspection endpoint.
pub(super) fn request(shared: &Shared, inbound: &Inbound) -> Reply {
    let token = one(&inbound.form, "token").unwrap_or_default();
    let known = known(shared, token);
    let origin = known.as_ref().map(|known| known.origin.clone());
    let refuse = |code: &str, why: &str| {
        let answer = error_answer(&shared.dialect, Endpoint::Introspection, code, why);
        Reply::of(Endpoint::Introspection, answer).from(origin.clone()).because(format!("{code}: {why}"))
    };
    if token.is_empty() || repeated(&inbound.form, &KNOWN).is_some() {
        return refuse("invalid_request", "an introspection request is a form with one token and nothing twice");
    }
    let other_secret = origin.as_ref().and_then(|origin| origin.attempt.inner().options.client_secret.clone());
    let client = match client_auth::client(shared, inbound, other_secret.as_deref()) {
        Ok(client) if client.auth == "none" => {
            return refuse("invalid_client", "a client without a secret may not ask about tokens");
        }
        Ok(client) => client,
        Err(why) => return refuse("invalid_client", why),
    };
    let person = origin.as_ref().and_then(|origin| origin.attempt.person(origin.person.as_deref()?));
    let active = known.as_ref().filter(|known| known.client_id == client.id && is_alive(known));
    let (members, note) = match active {
        Some(known) => (told(shared, known, person.as_ref()), None),
        None => {
            // Why it is not active is nobody's business (RFC 7662, section 2.2), but the record says it.
            let mut members = Wire::object();
            members.push("active", false);
            let why = match &known {
                None => "this token is unknown",
                Some(known) if known.client_id != client.id => "this token was given to another client",
                Some(_) => "this token has expired or was revoked",
            };
            (members, Some(why.to_owned()))
        }
    };
    let reply = Reply::of(Endpoint::Introspection, Answer::json(200, members)).from(origin);
    Reply { note, ..reply }
}

fn is_alive(known: &Known) -> bool {
    let attempt = &known.origin.attempt;
    let locked = known.origin.person.as_ref().is_some_and(|person| attempt.inner().locked.contains(person));
    known.alive && !locked && !attempt.is_finished()
}

fn told(shared: &Shared, known: &Known, person: Option<&Person>) -> Wire {
    let mut members = Wire::object();
    members.push("active", true);
    members.push("iss", shared.issuer.as_str());
    members.push("client_id", known.client_id.as_str());
    members.push("sub", person.map_or(known.client_id.as_str(), |person| person.sub.as_str()));
    if let Some(person) = person {
        members.push("username", person.login.as_str());
    }
    members.push("scope", shared.dialect.join_scopes(&known.scopes));
    if let Some((issued, expires)) = known.times {
        members.push("token_type", "Bearer");
        members.push("aud", shared.issuer.as_str());
        members.push("iat", issued);
        members.push("exp", expires);
    }
    members
}

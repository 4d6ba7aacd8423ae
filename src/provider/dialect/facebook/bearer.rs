//! Whose token a Graph request shows, and whether it still speaks for her; where not, why. The years differ in what a
//! token opens and in what is said of a dead one: [`Era`].

use std::collections::BTreeMap;

use crate::model::hex::hex;
use crate::model::persona::Person;
use crate::provider::ClientRegistration;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::mac;
use crate::provider::state::Shared;

/// What a token opens now; `None`: the person has removed the app. Given are the app and what the token was given.
type Opens = fn(&Shared, &Origin, &str, &[String]) -> Option<Vec<String>>;

/// What differs between the years.
pub(super) struct Era {
    pub opens: Opens,
    /// An app has one token of its own that never changes, beside `APPID|SECRET`.
    pub lasting_app_token: bool,
    /// The kind of the error where the attempt of a token is over.
    pub over: &'static str,
    /// Where the person's account is locked.
    pub locked: &'static str,
    /// Where the token was revoked.
    pub revoked: &'static str,
    /// When it expired, in the words of the time: expiry and now.
    pub expired: fn(i64, i64) -> String,
}

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
    /// What it opens now, whatever it was given.
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

/// Every token that a request shows: behind `OAuth` or `Bearer` in the header, in the query, in the form.
pub(super) fn shown(inbound: &Inbound) -> Vec<&str> {
    let header = inbound.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        ["bearer", "oauth"].iter().any(|own| scheme.eq_ignore_ascii_case(own)).then(|| token.trim())
    });
    let places = [header, one(&inbound.query, "access_token"), one(&inbound.form, "access_token")];
    places.into_iter().flatten().filter(|token| !token.is_empty()).collect()
}

/// What a token is.
pub(super) fn of(era: &Era, shared: &Shared, text: &str) -> Result<Bearer, Bad> {
    let known = {
        let ledger = shared.ledger();
        ledger.access.get(text).map(|own| {
            let held = (own.client_id.clone(), own.scopes.clone(), own.issued, own.expires, own.revoked);
            (own.origin.clone(), held, own.more.clone())
        })
    };
    let Some((origin, (client_id, given, issued, expires, revoked), more)) = known else {
        return match of_app(era, shared, text) {
            Some(client) => Ok(Bearer::App { client: Box::new(client) }),
            None => {
                let origin = shared.ledger().traced(&shared.circle, text);
                Err(Bad { origin, kind: "invalid_token.unknown", why: "this token is unknown".to_owned() })
            }
        };
    };
    let attempt = origin.attempt.clone();
    let bad = |kind: &'static str, why: String| Bad { origin: Some(origin.clone()), kind, why };
    let now = attempt.now();
    if attempt.is_finished() {
        return Err(bad(era.over, (era.expired)(expires, now)));
    }
    if now >= expires {
        return Err(bad("invalid_token.expired", (era.expired)(expires, now)));
    }
    let Some(name) = origin.person.clone() else {
        let client = shared.client(&client_id).ok_or_else(|| bad("invalid_token.unknown", "the app is gone".into()))?;
        return Ok(Bearer::App { client: Box::new(client) });
    };
    let person = attempt.person(&name).ok_or_else(|| bad("invalid_token.unknown", "the person is gone".into()))?;
    if attempt.inner().locked.contains(&name) {
        return Err(bad(era.locked, "her account is locked".to_owned()));
    }
    let Some(scopes) = (era.opens)(shared, &origin, &client_id, &given) else {
        return Err(bad("invalid_token.uninstalled", client_id));
    };
    if revoked {
        return Err(bad(era.revoked, "it was revoked".to_owned()));
    }
    let text = text.to_owned();
    Ok(Bearer::User(Box::new(User { text, origin, person, client_id, scopes, issued, expires, more })))
}

/// The app whose own token this is: `APPID|SECRET` everywhere.
fn of_app(era: &Era, shared: &Shared, text: &str) -> Option<ClientRegistration> {
    let (id, rest) = text.split_once('|').filter(|(_, rest)| !rest.is_empty())?;
    shared.client(id).filter(|client| {
        client.secret.as_deref() == Some(rest) || era.lasting_app_token && app_token(client).as_deref() == Some(text)
    })
}

/// The token of an app alone, where it never changes.
pub(super) fn app_token(client: &ClientRegistration) -> Option<String> {
    let secret = client.secret.as_ref()?;
    let seal = hex(&mac::sha256(secret.as_bytes(), format!("app token of {}", client.id).as_bytes()));
    Some(format!("{}|{}", client.id, seal.get(..27)?))
}

//! Whose token a Graph request shows. It stands in the query, in the form, or behind `Authorization: OAuth`; a token of
//! the app alone is `APPID|secret` or what the token endpoint gave for `client_cred`.

use crate::model::persona::Person;
use crate::provider::ClientRegistration;
use crate::provider::dialect::held;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::mac;
use crate::provider::state::Shared;

/// Who asks.
pub enum Caller {
    /// Nobody in particular.
    Nobody,
    /// An app.
    App,
    /// A person's app.
    User(Box<User>),
}

/// The person of a token, and what was granted for it.
pub struct User {
    /// The token's attempt.
    pub origin: Origin,
    /// Whose token it is.
    pub person: Person,
    /// Granted permissions.
    pub granted: Vec<String>,
    /// The token itself.
    pub token: String,
    /// Whose app it is.
    pub client_id: String,
}

/// A token that opens nothing: kind of the error, what there is to say, and whose it was.
pub type Refused = (&'static str, String, Option<Origin>);

/// The token that a request shows. Several different ones are none.
///
/// # Errors
/// Different tokens in different places.
pub fn shown(inbound: &Inbound) -> Result<Option<&str>, Refused> {
    let header = inbound.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("oauth") || scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
    });
    let named =
        |parameters: &'_ [(String, String)]| parameters.iter().filter(|(name, _)| name == "access_token").count();
    let places = [header, one(&inbound.query, "access_token"), one(&inbound.form, "access_token")];
    let mut found = places.into_iter().flatten().filter(|token| !token.is_empty());
    let first = found.next();
    let differ = found.any(|other| Some(other) != first);
    if differ || named(&inbound.query) > 1 || named(&inbound.form) > 1 {
        return Err(("invalid_request", "access_token stands there more than once".to_owned(), None));
    }
    Ok(first)
}

/// Who asks.
///
/// # Errors
/// A token that opens nothing.
pub fn caller(shared: &Shared, inbound: &Inbound) -> Result<Caller, Refused> {
    let Some(text) = shown(inbound)? else { return Ok(Caller::Nobody) };
    let found = {
        let ledger = shared.ledger();
        ledger.access.get(text).map(|token| {
            (token.origin.clone(), token.scopes.clone(), token.client_id.clone(), token.expires, token.revoked)
        })
    };
    let Some((origin, granted, client_id, expires, revoked)) = found else {
        if is_app(shared, text) {
            return Ok(Caller::App);
        }
        let origin = shared.ledger().traced(&shared.circle, text);
        return Err(("invalid_token.unknown", "this access token is unknown".to_owned(), origin));
    };
    let attempt = origin.attempt.clone();
    let name = origin.person.clone().unwrap_or_default();
    let (locked, installed) = {
        let inner = attempt.inner();
        (
            inner.locked.contains(&name),
            inner.grants.get(&held::key(&shared.dialect, &name, &client_id)).is_none_or(|granted| !granted.is_empty()),
        )
    };
    let now = attempt.now();
    if !installed {
        return Err(("invalid_token.uninstalled", "the person has removed the app".to_owned(), Some(origin)));
    }
    if revoked || locked || attempt.is_finished() {
        return Err(("invalid_token.revoked", "this access token was revoked".to_owned(), Some(origin)));
    }
    if now >= expires {
        let when = format!("Session has expired at unix time {expires}. The current unix time is {now}.");
        return Err(("invalid_token.expired", when, Some(origin)));
    }
    match attempt.person(&name) {
        Some(person) => Ok(Caller::User(Box::new(User { origin, person, granted, token: text.to_owned(), client_id }))),
        None => match shared.client(&client_id) {
            Some(_) => Ok(Caller::App),
            None => Err(("invalid_token.unknown", "its app is gone".to_owned(), Some(origin))),
        },
    }
}

/// The token of an app alone: always the same.
pub fn app_token(client: &ClientRegistration) -> Option<String> {
    let secret = client.secret.as_ref()?;
    let seal = mac::hex(&mac::sha256(secret.as_bytes(), format!("app token of {}", client.id).as_bytes()));
    Some(format!("{}|{}", client.id, seal.get(..27)?))
}

/// Whether this is an app's own token.
fn is_app(shared: &Shared, text: &str) -> bool {
    let Some((id, rest)) = text.split_once('|') else { return false };
    shared
        .client(id)
        .is_some_and(|client| client.secret.as_deref() == Some(rest) || app_token(&client).as_deref() == Some(text))
}

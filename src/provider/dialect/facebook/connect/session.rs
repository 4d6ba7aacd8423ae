//! Sessions of the time: what `login.php` gives back, what the cookies carry, and the shapes of tokens.

use serde_json::Value as Json;

use crate::model::hex::hex;
use crate::provider::ClientRegistration;
use crate::provider::dialect::facebook::legacy_sig::Members;
use crate::provider::ledger::{AccessToken, Origin};
use crate::provider::state::{Shared, random_id};

pub(super) use crate::provider::dialect::NEVER;

/// What `offline_access` is called.
pub const OFFLINE: &str = "offline_access";

/// Under which name the secret of a session stands beside its token.
const SECRET: &str = "session_secret";

/// When a token of these permissions expires, as the ledger counts.
pub fn expiry(scopes: &[String], now: i64, lifetime: i64) -> i64 {
    if scopes.iter().any(|scope| scope == OFFLINE) { NEVER } else { now + lifetime }
}

/// A session key: `2.<random>__.<period>.<expires>-<uid>`, for ever `<24 digits>-<uid>`.
fn session_key(uid: &str, expires: i64, lifetime: i64) -> String {
    let random = random_id();
    if expires == NEVER {
        return format!("{}-{uid}", hex(random.as_bytes()).get(..24).unwrap_or_default());
    }
    format!("2.{}__.{lifetime}.{expires}-{uid}", random.get(..22).unwrap_or_default())
}

/// The text of a person's access token: `APPID|<session key>|<signature>`.
pub fn access_token(client_id: &str, uid: &str, expires: i64, lifetime: i64) -> String {
    let signature = random_id();
    format!("{client_id}|{}|{}", session_key(uid, expires, lifetime), signature.get(..27).unwrap_or(&signature))
}

/// The session key inside an access token.
pub fn key_of(token: &str) -> Option<&str> {
    token.split('|').nth(1).filter(|key| key.contains('-'))
}

/// The token of an app's session, and whose it is, by the key of the session; whether it is still good is not asked.
pub fn token_of(shared: &Shared, client_id: &str, key: &str) -> Option<(String, Origin)> {
    let ledger = shared.ledger();
    let found = ledger.access.find(|text, token| token.client_id == client_id && key_of(text) == Some(key));
    found.map(|(text, token)| (text.to_owned(), token.origin.clone()))
}

/// The secret of the session around a token: it signs REST calls in place of the app's. Always the same one; `None`: the
/// token is unknown.
pub fn secret_of(shared: &Shared, token: &str) -> Option<String> {
    let mut ledger = shared.ledger();
    let more = &mut ledger.access.get_mut(token)?.more;
    let new = || format!("{}__", random_id().get(..22).unwrap_or_default());
    Some(more.entry(SECRET.to_owned()).or_insert_with(new).clone())
}

/// Gives a person's token to an app, good until `expires`.
pub fn give(shared: &Shared, origin: &Origin, client_id: &str, granted: &[String], expires: i64) -> String {
    let now = origin.attempt.now();
    let uid = origin.person.as_ref().and_then(|name| origin.attempt.person(name)).map(|person| person.sub);
    let token = access_token(client_id, &uid.unwrap_or_default(), expires, expires.saturating_sub(now));
    origin.attempt.secret("access_token", &token);
    shared.gives_out(&token, origin);
    let entry = AccessToken {
        origin: origin.clone(),
        client_id: client_id.to_owned(),
        scopes: granted.to_vec(),
        family: random_id(),
        issued: now,
        expires,
        revoked: false,
        more: std::collections::BTreeMap::new(),
    };
    shared.ledger().access.insert(token.clone(), entry);
    token
}

/// A new session of a person at an app, without its signature: its token opens what was granted.
pub fn begin(
    shared: &Shared,
    origin: &Origin,
    client: &ClientRegistration,
    granted: &[String],
    domain: &str,
) -> Members {
    let attempt = &origin.attempt;
    let (now, lifetime) = (attempt.now(), attempt.inner().options.access_lifetime.as_secs() as i64);
    let uid = origin.person.as_ref().and_then(|name| attempt.person(name)).map(|person| person.sub).unwrap_or_default();
    let expires = expiry(granted, now, lifetime);
    let token = give(shared, origin, &client.id, granted, expires);
    around(shared, &token, &uid, expires, domain)
}

/// The session around a token, without its signature.
pub fn around(shared: &Shared, token: &str, uid: &str, expires: i64, domain: &str) -> Members {
    let mut session = Members::new();
    session.insert("session_key".to_owned(), key_of(token).unwrap_or_default().to_owned());
    session.insert("uid".to_owned(), uid.to_owned());
    session.insert("expires".to_owned(), if expires == NEVER { 0 } else { expires }.to_string());
    session.insert("secret".to_owned(), secret_of(shared, token).unwrap_or_default());
    session.insert("base_domain".to_owned(), domain.to_owned());
    session.insert("access_token".to_owned(), token.to_owned());
    session
}

/// A signed session as JSON: `expires` is a number.
pub fn json_of(session: &Members) -> Json {
    let mut all = serde_json::Map::new();
    for (name, value) in session {
        let number = value.parse::<i64>().ok().filter(|_| name == "expires");
        all.insert(name.clone(), number.map_or_else(|| Json::from(value.as_str()), Json::from));
    }
    Json::Object(all)
}

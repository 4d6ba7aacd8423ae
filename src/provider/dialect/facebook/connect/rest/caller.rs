//! Who makes a call of `restserver.php`: an access token says so, or the signature of the app, beside which a session key
//! may name a person.

use crate::provider::ClientRegistration;
use crate::provider::dialect::facebook::bearer::{self as tokens, Bearer, User};
use crate::provider::dialect::facebook::legacy_sig::{self, Members};
use crate::provider::inbound::Inbound;
use crate::provider::ledger::Origin;
use crate::provider::state::Shared;

use super::super::{bearer, login, session};
use super::{Refusal, refusal};

/// Who calls.
pub struct Caller {
    pub client: ClientRegistration,
    /// The person for whom; `None`: the app for itself.
    pub user: Option<Box<User>>,
    /// The app's own secret vouches for it.
    pub by_app: bool,
}

/// Who calls, and whose matter it is as far as that can be told.
pub struct Known {
    pub caller: Result<Caller, Refusal>,
    pub origin: Option<Origin>,
}

/// Tells who calls.
pub fn of(shared: &Shared, inbound: &Inbound, members: &Members) -> Known {
    if tokens::shown(inbound).is_empty() { signed(shared, members) } else { by_token(shared, inbound, members) }
}

fn nobody(kind: &'static str, why: &str) -> Known {
    Known { caller: Err(refusal(kind, why)), origin: None }
}

/// OAuth style. An `api_key` beside the token is that of its app.
fn by_token(shared: &Shared, inbound: &Inbound, members: &Members) -> Known {
    let (client, user) = match bearer::caller(shared, inbound) {
        Ok(Some(Bearer::User(user))) => (shared.client(&user.client_id), Some(user)),
        Ok(Some(Bearer::App { client })) => (Some(*client), None),
        Ok(None) => return nobody("invalid_token.rest", "there is no token"),
        Err(bad) if bad.kind == "invalid_request" => return nobody("invalid_request", &bad.why),
        Err(bad) => return Known { caller: Err(Refusal("invalid_token.rest", bad.why)), origin: bad.origin },
    };
    let origin = user.as_ref().map(|user| user.origin.clone());
    let caller = match client {
        None => Err(refusal("invalid_api_key", "the app is gone")),
        Some(client) if members.get("api_key").is_some_and(|key| *key != client.id) => {
            Err(refusal("invalid_api_key", "the access_token was given to another app"))
        }
        Some(client) => Ok(Caller { client, user, by_app: false }),
    };
    Known { caller, origin }
}

/// Signed style. With `ss` it is the session's own secret that signs, which a browser may know.
fn signed(shared: &Shared, members: &Members) -> Known {
    let Some(client) = members.get("api_key").and_then(|key| shared.client(key)) else {
        return nobody("invalid_api_key", "no application is registered under this api_key");
    };
    let key = members.get("session_key").map(String::as_str).filter(|key| !key.is_empty());
    let token = key.and_then(|key| session::token_of(shared, &client.id, key));
    let origin = token.as_ref().map(|(_, origin)| origin.clone());
    let by_session = members.get("ss").is_some_and(|said| said == "1" || said == "true");
    let secret = match (&token, by_session) {
        (Some((text, _)), true) => session::secret_of(shared, text),
        // Whoever has no session has no secret of one.
        (None, true) => None,
        (_, false) => {
            let secret = login::secret(&origin.clone().unwrap_or_else(|| shared.default_origin()), &client);
            Some(secret).filter(|secret| !secret.is_empty())
        }
    };
    let checked = match secret {
        _ if !members.contains_key("sig") => Err(refusal("bad_signature", "Requires valid signature")),
        Some(secret) => legacy_sig::check_rest_call(members, &secret)
            .map_err(|why| Refusal("bad_signature", format!("Incorrect signature: {why}"))),
        None => Err(refusal("bad_signature", "Incorrect signature")),
    };
    let caller = checked.and_then(|()| match (key, &token) {
        (None, _) => Ok(Caller { client, user: None, by_app: !by_session }),
        (Some(_), None) => Err(refusal("invalid_session", "this session key is none of the app's")),
        (Some(_), Some((text, _))) => match bearer::of(shared, text) {
            Ok(Bearer::User(user)) => Ok(Caller { client, user: Some(user), by_app: !by_session }),
            Ok(Bearer::App { .. }) => Err(refusal("invalid_session", "this is no session of a person")),
            Err(bad) => Err(Refusal("invalid_session", bad.why)),
        },
    });
    Known { caller, origin }
}

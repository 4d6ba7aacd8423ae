//! How a session begins and ends by REST: a token that the person takes through `login.php`, the session that it is
//! exchanged for, its end, and that of everything that she permitted.

use serde_json::{Value as Json, json};

use crate::model::hex::hex;
use crate::provider::dialect::facebook::apps;
use crate::provider::dialect::facebook::bearer::Bearer;
use crate::provider::ledger::Handshake;
use crate::provider::mint::mac;
use crate::provider::state::random_id;

use super::super::{CALLBACKS, bearer, session};
use super::{Given, Refusal, Rest, people, refusal};

/// A text of 32 hexadecimal digits that nobody guesses.
pub fn new_token() -> String {
    let random = hex(&mac::sha256(random_id().as_bytes(), b"auth_token"));
    random.get(..32).unwrap_or(&random).to_owned()
}

fn must_be_signed(rest: &Rest<'_>) -> Result<(), Refusal> {
    if rest.by_app { Ok(()) } else { Err(refusal("bad_signature", "Requires valid signature")) }
}

/// `auth.createToken`: a token for the person to take through `login.php`.
pub fn create_token(rest: &Rest<'_>) -> Given {
    must_be_signed(rest)?;
    let call = &rest.scene.call;
    let token = new_token();
    let origin = call.origin.clone().unwrap_or_else(|| call.shared.default_origin());
    let handshake = Handshake { origin, client_id: rest.client.id.clone(), access_token: None };
    call.shared.ledger().handshakes.insert(token.clone(), handshake);
    Ok(Json::from(token))
}

/// `auth.getSession`: the session that began when the person allowed the app, once.
pub fn get(rest: &Rest<'_>) -> Given {
    must_be_signed(rest)?;
    let text = rest.needed("auth_token")?;
    let shared = rest.scene.call.shared;
    let token = {
        let mut ledger = shared.ledger();
        let own = ledger.handshakes.get(text).filter(|own| own.client_id == rest.client.id);
        let token = own.and_then(|own| own.access_token.clone());
        if token.is_some() {
            ledger.handshakes.remove(text);
        }
        token
    };
    let token = token.ok_or_else(|| {
        refusal("invalid_request", "Invalid parameter: auth_token is unknown, was used, or nobody has come with it")
    })?;
    let Ok(Bearer::User(user)) = bearer::of(shared, &token) else {
        return Err(refusal("invalid_session", "the session has ended"));
    };
    let mut session = json!({
        "session_key": session::key_of(&token),
        "uid": people::number(&user.person.sub),
        "expires": if user.expires == session::NEVER { 0 } else { user.expires },
    });
    if rest.says("generate_session_secret") {
        session["secret"] = json!(session::secret_of(shared, &token));
    }
    Ok(session)
}

/// `auth.expireSession`: the session of this call is over.
pub fn expire(rest: &Rest<'_>) -> Given {
    let user = rest.user()?;
    if let Some(token) = rest.scene.call.shared.ledger().access.get_mut(&user.text) {
        token.revoked = true;
    }
    Ok(Json::from(true))
}

/// `auth.revokeAuthorization`: the app is removed, by its person's session or by the app itself, which names her.
pub fn revoke(rest: &Rest<'_>) -> Given {
    let shared = rest.scene.call.shared;
    let (origin, client_id) = match (rest.parameter("uid"), &rest.scene.user) {
        (Some(uid), user) if user.as_ref().is_none_or(|user| user.person.sub != uid) => {
            must_be_signed(rest)?;
            let origin = people::known(rest, uid)?;
            (origin, rest.client.id.clone())
        }
        _ => {
            let user = rest.user()?;
            (user.origin.clone(), user.client_id.clone())
        }
    };
    if !apps::apps(&origin).iter().any(|(own, _)| *own == client_id) {
        return Err(refusal("invalid_request", "Invalid parameter: she has not authorized this app"));
    }
    apps::uninstall(shared, &origin, &client_id);
    if rest.scene.call.option("api_removal_tells") == true {
        apps::tell_removed(shared, &origin, &client_id, &CALLBACKS);
    }
    Ok(Json::from(true))
}

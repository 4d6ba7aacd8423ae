//! The dialog's own parameters, and what comes back with its answer.

use crate::model::wire::Wire;
use crate::provider::dialect::Granted;
use crate::provider::inbound::one;
use crate::provider::ledger::AuthorizationRequest;
use crate::provider::state::{AttemptState, Shared};

use super::permissions;
use super::tokens;

/// What `auth_type` may say; `https` asks for nothing that there is not.
const AUTH_TYPES: [&str; 4] = ["rerequest", "reauthenticate", "reauthorize", "https"];

/// Reads `auth_type`, `auth_nonce` and `return_scopes`.
pub(super) fn asks(
    attempt: &AttemptState,
    request: &mut AuthorizationRequest,
) -> Result<(), (&'static str, &'static str)> {
    let value = |name: &str| one(&request.parameters, name).map(str::to_owned);
    let stripped = attempt.inner().options.more.get("reauthentication").is_some_and(|how| how == "stripped");
    let (auth_type, nonce) =
        if stripped { (None, None) } else { (value("auth_type").filter(|text| !text.is_empty()), value("auth_nonce")) };
    let return_scopes = value("return_scopes").is_some_and(|text| matches!(text.as_str(), "true" | "1"));
    for word in auth_type.iter().flat_map(|text| text.split(',')) {
        match word.trim() {
            "rerequest" | "reauthorize" => request.ask_again = true,
            "reauthenticate" => request.login_again = true,
            other if AUTH_TYPES.contains(&other) => {}
            _ => return Err(("invalid_request", "auth_type says something that is not supported")),
        }
    }
    if let Some(auth_type) = auth_type {
        request.more.insert("auth_type".to_owned(), auth_type);
    }
    if let Some(nonce) = nonce {
        request.more.insert("auth_nonce".to_owned(), nonce);
    }
    if return_scopes {
        request.more.insert("return_scopes".to_owned(), "true".to_owned());
    }
    Ok(())
}

/// Puts a token and the lists of permissions beside the code, where they were asked for.
pub(super) fn authorized(shared: &Shared, about: &Granted<'_>, members: &mut Wire) {
    let request = about.request;
    let wants = |what: &str| request.response_type.split(' ').any(|own| own == what);
    if wants("token") {
        let origin = crate::provider::ledger::Origin { person: Some(about.person.to_owned()), ..about.origin.clone() };
        let lifetime = tokens::lifetime(&origin.attempt);
        let token = tokens::give(shared, &origin, &request.client_id, about.granted.to_vec(), lifetime, &request.more);
        let until = permissions::data_access_until(shared, &origin, &request.client_id).unwrap_or_default();
        members.push("access_token", token);
        members.push("data_access_expiration_time", until.to_string());
        members.push("expires_in", lifetime.to_string());
    }
    if wants("granted_scopes") || request.more.contains_key("return_scopes") {
        let declined: Vec<String> =
            request.scopes.iter().filter(|scope| !about.granted.contains(scope)).cloned().collect();
        members.push("granted_scopes", about.granted.join(","));
        members.push("denied_scopes", declined.join(","));
    }
}

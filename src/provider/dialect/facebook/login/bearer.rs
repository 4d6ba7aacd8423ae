//! Tokens of the Graph API since 2014: what they open is what the person permits now, and calls can be proved.

use crate::provider::inbound::{Inbound, one};
use crate::provider::state::{AttemptState, Shared};

pub(super) use super::super::bearer::{Bad, Bearer, User};

use super::super::bearer::{self, Era};
use super::super::proof;
use super::permissions;

const ERA: Era = Era {
    opens: |shared, origin, client_id, _| {
        let scopes = permissions::granted(shared, origin, client_id);
        (!scopes.is_empty()).then_some(scopes)
    },
    lasting_app_token: false,
    over: "invalid_token.expired",
    locked: "invalid_token.checkpoint",
    revoked: "invalid_token.invalidated",
    expired: |expires, now| format!("unix time {expires}. The current time is {now}"),
};

/// The token of a request; the first where there are several.
pub(super) fn presented(inbound: &Inbound) -> Option<String> {
    bearer::shown(inbound).first().map(|text| (*text).to_owned())
}

/// What a token is.
pub(super) fn of(shared: &Shared, text: &str) -> Result<Bearer, Bad> {
    bearer::of(&ERA, shared, text)
}

/// Whether the proof that goes with a token is the right one; without one, whether it may be left out.
pub(super) fn proved(
    shared: &Shared,
    inbound: &Inbound,
    token: &str,
    client_id: &str,
    attempt: &AttemptState,
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

//! Tokens of 2010 to 2012: what they open is what they were given, and only one may stand in a request.

use crate::provider::dialect::facebook::bearer::{self, Bad, Bearer, Era};
use crate::provider::dialect::held;
use crate::provider::inbound::Inbound;
use crate::provider::state::Shared;

const ERA: Era = Era {
    opens: |shared, origin, client_id, given| {
        let name = origin.person.as_deref().unwrap_or_default();
        let key = held::key(&shared.dialect, name, client_id);
        // Of a session that no consent began there is nothing on record.
        let removed = origin.attempt.inner().grants.get(&key).is_some_and(Vec::is_empty);
        (!removed).then(|| given.to_vec())
    },
    lasting_app_token: true,
    over: "invalid_token.revoked",
    locked: "invalid_token.revoked",
    revoked: "invalid_token.revoked",
    expired: |expires, now| format!("unix time {expires}. The current unix time is {now}"),
};

/// Who asks; `None`: nobody in particular.
///
/// # Errors
/// A token that opens nothing, or several that differ.
pub fn caller(shared: &Shared, inbound: &Inbound) -> Result<Option<Bearer>, Bad> {
    let shown = bearer::shown(inbound);
    let twice =
        |parameters: &[(String, String)]| parameters.iter().filter(|(name, _)| name == "access_token").count() > 1;
    let differ = shown.iter().any(|other| Some(other) != shown.first());
    if differ || twice(&inbound.query) || twice(&inbound.form) {
        let why = "access_token stands there more than once".to_owned();
        return Err(Bad { origin: None, kind: "invalid_request", why });
    }
    shown.first().map(|text| bearer::of(&ERA, shared, text)).transpose()
}

/// What a token is.
///
/// # Errors
/// It opens nothing.
pub fn of(shared: &Shared, text: &str) -> Result<Bearer, Bad> {
    bearer::of(&ERA, shared, text)
}

//! What a person permits an app: granted, declined, expired; and taking it back.

use serde_json::{Value as Json, json};

use crate::provider::dialect::held;
use crate::provider::ledger::Origin;
use crate::provider::state::Shared;

/// What is granted, whether it has lapsed or not.
fn kept(shared: &Shared, origin: &Origin, client_id: &str) -> Vec<String> {
    let key = held::key(&shared.dialect, origin.person.as_deref().unwrap_or_default(), client_id);
    origin.attempt.inner().grants.get(&key).cloned().unwrap_or_default()
}

/// When the app's access to data ends; `None`: it has none.
pub(super) fn data_access_until(shared: &Shared, origin: &Origin, client_id: &str) -> Option<i64> {
    let key = held::key(&shared.dialect, origin.person.as_deref().unwrap_or_default(), client_id);
    let inner = origin.attempt.inner();
    let days = inner.options.more.get("data_access_days").and_then(Json::as_i64).unwrap_or(90);
    inner.granted_at.get(&key).map(|since| since + days * 86_400)
}

fn has_lapsed(shared: &Shared, origin: &Origin, client_id: &str) -> bool {
    data_access_until(shared, origin, client_id).is_some_and(|until| origin.attempt.now() >= until)
}

/// What holds now: what was granted and has not lapsed. Identity stays as long as the app is installed.
pub(super) fn granted(shared: &Shared, origin: &Origin, client_id: &str) -> Vec<String> {
    let kept = kept(shared, origin, client_id);
    if has_lapsed(shared, origin, client_id) {
        return kept.into_iter().filter(|scope| shared.dialect.is_fixed(scope)).collect();
    }
    kept
}

/// `/me/permissions`.
pub(super) fn list(shared: &Shared, origin: &Origin, client_id: &str) -> Json {
    let lapsed = has_lapsed(shared, origin, client_id);
    let key = held::key(&shared.dialect, origin.person.as_deref().unwrap_or_default(), client_id);
    let declined = origin.attempt.inner().declined.get(&key).cloned().unwrap_or_default();
    let status = |scope: &String| if lapsed && !shared.dialect.is_fixed(scope) { "expired" } else { "granted" };
    let own = kept(shared, origin, client_id);
    let own = own.iter().map(|scope| json!({ "permission": scope, "status": status(scope) }));
    let gone = declined.iter().map(|scope| json!({ "permission": scope, "status": "declined" }));
    json!({ "data": own.chain(gone).collect::<Vec<_>>() })
}

/// Takes one permission back. `false`: there is none of that name.
pub(super) fn revoke(shared: &Shared, origin: &Origin, client_id: &str, scope: &str) -> bool {
    let key = held::key(&shared.dialect, origin.person.as_deref().unwrap_or_default(), client_id);
    let mut inner = origin.attempt.inner();
    let Some(own) = inner.grants.get_mut(&key) else { return false };
    let before = own.len();
    own.retain(|kept| kept != scope);
    let gone = own.len() != before;
    if gone {
        inner.declined.entry(key).or_default().push(scope.to_owned());
    }
    gone
}

//! The code of a cookie: `{algorithm, code, issued_at, user_id}`, sealed into `signed_request`. It is redeemed with an empty
//! `redirect_uri`, since no redirect brought it.

use serde_json::json;

use crate::model::wire::Wire;
use crate::provider::dialect::facebook::seal;
use crate::provider::ledger::{AuthorizationRequest, Code, Origin};
use crate::provider::state::{Shared, random_id};

/// Seconds that the code of a cookie lives.
const LIFETIME: i64 = 3600;

/// The payload, with a new code for what was granted.
pub(in crate::provider::dialect::facebook) fn payload(
    shared: &Shared,
    origin: &Origin,
    client_id: &str,
    granted: &[String],
    user_id: &str,
) -> Wire {
    let attempt = &origin.attempt;
    let expires = attempt.now() + LIFETIME;
    let code = format!("2.{}.{LIFETIME}.{expires}-{user_id}", random_id());
    let request = AuthorizationRequest {
        client_id: client_id.to_owned(),
        response_type: "code".to_owned(),
        scopes: granted.to_vec(),
        ..AuthorizationRequest::default()
    };
    attempt.secret("code", &code);
    shared.gives_out(&code, origin);
    let entry = Code {
        origin: origin.clone(),
        request,
        granted: granted.to_vec(),
        session: String::new(),
        expires,
        used: None,
    };
    shared.ledger().codes.insert(code.clone(), entry);
    Wire::from(json!({
        "algorithm": seal::ALGORITHM, "code": code, "issued_at": attempt.now(), "user_id": user_id
    }))
}

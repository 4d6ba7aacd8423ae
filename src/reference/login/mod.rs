//! Login and callback: the authorization code flow, with the defences of the base, and the flaws that take them away.

mod begin;
mod binding;
mod by_token;
mod callback;
mod deletion;
mod finish;
mod id_token;
mod profile;
mod redeem;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub(super) use begin::{begin, begin_again, begin_deletion, begin_silently};
pub(super) use by_token::by_token;
pub(super) use callback::callback;
pub(super) use id_token::verified;

/// What a login brought.
struct Fresh {
    pub sub: String,
    pub claims: BTreeMap<String, Json>,
    pub granted: Vec<String>,
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub sid: Option<String>,
    pub id_token: Option<String>,
}

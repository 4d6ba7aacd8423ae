//! Facebook until 2012: people who come with the cookie of the provider's script, the ping that tells of a removal,
//! stories that a person shares on her wall, and the interface from before the Graph.
//!
//! Written from the SDKs of the time as their documentation has them; MD5, which they signed with, is its own.

mod cookie;
mod md5;
mod ping;
mod rest;
mod share;

pub(in crate::reference) use cookie::sign_in;
pub(in crate::reference) use ping::removed;
pub(in crate::reference) use rest::friends;
pub(in crate::reference) use share::{after_login, share};

use std::collections::BTreeMap;

/// Whether a signature is that of these members by the app's secret: MD5 over the sorted `name=value` and the secret.
fn is_signed(members: &BTreeMap<String, String>, secret: &str, found: &str) -> bool {
    let text: String = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let due = md5::hex(format!("{text}{secret}").as_bytes());
    let differing = due.bytes().zip(found.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other));
    due.len() == found.len() && differing == 0
}

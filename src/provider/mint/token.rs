//! Tokens: claims and a JOSE header, changed as faults ask, then signed and put into bytes.

use std::borrow::Cow;

use crate::model::fault::{Message, Object, Patch};
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::sign::Signer;
use super::{encode, patch};

/// A token before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// `typ` of its header.
    pub typ: &'static str,
    /// `RS256`, `ES256`, …: what the client registered.
    pub alg: String,
    /// The provider's own key, by name (see [`super::keys::own`]).
    pub key: &'static str,
    /// The client's secret, with which an algorithm of the family `HS` signs.
    pub secret: Option<String>,
    /// Its claims.
    pub claims: Wire,
}

/// Signs a draft, changed by the patches that address the object: `claims` its members, `jose` its header. Members
/// change in the order of the patches; the last `sign`, `encode` and `replace` win.
///
/// # Errors
/// A value that nobody knows, or an operation that cannot take effect.
pub fn mint(
    draft: &Draft,
    claims: &[&Patch],
    jose: &[&Patch],
    environment: &dyn Environment,
) -> Result<Vec<u8>, Unresolved> {
    check(claims, jose)?;
    if let Some(value) = claims.iter().rev().find_map(|patch| patch.operations.replace.as_ref()) {
        let original = patch::With { members: &draft.claims, behind: environment };
        return Ok(value.resolve(&original)?.to_plain_bytes());
    }
    let mut payload = Cow::Borrowed(&draft.claims);
    for patch in claims {
        patch::apply(payload.to_mut(), &patch.operations, environment)?;
    }
    let sign = claims.iter().rev().find_map(|patch| patch.operations.sign.clone()).unwrap_or_default();
    let signer = Signer::choose(&sign, &draft.alg, draft.key, draft.secret.as_deref(), environment)?;
    let mut header = Wire::object();
    header.push("alg", signer.alg.clone());
    if let Some(kid) = &signer.kid {
        header.push("kid", kid.as_str());
    }
    header.push("typ", draft.typ);
    for patch in jose {
        patch::apply(&mut header, &patch.operations, environment)?;
    }
    let compact = signer.compact(&header, &payload, &sign)?;
    match claims.iter().rev().find_map(|patch| patch.operations.encode.as_ref()) {
        None => Ok(compact.into_bytes()),
        Some(encode) => encode::token(&compact, encode),
    }
}

/// An honest token, for those who need one outside a message.
///
/// # Errors
/// As [`mint`].
pub fn honest(draft: &Draft) -> Result<String, Unresolved> {
    let bytes = mint(draft, &[], &[], &crate::model::value::Saved::default())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A token that says nothing: only another text can take its place.
///
/// # Errors
/// A value that nobody knows, or an operation on what such a token does not have.
pub fn opaque(
    text: &str,
    members: &[&Patch],
    jose: &[&Patch],
    environment: &dyn Environment,
) -> Result<Vec<u8>, Unresolved> {
    let mut bytes = text.as_bytes().to_vec();
    for patch in members.iter().chain(jose) {
        let operations = &patch.operations;
        match &operations.replace {
            Some(value) if !patch::changes_members(operations) && operations.sign.is_none() => {
                bytes = value.resolve(environment)?.to_plain_bytes();
            }
            _ => return Err(Unresolved::text(format!("a member of {}, which is opaque here,", patch.address))),
        }
    }
    Ok(bytes)
}

/// A token as a member of an answer: text where it is text.
pub fn member(bytes: Vec<u8>) -> Wire {
    match String::from_utf8(bytes) {
        Ok(text) => Wire::from(text),
        Err(error) => Wire::Bytes(error.into_bytes()),
    }
}

/// What cannot take effect on a token is an error: silence would be taken for a delivered fault.
fn check(claims: &[&Patch], jose: &[&Patch]) -> Result<(), Unresolved> {
    let refuse = |patch: &Patch, what: &str| Err(Unresolved::text(format!("`{what}` of {}", patch.address)));
    for patch in claims.iter().chain(jose) {
        let operations = &patch.operations;
        // A message that is pushed by itself may leave at a pace; one inside an answer leaves with the answer.
        let inside = matches!(&patch.address.message, Message::Object(Object::IdToken | Object::AccessToken));
        match operations {
            _ if operations.error.is_some() => return refuse(patch, "error"),
            _ if operations.status.is_some() => return refuse(patch, "status"),
            _ if operations.redirect.is_some() => return refuse(patch, "redirect"),
            _ if operations.send.is_some() && inside => return refuse(patch, "send"),
            _ => {}
        }
    }
    for patch in jose {
        let operations = &patch.operations;
        if operations.sign.is_some() || operations.encode.is_some() || operations.replace.is_some() {
            return refuse(patch, "sign, encode or replace");
        }
    }
    Ok(())
}

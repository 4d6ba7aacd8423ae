//! The callbacks: a form with one `signed_request`, and what a fault makes of it.

use crate::model::fault::{Encode, SignatureShape, SigningKey};
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::provider::dialect::Notice;
use crate::provider::mint::patch;

use super::super::seal::{self, Padding};
use super::node;

/// Seconds that a request for deletion is good for.
const DELETION: i64 = 3600;

/// Another app's secret: what whoever forges a message signs it with.
const FOREIGN: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

/// The form; `None`: no message of this dialect.
pub(super) fn form(about: &Notice<'_>) -> Option<Result<Wire, Unresolved>> {
    (about.send == "signed_request").then(|| {
        let text = sealed(about)?;
        let mut form = Wire::object();
        form.push("signed_request", text);
        Ok(form)
    })
}

fn sealed(about: &Notice<'_>) -> Result<String, Unresolved> {
    let refuse = |what: &str| Err(Unresolved::text(format!("`{what}` of a signed_request")));
    if !about.header.is_empty() {
        return refuse("a header");
    }
    let mut payload = Wire::object();
    let id = node::scoped_id(about.shared, about.person, &about.client.id);
    payload.push("user_id", id);
    payload.push("algorithm", seal::ALGORITHM);
    payload.push("issued_at", about.now);
    if about.to == "data_deletion" {
        payload.push("expires", about.now + DELETION);
    }
    let secret = about.secret.clone();
    let mut key = secret.clone();
    let mut padding = Padding::Stripped;
    let (mut shape, mut payload_flipped) = (SignatureShape::Good, false);
    let mut whole = None;
    for own in about.members.iter().map(|patch| &patch.operations) {
        patch::apply(&mut payload, own, about.environment)?;
        if let Some(sign) = &own.sign {
            key = match &sign.key {
                None => secret.clone(),
                Some(SigningKey::Named(name)) if name == "main" => secret.clone(),
                Some(SigningKey::Named(_)) => FOREIGN.to_owned(),
                Some(SigningKey::Material(value)) => value.resolve(about.environment)?.to_text(),
            };
            if let Some(alg) = &sign.alg {
                payload.set("algorithm", alg.resolve(about.environment)?);
            }
            (shape, payload_flipped) = (sign.signature, sign.payload_flipped);
        }
        match &own.encode {
            None => {}
            Some(Encode::Padded) => padding = Padding::Kept,
            Some(_) => return refuse("encode"),
        }
        if let Some(value) = &own.replace {
            whole = Some(value.resolve(about.environment)?.to_text());
        }
        if own.error.is_some() || own.status.is_some() || own.redirect.is_some() || own.send.is_some() {
            return refuse("error, status, redirect or send");
        }
    }
    if let Some(whole) = whole {
        return Ok(whole);
    }
    let good = seal::signed_request(&payload.to_json_bytes(), &key, padding);
    let (seal, segment) = good.split_once('.').unwrap_or((&good, ""));
    let seal = match shape {
        SignatureShape::Good => seal.to_owned(),
        SignatureShape::Flipped => other_first(seal),
        SignatureShape::Empty => String::new(),
        SignatureShape::Missing => return Ok(segment.to_owned()),
        SignatureShape::Extra => format!("{seal}AA"),
        SignatureShape::Stale | SignatureShape::Zero | SignatureShape::Order | SignatureShape::Der => {
            return refuse("this shape of a signature");
        }
    };
    let segment = if payload_flipped { other_payload(segment) } else { segment.to_owned() };
    Ok(format!("{seal}.{segment}"))
}

/// Another letter in front.
fn other_first(text: &str) -> String {
    let other = if text.starts_with('A') { 'B' } else { 'A' };
    format!("{other}{}", text.get(1..).unwrap_or_default())
}

/// Another letter in the middle: the payload stays readable, and is not the one that was signed.
fn other_payload(segment: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let Ok(mut bytes) = URL_SAFE_NO_PAD.decode(segment.trim_end_matches('=')) else { return other_first(segment) };
    // The last digit of the number that names the person.
    let digit = bytes.iter().position(u8::is_ascii_digit);
    if let Some(digit) = digit.and_then(|at| bytes.get_mut(at)) {
        *digit = if *digit == b'9' { b'8' } else { *digit + 1 };
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

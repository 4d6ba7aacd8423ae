//! The callbacks: a form with one `signed_request`, and what a fault makes of it.

use crate::model::fault::{Encode, SignatureShape, SigningKey};
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::provider::dialect::Notice;
use crate::provider::mint::patch;

use super::legacy_sig::{self, Members};
use super::seal::{self, Padding};

/// Seconds that a request for deletion is good for.
const DELETION: i64 = 3600;

/// Another app's secret: what whoever forges a message signs it with.
const FOREIGN: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

/// The form that tells of a person, whom the app knows by this number; `None`: no message of these dialects.
pub(super) fn form(about: &Notice<'_>, user_id: impl Fn() -> String) -> Option<Result<Wire, Unresolved>> {
    (about.send == "signed_request").then(|| {
        let text = sealed(about, user_id())?;
        let mut form = Wire::object();
        form.push("signed_request", text);
        Ok(form)
    })
}

/// The ping of 2010 that tells that a person has removed the app: `fb_sig_…` and their signature. Faults change the members
/// by their names without that prefix, before they are signed.
pub(super) fn ping(about: &Notice<'_>, user_id: &str) -> Result<Wire, Unresolved> {
    let mut wire = Wire::object();
    let locale = about.person.text("locale").unwrap_or_else(|| "en_US".to_owned());
    let time = format!("{}.5", about.now);
    let app = about.client.id.as_str();
    for (name, value) in [
        ("added", "0"),
        ("api_key", app),
        ("app_id", app),
        ("in_new_facebook", "1"),
        ("locale", locale.as_str()),
        ("time", time.as_str()),
        ("uninstall", "1"),
        ("user", user_id),
    ] {
        wire.push(name, value);
    }
    let (mut key, mut shape, mut payload_flipped) = (about.secret.clone(), SignatureShape::Good, false);
    for own in about.members.iter().map(|patch| &patch.operations) {
        patch::apply(&mut wire, own, about.environment)?;
        if let Some(sign) = &own.sign {
            key = match &sign.key {
                None => about.secret.clone(),
                Some(SigningKey::Named(name)) if name == "main" => about.secret.clone(),
                Some(SigningKey::Named(_)) => FOREIGN.to_owned(),
                Some(SigningKey::Material(value)) => value.resolve(about.environment)?.to_text(),
            };
            (shape, payload_flipped) = (sign.signature, sign.payload_flipped);
        }
    }
    let mut members = Members::new();
    if let Wire::Object(own) = &wire {
        members.extend(own.iter().map(|(name, value)| (name.clone(), value.to_text())));
    }
    let mut form = legacy_sig::ping(&members, &key);
    let mut change = |name: &str, to: &dyn Fn(&str) -> String| {
        if let Some(value) = form.get_mut(name) {
            *value = to(value);
        }
    };
    if payload_flipped {
        change("fb_sig_user", &|user| format!("{user}1"));
    }
    match shape {
        SignatureShape::Good => {}
        SignatureShape::Flipped => change("fb_sig", &other_first),
        SignatureShape::Empty => change("fb_sig", &|_| String::new()),
        SignatureShape::Missing => drop(form.remove("fb_sig")),
        _ => return Err(Unresolved::text("this shape of a signature of a fb_sig".to_owned())),
    }
    let mut sent = Wire::object();
    form.iter().for_each(|(name, value)| sent.push(name, value.as_str()));
    Ok(sent)
}

fn sealed(about: &Notice<'_>, id: String) -> Result<String, Unresolved> {
    let refuse = |what: &str| Err(Unresolved::text(format!("`{what}` of a signed_request")));
    if !about.header.is_empty() {
        return refuse("a header");
    }
    let mut payload = Wire::object();
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

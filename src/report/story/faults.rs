//! Deviations in words.

use crate::model::fault::{Encode, Fault, Grant, Pace, Patch, Redirect, Selectors, Sign, SignatureShape, SigningKey};

use super::acts::{at, seconds};
use super::values;

/// All patches of a fault.
pub(super) fn fault(fault: &Fault) -> String {
    fault.patches.iter().map(patch).collect::<Vec<_>>().join("; ")
}

fn patch(patch: &Patch) -> String {
    let operations = &patch.operations;
    let mut parts = Vec::new();
    parts.extend(operations.set.iter().map(|(name, value)| format!("{name} is {}", values::value(value))));
    parts.extend(operations.drop.iter().map(|name| format!("{name} is left out")));
    parts.extend(operations.duplicate.iter().map(|(name, list)| {
        let list: Vec<String> = list.iter().map(values::value).collect();
        format!("{name} stands there {} times: {}", list.len(), list.join(" and "))
    }));
    parts.extend(operations.sign.as_ref().map(sign));
    parts.extend(operations.encode.as_ref().map(encode));
    parts.extend(operations.replace.as_ref().map(|value| format!("its whole text is {}", values::value(value))));
    parts.extend(operations.error.as_ref().map(|error| {
        let more = [("description", &error.description), ("address", &error.uri)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!(", its {name} {}", values::value(value.as_ref()?))))
            .collect::<String>();
        format!("it is the error {}{more}", error.code)
    }));
    parts.extend(operations.status.map(|status| format!("its status is {status}")));
    parts.extend(operations.redirect.as_ref().map(redirect));
    parts.extend(operations.send.as_ref().map(pace));
    format!("in each {}{}, {}", patch.address, selected(&patch.selectors), parts.join(", "))
}

/// Which ones are meant, where not all are.
pub(super) fn selected(selectors: &Selectors) -> String {
    let mut words = String::new();
    if let Some(nth) = selectors.nth {
        words.push_str(&match (nth.from, nth.to) {
            (from, Some(to)) if from == to => format!(" number {from}"),
            (1, Some(to)) => format!(" up to number {to}"),
            (from, Some(to)) => format!(" from number {from} to {to}"),
            (from, None) => format!(" from number {from} on"),
        });
    }
    words.extend(selectors.of.as_ref().map(|of| format!(" for {of}")));
    words.extend(selectors.grant.map(|grant| match grant {
        Grant::Front => " through the browser".to_owned(),
        other => format!(" of the {} grant", other.name().replace('_', " ")),
    }));
    words.extend(selectors.path.as_ref().map(|path| format!(" under {path}")));
    words.push_str(&at(selectors.at));
    words
}

fn sign(sign: &Sign) -> String {
    let mut parts = Vec::new();
    if let Some(key) = &sign.key {
        parts.push(match key {
            SigningKey::Named(name) => format!("it is signed with the key \"{name}\""),
            SigningKey::Material(value) => format!("it is signed with the key material {}", values::value(value)),
        });
    }
    parts.extend(sign.alg.as_ref().map(|alg| format!("its alg is {}", values::value(alg))));
    parts.extend(
        match sign.signature {
            SignatureShape::Good => None,
            SignatureShape::Flipped => Some("one bit of its signature is changed"),
            SignatureShape::Empty => Some("its signature is empty"),
            SignatureShape::Missing => Some("its signature is missing"),
            SignatureShape::Stale => Some("its signature is that of an earlier token"),
            SignatureShape::Zero => Some("its signature is zero"),
            SignatureShape::Order => Some("its signature is the order of the group"),
            SignatureShape::Der => Some("its signature is in DER"),
            SignatureShape::Extra => Some("its signature has more bytes behind it"),
        }
        .map(str::to_owned),
    );
    if sign.payload_flipped {
        parts.push("its payload is changed after signing".to_owned());
    }
    if parts.is_empty() { "it is signed as usual".to_owned() } else { parts.join(", ") }
}

fn encode(encode: &Encode) -> String {
    match encode {
        Encode::Json => "it is written as JSON (JWS JSON serialization)",
        Encode::Flattened => "it is written as flattened JSON",
        Encode::Padded => "its base64 is padded",
        Encode::StandardAlphabet => "its base64 has the standard alphabet",
        Encode::LineBreaks => "its base64 has line breaks",
        Encode::Trailing => "something follows it",
        Encode::NotUtf8 => "it is no UTF-8",
        Encode::Unencoded => "its payload is not encoded",
        Encode::Jwe { recipient, inner_claims, .. } => {
            let inside = if *inner_claims { "bare claims" } else { "the signed token" };
            return format!("it is encrypted for the {recipient}, with {inside} inside");
        }
        Encode::Query => "it comes in the query",
        Encode::Fragment => "it comes in the fragment",
        Encode::FormPost => "it comes as a form that is posted",
        Encode::Jwt => "it comes as a JWT",
        Encode::Gzip => "it is compressed",
        Encode::Bom => "it begins with a byte order mark",
        Encode::Latin1 => "it is in Latin-1",
    }
    .to_owned()
}

fn redirect(redirect: &Redirect) -> String {
    let carry = if redirect.carry { ", with the request's parameters" } else { "" };
    let set: String = redirect.set.iter().map(|(name, value)| format!(", {name} = {}", values::value(value))).collect();
    format!("it sends on ({}) to {}{carry}{set}", redirect.status, values::value(&redirect.to))
}

fn pace(pace: &Pace) -> String {
    match pace {
        Pace::Held => "it is held back until that is over".to_owned(),
        Pace::Never => "it never comes".to_owned(),
        Pace::Reset => "the connection is reset instead".to_owned(),
        Pace::Cut => "the connection breaks in the middle of it".to_owned(),
        Pace::After(length) => format!("it comes {} late", seconds(*length)),
        Pace::Slowly { bytes_per_second } => format!("it comes at {bytes_per_second} bytes a second"),
        Pace::Certificate(which) => format!("its TLS certificate is wrong ({which})"),
    }
}

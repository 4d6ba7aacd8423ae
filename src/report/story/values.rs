//! Values in words.

use crate::model::fault::ProviderName;
use crate::model::value::{
    HashAlgorithm, KeyForm, LetterCase, Place, Source, Tamper, TextEncoding, Transform, UnicodeForm, Value,
};

/// Longer texts are cut.
const SHOWN: usize = 60;

/// Longer lists and tables are cut.
const MEMBERS: usize = 6;

/// A value, or where it will come from.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Literal(json) => cut(&json.to_string()),
        Value::Bound(wire) => cut(&wire.to_text()),
        Value::List(items) if items.is_empty() => "an empty list".to_owned(),
        Value::List(items) => several(items.iter().map(self::value)),
        Value::Table(members) if members.is_empty() => "an empty table".to_owned(),
        Value::Table(members) => {
            format!("{{ {} }}", several(members.iter().map(|(name, own)| format!("{name}: {}", self::value(own)))))
        }
        Value::Run(run) => {
            let done: String = run.transforms.iter().map(|own| format!(", {}", transform(own))).collect();
            format!("{}{done}", source(&run.source))
        }
    }
}

fn several(items: impl ExactSizeIterator<Item = String>) -> String {
    let count = items.len();
    let mut shown: Vec<String> = items.take(MEMBERS).collect();
    if count > MEMBERS {
        shown.push(format!("and {} more", count - MEMBERS));
    }
    shown.join(", ")
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    format!("{}… ({} characters)", text.chars().take(SHOWN).collect::<String>(), text.chars().count())
}

fn source(source: &Source) -> String {
    match source {
        Source::Saved(name) if name == "variant" => "the variant's value".to_owned(),
        Source::Saved(name) => format!("what was kept as \"{name}\""),
        Source::Of { field, of, at } => {
            let at = if *at == ProviderName::Main { String::new() } else { format!(" at \"{}\"", at.name()) };
            let of = match of.as_str() {
                "manifest" => "the manifest".to_owned(),
                "main" => "the provider".to_owned(),
                "feature" => "the feature".to_owned(),
                own if ProviderName::from_name(own).is_some() => format!("the provider \"{own}\""),
                own => own.to_owned(),
            };
            format!("the {} of {of}{at}", field.replace('_', " "))
        }
        Source::Original(name) => format!("the {name} that it would have had"),
        Source::Time(0) => "the time now".to_owned(),
        Source::Time(seconds) if *seconds < 0 => format!("a time {} s ago", -seconds),
        Source::Time(seconds) => format!("a time in {seconds} s"),
        Source::Json(own) => match own {
            Value::Literal(serde_json::Value::String(text)) => format!("the JSON text {}", cut(text)),
            other => format!("the JSON text {}", value(other)),
        },
        Source::Base64(bytes) => format!("{} raw bytes", bytes.len()),
        Source::Repeat { text, times } => format!("\"{}\" {times} times over", cut(text)),
        Source::Join(pieces) => format!("together: {}", several(pieces.iter().map(value))),
        Source::Token { kind, of, at, client, time, sign } => {
            let at = if *at == ProviderName::Main { String::new() } else { format!(" from \"{}\"", at.name()) };
            let of = of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
            let client = client.as_ref().map(|client| format!(" for the client \"{client}\"")).unwrap_or_default();
            let time = time.map(|seconds| format!(" made at {seconds:+} s")).unwrap_or_default();
            match sign {
                None => format!("a genuine {kind}{of}{at}{client}{time}"),
                Some(key) => format!("a {kind}{of}{at}{client}{time}, signed with the key \"{key}\""),
            }
        }
        Source::Key { key, form, members } => {
            let form = match form {
                KeyForm::Jwk => "",
                KeyForm::SpkiPem | KeyForm::SpkiPemNoNewline => " in PEM (SPKI)",
                KeyForm::Pkcs1Pem | KeyForm::Pkcs1PemNoNewline => " in PEM (PKCS #1)",
                KeyForm::SpkiDer => " in DER (SPKI)",
                KeyForm::Pkcs1Der => " in DER (PKCS #1)",
                KeyForm::Modulus => ", its modulus alone",
                KeyForm::Exponent => ", its exponent alone",
            };
            let with: String = members.iter().map(|(name, own)| format!(", its {name} being {}", value(own))).collect();
            format!("the public key \"{key}\"{form}{with}")
        }
        Source::Canary(kind) => canary(kind),
    }
}

/// Something traceable that is planted.
fn canary(kind: &str) -> String {
    match kind.split_once(':') {
        Some(("url", which)) => format!("a planted address ({which})"),
        Some(("markup", which)) => format!("planted markup ({which})"),
        Some(("inject", which)) => format!("a planted injection ({which})"),
        _ => format!("a planted text ({kind})"),
    }
}

fn transform(transform: &Transform) -> String {
    match transform {
        Transform::Prefix(own) => format!("with {} in front", value(own)),
        Transform::Suffix(own) => format!("with {} behind", value(own)),
        Transform::Case(LetterCase::Upper) => "in capitals".to_owned(),
        Transform::Case(LetterCase::Lower) => "in small letters".to_owned(),
        Transform::Case(LetterCase::Swap) => "with letters in the other case".to_owned(),
        Transform::Keep(count) => format!("cut to its first {count} characters"),
        Transform::Edit(Place::First) => "with another first character".to_owned(),
        Transform::Edit(Place::Last) => "with another last character".to_owned(),
        Transform::Form(UnicodeForm::Nfc) => "in composed Unicode".to_owned(),
        Transform::Form(UnicodeForm::Nfd) => "in decomposed Unicode".to_owned(),
        Transform::Form(UnicodeForm::Fullwidth) => "in full-width letters".to_owned(),
        Transform::Hash(HashAlgorithm::Sha256) => "hashed with SHA-256".to_owned(),
        Transform::Hash(HashAlgorithm::Sha512) => "hashed with SHA-512".to_owned(),
        Transform::Encode(TextEncoding::Url) => "URL-encoded".to_owned(),
        Transform::Encode(TextEncoding::Base64url) => "in base64url".to_owned(),
        Transform::Tamper(Tamper::Unsigned) => "with its signature taken off".to_owned(),
        Transform::Tamper(Tamper::Payload) => "with its payload changed".to_owned(),
        Transform::Tamper(Tamper::Urls) => "with the addresses in it changed".to_owned(),
    }
}

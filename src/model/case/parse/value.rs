//! Literals and run-time values (CASE-LANGUAGE 1.7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use crate::model::value::{
    HashAlgorithm, KeyForm, LetterCase, Place, RunValue, Source, Tamper, TextEncoding, Transform, UnicodeForm, Value,
};

use super::fault::SIGNING_KEYS;
use super::reader::{Member, Node, Reader, members};

/// The keys that make a table a run-time value, beside `FIELD_of`.
const SOURCES: [&str; 10] = ["saved", "original", "time", "json", "base64", "repeat", "join", "token", "key", "canary"];

/// The keys that change what a source gave.
const TRANSFORMS: [&str; 9] = ["prefix", "suffix", "case", "keep", "edit", "form", "hash", "encode", "tamper"];

/// Any value.
pub(super) fn value<'t>(reader: &Reader<'t>, node: Node<'t>) -> Value {
    match node.get_ref() {
        DeValue::String(text) => Value::text(text.to_string()),
        DeValue::Integer(_) => Value::Literal(Json::from(reader.number_of(node).unwrap_or_default())),
        DeValue::Float(number) => {
            let read = number.as_str().replace('_', "").parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            match read {
                Some(number) => Value::Literal(Json::Number(number)),
                None => {
                    reader.error(
                        node.span(),
                        "JSON has no such number",
                        "{ json = \"1e400\" } writes JSON text as it stands",
                    );
                    Value::Literal(Json::Null)
                }
            }
        }
        DeValue::Boolean(truth) => Value::Literal(Json::from(*truth)),
        DeValue::Datetime(date) => Value::text(date.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| value(reader, item)).collect()),
        DeValue::Table(table) => match source_member(table) {
            Some(member) => run_value(reader, table, &member),
            None => Value::Table(
                members(table).into_iter().map(|(name, _, node)| (name.to_owned(), value(reader, node))).collect(),
            ),
        },
    }
}

/// Named values in the order of the file.
pub(super) fn named<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<(String, Value)> {
    let Some(table) = reader.table_of(node) else { return Vec::new() };
    members(table).into_iter().map(|(name, _, node)| (name.to_owned(), value(reader, node))).collect()
}

/// Names with a list of values each.
pub(super) fn repeated<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<(String, Vec<Value>)> {
    let Some(table) = reader.table_of(node) else { return Vec::new() };
    members(table)
        .into_iter()
        .filter_map(|(name, _, node)| match value(reader, node) {
            Value::List(values) if values.len() > 1 => Some((name.to_owned(), values)),
            _ => {
                reader.error(
                    node.span(),
                    format!("`{name}` must be a list of at least two values"),
                    "duplicate = { sub = [\"a\", \"b\"] }",
                );
                None
            }
        })
        .collect()
}

/// The member that makes a table a run-time value: one of the right name whose value is of the right kind, so that a
/// schema may have a property that is called `token`.
fn source_member<'t>(table: &'t DeTable<'t>) -> Option<Member<'t>> {
    members(table).into_iter().find(|(name, _, node)| {
        let text = matches!(node.get_ref(), DeValue::String(_));
        match *name {
            "join" => matches!(node.get_ref(), DeValue::Array(_)),
            "json" => text || matches!(node.get_ref(), DeValue::Table(_)),
            own if SOURCES.contains(&own) => text,
            own => own.len() > 3 && own.ends_with("_of") && text,
        }
    })
}

fn run_value<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>, member: &Member<'t>) -> Value {
    let (name, _, node) = member;
    let others: Vec<Member<'t>> = members(table).into_iter().filter(|(own, _, _)| own != name).collect();
    let mut used: Vec<&str> = Vec::new();
    let text = || reader.text_of(node).unwrap_or_default();
    let beside = |key: &str| others.iter().find(|(own, _, _)| *own == key).map(|(_, _, node)| *node);
    let provider = |key: &str| beside(key).and_then(|node| super::fault::provider(reader, node)).unwrap_or_default();
    let source = match *name {
        "saved" => Source::Saved(text()),
        "original" => Source::Original(text()),
        "time" => Source::Time(seconds(reader, node).unwrap_or_default()),
        "json" => Source::Json(value(reader, node)),
        "base64" => Source::Base64(STANDARD.decode(text()).unwrap_or_else(|_| {
            reader.error(node.span(), "this is no base64", "with padding, in the standard alphabet");
            Vec::new()
        })),
        "repeat" => {
            used.push("times");
            let times = match beside("times") {
                Some(node) => reader.count_of(node, 1, 1_000_000_000).unwrap_or(1),
                None => {
                    reader.error(node.span(), "`repeat` needs `times`", "{ repeat = \"a\", times = 300 }");
                    1
                }
            };
            Source::Repeat { text: text(), times: usize::try_from(times).unwrap_or(1) }
        }
        "join" => match value(reader, node) {
            Value::List(pieces) => Source::Join(pieces),
            other => Source::Join(vec![other]),
        },
        "token" => {
            used.extend(["of", "at", "client", "time", "sign"]);
            let own = |key: &str| beside(key).and_then(|node| reader.text_of(node));
            let time = beside("time").and_then(|node| seconds(reader, node));
            let sign = beside("sign").and_then(|node| {
                reader.word_of(node, "key", &SIGNING_KEYS, |word| SIGNING_KEYS.contains(&word).then(|| word.to_owned()))
            });
            Source::Token { kind: text(), of: own("of"), at: provider("at"), client: own("client"), time, sign }
        }
        "key" => {
            let form = beside("as").and_then(|node| key_form(reader, node)).unwrap_or_default();
            let own = others
                .iter()
                .filter(|(own, _, _)| *own != "as" && !TRANSFORMS.contains(own))
                .map(|(own, _, node)| ((*own).to_owned(), value(reader, node)))
                .collect();
            used.extend(others.iter().map(|(own, _, _)| *own).filter(|own| !TRANSFORMS.contains(own)));
            Source::Key { key: text(), form, members: own }
        }
        "canary" => Source::Canary(text()),
        field => {
            used.push("at");
            Source::Of { field: field.trim_end_matches("_of").to_owned(), of: text(), at: provider("at") }
        }
    };
    let mut transforms = Vec::new();
    for (own, span, node) in &others {
        if used.contains(own) {
            continue;
        }
        match transform(reader, own, node) {
            Some(Some(transform)) => transforms.push(transform),
            Some(None) => {}
            None => reader.unknown(
                span.clone(),
                &format!("`{own}` is nothing that can be done to a value"),
                own,
                &TRANSFORMS,
                "transform",
            ),
        }
    }
    Value::Run(Box::new(RunValue { source, transforms }))
}

/// `None`: no such transform; `Some(None)`: one whose value is wrong, which was said.
fn transform<'t>(reader: &Reader<'t>, name: &str, node: Node<'t>) -> Option<Option<Transform>> {
    Some(match name {
        "prefix" => Some(Transform::Prefix(value(reader, node))),
        "suffix" => Some(Transform::Suffix(value(reader, node))),
        "case" => reader
            .word_of(node, "case", &["upper", "lower", "swap"], |word| match word {
                "upper" => Some(LetterCase::Upper),
                "lower" => Some(LetterCase::Lower),
                "swap" => Some(LetterCase::Swap),
                _ => None,
            })
            .map(Transform::Case),
        "keep" => reader.count_of(node, 0, 1_000_000).map(|count| Transform::Keep(usize::try_from(count).unwrap_or(0))),
        "edit" => reader
            .word_of(node, "place", &["first", "last"], |word| match word {
                "first" => Some(Place::First),
                "last" => Some(Place::Last),
                _ => None,
            })
            .map(Transform::Edit),
        "form" => reader
            .word_of(node, "Unicode form", &["nfc", "nfd", "fullwidth"], |word| match word {
                "nfc" => Some(UnicodeForm::Nfc),
                "nfd" => Some(UnicodeForm::Nfd),
                "fullwidth" => Some(UnicodeForm::Fullwidth),
                _ => None,
            })
            .map(Transform::Form),
        "hash" => reader
            .word_of(node, "hash", &["sha256", "sha512"], |word| match word {
                "sha256" => Some(HashAlgorithm::Sha256),
                "sha512" => Some(HashAlgorithm::Sha512),
                _ => None,
            })
            .map(Transform::Hash),
        "encode" => reader
            .word_of(node, "encoding", &["url", "base64url"], |word| match word {
                "url" => Some(TextEncoding::Url),
                "base64url" => Some(TextEncoding::Base64url),
                _ => None,
            })
            .map(Transform::Encode),
        "tamper" => reader
            .word_of(node, "way to tamper", &["unsigned", "payload", "urls"], |word| match word {
                "unsigned" => Some(Tamper::Unsigned),
                "payload" => Some(Tamper::Payload),
                "urls" => Some(Tamper::Urls),
                _ => None,
            })
            .map(Transform::Tamper),
        _ => return None,
    })
}

/// `"-1h"`, `"+60s"`.
pub(super) fn seconds<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<i64> {
    let text = reader.text_of(node)?;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let read = crate::model::manifest::duration(rest).and_then(|length| i64::try_from(length.as_secs()).ok());
    if read.is_none() {
        reader.error(node.span(), format!("cannot read the time \"{text}\""), "write \"-1h\", \"+60s\" or \"0s\"");
    }
    read.map(|seconds| sign * seconds)
}

const KEY_FORMS: [(&str, KeyForm); 9] = [
    ("jwk", KeyForm::Jwk),
    ("spki-pem", KeyForm::SpkiPem),
    ("spki-pem-no-newline", KeyForm::SpkiPemNoNewline),
    ("pkcs1-pem", KeyForm::Pkcs1Pem),
    ("pkcs1-pem-no-newline", KeyForm::Pkcs1PemNoNewline),
    ("spki-der", KeyForm::SpkiDer),
    ("pkcs1-der", KeyForm::Pkcs1Der),
    ("modulus", KeyForm::Modulus),
    ("exponent", KeyForm::Exponent),
];

fn key_form<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<KeyForm> {
    let words = KEY_FORMS.map(|(word, _)| word);
    reader.word_of(node, "form of a key", &words, |word| {
        KEY_FORMS.iter().find(|(own, _)| *own == word).map(|(_, form)| *form)
    })
}

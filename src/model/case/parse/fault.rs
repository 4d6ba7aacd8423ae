//! Faults: addresses, selectors and operations (CASE-LANGUAGE 1.4).

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::diagnostic::nearest;
use crate::model::fault::{
    Address, Encode, Endpoint, ErrorAnswer, Fault, Grant, Layer, Message, Object, Operations, Pace, Patch,
    ProviderName, Range as Counts, Redirect, Selectors, Sign, SignatureShape, SigningKey,
};
use crate::model::value::Value;

use super::reader::{Node, Reader, members};
use super::value::{named, repeated, value};

pub(super) const KEYS: [&str; 16] = [
    "in",
    "nth",
    "of",
    "grant",
    "at",
    "path",
    "set",
    "drop",
    "duplicate",
    "sign",
    "encode",
    "replace",
    "error",
    "status",
    "redirect",
    "send",
];

/// Members of a JOSE header (RFC 7515, section 4.1) that are no claims.
const JOSE: [&str; 9] = ["kid", "jku", "jwk", "x5u", "x5c", "x5t", "typ", "cty", "crit"];

/// A fault, or a list of patches that are one.
pub(super) fn fault<'t>(reader: &Reader<'t>, node: Node<'t>) -> Fault {
    let patches = match node.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| patch(reader, item)).collect(),
        _ => patch(reader, node).into_iter().collect(),
    };
    Fault { patches }
}

fn patch<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Patch> {
    let table = reader.table_of(node)?;
    reader.only(table, &KEYS, "a fault");
    let Some(place) = table.get("in") else {
        reader.error(node.span(), "a fault says what it is `in`", "in = \"id_token\", in = \"token_response.http\"");
        return None;
    };
    let address = address(reader, place)?;
    let told = reader.count();
    let operations = operations(reader, table, &address);
    // A misspelt operation, or one that cannot be read, has been told already.
    let all_known = members(table).iter().all(|(name, _, _)| KEYS.contains(name));
    if operations == Operations::default() && all_known && reader.count() == told {
        reader.error(
            node.span(),
            "this fault does nothing",
            "set, drop, duplicate, sign, encode, replace, error, status, redirect or send",
        );
    }
    Some(Patch { address, selectors: selectors(reader, table), operations })
}

/// `message` or `message.layer`.
fn address<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Address> {
    let text = reader.text_of(node)?;
    let (name, layer) = match text.split_once('.') {
        None => (text.as_str(), Layer::Members),
        Some((name, layer)) => {
            let layer = match layer {
                "jose" => Layer::Jose,
                "http" => Layer::Http,
                "form" => Layer::Form,
                other => {
                    reader.unknown(
                        node.span(),
                        &format!("no layer is called `{other}`"),
                        other,
                        &["jose", "http", "form"],
                        "layer",
                    );
                    return None;
                }
            };
            (name, layer)
        }
    };
    let object = Object::COMMON.into_iter().find(|object| object.name() == name);
    let own = || reader.vocabulary.objects.contains(name).then(|| Object::Dialect(name.to_owned()));
    let response = || name.strip_suffix("_response").and_then(Endpoint::from_name);
    let message = match (object.or_else(own), response()) {
        (Some(object), _) => Message::Object(object),
        (None, Some(endpoint)) => Message::Response(endpoint),
        (None, None) => {
            no_message(reader, node.span(), name);
            return None;
        }
    };
    Some(Address { message, layer })
}

fn no_message(reader: &Reader<'_>, span: Range<usize>, name: &str) {
    if Endpoint::from_name(name).is_some() {
        let message = format!("`{name}` is the partner's request; a fault changes what the provider sends");
        return reader.error(span, message, format!("write in = \"{name}_response\""));
    }
    let mut known: Vec<String> = Endpoint::ALL.iter().map(|endpoint| format!("{endpoint}_response")).collect();
    known.extend(Object::COMMON.iter().map(|object| object.name().to_owned()));
    known.extend(reader.vocabulary.objects.iter().cloned());
    let help = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the messages: {}", known.join(" ")),
    };
    reader.error(span, format!("no message is called `{name}`"), help);
}

/// `nth`, `of`, `grant`, `at`, `path`.
pub(super) fn selectors<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>) -> Selectors {
    let grants = Grant::ALL.map(Grant::name);
    Selectors {
        nth: table.get("nth").and_then(|node| nth(reader, node)),
        of: table.get("of").and_then(|node| reader.person(node)),
        grant: table.get("grant").and_then(|node| reader.word_of(node, "grant", &grants, Grant::from_name)),
        at: table.get("at").and_then(|node| provider(reader, node)).unwrap_or_default(),
        path: table.get("path").and_then(|node| reader.text_of(node)),
    }
}

pub(super) fn provider<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<ProviderName> {
    reader.word_of(node, "provider", &["main", "other", "attacker"], ProviderName::from_name)
}

/// 2, `"..3"`, `"2.."`.
fn nth<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Counts> {
    if let DeValue::Integer(_) = node.get_ref() {
        return reader.count_of(node, 1, 1_000_000).map(|number| Counts::exactly(number.unsigned_abs()));
    }
    let text = reader.text_of(node)?;
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| *number > 0);
    let read = match text.split_once("..") {
        Some(("", to)) => number(to).map(|to| Counts { from: 1, to: Some(to) }),
        Some((from, "")) => number(from).map(|from| Counts { from, to: None }),
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| Counts { from, to: Some(to) }),
        None => number(&text).map(Counts::exactly),
    };
    if read.is_none() {
        reader.error(node.span(), format!("cannot read `nth` \"{text}\""), "write 2, \"..3\" or \"2..\"");
    }
    read
}

fn operations<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>, address: &Address) -> Operations {
    let mut all = Operations::default();
    for (name, span, node) in members(table) {
        match name {
            "set" => {
                all.set = named(reader, node);
                no_header_member(reader, node, address);
            }
            "drop" => all.drop = reader.texts_of(node),
            "duplicate" => all.duplicate = repeated(reader, node),
            "sign" => {
                all.sign = sign(reader, node);
                unsigned(reader, span, address);
            }
            "encode" => all.encode = encode(reader, node),
            "replace" => all.replace = Some(value(reader, node)),
            "error" => all.error = error(reader, node),
            "status" => {
                all.status = reader.count_of(node, 100, 599).and_then(|status| u16::try_from(status).ok());
            }
            "redirect" => all.redirect = redirect(reader, node),
            "send" => all.send = send(reader, node),
            _ => {}
        }
    }
    all
}

/// A header member that is set among the claims is a mistake that would go unnoticed.
fn no_header_member<'t>(reader: &Reader<'t>, node: Node<'t>, address: &Address) {
    let (Message::Object(object), Layer::Members, DeValue::Table(table)) =
        (&address.message, address.layer, node.get_ref())
    else {
        return;
    };
    for (name, span, _) in members(table) {
        if JOSE.contains(&name) {
            let help = format!(
                "in = \"{}.jose\". If you do want a claim named {name}, write it as \"/{name}\"",
                object.name()
            );
            reader.error(span, format!("`{name}` belongs to the JOSE header; here it would become a claim"), help);
        }
    }
}

fn unsigned(reader: &Reader<'_>, span: Range<usize>, address: &Address) {
    let what = match &address.message {
        Message::Object(object) if object.is_signed() => return,
        Message::Object(object) => format!("{} is", object.name()),
        Message::Response(Endpoint::Discovery) => "discovery documents are".to_owned(),
        Message::Response(Endpoint::Jwks) => "key sets are".to_owned(),
        Message::Response(endpoint) => format!("{endpoint} answers are"),
    };
    let signed: Vec<&str> =
        Object::COMMON.iter().filter(|object| object.is_signed()).map(Object::name_static).collect();
    reader.error(
        span,
        format!("{what} not signed, so `sign` has nothing to change"),
        format!("signed messages: {}", signed.join(" ")),
    );
}

pub(super) const SHAPES: [(&str, SignatureShape); 9] = [
    ("good", SignatureShape::Good),
    ("flipped", SignatureShape::Flipped),
    ("empty", SignatureShape::Empty),
    ("missing", SignatureShape::Missing),
    ("stale", SignatureShape::Stale),
    ("zero", SignatureShape::Zero),
    ("order", SignatureShape::Order),
    ("der", SignatureShape::Der),
    ("extra", SignatureShape::Extra),
];

pub(super) const SIGNING_KEYS: [&str; 8] =
    ["main", "second", "fresh", "withdrawn", "attacker", "rsa-1024", "rsa-512", "oct"];

fn sign<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Sign> {
    if let DeValue::Table(table) = node.get_ref() {
        reader.only(table, &["alg", "key", "signature"], "`sign`");
        let words = SHAPES.map(|(word, _)| word);
        let shape = |word: &str| SHAPES.iter().find(|(own, _)| *own == word).map(|(_, shape)| *shape);
        let key = table.get("key").map(|node| match node.get_ref() {
            DeValue::String(name) if SIGNING_KEYS.contains(&name.as_ref()) => SigningKey::Named(name.to_string()),
            _ => SigningKey::Material(value(reader, node)),
        });
        return Some(Sign {
            alg: table.get("alg").map(|node| value(reader, node)),
            key,
            signature: table
                .get("signature")
                .and_then(|node| reader.word_of(node, "state of a signature", &words, shape))
                .unwrap_or_default(),
            payload_flipped: false,
        });
    }
    let text = reader.text_of(node)?;
    let shaped = |signature: SignatureShape| Some(Sign { signature, ..Sign::default() });
    match text.as_str() {
        "none" => Some(Sign { alg: Some(Value::text("none")), signature: SignatureShape::Empty, ..Sign::default() }),
        "flipped" => shaped(SignatureShape::Flipped),
        "flipped-payload" => Some(Sign { payload_flipped: true, ..Sign::default() }),
        "stripped" => shaped(SignatureShape::Missing),
        own if SIGNING_KEYS.contains(&own) => {
            Some(Sign { key: Some(SigningKey::Named(own.to_owned())), ..Sign::default() })
        }
        other => {
            let mut known = SIGNING_KEYS.to_vec();
            known.extend(["none", "flipped", "flipped-payload", "stripped"]);
            reader.unknown(node.span(), &format!("`{other}` is no way to sign"), other, &known, "way to sign");
            None
        }
    }
}

pub(super) const ENCODINGS: [(&str, Encode); 15] = [
    ("json", Encode::Json),
    ("flattened", Encode::Flattened),
    ("padded", Encode::Padded),
    ("standard-alphabet", Encode::StandardAlphabet),
    ("line-breaks", Encode::LineBreaks),
    ("trailing", Encode::Trailing),
    ("not-utf8", Encode::NotUtf8),
    ("unencoded", Encode::Unencoded),
    ("query", Encode::Query),
    ("fragment", Encode::Fragment),
    ("form_post", Encode::FormPost),
    ("jwt", Encode::Jwt),
    ("gzip", Encode::Gzip),
    ("bom", Encode::Bom),
    ("latin1", Encode::Latin1),
];

fn encode<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Encode> {
    if let DeValue::Table(table) = node.get_ref() {
        reader.only(table, &["jwe", "alg", "enc", "zip", "inner"], "`encode`");
        let text = |key: &str| table.get(key).and_then(|node| reader.text_of(node));
        let Some(recipient) = text("jwe") else {
            reader.error(node.span(), "`encode` as a table says for whom: `jwe`", "encode = { jwe = \"partner\" }");
            return None;
        };
        let inner = |word: &str| match word {
            "signed" => Some(false),
            "claims" => Some(true),
            _ => None,
        };
        let inner_claims =
            table.get("inner").and_then(|node| reader.word_of(node, "inside", &["signed", "claims"], inner));
        return Some(Encode::Jwe {
            recipient,
            alg: text("alg"),
            enc: text("enc"),
            zip: text("zip"),
            inner_claims: inner_claims.unwrap_or_default(),
        });
    }
    let words = ENCODINGS.iter().map(|(word, _)| *word).collect::<Vec<_>>();
    reader.word_of(node, "encoding", &words, |word| {
        ENCODINGS.iter().find(|(own, _)| *own == word).map(|(_, encode)| encode.clone())
    })
}

fn error<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<ErrorAnswer> {
    if let DeValue::Table(table) = node.get_ref() {
        reader.only(table, &["code", "description", "uri", "subcode"], "`error`");
        let Some(code) = table.get("code").and_then(|node| number_or_text(reader, node)) else {
            reader.error(node.span(), "an error has a `code`", "error = { code = \"invalid_grant\" }");
            return None;
        };
        return Some(ErrorAnswer {
            code,
            description: table.get("description").map(|node| value(reader, node)),
            uri: table.get("uri").map(|node| value(reader, node)),
            subcode: table.get("subcode").and_then(|node| number_or_text(reader, node)),
        });
    }
    number_or_text(reader, node).map(|code| ErrorAnswer { code, ..ErrorAnswer::default() })
}

/// A code: dialects have numbers as well as words.
fn number_or_text<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<String> {
    match node.get_ref() {
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        _ => reader.text_of(node),
    }
}

fn redirect<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Redirect> {
    let table = reader.table_of(node)?;
    reader.only(table, &["to", "status", "carry", "set"], "`redirect`");
    let Some(to) = table.get("to") else {
        reader.error(
            node.span(),
            "a redirect says where `to`",
            "redirect = { to = { authorization_endpoint_of = \"main\" } }",
        );
        return None;
    };
    let status = table.get("status").and_then(|node| reader.count_of(node, 300, 399));
    Some(Redirect {
        to: value(reader, to),
        status: status.and_then(|status| u16::try_from(status).ok()).unwrap_or(302),
        carry: table.get("carry").and_then(|node| reader.bool_of(node)).unwrap_or_default(),
        set: table.get("set").map(|node| named(reader, node)).unwrap_or_default(),
    })
}

fn send<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Pace> {
    if let DeValue::Table(table) = node.get_ref() {
        reader.only(table, &["after", "slowly", "certificate"], "`send`");
        if let Some(node) = table.get("after") {
            return reader.duration_of(node).map(Pace::After);
        }
        if let Some(node) = table.get("slowly") {
            let text = reader.text_of(node)?;
            let rate = text.trim_end().strip_suffix("B/s").and_then(|rate| rate.trim().parse::<u32>().ok());
            if rate.is_none_or(|rate| rate == 0) {
                reader.error(node.span(), format!("cannot read the rate \"{text}\""), "write \"1 B/s\"");
            }
            return rate.map(|bytes_per_second| Pace::Slowly { bytes_per_second });
        }
        let words = ["self-signed", "expired", "wrong-name"];
        let certificate = table.get("certificate")?;
        let known = |word: &str| words.contains(&word).then(|| word.to_owned());
        return reader.word_of(certificate, "certificate", &words, known).map(Pace::Certificate);
    }
    let text = reader.text_of(node)?;
    let pace = match text.as_str() {
        "held" => Some(Pace::Held),
        "never" => Some(Pace::Never),
        "reset" => Some(Pace::Reset),
        "cut" => Some(Pace::Cut),
        _ => None,
    };
    if pace.is_none() {
        let ways = "held never reset cut, { after = \"300ms\" }, { slowly = \"1 B/s\" }, { certificate = \"expired\" }";
        let help = match nearest(&text, ["held", "never", "reset", "cut"]) {
            Some(near) => format!("did you mean `{near}`? Known: {ways}"),
            None => format!("known: {ways}"),
        };
        reader.error(node.span(), format!("`{text}` is no way to send"), help);
    }
    pace
}

//! Expectations (CASE-LANGUAGE 1.5): one subject, and its qualifiers.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use crate::model::case::{
    AccountIs, Expectation, Expected, FeaturesAre, FieldIs, LeakPlace, RequestAddress, RequestPart, RequestTo,
    SessionIs, StatusPattern,
};
use crate::model::fault::{Endpoint, Layer, Range as Counts};

use super::fault::selectors;
use super::reader::{Node, Reader, members};
use super::schema;
use super::value::value;

/// What an expectation can be about.
pub(super) const SUBJECTS: [&str; 11] =
    ["session", "ended", "account", "fields", "features", "request", "response", "cookie", "hidden", "inert", "any"];

/// Qualifier -> the subjects that it goes with.
pub(super) const QUALIFIERS: [(&str, &[&str]); 18] = [
    ("count", &["request", "cookie"]),
    ("matches", &["request", "response", "cookie"]),
    ("answered", &["request"]),
    ("unique", &["request"]),
    ("entropy", &["request"]),
    ("gap", &["request"]),
    ("nth", &["request"]),
    ("of", &["request"]),
    ("grant", &["request"]),
    ("at", &["request"]),
    ("path", &["request"]),
    ("lands", &["response"]),
    ("lacks", &["response"]),
    ("has", &["response"]),
    ("from", &["hidden"]),
    ("since", &["request", "hidden"]),
    ("within", &SUBJECTS),
    ("for", &SUBJECTS),
];

/// An expectation.
pub(super) fn expectation<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Expectation> {
    let table = reader.table_of(node)?;
    let found: Vec<_> = members(table).into_iter().filter(|(name, _, _)| SUBJECTS.contains(name)).collect();
    let (subject_name, _, subject_node) = match found.as_slice() {
        [one] => one.clone(),
        [] => {
            let names: Vec<&str> = SUBJECTS.iter().copied().chain(QUALIFIERS.iter().map(|(name, _)| *name)).collect();
            if let Some((name, span, _)) = members(table).into_iter().find(|(name, _, _)| !names.contains(name)) {
                reader.unknown(span, &format!("`{name}` is nothing that can be expected"), name, &SUBJECTS, "subject");
                return None;
            }
            reader.error(node.span(), "an expectation has a subject", format!("one of: {}", SUBJECTS.join(" ")));
            return None;
        }
        [first, second, ..] => {
            let message = format!("an expectation has one subject; this one has `{}` and `{}`", first.0, second.0);
            reader.error(second.1.clone(), message, "begin a new [[step]] for the second one");
            return None;
        }
    };
    qualifiers(reader, table, subject_name);
    let subject = subject(reader, subject_name, subject_node)?;
    let list = |key: &str| match table.get(key).map(|node| value(reader, node)) {
        None => Vec::new(),
        Some(crate::model::value::Value::List(items)) => items,
        Some(one) => vec![one],
    };
    let entropy = table.get("entropy").and_then(|node| entropy(reader, node));
    let matches = table.get("matches").map(|node| matches_of(reader, node));
    Some(Expectation {
        subject,
        count: table.get("count").and_then(|node| count(reader, node)),
        matches,
        answered: table.get("answered").map(|node| statuses(reader, node)),
        unique: table.get("unique").and_then(|node| reader.text_of(node)),
        entropy,
        gap: table.get("gap").and_then(|node| gap(reader, node)),
        selectors: selectors(reader, table),
        lands: table.get("lands").and_then(|node| reader.text_of(node)),
        lacks: list("lacks"),
        has: list("has"),
        from: table.get("from").map(|node| places(reader, node)).unwrap_or_default(),
        since: table.get("since").and_then(|node| reader.text_of(node)),
        within: table.get("within").and_then(|node| reader.duration_of(node)),
        hold_for: table.get("for").and_then(|node| reader.duration_of(node)),
    })
}

fn qualifiers<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>, subject: &str) {
    for (name, span, _) in members(table).into_iter().filter(|(name, _, _)| *name != subject) {
        match QUALIFIERS.iter().find(|(own, _)| *own == name) {
            Some((_, subjects)) if subjects.contains(&subject) => {}
            Some((_, subjects)) => {
                let message = format!("`{name}` does not go with `{subject}`");
                reader.error(span, message, format!("it goes with: {}", subjects.join(" ")));
            }
            None => {
                let known: Vec<&str> = QUALIFIERS
                    .iter()
                    .filter(|(_, subjects)| subjects.contains(&subject))
                    .map(|(own, _)| *own)
                    .collect();
                reader.unknown(span, &format!("`{name}` qualifies no expectation"), name, &known, "qualifier");
            }
        }
    }
}

fn matches_of<'t>(reader: &Reader<'t>, node: Node<'t>) -> crate::model::value::Value {
    match node.get_ref() {
        DeValue::String(name) => {
            let known: Vec<&str> = reader.vocabulary.schemas.iter().map(String::as_str).collect();
            if !reader.vocabulary.schemas.contains(name.as_ref()) {
                reader.unknown(node.span(), &format!("no schema is called `{name}`"), name, &known, "schema");
            }
        }
        DeValue::Table(table) if table.is_empty() => {
            reader.error(
                node.span(),
                "an empty schema matches everything",
                "say what must be there: matches.required = [\"code\"]",
            );
        }
        _ => schema::lint(reader, node, "expect.matches"),
    }
    value(reader, node)
}

/// Secrets that `hidden` may name: one kind, `secrets` (what no browser ever has to carry), or `everything`.
pub(super) const SECRETS: [&str; 9] = [
    "client_secret",
    "code",
    "code_verifier",
    "access_token",
    "refresh_token",
    "id_token",
    "session",
    "secrets",
    "everything",
];

fn secret<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<String> {
    let text = reader.text_of(node)?;
    if !SECRETS.contains(&text.as_str()) {
        reader.unknown(node.span(), &format!("no secret is called `{text}`"), &text, &SECRETS, "secret");
    }
    Some(text)
}

fn subject<'t>(reader: &Reader<'t>, name: &str, node: Node<'t>) -> Option<Expected> {
    Some(match name {
        "session" => Expected::Session(session(reader, node)?),
        "ended" => Expected::Ended(reader.person(node)?),
        "account" => Expected::Account(account(reader, node)?),
        "fields" => Expected::Fields(fields(reader, node)?),
        "features" => Expected::Features(features(reader, node)?),
        "request" => Expected::Request(request(reader, node)?),
        "response" => Expected::Response(match node.get_ref() {
            DeValue::String(text) if text == "any" => Vec::new(),
            _ => statuses(reader, node),
        }),
        "cookie" => Expected::Cookie(reader.text_of(node)?),
        "hidden" => Expected::Hidden(secret(reader, node)?),
        "inert" => Expected::Inert(reader.text_of(node)?),
        _ => match node.get_ref() {
            DeValue::Array(items) => {
                let all: Vec<Expectation> = items.iter().filter_map(|item| expectation(reader, item)).collect();
                if items.iter().count() < 2 {
                    reader.error(
                        node.span(),
                        "`any` is a choice between at least two",
                        "write the one expectation itself",
                    );
                }
                Expected::Any(all)
            }
            _ => {
                reader.error(
                    node.span(),
                    "`any` is a list of expectations",
                    "any = [{ session = \"nobody\" }, { session = \"alice\" }]",
                );
                return None;
            }
        },
    })
}

fn session<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<SessionIs> {
    if let DeValue::Table(table) = node.get_ref() {
        reader.only(table, &["not"], "`session`");
        return table.get("not").and_then(|node| reader.person(node)).map(SessionIs::Not);
    }
    let text = reader.text_of(node)?;
    Some(match text.as_str() {
        "nobody" => SessionIs::Nobody,
        "own" => SessionIs::Own,
        "unchanged" => SessionIs::Unchanged,
        _ => SessionIs::Person(reader.person(node)?),
    })
}

fn account<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<AccountIs> {
    let table = reader.table_of(node)?;
    reader.only(table, &["is", "not", "new"], "`account`");
    if let Some(node) = table.get("is") {
        return Some(AccountIs::Is(value(reader, node)));
    }
    if let Some(node) = table.get("not") {
        return Some(AccountIs::Not(value(reader, node)));
    }
    if let Some(node) = table.get("new") {
        return reader.count_of(node, 0, 1_000_000).map(|count| AccountIs::New(count.unsigned_abs()));
    }
    reader.error(node.span(), "`account` says what it is", "account = { not = { saved = \"home\" } }");
    None
}

fn fields<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Vec<(String, FieldIs)>> {
    let table = reader.table_of(node)?;
    let read = |node: Node<'t>| match node.get_ref() {
        DeValue::Table(own) if own.get("absent").is_some() => {
            reader.only(own, &["absent"], "a field");
            FieldIs::Absent
        }
        _ => FieldIs::Value(value(reader, node)),
    };
    Some(members(table).into_iter().map(|(name, _, node)| (name.to_owned(), read(node))).collect())
}

fn features<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<FeaturesAre> {
    if let DeValue::Table(table) = node.get_ref() {
        let word = |word: &str| match word {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let named = members(table).into_iter().filter_map(|(name, _, node)| {
            reader.word_of(node, "state of a feature", &["on", "off"], word).map(|on| (name.to_owned(), on))
        });
        return Some(FeaturesAre::Named(named.collect()));
    }
    reader.word_of(node, "expectation of features", &["as granted"], |word| {
        (word == "as granted").then_some(FeaturesAre::AsGranted)
    })
}

/// `token`, `token.http`, `token.client_assertion.jose`, `callback`, `canary`.
fn request<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<RequestAddress> {
    let text = reader.text_of(node)?;
    let mut parts = text.splitn(3, '.');
    let head = parts.next().unwrap_or_default();
    let to = match head {
        "callback" => RequestTo::Callback,
        "canary" => RequestTo::Canary,
        name => match Endpoint::from_name(name) {
            Some(endpoint) => RequestTo::Endpoint(endpoint),
            None => {
                let known: Vec<&str> =
                    Endpoint::ALL.iter().map(|endpoint| endpoint.name()).chain(["callback", "canary"]).collect();
                reader.unknown(node.span(), &format!("`{name}` is nothing that is asked"), name, &known, "request");
                return None;
            }
        },
    };
    let part = match (parts.next(), parts.next()) {
        (None, _) => RequestPart::Parameters,
        (Some("http"), None) => RequestPart::Http,
        (Some(name), None) => RequestPart::Jwt(name.to_owned(), Layer::Members),
        (Some(name), Some("jose")) => RequestPart::Jwt(name.to_owned(), Layer::Jose),
        (Some(_), Some(other)) => {
            reader.unknown(node.span(), &format!("`{other}` is no part of a request"), other, &["jose"], "part");
            return None;
        }
    };
    Some(RequestAddress { to, part })
}

/// 400, `"2xx"`, `"<500"`, or a list of them.
fn statuses<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<StatusPattern> {
    match node.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| status(reader, item)).collect(),
        _ => status(reader, node).into_iter().collect(),
    }
}

fn status<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<StatusPattern> {
    if let DeValue::Integer(_) = node.get_ref() {
        let status = reader.count_of(node, 100, 599)?;
        return u16::try_from(status).ok().map(StatusPattern::Exactly);
    }
    let text = reader.text_of(node)?;
    let class = |text: &str| {
        text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok()).filter(|class| (1..=5).contains(class))
    };
    let below = |text: &str| text.strip_prefix('<').and_then(|limit| limit.trim().parse::<u16>().ok());
    let read = class(&text).map(StatusPattern::Class).or_else(|| below(&text).map(StatusPattern::Below));
    if read.is_none() {
        reader.error(
            node.span(),
            format!("cannot read the status \"{text}\""),
            "write 400, \"2xx\", \"<500\" or a list of them",
        );
    }
    read
}

/// 1, `"<=2"`, `">=1"`, `"1..3"`.
fn count<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Counts> {
    if let DeValue::Integer(_) = node.get_ref() {
        return reader.count_of(node, 0, 1_000_000).map(|number| Counts::exactly(number.unsigned_abs()));
    }
    let text = reader.text_of(node)?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let read = if let Some(most) = text.strip_prefix("<=") {
        number(most).map(|to| Counts { from: 0, to: Some(to) })
    } else if let Some(least) = text.strip_prefix(">=") {
        number(least).map(|from| Counts { from, to: None })
    } else {
        let both = text.split_once("..").and_then(|(from, to)| number(from).zip(number(to)));
        both.map(|(from, to)| Counts { from, to: Some(to) })
    };
    match read {
        None => reader.error(
            node.span(),
            format!("cannot read the count \"{text}\""),
            "write 2, \"<=2\", \">=2\" or \"1..2\"",
        ),
        Some(Counts { from: 0, to: None }) => {
            reader.error(
                node.span(),
                format!("the count \"{text}\" always holds"),
                "say how many there must be: \">=1\"",
            );
        }
        Some(_) => {}
    }
    read
}

fn entropy<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<(String, u32)> {
    let table = reader.table_of(node)?;
    reader.only(table, &["of", "bits"], "`entropy`");
    let (Some(of), Some(bits)) = (table.get("of"), table.get("bits")) else {
        reader.error(
            node.span(),
            "`entropy` says of what, and how many bits",
            "entropy = { of = \"state\", bits = 64 }",
        );
        return None;
    };
    let bits = reader.count_of(bits, 1, 1024)?;
    Some((reader.text_of(of)?, u32::try_from(bits).unwrap_or(1)))
}

fn gap<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<std::time::Duration> {
    let text = reader.text_of(node)?;
    let read = text.strip_prefix(">=").and_then(|length| crate::model::manifest::duration(length.trim()));
    if read.is_none() {
        reader.error(node.span(), format!("cannot read the gap \"{text}\""), "write \">=5s\"");
    }
    read
}

pub(super) const PLACES: [(&str, LeakPlace); 8] = [
    ("url", LeakPlace::Url),
    ("referer", LeakPlace::Referer),
    ("page", LeakPlace::Page),
    ("cookie", LeakPlace::Cookie),
    ("api", LeakPlace::Api),
    ("other_provider", LeakPlace::OtherProvider),
    ("canary", LeakPlace::Canary),
    ("log", LeakPlace::Log),
];

fn places<'t>(reader: &Reader<'t>, node: Node<'t>) -> BTreeSet<LeakPlace> {
    let known = PLACES.map(|(word, _)| word);
    let mut all = BTreeSet::new();
    for text in reader.texts_of(node) {
        match PLACES.iter().find(|(word, _)| *word == text) {
            Some((_, place)) => {
                all.insert(*place);
            }
            None => reader.unknown(
                node.span(),
                &format!("`{text}` is no place where a secret could be"),
                &text,
                &known,
                "place",
            ),
        }
    }
    all
}

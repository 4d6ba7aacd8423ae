//! Expectations in words.

use crate::model::case::{
    AccountIs, Case, Expectation, Expected, FeaturesAre, FieldIs, LeakPlace, RequestAddress, RequestPart, RequestTo,
    SessionIs,
};
use crate::model::fault::Layer;
use crate::model::value::Value;

use super::acts::{place_words, seconds};
use super::{faults, number_of, values};

/// More parts of a schema are left to the file.
const PARTS: usize = 6;

/// What must be seen.
pub(super) fn expectation(expectation: &Expectation, case: &Case) -> String {
    let mut words = subject(expectation, case);
    if let Some(name) = &expectation.unique {
        words.push_str(&format!(" never repeat their {name}"));
    }
    if let Some((of, bits)) = &expectation.entropy {
        words.push_str(&format!(" have a {of} of at least {bits} bits of entropy"));
    }
    if let Some(gap) = expectation.gap {
        words.push_str(&format!(" are at least {} apart", seconds(gap)));
    }
    if let Some(shape) = &expectation.matches {
        let link = if expectation.count.is_some() { "in which" } else { "of which each has this shape:" };
        let link = if matches!(expectation.subject, Expected::Request(_)) { link } else { "of this shape:" };
        words.push_str(&format!(" {link} {}", schema(shape)));
    }
    for (what, list) in [("says", &expectation.has), ("does not say", &expectation.lacks)] {
        if !list.is_empty() {
            let list: Vec<String> = list.iter().map(values::value).collect();
            words.push_str(&format!(", and the page {what} {}", list.join(" or ")));
        }
    }
    if let Some(place) = &expectation.lands {
        let place = match place.as_str() {
            "partner" | "provider" | "attacker" => format!("a page of the {place}"),
            "canary" => "a planted address".to_owned(),
            place => format!("the partner's {}", place_words(place)),
        };
        words.push_str(&format!(", and the browser rests on {place}"));
    }
    if let Some(since) = &expectation.since {
        words.push_str(&format!(", from {} on", number_of(case, since)));
    }
    if let Some(length) = expectation.within {
        words.push_str(&format!(", within {}", seconds(length)));
    }
    if let Some(length) = expectation.hold_for {
        words.push_str(&format!(", for {}", seconds(length)));
    }
    words
}

fn subject(own: &Expectation, case: &Case) -> String {
    match &own.subject {
        Expected::Session(SessionIs::Person(name)) => format!("{name} is signed in"),
        Expected::Session(SessionIs::Nobody) => "nobody is signed in".to_owned(),
        Expected::Session(SessionIs::Own) => "whoever signed in last is signed in".to_owned(),
        Expected::Session(SessionIs::Unchanged) => "whoever was signed in still is".to_owned(),
        Expected::Session(SessionIs::Not(name)) => format!("{name} is not signed in"),
        Expected::Ended(name) => format!("the session of {name} has ended"),
        Expected::Account(AccountIs::Is(value)) => format!("the account is {}", values::value(value)),
        Expected::Account(AccountIs::Not(value)) => {
            format!("the account is not {}, or nobody is signed in", values::value(value))
        }
        Expected::Account(AccountIs::New(count)) => format!("{count} accounts were made"),
        Expected::Fields(fields) => fields
            .iter()
            .map(|(name, is)| match is {
                FieldIs::Value(value) => format!("the partner shows {name} as {}", values::value(value)),
                FieldIs::Absent => format!("the partner shows no {name}"),
            })
            .collect::<Vec<_>>()
            .join(", "),
        Expected::Features(FeaturesAre::AsGranted) => {
            "each feature works exactly where what it needs was granted".to_owned()
        }
        Expected::Features(FeaturesAre::Named(named)) => named
            .iter()
            .map(|(name, on)| format!("the feature {name} {}", if *on { "works" } else { "does not work" }))
            .collect::<Vec<_>>()
            .join(", "),
        Expected::Request(address) => request(own, address),
        Expected::Response(allowed) if allowed.is_empty() => "the partner answers".to_owned(),
        Expected::Response(allowed) => {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            format!("the partner answers {}", allowed.join(" or "))
        }
        Expected::Cookie(name) => {
            let name = match name.as_str() {
                "session" => "the session cookie".to_owned(),
                "all" => "every cookie".to_owned(),
                other => format!("the cookie {other}"),
            };
            own.count.map_or(name.clone(), |count| format!("{count} times {name}"))
        }
        Expected::Hidden(secret) => {
            let from: Vec<&str> = own.from.iter().map(|place| leak_place(*place)).collect();
            let secret = if secret == "everything" {
                "no secret is".to_owned()
            } else {
                format!("the {} is not", secret.replace('_', " "))
            };
            format!(
                "{secret} in {}",
                if from.is_empty() { "any place that it must not be in".to_owned() } else { from.join(", ") }
            )
        }
        Expected::Inert(kind) if kind == "all" => "nothing that was planted is live".to_owned(),
        Expected::Inert(kind) => format!("no planted {kind} is live"),
        Expected::Any(all) => all.iter().map(|one| expectation(one, case)).collect::<Vec<_>>().join(",\n    or "),
    }
}

fn request(own: &Expectation, address: &RequestAddress) -> String {
    let to = match address.to {
        RequestTo::Endpoint(endpoint) => format!("{endpoint} requests"),
        RequestTo::Callback => "requests to the callback".to_owned(),
        RequestTo::Canary => "requests to planted addresses".to_owned(),
    };
    let part = match &address.part {
        RequestPart::Parameters => String::new(),
        RequestPart::Http => " (method, target, headers)".to_owned(),
        RequestPart::Jwt(name, Layer::Jose) => format!(" (the header of their {name})"),
        RequestPart::Jwt(name, _) => format!(" (their {name})"),
    };
    let answered = own.answered.as_ref().map(|allowed| {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        format!(" that the provider answers {}", allowed.join(" or "))
    });
    let whole = format!("{to}{part}{}{}", faults::selected(&own.selectors), answered.unwrap_or_default());
    match own.count {
        Some(count) if count.to == Some(0) => format!("no {whole}"),
        Some(count) => format!("{count} {whole}"),
        None => whole,
    }
}

fn leak_place(place: LeakPlace) -> &'static str {
    match place {
        LeakPlace::Url => "an address",
        LeakPlace::Referer => "a Referer header",
        LeakPlace::Page => "a page",
        LeakPlace::Cookie => "a cookie",
        LeakPlace::Api => "a call of the API",
        LeakPlace::OtherProvider => "a request to another provider",
        LeakPlace::Canary => "a request to a planted address",
        LeakPlace::Log => "a log line",
    }
}

/// The parts of a schema that people ask for first; the rest stands in the file.
fn schema(value: &Value) -> String {
    let members = match value {
        Value::Table(members) => members,
        Value::Literal(serde_json::Value::String(name)) => return format!("specs/{name}.json"),
        other => return values::value(other),
    };
    let mut parts = Vec::new();
    for (name, own) in members {
        match (name.as_str(), own) {
            ("required", Value::List(all)) => {
                let names: Vec<String> = all.iter().map(values::value).collect();
                let verb = if names.len() == 1 { "is" } else { "are" };
                parts.push(format!("{} {verb} there", names.join(" and ")));
            }
            ("properties", Value::Table(properties)) => {
                parts.extend(properties.iter().map(|(name, own)| format!("{name} {}", property(own))));
            }
            ("not", own) => parts.push(format!("not so that {}", schema(own))),
            ("anyOf" | "oneOf", Value::List(all)) => {
                parts.push(all.iter().map(schema).collect::<Vec<_>>().join(", or "));
            }
            ("allOf", Value::List(all)) => parts.extend(all.iter().map(schema)),
            ("additionalProperties", Value::Literal(serde_json::Value::Bool(false))) => {
                parts.push("nothing else is there".to_owned());
            }
            (name, own) => parts.push(format!("{name} {}", values::value(own))),
        }
    }
    if parts.len() > PARTS {
        let more = parts.len() - PARTS;
        parts.truncate(PARTS);
        parts.push(format!("and {more} more in the file"));
    }
    parts.join(", ")
}

/// What is asked of one property.
fn property(value: &Value) -> String {
    let Value::Table(members) = value else {
        return match value {
            Value::Literal(serde_json::Value::Bool(true)) => "may be anything".to_owned(),
            Value::Literal(serde_json::Value::Bool(false)) => "is absent".to_owned(),
            other => format!("is {}", values::value(other)),
        };
    };
    // `required` is told with what is inside.
    let twice = |name: &str| name == "required" && members.iter().any(|(other, _)| other == "properties");
    let parts: Vec<String> = members
        .iter()
        .filter(|(name, _)| !twice(name))
        .map(|(name, own)| match name.as_str() {
            "const" => format!("is {}", values::value(own)),
            "enum" => format!("is one of {}", values::value(own)),
            "type" => format!("is of type {}", values::value(own)),
            "pattern" => format!("is like {}", values::value(own)),
            "not" => format!("is not such that it {}", property(own)),
            "contains" => format!("contains one that {}", property(own)),
            "items" => format!("has only items that each {}", property(own)),
            "minLength" => format!("has at least {} characters", values::value(own)),
            "maxLength" => format!("has at most {} characters", values::value(own)),
            "properties" | "required" => format!("has inside: {}", schema(value)),
            other => format!("has {other} {}", values::value(own)),
        })
        .collect();
    parts.join(" and ")
}

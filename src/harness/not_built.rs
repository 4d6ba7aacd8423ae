//! Words of the case language that can be read and are not executable yet: refused by name, never ignored.

use crate::model::case::{Act, Case, Expectation, Expected, FaultSource, RequestTo, Subject, Via};
use crate::model::diagnostic::Diagnostic;
use crate::model::fault::{Encode, Endpoint, Fault, Message, Object, SigningKey};
use crate::model::value::{Source, Value};

/// Endpoints that this provider does not have.
const NO_ENDPOINT: [Endpoint; 3] = [Endpoint::Par, Endpoint::Device, Endpoint::Poll];

/// Every word of a case that is not built yet, each with its line.
pub fn not_built(case: &Case) -> Vec<Diagnostic> {
    let mut words: Vec<(usize, String)> = Vec::new();
    for variant in &case.variants {
        variant.fault.iter().for_each(|fault| in_fault(1, fault, &mut words));
        variant.value.iter().for_each(|value| in_value(1, value, &mut words));
    }
    for step in &case.steps {
        let line = step.line;
        let mut add = |word: &str| words.push((line, word.to_owned()));
        match &step.act {
            Act::Wait(_) => add("wait"),
            Act::Provider(options) => {
                for (word, there) in [
                    ("par", options.par.is_some()),
                    ("device_interval", options.device_interval.is_some()),
                    ("poll_batch", options.poll_batch.is_some()),
                ] {
                    if there {
                        add(word);
                    }
                }
            }
            Act::Notify(notify) => {
                let by_frame = notify.send == "frontchannel_logout";
                if matches!(notify.send.as_str(), "security_event" | "platform_event") {
                    add(&notify.send);
                }
                match notify.via {
                    Via::Push if by_frame => add("frontchannel_logout by a push"),
                    Via::Frame if !by_frame => add("via = \"frame\""),
                    Via::Poll => add("via = \"poll\""),
                    Via::Push | Via::Frame => {}
                }
                match notify.subject {
                    Some(Subject::Email) => add("subject = \"email\""),
                    Some(Subject::Table(_)) => add("subject as a table"),
                    _ => {}
                }
            }
            Act::Fault(FaultSource::Here(fault)) => in_fault(line, fault, &mut words),
            Act::Expect(expectation) => in_expectation(line, expectation, &mut words),
            _ => {}
        }
        if let Act::Visit(visit) = &step.act {
            visit.set.iter().for_each(|(_, value)| in_value(line, value, &mut words));
        }
    }
    words.sort();
    words.dedup();
    words
        .into_iter()
        .map(|(line, word)| Diagnostic {
            path: case.path.clone(),
            line,
            column: 1,
            message: format!("`{word}` is not built yet"),
            excerpt: None,
            help: "the case can be read, but not played by this version; take it out of the folder until a later one"
                .to_owned(),
        })
        .collect()
}

fn in_fault(line: usize, fault: &Fault, words: &mut Vec<(usize, String)>) {
    for patch in &fault.patches {
        let mut add = |word: &str| words.push((line, word.to_owned()));
        match &patch.address.message {
            Message::Response(endpoint) if NO_ENDPOINT.contains(endpoint) => add(&format!("{endpoint}_response")),
            Message::Object(
                Object::IdToken
                | Object::AccessToken
                | Object::LogoutToken
                | Object::SignedRequest
                | Object::FrontchannelLogout
                | Object::Dialect(_),
            )
            | Message::Response(_) => {}
            Message::Object(other) => add(other.name()),
        }
        let operations = &patch.operations;
        match &operations.encode {
            Some(Encode::Jwe { .. }) => add("jwe"),
            Some(Encode::Jwt) => add("encode = \"jwt\""),
            _ => {}
        }
        if operations.send.is_some() && matches!(patch.address.message, Message::Object(_)) {
            add("send on a token");
        }
        let values = operations.set.iter().map(|(_, value)| value).chain(&operations.replace);
        values.for_each(|value| in_value(line, value, words));
        if let Some(SigningKey::Material(value)) = operations.sign.as_ref().and_then(|sign| sign.key.as_ref()) {
            in_value(line, value, words);
        }
    }
}

fn in_expectation(line: usize, expectation: &Expectation, words: &mut Vec<(usize, String)>) {
    let mut add = |word: &str| words.push((line, word.to_owned()));
    if expectation.gap.is_some() {
        add("gap");
    }
    match &expectation.subject {
        Expected::Request(request) => match request.to {
            RequestTo::Canary => add("request = \"canary\""),
            RequestTo::Endpoint(endpoint) if NO_ENDPOINT.contains(&endpoint) => add(endpoint.name()),
            _ => {}
        },
        Expected::Any(all) => all.iter().for_each(|one| in_expectation(line, one, words)),
        _ => {}
    }
}

/// Planted addresses need a sink that there is not yet.
fn in_value(line: usize, value: &Value, words: &mut Vec<(usize, String)>) {
    match value {
        Value::Run(run) => match &run.source {
            Source::Canary(kind) if kind.starts_with("url:") => words.push((line, format!("canary = \"{kind}\""))),
            Source::Join(pieces) => pieces.iter().for_each(|piece| in_value(line, piece, words)),
            _ => {}
        },
        Value::List(items) => items.iter().for_each(|item| in_value(line, item, words)),
        Value::Table(members) => members.iter().for_each(|(_, item)| in_value(line, item, words)),
        Value::Literal(_) | Value::Bound(_) => {}
    }
}

//! A case told as a numbered story in plain English.

use crate::model::case::{
    AccountIs, Act, Answer, BrowserName, Case, Change, Expectation, Expected, FaultSource, FeaturesAre, FieldIs,
    RequestTo, ScopeAnswer, Scopes, SessionIs, Step, Target, VariantName, Visit, Who,
};
use crate::model::fault::{Fault, Patch};
use crate::model::requirement::Registry;
use crate::model::value::{Source, Value};

/// The whole story: what must hold, what happens, who must catch it.
pub fn text(case: &Case, requirements: &Registry) -> String {
    let mut out = format!("{}\n{}\n\n", case.id, case.title);
    if let Some(rule) = requirements.get(&case.requirement) {
        out.push_str(&format!("rule   {} ({}): {}\n       {}\n", rule.id, rule.level, rule.summary, rule.clause));
    }
    out.push_str(&format!("tier   {}\n", case.tier));
    for (what, list) in [("needs ", &case.needs), ("unless", &case.unless), ("kills ", &case.kills)] {
        if !list.is_empty() {
            out.push_str(&format!("{what} {}\n", list.join(", ")));
        }
    }
    if let Some(about) = &case.about {
        out.push_str(&format!("\n{about}\n"));
    }
    if !case.variants.is_empty() {
        out.push_str("\nPlayed once for each of these:\n");
        for variant in &case.variants {
            let name = match &variant.name {
                VariantName::Name(name) => name.clone(),
                VariantName::Each(list) => format!("each of the manifest's {}", list.name().replace('_', " ")),
            };
            let fault = variant.fault.as_ref().map(|fault| format!(": {}", fault_words(fault))).unwrap_or_default();
            out.push_str(&format!("  - {name}{fault}\n"));
        }
    }
    out.push('\n');
    for (number, step) in case.steps.iter().enumerate() {
        out.push_str(&format!("{:>2}. {}\n", number + 1, step_words(step)));
    }
    out
}

fn step_words(step: &Step) -> String {
    let mut words = match &step.act {
        Act::SignIn(sign_in) => {
            let stop = if sign_in.stop_at_callback { ", and stops before opening the answer" } else { "" };
            format!("{} signs in{}{stop}", who(&sign_in.answer.who), answer_words(&sign_in.answer))
        }
        Act::Visit(visit) => visit_words(visit),
        Act::Consent(answer) => format!("{} answers the provider's page{}", who(&answer.who), answer_words(answer)),
        Act::Cookies(_) => "the browser's cookies are changed".to_owned(),
        Act::Change(change) => change_words(change),
        Act::Notify(notify) => format!("the provider sends a {} about {}", notify.send, notify.about),
        Act::Fault(FaultSource::Variant) => "from now on, the variant's deviation".to_owned(),
        Act::Fault(FaultSource::Here(fault)) => format!("from now on, {}", fault_words(fault)),
        Act::Mend(name) => format!("\"{name}\" is over; what it held goes out"),
        Act::Provider(_) => "the provider behaves otherwise, honestly".to_owned(),
        Act::Wait(length) => format!("{} s pass", length.as_secs_f64()),
        Act::Restart => "the partner is restarted".to_owned(),
        Act::Expect(expectation) => format!("expect: {}", expectation_words(expectation)),
    };
    match &step.browser {
        BrowserName::Named(name) if name == "first" => {}
        BrowserName::Named(name) => words.push_str(&format!(" (browser \"{name}\")")),
        BrowserName::New => words.push_str(" (in a new browser)"),
        BrowserName::Every => words.push_str(" (in every browser)"),
    }
    if step.repeat > 1 {
        words.push_str(&format!(", {} times", step.repeat));
    }
    if step.background {
        words.push_str(", while the story goes on");
    }
    if step.attack {
        words.push_str("   [attack]");
    }
    for (name, address) in &step.save {
        words.push_str(&format!("; keep its {address} as \"{name}\""));
    }
    if let Some(rule) = &step.requirement {
        words.push_str(&format!("   [{rule}]"));
    }
    words
}

fn who(who: &Who) -> String {
    match who {
        Who::Named(name) => name.clone(),
        Who::Someone => "somebody new".to_owned(),
    }
}

fn answer_words(answer: &Answer) -> String {
    match &answer.scopes {
        ScopeAnswer::Everything => String::new(),
        ScopeAnswer::Grant(value) => format!(" and grants only {}", value_words(value)),
        ScopeAnswer::Decline(value) => format!(" and declines {}", value_words(value)),
        ScopeAnswer::DeclineOptional => " and declines everything optional".to_owned(),
        ScopeAnswer::Cancel => " but refuses".to_owned(),
    }
}

fn visit_words(visit: &Visit) -> String {
    let target = match &visit.target {
        Target::Place(place) => format!("opens the partner's {place}"),
        Target::Url(value) => format!("opens {}", value_words(value)),
        Target::Reload => "reloads the page".to_owned(),
        Target::Back => "goes back".to_owned(),
    };
    let mut words = format!("the browser {target}");
    for (name, value) in &visit.set {
        words.push_str(&format!(", with {name} = {}", value_words(value)));
    }
    for name in &visit.drop {
        words.push_str(&format!(", without {name}"));
    }
    if let Some(site) = visit.from {
        words.push_str(&format!(", sent there by the {site:?}").to_lowercase());
    }
    words
}

fn change_words(change: &Change) -> String {
    let mut parts = Vec::new();
    for (name, value) in &change.set {
        parts.push(format!("{} becomes {}", if name == "*" { "every text" } else { name }, value_words(value)));
    }
    if let Some(value) = &change.drop {
        parts.push(format!("{} vanishes", value_words(value)));
    }
    match &change.withdraw {
        Some(Scopes::All) => parts.push("everything that was granted is withdrawn".to_owned()),
        Some(Scopes::These(value)) => parts.push(format!("{} is withdrawn", value_words(value))),
        None => {}
    }
    if change.restore.is_some() {
        parts.push("what was withdrawn is granted again".to_owned());
    }
    if let Some(expired) = change.expire {
        parts.push(format!("{expired:?} expires"));
    }
    if let Some(account) = change.account {
        parts.push(format!("the account is {account:?}").to_lowercase());
    }
    format!("at the provider, of {}: {}", change.of, parts.join("; "))
}

fn fault_words(fault: &Fault) -> String {
    fault.patches.iter().map(patch_words).collect::<Vec<_>>().join("; ")
}

fn patch_words(patch: &Patch) -> String {
    let operations = &patch.operations;
    let mut parts = Vec::new();
    parts.extend(operations.set.iter().map(|(name, value)| format!("{name} is {}", value_words(value))));
    parts.extend(operations.drop.iter().map(|name| format!("{name} is left out")));
    parts.extend(operations.duplicate.iter().map(|(name, _)| format!("{name} stands there more than once")));
    if operations.sign.is_some() {
        parts.push("it is signed wrongly".to_owned());
    }
    if operations.encode.is_some() {
        parts.push("it is encoded otherwise".to_owned());
    }
    if let Some(value) = &operations.replace {
        parts.push(format!("its text is {}", value_words(value)));
    }
    if let Some(error) = &operations.error {
        parts.push(format!("it is the error {}", error.code));
    }
    if let Some(status) = operations.status {
        parts.push(format!("its status is {status}"));
    }
    if operations.redirect.is_some() {
        parts.push("it sends the browser elsewhere".to_owned());
    }
    if let Some(pace) = &operations.send {
        parts.push(format!("it is sent {pace:?}").to_lowercase());
    }
    let of = patch.selectors.of.as_ref().map(|of| format!(" for {of}")).unwrap_or_default();
    format!("in each {}{of}, {}", patch.address, parts.join(", "))
}

fn value_words(value: &Value) -> String {
    match value {
        Value::Literal(json) => json.to_string(),
        Value::Bound(wire) => wire.to_text(),
        Value::List(items) => items.iter().map(value_words).collect::<Vec<_>>().join(", "),
        Value::Table(_) => "a table".to_owned(),
        Value::Run(run) => {
            let source = match &run.source {
                Source::Saved(name) if name == "variant" => "the variant's value".to_owned(),
                Source::Saved(name) => format!("what was kept as \"{name}\""),
                Source::Of { field, of, at: crate::model::fault::ProviderName::Main } => {
                    format!("the {} of {of}", field.replace('_', " "))
                }
                Source::Of { field, of, at } => format!("the {} of {of} at {}", field.replace('_', " "), at.name()),
                Source::Original(name) => format!("what {name} would have been"),
                Source::Time(seconds) => format!("the time {seconds:+} s"),
                Source::Key { key, .. } => format!("the key {key}"),
                Source::Canary(kind) => format!("a canary ({kind})"),
                Source::Token { kind, .. } => format!("a genuine {kind}"),
                Source::Json(_) | Source::Base64(_) | Source::Repeat { .. } | Source::Join(_) => {
                    "a made value".to_owned()
                }
            };
            if run.transforms.is_empty() { source } else { format!("{source}, altered") }
        }
    }
}

fn expectation_words(expectation: &Expectation) -> String {
    let mut words = match &expectation.subject {
        Expected::Session(SessionIs::Person(name)) => format!("{name} is signed in"),
        Expected::Session(SessionIs::Nobody) => "nobody is signed in".to_owned(),
        Expected::Session(SessionIs::Own) => "whoever signed in last is signed in".to_owned(),
        Expected::Session(SessionIs::Unchanged) => "whoever was signed in still is".to_owned(),
        Expected::Session(SessionIs::Not(name)) => format!("{name} is not signed in"),
        Expected::Ended(name) => format!("the session of {name} has ended"),
        Expected::Account(AccountIs::Is(value)) => format!("the account is {}", value_words(value)),
        Expected::Account(AccountIs::Not(value)) => format!("the account is not {}", value_words(value)),
        Expected::Account(AccountIs::New(count)) => format!("{count} accounts were made"),
        Expected::Fields(fields) => fields
            .iter()
            .map(|(name, is)| match is {
                FieldIs::Value(value) => format!("{name} shows {}", value_words(value)),
                FieldIs::Absent => format!("{name} is not shown"),
            })
            .collect::<Vec<_>>()
            .join(", "),
        Expected::Features(FeaturesAre::AsGranted) => "features work as was granted".to_owned(),
        Expected::Features(FeaturesAre::Named(named)) => named
            .iter()
            .map(|(name, on)| format!("{name} is {}", if *on { "on" } else { "off" }))
            .collect::<Vec<_>>()
            .join(", "),
        Expected::Request(address) => {
            let to = match address.to {
                RequestTo::Endpoint(endpoint) => format!("{endpoint} requests"),
                RequestTo::Callback => "requests to the callback".to_owned(),
                RequestTo::Canary => "requests to planted addresses".to_owned(),
            };
            match expectation.count {
                Some(count) => format!("{count} {to}"),
                None => to,
            }
        }
        Expected::Response(allowed) if allowed.is_empty() => "the partner answers".to_owned(),
        Expected::Response(allowed) => {
            format!("the partner answers {}", allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
        }
        Expected::Cookie(name) => format!("cookie {name}"),
        Expected::Hidden(secret) => format!("the {secret} shows nowhere it must not be"),
        Expected::Inert(_) => "nothing that was planted is live".to_owned(),
        Expected::Any(all) => all.iter().map(expectation_words).collect::<Vec<_>>().join(", or "),
    };
    if let Some(name) = &expectation.unique {
        words.push_str(&format!(" never repeat their {name}"));
    }
    if expectation.matches.is_some() {
        words.push_str(" of the right shape");
    }
    if let Some(place) = &expectation.lands {
        words.push_str(&format!(", and the browser rests at the {place}"));
    }
    if let Some(since) = &expectation.since {
        words.push_str(&format!(", since \"{since}\""));
    }
    words
}

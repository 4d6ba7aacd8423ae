//! Who is signed in, and what the partner does for her: session, account, fields, features.

use std::collections::BTreeMap;

use crate::model::case::{AccountIs, FeaturesAre, FieldIs, SessionIs};
use crate::model::observation::{FeatureSeen, SessionSeen, Whom};

use super::{Mismatch, printable, text};

/// Whether an answer of the probe is the right one.
type Holds = Box<dyn Fn(&Whom) -> bool>;

pub(super) fn session(who: &SessionIs, seen: &SessionSeen, browser: &str) -> Vec<Mismatch> {
    let own = || seen.own.clone().map_or(Whom::Nobody, Whom::Person);
    let (expected, holds): (String, Holds) = match who {
        SessionIs::Person(name) => {
            let wanted = Whom::Person(name.clone());
            (format!("the probe says {name} in browser {browser}"), Box::new(move |whom| *whom == wanted))
        }
        SessionIs::Nobody => {
            (format!("the probe says nobody in browser {browser}"), Box::new(|whom| *whom == Whom::Nobody))
        }
        SessionIs::Own => {
            let wanted = own();
            let words = format!("the probe says {wanted} in browser {browser}, who signed in there last");
            (words, Box::new(move |whom| *whom == wanted))
        }
        SessionIs::Unchanged => {
            let wanted = own();
            let words = format!("the probe still says {wanted} in browser {browser}");
            (words, Box::new(move |whom| *whom == wanted))
        }
        SessionIs::Not(name) => {
            let unwanted = Whom::Person(name.clone());
            (format!("the probe does not say {name} in browser {browser}"), Box::new(move |whom| *whom != unwanted))
        }
    };
    twice(&expected, seen, &*holds)
}

/// The session is over. Somebody else in the browser is not the one whose session had to end.
pub(super) fn ended(person: &str, seen: &SessionSeen, browser: &str) -> Vec<Mismatch> {
    let expected = format!("the session of {person} in browser {browser} has ended");
    twice(&expected, seen, &|whom| *whom == Whom::Nobody)
}

/// Where the manifest says `degrade`, the session may go on without any feature.
pub(super) fn degraded(person: &str, seen: &BTreeMap<String, FeatureSeen>, browser: &str) -> Vec<Mismatch> {
    seen.iter()
        .filter(|(_, feature)| feature.on)
        .map(|(name, feature)| {
            Mismatch::new(
                format!("feature `{name}` is off for {person} in browser {browser}"),
                format!("it works: {}", feature.evidence),
            )
        })
        .collect()
}

/// A wrong answer counts only when a second connection says the same (G5).
fn twice(expected: &str, seen: &SessionSeen, holds: &dyn Fn(&Whom) -> bool) -> Vec<Mismatch> {
    let unreadable = |whom: &Whom| matches!(whom, Whom::Unreadable(_));
    if holds(&seen.first) && !unreadable(&seen.first) {
        return Vec::new();
    }
    let first = printable(&seen.first.to_string());
    let mismatch = match &seen.second {
        _ if unreadable(&seen.first) => Mismatch::unknown(expected, format!("the probe could not be read: {first}")),
        Some(second) if second != &seen.first => Mismatch::unknown(
            expected,
            format!("the probe said {first} first and {} right afterwards", printable(&second.to_string())),
        ),
        _ => Mismatch::new(expected, format!("the probe says {first}")),
    };
    vec![Mismatch { exchange: Some(seen.evidence.clone()), ..mismatch }]
}

pub(super) fn account(is: &AccountIs, id: Option<&str>, new: Option<u64>, browser: &str) -> Vec<Mismatch> {
    let shown = id.map_or("nobody".to_owned(), |id| format!("account {}", printable(id)));
    let wanted = |value| text(value).filter(|text| !text.is_empty());
    let unknown = || {
        let expected = format!("the account in browser {browser} can be compared");
        vec![Mismatch::unknown(expected, "the account to compare with was never known")]
    };
    match is {
        AccountIs::Is(value) => match wanted(value) {
            None => unknown(),
            Some(wanted) if id == Some(&wanted) => Vec::new(),
            Some(wanted) => {
                let expected = format!("browser {browser} is in account {}", printable(&wanted));
                vec![Mismatch::new(expected, format!("the probe says {shown}"))]
            }
        },
        AccountIs::Not(value) => match wanted(value) {
            None => unknown(),
            Some(wanted) if id == Some(&wanted) => {
                let expected = format!("browser {browser} is not in account {}", printable(&wanted));
                vec![Mismatch::new(expected, format!("the probe says {shown}"))]
            }
            Some(_) => Vec::new(),
        },
        AccountIs::New(count) => match new {
            None => vec![Mismatch::unknown(format!("{count} new accounts"), "the partner cannot count its accounts")],
            Some(seen) if seen == *count => Vec::new(),
            Some(seen) => vec![Mismatch::new(format!("{count} new accounts"), format!("{seen} new accounts"))],
        },
    }
}

/// A field that the manifest does not say where to find cannot be judged, and is not.
pub(super) fn fields(
    expected: &[(String, FieldIs)],
    seen: &BTreeMap<String, Option<String>>,
    browser: &str,
) -> Vec<Mismatch> {
    let mut missed = Vec::new();
    for (name, is) in expected {
        let Some(shown) = seen.get(name) else { continue };
        let shown = shown.as_deref().filter(|text| !text.is_empty());
        let observed = shown.map_or("it shows nothing".to_owned(), |text| format!("it shows {}", printable(text)));
        match is {
            FieldIs::Absent if shown.is_some() => {
                missed.push(Mismatch::new(format!("field `{name}` is absent in browser {browser}"), observed));
            }
            FieldIs::Absent => {}
            FieldIs::Value(value) => match text(value) {
                None => missed.push(Mismatch::unknown(
                    format!("field `{name}` in browser {browser} can be compared"),
                    "the value to compare with was never known",
                )),
                Some(wanted) if shown == Some(&wanted) => {}
                Some(wanted) => missed.push(Mismatch::new(
                    format!("field `{name}` in browser {browser} shows {}", printable(&wanted)),
                    observed,
                )),
            },
        }
    }
    missed
}

pub(super) fn features(which: &FeaturesAre, seen: &BTreeMap<String, FeatureSeen>, browser: &str) -> Vec<Mismatch> {
    let mut missed = Vec::new();
    for (name, feature) in seen {
        let wanted = match which {
            FeaturesAre::AsGranted => Some(feature.should),
            FeaturesAre::Named(named) => {
                let own = named
                    .iter()
                    .find(|(own, _)| own == name)
                    .or_else(|| named.iter().find(|(own, _)| own == "feature"));
                own.map(|(_, on)| *on)
            }
        };
        let words = |on: bool| if on { "on" } else { "off" };
        if wanted.is_some_and(|wanted| wanted != feature.on) {
            let why = if *which == FeaturesAre::AsGranted { ", as the person granted" } else { "" };
            missed.push(Mismatch {
                exchange: Some(feature.evidence.clone()),
                ..Mismatch::new(
                    format!("feature `{name}` is {} in browser {browser}{why}", words(!feature.on)),
                    format!("it is {}", words(feature.on)),
                )
            });
        }
    }
    if seen.is_empty() {
        missed.push(Mismatch::unknown("features can be looked at", "the manifest names none"));
    }
    missed
}

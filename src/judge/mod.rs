//! The judge: pure functions from a case, a transcript and observations to what did not hold. No sockets, no clock.

mod describe;
mod entropy;
pub mod inert;
mod invariants;
mod leaks;
mod messages;
mod requests;
mod response;
mod schema;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::case::{Expectation, Expected};
use crate::model::exchange::Transcript;
use crate::model::fault::ProviderName;
use crate::model::observation::{Observation, PageSeen, Seen};
use crate::model::value::{Saved, Value};

pub use describe::{describe, masked, printable, printable_up_to};
pub use invariants::invariants;
pub use messages::{MessageRule, MessageRules, only_holds};
pub use requests::parameters_as_json;
pub use schema::lint as lint_schema;

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mismatch {
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The exchange that shows it, a few lines, without secrets.
    pub exchange: Option<String>,
    /// Nothing can be said (the probe was unstable or unreadable, a subject had nothing to look at): inconclusive.
    pub inconclusive: bool,
}

impl Mismatch {
    fn new(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Mismatch { expected: expected.into(), observed: observed.into(), ..Mismatch::default() }
    }

    /// The same without secrets in any part of it.
    pub fn masked(self, facts: &Facts) -> Self {
        Mismatch {
            expected: masked(&self.expected, facts),
            observed: masked(&self.observed, facts),
            exchange: self.exchange.map(|exchange| masked(&exchange, facts)),
            inconclusive: self.inconclusive,
        }
    }

    fn unknown(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Mismatch { inconclusive: true, ..Mismatch::new(expected, observed) }
    }
}

/// Facts of an attempt that the judge needs beside the transcript.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Secret kind (`client_secret`, `code`, `access_token`, `refresh_token`, `id_token`, `code_verifier`) -> values.
    pub secrets: BTreeMap<String, Vec<String>>,
    /// Who gave out a secret: the main provider where it is not named here.
    pub owners: BTreeMap<String, ProviderName>,
    /// Redirect URIs that are registered with any provider.
    pub redirect_uris: Vec<String>,
    /// Origin of the partner.
    pub partner: String,
    /// Every page that the browsers saw, and their scripts where an expectation looked into pages.
    pub pages: Vec<PageSeen>,
    /// What stands between scopes; empty: blanks.
    pub scope_separator: String,
    /// The dialect documents that a partner's server puts what it sends into the address of its calls.
    pub calls_by_query: bool,
    /// A fault made the provider unavailable: 502 to 504 of the partner are fine.
    pub outage: bool,
    /// Named schemas under `specs/`.
    pub schemas: Arc<BTreeMap<String, serde_json::Value>>,
}

/// A rule that is watched in every transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// `secret-in-url`, `code-twice`, `nonce-reused`, `verifier-reused`, `redirect-uri`, `server-error`, `token-leak`,
    /// or `message` for a message schema.
    pub invariant: &'static str,
    /// The case whose own business it is, where there is one.
    pub case: Option<&'static str>,
    /// The requirement that a message schema names.
    pub requirement: Option<String>,
    /// The case in which it was seen.
    pub seen_in: Option<String>,
    /// What did not hold.
    pub mismatch: Mismatch,
}

impl Breach {
    /// Whether both are of one invariant, or of one rule for messages.
    pub fn is_same(&self, other: &Breach) -> bool {
        let rule = |breach: &Breach| {
            let title = breach.requirement.is_some().then(|| breach.mismatch.expected.clone());
            (breach.invariant, breach.requirement.clone(), title)
        };
        rule(self) == rule(other)
    }
}

/// Whether what was expected was seen; every mismatch, not the first.
pub fn observation(observation: &Observation, transcript: &Transcript, facts: &Facts) -> Vec<Mismatch> {
    let look = Look { observation, transcript, facts };
    let mismatches = match &observation.expectation.subject {
        Expected::Any(alternatives) => any(&look, alternatives),
        _ => look.judge(&observation.expectation, observation.seen.first()),
    };
    mismatches.into_iter().map(|mismatch| mismatch.masked(facts)).collect()
}

/// At least one holds. Where none does, and nothing can be said about one of them, nothing can be said about all.
fn any(look: &Look<'_>, alternatives: &[Expectation]) -> Vec<Mismatch> {
    let mut missed = Vec::new();
    for (index, alternative) in alternatives.iter().enumerate() {
        let mismatches = look.judge(alternative, look.observation.seen.get(index));
        if mismatches.is_empty() {
            return Vec::new();
        }
        missed.extend(mismatches);
    }
    let join = |of: fn(&Mismatch) -> &String, with: &str| missed.iter().map(of).cloned().collect::<Vec<_>>().join(with);
    vec![Mismatch {
        expected: format!("at least one of: {}", join(|missed| &missed.expected, "; ")),
        observed: join(|missed| &missed.observed, "; "),
        exchange: missed.iter().find_map(|missed| missed.exchange.clone()),
        inconclusive: missed.iter().any(|missed| missed.inconclusive),
    }]
}

/// What every subject is judged by.
struct Look<'a> {
    observation: &'a Observation,
    transcript: &'a Transcript,
    facts: &'a Facts,
}

impl Look<'_> {
    fn judge(&self, expectation: &Expectation, seen: Option<&Seen>) -> Vec<Mismatch> {
        let browser = self.observation.browser.as_str();
        match (&expectation.subject, seen) {
            (Expected::Session(who), Some(Seen::Session(seen))) => session::session(who, seen, browser),
            (Expected::Ended(person), Some(Seen::Session(seen))) => session::ended(person, seen, browser),
            (Expected::Ended(person), Some(Seen::Features(seen))) => session::degraded(person, seen, browser),
            (Expected::Account(account), Some(Seen::Account { id, new })) => {
                session::account(account, id.as_deref(), *new, browser)
            }
            (Expected::Fields(fields), Some(Seen::Fields(seen))) => session::fields(fields, seen, browser),
            (Expected::Features(which), Some(Seen::Features(seen))) => session::features(which, seen, browser),
            (Expected::Request(address), _) => requests::judge(self, expectation, address, seen),
            (Expected::Response(allowed), Some(Seen::Response(page))) => {
                response::judge(self, expectation, allowed, page.as_ref())
            }
            (Expected::Cookie(name), Some(Seen::Cookies { jar, session })) => {
                response::cookies(self, expectation, name, jar, session)
            }
            (Expected::Hidden(secret), Some(Seen::Secrets(values))) => leaks::hidden(self, expectation, secret, values),
            (Expected::Inert(kind), Some(Seen::Pages { pages, canaries })) => inert::judge(kind, pages, canaries),
            (subject, _) => {
                vec![Mismatch::unknown(format!("{subject:?}"), "the harness looked at nothing that could show it")]
            }
        }
    }

    fn describe(&self, exchange: &crate::model::exchange::Exchange) -> String {
        describe(exchange, self.facts)
    }
}

/// A bound value as text.
fn text(value: &Value) -> Option<String> {
    value.resolve(&Saved::default()).ok().map(|wire| wire.to_text())
}

//! Exchanges and transcripts: what went over the wire, and on whose behalf.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::Value as Json;

use super::fault::{Endpoint, Grant, ProviderName};

/// One counter for a whole run, so that what agent and provider wrote down can be put into one order.
#[derive(Debug, Clone, Default)]
pub struct Sequence(Arc<AtomicU64>);

impl Sequence {
    /// The next number, from 1.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The last number given.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who takes part in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// The user's browser.
    Agent,
    /// The implementation under test.
    Partner,
    /// The mock identity provider of that name.
    Provider(ProviderName),
    /// A planted address, or any other host.
    Elsewhere,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Party::Agent => "agent",
            Party::Partner => "partner",
            Party::Provider(ProviderName::Main) => "provider",
            Party::Provider(other) => other.name(),
            Party::Elsewhere => "elsewhere",
        })
    }
}

/// Why an exchange happened. Only [`Purpose::Case`] is judged by a case's expectations and shown in its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// A step of the case.
    #[default]
    Case,
    /// An observation of the partner.
    Probe,
    /// A guard: bystander, twin, recovery, leaving an old session.
    Guard,
}

/// On whose behalf something happens: an attempt, one of its browsers, a tab, a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Cause {
    /// Index of the step in the case, from 0.
    pub step: usize,
    /// The browser's name.
    pub browser: String,
    /// The tab's name.
    pub tab: String,
    /// Why.
    pub purpose: Purpose,
}

/// A request as it was sent or received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Bounded by the recorder.
    pub body: Bytes,
}

/// A response as it was sent or received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Bounded by the recorder.
    pub body: Bytes,
}

/// The first header of that name.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// One request and its response.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Place in the run; given when the request begins.
    pub seq: u64,
    /// Who asks.
    pub from: Party,
    /// Who answers.
    pub to: Party,
    /// On whose behalf.
    pub cause: Cause,
    /// The provider's endpoint, where a provider is asked.
    pub endpoint: Option<Endpoint>,
    /// The grant, at the token endpoint.
    pub grant: Option<Grant>,
    /// The person whose login, token or code it is, by her name in the case.
    pub person: Option<String>,
    /// The request; whoever holds the exchange shares it.
    pub request: Arc<Request>,
    /// `None`: there was no answer (held, reset, timeout).
    pub response: Option<Arc<Response>>,
    /// What the provider says of it, e.g. why it refused; for people.
    pub note: Option<String>,
    /// Faults that changed the answer.
    pub faults: Vec<FaultId>,
    /// Milliseconds from the request to the last byte.
    pub duration_ms: u64,
}

impl Exchange {
    /// The parameters of the request: query and form body, in order, decoded. A JSON body gives its members.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut all = query_of(&self.request.url);
        let content_type = header(&self.request.headers, "content-type").unwrap_or("");
        if content_type.starts_with("application/json") {
            if let Ok(Json::Object(members)) = serde_json::from_slice(&self.request.body) {
                all.extend(
                    members
                        .into_iter()
                        .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
                );
            }
        } else if !self.request.body.is_empty() {
            all.extend(
                url::form_urlencoded::parse(&self.request.body)
                    .map(|(name, value)| (name.into_owned(), value.into_owned())),
            );
        }
        all
    }

    /// The first parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The response's JSON body, if it is JSON.
    pub fn response_json(&self) -> Option<Json> {
        serde_json::from_slice(&self.response.as_ref()?.body).ok()
    }

    /// The response's `Location`.
    pub fn location(&self) -> Option<&str> {
        header(&self.response.as_ref()?.headers, "location")
    }
}

/// The query parameters of a URL, in order, decoded.
pub fn query_of(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('#').map_or(url, |(before, _)| before).split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// A fault that is in force within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultId(pub u64);

/// What became of a fault (G3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// How many messages it matched.
    pub matched: u64,
    /// How many of those left to the last byte that the fault allows, or were asked for where the fault withholds.
    pub delivered: u64,
    /// How many of those had nothing to change: no state to alter where the partner sends none.
    pub idle: u64,
}

/// Everything of one attempt, in order.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    /// Sorted by `seq`.
    pub exchanges: Vec<Exchange>,
}

impl Transcript {
    /// Merges two lists into one order.
    pub fn merge(parts: impl IntoIterator<Item = Vec<Exchange>>) -> Self {
        let mut exchanges: Vec<Exchange> = parts.into_iter().flatten().collect();
        exchanges.sort_by_key(|exchange| exchange.seq);
        Transcript { exchanges }
    }
}

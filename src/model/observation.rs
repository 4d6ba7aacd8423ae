//! Observations: what the harness saw when a case said `expect`. The judge works on these alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::case::Expectation;
use super::exchange::{Exchange, Request, Response};

/// What one `expect` step saw. Run-time values in the expectation are worked out already.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Index of the step in the case.
    pub step: usize,
    /// The browser that was looked at.
    pub browser: String,
    /// The tab.
    pub tab: String,
    /// The expectation, every [`super::value::Value`] in it bound.
    pub expectation: Expectation,
    /// What was seen; one entry per alternative for `any`, one otherwise.
    pub seen: Vec<Seen>,
    /// Only exchanges after this one count (`since`).
    pub after: u64,
    /// Only exchanges up to this one count.
    pub upto: u64,
}

/// What was seen of one subject.
#[derive(Debug, Clone)]
pub enum Seen {
    /// `session`, `ended`: the first probe, and the second over another connection where the first was wrong.
    Session(SessionSeen),
    /// `account`.
    Account {
        /// The account id by the probe; `None`: nobody, or no such pointer.
        id: Option<String>,
        /// Accounts made since the attempt began, where the partner can count.
        new: Option<u64>,
    },
    /// `fields`: field -> what the partner shows.
    Fields(BTreeMap<String, Option<String>>),
    /// `features`: feature -> does it work, and should it by the manifest's matrix.
    Features(BTreeMap<String, FeatureSeen>),
    /// `request`: nothing beyond the transcript; for `canary`, what reached the planted addresses.
    Requests(Vec<Exchange>),
    /// `response`.
    Response(Option<PageSeen>),
    /// `cookie`: the jar of the browser.
    Cookies {
        /// All cookies.
        jar: Vec<CookieSeen>,
        /// Names found by the deletion test to carry the session.
        session: Vec<String>,
    },
    /// `hidden`: the values of the secret.
    Secrets(Vec<String>),
    /// `inert`: the pages seen by the browser since the canaries were planted, and the canaries.
    Pages {
        /// Every page.
        pages: Vec<PageSeen>,
        /// Canary kind -> values.
        canaries: Vec<(String, String)>,
    },
}

/// Who the probe says is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSeen {
    /// By the first probe.
    pub first: Whom,
    /// By a second connection, made only when the first answer was not what was expected.
    pub second: Option<Whom>,
    /// Who should be in by the browser's own history (`own`, `unchanged`), by name.
    pub own: Option<String>,
    /// The probe's exchange in one line, for people.
    pub evidence: String,
}

/// One answer of the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Nobody is signed in.
    Nobody,
    /// A person of this attempt, by name.
    Person(String),
    /// Somebody that this attempt does not know: the text that the probe gave.
    Stranger(String),
    /// The probe could not be read: why.
    Unreadable(String),
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Whom::Nobody => f.write_str("nobody"),
            Whom::Person(name) => f.write_str(name),
            Whom::Stranger(text) => write!(f, "somebody unknown ({text})"),
            Whom::Unreadable(why) => write!(f, "unreadable: {why}"),
        }
    }
}

/// Whether a feature works and whether it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureSeen {
    /// It works.
    pub on: bool,
    /// It should, by what was granted and what the manifest says that it needs.
    pub should: bool,
    /// The probe's answer in one line.
    pub evidence: String,
}

/// A page as the browser rests on it, or the partner's answer to a pushed message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PageSeen {
    /// Place in the run.
    pub seq: u64,
    /// Where it is.
    pub url: String,
    /// The request that led to it, where it is known.
    pub request: Arc<Request>,
    /// The answer.
    pub response: Arc<Response>,
    /// Visible text.
    pub text: String,
    /// `partner`, `provider`, `attacker`, `canary`, `elsewhere`.
    pub site: String,
}

impl PageSeen {
    /// As a schema sees it: `{ status, headers, url, body, text, cookies }`.
    pub fn as_json(&self) -> Json {
        let mut headers = serde_json::Map::new();
        let mut cookies = Vec::new();
        for (name, value) in &self.response.headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                cookies.push(Json::from(value.as_str()));
            }
            headers.insert(name.to_lowercase(), Json::from(value.as_str()));
        }
        let body = serde_json::from_slice(&self.response.body)
            .unwrap_or_else(|_| Json::from(String::from_utf8_lossy(&self.response.body).into_owned()));
        serde_json::json!({
            "status": self.response.status,
            "headers": headers,
            "url": self.url,
            "body": body,
            "text": self.text,
            "cookies": cookies,
        })
    }
}

/// A cookie in a jar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct CookieSeen {
    pub name: String,
    pub value: String,
    pub domain: String,
    pub path: String,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: Option<String>,
    /// Seconds; `None` for a session cookie.
    pub max_age: Option<i64>,
}

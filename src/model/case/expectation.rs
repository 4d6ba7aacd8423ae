//! Expectations of a case: what must be seen (CASE-LANGUAGE 1.5).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::fault::{Endpoint, Layer, Range, Selectors};
use crate::model::value::Value;

/// `expect`: one subject and its qualifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What is looked at.
    pub subject: Expected,
    /// How many.
    pub count: Option<Range>,
    /// JSON Schema, run-time values inside, or a name under `specs/`.
    pub matches: Option<Value>,
    /// Only requests that the provider answered so.
    pub answered: Option<Vec<StatusPattern>>,
    /// No value of this parameter twice.
    pub unique: Option<String>,
    /// `{ of, bits }`.
    pub entropy: Option<(String, u32)>,
    /// At least so long between neighbours.
    pub gap: Option<Duration>,
    /// `nth`, `of`, `grant`, `at`, `path`.
    pub selectors: Selectors,
    /// Where the browser rests.
    pub lands: Option<String>,
    /// Words not in the visible text.
    pub lacks: Vec<Value>,
    /// Words in the visible text.
    pub has: Vec<Value>,
    /// Places where a secret must not be.
    pub from: BTreeSet<LeakPlace>,
    /// Name of the step from which exchanges count.
    pub since: Option<String>,
    /// Must hold by then.
    pub within: Option<Duration>,
    /// Must hold all that time.
    pub hold_for: Option<Duration>,
}

impl Expectation {
    /// Whether it, or one of its alternatives, asks how many accounts are new.
    pub fn counts_accounts(&self) -> bool {
        match &self.subject {
            Expected::Account(AccountIs::New(_)) => true,
            Expected::Any(alternatives) => alternatives.iter().any(Expectation::counts_accounts),
            _ => false,
        }
    }
}

/// The subject of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Who the probe says is signed in.
    Session(SessionIs),
    /// The probe says nobody, within the grace and after one forced use.
    Ended(String),
    /// The account id of the probe.
    Account(AccountIs),
    /// What the partner shows.
    Fields(Vec<(String, FieldIs)>),
    /// Which features work.
    Features(FeaturesAre),
    /// Requests of the partner.
    Request(RequestAddress),
    /// The last answer of the partner in this tab, or to the last `notify`; empty: `"any"`.
    Response(Vec<StatusPattern>),
    /// The jar of this browser: `session`, `all`, or a name.
    Cookie(String),
    /// A secret is in none of the places `from`.
    Hidden(String),
    /// No planted canary is live: `all` or a kind.
    Inert(String),
    /// At least one holds.
    Any(Vec<Expectation>),
}

/// Who must be signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionIs {
    /// That person.
    Person(String),
    /// Nobody.
    Nobody,
    /// The one who last signed in in this browser.
    Own,
    /// As before the last action.
    Unchanged,
    /// Anybody, or nobody, but that person.
    Not(String),
}

/// What an account id must be.
#[derive(Debug, Clone, PartialEq)]
pub enum AccountIs {
    /// Equal.
    Is(Value),
    /// Different, or nobody.
    Not(Value),
    /// So many accounts were made.
    New(u64),
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldIs {
    /// This value.
    Value(Value),
    /// Not shown.
    Absent,
}

/// Which features must work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturesAre {
    /// The manifest's matrix for what was granted.
    AsGranted,
    /// Name -> on or off.
    Named(Vec<(String, bool)>),
}

/// Whose request is looked at, and which part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestAddress {
    /// To which endpoint.
    pub to: RequestTo,
    /// Which part of it.
    pub part: RequestPart,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestTo {
    /// One of the provider's endpoints.
    Endpoint(Endpoint),
    /// The partner's callback.
    Callback,
    /// A planted address.
    Canary,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RequestPart {
    /// Its parameters.
    #[default]
    Parameters,
    /// `{ method, target, headers, certificate, bytes_taken }`.
    Http,
    /// A JWT in it, opened by its name; `true`: its JOSE header.
    Jwt(String, Layer),
}

/// A class of HTTP status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// `400`.
    Exactly(u16),
    /// `"2xx"`.
    Class(u16),
    /// `"<500"`.
    Below(u16),
}

impl StatusPattern {
    /// Whether a status is of this class.
    pub fn matches(self, status: u16) -> bool {
        match self {
            StatusPattern::Exactly(exact) => status == exact,
            StatusPattern::Class(class) => status / 100 == class,
            StatusPattern::Below(limit) => status < limit,
        }
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StatusPattern::Exactly(exact) => write!(f, "{exact}"),
            StatusPattern::Class(class) => write!(f, "{class}xx"),
            StatusPattern::Below(limit) => write!(f, "below {limit}"),
        }
    }
}

/// Where a secret must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum LeakPlace {
    Url,
    Referer,
    Page,
    Cookie,
    Api,
    OtherProvider,
    Canary,
    Log,
}

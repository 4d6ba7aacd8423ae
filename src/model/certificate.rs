//! What a certificate says: a complete run of a tier, for whoever was not there.

use serde::{Deserialize, Serialize};

use super::result::{Suite as SuiteName, Totals};
use super::verdict::{Tier, Verdict};

/// What is signed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Always 1.
    pub format: u32,
    /// What it attests, and what not.
    pub statement: String,
    /// The program's version.
    pub program: String,
    /// Which suite judged.
    pub suite: SuiteName,
    /// The partner's name.
    pub partner: String,
    /// The dialect that it was driven in.
    pub dialect: String,
    /// How the partner knows who somebody is.
    pub identity: String,
    /// Every case up to this tier.
    pub tier: Tier,
    /// The day on which the run was made, `2026-11-27`, in UTC.
    pub date: String,
    /// The last day on which it is taken: a year later.
    pub until: String,
    /// Provider and browser spoke https.
    pub tls: bool,
    /// The run started the partner; otherwise it was running already.
    pub started: bool,
    /// What the partner can do, as its manifest says; what it declares and does not show would have failed.
    pub capabilities: Vec<String>,
    /// Verdicts counted.
    pub totals: Totals,
    /// Every case of the tier, in the order of ids.
    pub cases: Vec<CertifiedCase>,
}

/// A case and its verdict.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedCase {
    /// Its id.
    pub id: String,
    /// `pass`, `warn` or `not_applicable`.
    pub verdict: Verdict,
    /// Rules that were missed and are no MUST.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<String>,
    /// What of it was not tested, and why; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub not_tested: String,
    /// SHA-256 of its ladder, in hexadecimal digits; absent where it was not played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<String>,
}

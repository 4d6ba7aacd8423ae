//! The judge: pure functions from a case, a transcript and observations to what did not hold. No sockets, no clock.

pub mod inert;

use std::collections::BTreeMap;

use crate::model::exchange::{Exchange, Transcript};
use crate::model::observation::{Observation, PageSeen};

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Facts of an attempt that the judge needs beside the transcript.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Secret kind (`client_secret`, `code`, `access_token`, `refresh_token`, `id_token`, `code_verifier`) -> values.
    pub secrets: BTreeMap<String, Vec<String>>,
    /// Registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Origin of the partner.
    pub partner: String,
    /// Every page that the browsers saw.
    pub pages: Vec<PageSeen>,
    /// A fault made the provider unavailable: 502 to 504 of the partner are fine.
    pub outage: bool,
    /// Named schemas under `specs/`.
    pub schemas: BTreeMap<String, serde_json::Value>,
}

/// Whether what was expected was seen; every mismatch, not the first.
pub fn observation(observation: &Observation, transcript: &Transcript, facts: &Facts) -> Vec<Mismatch> {
    let _ = (observation, transcript, facts);
    todo!()
}

/// A rule that is watched in every transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// `secret-in-url`, `code-twice`, `nonce-reused`, `verifier-reused`, `redirect-uri`, `server-error`, …
    pub invariant: &'static str,
    /// The case whose own business it is, where there is one.
    pub case: Option<&'static str>,
    /// What did not hold.
    pub mismatch: Mismatch,
}

/// What every transcript must hold.
pub fn invariants(transcript: &Transcript, facts: &Facts) -> Vec<Breach> {
    let _ = (transcript, facts);
    todo!()
}

/// An exchange in a few lines for people, secrets replaced by their names.
pub fn describe(exchange: &Exchange, facts: &Facts) -> String {
    let _ = (exchange, facts);
    todo!()
}

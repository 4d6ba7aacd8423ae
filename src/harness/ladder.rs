//! The ladder: an attempt drawn as text, values by symbols, the same bytes whatever the parallelism (DESIGN section 9).

use std::collections::BTreeMap;

use crate::model::exchange::Transcript;
use crate::model::observation::Observation;
use crate::model::persona::Person;
use crate::model::verdict::{Level, Verdict};

/// What is drawn of one variant.
pub struct Drawing<'a> {
    /// Its name.
    pub variant: Option<&'a str>,
    /// What went over the wire.
    pub transcript: &'a Transcript,
    /// What was seen by `expect` steps.
    pub observations: &'a [Observation],
    /// The people of the attempt.
    pub people: &'a [Person],
    /// Base URL of the partner.
    pub base: &'a str,
    /// The issuer.
    pub issuer: &'a str,
    /// Secret kind -> values.
    pub secrets: &'a BTreeMap<String, Vec<String>>,
    /// Registered redirect URIs.
    pub redirect_uris: &'a [String],
    /// `client_id`, shown as it stands.
    pub client_id: &'a str,
    /// Rule, level and verdict, in the order of the file.
    pub lines: &'a [(String, Level, Verdict)],
    /// The verdict, and why where it is inconclusive or not applicable.
    pub verdict: Verdict,
    /// See there.
    pub reason: &'a str,
}

/// The whole ladder of a case: one part per variant.
pub fn draw(title: &str, drawings: &[Drawing<'_>]) -> String {
    let _ = (title, drawings);
    todo!()
}

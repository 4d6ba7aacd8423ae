//! Findings, case results and the events of a run: the one stream that every report is made from.

use serde::{Deserialize, Serialize};

use super::course::Course;
use super::verdict::{Level, Tier, Verdict};

/// One requirement that held or did not, with what was expected and what was observed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Requirement id.
    pub requirement: String,
    /// Its level here.
    pub level: Level,
    /// `pass`, `warn`, `fail`, `inconclusive`.
    pub verdict: Verdict,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The variant, where the case has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub variant: Option<String>,
    /// The exchange that shows it, in one or more lines, without secrets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<String>,
    /// It stands in the manifest's `[[known]]`.
    #[serde(default)]
    pub known: bool,
    /// Of a finding that belongs to no case and yet was seen in one: the command that plays that case again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rerun: Option<String>,
}

/// The judgement on one case.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// Case id.
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its tier.
    pub tier: Tier,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Why it is not applicable or inconclusive; otherwise empty.
    pub reason: String,
    /// Wall time over all attempts.
    pub duration_ms: u64,
    /// The command that reruns just this case.
    pub rerun: String,
    /// All that did not hold, and what is known.
    pub findings: Vec<Finding>,
    /// State of the snapshot.
    #[serde(default)]
    pub snapshot: SnapshotState,
    /// SHA-256 of its ladder's text, in hexadecimal digits, where the run drew ladders and the case was played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<String>,
}

/// How a case's ladder compares with the stored one.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotState {
    /// None was made or none is stored, and none was demanded.
    #[default]
    None,
    /// The same bytes.
    Same,
    /// Differs from the stored one.
    Changed,
    /// None is stored.
    Missing,
    /// Written by `accept`.
    Written,
}

/// Counts of verdicts over cases.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Totals {
    pub pass: usize,
    pub warn: usize,
    pub fail: usize,
    pub not_applicable: usize,
    pub inconclusive: usize,
}

impl Totals {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Warn => self.warn += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
        }
    }

    /// All cases.
    pub fn all(&self) -> usize {
        self.pass + self.warn + self.fail + self.not_applicable + self.inconclusive
    }
}

/// The JSON report, one per partner (DESIGN section 10).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always 1.
    pub format: u32,
    /// Which suite judged.
    pub suite: Suite,
    /// Whom.
    pub partner: Subject,
    /// How.
    pub run: RunFacts,
    /// Verdicts counted.
    pub totals: Totals,
    /// Wall time of the run.
    pub duration_ms: u64,
    /// Findings that belong to no case.
    pub findings: Vec<Finding>,
    /// In the order of their ids.
    pub cases: Vec<CaseResult>,
    /// Trouble with the manifest's `[[known]]`: each a sentence. Not empty: exit 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_known: Vec<String>,
    /// Snapshots without a case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphaned_snapshots: Vec<String>,
}

/// A versioned suite.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The program's version.
    pub version: String,
    /// SHA-256 over every case and specification file.
    pub digest: String,
}

/// The partner of a report.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The manifest's name.
    pub name: String,
    /// The dialect it was driven in.
    pub dialect: String,
    /// Its base URL.
    pub base: String,
}

/// Facts about a run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Up to which tier.
    pub tier: Tier,
    /// The seed of all identities.
    pub seed: u64,
    /// No filter, no shard: every case of the tier.
    pub complete: bool,
    /// Why nothing, or not everything, could be judged.
    pub blocked: Option<String>,
}

impl Report {
    /// The exit code of DESIGN section 10 that follows from this report; snapshots count.
    pub fn exit_code(&self, snapshots_demanded: bool) -> u8 {
        let snapshots = self.cases.iter().any(|case| match case.snapshot {
            SnapshotState::Changed => true,
            SnapshotState::Missing => snapshots_demanded,
            _ => false,
        }) || (snapshots_demanded && !self.orphaned_snapshots.is_empty());
        let unknown_fail = |finding: &Finding| finding.verdict == Verdict::Fail && !finding.known;
        let failed = self.findings.iter().any(unknown_fail)
            || self.cases.iter().any(|case| case.verdict == Verdict::Fail && case.findings.iter().any(unknown_fail));
        if !self.stale_known.is_empty() {
            2
        } else if self.run.blocked.is_some() {
            5
        } else if failed {
            1
        } else if self.totals.inconclusive > 0 {
            6
        } else if snapshots {
            3
        } else if self.cases.is_empty() {
            4
        } else {
            0
        }
    }
}

/// What a run tells, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A partner's run begins.
    Started {
        /// Whom.
        partner: Subject,
        /// How many cases will be decided.
        cases: usize,
        /// The seed.
        seed: u64,
        /// Up to which tier.
        tier: Tier,
    },
    /// A case begins.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// What the variants of a case went through; told only where it is asked for.
    Played {
        /// The case's id.
        id: String,
        /// In the order of the file.
        courses: Vec<Course>,
    },
    /// The ladder of a case that was played; told only where it is asked for.
    Drawn {
        /// The case's id.
        id: String,
        /// Its text, as a snapshot keeps it.
        ladder: String,
    },
    /// A case is decided.
    CaseFinished(Box<CaseResult>),
    /// A remark for people: a restart, a retry.
    Note(String),
    /// The run is over.
    Finished(Box<Report>),
}

//! Coverage: each rule, the cases that test it, the flaws that prove that they can fail, and what nobody tests.

use std::collections::BTreeSet;

use crate::model::requirement::Requirement;
use crate::model::verdict::{Level, Tier};

use super::suite::Suite;

/// What the harness judges in every run without a case: invariants, and what it sees of the partner as a whole.
pub const WATCHED: [&str; 14] = [
    "partner/concurrency#crosstalk",
    "partner/invariant#code-twice",
    "partner/invariant#cookie-flags",
    "partner/invariant#nonce-reused",
    "partner/invariant#redirect-uri",
    "partner/invariant#secret-in-url",
    "partner/invariant#server-error",
    "partner/invariant#token-leak",
    "partner/invariant#verifier-reused",
    "partner/manifest#declared",
    "partner/manifest#smoke",
    "partner/resilience#recovers",
    "partner/resilience#starts",
    "partner/resilience#stays-up",
];

/// A case that tests a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Its id.
    pub case: String,
    /// The lowest tier in which it runs.
    pub tier: Tier,
    /// The rule is the case's own; otherwise one of its steps names it.
    pub own: bool,
}

/// One rule and who tests it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The rule.
    pub requirement: Requirement,
    /// The lowest tier that demands it.
    pub tier: Tier,
    /// Cases, in the order of their ids.
    pub cases: Vec<Tested>,
    /// Flaws that those cases catch whose own rule it is, and the message schemas.
    pub flaws: Vec<String>,
    /// The harness itself judges it in every run.
    pub watched: bool,
    /// Message schemas that enforce it.
    pub schemas: Vec<String>,
}

impl Row {
    /// Nobody tests it, and nobody says why.
    pub fn is_open(&self) -> bool {
        self.cases.is_empty() && !self.watched && self.schemas.is_empty() && self.requirement.untestable.is_none()
    }

    /// Open, a MUST for partners, and of tier basic: this must not be.
    pub fn is_gap(&self) -> bool {
        let binds = self.requirement.actor == "partner" && self.requirement.level == Level::Must;
        self.is_open() && binds && self.tier == Tier::Basic
    }

    /// It is said to be untestable, and yet it is tested.
    pub fn is_contradictory(&self) -> bool {
        self.requirement.untestable.is_some() && !self.cases.is_empty()
    }
}

/// Every rule, in the order of the ids.
pub fn coverage(suite: &Suite) -> Vec<Row> {
    suite.requirements.by_id.values().map(|requirement| row(suite, requirement)).collect()
}

fn row(suite: &Suite, requirement: &Requirement) -> Row {
    let id = &requirement.id;
    let mut cases = Vec::new();
    let mut flaws = BTreeSet::new();
    for case in &suite.cases {
        let own = case.requirement == *id;
        if own || case.steps.iter().any(|step| step.requirement.as_ref() == Some(id)) {
            cases.push(Tested { case: case.id.clone(), tier: case.tier, own });
        }
        if own {
            flaws.extend(case.kills.iter().cloned());
        }
    }
    let mut schemas = Vec::new();
    for rule in suite.messages.iter().filter(|rule| rule.requirement == *id) {
        schemas.push(format!("dialects/{}/{}", rule.dialect, rule.name()));
        flaws.extend(rule.kills.iter().cloned());
    }
    schemas.dedup();
    let tier = requirement.tier.or_else(|| cases.iter().map(|tested| tested.tier).min()).unwrap_or_default();
    let watched = WATCHED.contains(&id.as_str());
    Row { requirement: requirement.clone(), tier, cases, flaws: flaws.into_iter().collect(), watched, schemas }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::harness::suite::Additions;

    fn suite() -> Suite {
        Suite::load(&Additions::default()).unwrap()
    }

    fn row_of(suite: &Suite, id: &str) -> Row {
        coverage(suite).into_iter().find(|row| row.requirement.id == id).unwrap()
    }

    #[test]
    fn a_must_of_tier_basic_without_a_case_or_a_reason_is_a_gap() {
        let mut suite = suite();
        assert!(!row_of(&suite, "rfc6749/4.1.2").is_gap());
        suite.cases.retain(|case| case.requirement != "rfc6749/4.1.2");
        assert!(row_of(&suite, "rfc6749/4.1.2").is_gap());
        let rule = suite.requirements.by_id.get_mut("rfc6749/4.1.2").unwrap();
        rule.tier = Some(Tier::Standard);
        assert!(!row_of(&suite, "rfc6749/4.1.2").is_gap(), "it is of a higher tier");
        let rule = suite.requirements.by_id.get_mut("rfc6749/4.1.2").unwrap();
        (rule.tier, rule.untestable) = (None, Some("nobody sees it from outside".to_owned()));
        assert!(!row_of(&suite, "rfc6749/4.1.2").is_gap(), "there is a reason");
    }

    #[test]
    fn a_rule_that_only_a_step_names_is_tested_but_proved_by_no_flaw() {
        let mut suite = suite();
        let with_step = |case: &Arc<crate::model::case::Case>| {
            let own = |rule: &Option<String>| rule.as_ref().is_some_and(|rule| *rule != case.requirement);
            case.steps.iter().find(|step| own(&step.requirement)).and_then(|step| step.requirement.clone())
        };
        let (case, rule) = suite.cases.iter().find_map(|case| Some((Arc::clone(case), with_step(case)?))).unwrap();
        suite.cases = vec![case];
        let row = row_of(&suite, &rule);
        assert!(!row.cases[0].own && row.flaws.is_empty() && !row.is_open());
    }

    #[test]
    fn what_is_watched_is_a_rule() {
        let suite = suite();
        for id in WATCHED {
            assert!(suite.requirements.get(id).is_some(), "{id}");
        }
    }
}

//! Keys that a partner has no reason to fetch yet. Sound libraries do not ask for a key set twice within minutes, so that
//! nobody can make them flood the provider: where a new key is younger than the manifest's `key_refresh_grace`, refusing
//! what it signed is worth a warn and no more (DESIGN section 5).

use std::time::Duration;

use crate::model::case::{Act, Case, Expectation, Expected, FaultSource, SessionIs};
use crate::model::fault::{Endpoint, Message};
use crate::model::manifest::{Manifest, duration};
use crate::model::verdict::Verdict;

use super::guard::Judged;

/// What a manifest grants that says nothing.
const GRACE: Duration = Duration::from_secs(300);

/// Makes a warn of refusing a new key; whoever was let in by a key is let in at once, so that accepting one stays a fail.
pub(super) fn soften(case: &Case, manifest: &Manifest, judged: &mut Judged) {
    let grace = manifest.provider.key_refresh_grace.as_deref().and_then(duration).unwrap_or(GRACE);
    let age = Duration::from_millis(judged.played.duration_ms);
    if judged.verdict != Verdict::Fail || age >= grace || !changes_keys(case) || wants_a_refusal(case) {
        return;
    }
    for finding in &mut judged.findings {
        if finding.verdict == Verdict::Fail {
            finding.verdict = Verdict::Warn;
            finding.observed.push_str(
                "; the keys had been fetched less than the manifest's key_refresh_grace before, which sound libraries do not repeat",
            );
        }
    }
    for (_, _, verdict) in &mut judged.lines {
        *verdict = (*verdict).min(Verdict::Warn);
    }
    judged.verdict = Verdict::Warn;
}

fn changes_keys(case: &Case) -> bool {
    case.steps.iter().any(|step| {
        matches!(&step.act, Act::Fault(FaultSource::Here(fault))
            if fault.patches.iter().any(|patch| patch.address.message == Message::Response(Endpoint::Jwks)))
    })
}

/// Whether somebody must not be signed in.
fn wants_a_refusal(case: &Case) -> bool {
    case.steps.iter().any(|step| matches!(&step.act, Act::Expect(expectation) if refuses(expectation)))
}

fn refuses(expectation: &Expectation) -> bool {
    match &expectation.subject {
        Expected::Session(SessionIs::Nobody | SessionIs::Not(_)) | Expected::Ended(_) => true,
        Expected::Any(alternatives) => alternatives.iter().any(refuses),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::subject::SubjectSpec;
    use crate::harness::suite::{Additions, Suite};
    use crate::model::result::Finding;
    use crate::model::verdict::Level;
    use crate::reference::Base;

    fn failed(case: &Case) -> Judged {
        let finding = Finding {
            requirement: case.requirement.clone(),
            level: Level::Must,
            verdict: Verdict::Fail,
            expected: "the probe says alice".to_owned(),
            observed: "the probe says nobody".to_owned(),
            variant: None,
            exchange: None,
            known: false,
            rerun: None,
        };
        Judged {
            variant: None,
            verdict: Verdict::Fail,
            reason: String::new(),
            lines: vec![(case.requirement.clone(), Level::Must, Verdict::Fail)],
            findings: vec![finding],
            played: Default::default(),
            rungs: String::new(),
            course: Vec::new(),
            breaches: Vec::new(),
        }
    }

    #[test]
    fn refusing_a_young_key_is_a_warn_and_accepting_one_that_is_gone_stays_a_fail() {
        let suite = Suite::load(&Additions::default()).unwrap();
        let case = suite.cases.iter().find(|case| case.id == "keys/rotate").unwrap();
        let mut manifest = SubjectSpec::reference(Base::Oidc, "oidc").manifest();
        manifest.provider.key_refresh_grace = Some("5m".to_owned());
        let verdict = |case: &Case, manifest: &Manifest| {
            let mut judged = failed(case);
            soften(case, manifest, &mut judged);
            judged.verdict
        };
        assert_eq!(verdict(case, &manifest), Verdict::Warn);
        manifest.provider.key_refresh_grace = Some("0s".to_owned());
        assert_eq!(verdict(case, &manifest), Verdict::Fail, "a partner that throttles nothing has no such excuse");
        manifest.provider.key_refresh_grace = None;
        assert_eq!(verdict(case, &manifest), Verdict::Warn, "five minutes are what sound libraries take");
        let mut withdrawn = (**case).clone();
        let last = withdrawn.steps.last_mut().unwrap();
        let Act::Expect(expectation) = &mut last.act else { panic!("keys/rotate ends with what is expected") };
        expectation.subject = Expected::Session(SessionIs::Nobody);
        assert_eq!(verdict(&withdrawn, &manifest), Verdict::Fail, "a key that was withdrawn must not be taken");
    }
}

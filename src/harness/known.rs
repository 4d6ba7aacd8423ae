//! Known failures: a manifest's `[[known]]` marks findings; what it says must be true, or the run ends with exit 2.

use crate::model::manifest::{Known, Manifest};
use crate::model::result::{CaseResult, Finding, Report};
use crate::model::verdict::Verdict;

use super::suite::Suite;

/// Marks the findings of a case that the manifest knows.
pub fn mark(manifest: &Manifest, case: &mut CaseResult) {
    for known in manifest.known.iter().filter(|known| known.case == case.id) {
        for finding in case.findings.iter_mut().filter(|finding| is_meant(finding, known)) {
            finding.known = true;
        }
    }
}

fn is_meant(finding: &Finding, known: &Known) -> bool {
    finding.requirement == known.requirement && matches!(finding.verdict, Verdict::Fail | Verdict::Warn)
}

/// Writes down every entry that is not true (any more).
///
/// An entry must name a real case and a real requirement, still fail, and not be past its date. Of a case that was not
/// decided in this run nothing can be said, so its entry is not called stale.
pub fn note_stale(manifest: &Manifest, suite: &Suite, report: &mut Report, today: (i32, u32, u32)) {
    let mut stale = Vec::new();
    for known in &manifest.known {
        if let Some(why) = untrue(known, suite, report, today) {
            stale.push(format!("[[known]] {} {}: {why}", known.case, known.requirement));
        }
    }
    report.stale_known.extend(stale);
}

fn untrue(known: &Known, suite: &Suite, report: &Report, today: (i32, u32, u32)) -> Option<String> {
    if known.reason.trim().is_empty() {
        return Some(
            "a reason is missing\n  help: say in `reason` why it is so, for whoever reads it in a year".into(),
        );
    }
    if suite.requirements.get(&known.requirement).is_none() {
        return Some(
            "there is no such requirement\n  help: take the id from the finding, as the report prints it".into(),
        );
    }
    if let Some(until) = &known.until {
        match date(until) {
            None => return Some(format!("`{until}` is not a date\n  help: write it as 2027-03-01")),
            Some(until_date) if until_date < today => {
                return Some(format!("it was known until {until}\n  help: mend it, or give it a new date"));
            }
            Some(_) => {}
        }
    }
    if !suite.cases.iter().any(|case| case.id == known.case) {
        return Some("there is no such case\n  help: countersign cases list".into());
    }
    let case = report.cases.iter().find(|case| case.id == known.case)?;
    let still = case.findings.iter().any(|finding| is_meant(finding, known));
    (case.verdict != Verdict::Inconclusive && !still).then(|| {
        "it does not fail any more\n  help: take the entry out, so that it cannot hide a new failure".to_owned()
    })
}

/// `2027-03-01` as numbers that compare like dates.
fn date(text: &str) -> Option<(i32, u32, u32)> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_as_dates() {
        assert!(date("2027-03-01") > date("2026-11-24"));
        assert_eq!(date("2027-13-01"), None);
        assert_eq!(date("soon"), None);
    }
}

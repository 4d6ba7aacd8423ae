//! Known failures: a manifest's `[[known]]` marks findings; what it says must be true, or the run ends with exit 2.

use crate::model::diagnostic::{Diagnostic, nearest};
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

/// Marks the findings that belong to no case and yet were seen in one, whichever case their entry names: it may be seen
/// in another one the next time.
pub fn mark_of_the_run(manifest: &Manifest, report: &mut Report) {
    for finding in report.findings.iter_mut().filter(|finding| finding.rerun.is_some()) {
        finding.known |= manifest.known.iter().any(|known| is_meant(finding, known));
    }
}

fn is_meant(finding: &Finding, known: &Known) -> bool {
    finding.requirement == known.requirement && matches!(finding.verdict, Verdict::Fail | Verdict::Warn)
}

/// Writes down every entry that is not true (any more), with its place in the manifest at `path`.
///
/// An entry must name a real case and a real requirement, carry a reason, still fail, and not be past its date. Of a case
/// that was not decided in this run nothing can be said, so its entry is not called stale.
pub fn note_stale(path: &str, manifest: &Manifest, suite: &Suite, report: &mut Report, today: (i32, u32, u32)) {
    let stale = all_untrue(path, manifest, suite, (&report.cases, &report.findings), today);
    report.stale_known.extend(stale.iter().map(Diagnostic::to_string));
}

/// What is untrue of the entries before any case was judged: a case or a rule that there is not, no reason, a date that is
/// past.
pub fn untrue_at_rest(path: &str, manifest: &Manifest, suite: &Suite, today: (i32, u32, u32)) -> Vec<Diagnostic> {
    all_untrue(path, manifest, suite, (&[], &[]), today)
}

fn all_untrue(
    path: &str,
    manifest: &Manifest,
    suite: &Suite,
    seen: (&[CaseResult], &[Finding]),
    today: (i32, u32, u32),
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for known in &manifest.known {
        for (what, help) in untrue(known, suite, seen, today) {
            let message = format!("known failure of {}, {}: {what}", known.case, known.requirement);
            all.push(Diagnostic { line: known.line, ..Diagnostic::whole(path, message, help) });
        }
    }
    all
}

/// Everything that is not true of an entry: what, and advice.
fn untrue(
    known: &Known,
    suite: &Suite,
    (cases, of_the_run): (&[CaseResult], &[Finding]),
    today: (i32, u32, u32),
) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    let mut add = |what: String, help: &str| wrong.push((what, help.to_owned()));
    let real_case = suite.cases.iter().any(|case| case.id == known.case);
    let real_rule = suite.requirements.get(&known.requirement).is_some();
    if !real_case {
        let near = nearest(&known.case, suite.cases.iter().map(|case| case.id.as_str()));
        let help =
            near.map_or("countersign cases list names them".to_owned(), |near| format!("did you mean `{near}`?"));
        add("there is no such case".to_owned(), &help);
    }
    if !real_rule {
        let near = nearest(&known.requirement, suite.requirements.by_id.keys().map(String::as_str));
        let help = near.map_or("take it from the finding, as the report prints it".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        add("there is no such requirement".to_owned(), &help);
    }
    if known.reason.trim().is_empty() {
        add("it has no reason".to_owned(), "reason = \"…\": why it is so, for whoever reads it in a year");
    }
    match known.until.as_deref().map(|until| (until, date(until))) {
        Some((until, None)) => add(format!("`{until}` is not a date"), "write it as until = \"2027-03-01\""),
        Some((until, Some(last))) if last < today => {
            add(format!("it was known until {until}"), "mend the partner, or give it a new date");
        }
        _ => {}
    }
    let decided = cases.iter().find(|case| case.id == known.case && case.verdict != Verdict::Inconclusive);
    if let (Some(case), true) = (decided, real_rule)
        && !case.findings.iter().any(|finding| is_meant(finding, known))
        && !of_the_run.iter().any(|finding| finding.rerun.is_some() && is_meant(finding, known))
    {
        let help = "take the entry out, so that it cannot hide a new failure";
        if case.verdict == Verdict::NotApplicable {
            add(format!("the case does not apply: {}", case.reason), help);
        } else {
            add("it does not fail any more".to_owned(), help);
        }
    }
    wrong
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

    fn breach(rerun: Option<&str>) -> Finding {
        Finding {
            requirement: "rfc6750/2".to_owned(),
            level: crate::model::verdict::Level::Must,
            verdict: Verdict::Fail,
            expected: String::new(),
            observed: String::new(),
            variant: None,
            exchange: None,
            known: false,
            rerun: rerun.map(str::to_owned),
        }
    }

    #[test]
    fn a_breach_that_is_seen_in_many_cases_is_known_by_its_rule_and_any_case() {
        let entry = "[[known]]\ncase = \"login/happy\"\nrequirement = \"rfc6750/2\"\nreason = \"it is being mended\"\n";
        let text = format!("{}\n{entry}", crate::reference::manifest(crate::reference::Base::Oidc, "oidc"));
        let manifest: Manifest = toml::from_str(&text).unwrap();
        let known = manifest.known.first().unwrap();
        assert!(is_meant(&breach(None), known));
        let suite = Suite::load(&Default::default()).unwrap();
        let passed = CaseResult {
            id: "login/happy".to_owned(),
            title: String::new(),
            tier: crate::model::verdict::Tier::Basic,
            verdict: Verdict::Pass,
            reason: String::new(),
            duration_ms: 0,
            rerun: String::new(),
            findings: Vec::new(),
            snapshot: crate::model::result::SnapshotState::None,
            ladder: None,
        };
        let stale =
            |findings: &[Finding]| untrue(known, &suite, (std::slice::from_ref(&passed), findings), (2026, 1, 1));
        assert!(stale(&[breach(Some("countersign run login/code-once"))]).is_empty());
        assert_eq!(stale(&[]).len(), 1, "it does not fail any more");
        assert_eq!(stale(&[breach(None)]).len(), 1, "what no case shows is not known by one");
    }
}

//! One case of the report: what was found, what to do, what happened, and the command that plays it again.

use crate::harness::suite::Suite;
use crate::model::course::Course;
use crate::model::result::{CaseResult, Finding, SnapshotState};
use crate::model::verdict::Verdict;
use crate::report::terminal::alike;

use super::write::Html;
use super::{anchor, badge, class, diagram, rules};

/// Variants whose course is drawn; the others are named.
const MOST_DRAWN: usize = 4;

/// A case that can be opened; one that is not well is open already.
pub(super) fn write(html: &mut Html, case: &CaseResult, courses: &[Course], suite: &Suite) {
    let known = is_known(case);
    let verdict = class(case.verdict);
    let id = anchor("case", &case.id);
    let names = format!("case {verdict}");
    let mut attributes = vec![("class", names.as_str()), ("id", &id), ("data-verdict", verdict)];
    // What was never played has nothing to show.
    if case.verdict == Verdict::Fail || (case.verdict == Verdict::Inconclusive && !courses.is_empty()) {
        attributes.push(("open", ""));
    }
    html.within("details", &attributes, |html| {
        html.within("summary", &[], |html| {
            badge(html, case.verdict, known);
            html.within("span", &[("class", "name")], |html| {
                html.leaf("code", &[], &case.id);
                html.leaf("span", &[("class", "title")], &case.title);
            });
        });
        html.within("div", &[("class", "body")], |html| body(html, case, courses, suite));
    });
}

fn is_known(case: &CaseResult) -> bool {
    let mut failures = case.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).peekable();
    failures.peek().is_some() && failures.all(|finding| finding.known)
}

fn body(html: &mut Html, case: &CaseResult, courses: &[Course], suite: &Suite) {
    let file = suite.case(&case.id);
    if !case.reason.is_empty() {
        html.within("p", &[("class", "reason")], |html| {
            html.leaf("b", &[], if case.verdict == Verdict::NotApplicable { "Not tested: " } else { "Why: " });
            html.text(&case.reason);
        });
    }
    if let Some(about) = file.and_then(|file| file.about.as_deref()) {
        html.leaf("p", &[("class", "about")], about);
    }
    let groups = alike(&case.findings);
    for (finding, variants) in &groups {
        self::finding(html, finding, variants, suite);
    }
    let mut advised: Vec<&str> = groups.iter().map(|(finding, _)| finding.requirement.as_str()).collect();
    advised.dedup();
    for advice in advised.iter().filter_map(|id| suite.advice.get(*id)) {
        rules::advice(html, advice);
    }
    if groups.is_empty()
        && let Some(file) = file
    {
        rules::statement(html, &file.requirement, None, suite);
    }
    if !courses.is_empty() {
        html.within("div", &[("class", "courses")], |html| self::courses(html, case, courses, suite));
    }
    rerun(html, &case.rerun);
    html.within("p", &[("class", "small")], |html| {
        html.text(&format!("tier {}, {} ms", case.tier, case.duration_ms));
        html.text(match case.snapshot {
            SnapshotState::None => "",
            SnapshotState::Same => ", snapshot the same",
            SnapshotState::Changed => ", snapshot changed",
            SnapshotState::Missing => ", no snapshot",
            SnapshotState::Written => ", snapshot written",
        });
    });
}

/// The command that plays it again.
pub(super) fn rerun(html: &mut Html, command: &str) {
    html.within("p", &[("class", "rerun")], |html| {
        html.leaf("span", &[], "Play it again: ");
        html.leaf("code", &[], command);
    });
}

/// A finding in full: the rule, what was expected beside what was observed, the exchange that shows it.
pub(super) fn finding(html: &mut Html, finding: &Finding, variants: &[&str], suite: &Suite) {
    html.within("section", &[("class", &format!("finding {}", class(finding.verdict)))], |html| {
        rules::statement(html, &finding.requirement, Some(&finding.level.to_string()), suite);
        if finding.known {
            html.leaf("p", &[("class", "quiet")], "The manifest lists this failure as known.");
        }
        match variants {
            [] => {}
            [one] => html.leaf("p", &[("class", "quiet")], &format!("Variant: {one}")),
            several => {
                let text = format!("{} variants, the first of which is shown: {}", several.len(), several.join(", "));
                html.leaf("p", &[("class", "quiet")], &text);
            }
        }
        html.within("div", &[("class", "beside")], |html| {
            for (name, class, text) in
                [("Expected", "expected", &finding.expected), ("Observed", "observed", &finding.observed)]
            {
                html.within("div", &[("class", class)], |html| {
                    html.leaf("h5", &[], name);
                    html.leaf("p", &[], text);
                });
            }
        });
        if let Some(exchange) = &finding.exchange {
            html.within("details", &[("class", "exchange")], |html| {
                html.leaf("summary", &[], "The exchange that shows it");
                html.leaf("pre", &[], exchange);
            });
        }
    });
}

fn courses(html: &mut Html, case: &CaseResult, courses: &[Course], suite: &Suite) {
    // What is not well first; of the rest, one stands for all.
    let worst = courses.iter().map(|course| course.verdict).max();
    let mut drawn: Vec<&Course> = courses.iter().filter(|course| !course.rungs.is_empty()).collect();
    drawn.sort_by_key(|course| std::cmp::Reverse(course.verdict));
    if worst > Some(Verdict::Pass) {
        drawn.retain(|course| course.verdict > Verdict::Pass);
    }
    drawn.truncate(MOST_DRAWN);
    for course in &drawn {
        html.within("h4", &[], |html| {
            html.text("What happened");
            if let Some(variant) = &course.variant {
                html.text(&format!(": {variant}"));
            }
        });
        if !course.reason.is_empty() && course.reason != case.reason {
            html.leaf("p", &[("class", "quiet")], &course.reason);
        }
        diagram::draw(html, suite.case(&case.id).map(AsRef::as_ref), course);
    }
    if courses.len() > 1 {
        html.within("p", &[("class", "quiet")], |html| {
            html.text("All variants: ");
            for (at, course) in courses.iter().enumerate() {
                html.text(if at == 0 { "" } else { ", " });
                html.text(course.variant.as_deref().unwrap_or("plain"));
                html.text(&format!(" ({})", course.verdict));
            }
        });
    }
}

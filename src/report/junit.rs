//! The JUnit report, as CI systems read it: one test suite per partner and area, one test case per case.
//!
//! A `fail` is a `failure` with requirement, expected, observed, exchange and the command that reruns it; a known failure
//! and what does not apply are `skipped`; what is inconclusive is an `error`; a warning passes and stands in the output.
//! What belongs to no case (a finding of the run, a known failure that is not true) stands in the area `run`.

use std::collections::BTreeMap;

use crate::model::requirement::Registry;
use crate::model::result::{CaseResult, Finding, Report, SnapshotState};
use crate::model::verdict::Verdict;

use super::safe;

/// One `testcase` and what was found.
struct Row<'a> {
    name: &'a str,
    milliseconds: u64,
    outcomes: Vec<Outcome>,
    /// For people, shown by most systems only when asked for.
    output: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    Error,
    Skipped,
}

struct Outcome {
    kind: Kind,
    about: String,
    message: String,
    body: String,
}

/// The reports of one run, as one XML document. `guarded`: a missing or orphaned snapshot fails too, as in `guard`.
pub fn text(reports: &[Report], requirements: &Registry, guarded: bool) -> String {
    let mut suites = String::new();
    let (mut tests, mut totals, mut milliseconds) = (0, [0; 3], 0);
    for report in reports {
        milliseconds += report.duration_ms;
        for (area, rows) in areas(report, requirements, guarded) {
            let counts = counts(&rows);
            tests += rows.len();
            totals.iter_mut().zip(counts).for_each(|(total, own)| *total += own);
            suite(&mut suites, report, area, &rows, counts);
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"countersign\" tests=\"{tests}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n{suites}</testsuites>\n",
        totals[0],
        totals[1],
        totals[2],
        seconds(milliseconds)
    )
}

fn areas<'a>(report: &'a Report, requirements: &Registry, guarded: bool) -> BTreeMap<&'a str, Vec<Row<'a>>> {
    let mut areas: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for case in &report.cases {
        let (area, name) = case.id.split_once('/').unwrap_or(("run", &case.id));
        areas.entry(area).or_default().push(row(case, name, requirements, guarded));
    }
    let of_the_run = run_rows(report, requirements, guarded);
    if !of_the_run.is_empty() {
        areas.entry("run").or_default().extend(of_the_run);
    }
    areas
}

fn row<'a>(case: &'a CaseResult, name: &'a str, requirements: &Registry, guarded: bool) -> Row<'a> {
    let mut row = Row { name, milliseconds: case.duration_ms, outcomes: Vec::new(), output: case.title.clone() };
    match case.verdict {
        Verdict::NotApplicable => row.outcomes.push(Outcome {
            kind: Kind::Skipped,
            about: "not applicable".to_owned(),
            message: case.reason.clone(),
            body: String::new(),
        }),
        Verdict::Inconclusive => row.outcomes.push(Outcome {
            kind: Kind::Error,
            about: "inconclusive".to_owned(),
            message: if case.reason.is_empty() { "nothing can be said".to_owned() } else { case.reason.clone() },
            body: format!("rerun     {}", case.rerun),
        }),
        _ => {}
    }
    let rerun = Some(case.rerun.as_str());
    let (known, news): (Vec<&Finding>, Vec<&Finding>) =
        case.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).partition(|finding| finding.known);
    row.outcomes.extend(news.iter().map(|finding| outcome(Kind::Failure, finding, requirements, rerun)));
    if news.is_empty() && case.verdict == Verdict::Fail {
        row.outcomes.extend(known.first().map(|finding| {
            let told = outcome(Kind::Skipped, finding, requirements, rerun);
            Outcome { message: format!("known failure: {}", told.message), ..told }
        }));
    }
    for finding in case.findings.iter().filter(|finding| finding.verdict == Verdict::Warn) {
        row.output.push_str(&format!("\nwarning\n{}", body(finding, requirements, rerun)));
    }
    let snapshot = match case.snapshot {
        SnapshotState::Changed => Some("the snapshot changed"),
        SnapshotState::Missing if guarded => Some("there is no snapshot"),
        _ => None,
    };
    row.outcomes.extend(snapshot.map(|what| snapshot_outcome(what.to_owned())));
    row
}

/// What belongs to no case.
fn run_rows<'a>(report: &'a Report, requirements: &Registry, guarded: bool) -> Vec<Row<'a>> {
    let plain = |name, outcomes| Row { name, milliseconds: 0, outcomes, output: String::new() };
    let error = |about: &str, message: &str| Outcome {
        kind: Kind::Error,
        about: about.to_owned(),
        message: message.lines().next().unwrap_or_default().to_owned(),
        body: message.to_owned(),
    };
    let mut rows = Vec::new();
    rows.extend(report.run.blocked.iter().map(|why| plain("blocked", vec![error("blocked", why)])));
    for finding in &report.findings {
        let outcomes = match finding.verdict {
            Verdict::Fail if finding.known => vec![outcome(Kind::Skipped, finding, requirements, None)],
            Verdict::Fail => vec![outcome(Kind::Failure, finding, requirements, finding.rerun.as_deref())],
            Verdict::Inconclusive => vec![outcome(Kind::Error, finding, requirements, None)],
            _ => Vec::new(),
        };
        let mut row = plain(finding.requirement.as_str(), outcomes);
        if finding.verdict == Verdict::Warn {
            row.output = format!("warning\n{}", body(finding, requirements, finding.rerun.as_deref()));
        }
        rows.push(row);
    }
    rows.extend(report.stale_known.iter().map(|why| plain("known failures", vec![error("known failure", why)])));
    if guarded {
        let orphan = |path: &String| snapshot_outcome(format!("snapshot without a case: {path}"));
        let outcomes: Vec<Outcome> = report.orphaned_snapshots.iter().map(orphan).collect();
        rows.extend((!outcomes.is_empty()).then(|| plain("snapshots", outcomes)));
    }
    rows
}

fn snapshot_outcome(message: String) -> Outcome {
    let body = "compare it, then take it over with: countersign accept".to_owned();
    Outcome { kind: Kind::Failure, about: "snapshot".to_owned(), message, body }
}

fn outcome(kind: Kind, finding: &Finding, requirements: &Registry, rerun: Option<&str>) -> Outcome {
    Outcome {
        kind,
        about: finding.requirement.clone(),
        message: format!(
            "{} ({}): expected {}; observed {}",
            finding.requirement, finding.level, finding.expected, finding.observed
        ),
        body: body(finding, requirements, rerun),
    }
}

fn body(finding: &Finding, requirements: &Registry, rerun: Option<&str>) -> String {
    let mut lines = vec![format!("rule      {} ({})", finding.requirement, finding.level)];
    if let Some(rule) = requirements.get(&finding.requirement) {
        let url = rule.url.as_deref().map(|url| format!(", {url}")).unwrap_or_default();
        lines.push(format!("          {}\n          {}{url}", rule.summary, rule.clause));
    }
    let mut line = |name: &str, text: &str| lines.push(format!("{name:<10}{}", text.replace('\n', "\n          ")));
    if let Some(variant) = &finding.variant {
        line("variant", variant);
    }
    line("expected", &finding.expected);
    line("observed", &finding.observed);
    if let Some(exchange) = &finding.exchange {
        line("exchange", exchange);
    }
    if let Some(rerun) = rerun {
        line("rerun", rerun);
    }
    lines.join("\n")
}

/// Rows that failed, that are errors, that are skipped; each row counts once, as the worst that it is.
fn counts(rows: &[Row<'_>]) -> [usize; 3] {
    let has = |row: &Row<'_>, kind| row.outcomes.iter().any(|outcome| outcome.kind == kind);
    let mut counts = [0; 3];
    for row in rows {
        if let Some(at) = [Kind::Failure, Kind::Error, Kind::Skipped].iter().position(|kind| has(row, *kind)) {
            counts[at] += 1;
        }
    }
    counts
}

fn suite(out: &mut String, report: &Report, area: &str, rows: &[Row<'_>], counts: [usize; 3]) {
    let class = format!("{}.{area}", report.partner.name);
    let time: u64 = rows.iter().map(|row| row.milliseconds).sum();
    out.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n",
        attribute(&class),
        rows.len(),
        counts[0],
        counts[1],
        counts[2],
        seconds(time)
    ));
    let seed = report.run.seed.to_string();
    let tier = report.run.tier.name();
    let facts = [
        ("partner", report.partner.name.as_str()),
        ("dialect", &report.partner.dialect),
        ("tier", tier),
        ("seed", &seed),
        ("suite", &report.suite.version),
    ];
    out.push_str("    <properties>\n");
    for (name, value) in facts {
        out.push_str(&format!("      <property name=\"{name}\" value=\"{}\"/>\n", attribute(value)));
    }
    out.push_str("    </properties>\n");
    for row in rows {
        out.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">\n",
            attribute(&class),
            attribute(row.name),
            seconds(row.milliseconds)
        ));
        for outcome in &row.outcomes {
            element(out, outcome);
        }
        if !row.output.is_empty() {
            out.push_str(&format!("      <system-out>{}</system-out>\n", content(&row.output)));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

fn element(out: &mut String, outcome: &Outcome) {
    let name = match outcome.kind {
        Kind::Failure => "failure",
        Kind::Error => "error",
        Kind::Skipped => "skipped",
    };
    out.push_str(&format!(
        "      <{name} type=\"{}\" message=\"{}\">{}</{name}>\n",
        attribute(&outcome.about),
        attribute(&outcome.message),
        content(&outcome.body)
    ));
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Text between tags. What XML 1.0 cannot hold (section 2.2) is gone, what a terminal would obey is written out.
fn content(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// Text between double quotes, on one line.
fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', " ")
}

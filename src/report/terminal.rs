//! The report for people: a table by area, then every finding in full, then one line that says it all.

use std::collections::BTreeMap;

use crate::model::requirement::Registry;
use crate::model::result::{CaseResult, Event, Finding, Report, SnapshotState};
use crate::model::verdict::Verdict;

use super::{Style, indented, safe};

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "32",
        Verdict::Warn => "33",
        Verdict::Fail => "31;1",
        Verdict::Inconclusive => "35",
        Verdict::NotApplicable => "90",
    }
}

/// One line about an event while a run goes on; `None` where there is nothing to say.
pub fn progress(event: &Event, decided: usize, of: usize) -> Option<String> {
    match event {
        Event::Started { partner, cases, seed, tier } => Some(format!(
            "{} ({}) at {}: {cases} cases up to tier {tier}, seed {seed}",
            safe(&partner.name),
            partner.dialect,
            safe(&partner.base)
        )),
        Event::CaseFinished(case) if case.verdict > Verdict::Pass => {
            Some(format!("{decided}/{of} {} {}", case.verdict, case.id))
        }
        Event::Note(note) => Some(safe(note)),
        _ => None,
    }
}

/// The whole report.
pub fn text(report: &Report, requirements: &Registry, style: Style) -> String {
    let mut out = String::new();
    table(&mut out, report, style);
    out + &details(report, requirements, style)
}

/// The report without its table: every finding in full, and the line that says it all.
pub fn details(report: &Report, requirements: &Registry, style: Style) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&format!("\n{}\n", style.paint(colour(finding.verdict), &format!("{} run", finding.verdict))));
        out.push_str(&finding_text(finding, &[], requirements));
        if let Some(rerun) = &finding.rerun {
            out.push_str(&format!("  rerun     {}\n", safe(rerun)));
        }
    }
    let mut untold = Vec::new();
    for case in report.cases.iter().filter(|case| case.verdict > Verdict::Pass) {
        match alike_silent(report, case) {
            several if several.len() < SEVERAL => out.push_str(&case_text(case, requirements, style)),
            several if several.first().is_some_and(|first| first.id == case.id) => untold.push(several),
            _ => {}
        }
    }
    untold.iter().for_each(|several| out.push_str(&several_text(several, style)));
    for sentence in &report.stale_known {
        out.push_str(&format!("\n{}\n", indented(sentence, 0)));
    }
    for orphan in &report.orphaned_snapshots {
        out.push_str(&format!("\nsnapshot without a case: {}\n", safe(orphan)));
    }
    out.push_str(&closing(report, style));
    out
}

fn table(out: &mut String, report: &Report, style: Style) {
    let mut areas: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for case in &report.cases {
        areas.entry(case.id.split('/').next().unwrap_or_default()).or_default().push(case);
    }
    let width = report.cases.iter().map(|case| name(case).len()).max().unwrap_or(0);
    for (area, cases) in areas {
        out.push_str(&format!("\n{}\n", style.paint("1", area)));
        for case in cases {
            let verdict = format!("{:<14}", case.verdict.words());
            let known = if case.findings.iter().any(|finding| finding.known) { "  (known)" } else { "" };
            let snapshot = match case.snapshot {
                SnapshotState::Changed => "  (snapshot changed)",
                SnapshotState::Missing => "  (no snapshot)",
                SnapshotState::Written => "  (snapshot written)",
                SnapshotState::Same | SnapshotState::None => "",
            };
            let rest = if case.verdict == Verdict::NotApplicable { safe(&case.reason) } else { case.title.clone() };
            out.push_str(&format!(
                "  {} {:<width$}  {rest}{known}{snapshot}\n",
                style.paint(colour(case.verdict), &verdict),
                name(case)
            ));
        }
    }
}

fn name(case: &CaseResult) -> &str {
    case.id.split_once('/').map_or(case.id.as_str(), |(_, name)| name)
}

fn case_text(case: &CaseResult, requirements: &Registry, style: Style) -> String {
    let head = format!("{} {}", case.verdict, case.id);
    let mut out = format!("\n{}  {}\n", style.paint(colour(case.verdict), &head), case.title);
    if !case.reason.is_empty() && case.verdict == Verdict::Inconclusive {
        out.push_str(&format!("  reason    {}\n", indented(&case.reason, 12)));
    }
    for (finding, variants) in alike(&case.findings) {
        out.push_str(&finding_text(finding, &variants, requirements));
    }
    out.push_str(&format!("  rerun     {}\n", safe(&case.rerun)));
    out
}

/// So many cases of which nothing can be said for one reason are told at once.
const SEVERAL: usize = 4;

/// The cases of which nothing can be said for the same reason as of this one; none where there is a finding to tell.
fn alike_silent<'r>(report: &'r Report, case: &CaseResult) -> Vec<&'r CaseResult> {
    let silent = |own: &&CaseResult| own.verdict == Verdict::Inconclusive && own.findings.is_empty();
    if !silent(&case) {
        return Vec::new();
    }
    report.cases.iter().filter(silent).filter(|own| own.reason == case.reason).collect()
}

fn several_text(cases: &[&CaseResult], style: Style) -> String {
    let head = format!("{} {} cases", Verdict::Inconclusive, cases.len());
    let mut out = format!("\n{}\n", style.paint(colour(Verdict::Inconclusive), &head));
    let reason = cases.first().map(|case| case.reason.as_str()).unwrap_or_default();
    out.push_str(&format!("  reason    {}\n", indented(reason, 12)));
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    for (place, line) in ids.chunks(4).enumerate() {
        out.push_str(&format!("  {:<9} {}\n", if place == 0 { "cases" } else { "" }, line.join(" ")));
    }
    out.push_str("  rerun     the same command with --failed\n");
    out
}

/// Findings that say the same about several variants, told once: the first of them, and the names of the variants.
pub(super) fn alike(findings: &[Finding]) -> Vec<(&Finding, Vec<&str>)> {
    let mut groups: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.verdict > Verdict::Pass) {
        let same = |(first, _): &&mut (&Finding, Vec<&str>)| {
            first.requirement == finding.requirement
                && first.level == finding.level
                && first.verdict == finding.verdict
                && first.known == finding.known
                && first.expected == finding.expected
                && shape(&first.observed) == shape(&finding.observed)
        };
        let variant = finding.variant.as_deref();
        match groups.iter_mut().find(same) {
            Some((_, variants)) => {
                variants.extend(variant.filter(|own| !variants.contains(own)).into_iter().collect::<Vec<_>>())
            }
            None => groups.push((finding, variant.into_iter().collect())),
        }
    }
    groups
}

/// What was observed without the addresses in it, which differ by variant.
fn shape(observed: &str) -> String {
    observed.split(' ').map(|word| if word.contains("://") { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

fn finding_text(finding: &Finding, variants: &[&str], requirements: &Registry) -> String {
    let mut out = format!("  rule      {} ({})", finding.requirement, finding.level);
    if let Some(rule) = requirements.get(&finding.requirement) {
        out.push_str(&format!(": {}\n            {}", rule.summary, rule.clause));
        if let Some(url) = &rule.url {
            out.push_str(&format!(", {url}"));
        }
    }
    out.push('\n');
    if finding.known {
        out.push_str("  known     the manifest lists this failure\n");
    }
    match variants {
        [] => {}
        [one] => out.push_str(&format!("  variant   {}\n", safe(one))),
        several => out.push_str(&format!(
            "  variants  {} of them, the first of which is shown: {}\n",
            several.len(),
            safe(&several.join(", "))
        )),
    }
    out.push_str(&format!("  expected  {}\n", indented(&finding.expected, 12)));
    out.push_str(&format!("  observed  {}\n", indented(&finding.observed, 12)));
    if let Some(exchange) = &finding.exchange {
        out.push_str(&format!("  exchange  {}\n", indented(exchange, 12)));
    }
    out
}

fn closing(report: &Report, style: Style) -> String {
    let totals = &report.totals;
    let mut out = String::new();
    if let Some(blocked) = &report.run.blocked {
        out.push_str(&format!("\n{} {}\n", style.paint("31;1", "blocked:"), indented(blocked, 0)));
    }
    let counts = [
        (totals.pass, "pass", "passed"),
        (totals.warn, "warn", "warned"),
        (totals.fail, "fail", "failed"),
        (totals.inconclusive, "inconclusive", "inconclusive"),
        (totals.not_applicable, "not applicable", "not applicable"),
    ];
    let shown: Vec<String> =
        counts.iter().filter(|(count, _, _)| *count > 0).map(|(count, _, word)| format!("{count} {word}")).collect();
    if shown.is_empty() && report.run.blocked.is_some() {
        out.push_str(&format!("\n{}: nothing was run\n", safe(&report.partner.name)));
        return out;
    }
    out.push_str(&format!(
        "\n{}: {} of tier {} in {:.2} s; seed {}\n",
        safe(&report.partner.name),
        if shown.is_empty() { "no case matched".to_owned() } else { shown.join(", ") },
        report.run.tier,
        report.duration_ms as f64 / 1000.0,
        report.run.seed
    ));
    out
}

/// What an exit code means, in a sentence.
pub fn meaning(code: u8) -> &'static str {
    match code {
        0 => "nothing failed",
        1 => "a requirement failed",
        2 => "a file or a known failure is wrong",
        3 => "only snapshots changed",
        4 => "no case matched",
        5 => "blocked: not everything could be judged",
        6 => "nothing failed, but about something nothing can be said",
        _ => "unknown",
    }
}

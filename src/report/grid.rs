//! Several partners in one run: partners × cases, on the terminal and as JSON.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::result::{CaseResult, Report};
use crate::model::verdict::Verdict;

use super::{Style, safe};

/// Width of a column: the longest word in it.
const COLUMN: usize = 13;

/// Case id -> what each partner got, in the order of the reports; `None` where a case was not decided for it.
fn rows(reports: &[Report]) -> BTreeMap<&str, Vec<Option<&CaseResult>>> {
    let mut rows: BTreeMap<&str, Vec<Option<&CaseResult>>> = BTreeMap::new();
    for (at, report) in reports.iter().enumerate() {
        for case in &report.cases {
            let row = rows.entry(&case.id).or_insert_with(|| vec![None; reports.len()]);
            row[at] = Some(case);
        }
    }
    rows
}

/// The word in a cell.
fn word(case: Option<&CaseResult>) -> &'static str {
    match case {
        None => "",
        Some(case) if is_known(case) => "known",
        Some(case) => match case.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NotApplicable => "-",
        },
    }
}

/// Fails, and for nothing that the manifest does not know.
fn is_known(case: &CaseResult) -> bool {
    let mut failures = case.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    case.verdict == Verdict::Fail && failures.clone().count() > 0 && failures.all(|finding| finding.known)
}

fn colour(word: &str) -> &'static str {
    match word {
        "pass" => "32",
        "warn" | "known" => "33",
        "FAIL" => "31;1",
        "inconclusive" => "35",
        _ => "90",
    }
}

/// The matrix for people: the partners' names as a staircase over narrow columns, a line per case, and the totals.
pub fn text(reports: &[Report], style: Style) -> String {
    let rows = rows(reports);
    let width = rows.keys().map(|id| id.len()).max().unwrap_or(0).max("not applicable".len()) + 2;
    let mut out = String::from("\n");
    for (at, report) in reports.iter().enumerate() {
        let stairs: String = "|".chars().chain(" ".repeat(COLUMN - 1).chars()).collect::<String>().repeat(at);
        out.push_str(&format!("{:<width$}{stairs}{}\n", "", style.paint("1", &safe(&report.partner.name))));
    }
    let line = |name: &str, cells: Vec<(String, &str)>| {
        let cells: String =
            cells.iter().map(|(cell, colour)| style.paint(colour, &format!("{cell:<COLUMN$}"))).collect();
        format!("{name:<width$}{}", cells.trim_end()).trim_end().to_owned() + "\n"
    };
    for (id, cases) in &rows {
        let cells = cases.iter().map(|case| (word(*case).to_owned(), colour(word(*case))));
        out.push_str(&line(id, cells.collect()));
    }
    out.push('\n');
    let counts = |report: &Report| {
        let totals = &report.totals;
        [totals.pass, totals.warn, totals.fail, totals.inconclusive, totals.not_applicable]
    };
    for (at, name) in ["pass", "warn", "fail", "inconclusive", "not applicable"].into_iter().enumerate() {
        out.push_str(&line(name, reports.iter().map(|report| (counts(report)[at].to_string(), "0")).collect()));
    }
    out
}

/// The matrix for programs: `{"format": 1, "partners": […], "cases": [{"id", "verdicts": {partner: verdict}, "known"}]}`.
pub fn json(reports: &[Report], codes: &[u8]) -> String {
    let partners: Vec<_> = reports
        .iter()
        .zip(codes)
        .map(|(report, code)| {
            json!({
                "name": report.partner.name,
                "dialect": report.partner.dialect,
                "tier": report.run.tier,
                "blocked": report.run.blocked,
                "totals": report.totals,
                "exit_code": code,
            })
        })
        .collect();
    let cases: Vec<_> = rows(reports)
        .into_iter()
        .map(|(id, cases)| {
            let named = || reports.iter().map(|report| &report.partner.name).zip(&cases);
            let verdicts: BTreeMap<&String, Verdict> =
                named().filter_map(|(name, case)| Some((name, (*case)?.verdict))).collect();
            let known: Vec<&String> =
                named().filter(|(_, case)| case.is_some_and(is_known)).map(|(name, _)| name).collect();
            json!({ "id": id, "verdicts": verdicts, "known": known })
        })
        .collect();
    let whole = json!({ "format": 1, "partners": partners, "cases": cases });
    format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default())
}

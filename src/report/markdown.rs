//! The report as Markdown, for a pull request or a job's summary: what failed and what to do, in a page.
//!
//! Text that a partner may have a hand in stands in code alone, fenced by more backticks than it has itself, so that it
//! is neither markup nor a mention of anybody.

use crate::harness::suite::Suite;
use crate::model::requirement::Requirement;
use crate::model::result::{CaseResult, Finding, Report};
use crate::model::verdict::Verdict;

use super::{safe, terminal};

/// Cases that are told in full; the others are named.
const MOST_TOLD: usize = 20;

/// One summary of all partners of a run.
pub fn text(reports: &[Report], suite: &Suite) -> String {
    reports.iter().map(|report| one(report, suite)).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report, suite: &Suite) -> String {
    let totals = &report.totals;
    let mut out = format!(
        "## Countersign: {}, {}\n\n| fail | inconclusive | warn | pass | not applicable |\n|---:|---:|---:|---:|---:|\n| {} | {} | {} | {} | {} |\n\nTier {}, dialect {}, {:.1} s, seed {}{}.\n",
        plain(&report.partner.name),
        terminal::meaning(report.exit_code(false)),
        totals.fail,
        totals.inconclusive,
        totals.warn,
        totals.pass,
        totals.not_applicable,
        report.run.tier,
        plain(&report.partner.dialect),
        report.duration_ms as f64 / 1000.0,
        report.run.seed,
        if report.run.complete { "" } else { "; a part of the cases" },
    );
    for trouble in report.run.blocked.iter().chain(&report.stale_known).chain(&report.orphaned_snapshots) {
        out.push_str(&format!("\n{}", fence(trouble)));
    }
    for finding in &report.findings {
        out.push_str(&format!("\n### {}: the run\n\n", finding.verdict));
        out.push_str(&told(finding, &[], suite));
        if let Some(rerun) = &finding.rerun {
            out.push_str(&format!("\nPlay it again: {}\n", code(rerun)));
        }
    }
    let unwell = |case: &&CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Warn);
    let mut unwell: Vec<&CaseResult> = report.cases.iter().filter(unwell).collect();
    unwell.sort_by_key(|case| std::cmp::Reverse(case.verdict));
    for case in unwell.iter().take(MOST_TOLD) {
        out.push_str(&of_case(case, suite));
    }
    if unwell.len() > MOST_TOLD {
        out.push_str("\nNot told here:\n\n");
        for case in &unwell[MOST_TOLD..] {
            out.push_str(&format!("- {} {}\n", case.verdict, code(&case.id)));
        }
    }
    for (reason, cases) in super::inconclusive(report) {
        let ids: Vec<String> = cases.iter().map(|case| code(&case.id)).collect();
        out.push_str(&format!("\n### inconclusive: {}\n\n{}", ids.join(", "), fence(reason)));
        if let [one] = cases.as_slice() {
            out.push_str(&format!("\nPlay it again: {}\n", code(&one.rerun)));
        }
    }
    out
}

fn of_case(case: &CaseResult, suite: &Suite) -> String {
    let mut out = format!("\n### {}: {}\n\n{}\n", case.verdict, code(&case.id), plain(&case.title));
    for (finding, variants) in terminal::alike(&case.findings) {
        out.push('\n');
        out.push_str(&told(finding, &variants, suite));
    }
    out.push_str(&format!("\nPlay it again: {}\n", code(&case.rerun)));
    out
}

fn told(finding: &Finding, variants: &[&str], suite: &Suite) -> String {
    let mut out = format!("{} ({})", code(&finding.requirement), finding.level);
    if let Some(rule) = suite.requirements.get(&finding.requirement) {
        out.push_str(&format!(": {} {}", plain(&rule.summary), clause(rule)));
    }
    out.push('\n');
    if finding.known {
        out.push_str("\nThe manifest lists this failure as known.\n");
    }
    if !variants.is_empty() {
        let names: Vec<String> = variants.iter().map(|name| code(name)).collect();
        out.push_str(&format!("\nVariants: {}\n", names.join(", ")));
    }
    let shown = format!("expected  {}\nobserved  {}", finding.expected, finding.observed);
    out.push_str(&format!("\n{}", fence(&shown)));
    if let Some(advice) = suite.advice.get(&finding.requirement) {
        out.push_str(&format!(
            "\n**Likely cause:** {}\n\n**How to fix it:** {}\n",
            plain(&advice.cause),
            plain(&advice.fix)
        ));
    }
    out
}

fn clause(rule: &Requirement) -> String {
    match rule.url.as_deref().filter(|url| url.starts_with("https://") && !url.contains(['(', ')', '<', '>', ' '])) {
        Some(url) => format!("[{}]({url})", plain(&rule.clause)),
        None => plain(&rule.clause),
    }
}

/// Text of the suite's own: none of it is markup.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).replace('\n', " ").chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ';' | ':' | '\'' | '"' | '/' | '?' | '(' | ')' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The most backticks in a row.
fn backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Code in a line.
fn code(text: &str) -> String {
    let text = safe(text).replace('\n', " ");
    let around = "`".repeat(backticks(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{around}{space}{text}{space}{around}")
}

/// Code in a block of its own.
fn fence(text: &str) -> String {
    let text = safe(text);
    let around = "`".repeat((backticks(&text) + 1).max(3));
    format!("{around}text\n{text}\n{around}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_code_cannot_get_out_of_it() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(fence("x\n```\n<img src=x>"), "````text\nx\n```\n<img src=x>\n````\n");
        assert_eq!(code("a\n\n# b"), "`a  # b`");
    }

    #[test]
    fn text_is_not_markup() {
        assert_eq!(plain("a *b* <i>[c](d) | @e #1"), "a \\*b\\* \\<i\\>\\[c\\](d) \\| \\@e \\#1");
    }
}

//! GitHub Actions: findings as annotations, and output that the runner does not obey.
//!
//! The runner takes a line of either stream for a command where it begins, after blanks, with `::`, or has `##[` anywhere
//! in it; what a partner answers may contain both.

use std::borrow::Cow;

use crate::model::requirement::Registry;
use crate::model::result::{Report, SnapshotState};
use crate::model::verdict::Verdict;

use super::safe;

/// More of a kind than this are not shown by GitHub for one step.
const MOST: usize = 10;

/// One annotation for each thing that makes the run fail, and for each warning; at most ten of a kind, the last of which
/// says how many more there are. `file`: the partner's manifest, as it is in the repository.
pub fn annotations(report: &Report, requirements: &Registry, file: Option<&str>, guarded: bool) -> String {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let name = &report.partner.name;
    errors.extend(report.run.blocked.iter().map(|why| (format!("{name}: blocked"), why.clone())));
    errors.extend(report.stale_known.iter().map(|why| (format!("{name}: known failures"), why.clone())));
    let of_the_run =
        report.findings.iter().map(|finding| ("the run", finding.rerun.as_deref().unwrap_or_default(), finding));
    let of_cases = report.cases.iter().flat_map(|case| {
        let findings = super::terminal::alike(&case.findings).into_iter();
        findings.map(|(finding, _)| (case.id.as_str(), case.rerun.as_str(), finding))
    });
    for (place, rerun, finding) in of_the_run.chain(of_cases) {
        let title = format!("{name}: {place}, {}", finding.requirement);
        let rule = requirements.get(&finding.requirement);
        let rule = rule.map(|rule| format!("{} ({})\n", rule.summary, rule.clause)).unwrap_or_default();
        let rerun = if rerun.is_empty() { String::new() } else { format!("\nrerun: {rerun}") };
        let text = format!("{rule}expected: {}\nobserved: {}{rerun}", finding.expected, finding.observed);
        match finding.verdict {
            Verdict::Fail if !finding.known => errors.push((title, text)),
            Verdict::Warn => warnings.push((title, text)),
            _ => {}
        }
    }
    for (reason, cases) in super::inconclusive(report) {
        let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let title = if let [one] = ids.as_slice() { (*one).to_owned() } else { format!("{} cases", ids.len()) };
        errors.push((format!("{name}: {title}"), format!("inconclusive: {reason}\n{}", ids.join(", "))));
    }
    for case in &report.cases {
        if case.snapshot == SnapshotState::Changed || (guarded && case.snapshot == SnapshotState::Missing) {
            let what = if case.snapshot == SnapshotState::Changed { "the snapshot changed" } else { "no snapshot" };
            let text = format!("{what}\ncompare it, then take it over with: countersign accept");
            errors.push((format!("{name}: {}", case.id), text));
        }
    }
    let lines = |kind: &str, mut all: Vec<(String, String)>| {
        if all.len() > MOST {
            let more = all.len() - MOST + 1;
            all.truncate(MOST - 1);
            all.push((format!("{name}: {more} more"), "the report has them all".to_owned()));
        }
        all.iter().map(|(title, text)| command(kind, file, title, text)).collect::<String>()
    };
    lines("error", errors) + &lines("warning", warnings)
}

/// `::error file=…,title=…::…` and a line feed.
fn command(kind: &str, file: Option<&str>, title: &str, text: &str) -> String {
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    format!("::{kind} {file}title={}::{}\n", property(title), data(text))
}

fn data(text: &str) -> String {
    safe(text).replace("##[", "## [").replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The text without anything that the runner would take for a command.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| {
        let line = line.replace("##[", "## [");
        let bare = line.trim_start();
        match bare.strip_prefix("::") {
            Some(rest) => format!("{}: :{rest}", &line[..line.len() - bare.len()]),
            None => line,
        }
    };
    Cow::Owned(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        let line = command("error", Some("a,b:c.toml"), "x: y", "50%\nnext ::error::z\r");
        assert_eq!(line, "::error file=a%2Cb%3Ac.toml,title=x%3A y::50%25%0Anext ::error::z\\u{d}\n");
    }

    #[test]
    fn the_runner_finds_no_command_in_what_a_partner_says() {
        let text = "  observed\n    ::add-mask::a\n\u{a0}::error::b\nc ##[error]d\n:: e\nf::g";
        let said = inert(text);
        assert_eq!(said, "  observed\n    : :add-mask::a\n\u{a0}: :error::b\nc ## [error]d\n: : e\nf::g");
        for line in said.lines() {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line}");
        }
    }
}

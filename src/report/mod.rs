//! Reports: what people and programs read of a run. Everything is made from the one stream of events and the report at
//! its end; nothing here judges.

pub mod actions;
pub mod advice;
pub mod certificate;
pub mod coverage;
pub mod grid;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod matrix;
pub mod skeleton;
pub mod story;
pub mod terminal;

use std::collections::BTreeMap;

use crate::model::result::{CaseResult, Report};
use crate::model::verdict::Verdict;

/// Whether and how a text may be coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
}

impl Style {
    /// Text in a colour (an ANSI code), where colours are wanted.
    pub fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Cases about which nothing can be said, by the reason: one that a whole run has in common is told once.
pub(crate) fn inconclusive(report: &Report) -> BTreeMap<&str, Vec<&CaseResult>> {
    let mut reasons: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for case in report.cases.iter().filter(|case| case.verdict == Verdict::Inconclusive) {
        reasons.entry(&case.reason).or_default().push(case);
    }
    reasons
}

/// A text of any length as lines that a terminal shows and does not obey.
pub(crate) fn safe(text: &str) -> String {
    text.lines().map(crate::judge::printable).collect::<Vec<_>>().join("\n")
}

/// `text` with every line after the first indented.
pub(crate) fn indented(text: &str, by: usize) -> String {
    safe(text).replace('\n', &format!("\n{}", " ".repeat(by)))
}

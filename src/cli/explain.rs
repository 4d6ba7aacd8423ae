//! `explain`: a case in words, what to do where it fails, and how to play it; or a rule, and what to do about it.

use clap::Args;

use crate::harness::coverage;
use crate::harness::suite::Suite;
use crate::model::requirement::Requirement;
use crate::report::{advice, story};

use super::suite::SuiteArgs;
use super::{Failure, cases};

#[derive(Args, Clone)]
pub(super) struct ExplainArgs {
    /// Its id, for instance tokens/nonce-wrong; or that of a rule, as a finding names it
    case: String,
    #[command(flatten)]
    suite: SuiteArgs,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    if let Some(rule) = suite.requirements.get(&args.case) {
        super::print(&of_rule(&suite, rule));
        return Ok(0);
    }
    let case = cases::find(&suite, &args.case)?;
    let mut rules: Vec<&str> = vec![&case.requirement];
    for rule in case.steps.iter().filter_map(|step| step.requirement.as_deref()) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let mut out = story::text(case, &suite.requirements);
    for rule in rules {
        out.extend(suite.advice.get(rule).map(|own| format!("\n{}", advice::text(rule, own))));
    }
    let more: String = args.suite.words().iter().map(|word| format!("{word} ")).collect();
    out.push_str(&format!("\nplay it: countersign run {more}{}\n", case.id));
    super::print(&out);
    Ok(0)
}

/// A rule, what to do about it, and who tests it. Rules that belong to no case are found in every run.
fn of_rule(suite: &Suite, rule: &Requirement) -> String {
    let mut out = format!("{} ({}): {}\n{}", rule.id, rule.level, rule.summary, rule.clause);
    out.extend(rule.url.iter().map(|url| format!(", {url}")));
    out.push('\n');
    out.extend(suite.advice.get(&rule.id).map(|own| format!("\n{}", advice::text(&rule.id, own))));
    let rows = coverage::coverage(suite);
    let cases = rows.iter().filter(|row| row.requirement.id == rule.id).flat_map(|row| &row.cases);
    let cases: Vec<&str> = cases.map(|tested| tested.case.as_str()).collect();
    if !cases.is_empty() {
        out.push_str(&format!("\nplay it: countersign run {}\n", cases.join(" ")));
    }
    out
}

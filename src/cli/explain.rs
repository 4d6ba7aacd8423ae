//! `explain`: a case in words, what to do where it fails, and how to play it.

use clap::Args;

use crate::report::{advice, story};

use super::suite::SuiteArgs;
use super::{Failure, cases};

#[derive(Args, Clone)]
pub(super) struct ExplainArgs {
    /// Its id, for instance tokens/nonce-wrong
    case: String,
    #[command(flatten)]
    suite: SuiteArgs,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
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

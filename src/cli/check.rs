//! `check`: is the manifest true, and does a plain login work? In plain words, with what to do.

use std::sync::Arc;

use clap::Args;

use crate::harness::calendar::today;
use crate::harness::known;
use crate::harness::run::{self as harness, RunRequest, SubjectSpec};
use crate::harness::suite::Suite;

use super::subject::SubjectArgs;
use super::suite::SuiteArgs;
use super::{Failure, runtime};

#[derive(Args, Clone)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    suite: SuiteArgs,
}

/// Something that is wrong, and what to do about it.
struct Wrong {
    what: String,
    help: String,
}

/// `check`.
pub(super) fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    let subjects = args.subject.subjects(&suite)?;
    let several = subjects.len() > 1;
    let mut worst = 0;
    for subject in subjects {
        if several {
            say!("{}", subject.manifest().name);
        }
        // A bad file comes before a partner that is not as it should be (`countersign --help`).
        worst = match (worst, check_one(args, &suite, subject)?) {
            (2, _) | (_, 2) => 2,
            (one, other) => one.max(other),
        };
    }
    match worst {
        0 => say!("Ready: countersign run"),
        _ => say!("Mend that, and check again."),
    }
    Ok(worst)
}

/// Tells what holds of one partner, what does not, and what to do. Gives the exit code.
fn check_one(args: &CheckArgs, suite: &Arc<Suite>, subject: SubjectSpec) -> Result<u8, Failure> {
    let known = known::untrue_at_rest(&subject.place(), &subject.manifest(), suite, today());
    let request = RunRequest {
        dialect: args.subject.dialect.clone(),
        tls: args.subject.tls,
        browser: args.subject.browser(),
        ..RunRequest::new(Arc::clone(suite), subject)
    };
    let lines = runtime()?.block_on(harness::smoke(&request));
    let blocked = lines.iter().any(|line| !line.ok);
    let code = match (known.is_empty(), blocked) {
        (false, _) => 2,
        (true, true) => 5,
        (true, false) => 0,
    };
    let holds = lines.iter().filter(|line| line.ok).map(|line| line.what.as_str());
    list("What holds", holds.map(|what| ("ok".to_owned(), what.to_owned())));
    let of_known = known
        .iter()
        .map(|one| Wrong { what: format!("{}:{}: {}", one.path, one.line, one.message), help: one.help.clone() });
    let of_lines = lines.iter().filter(|line| !line.ok);
    let of_lines = of_lines.map(|line| Wrong { what: line.what.clone(), help: line.help.clone().unwrap_or_default() });
    let wrong: Vec<Wrong> = of_lines.chain(of_known).collect();
    let numbered = || wrong.iter().enumerate().map(|(at, wrong)| (format!("{}.", at + 1), wrong));
    list("What does not", numbered().map(|(number, wrong)| (number, wrong.what.clone())));
    // The same advice is given once, under the first number that it helps against.
    let mut given: Vec<&str> = Vec::new();
    let advice = numbered().filter(|(_, wrong)| {
        let new = !given.contains(&wrong.help.as_str());
        given.push(&wrong.help);
        new
    });
    list("What to do", advice.map(|(number, wrong)| (number, wrong.help.clone())));
    Ok(code)
}

/// A heading with its items; nothing where there is none.
fn list(heading: &str, items: impl Iterator<Item = (String, String)>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        say!("{heading}");
    }
    for (mark, text) in items {
        say!("  {mark} {}", crate::report::indented(&text, 3 + mark.len()));
    }
}

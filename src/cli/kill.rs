//! `kill-matrix`.

use clap::{Args, ValueEnum};

use crate::harness::kill::{self, KillRequest};
use crate::model::verdict::Verdict;
use crate::report::matrix;

use super::subject::flaws;
use super::suite::SuiteArgs;
use super::{Failure, runtime};
use crate::harness::calendar::today;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Args, Clone)]
pub(super) struct KillArgs {
    /// Only these flaws
    #[arg(long, value_name = "ID")]
    flaw: Vec<String>,
    /// Every case against every flaw, not only those that name it
    #[arg(long)]
    all: bool,
    /// What provider and partner speak
    #[arg(long, value_name = "NAME", default_value = "oidc")]
    dialect: String,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Attempts at a time within one run
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    suite: SuiteArgs,
}

pub(super) fn kill_matrix(args: &KillArgs) -> Result<u8, Failure> {
    flaws(&args.flaw)?;
    let suite = args.suite.load()?;
    if !suite.vocabulary.dialects.contains(&args.dialect) {
        let known: Vec<&str> = suite.vocabulary.dialects.iter().map(String::as_str).collect();
        return Err(Failure::usage(format!(
            "no dialect `{}`\n  help: the dialects are {}",
            args.dialect,
            known.join(", ")
        )));
    }
    let request = KillRequest {
        suite,
        dialect: args.dialect.clone(),
        flaws: (!args.flaw.is_empty()).then(|| args.flaw.clone()),
        all_cases: args.all,
        jobs: args.jobs,
        seed: None,
        rerun_prefix: "countersign run".to_owned(),
        today: today(),
    };
    let matrix = runtime()?.block_on(kill::kill_matrix(request, |row| eprintln!("{}", matrix::line(row))));
    match args.format {
        Format::Text => tell!("{}", matrix::text(&matrix)),
        Format::Json => tell!("{}", matrix::json(&matrix)),
        Format::Markdown => tell!("{}", matrix::markdown(&matrix)),
    }
    let sound = matrix.honest.iter().all(|report| {
        let failed = report.totals.fail + report.totals.inconclusive > 0;
        !failed && report.findings.iter().all(|finding| finding.verdict < Verdict::Inconclusive)
    });
    let whole = matrix.rows.iter().all(|row| row.killed) && matrix.idle.is_empty();
    Ok(u8::from(!(sound && whole)))
}

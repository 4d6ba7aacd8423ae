//! `cases coverage`.

use clap::{Args, ValueEnum};

use crate::harness::coverage::{self as harness, Row};
use crate::harness::suite::Suite;
use crate::report::coverage as report;

use crate::cli::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Args, Clone)]
pub(super) struct CoverageArgs {
    /// Only rules whose id contains one of these
    filter: Vec<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn coverage(suite: &Suite, args: &CoverageArgs) -> Result<u8, Failure> {
    let mut rows = harness::coverage(suite);
    rows.retain(|row| crate::harness::plan::matches_filter(&row.requirement.id, &args.filter));
    match args.format {
        Format::Text => tell!("{}", report::text(&rows)),
        Format::Json => tell!("{}", report::json(&rows)),
    }
    if rows.is_empty() {
        eprintln!("no rule matched");
        return Ok(4);
    }
    Ok(u8::from(rows.iter().any(Row::is_gap)))
}

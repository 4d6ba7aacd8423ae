//! `cases lint`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Failure;
use crate::cli::suite::shown;
use crate::harness::not_built::not_built;
use crate::harness::notes;
use crate::harness::suite::Suite;
use crate::model::diagnostic::Diagnostic;
use crate::model::tidy::tidy;

#[derive(Args, Clone)]
pub(super) struct LintArgs {
    /// Files or folders; the whole suite when absent
    path: Vec<PathBuf>,
    /// Bring the files into the suite's style; what they mean and their comments stay
    #[arg(long)]
    fix: bool,
}

pub(super) fn lint(suite: &Suite, args: &LintArgs) -> Result<u8, Failure> {
    if args.path.is_empty() {
        return whole_suite(suite, args.fix);
    }
    let (mut wrong, mut notes) = (Vec::new(), Vec::new());
    let files = super::files(&args.path)?;
    for path in &files {
        if args.fix {
            fix(path)?;
        }
        match super::read(suite, path) {
            Ok((case, text)) => {
                wrong.extend(not_built(&case));
                notes.extend(notes::of_case(&case, &text));
            }
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    tell(&notes);
    if wrong.is_empty() {
        say!("{} cases, nothing wrong{}", files.len(), counted(&notes));
        return Ok(0);
    }
    Err(Failure::usage(shown(&wrong)))
}

/// The embedded suite and what is added to it: it has been read, so nothing is wrong with it.
fn whole_suite(suite: &Suite, fix: bool) -> Result<u8, Failure> {
    if fix {
        return Err(Failure::usage(
            "the suite inside this program cannot be changed\n  help: name files or folders: countersign cases lint --fix cases",
        ));
    }
    let mut notes = notes::of_suite(suite);
    for case in &suite.cases {
        let text = suite.case_texts.get(&case.id).map(String::as_str).unwrap_or_default();
        notes.extend(notes::of_case(case, text));
    }
    tell(&notes);
    say!("{} cases, nothing wrong{}", suite.cases.len(), counted(&notes));
    Ok(0)
}

fn tell(notes: &[Diagnostic]) {
    for note in notes {
        eprintln!("note: {}\n", crate::report::safe(&note.to_string()));
    }
}

fn counted(notes: &[Diagnostic]) -> String {
    match notes.len() {
        0 => String::new(),
        1 => ", 1 note".to_owned(),
        many => format!(", {many} notes"),
    }
}

/// Rewrites a file in good style, where it is not. A file that is no TOML is left alone; reading it says why.
fn fix(path: &Path) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(wrong)?;
    match tidy(&text) {
        Some(tidied) if tidied != text => {
            std::fs::write(path, tidied).map_err(wrong)?;
            say!("{}: mended its style", path.display());
        }
        _ => {}
    }
    Ok(())
}

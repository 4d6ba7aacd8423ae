//! `cases`: the author's desk.

mod coverage;
mod lint;
mod new;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::harness::reach::reach;
use crate::harness::suite::Suite;
use crate::model::case::{Case, parse};
use crate::model::diagnostic::{Diagnostic, nearest};
use crate::report::story;

use super::Failure;
use super::suite::SuiteArgs;

#[derive(Args, Clone)]
pub(super) struct CasesArgs {
    #[command(subcommand)]
    command: Option<CasesCommand>,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Subcommand, Clone)]
enum CasesCommand {
    /// Every case with its tier, rule and title (the default)
    List {
        /// Only ids that contain one of these
        filter: Vec<String>,
    },
    /// A case as a numbered story, with its rule, where it runs and who must catch it
    Show {
        /// Its id, for instance login/happy
        id: String,
    },
    /// Begin a case: a commented file that can be played as it stands
    New(new::NewArgs),
    /// Look case files over without playing them
    Lint(lint::LintArgs),
    /// Play one case file: does the honest partner pass, and does it catch the flaws that it names?
    Try(trial::TryArgs),
    /// Each rule with the cases that test it and the flaws that prove it; exit code 1 where a MUST has neither a case nor
    /// a reason
    Coverage(coverage::CoverageArgs),
}

pub(super) fn cases(args: &CasesArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    match args.command.clone().unwrap_or(CasesCommand::List { filter: Vec::new() }) {
        CasesCommand::List { filter } => list(&suite, &filter),
        CasesCommand::Show { id } => show(&suite, &id),
        CasesCommand::New(args) => new::new(&suite, &args),
        CasesCommand::Lint(args) => lint::lint(&suite, &args),
        CasesCommand::Try(args) => trial::try_one(&suite, &args),
        CasesCommand::Coverage(args) => coverage::coverage(&suite, &args),
    }
}

fn list(suite: &Suite, filter: &[String]) -> Result<u8, Failure> {
    let chosen: Vec<_> =
        suite.cases.iter().filter(|case| crate::harness::plan::matches_filter(&case.id, filter)).collect();
    let width = chosen.iter().map(|case| case.id.len()).max().unwrap_or(0);
    for case in &chosen {
        say!("{:<width$}  {:<8}  {:<36}  {}", case.id, case.tier.name(), case.requirement, case.title);
    }
    eprintln!("{} cases", chosen.len());
    Ok(if chosen.is_empty() { 4 } else { 0 })
}

fn show(suite: &Suite, id: &str) -> Result<u8, Failure> {
    let case = find(suite, id)?;
    tell!("{}\n{}", story::text(case, &suite.requirements), reach(suite, case).text());
    Ok(0)
}

/// The case of that id.
pub(super) fn find<'a>(suite: &'a Suite, id: &str) -> Result<&'a Arc<Case>, Failure> {
    suite.case(id).ok_or_else(|| {
        let near = nearest(id, suite.cases.iter().map(|case| case.id.as_str()));
        let own = Path::new("cases").join(id).with_extension("toml");
        if own.is_file() {
            let text = format!("the suite has no case `{id}`, and {} is there", own.display());
            return Failure::usage(format!("{text}\n  help: add --cases cases"));
        }
        let mut within = suite.cases.iter().map(|case| case.id.as_str()).filter(|own| own.contains(id)).take(9);
        let help = match (near, within.next()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(first)) => within.fold(format!("one of these? {first}"), |all, next| format!("{all} {next}")),
            (None, None) => "countersign cases list".to_owned(),
        };
        Failure::usage(format!("no case `{id}`\n  help: {help}"))
    })
}

/// The id of a file: its last folder and its name.
fn id_of(path: &Path) -> String {
    let name = path.with_extension("");
    let parts: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

/// A case file, and its text.
fn read(suite: &Suite, path: &Path) -> Result<(Case, String), Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![Diagnostic::whole(&shown, error.to_string(), "give a case file: UTF-8 text in TOML")])?;
    parse(&id_of(path), &shown, &text, &suite.vocabulary).map(|case| (case, text))
}

/// The TOML files among these paths and below the folders among them, in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = open.pop() {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let entries =
            std::fs::read_dir(&path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        open.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.is_dir() || path.extension().is_some_and(|kind| kind == "toml")),
        );
    }
    files.sort();
    Ok(files)
}

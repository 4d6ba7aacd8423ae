//! `cases`: the author's desk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio::sync::mpsc::unbounded_channel;

use crate::harness::kill::{self, KillRequest};
use crate::harness::not_built::not_built;
use crate::harness::run::{self as harness, RunRequest, SnapshotMode, SubjectSpec};
use crate::harness::suite::Suite;
use crate::model::case::parse;
use crate::model::diagnostic::{Diagnostic, nearest};
use crate::model::verdict::{Tier, Verdict};
use crate::reference::Base;
use crate::report::{matrix, story, terminal};

use super::run::today;
use super::suite::{SuiteArgs, shown};
use super::{Failure, runtime, style};

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
    /// A case as a numbered story, with its rule and who must catch it
    Show {
        /// Its id, for instance login/happy
        id: String,
    },
    /// Look case files over without playing them
    Lint {
        /// Files or folders; the whole suite when absent
        path: Vec<PathBuf>,
    },
    /// Play one case file: does the honest partner pass, and does it kill what it names?
    Try {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn cases(args: &CasesArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    match args.command.clone().unwrap_or(CasesCommand::List { filter: Vec::new() }) {
        CasesCommand::List { filter } => list(&suite, &filter),
        CasesCommand::Show { id } => show(&suite, &id),
        CasesCommand::Lint { path } => lint(&suite, &path),
        CasesCommand::Try { file } => try_one(&suite, &file),
    }
}

fn list(suite: &Suite, filter: &[String]) -> Result<u8, Failure> {
    let chosen: Vec<_> =
        suite.cases.iter().filter(|case| crate::harness::plan::matches_filter(&case.id, filter)).collect();
    let width = chosen.iter().map(|case| case.id.len()).max().unwrap_or(0);
    for case in &chosen {
        println!("{:<width$}  {:<8}  {:<36}  {}", case.id, case.tier.name(), case.requirement, case.title);
    }
    eprintln!("{} cases", chosen.len());
    Ok(if chosen.is_empty() { 4 } else { 0 })
}

fn show(suite: &Suite, id: &str) -> Result<u8, Failure> {
    match suite.case(id) {
        Some(case) => {
            print!("{}", story::text(case, &suite.requirements));
            Ok(0)
        }
        None => {
            let near = nearest(id, suite.cases.iter().map(|case| case.id.as_str()));
            let help = near.map_or("countersign cases list".to_owned(), |near| format!("did you mean `{near}`?"));
            Err(Failure::usage(format!("no case `{id}`\n  help: {help}")))
        }
    }
}

/// The id of a file: its last folder and its name.
fn id_of(path: &Path) -> String {
    let name = path.with_extension("");
    let parts: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

fn lint(suite: &Suite, paths: &[PathBuf]) -> Result<u8, Failure> {
    let mut wrong: Vec<Diagnostic> = Vec::new();
    let mut files = 0;
    let mut open: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries =
                std::fs::read_dir(&path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            open.extend(
                entries
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| path.is_dir() || path.extension().is_some_and(|kind| kind == "toml")),
            );
            continue;
        }
        files += 1;
        match read(suite, &path) {
            Ok(case) => wrong.extend(not_built(&case)),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    // The suite itself was read before: had it been wrong, this would not have been reached.
    let count = if paths.is_empty() { suite.cases.len() } else { files };
    if wrong.is_empty() {
        println!("{count} cases, nothing wrong");
        return Ok(0);
    }
    Err(Failure::usage(shown(&wrong)))
}

fn read(suite: &Suite, path: &Path) -> Result<crate::model::case::Case, Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![Diagnostic::whole(&shown, error.to_string(), "give a case file: UTF-8 text in TOML")])?;
    parse(&id_of(path), &shown, &text, &suite.vocabulary)
}

fn try_one(suite: &Arc<Suite>, file: &Path) -> Result<u8, Failure> {
    let case = read(suite, file).map_err(|wrong| Failure::usage(shown(&wrong)))?;
    let unbuilt = not_built(&case);
    if !unbuilt.is_empty() {
        return Err(Failure::usage(shown(&unbuilt)));
    }
    print!("{}", story::text(&case, &suite.requirements));
    let (id, kills) = (case.id.clone(), case.kills.clone());
    let alone = Arc::new(Suite { cases: vec![Arc::new(case)], ..suite.as_ref().clone() });
    let runtime = runtime()?;
    let mut good = true;
    let mut applies = false;
    for base in Base::ALL {
        let request = RunRequest {
            suite: Arc::clone(&alone),
            subject: SubjectSpec::Reference {
                base,
                flaws: BTreeSet::new(),
                oddities: BTreeSet::new(),
                dialect: "oidc".to_owned(),
            },
            dialect: None,
            tier: Some(Tier::Fapi),
            jobs: None,
            seed: None,
            filter: Vec::new(),
            only: None,
            fail_fast: false,
            partition: None,
            snapshots: SnapshotMode::Off,
            snapshot_root: None,
            rerun_prefix: format!("countersign cases try {}", file.display()),
            today: today(),
            log: None,
        };
        let report = runtime.block_on(async {
            let (events, _nobody) = unbounded_channel();
            harness::run(request, events).await
        });
        let verdict = report.cases.first().map_or(Verdict::Inconclusive, |case| case.verdict);
        println!("\nhonest partner, base {}: {verdict}", base.name());
        applies |= verdict != Verdict::NotApplicable;
        if verdict > Verdict::Pass || !report.findings.is_empty() {
            good = false;
            print!("{}", terminal::text(&report, &suite.requirements, style(&std::io::stdout())));
        }
    }
    if !applies {
        good = false;
        println!("\nIt applies to no base of the reference partner, so nothing shows that it can pass or fail.");
    }
    if !kills.is_empty() {
        println!();
        let request = KillRequest {
            suite: alone,
            flaws: Some(kills),
            all_cases: false,
            jobs: None,
            seed: None,
            rerun_prefix: "countersign run".to_owned(),
            today: today(),
        };
        let matrix = runtime.block_on(kill::kill_matrix(request, |_| {}));
        for row in &matrix.rows {
            println!("{}", matrix::line(row));
            good &= row.killed;
        }
    }
    println!("\n{id}: {}", if good { "sound" } else { "not sound yet" });
    Ok(u8::from(!good))
}

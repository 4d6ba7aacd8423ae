//! `cases try`: does the honest partner pass, and does the case catch the flaws that it names?

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::sync::mpsc::unbounded_channel;

use crate::cli::suite::shown;
use crate::cli::{Failure, runtime, style};
use crate::harness::calendar::today;
use crate::harness::kill::{self, KillRequest, KillRow};
use crate::harness::not_built::not_built;
use crate::harness::notes;
use crate::harness::plan;
use crate::harness::reach::reach;
use crate::harness::run::{self as harness, RunRequest, SubjectSpec};
use crate::harness::suite::Suite;
use crate::model::manifest::Engine;
use crate::model::result::Report;
use crate::model::verdict::{Tier, Verdict};
use crate::reference::{Base, FLAWS};
use crate::report::{matrix, story, terminal};

#[derive(Args, Clone)]
pub(super) struct TryArgs {
    /// The file
    file: PathBuf,
    /// Try every flaw of the reference partner, not only those that the case names
    #[arg(long)]
    all: bool,
}

pub(super) fn try_one(suite: &Arc<Suite>, args: &TryArgs) -> Result<u8, Failure> {
    let (case, text) = super::read(suite, &args.file).map_err(|wrong| Failure::usage(shown(&wrong)))?;
    let unbuilt = not_built(&case);
    if !unbuilt.is_empty() {
        return Err(Failure::usage(shown(&unbuilt)));
    }
    tell!("{}", story::text(&case, &suite.requirements));
    for note in notes::of_case(&case, &text) {
        eprintln!("\nnote: {}", crate::report::safe(&note.to_string()));
    }
    let (id, kills) = (case.id.clone(), case.kills.clone());
    let alone = Arc::new(Suite { cases: vec![Arc::new(case)], ..suite.as_ref().clone() });
    let runtime = runtime()?;
    let reach = reach(&alone, &alone.cases[0]);
    let dialect = reach.spoken();
    let mut good = honest(&alone, &args.file, (&dialect, reach.habit), &runtime);
    let wanted: Vec<String> =
        if args.all { FLAWS.iter().map(|flaw| flaw.id.to_owned()).collect() } else { kills.clone() };
    if !wanted.is_empty() {
        say!("");
        let request = KillRequest {
            suite: alone,
            dialect: dialect.clone(),
            flaws: Some(wanted),
            all_cases: true,
            jobs: None,
            seed: None,
            rerun_prefix: format!("countersign cases try {}", args.file.display()),
            today: today(),
        };
        let matrix = runtime.block_on(kill::kill_matrix(request, |_| {}));
        let (named, others): (Vec<&KillRow>, Vec<&KillRow>) =
            matrix.rows.iter().partition(|row| kills.contains(&row.flaw));
        for row in named {
            say!("{}", matrix::line(row));
            good &= row.killed;
        }
        let caught: Vec<&str> =
            others.iter().filter(|row| !row.killed_by.is_empty()).map(|row| row.flaw.as_str()).collect();
        if args.all && caught.is_empty() {
            say!("No other of the {} flaws makes it fail.", FLAWS.len());
        } else if args.all {
            say!("It fails for these flaws, too; name those that it is about in `kills`: {}", caught.join(", "));
        }
    }
    say!("\n{id}: {}", if good { "sound" } else { "not sound yet" });
    if good && kills.is_empty() && !args.all {
        say!("Nothing shows yet that it can fail: --all finds the flaws to name in `kills`.");
    }
    Ok(u8::from(!good))
}

/// Whether the honest partner of a dialect, and with a habit, passes on every base that the case applies to, and there
/// is one.
fn honest(
    alone: &Arc<Suite>,
    file: &Path,
    speaks: (&str, Option<&'static str>),
    runtime: &tokio::runtime::Runtime,
) -> bool {
    let habit = speaks.1.map(|own| format!(", habit {own}")).unwrap_or_default();
    let (mut good, mut applies) = (true, false);
    for base in Base::ALL {
        let report = runtime.block_on(play(alone, file, base, speaks));
        let case = report.cases.first();
        let verdict = case.map_or(Verdict::Inconclusive, |case| case.verdict);
        let why = case.map(|case| case.reason.as_str()).filter(|_| verdict == Verdict::NotApplicable);
        let why = why.map(|why| format!(": {}", crate::report::safe(why))).unwrap_or_default();
        say!("\nhonest partner, base {}{habit}: {verdict}{why}", base.name());
        applies |= verdict != Verdict::NotApplicable;
        if verdict > Verdict::Pass || !report.findings.is_empty() {
            good = false;
            tell!("{}", terminal::text(&report, &alone.requirements, style(&std::io::stdout())));
        }
    }
    if !applies {
        say!("\nIt applies to no base of the reference partner, so nothing shows that it can pass or fail.");
    }
    good && applies
}

async fn play(alone: &Arc<Suite>, file: &Path, base: Base, (dialect, habit): (&str, Option<&str>)) -> Report {
    let tls = alone.cases.iter().any(|case| plan::needs_tls(case));
    let browser = alone.cases.iter().map(|case| plan::browser_for(case)).find(|own| *own != Engine::Http);
    let request = RunRequest {
        tier: Some(Tier::Fapi),
        rerun_prefix: format!("countersign cases try {}", file.display()),
        tls,
        browser,
        ..RunRequest::new(Arc::clone(alone), SubjectSpec::reference(base, dialect).with_habit(habit))
    };
    let (events, _nobody) = unbounded_channel();
    harness::run(request, events).await
}

//! `run`, `guard`, `accept`.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::harness::calendar::today;
use crate::harness::run::{self as harness, RunRequest, SnapshotMode, SubjectSpec};
use crate::harness::{last, snapshot};
use crate::model::result::Event;
use crate::model::verdict::Tier;
use crate::report::html::Courses;
use crate::report::{actions, grid, terminal};

use super::output::{self, Material, Targets};
use super::subject::SubjectArgs;
use super::suite::SuiteArgs;
use super::watch::watch;
use super::{Failure, runtime, style};

/// What becomes of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Run,
    Guard,
    Accept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TierArg {
    Basic,
    Standard,
    Strict,
    Fapi,
}

#[derive(Args, Clone)]
pub(super) struct RunArgs {
    /// Only cases whose id contains one of these
    filter: Vec<String>,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Up to which tier; that of the manifest when absent
    #[arg(long, value_enum)]
    tier: Option<TierArg>,
    /// Attempts at a time
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Makes the same identities as the run that printed it
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Write a report: json, junit, matrix, html or markdown; PATH may be - for standard output, {partner} in it is the partner's name
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<String>,
    /// Where `guard` puts new snapshots
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Only shard K of N
    #[arg(long, value_name = "hash:K/N")]
    partition: Option<String>,
    /// Only what failed or was inconclusive in the last run of this partner
    #[arg(long)]
    failed: bool,
    /// Run again whenever the manifest, added cases or this file or folder change; may be repeated
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    watch: Vec<String>,
    /// Decide no further case after the first failure
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    suite: SuiteArgs,
}

impl RunArgs {
    fn shard(&self) -> Result<Option<(u32, u32)>, Failure> {
        let Some(text) = &self.partition else { return Ok(None) };
        let read = text.strip_prefix("hash:").and_then(|rest| rest.split_once('/'));
        let read = read.and_then(|(k, n)| Some((k.parse::<u32>().ok()?, n.parse::<u32>().ok()?)));
        match read {
            Some((k, n)) if k >= 1 && k <= n => Ok(Some((k, n))),
            _ => Err(Failure::usage(format!(
                "cannot read --partition {text}\n  help: --partition hash:1/3, up to hash:3/3"
            ))),
        }
    }

    /// The cases that `--failed` means; `None` without that flag.
    fn only(&self, subject: &SubjectSpec) -> Result<Option<BTreeSet<String>>, Failure> {
        if !self.failed {
            return Ok(None);
        }
        let manifest = subject.manifest();
        let dialect = self.subject.dialect.as_ref().unwrap_or(&manifest.dialect);
        let path = last::path(&subject.home(), &manifest.name, dialect);
        match last::read(&path).map_err(Failure::usage)? {
            Some(last) => Ok(Some(last.ids())),
            None => Err(Failure::usage(format!(
                "there is no last run of {} whose failures could be run again ({} is not there)\n  help: run it once without --failed",
                manifest.name,
                path.display()
            ))),
        }
    }
}

impl From<TierArg> for Tier {
    fn from(tier: TierArg) -> Tier {
        match tier {
            TierArg::Basic => Tier::Basic,
            TierArg::Standard => Tier::Standard,
            TierArg::Strict => Tier::Strict,
            TierArg::Fapi => Tier::Fapi,
        }
    }
}

/// Snapshots of a partner stand beside its manifest; those of the reference partner in ./snapshots.
fn snapshot_root(subject: &SubjectSpec) -> PathBuf {
    match subject {
        SubjectSpec::Reference { .. } => PathBuf::from("snapshots"),
        SubjectSpec::Manifest { path, .. } => path.parent().unwrap_or(Path::new("")).join("snapshots"),
    }
}

/// `run`, `guard` and `accept`: once, or again and again.
pub(super) fn run(args: &RunArgs, mode: Mode) -> Result<u8, Failure> {
    if args.watch.is_empty() {
        return run_once(args, mode);
    }
    let named = args.watch.iter().filter(|path| !path.is_empty()).map(PathBuf::from);
    let paths: Vec<PathBuf> =
        args.subject.manifests().into_iter().chain(args.suite.folders().cloned()).chain(named).collect();
    if paths.is_empty() {
        let help = "--watch=PATH names a file or a folder; a manifest is watched anyway";
        return Err(Failure::usage(format!("there is nothing to watch\n  help: {help}")));
    }
    watch(&paths, || run_once(args, mode))
}

fn run_once(args: &RunArgs, mode: Mode) -> Result<u8, Failure> {
    let partition = args.shard()?;
    let suite = args.suite.load()?;
    let mut subjects = Vec::new();
    let all = args.subject.subjects(&suite)?;
    let targets = Targets::read(&args.report, all.len())?;
    for subject in all {
        match args.only(&subject)? {
            // Nothing is left to do for this one.
            Some(only) if only.is_empty() => {
                eprintln!("{}: nothing failed and nothing was inconclusive in its last run", subject.manifest().name);
            }
            only => subjects.push((subject, only)),
        }
    }
    let guarded = mode == Mode::Guard;
    snapshot::prepare(mode == Mode::Accept);
    let shown = if targets.take_stdout() { style(&std::io::stderr()) } else { style(&std::io::stdout()) };
    let tell = |text: &str| {
        let text = output::said(text);
        if targets.take_stdout() { eprint!("{text}") } else { super::print(&text) }
    };
    let (year, month, day) = today();
    let day = format!("{year:04}-{month:02}-{day:02}");
    let material = Material { suite: &suite, guarded, day: &day };
    let several = subjects.len() > 1;
    // One seed for all of them, so that one flag repeats the whole run.
    let seed = args.seed.unwrap_or_else(harness::random_seed);
    let runtime = runtime()?;
    let (mut reports, mut courses, mut codes, mut troubles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (subject, only) in subjects {
        if args.fail_fast && worst(&codes) != 0 && !codes.is_empty() {
            eprintln!("{} is not judged any more: --fail-fast", subject.manifest().name);
            continue;
        }
        let (root, home) = (snapshot_root(&subject), subject.home());
        let manifest = match &subject {
            SubjectSpec::Manifest { path, .. } => Some(output::in_workspace(path)),
            SubjectSpec::Reference { .. } => None,
        };
        let request = RunRequest {
            suite: suite.clone(),
            rerun_prefix: args.subject.rerun(&subject, args.tier.map(Tier::from), &args.suite),
            subject,
            dialect: args.subject.dialect.clone(),
            tier: args.tier.map(Tier::from),
            jobs: args.jobs,
            seed: Some(seed),
            filter: args.filter.clone(),
            only,
            fail_fast: args.fail_fast,
            partition,
            snapshots: match mode {
                Mode::Run => SnapshotMode::Compare,
                Mode::Guard => SnapshotMode::Guard { log: args.log.clone() },
                Mode::Accept => SnapshotMode::Accept,
            },
            snapshot_root: Some(root),
            today: today(),
            log: args.log.clone(),
            courses: targets.want_courses(),
            ladders: targets.want_digests(),
            tls: args.subject.tls,
            browser: args.subject.browser(),
        };
        let (report, played) = runtime.block_on(async {
            let (sender, receiver) = unbounded_channel();
            let showing = tokio::spawn(show(receiver));
            let report = harness::run(request, sender).await;
            // It ends with the last event.
            let played = showing.await.unwrap_or_default();
            (report, played)
        });
        // Whoever watches has the whole table once and wants what is left to do.
        tell(&if several || !args.watch.is_empty() {
            terminal::details(&report, &suite.requirements, shown)
        } else {
            terminal::text(&report, &suite.requirements, shown)
        });
        if output::in_actions() {
            eprint!("{}", actions::annotations(&report, &suite.requirements, manifest.as_deref(), guarded));
        }
        troubles.extend(targets.after_one(&report, &played, &material));
        let kept = last::path(&home, &report.partner.name, &report.partner.dialect);
        if let Err(error) = last::keep(&kept, &report) {
            eprintln!("{}: {error}; --failed will not know this run", kept.display());
        }
        codes.push(report.exit_code(guarded));
        reports.push(report);
        courses.push(played);
    }
    if several {
        tell(&grid::text(&reports, shown));
    }
    troubles.extend(targets.at_the_end(&reports, &courses, &codes, &material));
    let code = worst(&codes);
    let no_login = reports.iter().any(|report| report.findings.iter().any(|one| one.requirement == SMOKE));
    if code == 1 && no_login {
        eprintln!("what to do: countersign check, until a plain login works");
    } else if code == 1 && !targets.want_courses() {
        eprintln!("what to do: countersign explain CASE; --report html=PATH draws what happened");
    }
    eprintln!("exit code {code}: {}", terminal::meaning(code));
    if troubles.is_empty() { Ok(code) } else { Err(Failure::usage(troubles.join("\n"))) }
}

/// The rule that a plain login works: without it no case says anything.
const SMOKE: &str = "partner/manifest#smoke";

/// Exit codes from the worst to the best (DESIGN section 10).
const WORST_FIRST: [u8; 7] = [2, 5, 1, 6, 3, 4, 0];

/// The exit code of several partners: the worst of theirs; of none, that no case matched.
fn worst(codes: &[u8]) -> u8 {
    WORST_FIRST.into_iter().find(|code| codes.contains(code)).unwrap_or(4)
}

/// Progress: on a terminal one line that changes, elsewhere a line for what is worth one. Gives what cases went through,
/// where the run tells it.
async fn show(mut events: UnboundedReceiver<Event>) -> Courses {
    let mut courses = Courses::new();
    let alive = std::io::stderr().is_terminal();
    let (mut decided, mut of) = (0, 0);
    while let Some(event) = events.recv().await {
        match &event {
            Event::Started { cases, .. } => of = *cases,
            Event::CaseFinished(_) => decided += 1,
            _ => {}
        }
        let last = matches!(event, Event::Finished(_));
        if let Some(line) = terminal::progress(&event, decided, of) {
            if alive {
                eprint!("\r\u{1b}[K");
            }
            eprintln!("{}", output::said(&line));
        }
        if alive {
            if let Event::CaseStarted { id } = &event {
                eprint!("\r\u{1b}[K{decided}/{of} {id}");
            } else if last {
                eprint!("\r\u{1b}[K");
            }
        }
        if let Event::Played { id, courses: played } = event {
            courses.insert(id, played);
        }
        if last {
            break;
        }
    }
    courses
}

#[cfg(test)]
mod tests {
    use super::worst;

    #[test]
    fn the_worst_exit_code_wins_in_the_order_of_the_help() {
        assert_eq!(worst(&[0, 1, 6]), 1);
        assert_eq!(worst(&[1, 5]), 5);
        assert_eq!(worst(&[3, 6, 0]), 6);
        assert_eq!(worst(&[4, 0]), 4);
        assert_eq!(worst(&[5, 2, 1]), 2);
        assert_eq!(worst(&[0, 0]), 0);
        assert_eq!(worst(&[]), 4);
    }
}

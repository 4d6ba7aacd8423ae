//! `run`, `guard`, `accept`, `check`.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::harness::run::{self as harness, RunRequest, SnapshotMode, SubjectSpec};
use crate::harness::snapshot;
use crate::model::result::{Event, Report};
use crate::model::verdict::Tier;
use crate::report::{json, terminal};

use super::subject::SubjectArgs;
use super::suite::SuiteArgs;
use super::{Failure, runtime, style};

/// What becomes of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Run,
    Guard,
    Accept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TierArg {
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
    /// Write a report: `json=PATH`, or `json=-` for standard output
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<String>,
    /// Where `guard` puts new snapshots
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Only shard K of N
    #[arg(long, value_name = "hash:K/N")]
    partition: Option<String>,
    /// Decide no further case after the first failure
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Args, Clone)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    suite: SuiteArgs,
}

/// Where a report goes.
enum Target {
    Stdout,
    File(PathBuf),
}

impl RunArgs {
    fn targets(&self) -> Result<Vec<Target>, Failure> {
        self.report
            .iter()
            .map(|wanted| match wanted.split_once('=') {
                Some(("json", "-")) => Ok(Target::Stdout),
                Some(("json", path)) if !path.is_empty() => Ok(Target::File(PathBuf::from(path))),
                Some((format, _)) if format != "json" => {
                    Err(Failure::usage(format!("no report format `{format}`\n  help: --report json=PATH")))
                }
                _ => Err(Failure::usage(format!("cannot read --report {wanted}\n  help: --report json=PATH"))),
            })
            .collect()
    }

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

    /// The command that reruns a case, without its id.
    fn rerun(&self, subject: &SubjectSpec) -> String {
        let mut words = vec!["countersign run".to_owned()];
        match subject {
            SubjectSpec::Reference { base, flaws, .. } => {
                words.extend(flaws.iter().map(|flaw| format!("--flaw {flaw}")));
                words.push(format!("--base {}", base.name()));
            }
            SubjectSpec::Manifest { path, .. } => words.push(format!("--partner {}", path.display())),
        }
        if let Some(dialect) = &self.subject.dialect {
            words.push(format!("--dialect {dialect}"));
        }
        if let Some(tier) = self.tier {
            words.push(format!("--tier {}", Tier::from(tier)));
        }
        if self.subject.allow_remote {
            words.push("--allow-remote".to_owned());
        }
        words.extend(self.suite.words());
        words.join(" ")
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

/// `run`, `guard` and `accept`.
pub(super) fn run(args: &RunArgs, mode: Mode) -> Result<u8, Failure> {
    let (targets, partition) = (args.targets()?, args.shard()?);
    let suite = args.suite.load()?;
    let subject = args.subject.subject(&suite)?;
    let root = snapshot_root(&subject);
    snapshot::prepare(mode == Mode::Accept);
    let snapshots = match mode {
        Mode::Run => SnapshotMode::Compare,
        Mode::Guard => SnapshotMode::Guard { log: args.log.clone() },
        Mode::Accept => SnapshotMode::Accept,
    };
    let request = RunRequest {
        suite: suite.clone(),
        rerun_prefix: args.rerun(&subject),
        subject,
        dialect: args.subject.dialect.clone(),
        tier: args.tier.map(Tier::from),
        jobs: args.jobs,
        seed: args.seed,
        filter: args.filter.clone(),
        only: None,
        fail_fast: args.fail_fast,
        partition,
        snapshots,
        snapshot_root: Some(root),
        today: today(),
        log: args.log.clone(),
    };
    let report = runtime()?.block_on(async {
        let (sender, receiver) = unbounded_channel();
        let showing = tokio::spawn(show(receiver));
        let report = harness::run(request, sender).await;
        // It ends with the last event.
        let _ = showing.await;
        report
    });
    let to_stdout = targets.iter().any(|target| matches!(target, Target::Stdout));
    let text = terminal::text(
        &report,
        &suite.requirements,
        if to_stdout { style(&std::io::stderr()) } else { style(&std::io::stdout()) },
    );
    if to_stdout {
        eprint!("{text}")
    } else {
        print(&text)
    }
    let code = report.exit_code(mode == Mode::Guard);
    eprintln!("exit code {code}: {}", terminal::meaning(code));
    write_reports(&report, &targets)?;
    Ok(code)
}

/// To standard output; that nobody reads it any more is no trouble of ours.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn write_reports(report: &Report, targets: &[Target]) -> Result<(), Failure> {
    let text = json::text(report);
    for target in targets {
        match target {
            Target::Stdout => print(&text),
            Target::File(path) => {
                let path = PathBuf::from(path.to_string_lossy().replace("{partner}", &report.partner.name));
                std::fs::write(&path, &text).map_err(|error| {
                    Failure::usage(format!("{}: {error}\n  help: the folder must exist", path.display()))
                })?;
            }
        }
    }
    Ok(())
}

/// Progress: on a terminal one line that changes, elsewhere a line for what is worth one.
async fn show(mut events: UnboundedReceiver<Event>) {
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
            eprintln!("{line}");
        }
        if alive {
            if let Event::CaseStarted { id } = &event {
                eprint!("\r\u{1b}[K{decided}/{of} {id}");
            } else if last {
                eprint!("\r\u{1b}[K");
            }
        }
        if last {
            return;
        }
    }
}

/// `check`.
pub(super) fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    let subject = args.subject.subject(&suite)?;
    if let SubjectSpec::Manifest { path, manifest } = &subject
        && let Some(start) = manifest.start.as_ref().filter(|start| !start.setup.is_empty())
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        println!("to be done once: {} (in {})", start.setup.join(" "), folder.display());
    }
    let request = RunRequest {
        suite,
        subject,
        dialect: args.subject.dialect.clone(),
        tier: None,
        jobs: None,
        seed: None,
        filter: Vec::new(),
        only: None,
        fail_fast: false,
        partition: None,
        snapshots: SnapshotMode::Off,
        snapshot_root: None,
        rerun_prefix: String::new(),
        today: today(),
        log: None,
    };
    let lines = runtime()?.block_on(harness::smoke(&request)).map_err(Failure::blocked)?;
    for line in &lines {
        println!("{} {}", if line.ok { "ok     " } else { "trouble" }, crate::report::indented(&line.what, 8));
        if let Some(help) = &line.help {
            println!("        help: {}", crate::report::indented(help, 14));
        }
    }
    let bad = lines.iter().any(|line| !line.ok);
    println!("{}", if bad { "The manifest or the partner has to be mended first." } else { "Ready: countersign run" });
    Ok(if bad { 5 } else { 0 })
}

/// Year, month and day in UTC.
pub(super) fn today() -> (i32, u32, u32) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Days since 1970-03-01, by eras of 400 years: the leap day is the last day of such a year.
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let calendar_month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(calendar_month <= 2);
    (i32::try_from(year).unwrap_or(1970), u32::try_from(calendar_month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

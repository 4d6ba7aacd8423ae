//! `check`: is the manifest true, and does a plain login work? In plain words, with what to do.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use crate::harness::run::{self as harness, RunRequest, SnapshotMode, SubjectSpec};
use crate::harness::suite::Suite;

use super::run::today;
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

/// `check`.
pub(super) fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    let subjects = args.subject.subjects(&suite)?;
    let several = subjects.len() > 1;
    let mut bad = false;
    for subject in subjects {
        if several {
            say!("{}", subject.manifest().name);
        }
        bad |= check_one(args, &suite, subject)?;
    }
    say!("{}", if bad { "The manifest or the partner has to be mended first." } else { "Ready: countersign run" });
    Ok(if bad { 5 } else { 0 })
}

/// Whether there is trouble with one partner.
fn check_one(args: &CheckArgs, suite: &Arc<Suite>, subject: SubjectSpec) -> Result<bool, Failure> {
    if let SubjectSpec::Manifest { path, manifest } = &subject
        && let Some(start) = manifest.start.as_ref().filter(|start| !start.setup.is_empty())
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        say!("to be done once: {} (in {})", crate::model::manifest::typed(&start.setup), folder.display());
    }
    let request = RunRequest {
        suite: Arc::clone(suite),
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
        courses: false,
        tls: args.subject.tls,
    };
    let lines = runtime()?.block_on(harness::smoke(&request)).map_err(Failure::blocked)?;
    for line in &lines {
        say!("{} {}", if line.ok { "ok     " } else { "trouble" }, crate::report::indented(&line.what, 8));
        if let Some(help) = &line.help {
            say!("        help: {}", crate::report::indented(help, 14));
        }
    }
    Ok(lines.iter().any(|line| !line.ok))
}

//! A run: plan, smoke check, shared cases side by side, exclusive ones alone, isolated ones in worlds of their own,
//! every failure confirmed alone, recovery proved at the end, one report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::agent::Chromium;
use crate::judge::MessageRules;
use crate::model::manifest::Engine;
use crate::model::result::{CaseResult, Event, Finding, Report, RunFacts, SnapshotState, Subject, Suite as SuiteName};
use crate::model::verdict::{Level, Tier, Verdict};
use crate::partner::LaunchError;
use crate::tls::Authority;

use super::calendar::today;
use super::decide::{Decided, Decider, invariant_finding};
use super::plan::{self, Circumstances, Planned};
use super::smoke;
pub use super::smoke::SmokeLine;
use super::suite::Suite;
use super::world::{Ground, World, WorldError};

pub use super::subject::SubjectSpec;

/// What becomes of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotMode {
    /// Not looked at.
    Off,
    /// Compared where they exist; nothing is written.
    Compare,
    /// All must be there and the same; `.snap.new` goes below `log`.
    Guard {
        /// Where new ones go.
        log: Option<PathBuf>,
    },
    /// Written.
    Accept,
}

/// What is asked for.
#[derive(Clone)]
pub struct RunRequest {
    /// Cases, rules, dialects.
    pub suite: Arc<Suite>,
    /// Whom to judge.
    pub subject: SubjectSpec,
    /// Another dialect than the manifest's.
    pub dialect: Option<String>,
    /// Another tier than the manifest's.
    pub tier: Option<Tier>,
    /// Attempts at a time.
    pub jobs: Option<usize>,
    /// Of all identities; random when absent.
    pub seed: Option<u64>,
    /// Parts of case ids; empty: all.
    pub filter: Vec<String>,
    /// Exactly these cases.
    pub only: Option<BTreeSet<String>>,
    /// Stop deciding after the first failure.
    pub fail_fast: bool,
    /// Shard k of n, from 1.
    pub partition: Option<(u32, u32)>,
    /// Snapshots.
    pub snapshots: SnapshotMode,
    /// Where they are.
    pub snapshot_root: Option<PathBuf>,
    /// The command that reruns a case, without its id.
    pub rerun_prefix: String,
    /// Year, month, day: known failures have a date.
    pub today: (i32, u32, u32),
    /// Where transcripts go.
    pub log: Option<PathBuf>,
    /// Tell the course of each case, for diagrams: [`Event::Played`].
    pub courses: bool,
    /// Draw the ladder of each case, whatever becomes of snapshots: [`Event::Drawn`], and its digest in the report.
    pub ladders: bool,
    /// Provider, reference partner and browser speak https.
    pub tls: bool,
    /// Another browser than the manifest's.
    pub browser: Option<Engine>,
}

impl RunRequest {
    /// Everything of one subject, as its manifest says, with nothing written anywhere; what is wanted otherwise is set
    /// beside it: `RunRequest { tier: Some(Tier::Basic), ..RunRequest::new(suite, subject) }`.
    pub fn new(suite: Arc<Suite>, subject: SubjectSpec) -> RunRequest {
        RunRequest {
            suite,
            subject,
            dialect: None,
            tier: None,
            jobs: None,
            seed: None,
            filter: Vec::new(),
            only: None,
            fail_fast: false,
            partition: None,
            snapshots: SnapshotMode::Off,
            snapshot_root: None,
            rerun_prefix: "countersign run".to_owned(),
            today: today(),
            log: None,
            courses: false,
            ladders: false,
            tls: false,
            browser: None,
        }
    }

    /// The tier in force.
    pub fn tier(&self) -> Tier {
        self.tier.unwrap_or_else(|| self.subject.manifest().tier)
    }

    /// The browser in force.
    pub fn browser(&self) -> Engine {
        self.browser.unwrap_or_else(|| self.subject.manifest().browser)
    }

    fn is_complete(&self) -> bool {
        self.filter.is_empty() && self.only.is_none() && self.partition.is_none()
    }
}

/// Drives, judges, reports. Never fails: what went wrong is in the report.
pub async fn run(request: RunRequest, events: UnboundedSender<Event>) -> Report {
    let started = Instant::now();
    let seed = request.seed.unwrap_or_else(random_seed);
    let manifest = request.subject.manifest();
    let mut request = request;
    if request.tier() != manifest.tier || request.subject.is_altered() {
        // Ladders are stored for the sound partner at its own tier; any other run has others.
        request.snapshots = SnapshotMode::Off;
    }
    let dialect_name = request.dialect.clone().unwrap_or_else(|| manifest.dialect.clone());
    let tier = request.tier();
    let mut report = Report {
        format: 1,
        suite: SuiteName { version: request.suite.version.clone(), digest: request.suite.digest.clone() },
        partner: Subject { name: manifest.name.clone(), dialect: dialect_name.clone(), base: String::new() },
        run: RunFacts { tier, seed, complete: request.is_complete(), blocked: None },
        totals: Default::default(),
        duration_ms: 0,
        findings: Vec::new(),
        cases: Vec::new(),
        stale_known: Vec::new(),
        orphaned_snapshots: Vec::new(),
    };
    match ground_with_browser(&request, &dialect_name, seed).await {
        Ok(ground) => {
            let browser = ground.chromium.clone();
            drive_all(&request, &Arc::new(ground), tier, &mut report, &events).await;
            if let Some(browser) = browser {
                browser.stop().await;
            }
        }
        Err(sentence) => report.run.blocked = Some(sentence),
    }
    report.cases.sort_by(|a, b| a.id.cmp(&b.id));
    super::known::note_stale(&request.subject.place(), &manifest, &request.suite, &mut report, request.today);
    for case in &report.cases {
        report.totals.add(case.verdict);
    }
    report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _ = events.send(Event::Finished(Box::new(report.clone())));
    report
}

/// The smoke check alone, for `check`: does the partner come up, is the manifest true, and does a plain login work?
pub async fn smoke(request: &RunRequest) -> Vec<SmokeLine> {
    let manifest = request.subject.manifest();
    let dialect = request.dialect.clone().unwrap_or_else(|| manifest.dialect.clone());
    let ground = match ground_with_browser(request, &dialect, request.seed.unwrap_or_else(random_seed)).await {
        Ok(ground) => Arc::new(ground),
        Err(sentence) => return vec![SmokeLine::of_sentence(&sentence)],
    };
    let lines = smoke_on(&ground).await;
    if let Some(browser) = &ground.chromium {
        browser.stop().await;
    }
    lines
}

async fn smoke_on(ground: &Arc<Ground>) -> Vec<SmokeLine> {
    let world = match World::start(ground, false).await {
        Ok(world) => Arc::new(world),
        Err(error) => return vec![SmokeLine::of_sentence(&error.to_string())],
    };
    let up = if ground.manifest.start.is_some() { "the partner starts" } else { "the partner is there" };
    let mut lines = vec![SmokeLine::good(format!("{up}, and answers at {}", world.partner().await.base()))];
    lines.extend(smoke::check(&world, &super::suite::capabilities_toward(&ground.manifest, &ground.dialect)).await);
    world.stop().await;
    lines
}

/// A seed for a run, printed with it so that it can be repeated.
pub fn random_seed() -> u64 {
    getrandom::u64().unwrap_or(1) >> 16
}

/// The ground of a run, and the browser that the run has in common.
async fn ground_with_browser(request: &RunRequest, dialect: &str, seed: u64) -> Result<Ground, String> {
    let mut ground = ground(request, dialect, seed)?;
    if request.browser() == Engine::Chromium {
        let base = ground.manifest.at.base.replace("{port}", "1");
        let host = url::Url::parse(&base).ok().and_then(|url| url.host_str().map(str::to_owned));
        let chromium = Chromium::start_mapped(host.as_slice(), &[], ground.tls.as_deref()).await;
        let chromium = chromium.map_err(|error| error.to_string())?;
        ground.chromium = Some(Arc::new(chromium));
    }
    Ok(ground)
}

pub(super) fn ground(request: &RunRequest, dialect: &str, seed: u64) -> Result<Ground, String> {
    let manifest = request.subject.manifest_over(request.tls);
    let dialect = Arc::new(request.suite.dialect(dialect)?);
    let launcher = request.subject.launcher(&dialect);
    let secret = client_secret(&manifest, seed)?;
    let messages = request.suite.messages.iter().filter(|rule| rule.dialect == dialect.name);
    let messages = MessageRules::new(messages, &super::suite::capabilities_toward(&manifest, &dialect))?;
    let schemas = Arc::new(request.suite.schemas.clone());
    let mut ground = Ground::new(manifest, dialect, launcher, seed, secret);
    ground.schemas = schemas;
    ground.messages = messages;
    if request.tls {
        ground.tls = Some(Arc::new(Authority::new().map_err(|error| error.to_string())?));
    }
    Ok(ground)
}

/// From the environment where the manifest names a variable, else made from the seed: letters and digits only, so that
/// no way of sending it can garble it.
fn client_secret(manifest: &crate::model::manifest::Manifest, seed: u64) -> Result<Option<String>, String> {
    if manifest.client.auth == "none" {
        return Ok(None);
    }
    let made = crate::model::persona::digest(&[&seed.to_string(), "client secret"])[..32].to_owned();
    match &manifest.client.secret_env {
        Some(variable) => match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => Ok(Some(secret)),
            _ if manifest.start.is_some() => Ok(Some(made)),
            _ => Err(format!(
                "the manifest takes the client secret from {variable}, which is not set\n  help: export {variable}=… with the secret that the partner uses"
            )),
        },
        None if manifest.start.is_some() => Ok(Some(made)),
        None => Err(
            "an attached partner has a client secret of its own, and the manifest does not say where it is\n  help: in [client], secret_env = \"NAME_OF_A_VARIABLE\""
                .to_owned(),
        ),
    }
}

async fn drive_all(
    request: &RunRequest,
    ground: &Arc<Ground>,
    tier: Tier,
    report: &mut Report,
    events: &UnboundedSender<Event>,
) {
    let capabilities = super::suite::capabilities_toward(&ground.manifest, &ground.dialect);
    let circumstances = Circumstances {
        manifest: &ground.manifest,
        capabilities: &capabilities,
        dialect: &ground.dialect.name,
        tier,
        requirements: &request.suite.requirements,
        company: ground.launcher.company(),
        lacking: &request.suite.capabilities,
        tls: request.tls,
        browser: request.browser(),
    };
    let chosen: Vec<Planned> = plan::plan(&request.suite.cases, &circumstances)
        .into_iter()
        .filter(|planned| plan::matches_filter(&planned.case.id, &request.filter))
        .filter(|planned| request.only.as_ref().is_none_or(|only| only.contains(&planned.case.id)))
        .filter(|planned| request.partition.is_none_or(|shard| plan::in_partition(&planned.case.id, shard)))
        .collect();
    let world = match World::start(ground, false).await {
        Ok(world) => Arc::new(world),
        Err(WorldError::Launch(error)) => return not_there(report, &chosen, request, &error),
        Err(error) => {
            report.run.blocked = Some(error.to_string());
            return;
        }
    };
    report.partner.base = world.partner().await.base().to_owned();
    let _ = events.send(Event::Started {
        partner: report.partner.clone(),
        cases: chosen.len(),
        seed: report.run.seed,
        tier,
    });
    if !chosen.is_empty() {
        let lines = smoke::check(&world, &capabilities).await;
        // What speaks of the partner is a finding beside the cases; what makes them meaningless ends the run.
        let amiss = || lines.iter().filter(|line| !line.ok && line.finding);
        report.findings.extend(amiss().filter(|line| line.breach.is_none()).map(undeclared));
        if let Some(bad) = lines.iter().find(|line| !line.ok && !line.finding) {
            report.findings.extend(amiss().filter_map(|line| broken(line, request, &chosen)));
            smoke_failed(report, ground, bad);
            keep_undecided(report, &chosen, request, "the smoke check failed");
            world.stop().await;
            return;
        }
    }
    let decider = Decider::new(request, ground, tier, events.clone());
    let decided = decider.decide(&world, &chosen, report).await;
    world.stop().await;
    finish(request, report, decided, &world, events);
}

/// The partner never came up: ours to blame if it was there before (environment), the partner's own if we started it.
fn not_there(report: &mut Report, chosen: &[Planned], request: &RunRequest, error: &LaunchError) {
    if error.started {
        report.findings.push(Finding {
            requirement: "partner/resilience#starts".to_owned(),
            level: Level::Must,
            verdict: Verdict::Fail,
            expected: "the partner starts and becomes ready".to_owned(),
            observed: error.to_string(),
            variant: None,
            exchange: None,
            known: false,
            rerun: None,
        });
    } else {
        report.run.blocked = Some(error.to_string());
    }
    keep_undecided(report, chosen, request, "the partner was not there");
}

/// A rule for messages that a plain login breaks: mostly why it does not work.
fn broken(line: &SmokeLine, request: &RunRequest, chosen: &[Planned]) -> Option<Finding> {
    let breach = line.breach.as_ref()?;
    let rule = breach.requirement.as_deref()?;
    let level = request.suite.requirements.get(rule).map_or(Level::Must, |rule| rule.level);
    // The smoke check comes before any case.
    let rerun = chosen.first().map(|one| format!("{} {}", request.rerun_prefix, one.case.id));
    Some(Finding { rerun, ..invariant_finding(rule, level, breach) })
}

/// What the manifest declares and a plain login does not show.
fn undeclared(line: &SmokeLine) -> Finding {
    Finding {
        requirement: "partner/manifest#declared".to_owned(),
        level: Level::Must,
        verdict: Verdict::Fail,
        expected: "what the manifest declares can be observed".to_owned(),
        observed: line.what.clone(),
        variant: None,
        exchange: None,
        known: false,
        rerun: None,
    }
}

fn smoke_failed(report: &mut Report, ground: &Ground, line: &SmokeLine) {
    let help = line.help.as_deref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    let sentence = format!("{}{help}", line.what);
    if ground.manifest.start.is_some() {
        report.findings.push(Finding {
            requirement: "partner/manifest#smoke".to_owned(),
            level: Level::Must,
            verdict: Verdict::Fail,
            expected: "a plain login works and the probe tells who is signed in".to_owned(),
            observed: sentence,
            variant: None,
            exchange: None,
            known: false,
            rerun: None,
        });
    } else {
        report.run.blocked = Some(sentence);
    }
}

/// Nothing that was planned vanishes from a report.
fn keep_undecided(report: &mut Report, chosen: &[Planned], request: &RunRequest, why: &str) {
    for planned in chosen {
        let (verdict, reason) = match &planned.not_applicable {
            Some(reason) => (Verdict::NotApplicable, reason.clone()),
            None => (Verdict::Inconclusive, why.to_owned()),
        };
        report.cases.push(result(request, planned, verdict, reason));
    }
}

pub(super) fn result(request: &RunRequest, planned: &Planned, verdict: Verdict, reason: String) -> CaseResult {
    CaseResult {
        id: planned.case.id.clone(),
        title: planned.case.title.clone(),
        tier: planned.case.tier,
        verdict,
        reason,
        duration_ms: 0,
        rerun: format!("{} {}", request.rerun_prefix, planned.case.id),
        findings: Vec::new(),
        snapshot: SnapshotState::None,
        ladder: None,
    }
}

/// Snapshots, and the cases into the report.
fn finish(
    request: &RunRequest,
    report: &mut Report,
    decided: BTreeMap<String, Decided>,
    world: &World,
    events: &UnboundedSender<Event>,
) {
    super::known::mark_of_the_run(&world.ground.manifest, report);
    let root = request.snapshot_root.clone();
    for (_, mut one) in decided {
        super::known::mark(&world.ground.manifest, &mut one.result);
        if let Some(root) = &root {
            one.result.snapshot = super::album::keep(request, report, root, &one);
        }
        if let Some(ladder) = super::album::ladder(request, &one) {
            one.result.ladder = Some(super::album::digest(&ladder));
            let _ = events.send(Event::Drawn { id: one.result.id.clone(), ladder });
        }
        report.cases.push(one.result);
    }
    let whole = request.filter.is_empty() && request.only.is_none();
    if let (Some(root), true) = (&root, whole && request.snapshots != SnapshotMode::Off) {
        let ids: Vec<String> = report.cases.iter().map(|case| case.id.clone()).collect();
        let mut orphans = super::snapshot::orphans(root, &report.partner.name, &report.partner.dialect, &ids);
        // Each shard answers for its own: of the others' cases it knows nothing.
        let prefix = format!("{}/{}/", report.partner.name, report.partner.dialect);
        orphans.retain(|path| {
            let id = path.strip_prefix(&prefix).unwrap_or(path).trim_end_matches(".snap");
            request.partition.is_none_or(|shard| plan::in_partition(id, shard))
        });
        report.orphaned_snapshots = orphans;
    }
}

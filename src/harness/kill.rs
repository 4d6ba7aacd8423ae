//! The kill matrix: each flaw of the reference partner against the cases that say they catch it.
//!
//! It proves two things: that each case can fail, and that the honest partner fails none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::agent::Chromium;
use crate::judge::MessageRule;
use crate::model::case::{Act, Case};
use crate::model::manifest::Engine;
use crate::model::result::{Finding, Report};
use crate::model::verdict::{Level, Tier, Verdict};
use crate::reference::{self, Base, FLAWS, Switch};

use super::drive::PlayVariant;
use super::guard::{level_of, names};
use super::plan::{self, Isolation};
use super::reach::{applies, why_not};
use super::run::{RunRequest, SubjectSpec, run};
use super::suite::{Suite, capabilities_toward};

/// How the name of a file of rules for messages begins; no area of cases is called so.
const MESSAGES: &str = "messages/";

/// Runs at a time; each has a provider and partners of its own, and some of them wait for a timeout.
const RUNS_AT_A_TIME: usize = 4;

/// What is asked for.
#[derive(Clone)]
pub struct KillRequest {
    /// Cases, rules, dialects.
    pub suite: Arc<Suite>,
    /// What provider and partner speak.
    pub dialect: String,
    /// These flaws only.
    pub flaws: Option<Vec<String>>,
    /// Every case against every flaw, not only those that name it.
    pub all_cases: bool,
    /// Attempts at a time within one run.
    pub jobs: Option<usize>,
    /// Of all identities; random when absent.
    pub seed: Option<u64>,
    /// The command that reruns a case, without its id.
    pub rerun_prefix: String,
    /// Year, month, day.
    pub today: (i32, u32, u32),
}

/// One flaw and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillRow {
    /// The flaw.
    pub flaw: String,
    /// The base that it was switched on in.
    pub base: Base,
    /// Every failure that it caused, and every warn of a case that can say nothing worse.
    pub killed_by: Vec<Kill>,
    /// Cases whose `kills` names it, and which apply to the dialect; behind them the files of rules for messages that
    /// name it: `messages/token`.
    pub named: Vec<String>,
    /// Cases that failed because of it without naming it.
    pub also: Vec<String>,
    /// Named cases that did not fail.
    pub missed: Vec<Missed>,
    /// At least one named case failed for a requirement that it names, or warned where it can say nothing worse.
    pub killed: bool,
}

impl KillRow {
    /// Whether a case that names the flaw did not fail.
    pub fn is_missed_by(&self, case: &str) -> bool {
        self.missed.iter().any(|missed| missed.case == case)
    }
}

/// A failure of a case, or a breach of a rule for messages, because of a flaw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// The case's id, or the file of the rule: `messages/token`.
    pub case: String,
    /// What it found.
    pub finding: Finding,
    /// The command that shows it again.
    pub rerun: String,
}

/// A case that should have failed, and what it said instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The case's id.
    pub case: String,
    /// Its verdict; `None`: it was not in the report.
    pub verdict: Option<Verdict>,
    /// Its reason, or what the run says of it.
    pub why: String,
}

impl std::fmt::Display for Missed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = self.verdict.map_or("not run".to_owned(), |verdict| verdict.to_string());
        write!(f, "{} ({verdict}", self.case)?;
        if !self.why.is_empty() {
            write!(f, ": {}", self.why)?;
        }
        write!(f, ")")
    }
}

/// Flaws by cases.
#[derive(Debug, Clone)]
pub struct KillMatrix {
    /// What provider and partner spoke.
    pub dialect: String,
    /// In the order of the flaws' ids.
    pub rows: Vec<KillRow>,
    /// Cases with a fault or an attack that killed nothing.
    pub idle: Vec<String>,
    /// Flaws that show in a real browser only, where there is none, each with the reason.
    pub untried: Vec<(String, String)>,
    /// The partner without flaws: one report per base.
    pub honest: Vec<Report>,
}

impl KillMatrix {
    /// Flaws killed, and flaws tried.
    pub fn score(&self) -> (usize, usize) {
        (self.rows.iter().filter(|row| row.killed).count(), self.rows.len())
    }
}

/// A flaw, the base that it is tried on, and the cases that must catch it there.
struct Trial {
    flaw: Switch,
    base: Base,
    /// Cases, and behind them files of rules for messages.
    named: Vec<String>,
    /// Each rule of the latter.
    rules: Vec<MessageRule>,
}

impl Trial {
    /// What is played to catch the flaw: the cases that name it; for a rule for messages every case that has nothing
    /// amiss in it, as the partner must meet the rule in each of them.
    fn played(&self, suite: &Suite, dialect: &str) -> BTreeSet<String> {
        let quiet = |case: &&Arc<Case>| {
            case.tier == Tier::Basic
                && !case.is_negative()
                && plan::isolation(case) == Isolation::Shared
                && why_not(suite, case, self.base, dialect, self.flaw.habit).is_none()
        };
        let quiet = suite.cases.iter().filter(|case| !self.rules.is_empty() && quiet(case));
        self.named.iter().cloned().chain(quiet.map(|case| case.id.clone())).collect()
    }
}

/// The flaws that some case or some rule for messages of a dialect names, each on the weakest base where it shows and
/// such a case or rule applies.
fn trials(suite: &Suite, dialect: &str, wanted: Option<&Vec<String>>) -> Vec<Trial> {
    let chosen = FLAWS.iter().filter(|flaw| wanted.is_none_or(|ids| ids.iter().any(|id| id == flaw.id)));
    chosen
        .filter(|flaw| !flaw.not_on.contains(&dialect))
        .filter_map(|flaw| {
            let naming = suite.cases.iter().filter(|case| case.kills.iter().any(|own| own == flaw.id));
            let bases_of_case = |case: &Arc<Case>| -> Vec<Base> {
                let there = |base: &Base| why_not(suite, case, *base, dialect, flaw.habit).is_none();
                Base::ALL.into_iter().filter(there).collect()
            };
            let named = naming.map(|case| (case, bases_of_case(case))).filter(|(_, bases)| !bases.is_empty());
            let named: Vec<(&Arc<Case>, Vec<Base>)> = named.collect();
            let rules = suite.messages.iter().filter(|rule| rule.dialect == dialect);
            let rules: Vec<&MessageRule> = rules.filter(|rule| rule.kills.iter().any(|own| own == flaw.id)).collect();
            let bases = named.iter().flat_map(|(_, bases)| bases.iter().copied());
            let bases = bases
                .chain(rules.iter().flat_map(|rule| bases_of(suite, rule, flaw.habit)))
                .filter(|base| *base >= flaw.base);
            // Asked for by name, it is tried even where no case says that it catches it.
            let base = bases.min().or(wanted.map(|_| flaw.base))?;
            let mut all: Vec<String> = named.iter().map(|(case, _)| case.id.clone()).collect();
            all.extend(rules.iter().map(|rule| rule.name()).collect::<BTreeSet<_>>());
            let rules = rules.into_iter().cloned().collect();
            Some(Trial { flaw: *flaw, base, named: all, rules })
        })
        .collect()
}

/// The bases of the reference partner, with that habit where one is named, that a rule for messages binds.
fn bases_of<'s>(
    suite: &'s Suite,
    rule: &'s MessageRule,
    habit: Option<&'static str>,
) -> impl Iterator<Item = Base> + 's {
    Base::ALL.into_iter().filter(move |base| {
        let manifest = SubjectSpec::reference(*base, &rule.dialect).with_habit(habit).manifest();
        let dialect = suite.dialect(&rule.dialect);
        let able = dialect.map(|dialect| capabilities_toward(&manifest, &dialect)).unwrap_or_default();
        rule.needs.as_ref().is_none_or(|need| able.contains(need))
    })
}

/// The flaws that are tried on a dialect: id, base, and the cases and rules for messages that must catch it.
///
/// None on a dialect that the reference partner cannot sign in by: there is no honest partner to compare with.
pub fn tried(suite: &Suite, dialect: &str) -> Vec<(&'static str, Base, Vec<String>)> {
    if !reference::SIGNS_IN_BY.contains(&dialect) {
        return Vec::new();
    }
    trials(suite, dialect, None).into_iter().map(|trial| (trial.flaw.id, trial.base, trial.named)).collect()
}

/// Tries every flaw asked for on the weakest base where it shows; tells each row as soon as it is known.
pub async fn kill_matrix(request: KillRequest, progress: impl Fn(&KillRow) + Send + Sync) -> KillMatrix {
    let mut chosen = trials(&request.suite, &request.dialect, request.flaws.as_ref());
    let mut untried = Vec::new();
    if let Err(why) = Chromium::find() {
        let in_browser = |trial: &mut Trial| by_browser(&request.suite, &trial.named);
        untried.extend(chosen.extract_if(.., in_browser).map(|trial| (trial.flaw.id.to_owned(), why.to_string())));
    }
    let seats = Arc::new(Semaphore::new(RUNS_AT_A_TIME));
    let mut honest = JoinSet::new();
    if request.flaws.is_none() {
        for base in Base::ALL {
            let run_request = reference_run(&request, base, BTreeSet::new(), (None, None));
            let seats = Arc::clone(&seats);
            honest.spawn(async move {
                let _seat = seats.acquire_owned().await;
                (base, silent(run_request).await)
            });
        }
    }
    let mut tasks = JoinSet::new();
    // Those about waiting stand last in the list and take longest: they begin first.
    for trial in chosen.into_iter().rev() {
        // A real browser takes its time: what does not need one has nothing to say of a flaw that shows there only.
        let browser = by_browser(&request.suite, &trial.named).then_some(Engine::Chromium);
        let only = match (request.all_cases, browser) {
            (false, _) => Some(trial.played(&request.suite, &request.dialect)),
            (true, None) => None,
            (true, Some(_)) => {
                let all = request.suite.cases.iter().filter(|case| plan::needs_browser(case));
                Some(all.map(|case| case.id.clone()).collect())
            }
        };
        let flaws = BTreeSet::from([trial.flaw.id.to_owned()]);
        let run_request = reference_run(&request, trial.base, flaws, (only, browser));
        let seats = Arc::clone(&seats);
        let suite = Arc::clone(&request.suite);
        tasks.spawn(async move {
            let _seat = seats.acquire_owned().await;
            row(&suite, trial, &silent(run_request).await)
        });
    }
    let mut rows = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        let row = joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        progress(&row);
        rows.push(row);
    }
    rows.sort_by(|a, b| a.flaw.cmp(&b.flaw));
    let mut reports = BTreeMap::new();
    while let Some(joined) = honest.join_next().await {
        let (base, report) = joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        reports.insert(base, report);
    }
    let mut idle = if request.flaws.is_none() { idle(&request.suite, &request.dialect, &rows) } else { Vec::new() };
    let kills_untried = |id: &String| {
        let kills = request.suite.case(id).map(|case| case.kills.as_slice()).unwrap_or_default();
        kills.iter().any(|flaw| untried.iter().any(|(own, _)| own == flaw))
    };
    idle.retain(|id| !kills_untried(id));
    KillMatrix { dialect: request.dialect, rows, idle, untried, honest: reports.into_values().collect() }
}

/// Whether one of these cases needs a real browser.
fn by_browser(suite: &Suite, ids: &[String]) -> bool {
    ids.iter().filter_map(|id| suite.case(id)).any(|case| plan::needs_browser(case))
}

fn reference_run(
    request: &KillRequest,
    base: Base,
    flaws: BTreeSet<String>,
    (only, browser): (Option<BTreeSet<String>>, Option<Engine>),
) -> RunRequest {
    // What shows over TLS only is looked for there.
    let meant = |case: &&Arc<Case>| case.kills.iter().any(|flaw| flaws.contains(flaw));
    let tls = request.suite.cases.iter().filter(meant).any(|case| plan::needs_tls(case));
    let switches: String = flaws.iter().map(|flaw| format!(" --flaw {flaw}")).collect();
    let over_tls = if tls { " --tls" } else { "" };
    let in_browser = if browser == Some(Engine::Chromium) { " --browser chromium" } else { "" };
    let dialect = match request.dialect.as_str() {
        "oidc" => String::new(),
        other => format!(" --dialect {other}"),
    };
    let rerun_prefix =
        format!("{}{switches} --base {}{dialect}{over_tls}{in_browser}", request.rerun_prefix, base.name());
    let oddities = reference::habits(&flaws).into_iter().map(str::to_owned).collect();
    let subject = SubjectSpec::Reference { base, flaws, oddities, dialect: request.dialect.clone() };
    RunRequest {
        tier: Some(Tier::Strict),
        jobs: request.jobs,
        seed: request.seed,
        only,
        rerun_prefix,
        today: request.today,
        tls,
        browser,
        ..RunRequest::new(Arc::clone(&request.suite), subject)
    }
}

async fn silent(request: RunRequest) -> Report {
    let (events, _nobody_listens) = mpsc::unbounded_channel();
    run(request, events).await
}

fn row(suite: &Suite, trial: Trial, report: &Report) -> KillRow {
    let Trial { flaw, base, named, rules } = trial;
    let mut killed_by = Vec::new();
    for case in &report.cases {
        let worst = suite.case(&case.id).map_or(Verdict::Fail, |own| worst_of(suite, own));
        for finding in case.findings.iter().filter(|finding| finding.verdict == worst) {
            let known = |kill: &Kill| kill.case == case.id && kill.finding.requirement == finding.requirement;
            if !killed_by.iter().any(known) {
                killed_by.push(Kill { case: case.id.clone(), finding: finding.clone(), rerun: case.rerun.clone() });
            }
        }
    }
    // A rule for messages is broken where the run says so; what a case found by itself is no proof of it.
    for rule in &rules {
        if let Some(finding) = report.findings.iter().find(|finding| is_of(finding, rule)) {
            let rerun = finding.rerun.clone().unwrap_or_default();
            killed_by.push(Kill { case: rule.name(), finding: finding.clone(), rerun });
        }
    }
    let broken = |name: &String| {
        let mut own = rules.iter().filter(|rule| rule.name() == *name);
        own.all(|rule| killed_by.iter().any(|kill| kill.case == *name && is_of(&kill.finding, rule)))
    };
    let failed = |id: &String| {
        if id.starts_with(MESSAGES) {
            return broken(id);
        }
        let case = suite.cases.iter().find(|case| case.id == *id);
        killed_by.iter().any(|kill| kill.case == *id && case.is_some_and(|case| names(case, &kill.finding.requirement)))
    };
    let missed: Vec<Missed> = named.iter().filter(|id| !failed(id)).map(|id| missed(report, id)).collect();
    let killed = named.iter().any(failed);
    let also: BTreeSet<String> =
        killed_by.iter().map(|kill| kill.case.clone()).filter(|id| !named.contains(id)).collect();
    KillRow { flaw: flaw.id.to_owned(), base, killed_by, named, also: also.into_iter().collect(), missed, killed }
}

/// Whether a finding is that of a rule for messages.
fn is_of(finding: &Finding, rule: &MessageRule) -> bool {
    finding.requirement == rule.requirement && finding.expected == rule.title
}

fn missed(report: &Report, id: &str) -> Missed {
    let case = report.cases.iter().find(|case| case.id == id);
    let mut why: Vec<String> =
        case.iter().map(|case| case.reason.clone()).filter(|reason| !reason.is_empty()).collect();
    why.extend(report.run.blocked.clone());
    why.extend(report.findings.iter().map(|finding| finding.observed.clone()));
    Missed { case: id.to_owned(), verdict: case.map(|case| case.verdict), why: why.join("; ") }
}

/// The worst that a case can say of a partner: a warn where all that it expects is a SHOULD.
fn worst_of(suite: &Suite, case: &Case) -> Verdict {
    let own = [PlayVariant::default()];
    let variants: Vec<PlayVariant> = case
        .variants
        .iter()
        .map(|variant| PlayVariant { level: variant.level.clone(), ..PlayVariant::default() })
        .collect();
    let variants = if variants.is_empty() { own.as_slice() } else { variants.as_slice() };
    let expectations = case.steps.iter().filter(|step| matches!(step.act, Act::Expect(_)));
    let levels = expectations.flat_map(|step| {
        variants.iter().map(|variant| {
            let rule = step.requirement.as_deref();
            level_of(case, variant, step.level.as_ref(), rule, Tier::Strict, &suite.requirements)
        })
    });
    levels.map(Level::when_missed).max().unwrap_or(Verdict::Fail)
}

/// Cases of the dialect that name flaws and yet killed none of them, and rules for messages that nothing broke.
fn idle(suite: &Suite, dialect: &str, rows: &[KillRow]) -> Vec<String> {
    let cases = suite
        .cases
        .iter()
        .filter(|case| case.id != "login/happy")
        .filter(|case| Base::ALL.into_iter().any(|base| applies(suite, case, base, dialect)))
        .filter(|case| !rows.iter().any(|row| row.named.contains(&case.id) && !row.is_missed_by(&case.id)))
        .map(|case| case.id.clone());
    let broken = |rule: &&MessageRule| {
        let by = |kill: &Kill| kill.case == rule.name() && is_of(&kill.finding, rule);
        rows.iter().any(|row| rule.kills.contains(&row.flaw) && row.killed_by.iter().any(by))
    };
    let rules = suite.messages.iter().filter(|rule| rule.dialect == dialect);
    let rules = rules.filter(|rule| !broken(rule)).map(|rule| format!("{}: {}", rule.name(), rule.requirement));
    cases.chain(rules).collect()
}

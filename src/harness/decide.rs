//! Deciding cases: scheduling by isolation, confirming failures alone, generations of the partner, recovery.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::judge::Breach;
use crate::model::requirement::Registry;
use crate::model::result::{CaseResult, Event, Finding, Report};
use crate::model::verdict::{Level, Tier, Verdict};

use super::album;
use super::drive::PlayVariant;
use super::generations::{STAYS_UP, died_alone, has_ended};
use super::guard::{self, Control, Controls, Judged, names};
use super::plan::{Isolation, Planned};
use super::run::{RunRequest, SnapshotMode, result};
use super::world::{Ground, World};
use super::young_keys;
use crate::partner::Company;

/// A decided case.
pub struct Decided {
    /// For the report.
    pub result: CaseResult,
    /// Variants, in the order of the file; empty where the case does not apply.
    pub variants: Vec<Judged>,
}

/// What every task of a run needs.
pub struct Decider {
    request: RunRequest,
    ground: Arc<Ground>,
    tier: Tier,
    events: UnboundedSender<Event>,
    controls: Controls,
    stopping: AtomicBool,
    breaches: Mutex<Vec<Breach>>,
}

impl Decider {
    /// For one run.
    pub fn new(request: &RunRequest, ground: &Arc<Ground>, tier: Tier, events: UnboundedSender<Event>) -> Arc<Self> {
        Arc::new(Decider {
            request: request.clone(),
            ground: Arc::clone(ground),
            tier,
            events,
            controls: Controls::default(),
            stopping: AtomicBool::new(false),
            breaches: Mutex::new(Vec::new()),
        })
    }

    fn requirements(&self) -> &Registry {
        &self.request.suite.requirements
    }

    pub(super) fn jobs(&self) -> usize {
        self.request.jobs.or(self.ground.manifest.jobs).unwrap_or(4).max(1)
    }

    /// Decides every planned case. Findings that belong to no case go into the report.
    pub async fn decide(
        self: &Arc<Self>,
        world: &Arc<World>,
        planned: &[Planned],
        report: &mut Report,
    ) -> BTreeMap<String, Decided> {
        let mut decided = BTreeMap::new();
        let mut waiting: Vec<Planned> = Vec::new();
        for one in planned {
            match &one.not_applicable {
                Some(reason) => {
                    let result = result(&self.request, one, Verdict::NotApplicable, reason.clone());
                    self.tell(&result);
                    decided.insert(one.case.id.clone(), Decided { result, variants: Vec::new() });
                }
                None => waiting.push(one.clone()),
            }
        }
        let of = |isolation: Isolation| waiting.iter().filter(move |one| one.isolation == isolation).cloned();
        // Isolated cases have worlds of their own, so they may run beside the shared ones; unless the partner has a fixed
        // port, which is free only when the shared one has stopped.
        let one_at_a_time = self.ground.launcher.company() == Company::OneAtATime;
        let (after, beside): (Vec<Planned>, Vec<Planned>) = of(Isolation::Isolated).partition(|_| one_at_a_time);
        let shared: Vec<Planned> = of(Isolation::Shared).collect();
        let mut first = self.in_generations(world, shared.into_iter().chain(beside).collect(), report).await;
        for one in of(Isolation::Exclusive) {
            let id = one.case.id.clone();
            first.extend(self.in_generations(world, vec![one], report).await);
            self.recover(world, &id, report).await;
        }
        first.sort_by(|(a, _), (b, _)| a.case.id.cmp(&b.case.id));
        for (one, outcome) in first {
            let one_decided = self.conclude(world, &one, outcome, report).await;
            decided.insert(one.case.id.clone(), one_decided);
        }
        if let Some(last) = planned.last() {
            self.recover(world, &last.case.id, report).await;
        }
        if !after.is_empty() {
            world.partner().await.stop().await;
        }
        for one in after {
            let outcome = self.case(world, &one).await;
            let one_decided = self.conclude(world, &one, outcome, report).await;
            decided.insert(one.case.id.clone(), one_decided);
        }
        self.charge_breaches(&mut decided, report);
        decided
    }

    /// The last word on a case: failures confirmed alone.
    async fn conclude(
        self: &Arc<Self>,
        world: &Arc<World>,
        one: &Planned,
        outcome: Result<Outcome, String>,
        report: &mut Report,
    ) -> Decided {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(reason) => {
                let result = result(&self.request, one, Verdict::Inconclusive, reason);
                return Decided { result, variants: Vec::new() };
            }
        };
        let mut outcome = self.confirm(world, one, outcome, report).await;
        if self.request.courses {
            let courses = album::courses(&mut outcome.variants);
            let _ = self.events.send(Event::Played { id: one.case.id.clone(), courses });
        }
        let result = self.summary(one, &outcome);
        self.tell(&result);
        Decided { result, variants: outcome.variants }
    }

    /// All variants of a case, one after the other.
    ///
    /// # Errors
    /// The run is stopping: the reason why this case is not played.
    pub(super) async fn case(self: &Arc<Self>, world: &Arc<World>, one: &Planned) -> Result<Outcome, String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("stopped after the first failure".to_owned());
        }
        let _ = self.events.send(Event::CaseStarted { id: one.case.id.clone() });
        let started = Instant::now();
        let mut variants = Vec::new();
        for variant in &one.variants {
            let judged = match one.isolation {
                Isolation::Shared => {
                    let _company = world.alone.read().await;
                    self.variant(world, one, variant).await
                }
                Isolation::Exclusive => {
                    let _alone = world.alone.write().await;
                    self.variant(world, one, variant).await
                }
                Isolation::Isolated => self.in_own_world(one, variant).await,
            };
            variants.push(judged);
        }
        if self.request.fail_fast && variants.iter().any(|judged| judged.verdict == Verdict::Fail) {
            self.stopping.store(true, Ordering::Relaxed);
        }
        Ok(Outcome::new(variants, started))
    }

    pub(super) async fn variant(&self, world: &Arc<World>, one: &Planned, variant: &PlayVariant) -> Judged {
        let control =
            if one.case.is_negative() { Some(self.controls.of(world, &one.case, variant).await) } else { None };
        self.judged(world, control, one, variant).await
    }

    pub(super) fn forget_failed_control(&self, world: &World, one: &Planned, variant: &PlayVariant) {
        self.controls.forget_failed(Some(world), &one.case, variant);
    }

    async fn judged(
        &self,
        world: &Arc<World>,
        control: Option<Arc<Control>>,
        one: &Planned,
        variant: &PlayVariant,
    ) -> Judged {
        let requirements = self.requirements();
        let mut judged = guard::judge_variant(world, control, &one.case, variant, self.tier, requirements).await;
        if self.request.snapshots != SnapshotMode::Off || self.request.ladders {
            judged.rungs = album::rungs(&one.case, &judged.played, &self.ground.manifest.client.id);
        }
        if self.request.courses {
            judged.course = album::course(&one.case, &judged.played, &self.ground.manifest.client.id);
        }
        judged.played = Arc::new(judged.played.end());
        judged
    }

    /// Own issuer, freshly started partner; the control run has such a world for itself.
    async fn in_own_world(&self, one: &Planned, variant: &PlayVariant) -> Judged {
        let control = if one.case.is_negative() {
            Some(self.controls.apart(&self.ground, &one.case, variant).await)
        } else {
            None
        };
        match World::start(&self.ground, true).await {
            Ok(world) => {
                let world = Arc::new(world);
                let mut judged = self.judged(&world, control, one, variant).await;
                world.stop().await;
                young_keys::soften(&one.case, &self.ground.manifest, &mut judged);
                judged
            }
            Err(error) => Judged {
                variant: variant.name.clone(),
                verdict: Verdict::Inconclusive,
                reason: format!("no world of its own could be made for this case: {error}"),
                findings: Vec::new(),
                lines: Vec::new(),
                played: Arc::default(),
                rungs: String::new(),
                course: Vec::new(),
                breaches: Vec::new(),
            },
        }
    }

    /// G5: no fail is final until a second attempt with new identities, run alone, fails too. What missed a SHOULD or is
    /// inconclusive is tried alone once as well, since company may have been the reason.
    async fn confirm(
        self: &Arc<Self>,
        world: &Arc<World>,
        one: &Planned,
        mut outcome: Outcome,
        report: &mut Report,
    ) -> Outcome {
        let started = Instant::now();
        for (judged, variant) in outcome.variants.iter_mut().zip(&one.variants) {
            if judged.verdict < Verdict::Warn {
                continue;
            }
            if judged.findings.iter().any(|finding| finding.requirement == STAYS_UP) {
                continue;
            }
            let alone = match one.isolation {
                Isolation::Isolated => {
                    self.controls.forget_failed(None, &one.case, variant);
                    let mut alone = self.in_own_world(one, variant).await;
                    if let (Some(_), Some(how)) = (&judged.played.partner_died, alone.played.partner_died.clone()) {
                        died_alone(one, &mut alone, &how);
                    }
                    alone
                }
                _ => match self.alone(world, one, variant, 0, report).await {
                    Ok(alone) => alone,
                    // The report says already that the partner is gone; what was seen before stays.
                    Err(_) => continue,
                },
            };
            // What one attempt alone has against a partner that did better before is not final either.
            if judged.verdict == Verdict::Warn && alone.verdict > Verdict::Warn {
                continue;
            }
            let differs = alone.verdict < judged.verdict && alone.verdict < Verdict::Inconclusive;
            if differs && judged.verdict != Verdict::Inconclusive && judged.played.partner_died.is_none() {
                report.findings.push(crosstalk(one, judged, alone.verdict));
            }
            *judged = alone;
        }
        outcome.duration_ms += milliseconds(started);
        outcome
    }

    /// G2: after deviations a plain login of somebody new must work.
    async fn recover(self: &Arc<Self>, world: &Arc<World>, after: &str, report: &mut Report) {
        if report.run.blocked.is_some() {
            return;
        }
        // That it ended is judged where it did.
        if has_ended(world).await && self.start_again(world, after, report).await.is_err() {
            return;
        }
        let _alone = world.alone.write().await;
        for attempt in 0..2 {
            match super::smoke::plain_login(world).await {
                Ok(()) => return,
                Err(why) if attempt == 1 => {
                    report.findings.push(Finding {
                        requirement: "partner/resilience#recovers".to_owned(),
                        level: Level::Must,
                        verdict: Verdict::Fail,
                        expected: format!("after {after} a plain login works"),
                        observed: why,
                        variant: None,
                        exchange: None,
                        known: false,
                        rerun: None,
                    });
                    if let Err(error) = world.restart().await {
                        report.run.blocked.get_or_insert(error.to_string());
                    }
                }
                Err(_) => {}
            }
        }
    }

    fn summary(&self, one: &Planned, outcome: &Outcome) -> CaseResult {
        let verdicts = outcome.variants.iter().map(|judged| judged.verdict);
        // A variant that was not exercised says nothing while another was.
        let worst = verdicts.clone().max().unwrap_or(Verdict::NotApplicable);
        let reason = outcome
            .variants
            .iter()
            .find(|judged| judged.verdict == worst && !judged.reason.is_empty())
            .map(|judged| match &judged.variant {
                Some(variant) => format!("{variant}: {}", judged.reason),
                None => judged.reason.clone(),
            })
            .unwrap_or_default();
        let mut all = result(&self.request, one, worst, if worst == Verdict::Pass { String::new() } else { reason });
        all.duration_ms = outcome.duration_ms;
        all.findings = outcome.variants.iter().flat_map(|judged| judged.findings.iter().cloned()).collect();
        let mut breaches = self.breaches.lock().unwrap_or_else(PoisonError::into_inner);
        let own = outcome.variants.iter().flat_map(|judged| judged.breaches.iter().cloned());
        breaches.extend(own.map(|breach| Breach { seen_in: Some(one.case.id.clone()), ..breach }));
        all
    }

    /// An invariant's finding belongs to its own case, which fails if it was seen anywhere in the run.
    fn charge_breaches(&self, decided: &mut BTreeMap<String, Decided>, report: &mut Report) {
        let mut breaches = std::mem::take(&mut *self.breaches.lock().unwrap_or_else(PoisonError::into_inner));
        let key = |breach: &Breach| {
            let Breach { invariant, requirement, seen_in, mismatch, .. } = breach.clone();
            (invariant, requirement, mismatch.expected, seen_in, mismatch.observed)
        };
        breaches.sort_by_cached_key(key);
        breaches.dedup_by(|a, b| a.is_same(b));
        for breach in breaches {
            match self.owner(&breach, decided).and_then(|id| decided.get_mut(&id)) {
                Some(own) => {
                    let Some(case) = self.request.suite.cases.iter().find(|case| case.id == own.result.id) else {
                        continue;
                    };
                    // A message rule may be that of one of the case's steps.
                    let rule = breach.requirement.as_ref().unwrap_or(&case.requirement);
                    let level = case.level.as_ref().filter(|_| *rule == case.requirement);
                    let level = level.map_or_else(|| self.level_of(rule), |own| own.at(self.tier));
                    let finding = invariant_finding(rule, level, &breach);
                    own.result.verdict = own.result.verdict.max(finding.verdict);
                    if !own.result.findings.iter().any(|known| known.requirement == finding.requirement) {
                        own.result.findings.push(finding);
                    }
                }
                None => {
                    let (requirement, level) = match &breach.requirement {
                        Some(requirement) => (requirement.clone(), self.level_of(requirement)),
                        None => (format!("partner/invariant#{}", breach.invariant), Level::Should),
                    };
                    let rerun = breach.seen_in.as_ref().map(|id| format!("{} {id}", self.request.rerun_prefix));
                    report.findings.push(Finding { rerun, ..invariant_finding(&requirement, level, &breach) });
                }
            }
        }
    }

    /// The case whose own business a breach is, where it was decided in this run.
    fn owner(&self, breach: &Breach, decided: &BTreeMap<String, Decided>) -> Option<String> {
        let cases = self.request.suite.cases.iter();
        let mut own = cases.filter(|case| match &breach.requirement {
            Some(requirement) => names(case, requirement),
            None => breach.case == Some(case.id.as_str()),
        });
        own.find(|case| decided.get(&case.id).is_some_and(|one| one.result.verdict != Verdict::NotApplicable))
            .map(|case| case.id.clone())
    }

    fn level_of(&self, requirement: &str) -> Level {
        self.requirements().get(requirement).map_or(Level::Must, |rule| rule.level)
    }

    /// Something that people should know of the run.
    pub(super) fn tell_note(&self, text: String) {
        let _ = self.events.send(Event::Note(text));
    }

    fn tell(&self, result: &CaseResult) {
        let _ = self.events.send(Event::CaseFinished(Box::new(result.clone())));
    }
}

/// All variants of a case.
pub(super) struct Outcome {
    variants: Vec<Judged>,
    duration_ms: u64,
}

impl Outcome {
    /// Played since `started`.
    pub fn new(variants: Vec<Judged>, started: Instant) -> Self {
        Outcome { variants, duration_ms: milliseconds(started) }
    }

    /// The worst verdict of all.
    pub fn worst(&self) -> Verdict {
        self.variants.iter().map(|judged| judged.verdict).max().unwrap_or(Verdict::NotApplicable)
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn invariant_finding(requirement: &str, level: Level, breach: &Breach) -> Finding {
    Finding {
        requirement: requirement.to_owned(),
        level,
        verdict: level.when_missed(),
        expected: breach.mismatch.expected.clone(),
        observed: breach.mismatch.observed.clone(),
        variant: None,
        exchange: breach.mismatch.exchange.clone(),
        known: false,
        rerun: None,
    }
}

fn crosstalk(one: &Planned, judged: &Judged, alone: Verdict) -> Finding {
    let observed = judged.findings.first().map(|finding| finding.observed.clone()).unwrap_or_default();
    Finding {
        requirement: "partner/concurrency#crosstalk".to_owned(),
        level: Level::Should,
        verdict: Verdict::Warn,
        expected: format!("{} gives the same answer alone and in company", one.case.id),
        observed: format!("{} in company ({observed}), {alone} alone", judged.verdict),
        variant: judged.variant.clone(),
        exchange: judged.findings.first().and_then(|finding| finding.exchange.clone()),
        known: false,
        rerun: None,
    }
}

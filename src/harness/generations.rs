//! Generations of the partner (DESIGN section 6, item 7): one that exits takes down whatever is under way with it. That is
//! discarded; the partner is started again, and what was under way is played one case at a time. The case that is alone at
//! the second death is the one that kills it. What had not begun goes on side by side with the new generation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::model::result::{Finding, Report};
use crate::model::verdict::{Level, Verdict};

use super::decide::{Decider, Outcome};
use super::drive::PlayVariant;
use super::guard::Judged;
use super::plan::{Isolation, Planned};
use super::world::World;

/// The rule about staying up.
pub(super) const STAYS_UP: &str = "partner/resilience#stays-up";

/// How long the end of a process may be on its way to us after its connections were refused.
const NEWS: Duration = Duration::from_millis(30);

/// How often a partner may end while nothing of ours is under way, before the run gives up on it.
const BY_ITSELF: usize = 2;

/// What became of a case that was played in company.
pub(super) enum Fate {
    /// It was played, or why it was not.
    Done(Result<Outcome, String>),
    /// The partner ended meanwhile.
    Interrupted,
    /// The partner had ended before it began.
    Untouched,
}

impl Decider {
    /// Plays cases side by side, however often the partner ends meanwhile.
    pub(super) async fn in_generations(
        self: &Arc<Self>,
        world: &Arc<World>,
        mut open: Vec<Planned>,
        report: &mut Report,
    ) -> Vec<(Planned, Result<Outcome, String>)> {
        let mut done = Vec::new();
        let mut by_itself = 0;
        while !open.is_empty() {
            let (mut interrupted, mut untouched) = (Vec::new(), Vec::new());
            for (one, fate) in self.side_by_side(world, std::mem::take(&mut open)).await {
                match fate {
                    Fate::Done(outcome) => done.push((one, outcome)),
                    Fate::Interrupted => interrupted.push(one),
                    Fate::Untouched => untouched.push(one),
                }
            }
            if interrupted.is_empty() && untouched.is_empty() {
                break;
            }
            by_itself += usize::from(interrupted.is_empty());
            let how = world.partner().await.ended().unwrap_or_default();
            interrupted.sort_by(|a, b| a.case.id.cmp(&b.case.id));
            let names: Vec<&str> = interrupted.iter().map(|one| one.case.id.as_str()).collect();
            let during = if names.is_empty() { "between cases".to_owned() } else { names.join(", ") };
            if by_itself > BY_ITSELF {
                report.findings.push(ended_by_itself(&how));
                let why = || format!("the partner ends by itself: {how}");
                done.extend(interrupted.into_iter().chain(untouched).map(|one| (one, Err(why()))));
                break;
            }
            if let Err(why) = self.start_again(world, &during, report).await {
                done.extend(interrupted.into_iter().chain(untouched).map(|one| (one, Err(why.clone()))));
                break;
            }
            for one in interrupted {
                let outcome = self.one_alone(world, &one, report).await;
                done.push((one, outcome));
            }
            open = untouched;
        }
        done
    }

    async fn side_by_side(self: &Arc<Self>, world: &Arc<World>, cases: Vec<Planned>) -> Vec<(Planned, Fate)> {
        let seats = Arc::new(Semaphore::new(self.jobs()));
        let mut tasks = JoinSet::new();
        for one in cases {
            let (decider, world, seats) = (Arc::clone(self), Arc::clone(world), Arc::clone(&seats));
            tasks.spawn(async move {
                let _seat = seats.acquire_owned().await;
                let fate = decider.in_company(&world, &one).await;
                (one, fate)
            });
        }
        let mut done = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok(pair) => done.push(pair),
                // A bug of ours must be seen, never swallowed as if the case had not been there.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        done
    }

    async fn in_company(self: &Arc<Self>, world: &Arc<World>, one: &Planned) -> Fate {
        // An isolated case has a partner of its own.
        if one.isolation == Isolation::Isolated {
            return Fate::Done(self.case(world, one).await);
        }
        if has_ended(world).await {
            return Fate::Untouched;
        }
        let outcome = self.case(world, one).await;
        let troubled = outcome.as_ref().is_ok_and(|outcome| outcome.worst() >= Verdict::Inconclusive);
        if has_ended(world).await || (troubled && news_of_the_end(world).await) {
            return Fate::Interrupted;
        }
        Fate::Done(outcome)
    }

    /// Each variant alone; the partner ended once already while this case was under way.
    async fn one_alone(
        self: &Arc<Self>,
        world: &Arc<World>,
        one: &Planned,
        report: &mut Report,
    ) -> Result<Outcome, String> {
        let started = Instant::now();
        let mut variants: Vec<Judged> = Vec::new();
        for variant in &one.variants {
            variants.push(self.alone(world, one, variant, 1, report).await?);
        }
        Ok(Outcome::new(variants, started))
    }

    /// One variant, nothing beside it. `deaths`: how often the partner ended already while the case was under way; at the
    /// second time it is this case that ends it.
    ///
    /// # Errors
    /// The partner does not come up again.
    pub(super) async fn alone(
        &self,
        world: &Arc<World>,
        one: &Planned,
        variant: &PlayVariant,
        mut deaths: usize,
        report: &mut Report,
    ) -> Result<Judged, String> {
        loop {
            if has_ended(world).await {
                self.start_again(world, &one.case.id, report).await?;
            }
            let mut judged = {
                let _alone = world.alone.write().await;
                self.forget_failed_control(world, one, variant);
                self.variant(world, one, variant).await
            };
            if judged.verdict < Verdict::Inconclusive || !news_of_the_end(world).await {
                return Ok(judged);
            }
            deaths += 1;
            if deaths > 1 {
                let how = world.partner().await.ended().unwrap_or_default();
                died_alone(one, &mut judged, &how);
                self.start_again(world, &one.case.id, report).await?;
                return Ok(judged);
            }
        }
    }

    /// Starts the partner again after it ended.
    ///
    /// # Errors
    /// It does not come up; then the run is blocked.
    pub(super) async fn start_again(
        &self,
        world: &Arc<World>,
        during: &str,
        report: &mut Report,
    ) -> Result<(), String> {
        if let Err(error) = world.restart().await {
            report.run.blocked.get_or_insert(error.to_string());
            return Err("the partner ended and did not come up again".to_owned());
        }
        self.tell_note(format!("the partner ended ({during}); started again"));
        Ok(())
    }
}

pub(super) async fn has_ended(world: &World) -> bool {
    world.partner().await.ended().is_some()
}

/// Whether the partner has ended, or is about to be seen to have: a refused connection is faster than the news of a
/// process's end.
pub(super) async fn news_of_the_end(world: &World) -> bool {
    let partner = world.partner().await;
    tokio::time::timeout(NEWS, partner.wait_ended()).await.is_ok()
}

fn ended_by_itself(how: &str) -> Finding {
    Finding {
        requirement: STAYS_UP.to_owned(),
        level: Level::Must,
        verdict: Verdict::Fail,
        expected: "the partner stays up".to_owned(),
        observed: format!("it ended again and again while nothing was asked of it: {how}"),
        variant: None,
        exchange: None,
        known: false,
        rerun: None,
    }
}

/// The case that is alone at the second death of the partner is the one that kills it.
pub(super) fn died_alone(one: &Planned, judged: &mut Judged, how: &str) {
    judged.verdict = Verdict::Fail;
    judged.reason = String::new();
    // Whatever else was seen of a partner that is gone says nothing.
    judged.findings = vec![Finding {
        requirement: STAYS_UP.to_owned(),
        level: Level::Must,
        verdict: Verdict::Fail,
        expected: format!("the partner stays up through {}", one.case.id),
        observed: format!("it ended, alone and for the second time: {how}"),
        variant: judged.variant.clone(),
        exchange: judged.findings.first().and_then(|finding| finding.exchange.clone()),
        known: false,
        rerun: None,
    }];
}

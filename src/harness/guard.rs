//! From what an attempt left behind to a judgement: control, delivery, and every mismatch with its requirement.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::judge;
use crate::model::case::{Act, Case, RefreshPolicy};
use crate::model::course::Rung;
use crate::model::exchange::{Exchange, Party, Purpose};
use crate::model::fault::{Endpoint, Grant, Message, Object, ProviderName};
use crate::model::observation::{Observation, Whom};
use crate::model::requirement::Registry;
use crate::model::result::Finding;
use crate::model::verdict::{Level, Tier, Verdict};

use super::drive::{self, Mode, Order, Placed, PlayVariant, Played};
use super::world::{Ground, World};

/// The judgement on one variant.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Which.
    pub variant: Option<String>,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Why it is inconclusive or not applicable.
    pub reason: String,
    /// What did not hold.
    pub findings: Vec<Finding>,
    /// Each rule that was judged, with its level and verdict, in the order of the file.
    pub lines: Vec<(String, Level, Verdict)>,
    /// What the attempt left behind; once it is judged, no more of it than its [`Played::end`].
    pub played: Arc<Played>,
    /// Its exchanges and probes as text, for the snapshot; empty until drawn.
    pub rungs: String,
    /// The same for a diagram; empty where nobody asked for one.
    pub course: Vec<Rung>,
    /// Invariants that did not hold, here or in the control.
    pub breaches: Vec<judge::Breach>,
}

/// What a control run showed.
#[derive(Debug, Clone, Default)]
pub struct Control {
    /// Why it proves nothing; `None`: it went well.
    pub failed: Option<String>,
    /// Which messages the partner asked for, and of which provider.
    pub asked: BTreeSet<(ProviderName, Message)>,
    /// Which grants it used at the token endpoint.
    pub grants: BTreeSet<Grant>,
    /// Invariants that did not hold.
    pub breaches: Vec<judge::Breach>,
}

/// Control runs, shared among cases with the same actions, within one generation of the partner.
#[derive(Default)]
pub struct Controls {
    known: Mutex<HashMap<String, Arc<OnceCell<Arc<Control>>>>>,
}

impl Controls {
    /// The control of a case: from memory, or run now.
    pub async fn of(&self, world: &Arc<World>, case: &Arc<Case>, variant: &PlayVariant) -> Arc<Control> {
        let cell = self.cell(key(&place(world), case, variant));
        Arc::clone(cell.get_or_init(|| run_control(world, case, variant)).await)
    }

    /// The control of an isolated case. It has a world of its own, as the case has: what a partner fetches once and
    /// keeps (metadata, keys) must not be there already when the deviation comes. The variants of the case share it.
    pub async fn apart(&self, ground: &Arc<Ground>, case: &Arc<Case>, variant: &PlayVariant) -> Arc<Control> {
        let cell = self.cell(key(APART, case, variant));
        let control = cell.get_or_init(|| async {
            match World::start(ground, true).await {
                Ok(world) => {
                    let world = Arc::new(world);
                    let control = run_control(&world, case, variant).await;
                    world.stop().await;
                    control
                }
                Err(error) => {
                    let failed = Some(format!("no world of its own could be made for the control run: {error}"));
                    Arc::new(Control { failed, ..Control::default() })
                }
            }
        });
        Arc::clone(control.await)
    }

    fn cell(&self, key: String) -> Arc<OnceCell<Arc<Control>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_default())
    }

    /// Forgets a control that failed, so that it is run again: company may have been the reason.
    /// `world`: where it was; `None`: apart.
    pub fn forget_failed(&self, world: Option<&World>, case: &Case, variant: &PlayVariant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&world.map_or(APART.to_owned(), place), case, variant);
        if known.get(&key).and_then(|cell| cell.get()).is_some_and(|control| control.failed.is_some()) {
            known.remove(&key);
        }
    }
}

/// In keys: a world that is there for one control only.
const APART: &str = "apart";

/// In keys: one generation of the partner in one world.
fn place(world: &World) -> String {
    format!("{} {}", world.generation(), world.provider.issuer())
}

/// Two cases with equal keys have the same control run.
fn key(place: &str, case: &Case, variant: &PlayVariant) -> String {
    let mut steps = Vec::new();
    for step in &case.steps {
        if step.attack || matches!(step.act, Act::Fault(_) | Act::Expect(_) | Act::Mend(_)) {
            continue;
        }
        steps.push(format!(
            "{:?} {:?} {} {} {} {:?}",
            step.browser,
            step.tab,
            step.repeat,
            step.background,
            step.act.word(),
            step.act
        ));
    }
    let mut key = format!("{place} {steps:?}");
    if key.contains("Saved(\"variant\")") {
        key.push_str(&format!("{:?}", variant.value));
    }
    // A pushed message must have its effect in the control of a case that forges one, and only there.
    if place == APART || case.steps.iter().any(|step| matches!(step.act, Act::Notify(_))) {
        key.push_str(&case.id);
    }
    key
}

async fn run_control(world: &Arc<World>, case: &Arc<Case>, variant: &PlayVariant) -> Arc<Control> {
    let order = Order { case: Arc::clone(case), variant: variant.clone(), mode: Mode::Control };
    let played = drive::play(world, &order).await;
    let failed = control_failure(&played);
    Arc::new(Control {
        failed,
        asked: asked(&played),
        grants: grants(&played),
        breaches: breaches(world, &played, true),
    })
}

fn control_failure(played: &Played) -> Option<String> {
    if let Some(how) = &played.partner_died {
        return Some(format!("the partner ended during the control run: {how}"));
    }
    if let Some(sentence) = played.troubles.first() {
        return Some(format!("in the control run: {sentence}"));
    }
    if let Some(sentence) = &played.twin_missed {
        return Some(format!("in the control run {sentence}"));
    }
    let missed = played
        .sign_ins
        .iter()
        .find(|sign_in| sign_in.seen.as_ref().is_some_and(|whom| *whom != Whom::Person(sign_in.person.clone())))?;
    let seen = missed.seen.as_ref().map(ToString::to_string).unwrap_or_default();
    Some(format!(
        "the same steps without the deviation did not sign {} in: the probe says {seen}, the browser rested on {}",
        missed.person, missed.rested
    ))
}

/// The messages that a partner asked for, tokens inside answers included.
fn asked(played: &Played) -> BTreeSet<(ProviderName, Message)> {
    let mut asked = BTreeSet::new();
    for exchange in &played.transcript.exchanges {
        let (Some(endpoint), Party::Provider(at)) = (exchange.endpoint, exchange.to) else { continue };
        asked.insert((at, Message::Response(endpoint)));
        if endpoint == Endpoint::Token
            && let Some(json) = exchange.response_json()
        {
            for (member, object) in [("id_token", Object::IdToken), ("access_token", Object::AccessToken)] {
                if json.get(member).is_some() {
                    asked.insert((at, Message::Object(object)));
                }
            }
        }
    }
    asked
}

/// The grants of a partner's token requests.
fn grants(played: &Played) -> BTreeSet<Grant> {
    let of_case = played.transcript.exchanges.iter().filter(|exchange| exchange.cause.purpose == Purpose::Case);
    of_case
        .filter(|exchange| exchange.endpoint == Some(Endpoint::Token))
        .filter_map(|exchange| exchange.grant)
        .collect()
}

/// Plays one variant for real and judges it, by its control where it has deviations.
pub async fn judge_variant(
    world: &Arc<World>,
    control: Option<Arc<Control>>,
    case: &Arc<Case>,
    variant: &PlayVariant,
    tier: Tier,
    requirements: &Registry,
) -> Judged {
    let order = Order { case: Arc::clone(case), variant: variant.clone(), mode: Mode::Real };
    let played = Arc::new(drive::play(world, &order).await);
    let mut judged = Judged {
        variant: variant.name.clone(),
        verdict: Verdict::Pass,
        reason: String::new(),
        findings: Vec::new(),
        lines: Vec::new(),
        breaches: breaches(world, &played, !case.is_negative()),
        played: Arc::clone(&played),
        rungs: String::new(),
        course: Vec::new(),
    };
    if let Some(control) = &control {
        judged.breaches.extend(control.breaches.iter().cloned());
        if let Some(reason) = &control.failed {
            return judged.without_verdict(Verdict::Inconclusive, reason.clone());
        }
    }
    if let Some(sentence) = played.troubles.first() {
        return judged.without_verdict(Verdict::Inconclusive, sentence.clone());
    }
    if let Some(sentence) = &played.idle {
        return judged.without_verdict(Verdict::NotApplicable, format!("not exercised: {sentence}"));
    }
    if let Some((verdict, reason)) = undelivered(case.steps.iter().any(|step| step.attack), &played, control.as_deref())
    {
        return judged.without_verdict(verdict, reason);
    }
    if let Some(reason) = unused(case, &played) {
        return judged.without_verdict(Verdict::NotApplicable, reason);
    }
    expectations(&mut judged, case, variant, tier, requirements);
    if let Some(sentence) = &played.bystander_lost {
        let level = level_of(case, variant, None, None, tier, requirements);
        judged.add(Finding {
            requirement: case.requirement.clone(),
            level,
            verdict: level.when_missed(),
            expected: "nobody else is affected".to_owned(),
            observed: sentence.clone(),
            variant: variant.name.clone(),
            exchange: None,
            known: false,
            rerun: None,
        });
    }
    if let (Some(sentence), true) = (&played.twin_missed, judged.verdict < Verdict::Inconclusive) {
        return judged.without_verdict(Verdict::Inconclusive, sentence.clone());
    }
    judged
}

/// What every transcript must hold: invariants, and where nothing was amiss (`undisturbed`) the rules for messages. A
/// partner that passes on what a fault or an attack sent it is not to blame for how its requests look then; and each
/// case with a fault or an attack has a control run without.
fn breaches(world: &World, played: &Played, undisturbed: bool) -> Vec<judge::Breach> {
    let mut breaches = judge::invariants(&played.transcript, &played.facts);
    if undisturbed {
        breaches.extend(world.ground.messages.breaches(&played.transcript, &played.facts));
    }
    for breach in &mut breaches {
        breach.mismatch = std::mem::take(&mut breach.mismatch).masked(&played.facts);
    }
    breaches
}

impl Judged {
    fn without_verdict(mut self, verdict: Verdict, reason: String) -> Self {
        self.verdict = verdict;
        self.reason = reason;
        self
    }

    fn add(&mut self, finding: Finding) {
        self.verdict = self.verdict.max(finding.verdict);
        match self.lines.iter_mut().find(|(rule, level, _)| *rule == finding.requirement && *level == finding.level) {
            Some((_, _, verdict)) => *verdict = (*verdict).max(finding.verdict),
            None => self.lines.push((finding.requirement.clone(), finding.level, finding.verdict)),
        }
        self.findings.push(finding);
    }
}

/// G3: a fault that was never delivered proves nothing.
fn undelivered(attacks: bool, played: &Played, control: Option<&Control>) -> Option<(Verdict, String)> {
    let at_provider = |(at, address): &(ProviderName, crate::model::fault::Address)| match at {
        ProviderName::Main => address.to_string(),
        at => format!("{address} at {}", at.name()),
    };
    let words = |fault: &Placed| fault.addresses.iter().map(at_provider).collect::<Vec<_>>().join(", ");
    let (idle, missed): (Vec<&Placed>, Vec<&Placed>) =
        played.faults.iter().filter(|fault| fault.delivery.delivered == 0).partition(|fault| fault.delivery.idle > 0);
    if let (Some(first), true) = (idle.first(), idle.len() == played.faults.len())
        && !attacks
    {
        let what = words(first);
        return Some((Verdict::NotApplicable, format!("not exercised: {what} has nothing that could be changed so")));
    }
    let missed = missed.into_iter().next()?;
    let addresses = words(missed);
    let asked = control.is_some_and(|control| {
        missed.addresses.iter().zip(&missed.grants).any(|((at, address), grant)| match (&address.message, grant) {
            // Pushed messages are sent whether anybody asks or not.
            (Message::Object(Object::LogoutToken | Object::FrontchannelLogout), _) => true,
            (Message::Response(Endpoint::Token), Some(grant)) => control.grants.contains(grant),
            (message, _) => control.asked.contains(&(*at, message.clone())),
        })
    });
    if asked {
        let how = if missed.delivery.matched == 0 { "was never asked for" } else { "was not taken to its end" };
        Some((Verdict::Inconclusive, format!("the fault in {addresses} {how}, although the control run asked for it")))
    } else {
        Some((Verdict::NotApplicable, format!("not exercised: the partner never asks for {addresses}")))
    }
}

/// G3 for options: what becomes of refresh tokens can only be judged where the partner refreshes.
fn unused(case: &Case, played: &Played) -> Option<String> {
    let about_refreshing = case.steps.iter().any(|step| {
        matches!(&step.act, Act::Provider(options)
            if options.refresh.is_some_and(|policy| policy != RefreshPolicy::None))
    });
    (about_refreshing && !grants(played).contains(&Grant::RefreshToken))
        .then(|| "not exercised: the partner did not refresh".to_owned())
}

fn expectations(judged: &mut Judged, case: &Case, variant: &PlayVariant, tier: Tier, requirements: &Registry) {
    let played = Arc::clone(&judged.played);
    let deviation = deviation(case, &played);
    for observation in &played.observations {
        let Some(step) = case.steps.get(observation.step) else { continue };
        let rule = step.requirement.as_deref().unwrap_or(&case.requirement);
        let level = level_of(case, variant, step.level.as_ref(), step.requirement.as_deref(), tier, requirements);
        let mismatches = judge::observation(observation, &played.transcript, &played.facts);
        if mismatches.is_empty() && !judged.lines.iter().any(|(own, at, _)| own == rule && *at == level) {
            judged.lines.push((rule.to_owned(), level, Verdict::Pass));
        }
        for mismatch in mismatches {
            if mismatch.inconclusive && judged.reason.is_empty() {
                judged.reason = format!("{}: {}", mismatch.expected, mismatch.observed);
            }
            judged.add(Finding {
                requirement: rule.to_owned(),
                level,
                verdict: if mismatch.inconclusive { Verdict::Inconclusive } else { level.when_missed() },
                expected: mismatch.expected,
                observed: mismatch.observed,
                variant: variant.name.clone(),
                exchange: evidence(deviation.as_deref(), mismatch.exchange)
                    .or_else(|| last_answer(&played, observation)),
                known: false,
                rerun: None,
            });
        }
    }
}

/// The exchange that carried the deviation, in words: what the partner should have minded.
fn deviation(case: &Case, played: &Played) -> Option<String> {
    let exchanges = &played.transcript.exchanges;
    let of_an_attack = |exchange: &&Exchange| {
        exchange.to == Party::Partner
            && exchange.cause.purpose == Purpose::Case
            && case.steps.get(exchange.cause.step).is_some_and(|step| step.attack)
    };
    let faulty = exchanges.iter().rev().find(|exchange| !exchange.faults.is_empty());
    let told = faulty.or_else(|| exchanges.iter().find(of_an_attack))?;
    Some(judge::describe(told, &played.facts))
}

/// What a browser was answered last before something was expected of it: for what shows in no exchange of its own.
fn last_answer(played: &Played, observation: &Observation) -> Option<String> {
    let exchanges = played.transcript.exchanges.iter().rev();
    let mut own = exchanges.filter(|exchange| {
        exchange.to == Party::Partner
            && exchange.cause.purpose == Purpose::Case
            && exchange.cause.browser == observation.browser
            && exchange.seq <= observation.upto
    });
    own.next().map(|exchange| judge::describe(exchange, &played.facts))
}

/// The deviation and what was seen of it.
fn evidence(deviation: Option<&str>, seen: Option<String>) -> Option<String> {
    match (deviation, seen) {
        (Some(deviation), Some(seen)) if !seen.contains(deviation) => Some(format!("{deviation}\n{seen}")),
        (Some(deviation), None) => Some(deviation.to_owned()),
        (_, seen) => seen,
    }
}

/// Whether a rule is the case's own or that of one of its steps.
pub(super) fn names(case: &Case, rule: &str) -> bool {
    case.requirement == rule || case.steps.iter().any(|step| step.requirement.as_deref() == Some(rule))
}

/// The step's level, else the variant's, else the case's, else that of the requirement.
pub(super) fn level_of(
    case: &Case,
    variant: &PlayVariant,
    step: Option<&crate::model::verdict::LevelRule>,
    step_requirement: Option<&str>,
    tier: Tier,
    requirements: &Registry,
) -> Level {
    let own = |id: &str| requirements.get(id).map(|rule| rule.level);
    step.map(|rule| rule.at(tier))
        .or_else(|| step_requirement.and_then(own))
        .or_else(|| variant.level.as_ref().map(|rule| rule.at(tier)))
        .or_else(|| case.level.as_ref().map(|rule| rule.at(tier)))
        .or_else(|| own(&case.requirement))
        .unwrap_or(Level::Must)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Delivery, FaultId};
    use crate::model::fault::{Address, Layer, ProviderName};

    fn token_request(grant: Grant) -> Exchange {
        Exchange {
            seq: 1,
            from: Party::Partner,
            to: Party::Provider(ProviderName::Main),
            cause: Cause::default(),
            endpoint: Some(Endpoint::Token),
            grant: Some(grant),
            person: None,
            request: Arc::default(),
            response: None,
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }

    fn played(used: &[Grant]) -> Played {
        let mut played = Played::default();
        played.transcript.exchanges = used.iter().map(|grant| token_request(*grant)).collect();
        played
    }

    fn control(used: &[Grant]) -> Control {
        let played = played(used);
        Control { failed: None, asked: asked(&played), grants: grants(&played), breaches: Vec::new() }
    }

    #[test]
    fn a_fault_in_an_answer_that_this_partner_never_asks_for_is_not_exercised() {
        let placed = Placed {
            name: None,
            ids: vec![(ProviderName::Main, FaultId(1))],
            addresses: vec![(
                ProviderName::Main,
                Address { message: Message::Response(Endpoint::Token), layer: Layer::Members },
            )],
            grants: vec![Some(Grant::RefreshToken)],
            delivery: Delivery::default(),
        };
        let played = Played { faults: vec![placed], ..played(&[Grant::AuthorizationCode]) };
        let verdict = |used: &[Grant]| undelivered(false, &played, Some(&control(used))).map(|(verdict, _)| verdict);
        assert_eq!(verdict(&[Grant::AuthorizationCode]), Some(Verdict::NotApplicable));
        assert_eq!(verdict(&[Grant::AuthorizationCode, Grant::RefreshToken]), Some(Verdict::Inconclusive));
    }

    #[test]
    fn a_fault_that_finds_nothing_to_change_neither_proves_nor_spoils_anything() {
        let placed = Placed {
            name: None,
            ids: Vec::new(),
            addresses: vec![(
                ProviderName::Main,
                Address { message: Message::Response(Endpoint::Authorization), layer: Layer::Members },
            )],
            grants: vec![None],
            delivery: Delivery { matched: 1, delivered: 0, idle: 1 },
        };
        let played = Played { faults: vec![placed], ..played(&[Grant::AuthorizationCode]) };
        let verdict = |attacks| undelivered(attacks, &played, None).map(|(verdict, _)| verdict);
        assert_eq!(verdict(false), Some(Verdict::NotApplicable), "there was no deviation at all");
        assert_eq!(verdict(true), None, "the attack is one");
    }
}

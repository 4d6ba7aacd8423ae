//! Faults in force: which of them mean a message, and what became of them.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::control::Whom;
use crate::model::exchange::{Delivery, FaultId};
use crate::model::fault::{Address, Fault, Grant, Layer, Message, Pace, Patch, ProviderName};
use crate::model::value::Unresolved;

use super::ledger::Origin;
use super::state::AttemptState;

/// A fault in force within an attempt.
pub(super) struct Placed {
    pub id: FaultId,
    pub fault: Fault,
    /// How many messages each patch was compared with successfully, `nth` aside.
    pub seen: Vec<u64>,
    pub delivery: Delivery,
    /// Tied to these logins; `None`: it means every request of its attempt.
    pub only: Option<Only>,
    /// True once it was mended: what it holds goes out.
    pub released: watch::Sender<bool>,
}

/// What is known of a message when a fault looks at it.
#[derive(Debug, Clone, Default)]
pub(super) struct MessageFacts {
    pub person: Option<String>,
    pub grant: Option<Grant>,
    pub path: String,
    /// The login that the message belongs to; empty where there is none.
    pub login: String,
}

/// The logins that a fault is tied to.
#[derive(Debug, Clone, Default)]
pub(super) struct Only {
    pub whom: Whom,
    /// How many more logins may come to it.
    pub left: u32,
    /// Those that have.
    pub logins: Vec<String>,
}

impl Only {
    fn means(&self, login: &str) -> bool {
        !login.is_empty() && self.logins.iter().any(|own| own == login)
    }
}

/// A patch that means a message.
#[derive(Clone)]
pub(super) struct Hit {
    pub fault: FaultId,
    pub patch: Patch,
}

/// Every patch that means this message now, of all layers; counts it as matched.
pub(super) fn take(attempt: &AttemptState, at: ProviderName, message: &Message, facts: &MessageFacts) -> Vec<Hit> {
    let mut inner = attempt.inner();
    let mut hits = Vec::new();
    for placed in &mut inner.faults {
        if *placed.released.borrow() || placed.only.as_ref().is_some_and(|only| !only.means(&facts.login)) {
            continue;
        }
        for (index, patch) in placed.fault.patches.iter().enumerate() {
            if patch.address.message != *message || !is_meant(patch, at, facts) || certificate(patch).is_some() {
                continue;
            }
            let Some(seen) = placed.seen.get_mut(index) else { continue };
            *seen += 1;
            if patch.selectors.nth.is_none_or(|nth| nth.contains(*seen)) {
                placed.delivery.matched += 1;
                hits.push(Hit { fault: placed.id, patch: patch.clone() });
            }
        }
    }
    hits
}

fn is_meant(patch: &Patch, at: ProviderName, facts: &MessageFacts) -> bool {
    let selectors = &patch.selectors;
    selectors.at == at
        && selectors.of.as_ref().is_none_or(|of| facts.person.as_ref() == Some(of))
        && selectors.grant.is_none_or(|grant| facts.grant == Some(grant))
        && selectors.path.as_ref().is_none_or(|path| facts.path.ends_with(path.as_str()))
}

/// The certificate that a patch shows: no message, but what comes before all of them.
pub(super) fn certificate(patch: &Patch) -> Option<&str> {
    match &patch.operations.send {
        Some(Pace::Certificate(how)) => Some(how),
        _ => None,
    }
}

/// A bad certificate was shown, as a fault says.
pub(super) fn shown(attempt: &AttemptState, fault: FaultId) {
    for placed in attempt.inner().faults.iter_mut().filter(|placed| placed.id == fault) {
        placed.delivery.matched += 1;
    }
    delivered(attempt, &[fault]);
}

/// The message that a fault changed left to the last byte that the fault allows.
pub(super) fn delivered(attempt: &AttemptState, faults: &[FaultId]) {
    {
        let mut inner = attempt.inner();
        for placed in &mut inner.faults {
            let times = faults.iter().filter(|id| **id == placed.id).count() as u64;
            placed.delivery.delivered += times;
        }
    }
    attempt.happened();
}

/// A message that a fault meant could not be changed as the fault says.
pub(super) fn failed(attempt: &AttemptState, fault: FaultId, why: &Unresolved) {
    if why.absent
        && let Some(placed) = attempt.inner().faults.iter_mut().find(|placed| placed.id == fault)
    {
        placed.delivery.idle += 1;
    }
}

/// Whether any fault in force touches these messages: the fast way for what is served from memory.
pub(super) fn any(attempt: &AttemptState, message: &Message) -> bool {
    let inner = attempt.inner();
    inner.faults.iter().any(|placed| {
        !*placed.released.borrow() && placed.fault.patches.iter().any(|patch| patch.address.message == *message)
    })
}

impl Placed {
    pub fn new(id: FaultId, fault: Fault, only: Option<Only>) -> Self {
        let seen = vec![0; fault.patches.len()];
        Placed { id, fault, seen, delivery: Delivery::default(), only, released: watch::channel(false).0 }
    }
}

/// A login has come to its answer: it takes the first fault that waits for such a one.
pub(super) fn bind(attempt: &AttemptState, origin: &Origin, client: &str, state: Option<&str>) {
    let mut inner = attempt.inner();
    let is = |wanted: &Option<String>, own: Option<&str>| wanted.is_none() || wanted.as_deref() == own;
    let mut waiting = inner.faults.iter_mut().filter(|placed| !*placed.released.borrow());
    let taken = waiting.find_map(|placed| {
        placed.only.as_mut().filter(|only| {
            only.left > 0
                && is(&only.whom.persona, origin.person.as_deref())
                && is(&only.whom.client, Some(client))
                && is(&only.whom.state, state)
        })
    });
    if let Some(only) = taken.filter(|only| !only.means(&origin.tab)) {
        only.left -= 1;
        only.logins.push(origin.tab.clone());
    }
}

/// Whether a fault still waits for a login, or means every request.
pub(super) fn waits(placed: &Placed) -> bool {
    !*placed.released.borrow() && placed.only.as_ref().is_none_or(|only| only.left > 0)
}

/// Waits until one of these faults is mended.
pub(super) fn release_of(attempt: &Arc<AttemptState>, fault: FaultId) -> Option<watch::Receiver<bool>> {
    attempt.inner().faults.iter().find(|placed| placed.id == fault).map(|placed| placed.released.subscribe())
}

/// Splits the patches of an object by layer: claims, JOSE header.
pub(super) fn by_layer(hits: &[Hit]) -> (Vec<&Patch>, Vec<&Patch>) {
    let of = |layer: Layer| {
        hits.iter()
            .map(|hit| &hit.patch)
            .filter(move |patch| matches!(&patch.address, Address { layer: own, .. } if *own == layer))
            .collect()
    };
    (of(Layer::Members), of(Layer::Jose))
}

//! What the control interface tells: state, faults, exchanges, and the wait for one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::faults::{self, Placed};
use super::super::state::Shared;
use super::{Refusal, seen, text};
use crate::model::control::{Exchanges, FaultSeen, PersonaSeen, State};
use crate::model::exchange::Exchange;
use crate::model::manifest::duration;
use crate::model::persona::Person;

/// The longest wait of one request.
const LONGEST: Duration = Duration::from_secs(300);
/// Exchanges in one answer.
const MOST: usize = 500;

pub(super) fn state(shared: &Shared) -> State {
    let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner).keys().cloned().collect();
    let keys = shared.ring.published().to_json();
    let keys =
        keys["keys"].as_array().map(|keys| keys.iter().map(|key| text(&key["kid"])).collect()).unwrap_or_default();
    let faults = faults(shared);
    let inner = shared.ambient.inner();
    State {
        issuer: shared.issuer.clone(),
        clock: inner.options.clock,
        personas: inner.people.values().map(|own| person(own, inner.locked.contains(&own.name))).collect(),
        clients,
        keys,
        faults,
    }
}

pub(super) fn person(own: &Person, disabled: bool) -> PersonaSeen {
    PersonaSeen {
        name: own.name.clone(),
        sub: own.sub.clone(),
        login: own.login.clone(),
        fields: own.fields.clone(),
        disabled,
    }
}

pub(super) fn faults(shared: &Shared) -> Vec<FaultSeen> {
    let inner = shared.ambient.inner();
    inner.faults.iter().filter(|placed| !*placed.released.borrow()).map(fault_seen).collect()
}

fn fault_seen(placed: &Placed) -> FaultSeen {
    let only = placed.only.clone().unwrap_or_default();
    FaultSeen {
        id: placed.id.0,
        changes: placed.fault.patches.iter().map(|patch| patch.address.to_string()).collect(),
        whom: only.whom,
        waits_for: only.left,
        logins: only.logins,
        matched: placed.delivery.matched,
        delivered: placed.delivery.delivered,
        idle: placed.delivery.idle,
    }
}

pub(super) fn fault(shared: &Shared, id: &str) -> Result<FaultSeen, Refusal> {
    let own = faults(shared).into_iter().find(|fault| fault.id.to_string() == id);
    own.ok_or_else(|| no_fault(id))
}

pub(super) fn no_fault(id: &str) -> Refusal {
    Refusal::new(404, format!("no fault has the id {id}"), "GET faults lists those that are there")
}

/// Which exchanges are asked for.
#[derive(Default)]
struct Wanted {
    after: u64,
    client: Option<String>,
    persona: Option<String>,
    endpoint: Option<String>,
    login: Option<String>,
    status: Option<u16>,
    wait: Option<Duration>,
    secrets: bool,
    most: usize,
}

impl Wanted {
    fn read(query: &[(String, String)]) -> Result<Wanted, Refusal> {
        let mut wanted = Wanted { most: MOST, ..Wanted::default() };
        let wrong = |name: &str, value: &str, help: &str| {
            Refusal::new(400, format!("{name}={value} cannot be read"), format!("{name} is {help}"))
        };
        for (name, value) in query {
            let own = || Some(value.clone());
            let refuse = |help: &str| wrong(name, value, help);
            match name.as_str() {
                "after" => wanted.after = value.parse().map_err(|_| refuse("the `last` of an answer"))?,
                "client" => wanted.client = own(),
                "persona" => wanted.persona = own(),
                "login" => wanted.login = own(),
                "endpoint" => {
                    let known = crate::model::fault::Endpoint::from_name(value);
                    wanted.endpoint =
                        Some(known.ok_or_else(|| refuse("authorization, token, userinfo, …"))?.name().to_owned());
                }
                "status" => wanted.status = Some(value.parse().map_err(|_| refuse("an HTTP status"))?),
                "wait" => {
                    let wait = duration(value).filter(|wait| *wait <= LONGEST);
                    wanted.wait = Some(wait.ok_or_else(|| refuse("a duration of at most 300s, such as 10s"))?);
                }
                "secrets" if value == "show" => wanted.secrets = true,
                "secrets" => return Err(refuse("show, or left out")),
                "most" => {
                    let most = value.parse().ok().filter(|most| (1..=MOST).contains(most));
                    wanted.most = most.ok_or_else(|| refuse("a number from 1 to 500"))?;
                }
                _ => {
                    let help = "after client persona endpoint login status wait secrets most";
                    return Err(Refusal::new(400, format!("`{name}` is no parameter of exchanges"), help));
                }
            }
        }
        Ok(wanted)
    }

    fn means(&self, own: &Exchange) -> bool {
        let is =
            |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
        own.seq > self.after
            // Whoever waits wants an answer that was given.
            && (self.wait.is_none() || own.response.is_some())
            && is(&self.persona, own.person.as_deref())
            && is(&self.endpoint, own.endpoint.map(crate::model::fault::Endpoint::name))
            && is(&self.login, Some(own.cause.tab.as_str()))
            && self.status.is_none_or(|status| own.response.as_ref().is_some_and(|own| own.status == status))
            && (self.client.is_none() || is(&self.client, seen::client(own).as_deref()))
    }
}

/// The exchanges that a query means; with `wait`, as soon as there is one, or none after that time.
pub(super) async fn exchanges(shared: &Arc<Shared>, query: &[(String, String)]) -> Result<Exchanges, Refusal> {
    let wanted = Wanted::read(query)?;
    let mut events = shared.ambient.events.subscribe();
    let waiting = async {
        loop {
            let found = found(shared, &wanted);
            if !found.exchanges.is_empty() || wanted.wait.is_none() || events.changed().await.is_err() {
                return found;
            }
        }
    };
    match wanted.wait {
        None => Ok(waiting.await),
        Some(wait) => match tokio::time::timeout(wait, waiting).await {
            Ok(found) => Ok(found),
            Err(_) => Ok(found(shared, &wanted)),
        },
    }
}

fn found(shared: &Shared, wanted: &Wanted) -> Exchanges {
    let inner = shared.ambient.inner();
    let mut all: Vec<&Exchange> = inner.exchanges.iter().filter(|own| wanted.means(own)).collect();
    all.sort_by_key(|own| own.seq);
    // The newest of them, where there are too many.
    let all = &all[all.len().saturating_sub(wanted.most)..];
    let last = inner.exchanges.iter().map(|own| own.seq).max().unwrap_or(0).max(wanted.after);
    Exchanges { exchanges: all.iter().map(|own| seen::exchange(own, wanted.secrets)).collect(), last }
}

/// An exchange as a server-sent event for programs.
pub(super) fn event(own: &Exchange) -> String {
    json!(seen::exchange(own, false)).to_string()
}

/// Whether any fault is there.
pub(super) fn count(shared: &Shared) -> usize {
    let inner = shared.ambient.inner();
    inner.faults.iter().filter(|placed| faults::waits(placed)).count()
}

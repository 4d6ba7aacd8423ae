//! What the control interface changes: people, faults, tokens, keys, the clock. Each looks at everything that it was told
//! before it changes anything.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};

use super::super::faults::{self, Only};
use super::super::ledger::{Ledger, Origin};
use super::super::state::Shared;
use super::super::{Attempt, authorize, device, everyday, token};
use super::{Refusal, look, nothing};
use crate::model::case::{AccountChange, Change, Vocabulary, fault_alone};
use crate::model::control::{
    Account, Clock, DevicePoll, DeviceScript, FaultSeen, NewFault, NewPersona, NewTokens, PersonaChange, PersonaSeen,
    Revocation, Rotation, Whom,
};
use crate::model::diagnostic::nearest;
use crate::model::exchange::{FaultId, Response};
use crate::model::fault::{Endpoint, Fault, Message};
use crate::model::manifest::duration;
use crate::model::persona::{Person, Persona};

/// Faults that wait or are in force, at most.
const FAULTS: usize = 1_000;
/// People, at most.
const PEOPLE: usize = 10_000;

fn everybody(shared: &Arc<Shared>) -> Attempt {
    Attempt { shared: Arc::clone(shared), state: Arc::clone(&shared.ambient) }
}

fn nobody(shared: &Shared, name: &str) -> Refusal {
    let inner = shared.ambient.inner();
    let known: Vec<&str> = inner.people.keys().take(20).map(String::as_str).collect();
    Refusal::new(404, format!("nobody is called {name}"), format!("the people: {}", known.join(" ")))
}

fn known_person(shared: &Shared, name: &str) -> Result<Person, Refusal> {
    shared.ambient.person(name).ok_or_else(|| nobody(shared, name))
}

fn seen(shared: &Shared, name: &str) -> Result<PersonaSeen, Refusal> {
    let person = known_person(shared, name)?;
    Ok(look::person(&person, shared.ambient.inner().locked.contains(&person.name)))
}

/// A person is added, or takes the place of the one of that name.
pub(super) fn put_person(shared: &Arc<Shared>, name: &str, new: NewPersona) -> Result<PersonaSeen, Refusal> {
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(Refusal::new(400, "this is no name", "up to 100 letters, none of them a control character"));
    }
    let text = |field: &str| match new.fields.get(field) {
        None | Some(Json::String(_)) => Ok(()),
        Some(_) => Err(Refusal::new(400, format!("{field} is no text"), format!("\"{field}\": \"…\""))),
    };
    ["sub", "login", "password"].into_iter().try_for_each(text)?;
    let inner = shared.ambient.inner();
    if inner.people.len() >= PEOPLE && !inner.people.contains_key(name) {
        return Err(Refusal::new(409, format!("there are {PEOPLE} people already"), "DELETE some"));
    }
    drop(inner);
    let persona = Persona { fields: new.fields, visible: new.visible, ..Persona::named(name) };
    let person = everyday::person(&persona);
    nobody_else_is(shared, &person)?;
    everybody(shared).add_person(person);
    seen(shared, name)
}

/// A subject is one person's (OpenID Connect Core, section 8), and so is a user name.
fn nobody_else_is(shared: &Shared, person: &Person) -> Result<(), Refusal> {
    let inner = shared.ambient.inner();
    match everyday::shared_with(person, inner.people.values()) {
        Some((what, other)) => Err(Refusal::new(
            409,
            format!("{other} has this {what} already"),
            format!("give each person a {what} of her own, or DELETE personas/{other} before"),
        )),
        None => Ok(()),
    }
}

/// Something becomes different about a person.
pub(super) fn change_person(shared: &Arc<Shared>, name: &str, change: PersonaChange) -> Result<PersonaSeen, Refusal> {
    let mut person = known_person(shared, name)?;
    for (field, value) in change.set {
        match (field.as_str(), value) {
            ("sub", Json::String(text)) => person.sub = text,
            ("login", Json::String(text)) => person.login = text,
            ("password", Json::String(text)) => person.password = text,
            ("sub" | "login" | "password", _) => {
                return Err(Refusal::new(400, format!("{field} is no text"), format!("\"{field}\": \"…\"")));
            }
            (_, value) => drop(person.fields.insert(field, value)),
        }
    }
    let mut names: Vec<&str> = person.fields.keys().map(String::as_str).collect();
    names.extend(["sub", "login", "password"]);
    if let Some(field) = change.drop.iter().chain(change.visible.keys()).find(|field| !names.contains(&field.as_str()))
    {
        let help = match nearest(field, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("she has: {}", names.join(" ")),
        };
        return Err(Refusal::new(400, format!("{name} has no field `{field}`"), help));
    }
    if let Some(field) = change.drop.iter().find(|field| matches!(field.as_str(), "sub" | "login" | "password")) {
        let help = format!("\"set\": {{\"{field}\": \"…\"}} gives her another one");
        return Err(Refusal::new(400, format!("nobody is without {field}"), help));
    }
    change.drop.iter().for_each(|field| drop(person.fields.remove(field)));
    person.visible.extend(change.visible);
    nobody_else_is(shared, &person)?;
    everybody(shared).add_person(person);
    if let Some(account) = change.account {
        let account = match account {
            Account::Disabled => AccountChange::Disabled,
            Account::Enabled => AccountChange::Enabled,
            Account::SignedOut => AccountChange::SignedOut,
            Account::New => AccountChange::New,
        };
        let change = Change { of: name.to_owned(), account: Some(account), ..Change::default() };
        everybody(shared).change(&change).map_err(|error| Refusal::new(400, error.to_string(), "mend the request"))?;
    }
    seen(shared, name)
}

/// A person is gone: she is signed out, and her tokens are dead.
pub(super) fn remove_person(shared: &Arc<Shared>, name: &str) -> Result<Response, Refusal> {
    known_person(shared, name)?;
    revoke(shared, &Revocation { persona: Some(name.to_owned()), ..Revocation::default() })?;
    let mut ledger = shared.ledger();
    ledger.sessions.values_mut().filter(|session| session.person == name).for_each(|session| session.ended = true);
    drop(ledger);
    shared.ambient.inner().people.remove(name);
    Ok(nothing())
}

/// A fault as a case file writes it, from JSON or from TOML.
fn read_fault(shared: &Shared, fault: &Json) -> Result<Fault, Refusal> {
    let text = match fault {
        Json::String(text) => text.clone(),
        other => {
            let value: toml::Value = serde_json::from_value(other.clone()).map_err(|_| {
                Refusal::new(
                    400,
                    "null has no place in a fault",
                    "{\"json\": \"null\"} sends null; `drop` leaves a member out",
                )
            })?;
            format!("fault = {value}\n")
        }
    };
    let people: BTreeSet<String> = shared.ambient.inner().people.keys().cloned().collect();
    let vocabulary = Vocabulary { people, ..Vocabulary::default() };
    fault_alone("fault", &text, &vocabulary).map_err(|wrong| {
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        Refusal::new(400, wrong.join("\n"), "docs/writing-cases.md tells what a fault is")
    })
}

/// A fault waits from now on.
pub(super) fn put_fault(shared: &Arc<Shared>, new: NewFault) -> Result<FaultSeen, Refusal> {
    let fault = read_fault(shared, &new.fault)?;
    let whom = new.whom;
    let named = whom.persona.is_some() || whom.client.is_some() || whom.state.is_some();
    if named == whom.everybody {
        let help = "\"for\": {\"persona\": \"alice\"}, {\"client\": \"shop\"}, {\"state\": \"…\"}, any of them together, or {\"everybody\": true}";
        return Err(Refusal::new(400, "it is not clear whom the fault is for", help));
    }
    if let Some(name) = &whom.persona {
        known_person(shared, name)?;
    }
    if let Some(id) = whom.client.as_ref().filter(|id| shared.client(id).is_none()) {
        return Err(Refusal::new(
            404,
            format!("no client has the id {id}"),
            "GET state lists those that are registered",
        ));
    }
    if !(1..=1_000).contains(&new.times) {
        return Err(Refusal::new(400, "times is out of bounds", "from 1 to 1000"));
    }
    let certificate = fault.patches.iter().any(|patch| faults::certificate(patch).is_some());
    if certificate && !(whom.everybody && shared.tls.is_some()) {
        let help = "{\"everybody\": true} at the first issuer, with --tls";
        return Err(Refusal::new(400, "a certificate is shown to whoever connects, before any login is known", help));
    }
    let loginless = |message: &Message| matches!(message, Message::Response(Endpoint::Discovery | Endpoint::Jwks));
    if let Some(patch) = fault.patches.iter().find(|patch| !whom.everybody && loginless(&patch.address.message)) {
        let error = format!("{} belongs to no login", patch.address);
        return Err(Refusal::new(
            400,
            error,
            "\"for\": {\"everybody\": true}, at an issuer of its own: /NAME/_countersign/faults",
        ));
    }
    let mut inner = shared.ambient.inner();
    // Those that were taken away, and those that had their logins first of all.
    inner.faults.retain(|placed| !*placed.released.borrow());
    if inner.faults.len() >= FAULTS {
        let done = inner.faults.iter().position(|placed| !faults::waits(placed));
        let at = done
            .ok_or_else(|| Refusal::new(409, format!("{FAULTS} faults wait already"), "DELETE some, or POST reset"))?;
        inner.faults.remove(at);
    }
    drop(inner);
    let only = (!whom.everybody).then(|| Only { whom: whom.clone(), left: new.times, logins: Vec::new() });
    let FaultId(id) = everybody(shared).put_for(&fault, only);
    let seen = look::fault(shared, &id.to_string())?;
    let whom = Whom { everybody: whom.everybody, ..seen.whom.clone() };
    Ok(FaultSeen { whom, ..seen })
}

/// A fault is taken away; what it withholds goes out.
pub(super) fn end_fault(shared: &Arc<Shared>, id: &str) -> Result<Response, Refusal> {
    let known = look::fault(shared, id)?;
    everybody(shared).mend(FaultId(known.id));
    shared.ambient.inner().faults.retain(|placed| placed.id.0 != known.id);
    Ok(nothing())
}

/// Tokens are dead from now on.
pub(super) fn revoke(shared: &Arc<Shared>, what: &Revocation) -> Result<Json, Refusal> {
    if what == &Revocation::default() {
        let help = "persona, client, token, or several: those that all of it is true of";
        return Err(Refusal::new(400, "it is not said what is revoked", help));
    }
    let mut ledger = shared.ledger();
    let family =
        match &what.token {
            None => None,
            Some(token) => {
                let access = ledger.access.get(token).map(|own| own.family.clone());
                let family = access.or_else(|| ledger.refresh.get(token).map(|own| own.family.clone()));
                Some(family.ok_or_else(|| {
                    Refusal::new(404, "this token is not known here", "was it issued by this issuer?")
                })?)
            }
        };
    let means = |origin: &Origin, client: &str, own: &str| {
        (what.persona.is_none() || origin.person == what.persona)
            && what.client.as_deref().is_none_or(|id| id == client)
            && family.as_deref().is_none_or(|family| family == own)
    };
    let mut count = 0;
    for own in ledger.access.values_mut().filter(|own| !own.revoked && means(&own.origin, &own.client_id, &own.family))
    {
        own.revoked = true;
        count += 1;
    }
    for own in ledger.refresh.values_mut().filter(|own| !own.revoked && means(&own.origin, &own.client_id, &own.family))
    {
        own.revoked = true;
        count += 1;
    }
    drop(ledger);
    if let (Some(name), None, None) = (&what.persona, &what.client, &what.token) {
        shared.ambient.inner().grants.retain(|(person, _), _| person != name);
    }
    Ok(json!({ "revoked": count }))
}

/// New keys sign from now on.
pub(super) async fn rotate(shared: &Arc<Shared>, how: Rotation) -> Result<Json, Refusal> {
    let own = Arc::clone(shared);
    // RSA keys take their time, which no other request should wait for.
    let made = tokio::task::spawn_blocking(move || own.ring.rotate(!how.withdraw)).await;
    match made {
        Ok(Ok(())) => {
            *shared.jwks.write().unwrap_or_else(PoisonError::into_inner) = None;
            Ok(json!({ "keys": look::state(shared).keys }))
        }
        Ok(Err(error)) => Err(Refusal::new(409, error.to_string(), "start serve anew")),
        Err(_) => Err(Refusal::new(500, "no keys could be made", "try again")),
    }
}

/// A duration that may go back.
fn seconds(text: &str) -> Option<i64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    Some(sign * i64::try_from(duration(rest.trim_start_matches('+'))?.as_secs()).ok()?)
}

/// The clock goes on, or back.
pub(super) fn clock(shared: &Arc<Shared>, how: &Clock) -> Result<Json, Refusal> {
    let read = |name: &str, text: &str| {
        let help = format!("{name} is a duration such as \"90s\", \"5m\", \"-1h\", \"30d\"");
        seconds(text)
            .filter(|own| own.abs() <= 10_000 * 86_400)
            .ok_or_else(|| Refusal::new(400, format!("\"{text}\" is no duration"), help))
    };
    let now = shared.ambient.inner().options.clock;
    let next = match (&how.offset, &how.advance) {
        (Some(offset), None) => read("offset", offset)?,
        (None, Some(advance)) => now + read("advance", advance)?,
        _ => return Err(Refusal::new(400, "one of offset and advance is needed", "{\"advance\": \"1h\"}")),
    };
    shared.ambient.inner().options.clock = next;
    Ok(json!({ "offset": next, "now": shared.ambient.now() }))
}

/// Tokens without a login page, as the token endpoint would give them.
pub(super) fn tokens(shared: &Arc<Shared>, new: NewTokens) -> Result<Response, Refusal> {
    let person = known_person(shared, &new.persona)?;
    let client = shared.client(&new.client).ok_or_else(|| {
        Refusal::new(404, format!("no client has the id {}", new.client), "GET state lists those that are registered")
    })?;
    if let Some(scope) = new.scopes.iter().find(|scope| !shared.dialect.scopes.contains_key(*scope)) {
        let known: Vec<&str> = shared.dialect.scopes.keys().map(String::as_str).collect();
        return Err(Refusal::new(400, format!("`{scope}` is no scope"), known.join(" ")));
    }
    if new.scopes.is_empty() {
        return Err(Refusal::new(400, "no scope is named", "\"scopes\": [\"openid\"]"));
    }
    let origin = authorize::new_login(&shared.ambient);
    let (origin, session, _) = authorize::begin_session(shared, &origin, &person.name);
    faults::bind(&shared.ambient, &origin, &client.id, None);
    let key = super::super::dialect::held::key(&shared.dialect, &person.name, &client.id);
    shared.ambient.inner().grants.insert(key, new.scopes.clone());
    let reply = token::direct(shared, &client, origin, &person, new.scopes, session, new.nonce);
    Ok(reply.answer.render())
}

/// The polls of the next device of a client follow a script.
pub(super) fn device(shared: &Arc<Shared>, script: DeviceScript) -> Result<Response, Refusal> {
    if shared.client(&script.client).is_none() {
        let help = "GET state lists those that are registered";
        return Err(Refusal::new(404, format!("no client has the id {}", script.client), help));
    }
    if script.polls.is_empty() || script.polls.len() > 1_000 {
        return Err(Refusal::new(400, "a script has 1 to 1000 polls", "\"polls\": [\"pending\", \"allow\"]"));
    }
    match &script.persona {
        Some(name) => drop(known_person(shared, name)?),
        None if script.polls.contains(&DevicePoll::Allow) => {
            return Err(Refusal::new(400, "it is not said who allows it", "\"persona\": \"alice\""));
        }
        None => {}
    }
    if device::arm(shared, script) {
        return Ok(nothing());
    }
    Err(Refusal::new(409, "too many scripts wait already", "POST reset"))
}

/// Sessions, tokens, faults, exchanges are forgotten and the clock is right; people and clients stay.
pub(super) fn reset(shared: &Arc<Shared>) -> Response {
    everybody(shared).mend_all();
    *shared.ledger() = Ledger::default();
    let mut inner = shared.ambient.inner();
    inner.faults.clear();
    inner.exchanges.clear();
    inner.logins.clear();
    inner.grants.clear();
    inner.declined.clear();
    inner.granted_at.clear();
    inner.secrets.clear();
    inner.locked.clear();
    inner.options.clock = 0;
    drop(inner);
    shared.ambient.happened();
    nothing()
}

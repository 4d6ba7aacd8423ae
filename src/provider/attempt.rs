//! Attempts: whose people, faults and options are in force for which requests.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::watch;

use crate::model::case::{AccountChange, Change, Expirable, Notify, ParPolicy, ProviderOptions, Scopes};
use crate::model::exchange::{Cause, Delivery, Exchange, FaultId};
use crate::model::fault::Fault;
use crate::model::persona::Person;
use crate::model::value::{Environment, Source, Unresolved, Value};
use crate::model::wire::Wire;

use super::dialect::held::Key;
use super::environment::Surroundings;
use super::faults::{self, Only, Placed};
use super::ledger::Origin;
use super::state::{AttemptState, Inner, Options, Shared, random_id};
use super::{Attempt, AttemptSpec, Notified, NotifyError, front_channel, logout};

/// The origin that a tag names.
pub(super) fn tagged(shared: &Shared, tag: Option<&str>) -> Option<Origin> {
    let tag = tag?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    let mut parts = text.splitn(3, '\n');
    let (id, browser, tab) = (parts.next()?, parts.next()?, parts.next()?);
    let attempt = shared.ledger().attempts.get(id).cloned()?;
    Some(Origin { attempt, browser: browser.to_owned(), tab: tab.to_owned(), person: None })
}

pub(super) fn begin(shared: &Arc<Shared>, spec: AttemptSpec) -> Attempt {
    let state = AttemptState::new(spec.id.clone(), spec.people, spec.sole, spec.events);
    state.inner().options = Options::of(&shared.dialect);
    shared.ledger().attempts.insert(spec.id, Arc::clone(&state));
    Attempt { shared: Arc::clone(shared), state }
}

impl Attempt {
    /// The value of [`super::TAG_HEADER`] for a browser's tab.
    pub fn tag(&self, browser: &str, tab: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{browser}\n{tab}", self.state.id))
    }

    /// From now on, what this browser's tab causes is due to `cause`.
    pub fn enter(&self, cause: Cause) {
        self.state.inner().causes.insert((cause.browser.clone(), cause.tab.clone()), cause);
    }

    /// Puts a fault in place. Values that only the driver knows are bound already.
    pub fn put(&self, fault: &Fault) -> FaultId {
        self.put_for(fault, None)
    }

    /// The same for some logins alone.
    pub(super) fn put_for(&self, fault: &Fault, only: Option<Only>) -> FaultId {
        let id = FaultId(self.state.next_fault());
        self.state.inner().faults.push(Placed::new(id, fault.clone(), only));
        let patches = fault.patches.iter().filter(|patch| patch.selectors.at == self.shared.name);
        if let (Some(how), Some(tls)) = (patches.filter_map(faults::certificate).next(), &self.shared.tls) {
            let attempt = Arc::clone(&self.state);
            // That it cannot be made shows: the fault is never delivered.
            let _ = tls.show_bad(how, move || faults::shown(&attempt, id));
            self.reconnect();
        }
        id
    }

    /// Whoever has seen one certificate sees the other one now.
    fn reconnect(&self) {
        self.shared.reconnecting.send_modify(|count| *count += 1);
    }

    fn certificate_is_mended(&self, fault: &Fault) {
        if let (Some(tls), true) = (&self.shared.tls, fault.patches.iter().any(|p| faults::certificate(p).is_some())) {
            tls.show_good();
            self.reconnect();
        }
    }

    /// Ends a fault; what it held is sent now.
    pub fn mend(&self, fault: FaultId) {
        let inner = self.state.inner();
        for placed in inner.faults.iter().filter(|placed| placed.id == fault) {
            placed.released.send_replace(true);
            self.certificate_is_mended(&placed.fault);
        }
    }

    /// Ends every fault.
    pub fn mend_all(&self) {
        self.state.inner().faults.iter().filter(|placed| !*placed.released.borrow()).for_each(|placed| {
            placed.released.send_replace(true);
            self.certificate_is_mended(&placed.fault);
        });
    }

    /// What became of a fault.
    pub fn delivery(&self, fault: FaultId) -> Delivery {
        let inner = self.state.inner();
        inner.faults.iter().find(|placed| placed.id == fault).map(|placed| placed.delivery.clone()).unwrap_or_default()
    }

    /// Other behaviour toward this attempt, from now on.
    ///
    /// # Errors
    /// A value that this provider does not know, or an option that it does not have.
    pub fn options(&self, options: &ProviderOptions) -> Result<(), Unresolved> {
        let not_built = |what: &str| Err(Unresolved::text(format!("the option `{what}`")));
        if matches!(options.par, Some(ParPolicy::Offer | ParPolicy::Require)) {
            return not_built("par");
        }
        if options.device_interval.is_some() {
            return not_built("device_interval");
        }
        if options.poll_batch.is_some() {
            return not_built("poll_batch");
        }
        let more = self.own_options(&options.dialect)?;
        let secret = options.client_secret.as_ref().map(|value| value.resolve(self)).transpose()?;
        if let Some(key) = options.key {
            self.shared.ring.sign_with(key);
            *self.shared.jwks.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let mut inner = self.state.inner();
        let own = &mut inner.options;
        own.clock = options.clock.unwrap_or(own.clock);
        own.pkce = options.pkce.unwrap_or(own.pkce);
        own.iss_parameter = options.iss_parameter.unwrap_or(own.iss_parameter);
        own.refresh = options.refresh.unwrap_or(own.refresh);
        own.access_lifetime = options.access_lifetime.unwrap_or(own.access_lifetime);
        own.keys_max_age = options.keys_max_age.or(own.keys_max_age);
        own.consent_remembered = options.consent_remembered.unwrap_or(own.consent_remembered);
        own.more.extend(more);
        if let Some(secret) = secret {
            own.client_secret = Some(secret.to_text());
        }
        Ok(())
    }

    /// Options that the dialect adds, each with a value that it may have.
    fn own_options(&self, options: &[(String, Value)]) -> Result<Vec<(String, serde_json::Value)>, Unresolved> {
        let known = &self.shared.dialect.options;
        let mut all = Vec::new();
        for (name, value) in options {
            let kind = known.get(name).ok_or_else(|| Unresolved::text(format!("the option `{name}`")))?;
            let value = value.resolve(self)?.to_json();
            if !kind.values.is_empty() && !kind.values.contains(&value) {
                return Err(Unresolved::text(format!("`{name} = {value}`, which the dialect does not have,")));
            }
            all.push((name.clone(), value));
        }
        Ok(all)
    }

    /// Adds a person who can sign in from now on.
    pub fn add_person(&self, person: Person) {
        self.state.inner().people.insert(person.name.clone(), person);
    }

    /// A person as the provider knows her now.
    pub fn person(&self, name: &str) -> Option<Person> {
        self.state.person(name)
    }

    /// Makes a fact different. Does not tell the partner.
    ///
    /// # Errors
    /// A value that this provider does not know, or a person who is not there.
    pub fn change(&self, change: &Change) -> Result<(), Unresolved> {
        let mut person =
            self.person(&change.of).ok_or_else(|| Unresolved::text(format!("the person `{}`", change.of)))?;
        for (field, value) in &change.set {
            let value = value.resolve(self)?;
            match field.as_str() {
                "*" => every_text_field(&mut person, &value),
                "sub" => person.sub = value.to_text(),
                other => {
                    person.fields.insert(other.to_owned(), value.to_json());
                }
            }
        }
        for field in change.drop.as_ref().map(|value| self.names(value)).transpose()?.unwrap_or_default() {
            person.fields.remove(&field);
        }
        person.visible.extend(change.visible.iter().cloned());
        if change.account == Some(AccountChange::New) {
            person.sub = another_subject(&person.sub);
        }
        self.state.inner().people.insert(change.of.clone(), person);
        self.change_account(change);
        self.change_grant(change)?;
        Ok(())
    }

    fn change_account(&self, change: &Change) {
        let of = &change.of;
        match change.account {
            Some(AccountChange::Disabled | AccountChange::Deleted) => self.state.inner().locked.push(of.clone()),
            Some(AccountChange::Enabled) => self.state.inner().locked.retain(|own| own != of),
            _ => {}
        }
        if matches!(
            change.account,
            Some(AccountChange::Disabled | AccountChange::Deleted | AccountChange::SignedOut | AccountChange::New)
        ) {
            let mut ledger = self.shared.ledger();
            let own = ledger.sessions.values_mut();
            own.filter(|session| session.origin.attempt.id == self.state.id && session.person == *of)
                .for_each(|session| session.ended = true);
        }
    }

    fn change_grant(&self, change: &Change) -> Result<(), Unresolved> {
        let granted = self.granted(&change.of).unwrap_or_default();
        let named = |scopes: &Scopes, all: Vec<String>| match scopes {
            Scopes::All => Ok(all),
            Scopes::These(value) => self.names(value),
        };
        if let Some(scopes) = &change.withdraw {
            let gone = named(scopes, granted.clone())?;
            let rest: Vec<String> = granted.iter().filter(|scope| !gone.contains(scope)).cloned().collect();
            let all = rest.is_empty();
            self.withdraw(&change.of, &gone, all);
            self.each_token(&change.of, |scopes, revoked| {
                scopes.retain(|scope| !gone.contains(scope));
                *revoked = *revoked || all;
            });
        }
        if let Some(scopes) = &change.restore {
            let back = named(scopes, Vec::new())?;
            let mut inner = self.state.inner();
            let mut keys: Vec<Key> = inner.grants.keys().filter(|(person, _)| *person == change.of).cloned().collect();
            if keys.is_empty() && !self.shared.dialect.consent.cumulative {
                keys.push((change.of.clone(), String::new()));
            }
            for key in keys {
                let own = inner.grants.entry(key.clone()).or_default();
                own.extend(back.iter().filter(|scope| !granted.contains(scope)).cloned());
                inner.declined.entry(key).or_default().retain(|scope| !back.contains(scope));
            }
        }
        let mut ledger = self.shared.ledger();
        let mine = |origin: &Origin| origin.attempt.id == self.state.id && origin.person.as_ref() == Some(&change.of);
        match change.expire {
            Some(Expirable::AccessToken) => {
                let now = self.state.now();
                let own = ledger.access.values_mut().filter(|token| mine(&token.origin));
                own.for_each(|token| token.expires = token.expires.min(now));
            }
            Some(Expirable::RefreshToken) => {
                ledger.refresh.values_mut().filter(|token| mine(&token.origin)).for_each(|token| token.revoked = true);
            }
            Some(Expirable::Code) => {
                let now = self.state.now();
                let own = ledger.codes.values_mut().filter(|code| mine(&code.origin));
                own.for_each(|code| code.expires = code.expires.min(now - 1));
            }
            None => {}
        }
        Ok(())
    }

    /// Every token of a person: its scopes, and whether it is revoked.
    fn each_token(&self, person: &str, change: impl Fn(&mut Vec<String>, &mut bool)) {
        let mut ledger = self.shared.ledger();
        let mine = |origin: &Origin| origin.attempt.id == self.state.id && origin.person.as_deref() == Some(person);
        for token in ledger.access.values_mut().filter(|token| mine(&token.origin)) {
            change(&mut token.scopes, &mut token.revoked);
        }
        for token in ledger.refresh.values_mut().filter(|token| mine(&token.origin)) {
            change(&mut token.scopes, &mut token.revoked);
        }
    }

    /// A list of names: a text, or a list of texts.
    fn names(&self, value: &Value) -> Result<Vec<String>, Unresolved> {
        Ok(match value.resolve(self)? {
            Wire::List(items) => items.iter().map(Wire::to_text).collect(),
            other => vec![other.to_text()],
        })
    }

    /// Tells the partner something; `to` is the URL of its endpoint.
    ///
    /// # Errors
    /// There is nothing that the message could be about, or it is not built.
    pub async fn notify(&self, notify: &Notify, to: &str, cause: Cause) -> Result<Notified, NotifyError> {
        if notify.send == "frontchannel_logout" {
            return front_channel::notice(&self.shared, &self.state, notify, to, &cause);
        }
        if notify.send != "logout_token" {
            return super::dialect::notify::ask(&self.shared, &self.state, notify, to, cause).await;
        }
        logout::notify(&self.shared, &self.state, notify, to, cause).await
    }

    /// A browser has asked for what a notification has it load.
    pub fn framed(&self, faults: &[FaultId]) {
        faults::delivered(&self.state, faults);
    }

    /// A value that a forged callback puts on the wire belongs to this attempt; `cause` says which tab opens it.
    pub fn register(&self, value: &str, cause: &Cause) {
        let origin = Origin {
            attempt: Arc::clone(&self.state),
            browser: cause.browser.clone(),
            tab: cause.tab.clone(),
            person: None,
        };
        register(&self.shared, value, &origin);
    }

    /// What the person granted last; `None` when she never answered.
    pub fn granted(&self, person: &str) -> Option<Vec<String>> {
        let inner = self.state.inner();
        let own: Vec<&Vec<String>> =
            inner.grants.iter().filter(|((own, _), _)| own == person).map(|(_, scopes)| scopes).collect();
        (!own.is_empty()).then(|| own.into_iter().flatten().cloned().collect())
    }

    /// Takes scopes away from every app that has them. `all`: the person is as one who never let an app in.
    fn withdraw(&self, person: &str, gone: &[String], all: bool) {
        let mut inner = self.state.inner();
        let keys: Vec<Key> = inner.grants.keys().filter(|(own, _)| own == person).cloned().collect();
        if keys.is_empty() && !self.shared.dialect.consent.cumulative {
            inner.grants.insert((person.to_owned(), String::new()), Vec::new());
        }
        for key in keys {
            let own = inner.grants.entry(key.clone()).or_default();
            let (lost, kept) = std::mem::take(own).into_iter().partition(|scope| gone.contains(scope));
            *own = kept;
            if all {
                inner.declined.remove(&key);
            } else {
                inner.declined.entry(key).or_default().extend::<Vec<String>>(lost);
            }
        }
    }

    /// What was written down so far, sorted.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut all: Vec<Exchange> = self.state.inner().exchanges.iter().cloned().collect();
        all.sort_by_key(|exchange| exchange.seq);
        all
    }

    /// Browser and tab of each request that a fault withholds now.
    pub fn held(&self) -> Vec<(String, String)> {
        let inner = self.state.inner();
        // One whose fault was mended is on its way, even before its task has woken up.
        let held = inner.held.iter().filter(|held| !*held.released.borrow());
        held.map(|held| (held.browser.clone(), held.tab.clone())).collect()
    }

    /// Changes whenever an exchange is written down, ends, or is held.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.state.events.subscribe()
    }

    /// Values that were issued to or shown by the partner in this attempt: `client_secret`, `code`, `access_token`,
    /// `refresh_token`, `id_token`, `code_verifier`.
    pub fn secrets(&self) -> BTreeMap<String, Vec<String>> {
        self.state.inner().secrets.clone()
    }

    /// The attempt is over: its people, codes and tokens are forgotten, later requests of it are ambient.
    pub fn finish(&self) {
        self.mend_all();
        self.state.finished.store(true, Ordering::Release);
        self.shared.ledger().forget(&self.state.id);
        self.shared.circle.forget(&self.state.id);
        let mut inner = self.state.inner();
        // What is held ends by itself; all else goes, with the room that it took.
        *inner = Inner { held: std::mem::take(&mut inner.held), ..Inner::default() };
    }
}

/// A value that this provider did not give out belongs to an attempt.
pub(super) fn register(shared: &Shared, value: &str, origin: &Origin) {
    // A whole address may be forged: what counts are its parameters.
    let values = crate::model::exchange::query_of(value).into_iter().map(|(_, value)| value);
    for value in values.chain([value.to_owned()]).filter(|value| !value.is_empty() && value.len() < 4096) {
        shared.circle.note(&value, origin.trace());
    }
}

impl Environment for Attempt {
    fn source(&self, source: &Source) -> Option<Wire> {
        Surroundings { shared: &self.shared, attempt: &self.state, request: &[] }.source(source)
    }
}

/// A new subject that looks like the old one: digits stay digits.
fn another_subject(old: &str) -> String {
    let random = random_id();
    if !old.is_empty() && old.bytes().all(|byte| byte.is_ascii_digit()) {
        // 17 digits, as people's own have: a partner may keep a number of them in 64 bits with a sign.
        let digits = u64::from_str_radix(random.get(..10).unwrap_or("1"), 16).unwrap_or(1);
        return format!("1015{digits:013}");
    }
    format!("sub-{random}")
}

/// Every field that is a text.
fn every_text_field(person: &mut Person, value: &Wire) {
    let text = serde_json::Value::from(value.to_text());
    person.fields.values_mut().filter(|field| field.is_string()).for_each(|field| *field = text.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_of_a_person_fits_where_the_first_one_did() {
        let other = another_subject("10150000000000042");
        assert!(other.len() == 17 && other.parse::<i64>().is_ok() && other != "10150000000000042", "{other}");
        assert!(another_subject("sub-1").starts_with("sub-"));
    }
}

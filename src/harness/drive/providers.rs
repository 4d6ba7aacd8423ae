//! The attempt as it stands at every provider of the world: one thing to the driver, wherever the case acts.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::harness::world::World;
use crate::model::case::{Change, Notify, ProviderOptions};
use crate::model::exchange::{Cause, Delivery, Exchange, FaultId};
use crate::model::fault::{Fault, ProviderName};
use crate::model::persona::Person;
use crate::model::value::{Environment, Source, Unresolved};
use crate::model::wire::Wire;
use crate::provider::{Attempt, AttemptSpec, Notified, NotifyError};

/// The attempt at each provider, under one id, so that one tag of the agent serves all of them.
#[derive(Clone)]
pub(super) struct Attempts {
    main: Attempt,
    others: BTreeMap<ProviderName, Attempt>,
}

impl Attempts {
    /// Begins it everywhere; `people` gives those of a provider.
    pub fn begin(world: &World, id: &str, people: impl Fn(ProviderName) -> Vec<Person>) -> Attempts {
        let events = watch::channel(0).0;
        let spec = |at: ProviderName| AttemptSpec {
            id: id.to_owned(),
            people: people(at),
            sole: world.is_sole(),
            events: Some(events.clone()),
        };
        Attempts {
            main: world.provider.attempt(spec(ProviderName::Main)),
            others: world.others.iter().map(|other| (other.name, other.provider.attempt(spec(other.name)))).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = (ProviderName, &Attempt)> {
        let others = self.others.iter().map(|(name, attempt)| (*name, attempt));
        [(ProviderName::Main, &self.main)].into_iter().chain(others)
    }

    /// That of one provider; the main one's where there is no such provider, which no case that applies asks for.
    pub fn at(&self, name: ProviderName) -> &Attempt {
        self.others.get(&name).unwrap_or(&self.main)
    }

    /// The value of the agent's tag for a browser's tab, the same toward every provider.
    pub fn tag(&self, browser: &str, tab: &str) -> String {
        self.main.tag(browser, tab)
    }

    /// From now on, what this browser's tab causes is due to `cause`.
    pub fn enter(&self, cause: Cause) {
        self.all().for_each(|(_, attempt)| attempt.enter(cause.clone()));
    }

    /// Puts a fault in place at each provider that it speaks of.
    pub fn put(&self, fault: &Fault) -> Vec<(ProviderName, FaultId)> {
        let meant = |name: &ProviderName| fault.patches.iter().any(|patch| patch.selectors.at == *name);
        self.all().filter(|(name, _)| meant(name)).map(|(name, attempt)| (name, attempt.put(fault))).collect()
    }

    /// Ends a fault; what it held is sent now.
    pub fn mend(&self, fault: &[(ProviderName, FaultId)]) {
        fault.iter().for_each(|(name, id)| self.at(*name).mend(*id));
    }

    /// Ends every fault.
    pub fn mend_all(&self) {
        self.all().for_each(|(_, attempt)| attempt.mend_all());
    }

    /// What became of a fault.
    pub fn delivery(&self, fault: &[(ProviderName, FaultId)]) -> Delivery {
        let mut all = Delivery::default();
        for (name, id) in fault {
            let own = self.at(*name).delivery(*id);
            all.matched += own.matched;
            all.delivered += own.delivered;
            all.idle += own.idle;
        }
        all
    }

    /// Other behaviour of the provider that the options name, from now on.
    ///
    /// # Errors
    /// A value or an option that it does not know.
    pub fn options(&self, options: &ProviderOptions) -> Result<(), Unresolved> {
        self.at(options.at).options(options)
    }

    /// Adds a person: her accounts at each provider.
    pub fn add_person(&self, account: impl Fn(ProviderName) -> Option<Person>) {
        for (name, attempt) in self.all() {
            if let Some(person) = account(name) {
                attempt.add_person(person);
            }
        }
    }

    /// A person as the main provider knows her now.
    pub fn person(&self, name: &str) -> Option<Person> {
        self.main.person(name)
    }

    /// A person's accounts, wherever she has one.
    pub fn accounts(&self, name: &str) -> Vec<(ProviderName, Person)> {
        self.all().filter_map(|(at, attempt)| Some((at, attempt.person(name)?))).collect()
    }

    /// Makes a fact different at the provider that the change names.
    ///
    /// # Errors
    /// A value that it does not know, or a person who is not there.
    pub fn change(&self, change: &Change) -> Result<(), Unresolved> {
        self.at(change.at).change(change)
    }

    /// The provider that the message names tells the partner something.
    ///
    /// # Errors
    /// There is nothing that the message could be about, or it is not built.
    pub async fn notify(&self, notify: &Notify, to: &str, cause: Cause) -> Result<Notified, NotifyError> {
        self.at(notify.at).notify(notify, to, cause).await
    }

    /// A browser has asked for what a notification of that provider has it load.
    pub fn framed(&self, at: ProviderName, faults: &[FaultId]) {
        self.at(at).framed(faults);
    }

    /// A value that a forged callback puts on the wire belongs to this attempt, whichever provider meets it.
    pub fn register(&self, value: &str, cause: &Cause) {
        // The providers of a world share what they know of foreign values.
        self.main.register(value, cause);
    }

    /// What was written down so far at every provider, each list sorted.
    pub fn exchanges(&self) -> Vec<Vec<Exchange>> {
        self.all().map(|(_, attempt)| attempt.exchanges()).collect()
    }

    /// Browser and tab of each request that a fault withholds now.
    pub fn held(&self) -> Vec<(String, String)> {
        self.all().flat_map(|(_, attempt)| attempt.held()).collect()
    }

    /// Changes whenever something happens at any of them.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.main.events()
    }

    /// Kind -> values that were issued or shown, and who gave out those that the main provider did not.
    pub fn secrets(&self) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, ProviderName>) {
        let (mut all, mut owners) = (self.main.secrets(), BTreeMap::new());
        for (name, attempt) in &self.others {
            for (kind, values) in attempt.secrets() {
                let known: &mut Vec<String> = all.entry(kind).or_default();
                // What the main provider knows already was not given out here: it has only come here.
                let fresh: Vec<String> = values.into_iter().filter(|value| !known.contains(value)).collect();
                owners.extend(fresh.iter().map(|value| (value.clone(), *name)));
                known.extend(fresh);
            }
        }
        (all, owners)
    }

    /// The attempt is over everywhere.
    pub fn finish(&self) {
        self.all().for_each(|(_, attempt)| attempt.finish());
    }
}

impl Environment for Attempts {
    fn source(&self, source: &Source) -> Option<Wire> {
        let at = match source {
            Source::Of { of, .. } => ProviderName::from_name(of).unwrap_or_default(),
            Source::Token { at, .. } => *at,
            _ => ProviderName::Main,
        };
        self.at(at).source(source)
    }
}

//! `expect`: looking at the partner, and writing down what was seen. Judging is not done here, but a wrong answer of
//! the probe is asked for again over a second connection (G5), and a window is kept open until it holds or ends.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::agent::Browser;
use crate::judge;
use crate::model::case::{AccountIs, Expectation, Expected, FeaturesAre, LeakPlace, SessionIs, Step};
use crate::model::exchange::{Cause, Purpose};
use crate::model::manifest::OnRevocation;
use crate::model::observation::{FeatureSeen, Observation, Seen, SessionSeen, Whom};
use crate::partner::{self, ProbeAnswer};

use super::bind;
use super::play::{Mode, Play};

/// So many scripts of one browser's pages are looked into.
const SCRIPTS: usize = 50;

/// The browser that asks for the number of accounts: nobody's.
const COUNTER: &str = "counter";

impl Play {
    /// Looks once at everything that the expectation names.
    pub(super) async fn observe(&self, step: &Step, index: usize, expectation: &Expectation, browser: &str) {
        let tab = step.tab.clone();
        let expectation = bind::expectation(expectation, self);
        let after =
            expectation.since.as_ref().and_then(|name| self.state().marks.get(name).copied()).unwrap_or_default();
        // What the manifest says that an effect may take is never too long.
        // A control run is not judged by what it would have to wait for: its fault is what may have to happen first.
        let waits = self.mode == Mode::Real || !self.case.is_negative();
        let within = expectation.within.filter(|_| waits).map(|within| within.max(self.world.ground.grace));
        let deadline = within.map(|within| Instant::now() + within);
        let kept_until = expectation.hold_for.filter(|_| waits).map(|length| Instant::now() + length);
        let mut events = self.attempt.events();
        let mut stirring = self.browser(browser).stirring();
        loop {
            let mut observation = Observation {
                step: index,
                browser: browser.to_owned(),
                tab: tab.clone(),
                expectation: expectation.clone(),
                seen: self.look(&expectation, index, browser, &tab, deadline).await,
                after,
                upto: self.world.sequence.now(),
            };
            let mismatches = judge::observation(&observation, &self.transcript(), &self.facts());
            let holds = mismatches.is_empty();
            let end = if holds { kept_until } else { deadline };
            let Some(end) = end.filter(|end| Instant::now() < *end) else {
                if !holds {
                    self.look_again(&mut observation, index, browser).await;
                }
                self.state().observations.push(observation);
                return;
            };
            // Something has to happen before looking again makes sense, at the provider or in a page by itself; the
            // browser's own end wakes through `look`.
            let stirs = async {
                let told = match &mut stirring {
                    Some(stirring) => stirring.changed().await.is_ok(),
                    None => false,
                };
                if !told {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                told = events.changed() => drop(told),
                () = stirs => {}
                () = tokio::time::sleep_until(end) => {}
            }
        }
    }

    async fn look(
        &self,
        expectation: &Expectation,
        index: usize,
        browser: &str,
        tab: &str,
        deadline: Option<Instant>,
    ) -> Vec<Seen> {
        let mut seen = Vec::new();
        let alternatives = match &expectation.subject {
            Expected::Any(alternatives) => alternatives.as_slice(),
            _ => std::slice::from_ref(expectation),
        };
        for alternative in alternatives {
            self.settle(browser, deadline).await;
            if matches!(alternative.subject, Expected::Hidden(_)) && alternative.from.contains(&LeakPlace::Page) {
                self.load_scripts(index, tab).await;
            }
            seen.push(self.look_at(&alternative.subject, index, browser, tab).await);
        }
        seen
    }

    /// What a page loads is part of it: the scripts of every browser's pages.
    async fn load_scripts(&self, index: usize, tab: &str) {
        let browsers: Vec<Browser> = self.state().browsers.values().map(|known| known.browser.clone()).collect();
        let mut scripts = Vec::new();
        for browser in browsers {
            let cause = self.cause(index, browser.name(), tab, Purpose::Probe);
            self.attempt.enter(cause.clone());
            scripts.extend(browser.scripts(SCRIPTS, &cause).await);
        }
        self.state().scripts = scripts;
    }

    async fn look_at(&self, subject: &Expected, index: usize, name: &str, tab: &str) -> Seen {
        let browser = self.browser(name);
        let cause = self.cause(index, name, tab, Purpose::Probe);
        match subject {
            Expected::Session(who) => {
                let (first, evidence) = self.probe(&browser, &cause).await;
                let own = if *who == SessionIs::Unchanged { self.before(name) } else { self.own(name) };
                Seen::Session(SessionSeen { first, second: None, own, evidence })
            }
            Expected::Ended(_) if self.world.ground.manifest.session.on_revocation == OnRevocation::Degrade => {
                Seen::Features(self.features(&FeaturesAre::AsGranted, &browser, &cause).await)
            }
            Expected::Ended(_) => {
                let (first, evidence) = self.probe_until_ended(&browser, &cause).await;
                Seen::Session(SessionSeen { first, second: None, own: self.own(name), evidence })
            }
            Expected::Account(AccountIs::New(_)) => Seen::Account { id: None, new: self.accounts_made().await },
            Expected::Account(_) => {
                let answer = self.ask(&browser, &cause).await;
                Seen::Account { id: answer.account, new: None }
            }
            Expected::Fields(_) => Seen::Fields(self.ask(&browser, &cause).await.fields),
            Expected::Features(which) => Seen::Features(self.features(which, &browser, &cause).await),
            Expected::Request(_) => Seen::Requests(Vec::new()),
            Expected::Response(_) => {
                Seen::Response(self.state().pages.get(&(name.to_owned(), tab.to_owned())).cloned())
            }
            Expected::Cookie(_) => {
                let jar = browser.cookies(Some(&self.base));
                let session = self.session_cookies(&browser, &cause).await;
                Seen::Cookies { jar, session }
            }
            Expected::Hidden(secret) if secret == "session" => {
                let session = self.session_cookies(&browser, &cause).await;
                let jar = browser.cookies(Some(&self.base)).into_iter();
                Seen::Secrets(jar.filter(|cookie| session.contains(&cookie.name)).map(|cookie| cookie.value).collect())
            }
            Expected::Hidden(secret) => Seen::Secrets(self.secrets(secret)),
            Expected::Inert(kind) => {
                let canaries = self.state().canaries.clone();
                let canaries = canaries.into_iter().filter(|(own, _)| kind == "all" || own == kind).collect();
                Seen::Pages { pages: browser.pages(), canaries }
            }
            Expected::Any(_) => Seen::Requests(Vec::new()),
        }
    }

    /// A second connection, where the first answer was not what was expected (G5).
    async fn look_again(&self, observation: &mut Observation, index: usize, name: &str) {
        let browser = self.browser(name);
        let cause = self.cause(index, name, &observation.tab, Purpose::Probe);
        for seen in &mut observation.seen {
            match seen {
                Seen::Session(session) => {
                    session.second = Some(self.probe(&browser, &cause).await.0);
                }
                Seen::Account { new: Some(made), .. } => {
                    let again = self.accounts_made().await;
                    if again != Some(*made) {
                        self.trouble(format!("{made} accounts were made first, and {again:?} right afterwards"));
                    }
                }
                Seen::Account { id, new: None } => {
                    let again = self.ask(&browser, &cause).await.account;
                    if again != *id {
                        self.trouble(format!("the probe gave the account {id:?} first and {again:?} right afterwards"));
                    }
                }
                _ => {}
            }
        }
    }

    /// Where the case asks how many accounts are new: how many there are when its steps begin.
    pub(super) async fn count_accounts_before(&self) {
        if self.case.counts_accounts() {
            let opened = self.accounts_opened().await;
            self.state().accounts_before = opened;
        }
    }

    /// Accounts made since the steps began. Nobody else is there meanwhile: such a case runs alone.
    async fn accounts_made(&self) -> Option<u64> {
        let before = self.state().accounts_before?;
        Some(self.accounts_opened().await?.saturating_sub(before))
    }

    async fn accounts_opened(&self) -> Option<u64> {
        let cause = self.cause(0, COUNTER, "first", Purpose::Probe);
        partner::accounts_opened(&self.world.ground.manifest, &self.base, &self.counter(), &cause).await
    }

    fn own(&self, browser: &str) -> Option<String> {
        self.state().browsers.get(browser).and_then(|known| known.owner.clone())
    }

    /// Who was in before the last action.
    fn before(&self, browser: &str) -> Option<String> {
        match self.state().browsers.get(browser).and_then(|known| known.before.clone()) {
            Some(Whom::Person(name)) => Some(name),
            _ => None,
        }
    }

    fn secrets(&self, kind: &str) -> Vec<String> {
        let secrets = self.facts().secrets;
        let meant = |own: &str| match kind {
            "everything" => true,
            // What no browser ever has to carry; codes and ID tokens travel through it by specification.
            "secrets" => matches!(own, "client_secret" | "code_verifier" | "access_token" | "refresh_token"),
            kind => own == kind,
        };
        secrets.into_iter().filter(|(own, _)| meant(own)).flat_map(|(_, values)| values).collect()
    }

    async fn ask(&self, browser: &Browser, cause: &Cause) -> ProbeAnswer {
        let cause = Cause { purpose: Purpose::Probe, ..cause.clone() };
        self.attempt.enter(cause.clone());
        if let Some(why) = &self.state().refuses_to_start {
            let evidence = format!("the partner does not start with what the provider serves: {why}");
            return ProbeAnswer { evidence, ..ProbeAnswer::default() };
        }
        partner::probe(&self.world.ground.manifest, &self.base, browser, &cause).await
    }

    /// Who is signed in in this browser, and the evidence.
    pub(super) async fn probe(&self, browser: &Browser, cause: &Cause) -> (Whom, String) {
        let answer = self.ask(browser, cause).await;
        let evidence = answer.evidence.clone();
        (self.whom(answer, browser.name()), evidence)
    }

    fn whom(&self, answer: ProbeAnswer, browser: &str) -> Whom {
        if let Some(why) = answer.unreadable {
            return Whom::Unreadable(why);
        }
        if !answer.is_somebody() {
            return Whom::Nobody;
        }
        let names = self.state().people.clone();
        let mut people: Vec<_> = names.iter().flat_map(|name| self.attempt.accounts(name)).collect();
        // A subject may stand for two people, one at each of two providers: then for the one who signed in here last.
        let owner = {
            let state = self.state();
            state.browsers.get(browser).map(|known| (known.owner.clone(), known.owner_at))
        };
        people.sort_by_key(|(at, person)| (owner != Some((Some(person.name.clone()), *at)), *at));
        let by = |wanted: &Option<String>, field: &str| {
            wanted.as_ref().and_then(|wanted| {
                people
                    .iter()
                    .find(|(_, person)| person.text(field).as_ref() == Some(wanted))
                    .map(|(_, person)| person.name.clone())
            })
        };
        // The subject is unique by specification; a user name or an e-mail address is only taken without one.
        let found = match &answer.subject {
            Some(_) => by(&answer.subject, "sub"),
            None => by(&answer.username, "login").or_else(|| by(&answer.email, "email")),
        };
        let shown = answer.subject.or(answer.username).or(answer.email).or(answer.account).unwrap_or_default();
        found.map_or(Whom::Stranger(shown), Whom::Person)
    }

    /// Nobody at once, or after one forced use, or within the grace.
    async fn probe_until_ended(&self, browser: &Browser, cause: &Cause) -> (Whom, String) {
        let deadline = Instant::now() + self.world.ground.grace;
        let mut forced = false;
        let mut pause = Duration::from_millis(10);
        loop {
            let (whom, evidence) = self.probe(browser, cause).await;
            let in_still = matches!(whom, Whom::Person(_) | Whom::Stranger(_));
            if in_still && !forced {
                forced = true;
                self.forced_use(browser, cause).await;
                continue;
            }
            if !in_still || Instant::now() >= deadline {
                return (whom, evidence);
            }
            // The manifest declares the effect asynchronous: there is no event to wait for, only its grace.
            tokio::time::sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn forced_use(&self, browser: &Browser, cause: &Cause) {
        let manifest = &self.world.ground.manifest;
        if let Some((name, _)) = manifest.at.features.iter().find(|(_, place)| !place.needs.is_empty()) {
            partner::feature_works(manifest, &self.base, browser, name, cause).await;
        }
    }

    async fn features(&self, which: &FeaturesAre, browser: &Browser, cause: &Cause) -> BTreeMap<String, FeatureSeen> {
        let manifest = &self.world.ground.manifest;
        let owner = {
            let state = self.state();
            state.browsers.get(browser.name()).and_then(|known| Some((known.owner.clone()?, known.owner_at)))
        };
        let granted = owner.and_then(|(person, at)| self.attempt.at(at).granted(&person)).unwrap_or_default();
        let cause = Cause { purpose: Purpose::Probe, ..cause.clone() };
        self.attempt.enter(cause.clone());
        let mut seen = BTreeMap::new();
        for (name, place) in &manifest.at.features {
            let asked = match which {
                FeaturesAre::AsGranted => true,
                FeaturesAre::Named(named) => named.iter().any(|(own, _)| own == name || own == "feature"),
            };
            if !asked {
                continue;
            }
            let (on, evidence) = partner::feature_works(manifest, &self.base, browser, name, &cause).await;
            let should = place.needs.iter().all(|scope| granted.contains(scope));
            seen.insert(name.clone(), FeatureSeen { on, should, evidence });
        }
        seen
    }

    /// The cookies without which the probe says nobody: the deletion test. Where none is needed alone, since one makes up
    /// for another, those that are enough alone.
    pub(super) async fn session_cookies(&self, browser: &Browser, cause: &Cause) -> Vec<String> {
        let names: Vec<String> = browser.cookies(Some(&self.base)).into_iter().map(|cookie| cookie.name).collect();
        let mut carrying = Vec::new();
        for name in &names {
            if !self.is_in_without(browser, std::slice::from_ref(name), cause).await {
                carrying.push(name.clone());
            }
        }
        if !carrying.is_empty() {
            return carrying;
        }
        for name in &names {
            let others: Vec<String> = names.iter().filter(|other| *other != name).cloned().collect();
            if self.is_in_without(browser, &others, cause).await {
                carrying.push(name.clone());
            }
        }
        carrying
    }

    async fn is_in_without(&self, browser: &Browser, cookies: &[String], cause: &Cause) -> bool {
        let cause = Cause { purpose: Purpose::Probe, ..cause.clone() };
        let manifest = &self.world.ground.manifest;
        partner::probe_without(manifest, &self.base, browser, cookies, &cause).await.is_somebody()
    }

    /// The partner's own account id of whoever is signed in.
    pub(super) async fn account(&self, browser: &Browser, cause: &Cause) -> Option<String> {
        self.ask(browser, cause).await.account
    }
}

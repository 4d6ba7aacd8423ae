//! The state of one attempt while it is played, and what it leaves behind.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::agent::{Browser, Surroundings, Tag};
use crate::harness::world::World;
use crate::judge::Facts;
use crate::model::case::Case;
use crate::model::dialect::ErrorEntry;
use crate::model::exchange::{Cause, Delivery, FaultId, Party, Purpose, Transcript};
use crate::model::fault::{Address, Endpoint, ErrorAnswer, Fault, Grant, Message, Pace, ProviderName};
use crate::model::observation::{Observation, PageSeen, Whom};
use crate::model::persona::Person;
use crate::model::wire::Wire;
use crate::partner::Running;
use crate::provider::TAG_HEADER;

use super::providers::Attempts;

/// Whether the deviations are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As the file says.
    Real,
    /// Without fault and attack steps (G1).
    Control,
}

/// One variant, its `each` unrolled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlayVariant {
    /// What it is called; `None` where the case has no variants.
    pub name: Option<String>,
    /// Put in place by `fault = "variant"`.
    pub fault: Option<Fault>,
    /// Read by `{ saved = "variant" }`, still unbound.
    pub value: Option<crate::model::value::Value>,
    /// Softens the level.
    pub level: Option<crate::model::verdict::LevelRule>,
    /// Lowest tier.
    pub tier: Option<crate::model::verdict::Tier>,
}

/// What to play.
#[derive(Clone)]
pub struct Order {
    /// The case.
    pub case: Arc<Case>,
    /// Which variant.
    pub variant: PlayVariant,
    /// With or without the deviations.
    pub mode: Mode,
}

/// A fault that was put in place.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The step's name.
    pub name: Option<String>,
    /// Which provider has it under which handle.
    pub ids: Vec<(ProviderName, FaultId)>,
    /// What it addresses, and at which provider.
    pub addresses: Vec<(ProviderName, Address)>,
    /// The grant that each address is narrowed to.
    pub grants: Vec<Option<Grant>>,
    /// What became of it.
    pub delivery: Delivery,
}

/// A sign-in (or a consent) that should have ended with that person signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Where.
    pub browser: String,
    /// Who.
    pub person: String,
    /// Which step.
    pub step: usize,
    /// What the probe said right after; only asked in a control run.
    pub seen: Option<Whom>,
    /// Where the browser rested, in words.
    pub rested: String,
}

/// What an attempt leaves behind.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Everything that was exchanged.
    pub transcript: Transcript,
    /// What `expect` steps saw.
    pub observations: Vec<Observation>,
    /// Faults and their fate.
    pub faults: Vec<Placed>,
    /// Sign-ins and their fate.
    pub sign_ins: Vec<SignedIn>,
    /// For the judge.
    pub facts: Facts,
    /// Everybody of the attempt; behind them, those who have another identity now, as they were before; an account at
    /// a further provider goes by the name `alice at other`.
    pub people: Vec<Person>,
    /// Trouble that makes a judgement impossible: each a sentence.
    pub troubles: Vec<String>,
    /// A deviation came out the same as what it deviates from: in words.
    pub idle: Option<String>,
    /// The effect of a pushed message in control or twin, in words, where it was missing.
    pub twin_missed: Option<String>,
    /// The bystander was signed out: in words.
    pub bystander_lost: Option<String>,
    /// The sequence number when it began.
    pub began: u64,
    /// The sequence number when it ended.
    pub ended: u64,
    /// The partner ended while it ran.
    pub partner_died: Option<String>,
    /// Milliseconds.
    pub duration_ms: u64,
    /// The base URL under which the partner was.
    pub base: String,
    /// The issuer.
    pub issuer: String,
    /// Issuers of further providers.
    pub other_issuers: Vec<(ProviderName, String)>,
}

impl Played {
    /// How it ended, without what it was judged by: transcripts of a whole run are large.
    pub fn end(&self) -> Played {
        Played {
            partner_died: self.partner_died.clone(),
            began: self.began,
            ended: self.ended,
            duration_ms: self.duration_ms,
            ..Played::default()
        }
    }
}

/// What is known of a browser.
pub(super) struct BrowserState {
    pub browser: Browser,
    /// Who last signed in here.
    pub owner: Option<String>,
    /// By which provider.
    pub owner_at: ProviderName,
    /// Who is signed in at the providers here.
    pub provider_user: Option<String>,
    /// What the probe said before the last action (only where a case asks `unchanged`).
    pub before: Option<Whom>,
}

#[derive(Default)]
pub(super) struct State {
    pub browsers: BTreeMap<String, BrowserState>,
    pub saved: BTreeMap<String, Wire>,
    pub placed: Vec<Placed>,
    /// Step name -> the last sequence number before it.
    pub marks: BTreeMap<String, u64>,
    /// Last answer per browser and tab.
    pub pages: HashMap<(String, String), PageSeen>,
    /// Scripts that pages load, fetched where an expectation looks into pages.
    pub scripts: Vec<PageSeen>,
    /// Work that is under way per browser and tab.
    pub busy: HashMap<(String, String), (watch::Receiver<bool>, AbortHandle)>,
    /// Kind, value.
    pub canaries: Vec<(String, String)>,
    /// How many people were newly made.
    pub made: usize,
    /// How many browsers were newly made.
    pub fresh: usize,
    pub sign_ins: Vec<SignedIn>,
    pub observations: Vec<Observation>,
    pub troubles: Vec<String>,
    pub outage: bool,
    pub idle: Option<String>,
    pub twin_missed: Option<String>,
    pub bystander_lost: Option<String>,
    pub people: Vec<String>,
    /// How many accounts the partner had opened when the steps began (only where a case asks).
    pub accounts_before: Option<u64>,
    /// The partner is not up, since it does not start with what a fault makes of metadata or keys: in words.
    pub refuses_to_start: Option<String>,
    /// People as they were before a change gave them another identity.
    pub former: Vec<Person>,
}

/// One attempt, being played.
pub struct Play {
    pub(super) world: Arc<World>,
    partner: Mutex<Arc<dyn Running>>,
    pub(super) base: String,
    pub(super) case: Arc<Case>,
    pub(super) variant: PlayVariant,
    pub(super) mode: Mode,
    pub(super) attempt: Attempts,
    pub(super) number: u64,
    surroundings: Surroundings,
    state: Mutex<State>,
}

/// The people that every attempt has.
const CAST: [&str; 4] = ["alice", "bob", "carol", "mallory"];

/// Where a case's attacker lives; nothing is ever contacted there.
pub const ATTACKER_ORIGIN: &str = "http://attacker.example";

impl Play {
    /// Begins an attempt with identities of its own.
    pub async fn begin(world: &Arc<World>, order: &Order) -> Arc<Play> {
        let ground = &world.ground;
        let number = ground.next_attempt();
        let partner = world.partner().await;
        let base = partner.base().to_owned();
        let people = |at: ProviderName| {
            let cast = CAST.iter().enumerate();
            cast.filter_map(|(place, name)| mint(world, at, name, name, number, place)).collect()
        };
        let id = crate::model::persona::digest(&[&ground.seed.to_string(), &number.to_string(), "attempt"]);
        let attempt = Attempts::begin(world, &id[..24], people);
        let tagging = attempt.clone();
        let issuers = world.issuers().into_iter().map(|(name, issuer)| (issuer, Party::Provider(name)));
        let surroundings = Surroundings {
            sequence: world.sequence.clone(),
            origins: issuers
                .chain([(base.clone(), Party::Partner), (ATTACKER_ORIGIN.to_owned(), Party::Elsewhere)])
                .collect(),
            tag: Some(Tag {
                header: TAG_HEADER,
                value: Arc::new(move |browser: &str, tab: &str| tagging.tag(browser, tab)),
            }),
            limits: ground.limits,
            tls: ground.tls.as_ref().and_then(|authority| authority.client().ok()),
            chromium: ground.chromium.clone(),
        };
        Arc::new(Play {
            world: Arc::clone(world),
            partner: Mutex::new(partner),
            base,
            case: Arc::clone(&order.case),
            variant: order.variant.clone(),
            mode: order.mode,
            attempt,
            number,
            surroundings,
            state: Mutex::new(State { people: CAST.map(str::to_owned).to_vec(), ..State::default() }),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The browser of that name; it comes to life when first named.
    pub(super) fn browser(&self, name: &str) -> Browser {
        self.state()
            .browsers
            .entry(name.to_owned())
            .or_insert_with(|| BrowserState {
                browser: Browser::new(name, self.surroundings.clone()),
                owner: None,
                owner_at: ProviderName::Main,
                provider_user: None,
                before: None,
            })
            .browser
            .clone()
    }

    /// A browser that belongs to nobody, and to no step: its exchanges are not part of the transcript.
    pub(super) fn counter(&self) -> Browser {
        Browser::new("counter", self.surroundings.clone())
    }

    /// A newly made person.
    pub(super) fn someone(&self) -> String {
        let made = {
            let mut state = self.state();
            state.made += 1;
            state.made
        };
        let name = format!("someone-{made}");
        // Templates take turns, so that newly made people do not all look like the first one.
        let template = CAST[made % CAST.len()];
        self.attempt.add_person(|at| mint(&self.world, at, template, &name, self.number, CAST.len() + made));
        self.state().people.push(name.clone());
        name
    }

    /// Ends the partner and starts it anew, at the same address. One that does not start with metadata or keys that a
    /// fault has changed refuses them: nobody is signed in at it, and that it is not up is no finding.
    pub(super) async fn restart(&self) {
        let started = self.world.restart().await;
        let refused = started.as_ref().err().filter(|error| error.started && self.changes_what_is_read_at_the_start());
        let refusal = refused.map(|error| error.what.lines().next().unwrap_or_default().to_owned());
        let is_refusal = refusal.is_some();
        self.state().refuses_to_start = refusal;
        if let Err(error) = started {
            if !is_refusal {
                self.trouble(error.to_string());
            }
            return;
        }
        let fresh = self.world.partner().await;
        if fresh.base() != self.base {
            self.trouble(format!(
                "the partner was at {} before it was restarted, and is at {} now",
                self.base,
                fresh.base()
            ));
        }
        *self.partner.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn changes_what_is_read_at_the_start(&self) -> bool {
        let state = self.state();
        state
            .placed
            .iter()
            .flat_map(|placed| &placed.addresses)
            .any(|(_, address)| matches!(address.message, Message::Response(Endpoint::Discovery | Endpoint::Jwks)))
    }

    pub(super) fn cause(&self, step: usize, browser: &str, tab: &str, purpose: Purpose) -> Cause {
        Cause { step, browser: browser.to_owned(), tab: tab.to_owned(), purpose }
    }

    /// What is registered with any provider, the main one's first.
    pub(super) fn redirect_uris(&self) -> Vec<String> {
        let issuers = self.world.issuers().into_iter();
        let mut all: Vec<String> = Vec::new();
        for uri in issuers.flat_map(|(name, _)| self.world.redirect_uris(name, &self.base)) {
            if !all.contains(&uri) {
                all.push(uri);
            }
        }
        all
    }

    pub(super) fn trouble(&self, sentence: impl Into<String>) {
        self.state().troubles.push(sentence.into());
    }

    /// Notes a deviation that changes nothing at this partner: a cut at 8 where it sends 8 characters.
    pub(super) fn note_idle(&self, value: &crate::model::value::Value) {
        if value.changes_nothing(self) {
            let text = "what should differ came out the same, since there is too little of it to change";
            self.state().idle = Some(text.to_owned());
        }
    }

    /// Everything that was exchanged so far.
    pub(super) fn transcript(&self) -> Transcript {
        let browsers: Vec<Browser> = self.state().browsers.values().map(|known| known.browser.clone()).collect();
        // An exchange between agent and provider is written down on both sides; the provider's note knows more, the
        // agent's knows what arrived. The provider's is kept.
        let by_providers = self.attempt.exchanges();
        let by_agents = browsers.iter().map(|browser| {
            browser
                .exchanges()
                .into_iter()
                .filter(|exchange| !matches!(exchange.to, Party::Provider(_)))
                .collect::<Vec<_>>()
        });
        Transcript::merge(by_agents.chain(by_providers))
    }

    pub(super) fn facts(&self) -> Facts {
        let (browsers, scripts, outage): (Vec<Browser>, Vec<PageSeen>, bool) = {
            let state = self.state();
            let browsers = state.browsers.values().map(|known| known.browser.clone()).collect();
            (browsers, state.scripts.clone(), state.outage)
        };
        let (mut secrets, mut owners) = self.attempt.secrets();
        let client_secrets = secrets.entry("client_secret".to_owned()).or_default();
        for other in &self.world.others {
            client_secrets.extend(other.client_secret.clone());
            owners.extend(other.client_secret.clone().map(|secret| (secret, other.name)));
        }
        if let Some(secret) = &self.world.ground.client_secret {
            client_secrets.push(secret.clone());
            owners.remove(secret);
        }
        secrets.retain(|_, values| !values.is_empty());
        Facts {
            secrets,
            owners,
            redirect_uris: self.redirect_uris(),
            partner: self.base.clone(),
            pages: browsers.iter().flat_map(Browser::pages).chain(scripts).collect(),
            scope_separator: self.world.ground.dialect.scope_separator.clone(),
            calls_by_query: self.world.ground.dialect.calls_by_query,
            outage,
            schemas: Arc::clone(&self.world.ground.schemas),
        }
    }

    /// Notes that a fault makes the provider unavailable, so that the partner's 502 to 504 are explained. A provider whose
    /// discovery document cannot be used is none; neither is one that wants to be left in peace for a while.
    pub(super) fn note_outage(&self, fault: &Fault) {
        let passes = |error: &ErrorAnswer| {
            let entry = self.world.ground.dialect.error_named(&error.code, error.subcode.as_deref());
            let says = |entry: &ErrorEntry| entry.more.get("transient") == Some(&serde_json::Value::Bool(true));
            entry.is_some_and(|entry| says(entry) || entry.status.is_some_and(|status| status >= 500))
        };
        let unavailable = fault.patches.iter().any(|patch| {
            let operations = &patch.operations;
            operations.status.is_some_and(|status| status >= 500 || status == 429)
                || operations.error.as_ref().is_some_and(passes)
                || operations.replace.is_some()
                || patch.address.message == Message::Response(Endpoint::Discovery)
                || matches!(
                    operations.send,
                    Some(
                        Pace::Never
                            | Pace::Reset
                            | Pace::Cut
                            | Pace::Held
                            | Pace::After(_)
                            | Pace::Slowly { .. }
                            | Pace::Certificate(_)
                    )
                )
        });
        if unavailable {
            self.state().outage = true;
        }
    }

    /// Ends the attempt and hands over what it leaves behind.
    pub(super) fn finish(&self, began: u64, started: std::time::Instant) -> Played {
        let transcript = self.transcript();
        let facts = self.facts();
        let mut state = self.state();
        for placed in &mut state.placed {
            placed.delivery = self.attempt.delivery(&placed.ids);
        }
        let accounts = state.people.iter().flat_map(|name| self.attempt.accounts(name));
        let mut people: Vec<Person> = accounts.map(|(at, person)| as_told(person, at)).collect();
        people.append(&mut state.former);
        let played = Played {
            transcript,
            observations: std::mem::take(&mut state.observations),
            faults: std::mem::take(&mut state.placed),
            sign_ins: std::mem::take(&mut state.sign_ins),
            facts,
            people,
            troubles: std::mem::take(&mut state.troubles),
            idle: state.idle.take(),
            twin_missed: state.twin_missed.take(),
            bystander_lost: state.bystander_lost.take(),
            began,
            ended: self.world.sequence.now(),
            partner_died: match &state.refuses_to_start {
                Some(_) => None,
                None => self.partner.lock().unwrap_or_else(PoisonError::into_inner).ended(),
            },
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            base: self.base.clone(),
            issuer: self.world.provider.issuer().to_owned(),
            other_issuers: self.world.issuers().split_off(1),
        };
        drop(state);
        self.attempt.finish();
        played
    }
}

/// A person's account under the name by which a ladder tells it from her others.
pub(super) fn as_told(person: Person, at: ProviderName) -> Person {
    match at {
        ProviderName::Main => person,
        at => Person { name: format!("{} at {}", person.name, at.name()), ..person },
    }
}

/// Makes a person's account at a provider, for this attempt, from the dialect's template.
fn mint(world: &World, at: ProviderName, template: &str, name: &str, attempt: u64, place: usize) -> Option<Person> {
    let ground = &world.ground;
    let persona = ground.dialect.personas.iter().find(|persona| persona.name == template)?;
    let accounts = &ground.manifest.accounts;
    let id = if accounts.pool.is_empty() { None } else { accounts.pool.get(place % accounts.pool.len()) };
    let unique = match at {
        ProviderName::Main => attempt.to_string(),
        other => format!("{attempt} at {}", other.name()),
    };
    Some(Person::mint(persona, name, ground.seed, &unique, accounts.email.as_deref(), id.map(String::as_str)))
}

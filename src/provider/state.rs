//! What the provider and its attempts know: clients, people, faults in force, options, what was written down.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::model::case::{PkcePolicy, RefreshPolicy};
use crate::model::dialect::Dialect;
use crate::model::exchange::{Cause, Exchange, Purpose, Response, Sequence};
use crate::model::fault::ProviderName;
use crate::model::hex::hex;
use crate::model::persona::Person;
use crate::tls::{Client, Server};

use super::ClientRegistration;
use super::check_session;
use super::circle::Circle;
use super::device;
use super::dialect::Adapter;
use super::dialect::arrival;
use super::dialect::held::Key;
use super::dialect::routes::{Role, Routes};
use super::everyday::Everyday;
use super::faults::Placed;
use super::ledger::{Ledger, Origin};
use super::metadata;
use super::mint::ring::Ring;
use super::tenants::{self, Everybody, Tenants};

/// Exchanges kept per attempt, and of those that belong to none.
const KEPT: usize = 2_000;

/// What all connections share.
pub(super) struct Shared {
    pub name: ProviderName,
    pub dialect: Arc<Dialect>,
    /// What the dialect's data cannot say.
    pub adapter: Option<&'static dyn Adapter>,
    pub routes: Routes,
    /// Requests have to be settled before they can be routed: hosts, versions, names of parameters.
    pub settles: bool,
    pub issuer: String,
    /// The path of the issuer: what stands before every path that it serves. Empty, or begins with a slash.
    pub prefix: String,
    pub address: SocketAddr,
    pub sequence: Sequence,
    pub clients: RwLock<BTreeMap<String, ClientRegistration>>,
    /// Clients may register themselves.
    pub registration: bool,
    /// Those that did, the oldest first.
    pub newcomers: Mutex<VecDeque<String>>,
    pub ledger: Mutex<Ledger>,
    /// Values that this provider did not give out, and whose they are.
    pub circle: Circle,
    /// There are other providers in the world, which may meet what this one gives out.
    pub has_company: bool,
    /// What cannot be attributed, and the people of `serve`.
    pub ambient: Arc<AttemptState>,
    /// Serialised once.
    pub discovery: Bytes,
    /// The keys that it signs with.
    pub ring: Ring,
    /// Serialised once for each change of the keys.
    pub jwks: RwLock<Option<Bytes>>,
    /// What is switched on for people who come without an attempt.
    pub everyday: Arc<Everyday>,
    /// Other issuers behind the same address.
    pub tenants: Tenants,
    /// With whom each of those begins.
    pub everybody: RwLock<Everybody>,
    /// Takes connections, where it speaks https.
    pub tls: Option<Server>,
    /// For messages that it pushes to https addresses.
    pub client: Option<Client>,
    /// Changes when every connection that is open has to be opened anew.
    pub reconnecting: watch::Sender<u64>,
    pub stopping: watch::Sender<bool>,
}

/// What makes a provider's state.
pub(super) struct Setup {
    pub name: ProviderName,
    pub dialect: Arc<Dialect>,
    pub issuer: String,
    pub prefix: String,
    pub address: SocketAddr,
    pub sequence: Sequence,
    pub clients: Vec<ClientRegistration>,
    pub people: Vec<Person>,
    pub circle: Option<Circle>,
    pub registration: bool,
    pub capacity: Option<usize>,
    pub tls: Option<Server>,
    pub client: Option<Client>,
    pub ring: Ring,
    pub everyday: Everyday,
}

impl Shared {
    pub fn new(setup: Setup) -> Arc<Shared> {
        let registration = setup.registration && setup.dialect.endpoints.contains_key("registration");
        let document = metadata::document(&setup.dialect, &setup.issuer, registration, &setup.everyday);
        let everybody = tenants::everybody(&setup.clients, &setup.people);
        let ambient = AttemptState::new(String::new(), setup.people, false, None);
        // Attempts say themselves how they want it; whoever comes without one meets the strict way.
        ambient.inner().options = Options::of(&setup.dialect);
        if setup.dialect.token.refresh {
            ambient.inner().options.refresh = RefreshPolicy::Strict;
        }
        let mut routes = Routes::new(&setup.dialect, registration);
        if setup.everyday.device {
            routes.add(device::AUTHORIZATION, Role::Device, "POST");
            routes.add(device::VERIFICATION, Role::Verification, "GET, POST");
        }
        if setup.everyday.session_management && setup.dialect.openid {
            routes.add(check_session::PATH, Role::CheckSession, "GET, POST");
        }
        Arc::new(Shared {
            name: setup.name,
            discovery: Bytes::from(document.to_string()),
            ring: setup.ring,
            jwks: RwLock::default(),
            adapter: super::dialect::adapter(&setup.dialect),
            settles: arrival::needed(&setup.dialect, &routes),
            routes,
            dialect: setup.dialect,
            issuer: setup.issuer,
            prefix: setup.prefix,
            address: setup.address,
            sequence: setup.sequence,
            clients: RwLock::new(setup.clients.into_iter().map(|client| (client.id.clone(), client)).collect()),
            registration,
            newcomers: Mutex::default(),
            ledger: Mutex::new(setup.capacity.map_or_else(Ledger::default, Ledger::new)),
            ambient,
            has_company: setup.circle.is_some(),
            circle: setup.circle.unwrap_or_default(),
            tls: setup.tls,
            client: setup.client,
            reconnecting: watch::channel(0).0,
            stopping: watch::channel(false).0,
            everyday: Arc::new(setup.everyday),
            tenants: Tenants::default(),
            everybody,
        })
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn client(&self, id: &str) -> Option<ClientRegistration> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The path of an endpoint.
    pub fn path(&self, role: &str) -> Option<&str> {
        self.dialect.path(role)
    }

    /// The path of one of its pages or endpoints as a browser knows it.
    pub fn public_path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// What this provider gives out may reach another one of its world.
    pub fn gives_out(&self, value: &str, origin: &Origin) {
        if self.has_company {
            self.circle.note(value, origin.trace());
        }
    }

    /// The shared handle of an attempt.
    pub fn attempt_of(&self, attempt: &AttemptState) -> Option<Arc<AttemptState>> {
        if attempt.id.is_empty() {
            return Some(Arc::clone(&self.ambient));
        }
        self.ledger().attempts.get(&attempt.id).cloned()
    }

    /// Where a request comes from that nothing gives away.
    pub fn default_origin(&self) -> Origin {
        Origin { attempt: self.default_attempt(), browser: String::new(), tab: String::new(), person: None }
    }

    /// The attempt that has the provider for itself, else the ambient one.
    pub fn default_attempt(&self) -> Arc<AttemptState> {
        let ledger = self.ledger();
        ledger.attempts.values().find(|attempt| attempt.sole).cloned().unwrap_or_else(|| Arc::clone(&self.ambient))
    }
}

/// How a provider behaves toward an attempt.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub clock: i64,
    pub pkce: PkcePolicy,
    pub iss_parameter: bool,
    pub refresh: RefreshPolicy,
    pub access_lifetime: Duration,
    pub keys_max_age: Option<Duration>,
    pub consent_remembered: bool,
    pub client_secret: Option<String>,
    /// Options of the dialect.
    pub more: BTreeMap<String, Json>,
}

impl Options {
    /// What a dialect says where nobody says otherwise.
    pub fn of(dialect: &Dialect) -> Options {
        let usual = Options::default();
        Options {
            iss_parameter: dialect.authorization.iss,
            refresh: if dialect.token.refresh { usual.refresh } else { RefreshPolicy::None },
            access_lifetime: Duration::from_secs(dialect.token.lifetime),
            consent_remembered: dialect.consent.remember,
            more: dialect.options.iter().map(|(name, kind)| (name.clone(), kind.default.clone())).collect(),
            ..usual
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            clock: 0,
            pkce: PkcePolicy::Check,
            iss_parameter: true,
            refresh: RefreshPolicy::Rotate,
            access_lifetime: Duration::from_secs(3600),
            keys_max_age: None,
            consent_remembered: false,
            client_secret: None,
            more: BTreeMap::new(),
        }
    }
}

/// A login that ended with a code.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub browser: String,
    pub person: String,
    pub sid: String,
    pub client_id: String,
}

/// One attempt.
pub(super) struct AttemptState {
    pub id: String,
    pub sole: bool,
    pub events: watch::Sender<u64>,
    pub finished: AtomicBool,
    next_fault: AtomicU64,
    inner: Mutex<Inner>,
}

/// A request that a fault withholds.
pub(super) struct HeldRequest {
    pub seq: u64,
    pub browser: String,
    pub tab: String,
    /// True once its fault was mended.
    pub released: watch::Receiver<bool>,
}

/// What changes while an attempt lasts.
#[derive(Default)]
pub(super) struct Inner {
    pub people: BTreeMap<String, Person>,
    /// People whose account is disabled or deleted.
    pub locked: Vec<String>,
    pub causes: HashMap<(String, String), Cause>,
    pub faults: Vec<Placed>,
    pub options: Options,
    pub exchanges: VecDeque<Exchange>,
    pub held: Vec<HeldRequest>,
    pub logins: VecDeque<Login>,
    /// Person (and app, where the dialect remembers it app by app) -> scopes that she granted last.
    pub grants: BTreeMap<Key, Vec<String>>,
    /// What she was asked for and declined, where the dialect remembers that.
    pub declined: BTreeMap<Key, Vec<String>>,
    /// When she last answered, in unix seconds.
    pub granted_at: BTreeMap<Key, i64>,
    pub secrets: BTreeMap<String, Vec<String>>,
    /// Person -> the highest number that a story on her wall was ever given, where the dialect has walls.
    pub stories: BTreeMap<String, u64>,
}

impl AttemptState {
    pub fn new(id: String, people: Vec<Person>, sole: bool, events: Option<watch::Sender<u64>>) -> Arc<Self> {
        let people = people.into_iter().map(|person| (person.name.clone(), person)).collect();
        Arc::new(AttemptState {
            id,
            sole,
            events: events.unwrap_or_else(|| watch::channel(0).0),
            finished: AtomicBool::new(false),
            next_fault: AtomicU64::new(1),
            inner: Mutex::new(Inner { people, ..Inner::default() }),
        })
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_fault(&self) -> u64 {
        self.next_fault.fetch_add(1, Ordering::Relaxed)
    }

    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Something was written down, ended, or is held.
    pub fn happened(&self) {
        self.events.send_modify(|count| *count += 1);
    }

    /// On whose behalf a browser's tab acts now.
    pub fn cause(&self, browser: &str, tab: &str) -> Cause {
        let known = self.inner().causes.get(&(browser.to_owned(), tab.to_owned())).cloned();
        known.unwrap_or_else(|| Cause {
            browser: browser.to_owned(),
            tab: tab.to_owned(),
            // Nobody entered this tab: it is no step of a case.
            purpose: Purpose::Guard,
            step: 0,
        })
    }

    /// Unix seconds by the clock that this attempt sees.
    pub fn now(&self) -> i64 {
        unix_now() + self.inner().options.clock
    }

    pub fn person(&self, name: &str) -> Option<Person> {
        self.inner().people.get(name).cloned()
    }

    pub fn secret(&self, kind: &str, value: &str) {
        let mut inner = self.inner();
        let values = inner.secrets.entry(kind.to_owned()).or_default();
        if values.len() < KEPT && !values.iter().any(|own| own == value) {
            values.push(value.to_owned());
        }
    }

    /// Remembers a login, and forgets the oldest when there are too many.
    pub fn logged_in(&self, login: Login) {
        let mut inner = self.inner();
        if inner.logins.len() >= KEPT {
            inner.logins.pop_front();
        }
        inner.logins.push_back(login);
    }

    /// Writes down an exchange that begins.
    pub fn began(&self, exchange: Exchange) {
        let forgotten = {
            let mut inner = self.inner();
            let forgotten = if inner.exchanges.len() >= KEPT { inner.exchanges.pop_front() } else { None };
            inner.exchanges.push_back(exchange);
            forgotten
        };
        // Given back only now: nobody waits for that.
        drop(forgotten);
        self.happened();
    }

    /// Adds what came of it: an answer, or why there is none.
    pub fn ended(&self, seq: u64, response: Option<Arc<Response>>, note: Option<String>, began: Instant) {
        {
            let mut inner = self.inner();
            // It is among the last that began, but for one that was withheld for long.
            if let Some(own) = inner.exchanges.iter_mut().rev().find(|own| own.seq == seq) {
                own.response = response;
                own.note = note.or(own.note.take());
                own.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            }
        }
        self.happened();
    }
}

/// Unix seconds.
pub(super) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// 32 random hexadecimal digits. From the operating system: the crypto library's generator costs each process its start.
pub(super) fn random_id() -> String {
    let mut bytes = [0u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness there is nothing safe to give out; ids that repeat are refused where they are used.
        return String::new();
    }
    hex(&bytes)
}

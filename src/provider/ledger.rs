//! The ledger: which authorization, code, token and session belongs to which attempt. Every store is bounded and
//! forgets what has expired.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::control::DeviceScript;
use crate::model::exchange::Cause;

use super::circle::{Circle, Trace};
use super::device::Waiting;
use super::mint::answer::Carrier;
use super::state::AttemptState;

/// Entries of one kind; the oldest goes when there are more.
const CAPACITY: usize = 20_000;

/// Values by key, bounded by number and by age.
pub(super) struct Store<V> {
    entries: HashMap<Arc<str>, (Instant, V)>,
    order: VecDeque<Arc<str>>,
    lifetime: Duration,
    capacity: usize,
}

impl<V> Store<V> {
    pub fn new(lifetime: Duration) -> Self {
        Store::with_capacity(lifetime, CAPACITY)
    }

    pub fn with_capacity(lifetime: Duration, capacity: usize) -> Self {
        Store { entries: HashMap::new(), order: VecDeque::new(), lifetime, capacity: capacity.max(1) }
    }

    /// How many entries take up room: those that were taken out count until their turn comes.
    pub fn count(&self) -> usize {
        self.entries.len().max(self.order.len())
    }

    pub fn insert(&mut self, key: String, value: V) {
        let now = Instant::now();
        while let Some(oldest) = self.order.front() {
            let old = self.entries.get(oldest).is_none_or(|(since, _)| now.duration_since(*since) > self.lifetime);
            if !old && self.order.len() < self.capacity {
                break;
            }
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        let key = Arc::<str>::from(key);
        self.order.push_back(Arc::clone(&key));
        self.entries.insert(key, (now, value));
    }

    pub fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key).filter(|(since, _)| since.elapsed() <= self.lifetime).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let lifetime = self.lifetime;
        self.entries.get_mut(key).filter(|(since, _)| since.elapsed() <= lifetime).map(|(_, value)| value)
    }

    /// The first entry that is meant: not by its key, so it takes a look at each.
    pub fn find(&self, is_meant: impl Fn(&str, &V) -> bool) -> Option<(&str, &V)> {
        let fresh = self.entries.iter().filter(|(_, (since, _))| since.elapsed() <= self.lifetime);
        fresh.map(|(key, (_, value))| (&**key, value)).find(|(key, value)| is_meant(key, value))
    }

    pub fn remove(&mut self, key: &str) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    /// Keeps what is still `wanted`, and gives the room of the rest back.
    pub fn retain(&mut self, wanted: impl Fn(&V) -> bool) {
        let before = self.entries.len();
        self.entries.retain(|_, (_, value)| wanted(value));
        if self.entries.len() < before {
            self.order.retain(|key| self.entries.contains_key(key));
            self.order.shrink_to(2 * self.order.len());
            self.entries.shrink_to(2 * self.entries.len());
        }
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }
}

/// Where something began: attempt, browser, tab, and the person once she is known.
#[derive(Clone)]
pub(super) struct Origin {
    pub attempt: Arc<AttemptState>,
    pub browser: String,
    pub tab: String,
    pub person: Option<String>,
}

impl Origin {
    /// For the circle.
    pub fn trace(&self) -> Trace {
        Trace {
            attempt: self.attempt.id.clone(),
            browser: self.browser.clone(),
            tab: self.tab.clone(),
            person: self.person.clone(),
        }
    }

    /// On whose behalf what belongs to this origin happens now.
    pub fn cause(&self) -> Cause {
        self.attempt.cause(&self.browser, &self.tab)
    }
}

/// An authorization request that waits for the person.
pub(super) struct Pending {
    pub origin: Origin,
    pub request: AuthorizationRequest,
    /// The browser that may answer: value of its own cookie.
    pub browser_secret: String,
    /// The person has authenticated: session id.
    pub session: Option<String>,
}

/// A valid authorization request. Empty is one that nobody made: a code may be given without one.
#[derive(Debug, Clone, Default)]
pub(super) struct AuthorizationRequest {
    pub client_id: String,
    pub response_type: String,
    pub redirect_uri: String,
    pub scopes: Vec<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub login_hint: Option<String>,
    pub ask_consent: bool,
    /// What was declined before is asked again (a dialect's own parameter).
    pub ask_again: bool,
    /// The person authenticates anew (a dialect's own parameter).
    pub login_again: bool,
    /// What the dialect remembers of the request.
    pub more: BTreeMap<String, String>,
    /// How the answer goes back.
    pub carrier: Carrier,
    /// Every parameter, for a fault that carries them along.
    pub parameters: Vec<(String, String)>,
}

/// A code: one use within a minute.
pub(super) struct Code {
    pub origin: Origin,
    pub request: AuthorizationRequest,
    pub granted: Vec<String>,
    pub session: String,
    pub expires: i64,
    /// The family of tokens that it gave; `None` while it is unused.
    pub used: Option<String>,
}

/// An access token.
pub(super) struct AccessToken {
    pub origin: Origin,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub family: String,
    pub issued: i64,
    pub expires: i64,
    pub revoked: bool,
    /// What the dialect remembers of the request that led to it.
    pub more: BTreeMap<String, String>,
}

/// A refresh token.
pub(super) struct RefreshToken {
    pub origin: Origin,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub session: String,
    pub nonce: Option<String>,
    pub family: String,
    pub used: bool,
    pub revoked: bool,
}

/// A browser that is signed in at the provider.
#[derive(Clone)]
pub(super) struct Session {
    pub origin: Origin,
    pub person: String,
    pub sid: String,
    pub auth_time: i64,
    pub ended: bool,
}

/// A token by which an app waits for the session that a person is about to begin (a dialect's own).
pub(super) struct Handshake {
    pub origin: Origin,
    pub client_id: String,
    /// The token of the session; `None`: she has not come yet.
    pub access_token: Option<String>,
}

/// Everything that was given out.
pub(super) struct Ledger {
    pub attempts: HashMap<String, Arc<AttemptState>>,
    pub pending: Store<Pending>,
    pub codes: Store<Code>,
    pub access: Store<AccessToken>,
    pub refresh: Store<RefreshToken>,
    /// By the value of the browser's cookie.
    pub sessions: Store<Session>,
    /// By device code.
    pub devices: Store<Waiting>,
    /// By the token that the app waits with.
    pub handshakes: Store<Handshake>,
    /// How the polls of devices to come are answered.
    pub scripts: VecDeque<DeviceScript>,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger::new(CAPACITY)
    }
}

impl Ledger {
    /// With so many entries in each store at most.
    pub fn new(capacity: usize) -> Self {
        let hours = |hours: u64| Duration::from_secs(3600 * hours);
        Ledger {
            attempts: HashMap::new(),
            pending: Store::with_capacity(hours(1), capacity),
            codes: Store::with_capacity(hours(1), capacity),
            access: Store::with_capacity(hours(24), capacity),
            refresh: Store::with_capacity(hours(24), capacity),
            sessions: Store::with_capacity(hours(24), capacity),
            devices: Store::with_capacity(hours(1), capacity),
            handshakes: Store::with_capacity(hours(1), capacity),
            scripts: VecDeque::new(),
        }
    }

    /// How many entries each store holds.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([
            ("attempts", self.attempts.len()),
            ("waiting requests", self.pending.count()),
            ("codes", self.codes.count()),
            ("access tokens", self.access.count()),
            ("refresh tokens", self.refresh.count()),
            ("sessions", self.sessions.count()),
            ("devices", self.devices.count()),
            ("handshakes", self.handshakes.count()),
        ])
    }

    /// Whose a value is that this provider did not give out.
    pub fn traced(&self, circle: &Circle, value: &str) -> Option<Origin> {
        let Trace { attempt, browser, tab, person } = circle.owner(value, |id| self.attempts.contains_key(id))?;
        Some(Origin { attempt: self.attempts.get(&attempt).cloned()?, browser, tab, person })
    }

    /// What an attempt was given is refused once it is over, as if it had never been: it need not be kept.
    pub fn forget(&mut self, attempt: &str) {
        self.attempts.remove(attempt);
        self.pending.retain(|own| own.origin.attempt.id != attempt);
        self.codes.retain(|own| own.origin.attempt.id != attempt);
        self.access.retain(|own| own.origin.attempt.id != attempt);
        self.refresh.retain(|own| own.origin.attempt.id != attempt);
        self.sessions.retain(|own| own.origin.attempt.id != attempt);
        self.devices.retain(|own| own.origin.attempt.id != attempt);
        self.handshakes.retain(|own| own.origin.attempt.id != attempt);
    }

    /// Whatever a family of tokens holds is dead from now on.
    pub fn revoke_family(&mut self, family: &str) {
        self.access.values_mut().filter(|token| token.family == family).for_each(|token| token.revoked = true);
        self.refresh.values_mut().filter(|token| token.family == family).for_each(|token| token.revoked = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_forgets_the_oldest_when_it_is_full() {
        let mut store = Store::new(Duration::from_secs(60));
        for number in 0..CAPACITY + 10 {
            store.insert(number.to_string(), number);
        }
        assert!(store.get("0").is_none());
        assert!(store.get(&(CAPACITY + 9).to_string()).is_some());
        assert!(store.entries.len() <= CAPACITY);
    }

    #[test]
    fn a_store_keeps_what_is_wanted_and_no_trace_of_the_rest() {
        let mut store = Store::new(Duration::from_secs(60));
        for number in 0..100 {
            store.insert(number.to_string(), number);
        }
        store.retain(|number| number % 10 == 0);
        assert_eq!(store.count(), 10);
        assert!(store.get("50").is_some() && store.get("51").is_none());
    }

    #[test]
    fn a_store_forgets_what_has_expired() {
        let mut store = Store::new(Duration::ZERO);
        store.insert("a".into(), 1);
        std::thread::yield_now();
        assert!(store.get("a").is_none() || Instant::now().elapsed() == Duration::ZERO);
    }
}

//! What the partner remembers: sessions, logins under way, accounts, what it knows of the provider.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::flaws::FLAWS;
use super::oddities::ODDITIES;
use super::switches::Switches;
use super::tongue::{self, Tongue};
use super::web::Page;
use super::{Base, ReferenceConfig};

/// Sessions kept; the oldest goes when there are more.
const SESSIONS: usize = 10_000;
/// Logins under way in one browser.
const LOGINS: usize = 10;

/// A login under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub state: String,
    pub nonce: Option<String>,
    pub verifier: Option<String>,
    pub return_to: String,
    pub asked: Vec<String>,
    /// The provider that it was begun with: its issuer.
    pub issuer: String,
    /// It is to confirm that the person wants her account deleted: what a token that comes after her password was asked
    /// for says.
    pub confirms: Option<String>,
    /// It only asks who is signed in at the provider, in a frame that nobody sees.
    #[serde(default)]
    pub silent: bool,
}

/// Who is signed in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct User {
    pub sub: String,
    pub account: String,
    /// What the provider said of her.
    pub claims: BTreeMap<String, Json>,
}

/// A browser's session.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub logins: VecDeque<Transaction>,
    /// The one state of this browser session, for the flaw that never renews it.
    pub kept_state: Option<String>,
    pub user: Option<User>,
    /// Who says so.
    pub issuer: String,
    pub sid: Option<String>,
    /// The ID token as it came: what tells the provider whose session ends when the person signs out.
    pub id_token: Option<String>,
    /// What the provider said of the browser's session there, to be watched.
    pub session_state: Option<String>,
    pub granted: Vec<String>,
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    /// Until when (Unix seconds) the provider is left in peace about this person, for it said that it was too much.
    pub rests_until: i64,
    /// Held by the one request that refreshes: a refresh token that is used twice may cost the whole grant.
    pub refreshing: Arc<tokio::sync::Mutex<()>>,
    /// The login was begun anew by itself already.
    pub restarted: bool,
}

/// An account.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub id: String,
    /// Issuer and subject that open it.
    pub identity: Option<(String, String)>,
    pub email: Option<String>,
    pub password: Option<String>,
    /// The names that the person goes by (only a flaw asks).
    pub names: BTreeSet<String>,
    /// What was granted ever (only a flaw asks).
    pub granted: BTreeSet<String>,
    /// What the provider said ever (only a flaw asks).
    pub claims: BTreeMap<String, Json>,
}

/// What changes.
#[derive(Default)]
pub(super) struct Inner {
    pub sessions: HashMap<String, Session>,
    order: VecDeque<String>,
    pub accounts: Vec<Account>,
    /// Every login under way, for the flaws that keep them in one place.
    pub everybodys_logins: VecDeque<Transaction>,
    /// The last one who signed in, for the flaw that keeps her in one variable.
    pub everybodys_user: Option<User>,
    /// What a feature showed first, for the flaw that keeps it for all.
    pub everybodys_lists: BTreeMap<String, Json>,
    /// By issuer.
    pub metadata: BTreeMap<String, Json>,
    /// By issuer.
    pub keys: BTreeMap<String, Json>,
    /// When they were fetched.
    pub keys_at: Option<Instant>,
    /// Logins whose code is being redeemed behind a waiting page: ticket -> the page at the end.
    pub waiting: HashMap<String, JoinHandle<Page>>,
    pub logout_ids: VecDeque<String>,
    /// Codes of deletions that were asked for, which can be asked about.
    pub deletions: VecDeque<String>,
    made: u64,
}

/// The partner, as it stands toward one of its providers; what it remembers is the same toward all.
pub(super) struct App {
    pub config: ReferenceConfig,
    pub flaws: Switches,
    pub odd: Switches,
    /// Set when it ends itself: how.
    pub exited: watch::Sender<Option<String>>,
    /// Held by the one request that is answered, where one is answered at a time.
    pub turn: tokio::sync::Mutex<()>,
    pub base_url: String,
    /// A state that never changes, for the flaw that uses one.
    pub constant: String,
    /// Toward further providers.
    pub others: Vec<Arc<App>>,
    inner: Arc<Mutex<Inner>>,
}

impl App {
    pub fn new(config: ReferenceConfig, base_url: String) -> Self {
        let inner = Arc::default();
        let toward = |config: &ReferenceConfig, others: Vec<Arc<App>>| App {
            flaws: Switches::new(FLAWS, &config.flaws),
            odd: Switches::new(ODDITIES, &config.oddities),
            exited: watch::channel(None).0,
            turn: tokio::sync::Mutex::default(),
            config: config.clone(),
            base_url: base_url.clone(),
            constant: random(),
            others,
            inner: Arc::clone(&inner),
        };
        let others = config.others.iter().map(|other| Arc::new(toward(other, Vec::new()))).collect();
        toward(&config, others)
    }

    /// Toward the provider that a path or a flaw names.
    pub fn other(&self, provider: &str) -> Option<&Arc<App>> {
        self.others.iter().find(|other| other.config.provider == provider)
    }

    /// Toward the provider with that issuer; toward the main one where there is none.
    pub fn of_issuer<'a>(self: &'a Arc<Self>, issuer: &str) -> &'a Arc<App> {
        self.others.iter().find(|other| other.config.issuer == issuer).unwrap_or(self)
    }

    /// Toward whom the answer at the one callback is taken to come from. A sound partner has one per provider.
    pub fn answering<'a>(self: &'a Arc<Self>, state: Option<&String>, session: Option<&Session>) -> &'a Arc<App> {
        let logins = || session.into_iter().flat_map(|session| session.logins.iter().rev());
        let login = if self.flaws.has("provider-in-single-slot") {
            logins().next()
        } else if self.flaws.has("one-callback-for-all") {
            logins().find(|login| Some(&login.state) == state)
        } else {
            None
        };
        login.map_or(self, |login| self.of_issuer(&login.issuer))
    }

    /// Every provider comes back to the same address (only with a flaw).
    pub fn has_one_callback(&self) -> bool {
        self.flaws.has("provider-in-single-slot") || self.flaws.has("one-callback-for-all")
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn openid(&self) -> bool {
        self.tongue().openid
    }

    pub fn sends_nonce(&self) -> bool {
        self.openid()
            && self.config.base >= Base::Oidc
            && !self.flaws.has("no-csrf-defence")
            && !self.odd.has("pkce-alone")
            && !self.odd.has("never-reads-id-token")
    }

    pub fn checks_nonce(&self) -> bool {
        self.sends_nonce() && !self.flaws.has("skip-nonce") && !self.flaws.has("no-pkce-no-nonce")
    }

    pub fn uses_pkce(&self) -> bool {
        self.config.base == Base::Full
            && self.tongue().pkce
            && !self.flaws.has("no-pkce-no-nonce")
            && !self.flaws.has("no-csrf-defence")
    }

    pub fn redirect_uri(&self) -> String {
        let provider = self.config.provider.as_str();
        let own = if provider.is_empty() || self.has_one_callback() { String::new() } else { format!("/{provider}") };
        format!("{}/callback{own}", self.base_url)
    }

    /// How its provider's dialect is spoken.
    pub fn tongue(&self) -> &'static Tongue {
        tongue::of(&self.config.dialect)
    }

    /// The scopes without which an account is limited.
    pub fn required(&self) -> Vec<String> {
        self.tongue().required(self.config.base)
    }

    /// What a login asks for: its scopes, or with a flaw others.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.scopes();
        if self.flaws.has("over-requests-scopes") {
            let more = ["contacts", "address", "phone"].map(str::to_owned);
            asked.extend(more.into_iter().filter(|scope| !self.scopes().contains(scope)));
        }
        asked.retain(|scope| scope != "openid" || !self.flaws.has("openid-not-asked"));
        asked
    }

    /// Whether an ID token says who somebody is.
    pub fn reads_id_token(&self) -> bool {
        self.openid() && !self.flaws.has("openid-not-asked") && !self.odd.has("never-reads-id-token")
    }

    /// Its scopes, by dialect and base.
    pub fn scopes(&self) -> Vec<String> {
        self.tongue().scopes(self.config.base)
    }
}

impl Inner {
    /// Forgets accounts, sessions and logins under way; the numbers of accounts are not given out again.
    pub fn forget_people(&mut self) {
        let (metadata, keys, keys_at) =
            (std::mem::take(&mut self.metadata), std::mem::take(&mut self.keys), self.keys_at);
        *self = Inner { metadata, keys, keys_at, made: self.made, ..Inner::default() };
    }

    /// Puts a session under an identifier.
    pub fn put(&mut self, id: String, session: Session) {
        if !self.sessions.contains_key(&id) {
            self.order.push_back(id.clone());
            if self.order.len() > SESSIONS
                && let Some(oldest) = self.order.pop_front()
            {
                self.sessions.remove(&oldest);
            }
        }
        self.sessions.insert(id, session);
    }

    /// Notes a login under way: in its session, and for a flaw where everybody's are found.
    pub fn begin(&mut self, session: &str, transaction: Transaction, for_everybody: bool) {
        if for_everybody {
            push_bounded(&mut self.everybodys_logins, transaction.clone(), 1_000);
        }
        if let Some(own) = self.sessions.get_mut(session) {
            push_bounded(&mut own.logins, transaction, LOGINS);
        }
    }

    /// How many accounts were opened so far.
    pub fn opened(&self) -> u64 {
        self.made
    }

    /// A new account.
    pub fn open_account(&mut self, account: Account) -> String {
        self.made += 1;
        let id = format!("acc-{}", self.made);
        if self.accounts.len() > SESSIONS {
            self.accounts.remove(0);
        }
        self.accounts.push(Account { id: id.clone(), ..account });
        id
    }
}

pub(super) fn push_bounded<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(value);
}

/// 43 random characters, as PKCE wants them (RFC 7636, section 4.1).
pub(super) fn random() -> String {
    use base64::Engine as _;
    let mut bytes = [0u8; 32];
    // Without randomness nobody can be signed in safely: better an error page.
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

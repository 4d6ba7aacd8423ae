//! The mock identity provider. It never sees a case: it gets people, faults and options by attempt, and keeps the
//! ledger of which authorization, code and token belongs to which attempt.

pub mod mint;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::model::case::{Change, Notify, ProviderOptions};
use crate::model::dialect::Dialect;
use crate::model::exchange::{Cause, Delivery, Exchange, FaultId, Sequence};
use crate::model::fault::{Fault, ProviderName};
use crate::model::persona::Person;
use crate::model::value::{Environment, Unresolved};

/// The header by which the agent says, toward an issuer only, for which attempt, browser and tab it asks.
pub const TAG_HEADER: &str = "x-countersign";

/// How a provider is set up.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Which of the three.
    pub name: ProviderName,
    /// What it speaks.
    pub dialect: Arc<Dialect>,
    /// Port 0: any.
    pub listen: SocketAddr,
    /// `http://localhost:{port}` when absent.
    pub issuer: Option<String>,
    /// Who is registered.
    pub clients: Vec<ClientRegistration>,
    /// Orders its exchanges among those of the agent.
    pub sequence: Sequence,
    /// People who exist without an attempt (`serve`).
    pub people: Vec<Person>,
}

/// A registered client.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientRegistration {
    /// `client_id`.
    pub id: String,
    /// `None` for a public client.
    pub secret: Option<String>,
    /// `client_secret_basic`, `client_secret_post`, `none`.
    pub auth: String,
    /// Compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens go.
    pub backchannel_logout_uri: Option<String>,
    /// `RS256` when absent.
    pub id_token_alg: Option<String>,
}

/// What makes an attempt.
#[derive(Debug, Clone, Default)]
pub struct AttemptSpec {
    /// Unique in the run, opaque on the wire.
    pub id: String,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// This attempt has the provider for itself: what cannot be attributed otherwise is its own (isolated cases).
    pub sole: bool,
}

/// Why a provider did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The issuer is not a URL that can be served.
    #[error("`{issuer}` cannot be an issuer: {why}")]
    Issuer {
        /// What was asked for.
        issuer: String,
        /// Why not.
        why: String,
    },
}

/// A running provider. Dropping it stops it.
pub struct Provider {}

impl Provider {
    /// Binds, and serves from now on in tasks of the present runtime.
    ///
    /// # Errors
    /// The address is taken, or the issuer makes no sense.
    pub async fn start(config: ProviderConfig) -> Result<Provider, ProviderError> {
        let _ = config;
        todo!()
    }

    /// The issuer identifier, without a trailing slash.
    pub fn issuer(&self) -> &str {
        todo!()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        todo!()
    }

    /// Registers a client, or replaces the one with that id.
    pub fn register(&self, client: ClientRegistration) {
        let _ = client;
        todo!()
    }

    /// Begins an attempt.
    pub fn attempt(&self, spec: AttemptSpec) -> Attempt {
        let _ = spec;
        todo!()
    }

    /// What could not be attributed to an attempt: discovery, JWKS, garbage.
    pub fn ambient(&self) -> Vec<Exchange> {
        todo!()
    }

    /// `issuer`, `token_endpoint`, … as the (honest) metadata says.
    pub fn metadata(&self, member: &str) -> Option<String> {
        let _ = member;
        todo!()
    }

    /// Stops listening and closes every connection.
    pub async fn stop(&self) {
        todo!()
    }
}

/// One attempt at one provider. Cheap to clone; forgotten when [`Attempt::finish`] is called.
#[derive(Clone)]
pub struct Attempt {}

/// What a notification met.
#[derive(Debug, Clone)]
pub enum Notified {
    /// The partner's endpoint answered, or did not (`response: None`).
    Answered(Box<Exchange>),
    /// Queued for polling.
    Queued,
    /// To be loaded in a browser: the URL.
    Frame(String),
}

/// Why a notification could not be sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotifyError {
    /// The person has no session that the message could be about.
    #[error("{0} has no session at the provider to send a message about")]
    NoSession(String),
    /// A value in a fault is not known to this provider.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// Not built yet.
    #[error("`{0}` is not built yet")]
    NotBuilt(String),
}

impl Attempt {
    /// The value of [`TAG_HEADER`] for a browser's tab.
    pub fn tag(&self, browser: &str, tab: &str) -> String {
        let _ = (browser, tab);
        todo!()
    }

    /// From now on, what this browser's tab causes is due to `cause`.
    pub fn enter(&self, cause: Cause) {
        let _ = cause;
        todo!()
    }

    /// Puts a fault in place. Values that only the driver knows are bound already.
    pub fn put(&self, fault: &Fault) -> FaultId {
        let _ = fault;
        todo!()
    }

    /// Ends a fault; what it held is sent now.
    pub fn mend(&self, fault: FaultId) {
        let _ = fault;
        todo!()
    }

    /// Ends every fault.
    pub fn mend_all(&self) {
        todo!()
    }

    /// What became of a fault.
    pub fn delivery(&self, fault: FaultId) -> Delivery {
        let _ = fault;
        todo!()
    }

    /// Other behaviour toward this attempt, from now on.
    ///
    /// # Errors
    /// A value that this provider does not know.
    pub fn options(&self, options: &ProviderOptions) -> Result<(), Unresolved> {
        let _ = options;
        todo!()
    }

    /// Adds a person who can sign in from now on.
    pub fn add_person(&self, person: Person) {
        let _ = person;
        todo!()
    }

    /// A person as the provider knows her now.
    pub fn person(&self, name: &str) -> Option<Person> {
        let _ = name;
        todo!()
    }

    /// Makes a fact different. Does not tell the partner: see [`Attempt::signals`].
    ///
    /// # Errors
    /// A value that this provider does not know.
    pub fn change(&self, change: &Change) -> Result<(), Unresolved> {
        let _ = change;
        todo!()
    }

    /// Tells the partner something; `to` is the URL of its endpoint.
    ///
    /// # Errors
    /// There is nothing that the message could be about, or it is not built.
    pub async fn notify(&self, notify: &Notify, to: &str, cause: Cause) -> Result<Notified, NotifyError> {
        let _ = (notify, to, cause);
        todo!()
    }

    /// A value that a forged callback or fault puts on the wire belongs to this attempt.
    pub fn register(&self, value: &str) {
        let _ = value;
        todo!()
    }

    /// What the person granted last, and what was asked; `None` when she never answered.
    pub fn granted(&self, person: &str) -> Option<Vec<String>> {
        let _ = person;
        todo!()
    }

    /// What was written down so far, sorted.
    pub fn exchanges(&self) -> Vec<Exchange> {
        todo!()
    }

    /// Browser and tab of each request that a fault withholds now.
    pub fn held(&self) -> Vec<(String, String)> {
        todo!()
    }

    /// Changes whenever an exchange is written down, ends, or is held.
    pub fn events(&self) -> watch::Receiver<u64> {
        todo!()
    }

    /// Values that were issued to or shown by the partner in this attempt: `client_secret`, `code`, `access_token`,
    /// `refresh_token`, `id_token`, `code_verifier`.
    pub fn secrets(&self) -> BTreeMap<String, Vec<String>> {
        todo!()
    }

    /// The attempt is over: its people, codes and tokens are forgotten, later requests of it are ambient.
    pub fn finish(&self) {
        todo!()
    }
}

impl Environment for Attempt {
    fn source(&self, source: &crate::model::value::Source) -> Option<crate::model::wire::Wire> {
        let _ = source;
        todo!()
    }
}

//! The mock identity provider. It never sees a case: it gets people, faults and options by attempt, and keeps the
//! ledger of which authorization, code and token belongs to which attempt.

mod attempt;
mod authorize;
mod check_session;
mod circle;
mod claims;
mod client_auth;
mod control;
mod cookies;
mod cors;
mod device;
pub mod dialect;
mod environment;
mod everyday;
mod faults;
mod front_channel;
mod inbound;
mod introspect;
mod ledger;
mod logout;
mod metadata;
pub mod mint;
mod pages;
mod pkce;
mod register;
mod reply;
mod resources;
mod server;
mod sessions;
mod state;
mod tenants;
mod token;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::model::dialect::Dialect;
use crate::model::exchange::{Exchange, FaultId, Sequence};
use crate::model::fault::ProviderName;
use crate::model::persona::Person;
use crate::model::value::Unresolved;
use crate::tls::{Authority, TlsError};

pub use circle::Circle;
pub use control::Control;
pub use everyday::{Everyday, Overrides, person as everyday_person, shared_with};
use mint::ring::Ring;
use state::{AttemptState, Setup, Shared};

/// The ways in which a client can authenticate itself.
pub const CLIENT_AUTH: [&str; 3] = client_auth::METHODS;

/// The grants that a client can have registered.
pub const GRANT_TYPES: [&str; 4] = {
    let [code, refresh, client] = token::GRANTS;
    [code, refresh, client, device::GRANT]
};

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
    /// `http://localhost:{port}` when absent, over TLS `https://localhost:{port}`.
    pub issuer: Option<String>,
    /// Who is registered.
    pub clients: Vec<ClientRegistration>,
    /// Orders its exchanges among those of the agent.
    pub sequence: Sequence,
    /// People who exist without an attempt (`serve`).
    pub people: Vec<Person>,
    /// Shared with the other providers of a world.
    pub circle: Option<Circle>,
    /// Whether clients may register themselves (RFC 7591), where the dialect has an endpoint for it.
    pub registration: bool,
    /// How many codes, tokens, sessions and waiting requests are kept, of each; 20 000 when absent.
    pub capacity: Option<usize>,
    /// Speaks https, with a certificate of this authority.
    pub tls: Option<Arc<Authority>>,
}

impl ProviderConfig {
    /// The main provider, speaking `dialect` on a free port of loopback, with nobody registered and nobody there yet.
    pub fn new(dialect: Dialect) -> Self {
        ProviderConfig {
            name: ProviderName::Main,
            dialect: Arc::new(dialect),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            issuer: None,
            clients: Vec::new(),
            sequence: Sequence::default(),
            people: Vec::new(),
            circle: None,
            registration: false,
            capacity: None,
            tls: None,
        }
    }
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
    /// What is loaded in a frame when a session ends.
    pub frontchannel_logout_uri: Option<String>,
    /// Where messages of the dialect go, by the name of the endpoint: `deauthorize`, `data_deletion`.
    pub callbacks: BTreeMap<String, String>,
    /// `id_token_signed_response_alg`: one of [`crate::model::manifest::ID_TOKEN_ALGS`], `RS256` when absent. `HS256`
    /// signs with the secret.
    pub id_token_alg: Option<String>,
    /// `grant_types`: the grants that it may use; every one when empty.
    pub grant_types: Vec<String>,
}

impl ClientRegistration {
    /// The algorithm of its ID tokens and logout tokens.
    pub fn signing_alg(&self) -> &str {
        self.id_token_alg.as_deref().unwrap_or("RS256")
    }

    /// Whether it may use a grant.
    pub fn may_use(&self, grant: &str) -> bool {
        self.grant_types.is_empty() || self.grant_types.iter().any(|own| own == grant)
    }
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
    /// Told of whatever happens, where the same attempt goes on at several providers; one of its own when absent.
    pub events: Option<watch::Sender<u64>>,
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
    /// Codes and tokens would be guessable.
    #[error("the system gives no random numbers: {0}")]
    Randomness(getrandom::Error),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
pub struct Provider {
    shared: Arc<Shared>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.stopping.send_replace(true);
    }
}

impl Provider {
    /// Binds, and serves from now on in tasks of the present runtime.
    ///
    /// # Errors
    /// The address is taken, or the issuer makes no sense.
    pub async fn start(config: ProviderConfig) -> Result<Provider, ProviderError> {
        Provider::serve(config, Everyday::default()).await
    }

    /// The page for a frame of a site that watches a session, as discovery tells it; `None`: sessions are not managed.
    pub fn check_session_iframe(&self) -> Option<String> {
        check_session::is_on(&self.shared).then(|| check_session::address(&self.shared.everyday, self.issuer()))
    }

    /// The same for everyday development.
    ///
    /// # Errors
    /// The address is taken, the issuer makes no sense, or the system gives no random numbers.
    pub async fn serve(config: ProviderConfig, everyday: Everyday) -> Result<Provider, ProviderError> {
        getrandom::fill(&mut [0; 1]).map_err(ProviderError::Randomness)?;
        let listening = |source| ProviderError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let issuer = config.issuer.clone().unwrap_or_else(|| {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://localhost:{}", address.port())
        });
        let (issuer, prefix) = checked_issuer(&issuer, config.tls.is_some())?;
        let tls = config.tls.as_ref().map(|authority| Ok::<_, TlsError>((authority.server()?, authority.client()?)));
        let (tls, client) = tls.transpose()?.unzip();
        let shared = Shared::new(Setup {
            name: config.name,
            dialect: config.dialect,
            issuer,
            prefix,
            address,
            sequence: config.sequence,
            clients: config.clients,
            people: config.people,
            circle: config.circle,
            registration: config.registration,
            capacity: config.capacity,
            tls,
            client,
            ring: Ring::shipped(mint::keys::own(config.name)),
            everyday,
        });
        tokio::spawn(server::run(Arc::clone(&shared), listener));
        Ok(Provider { shared })
    }

    /// The people and clients that are written down somewhere are these from now on, at each of its issuers. Who was
    /// added otherwise stays.
    pub fn replace(&self, clients: &[ClientRegistration], people: &[Person]) {
        tenants::replace(&self.shared, clients, people);
    }

    /// The issuer identifier, without a trailing slash.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Registers a client, or replaces the one with that id.
    pub fn register(&self, client: ClientRegistration) {
        let mut clients = self.shared.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.insert(client.id.clone(), client);
    }

    /// Begins an attempt.
    pub fn attempt(&self, spec: AttemptSpec) -> Attempt {
        attempt::begin(&self.shared, spec)
    }

    /// How the provider behaves toward whoever belongs to no attempt (`serve`).
    pub fn everybody(&self) -> Attempt {
        Attempt { shared: Arc::clone(&self.shared), state: Arc::clone(&self.shared.ambient) }
    }

    /// What could not be attributed to an attempt: discovery, JWKS, garbage.
    pub fn ambient(&self) -> Vec<Exchange> {
        self.everybody().exchanges()
    }

    /// `issuer`, `token_endpoint`, … as the (honest) metadata says.
    pub fn metadata(&self, member: &str) -> Option<String> {
        metadata::member(&self.shared, member)
    }

    /// How many entries each store holds, by what they are. Every one has a bound.
    pub fn remembered(&self) -> BTreeMap<&'static str, usize> {
        let mut all = self.shared.ledger().counts();
        all.insert("values of others", self.shared.circle.count());
        let newcomers = self.shared.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert("self-registered clients", newcomers.len());
        let inner = self.shared.ambient.inner();
        all.insert("exchanges", inner.exchanges.len());
        all.insert("logins", inner.logins.len());
        all.insert("secrets", inner.secrets.values().map(Vec::len).sum());
        all.insert("tabs", inner.causes.len());
        all
    }

    /// Stops listening and closes every connection.
    pub async fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }
}

/// An issuer is a URL without query and fragment (OpenID Connect Discovery, section 3), and ends without a slash here.
/// Gives its path, too.
fn checked_issuer(issuer: &str, over_tls: bool) -> Result<(String, String), ProviderError> {
    let wrong = |why: &str| ProviderError::Issuer { issuer: issuer.to_owned(), why: why.to_owned() };
    let url = url::Url::parse(issuer).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("an issuer is an http or https URL"));
    }
    if over_tls && url.scheme() != "https" {
        return Err(wrong("over TLS an issuer is an https URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an issuer has neither query nor fragment"));
    }
    Ok((issuer.trim_end_matches('/').to_owned(), url.path().trim_end_matches('/').to_owned()))
}

/// One attempt at one provider. Cheap to clone; forgotten when [`Attempt::finish`] is called.
#[derive(Clone)]
pub struct Attempt {
    shared: Arc<Shared>,
    state: Arc<AttemptState>,
}

/// What a notification met.
#[derive(Debug, Clone)]
pub enum Notified {
    /// The partner's endpoint answered, or did not (`response: None`).
    Answered(Box<Exchange>),
    /// Queued for polling.
    Queued,
    /// To be loaded in a browser.
    Frame {
        /// What is loaded.
        url: String,
        /// The faults that changed it; delivered once the browser has asked for it.
        faults: Vec<FaultId>,
    },
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

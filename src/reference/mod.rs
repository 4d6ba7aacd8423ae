//! The built-in partner: a small honest relying party, and its flaws, each of which can be switched on.

mod accounts;
mod check_session;
mod client;
mod detour;
mod facebook;
mod features;
mod flaws;
mod front_channel;
mod jwt;
mod login;
mod logout;
mod manifest;
mod oddities;
mod provider;
mod state;
mod switches;
mod token_login;
mod tongue;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::tls::{Authority, Client, Server, TlsError};

pub use flaws::FLAWS;
pub use manifest::manifest;
pub use oddities::{ODDITIES, declare};
pub use switches::{Switch, habits};

/// The dialects by which it signs people in, from end to end.
pub const SIGNS_IN_BY: [&str; 4] = ["oidc", "acme", "facebook-login", "facebook-connect"];

/// Which defences it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Base {
    /// State alone.
    Min,
    /// State and nonce.
    Oidc,
    /// State, nonce, PKCE and `iss`.
    Full,
}

impl Base {
    /// Weakest first.
    pub const ALL: [Base; 3] = [Base::Min, Base::Oidc, Base::Full];

    /// `min`, `oidc`, `full`.
    pub fn name(self) -> &'static str {
        match self {
            Base::Min => "min",
            Base::Oidc => "oidc",
            Base::Full => "full",
        }
    }
}

/// How the reference partner is set up.
#[derive(Debug, Clone)]
pub struct ReferenceConfig {
    /// Its defences.
    pub base: Base,
    /// Its defects, by id.
    pub flaws: BTreeSet<String>,
    /// Its odd habits, by id.
    pub oddities: BTreeSet<String>,
    /// Port 0: any.
    pub listen: SocketAddr,
    /// `oidc`, `acme`.
    pub dialect: String,
    /// The issuer.
    pub issuer: String,
    /// `client_id`.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
    /// Role (`authorization`, `token`, `api`, …) -> absolute URL, for dialects without discovery.
    pub endpoints: BTreeMap<String, String>,
    /// Which provider it is, as `/login/{provider}` names it; empty for the one of `/login`.
    pub provider: String,
    /// Speaks https by it, and trusts whom it vouches for.
    pub tls: Option<Tls>,
    /// The same about further providers; their own `others` count for nothing.
    pub others: Vec<ReferenceConfig>,
}

/// How the reference partner speaks https.
#[derive(Clone)]
pub struct Tls {
    /// Its own side as a server.
    pub server: Server,
    /// Its side as a client of the provider.
    pub client: Client,
}

impl Tls {
    /// By an authority that vouches for both sides.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn by(authority: &Arc<Authority>, flaws: &BTreeSet<String>) -> Result<Tls, TlsError> {
        Tls { server: authority.server()?, client: authority.client()? }.with(flaws)
    }

    /// With the flaws that concern it.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn with(self, flaws: &BTreeSet<String>) -> Result<Tls, TlsError> {
        let careless = flaws.contains("tls-verify-off");
        let client = if careless { Client::trusting_anybody()? } else { self.client };
        Ok(Tls { client, ..self })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// A running reference partner. Dropping it stops it.
pub struct Reference {
    base_url: String,
    app: Arc<state::App>,
    stopping: watch::Sender<bool>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Reference {
    /// Binds and serves in tasks of the present runtime.
    ///
    /// # Errors
    /// The address is taken, or the provider has no metadata for a partner that wants them first.
    pub async fn start(config: ReferenceConfig) -> std::io::Result<Reference> {
        let listener = TcpListener::bind(config.listen).await?;
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://127.0.0.1:{}", listener.local_addr()?.port());
        let stopping = watch::channel(false).0;
        let app = Arc::new(state::App::new(config, base_url.clone()));
        if app.odd.has("discovers-at-start") {
            app.endpoint("authorization").await.map_err(std::io::Error::other)?;
        }
        let serving = tokio::spawn(web::run(Arc::clone(&app), listener, stopping.subscribe()));
        Ok(Reference { base_url, app, stopping, serving: Mutex::new(Some(serving)) })
    }

    /// `http://127.0.0.1:{port}`, with TLS `https://127.0.0.1:{port}`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Tells when it has ended itself, and how: as a process would by exiting.
    pub fn exited(&self) -> watch::Receiver<Option<String>> {
        self.app.exited.subscribe()
    }

    /// Stops it; afterwards its port is free.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            let _ = serving.await;
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

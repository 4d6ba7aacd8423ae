//! A world: one provider and one partner that is set up with it, and two more providers where the manifest speaks of
//! them. The shared cases have one world, each isolated case its own.

mod second;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, RwLock};

use crate::judge::MessageRules;
use crate::model::dialect::Dialect;
use crate::model::exchange::Sequence;
use crate::model::fault::ProviderName;
use crate::model::manifest::Manifest;
use crate::partner::{Launch, LaunchError, Running, Setup};
use crate::provider::{Circle, ClientRegistration, Everyday, Provider, ProviderConfig, ProviderError};
use crate::tls::Authority;

pub use second::Second;

/// What stays the same over all worlds of a run.
pub struct Ground {
    /// What the partner says of itself.
    pub manifest: Manifest,
    /// What is spoken.
    pub dialect: Arc<Dialect>,
    /// How the partner is brought to life.
    pub launcher: Arc<dyn Launch>,
    /// Of all identities.
    pub seed: u64,
    /// The client's secret, for every world of the run.
    pub client_secret: Option<String>,
    /// How long the partner may take for an effect.
    pub grace: Duration,
    /// Named schemas.
    pub schemas: Arc<BTreeMap<String, serde_json::Value>>,
    /// What every message of the dialect must look like.
    pub messages: MessageRules,
    /// Where provider and partner speak https: who vouches for them.
    pub tls: Option<Arc<Authority>>,
    /// Bounds for the browsers.
    pub limits: crate::agent::Limits,
    /// The browsers' pages are Chromium's.
    pub chromium: Option<Arc<crate::agent::Chromium>>,
    attempts: AtomicU64,
}

impl Ground {
    /// For one run.
    pub fn new(
        manifest: Manifest,
        dialect: Arc<Dialect>,
        launcher: Arc<dyn Launch>,
        seed: u64,
        client_secret: Option<String>,
    ) -> Self {
        let read = |text: &Option<String>| text.as_deref().and_then(crate::model::manifest::duration);
        let grace = read(&manifest.session.grace).unwrap_or(Duration::ZERO);
        let mut limits = crate::agent::Limits::default();
        if let Some(patience) = read(&manifest.patience) {
            // Never more than what the rules allow a person to be kept waiting.
            limits.answer = patience.min(limits.answer);
        }
        Ground {
            manifest,
            dialect,
            launcher,
            seed,
            client_secret,
            grace,
            schemas: Arc::default(),
            messages: MessageRules::default(),
            tls: None,
            limits,
            chromium: None,
            attempts: AtomicU64::new(0),
        }
    }

    /// A number that no other attempt of the run has.
    pub fn next_attempt(&self) -> u64 {
        self.attempts.fetch_add(1, Ordering::Relaxed)
    }
}

/// Why there is no world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The provider could not start.
    #[error("{0}\n  help: choose another address with [provider] listen and issuer in the manifest, or free this one")]
    Provider(#[from] ProviderError),
    /// The client secret at a further provider is nowhere.
    #[error(
        "the manifest takes the client secret at `{provider}` from {variable}, which is not set\n  help: export {variable}=… with the secret that the partner uses there"
    )]
    Secret {
        /// Which provider.
        provider: &'static str,
        /// Which variable of the environment.
        variable: String,
    },
    /// The partner could not start, or is not there.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

/// One provider and one partner, and further providers.
pub struct World {
    /// What all worlds have in common.
    pub ground: Arc<Ground>,
    /// The provider.
    pub provider: Provider,
    /// `other` and `attacker`, where the manifest has registrations with them.
    pub others: Vec<Second>,
    /// Orders exchanges.
    pub sequence: Sequence,
    /// Held for reading by each attempt, for writing by one that must be alone.
    pub alone: RwLock<()>,
    partner: Mutex<Arc<dyn Running>>,
    setup: Setup,
    generation: AtomicU64,
    /// The partner asks for its answers by `form_post`, as a login has shown.
    pub posts_callbacks: AtomicBool,
    sole: bool,
}

impl World {
    /// Starts provider and partner. A `sole` world is for one isolated case: other port, other issuer.
    ///
    /// # Errors
    /// The address is taken, or the partner does not come up.
    pub async fn start(ground: &Arc<Ground>, sole: bool) -> Result<World, WorldError> {
        let manifest = &ground.manifest;
        let sequence = Sequence::default();
        let circle = Circle::default();
        let config = ProviderConfig {
            name: ProviderName::Main,
            dialect: Arc::clone(&ground.dialect),
            listen: listens(manifest.provider.listen.as_deref(), sole)?,
            issuer: manifest.provider.issuer.clone().filter(|_| !sole),
            clients: Vec::new(),
            sequence: sequence.clone(),
            people: Vec::new(),
            circle: manifest.second_provider.as_ref().map(|_| circle.clone()),
            registration: false,
            capacity: None,
            tls: ground.tls.clone(),
        };
        // A partner that watches sessions there has a provider that manages them; any other is told nothing of it.
        let session_management = manifest.at.places.contains_key("check_session");
        let provider = Provider::serve(config, Everyday { session_management, ..Everyday::default() }).await?;
        let others = Second::start_all(ground, sole, &sequence, &circle).await?;
        let setup = Setup {
            issuer: provider.issuer().to_owned(),
            client_id: manifest.client.id.clone(),
            client_secret: ground.client_secret.clone().unwrap_or_default(),
            port: 0,
            others: others.iter().map(Second::registration).collect(),
            tls: ground.tls.clone(),
        };
        let partner = ground.launcher.launch(&setup).await?;
        let world = World {
            ground: Arc::clone(ground),
            provider,
            others,
            sequence,
            alone: RwLock::new(()),
            partner: Mutex::new(Arc::clone(&partner)),
            setup,
            generation: AtomicU64::new(1),
            posts_callbacks: AtomicBool::new(false),
            sole,
        };
        world.register(partner.base());
        Ok(world)
    }

    fn register(&self, base: &str) {
        let manifest = &self.ground.manifest;
        let absolute = |uri: &String| absolute(uri, base);
        let endpoint = |name: &str| manifest.at.endpoints.get(name).map(|place| absolute_place(base, &place.path));
        let registration = ClientRegistration {
            id: manifest.client.id.clone(),
            secret: self.ground.client_secret.clone(),
            auth: manifest.client.auth.clone(),
            redirect_uris: self.redirect_uris(ProviderName::Main, base),
            post_logout_redirect_uris: manifest.client.post_logout_redirect_uris.iter().map(absolute).collect(),
            backchannel_logout_uri: endpoint("backchannel_logout"),
            frontchannel_logout_uri: endpoint("frontchannel_logout"),
            callbacks: manifest
                .at
                .endpoints
                .iter()
                .map(|(name, place)| (name.clone(), absolute_place(base, &place.path)))
                .collect(),
            id_token_alg: manifest.client.id_token_alg.clone(),
            grant_types: Vec::new(),
        };
        for other in &self.others {
            other.provider.register(ClientRegistration {
                id: other.client_id.clone(),
                secret: other.client_secret.clone(),
                redirect_uris: self.redirect_uris(other.name, base),
                ..registration.clone()
            });
        }
        self.provider.register(registration);
    }

    /// The redirect URIs that are registered with a provider.
    pub fn redirect_uris(&self, at: ProviderName, base: &str) -> Vec<String> {
        let manifest = &self.ground.manifest;
        let own = manifest.second_provider.as_ref().map(|second| &second.redirect_uris);
        let uris = match own.filter(|uris| at != ProviderName::Main && !uris.is_empty()) {
            Some(uris) => uris,
            None => &manifest.client.redirect_uris,
        };
        uris.iter().map(|uri| absolute(uri, base).replace("{provider}", at.name())).collect()
    }

    /// A further provider; `None` for the main one, and where there is none.
    pub fn second(&self, at: ProviderName) -> Option<&Second> {
        self.others.iter().find(|other| other.name == at)
    }

    /// A provider of the world.
    pub fn provider_at(&self, at: ProviderName) -> Option<&Provider> {
        match at {
            ProviderName::Main => Some(&self.provider),
            other => self.second(other).map(|second| &second.provider),
        }
    }

    /// Every issuer, and whose it is; the main one first.
    pub fn issuers(&self) -> Vec<(ProviderName, String)> {
        let others = self.others.iter().map(|other| (other.name, other.provider.issuer().to_owned()));
        [(ProviderName::Main, self.provider.issuer().to_owned())].into_iter().chain(others).collect()
    }

    /// The partner of the present generation.
    pub async fn partner(&self) -> Arc<dyn Running> {
        Arc::clone(&*self.partner.lock().await)
    }

    /// Which generation of the partner is up, from 1.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether the world belongs to one isolated case.
    pub fn is_sole(&self) -> bool {
        self.sole
    }

    /// Ends the partner and starts it anew, with the same provider and at the same address.
    ///
    /// # Errors
    /// It does not come up again.
    pub async fn restart(&self) -> Result<(), LaunchError> {
        let mut slot = self.partner.lock().await;
        slot.stop().await;
        let port = url::Url::parse(slot.base()).ok().and_then(|url| url.port()).unwrap_or(0);
        let fresh = self.ground.launcher.launch(&Setup { port, ..self.setup.clone() }).await?;
        self.register(fresh.base());
        *slot = fresh;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Ends partner and providers.
    pub async fn stop(&self) {
        self.partner().await.stop().await;
        self.provider.stop().await;
        for other in &self.others {
            other.provider.stop().await;
        }
    }
}

/// Where a provider listens: as the manifest says, or anywhere; in a world of its own always anywhere.
fn listens(wanted: Option<&str>, sole: bool) -> Result<SocketAddr, ProviderError> {
    match wanted.filter(|_| !sole) {
        Some(listen) => listen.parse().map_err(|_| ProviderError::Issuer {
            issuer: listen.to_owned(),
            why: "`listen` is an address with a port, such as 127.0.0.1:9400".to_owned(),
        }),
        None => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
    }
}

/// An address of the manifest, where the partner is at `base`.
fn absolute(uri: &str, base: &str) -> String {
    let at = url::Url::parse(base).ok();
    let scheme = at.as_ref().map_or("http", url::Url::scheme);
    let port = at.as_ref().and_then(url::Url::port_or_known_default).map(|port| port.to_string()).unwrap_or_default();
    uri.replace("{base}", base).replace("{scheme}", scheme).replace("{port}", &port)
}

/// A place of the manifest as an absolute URL.
pub fn absolute_place(base: &str, path: &str) -> String {
    let path = path.replace("{base}", base);
    if path.contains("://") { path } else { format!("{base}{path}") }
}

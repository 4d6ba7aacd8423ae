//! The implementation under test: starting it or attaching to it, its places, and the probes by which it is observed.

mod attach;
mod command;
mod group;
mod places;
mod printed;
mod probe;
mod trust;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::manifest::Manifest;
use crate::tls::{Authority, Client};

pub use places::{open_place, place};
pub use probe::{accounts_opened, feature_works, probe, probe_without};

/// A future in a box.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a partner is told when it is started.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The issuer.
    pub issuer: String,
    /// `client_id`.
    pub client_id: String,
    /// The secret; empty for a public client.
    pub client_secret: String,
    /// The port it shall listen on; 0 leaves the choice.
    pub port: u16,
    /// Its registrations with further providers.
    pub others: Vec<Registration>,
    /// Where the provider speaks https: who vouches for it, and for the partner.
    pub tls: Option<Arc<Authority>>,
}

/// A registration with a further provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// `other`, `attacker`.
    pub provider: String,
    /// The issuer.
    pub issuer: String,
    /// `client_id` there.
    pub client_id: String,
    /// The secret there; empty for a public client.
    pub client_secret: String,
}

/// Something that can bring a partner to life: a command, an address that is there already, the reference partner.
pub trait Launch: Send + Sync {
    /// Starts it and waits until it is ready.
    fn launch<'a>(&'a self, setup: &'a Setup) -> Boxed<'a, Result<Arc<dyn Running>, LaunchError>>;
    /// Whether fresh ones can be started, and beside one another.
    fn company(&self) -> Company;
}

/// Whether fresh partners can be started (own issuer, nothing learned yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Any number, side by side: each gets a port of its own.
    SideBySide,
    /// One at a time: it has a fixed port.
    OneAtATime,
    /// None: it is only attached to.
    Attached,
}

/// A partner that is up.
pub trait Running: Send + Sync {
    /// Its base URL without a trailing slash.
    fn base(&self) -> &str;
    /// How it ended, if it has.
    fn ended(&self) -> Option<String>;
    /// Resolves when it has ended.
    fn wait_ended<'a>(&'a self) -> Boxed<'a, String>;
    /// Ends it, with its process group, and waits until it is gone.
    fn stop<'a>(&'a self) -> Boxed<'a, ()>;
    /// The last lines that it printed, without secrets.
    fn output(&self) -> String;
}

/// Why a partner is not there.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}\n  help: {help}")]
pub struct LaunchError {
    /// What happened.
    pub what: String,
    /// What to do.
    pub help: String,
    /// It was started by us (a finding about the partner), not attached to (the environment's trouble).
    pub started: bool,
}

impl Setup {
    /// The client's side toward an address, where it is https.
    ///
    /// # Errors
    /// It is https, and the run is not over TLS.
    fn client(&self, base: &str) -> Result<Option<Client>, LaunchError> {
        let trouble = |what: String, help: &str| LaunchError { what, help: help.to_owned(), started: false };
        match &self.tls {
            _ if !base.starts_with("https://") => Ok(None),
            Some(authority) => {
                authority.client().map(Some).map_err(|error| trouble(error.to_string(), "run without --tls"))
            }
            None => Err(trouble(
                format!("the partner is at {base}, and this run speaks plain http"),
                "add --tls; the partner is then given a certificate by {tls.cert} and {tls.key} in [start] env, and {tls.ca} is whom it shall trust",
            )),
        }
    }
}

/// What the probe saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProbeAnswer {
    /// Who, by each pointer of the manifest that gave a text; all `None`: nobody.
    pub subject: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// The partner's account id.
    pub account: Option<String>,
    /// Field -> text shown.
    pub fields: BTreeMap<String, Option<String>>,
    /// Request and answer in one line, without secrets.
    pub evidence: String,
    /// The answer could not be read: why (too large, no answer, a 5xx).
    pub unreadable: Option<String>,
}

impl ProbeAnswer {
    /// Whether anybody is signed in.
    pub fn is_somebody(&self) -> bool {
        self.subject.is_some() || self.email.is_some() || self.username.is_some() || self.account.is_some()
    }
}

/// How the partner of a manifest at `path` is brought to life: its `[start]` command, or attaching to `[at] base`.
pub fn launcher(path: &Path, manifest: &Manifest) -> Arc<dyn Launch> {
    match &manifest.start {
        Some(start) => Arc::new(command::CommandPartner::new(path, manifest, start)),
        None => Arc::new(attach::AttachedPartner::new(manifest)),
    }
}

//! Who is judged: the reference partner with some flaws, or whatever a manifest speaks of. Gives one way to launch it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::model::dialect::Dialect;
use crate::model::manifest::Manifest;
use crate::partner::{Boxed, Company, Launch, LaunchError, Registration, Running, Setup};
use crate::reference::{self, Base, Reference, ReferenceConfig, Tls};

/// Whom a run judges.
#[derive(Debug, Clone)]
pub enum SubjectSpec {
    /// The built-in partner.
    Reference {
        /// Its defences.
        base: Base,
        /// Its defects, by id.
        flaws: BTreeSet<String>,
        /// Its odd habits, by id.
        oddities: BTreeSet<String>,
        /// What it speaks.
        dialect: String,
    },
    /// A partner of the user.
    Manifest {
        /// Where the manifest is.
        path: PathBuf,
        /// What it says.
        manifest: Box<Manifest>,
    },
}

impl SubjectSpec {
    /// The plain reference partner.
    pub fn reference(base: Base, dialect: &str) -> SubjectSpec {
        SubjectSpec::Reference { base, flaws: BTreeSet::new(), oddities: BTreeSet::new(), dialect: dialect.to_owned() }
    }

    /// The same with an odd habit more, where it is the reference partner.
    pub fn with_habit(mut self, habit: Option<&str>) -> SubjectSpec {
        if let SubjectSpec::Reference { oddities, .. } = &mut self {
            oddities.extend(habit.map(str::to_owned));
        }
        self
    }

    /// What the partner says of itself.
    pub fn manifest(&self) -> Manifest {
        match self {
            SubjectSpec::Reference { base, dialect, oddities, .. } => {
                let mut manifest = toml::from_str(&reference::manifest(*base, dialect))
                    .expect("the reference partner's own manifest is read by a test");
                reference::declare(&mut manifest, oddities);
                manifest
            }
            SubjectSpec::Manifest { manifest, .. } => (**manifest).clone(),
        }
    }

    /// The same as a run goes by it: over TLS the reference partner is at an https address.
    pub fn manifest_over(&self, tls: bool) -> Manifest {
        let mut manifest = self.manifest();
        if tls && matches!(self, SubjectSpec::Reference { .. }) {
            manifest.at.base = manifest.at.base.replacen("http://", "https://", 1);
        }
        manifest
    }

    /// The manifest's file, as people know it.
    pub fn place(&self) -> String {
        match self {
            SubjectSpec::Reference { base, .. } => format!("manifest of the reference partner, base {}", base.name()),
            SubjectSpec::Manifest { path, .. } => path.display().to_string(),
        }
    }

    /// The folder that keeps what belongs to the partner: that of its manifest; for the reference partner the current one.
    pub fn home(&self) -> PathBuf {
        match self {
            SubjectSpec::Reference { .. } => PathBuf::new(),
            SubjectSpec::Manifest { path, .. } => path.parent().map(PathBuf::from).unwrap_or_default(),
        }
    }

    /// Whether the reference partner is another one than the plain one: with defects or odd habits.
    pub fn is_altered(&self) -> bool {
        matches!(self, SubjectSpec::Reference { flaws, oddities, .. } if !flaws.is_empty() || !oddities.is_empty())
    }

    /// How it is brought to life. `dialect` is what the run speaks.
    pub fn launcher(&self, dialect: &Arc<Dialect>) -> Arc<dyn Launch> {
        match self {
            SubjectSpec::Reference { base, flaws, oddities, .. } => Arc::new(ReferenceLaunch {
                base: *base,
                flaws: flaws.clone(),
                oddities: oddities.clone(),
                dialect: Arc::clone(dialect),
            }),
            SubjectSpec::Manifest { path, manifest } => crate::partner::launcher(path, manifest),
        }
    }
}

struct ReferenceLaunch {
    base: Base,
    flaws: BTreeSet<String>,
    oddities: BTreeSet<String>,
    dialect: Arc<Dialect>,
}

impl ReferenceLaunch {
    /// What it is toward one provider.
    fn config(&self, at: &Registration, port: u16, tls: Option<&Tls>, others: Vec<ReferenceConfig>) -> ReferenceConfig {
        ReferenceConfig {
            base: self.base,
            flaws: self.flaws.clone(),
            oddities: self.oddities.clone(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            dialect: self.dialect.name.clone(),
            issuer: at.issuer.clone(),
            client_id: at.client_id.clone(),
            client_secret: at.client_secret.clone(),
            endpoints: self.dialect.told_paths().map(|(role, path)| (role, format!("{}{path}", at.issuer))).collect(),
            provider: at.provider.clone(),
            tls: tls.cloned(),
            others,
        }
    }
}

impl Launch for ReferenceLaunch {
    fn launch<'a>(&'a self, setup: &'a Setup) -> Boxed<'a, Result<Arc<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let tls = setup.tls.as_ref().map(|authority| Tls::by(authority, &self.flaws)).transpose();
            let tls = tls.map_err(|error| LaunchError {
                what: error.to_string(),
                help: "run without --tls".to_owned(),
                started: false,
            })?;
            let tls = tls.as_ref();
            let main = Registration {
                provider: String::new(),
                issuer: setup.issuer.clone(),
                client_id: setup.client_id.clone(),
                client_secret: setup.client_secret.clone(),
            };
            let others = setup.others.iter().map(|other| self.config(other, setup.port, tls, Vec::new())).collect();
            let config = self.config(&main, setup.port, tls, others);
            let reference = Reference::start(config).await.map_err(|error| LaunchError {
                what: format!("the reference partner cannot listen: {error}"),
                help: "free the port, or let any port be chosen".to_owned(),
                started: true,
            })?;
            let (gone, _) = watch::channel(false);
            Ok(Arc::new(ReferenceRunning { reference, gone }) as Arc<dyn Running>)
        })
    }

    fn company(&self) -> Company {
        Company::SideBySide
    }
}

struct ReferenceRunning {
    reference: Reference,
    gone: watch::Sender<bool>,
}

impl Running for ReferenceRunning {
    fn base(&self) -> &str {
        self.reference.base_url()
    }

    fn ended(&self) -> Option<String> {
        let exited = self.reference.exited().borrow().clone();
        exited.or_else(|| self.gone.borrow().then(|| "stopped".to_owned()))
    }

    fn wait_ended<'a>(&'a self) -> Boxed<'a, String> {
        Box::pin(async move {
            let (mut gone, mut exited) = (self.gone.subscribe(), self.reference.exited());
            tokio::select! {
                _ = gone.wait_for(|gone| *gone) => {}
                _ = exited.wait_for(Option::is_some) => {}
            }
            self.ended().unwrap_or_default()
        })
    }

    fn stop<'a>(&'a self) -> Boxed<'a, ()> {
        Box::pin(async move {
            self.reference.stop().await;
            self.gone.send_replace(true);
        })
    }

    fn output(&self) -> String {
        String::new()
    }
}

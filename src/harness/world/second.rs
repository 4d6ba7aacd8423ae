//! The further providers of a world: `other`, which is honest, and `attacker`, which is not.
//!
//! Who is who: a person of a case is one person with an account at every provider. Each account has its own subject,
//! user name, password and e-mail address; what else the persona file says is the same. On a provider's page she uses
//! her account there. `{ sub_of = "alice" }` is her subject at the main provider; `at = "other"` beside it asks for
//! the other one. `session = "alice"` holds whichever of her accounts signed her in.

use std::sync::Arc;

use crate::model::exchange::Sequence;
use crate::model::fault::ProviderName;
use crate::model::manifest::{Manifest, SecondAddress};
use crate::partner::Registration;
use crate::provider::{Circle, Provider, ProviderConfig};

use super::{Ground, WorldError, listens};

/// A further provider, and the partner's registration there.
pub struct Second {
    /// Which.
    pub name: ProviderName,
    /// Running.
    pub provider: Provider,
    /// The partner's `client_id` there.
    pub client_id: String,
    /// And its secret; `None` for a public client.
    pub client_secret: Option<String>,
}

impl Second {
    /// Starts those that the manifest speaks of.
    pub(super) async fn start_all(
        ground: &Arc<Ground>,
        sole: bool,
        sequence: &Sequence,
        circle: &Circle,
    ) -> Result<Vec<Second>, WorldError> {
        let mut all = Vec::new();
        for (name, address) in wanted(&ground.manifest) {
            let provider = Provider::start(ProviderConfig {
                name,
                dialect: Arc::clone(&ground.dialect),
                listen: listens(address.listen.as_deref(), sole)?,
                issuer: address.issuer.clone().filter(|_| !sole),
                clients: Vec::new(),
                sequence: sequence.clone(),
                people: Vec::new(),
                circle: Some(circle.clone()),
                registration: false,
                capacity: None,
                tls: ground.tls.clone(),
            })
            .await?;
            let client_id = address.client_id.clone().unwrap_or_else(|| client_id(name, &ground.manifest.client.id));
            all.push(Second { name, provider, client_id, client_secret: ground.second_secret(name, address)? });
        }
        Ok(all)
    }

    /// What the partner is told of it.
    pub(super) fn registration(&self) -> Registration {
        Registration {
            provider: self.name.name().to_owned(),
            issuer: self.provider.issuer().to_owned(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone().unwrap_or_default(),
        }
    }
}

fn wanted(manifest: &Manifest) -> Vec<(ProviderName, &SecondAddress)> {
    let second = manifest.second_provider.iter();
    second
        .flat_map(|second| [(ProviderName::Other, &second.other), (ProviderName::Attacker, &second.attacker)])
        .collect()
}

/// A provider chooses the `client_id` that it gives out: an honest one its own, a dishonest one what serves it.
fn client_id(name: ProviderName, at_main: &str) -> String {
    match name {
        ProviderName::Other => format!("{at_main}-other"),
        _ => at_main.to_owned(),
    }
}

impl Ground {
    /// The secret at a further provider: from the environment where the manifest names a variable, else made.
    fn second_secret(&self, name: ProviderName, address: &SecondAddress) -> Result<Option<String>, WorldError> {
        if self.client_secret.is_none() {
            return Ok(None);
        }
        let made =
            || crate::model::persona::digest(&[&self.seed.to_string(), "client secret", name.name()])[..32].to_owned();
        match &address.secret_env {
            None => Ok(Some(made())),
            Some(variable) => match std::env::var(variable) {
                Ok(secret) if !secret.is_empty() => Ok(Some(secret)),
                _ if self.manifest.start.is_some() => Ok(Some(made())),
                _ => Err(WorldError::Secret { provider: name.name(), variable: variable.clone() }),
            },
        }
    }
}

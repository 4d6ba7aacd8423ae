//! The run-time values that the driver knows: what was saved, people, the manifest's lists, canaries.

use crate::model::fault::ProviderName;
use crate::model::value::{Environment, Source};
use crate::model::wire::Wire;

use super::play::{Mode, Play};

impl Environment for Play {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Saved(name) if name == "variant" => {
                let value = self.variant.value.as_ref()?;
                self.note_idle(value);
                value.resolve(self).ok()
            }
            Source::Saved(name) => self.state().saved.get(name).cloned(),
            Source::Of { field, of, at } => self.of(field, of, *at).or_else(|| self.attempt.source(source)),
            Source::Canary(kind) => self.canary(kind),
            // What a message would have said and when is the provider's to know, at the moment of sending.
            Source::Original(_) | Source::Time(_) | Source::Token { .. } => None,
            other => self.attempt.source(other),
        }
    }
}

impl Play {
    /// What is known where a patch goes that is meant for a provider: its keys are its own.
    pub(super) fn as_seen_by(&self, at: ProviderName) -> impl Environment {
        SeenBy { play: self, at }
    }

    fn of(&self, field: &str, of: &str, at: ProviderName) -> Option<Wire> {
        let manifest = &self.world.ground.manifest;
        let texts = |texts: Vec<String>| Some(Wire::List(texts.into_iter().map(Wire::from).collect()));
        match (field, of) {
            ("scopes", "feature") => {
                texts(manifest.at.features.values().find(|place| !place.needs.is_empty())?.needs.clone())
            }
            ("scopes", name) if name.starts_with("feature:") => {
                texts(manifest.at.features.get(name.trim_start_matches("feature:"))?.needs.clone())
            }
            ("scopes", "manifest") => {
                texts([manifest.scopes.required.clone(), manifest.scopes.optional.clone()].concat())
            }
            ("required_scopes", "manifest") => texts(manifest.scopes.required.clone()),
            ("optional_scopes", "manifest") => texts(manifest.scopes.optional.clone()),
            ("redirect_uris", "manifest") => texts(self.world.redirect_uris(at, &self.base)),
            ("optional_fields", "manifest") => texts(optional_fields(manifest)),
            ("base", "manifest") => Some(Wire::from(self.base.as_str())),
            ("client_id", "main") => Some(Wire::from(manifest.client.id.as_str())),
            ("client_secret", "main") => self.world.ground.client_secret.as_deref().map(Wire::from),
            (field, provider) if ProviderName::from_name(provider).is_some() => {
                let at = ProviderName::from_name(provider)?;
                match (field, self.world.second(at)) {
                    ("client_id", Some(second)) => Some(Wire::from(second.client_id.as_str())),
                    (member, _) => self.world.provider_at(at)?.metadata(member).map(Wire::from),
                }
            }
            (field, person) => {
                let person = self.attempt.at(at).person(person)?;
                if let Some(text) = person.text(field) {
                    return Some(match person.fields.get(field) {
                        Some(json) => Wire::from(json.clone()),
                        None => Wire::from(text),
                    });
                }
                None
            }
        }
    }

    /// A traceable value, new each time; harmless in a control run.
    fn canary(&self, kind: &str) -> Option<Wire> {
        let count = self.state().canaries.len();
        let nonce = &crate::model::persona::digest(&[
            &self.world.ground.seed.to_string(),
            &self.number.to_string(),
            &count.to_string(),
            kind,
        ])[..10];
        let (hostile, harmless) = crate::judge::inert::canary(kind, nonce)?;
        let value = if self.mode == Mode::Control { harmless } else { hostile };
        self.state().canaries.push((kind.to_owned(), value.clone()));
        Some(Wire::from(value))
    }
}

/// The driver's knowledge beside a provider's own.
struct SeenBy<'p> {
    play: &'p Play,
    at: ProviderName,
}

impl Environment for SeenBy<'_> {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Key { .. } => self.play.attempt.at(self.at).source(source),
            other => self.play.source(other),
        }
    }
}

/// The fields that a partner shows and a person may lack.
pub fn optional_fields(manifest: &crate::model::manifest::Manifest) -> Vec<String> {
    manifest.session.fields.keys().filter(|field| *field != "sub").cloned().collect()
}

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
            Source::Of { field, of } => self.of(field, of).or_else(|| self.attempt.source(source)),
            Source::Canary(kind) => self.canary(kind),
            // What a message would have said and when is the provider's to know, at the moment of sending.
            Source::Original(_) | Source::Time(_) | Source::Token { .. } => None,
            other => self.attempt.source(other),
        }
    }
}

impl Play {
    fn of(&self, field: &str, of: &str) -> Option<Wire> {
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
            ("redirect_uris", "manifest") => texts(self.redirect_uris()),
            ("optional_fields", "manifest") => texts(optional_fields(manifest)),
            ("base", "manifest") => Some(Wire::from(self.base.as_str())),
            ("client_id", "main") => Some(Wire::from(manifest.client.id.as_str())),
            (member, provider) if ProviderName::from_name(provider) == Some(ProviderName::Main) => {
                self.world.provider.metadata(member).map(Wire::from)
            }
            (field, person) => {
                let person = self.attempt.person(person)?;
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

/// The fields that a partner shows and a person may lack.
pub fn optional_fields(manifest: &crate::model::manifest::Manifest) -> Vec<String> {
    manifest.session.fields.keys().filter(|field| *field != "sub").cloned().collect()
}

//! The run-time values that the provider knows: its keys, its clock, tokens made now, the request that it answers.

use crate::model::value::{Environment, KeyForm, Source};
use crate::model::wire::Wire;

use super::claims::{self, IdToken};
use super::metadata;
use super::mint::keys;
use super::mint::token;
use super::state::{AttemptState, Shared};

/// What a fault may speak of while a message is made.
pub(super) struct Surroundings<'a> {
    pub shared: &'a Shared,
    pub attempt: &'a AttemptState,
    /// Parameters of the request that is answered.
    pub request: &'a [(String, String)],
}

impl Environment for Surroundings<'_> {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Time(shift) => Some(Wire::from(self.attempt.now() + shift)),
            Source::Key { key, form, .. } => self.key(key, *form),
            Source::Token { kind, of, client, time, .. } => {
                self.token(kind, of.as_deref(), client.as_deref(), time.unwrap_or(0))
            }
            Source::Of { field, of, .. } if field == "parameters" && of == "request" => {
                let members = self.request.iter().map(|(name, value)| (name.clone(), Wire::from(value.as_str())));
                Some(Wire::Object(members.collect()))
            }
            Source::Of { field, of, .. } if of == self.shared.name.name() => {
                metadata::member(self.shared, field).map(Wire::from)
            }
            _ => None,
        }
    }
}

impl Surroundings<'_> {
    /// A public key of the type that clients here have registered; `main-es256` and the like name the type.
    fn key(&self, name: &str, form: KeyForm) -> Option<Wire> {
        let (name, alg) = match (name.strip_suffix("-es256"), name.strip_suffix("-rs256")) {
            (Some(name), _) => (name, "ES256"),
            (_, Some(name)) => (name, "RS256"),
            _ => (name, self.registered_alg()),
        };
        keys::public_for(if name == "main" { keys::own(self.shared.name) } else { name }, alg, form)
    }

    fn registered_alg(&self) -> &'static str {
        let clients = self.shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let es = clients.values().any(|client| client.id_token_alg.as_deref().is_some_and(|alg| alg.starts_with("ES")));
        if es { "ES256" } else { "RS256" }
    }

    fn token(&self, kind: &str, of: Option<&str>, client: Option<&str>, shift: i64) -> Option<Wire> {
        let person = self.attempt.person(of?)?;
        let client_id = {
            let clients = self.shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            match client {
                Some("other") => "another-client".to_owned(),
                Some(own) => own.to_owned(),
                None => clients.keys().next()?.clone(),
            }
        };
        let alg = self.shared.client(&client_id).and_then(|client| client.id_token_alg);
        let alg = alg.as_deref().unwrap_or("RS256");
        let scopes: Vec<String> = self.shared.dialect.scopes.keys().cloned().collect();
        let draft = match kind {
            "id_token" => claims::id_token(
                self.shared,
                self.attempt,
                &IdToken {
                    person: &person,
                    client_id: &client_id,
                    alg,
                    scopes: &scopes,
                    nonce: None,
                    sid: &person.id,
                    auth_time: self.attempt.now() + shift,
                    access_token: None,
                    shift,
                },
            ),
            "logout_token" => {
                let now = self.attempt.now() + shift;
                claims::logout_token(self.shared, now, &client_id, alg, Some(&person.sub), None)
            }
            _ => return None,
        };
        token::honest(draft).ok().map(Wire::from)
    }
}

//! The run-time values that the provider knows: its keys, its clock, tokens made now, the request that it answers.

use crate::model::fault::{Address, Layer, Message, Object, Operations, Patch, Selectors, Sign, SigningKey};
use crate::model::manifest::ID_TOKEN_ALGS;
use crate::model::value::{Environment, KeyForm, Source};
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::claims::{self, IdToken};
use super::dialect::held;
use super::ledger::{AccessToken, Origin};
use super::metadata;
use super::mint::keys;
use super::mint::token;
use super::state::{AttemptState, Shared, random_id};
use super::token::letters;

/// Seconds that an access token lives which is made for a case.
const ACCESS_LIFETIME: i64 = 3600;

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
            Source::Token { kind, of, client, time, sign, .. } => {
                self.token(kind, of.as_deref(), client.as_deref(), time.unwrap_or(0), sign.as_deref())
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
        let own = self.registered_alg();
        let named = ID_TOKEN_ALGS.iter().find_map(|alg| {
            let name = name.strip_suffix(&alg.to_lowercase())?.strip_suffix('-')?;
            Some((name, *alg))
        });
        let (name, alg) = named.unwrap_or((name, own));
        keys::public_for(if name == "main" { self.shared.ring.current() } else { name }, alg, form)
    }

    fn registered_alg(&self) -> &'static str {
        let clients = self.shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let registered = |alg: &&&str| clients.values().any(|client| client.signing_alg() == **alg);
        let public = ID_TOKEN_ALGS.iter().filter(|alg| **alg != "RS256" && !alg.starts_with("HS"));
        public.clone().find(registered).copied().unwrap_or("RS256")
    }

    fn token(
        &self,
        kind: &str,
        of: Option<&str>,
        client: Option<&str>,
        shift: i64,
        sign: Option<&str>,
    ) -> Option<Wire> {
        let person = self.attempt.person(of?)?;
        let id = {
            let clients = self.shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            match client {
                Some("other") => "another-client".to_owned(),
                Some(own) => own.to_owned(),
                None => clients.keys().next()?.clone(),
            }
        };
        let client = self.shared.client(&id).unwrap_or_else(|| ClientRegistration { id, ..Default::default() });
        let scopes: Vec<String> = self.shared.dialect.scopes.keys().cloned().collect();
        let draft = match kind {
            "id_token" => claims::id_token(
                self.shared,
                self.attempt,
                &IdToken {
                    person: &person,
                    client: &client,
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
                claims::logout_token(self.shared, now, &client, Some(&person.sub), None)
            }
            "access_token" => {
                let scope = self.shared.dialect.join_scopes(&scopes);
                let now = self.attempt.now() + shift;
                let draft = claims::access_token(self.shared, now, ACCESS_LIFETIME, &person.sub, &client, &scope);
                let text = match &self.shared.dialect.token.opaque {
                    Some(prefix) => format!("{prefix}{}", letters()),
                    None => token::honest(&draft).ok()?,
                };
                self.give_out(&text, &person.name, client.id, scopes, now)?;
                return Some(Wire::from(text));
            }
            kind => {
                let made = self.shared.adapter?.sealed(self.shared, self.attempt, &person, &client, kind)?;
                return made.ok().map(Wire::from);
            }
        };
        let Some(key) = sign else { return token::honest(&draft).ok().map(Wire::from) };
        let sign = Sign { key: Some(SigningKey::Named(key.to_owned())), ..Sign::default() };
        let patch = Patch {
            address: Address { message: Message::Object(Object::IdToken), layer: Layer::Members },
            selectors: Selectors::default(),
            operations: Operations { sign: Some(sign), ..Operations::default() },
        };
        let bytes = token::mint(&draft, &[&patch], &[], self).ok()?;
        Some(Wire::from(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// An access token that opens what it says, as if its client had got it by a login.
    fn give_out(&self, text: &str, person: &str, client_id: String, scopes: Vec<String>, issued: i64) -> Option<()> {
        self.attempt.secret("access_token", text);
        let attempt = self.shared.ledger().attempts.get(&self.attempt.id).cloned()?;
        let origin = Origin { attempt, browser: String::new(), tab: String::new(), person: Some(person.to_owned()) };
        self.shared.gives_out(text, &origin);
        if self.shared.dialect.consent.cumulative {
            let key = held::key(&self.shared.dialect, person, &client_id);
            let mut inner = self.attempt.inner();
            inner.granted_at.entry(key.clone()).or_insert(issued);
            inner.grants.entry(key).or_insert_with(|| scopes.clone());
        }
        let (family, expires) = (random_id(), issued + ACCESS_LIFETIME);
        let token = AccessToken {
            origin,
            client_id,
            scopes,
            family,
            issued,
            expires,
            revoked: false,
            more: Default::default(),
        };
        self.shared.ledger().access.insert(text.to_owned(), token);
        Some(())
    }
}

//! The file of `serve`: people, clients, scopes of one's own, and what discovery says otherwise. Reads it, and says with
//! line and advice what is wrong with it; it starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Spanned;

use crate::model::diagnostic::{Diagnostic, nearest};
use crate::model::dialect::{Dialect, Scope};
use crate::model::manifest::ID_TOKEN_ALGS;
use crate::model::persona::{Person, Persona};
use crate::provider::{CLIENT_AUTH, ClientRegistration, GRANT_TYPES, Overrides, everyday_person, shared_with};

/// What is written down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// What the pages call the provider.
    pub title: Option<String>,
    /// Who can sign in; `None`: the file names nobody.
    pub people: Option<Vec<Person>>,
    /// Who is registered; `None`: the file names no client.
    pub clients: Option<Vec<ClientRegistration>>,
    /// Scopes beside those of the dialect, or instead of them.
    pub scopes: BTreeMap<String, Scope>,
    /// What discovery says otherwise.
    pub discovery: Overrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Option<String>,
    #[serde(default)]
    persona: Vec<Spanned<Persona>>,
    #[serde(default)]
    client: Vec<Spanned<Client>>,
    #[serde(default)]
    scopes: BTreeMap<String, Scope>,
    #[serde(default)]
    discovery: Discovery,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: Spanned<String>,
    secret: Option<String>,
    auth: Option<Spanned<String>>,
    #[serde(default)]
    redirect_uris: Vec<Spanned<String>>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<Spanned<String>>,
    backchannel_logout_uri: Option<Spanned<String>>,
    frontchannel_logout_uri: Option<Spanned<String>>,
    /// `deauthorize`, `data_deletion`, … -> address, for dialects that have such messages.
    #[serde(default)]
    callbacks: BTreeMap<String, Spanned<String>>,
    id_token_alg: Option<Spanned<String>>,
    #[serde(default)]
    grant_types: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Discovery {
    #[serde(default)]
    set: Map<String, Json>,
    #[serde(default)]
    drop: Vec<String>,
}

/// People of `serve`.
pub fn people(personas: &[Persona]) -> Vec<Person> {
    personas.iter().map(everyday_person).collect()
}

/// A dialect with the title and the scopes of a file.
pub fn with_own(mut dialect: Dialect, written: &Written) -> Dialect {
    dialect.scopes.extend(written.scopes.iter().map(|(name, scope)| (name.clone(), scope.clone())));
    if let Some(title) = &written.title {
        dialect.title.clone_from(title);
    }
    dialect
}

/// Reads a file; `path` is how people know it.
pub fn read(path: &str, text: &str) -> Result<Written, Vec<Diagnostic>> {
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let help =
                "title, and the tables: [[persona]] [[client]] [scopes.NAME] [discovery]; see docs/mock-provider.md";
            let span = error.span().unwrap_or(0..0);
            return Err(vec![Diagnostic::at(path, text, span, error.message(), help)]);
        }
    };
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for persona in &file.persona {
        let name = &persona.get_ref().name;
        let help = "give each person a name of her own";
        if name.is_empty() {
            wrong.push(Diagnostic::at(path, text, persona.span(), "this person has no name", help));
        } else if !names.insert(name.clone()) {
            wrong.push(Diagnostic::at(path, text, persona.span(), format!("another person is called `{name}`"), help));
        }
    }
    let written: Vec<(&Spanned<Persona>, Person)> =
        file.persona.iter().map(|persona| (persona, everyday_person(persona.get_ref()))).collect();
    for (at, (persona, person)) in written.iter().enumerate() {
        if let Some((what, other)) = shared_with(person, written[..at].iter().map(|(_, person)| person)) {
            let help = format!("give each person a {what} of her own");
            wrong.push(Diagnostic::at(path, text, persona.span(), format!("`{other}` has this {what} already"), help));
        }
    }
    let clients: Vec<ClientRegistration> = {
        let mut check = Check { path, text, wrong: &mut wrong, ids: BTreeSet::new() };
        file.client.iter().map(|client| check.client(client)).collect()
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let personas: Vec<Persona> = file.persona.into_iter().map(Spanned::into_inner).collect();
    Ok(Written {
        title: file.title,
        people: (!personas.is_empty()).then(|| people(&personas)),
        clients: (!clients.is_empty()).then_some(clients),
        scopes: file.scopes,
        discovery: Overrides { set: file.discovery.set, drop: file.discovery.drop },
    })
}

/// Looks through clients.
struct Check<'a> {
    path: &'a str,
    text: &'a str,
    wrong: &'a mut Vec<Diagnostic>,
    ids: BTreeSet<String>,
}

impl Check<'_> {
    fn error(&mut self, span: std::ops::Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.wrong.push(Diagnostic::at(self.path, self.text, span, message, help));
    }

    fn choice(&mut self, what: &str, value: &Spanned<String>, known: &[&str]) {
        let own = value.get_ref().as_str();
        if !known.contains(&own) {
            let near = nearest(own, known.iter().copied());
            let help = near.map_or_else(|| known.join(" "), |near| format!("did you mean `{near}`?"));
            self.error(value.span(), format!("`{own}` is no {what}"), help);
        }
    }

    fn address(&mut self, value: &Spanned<String>) {
        let own = value.get_ref();
        let whole = url::Url::parse(own).is_ok_and(|url| url.fragment().is_none());
        if !whole {
            let help = "http://127.0.0.1:3000/callback: with scheme and host, without a fragment";
            self.error(value.span(), format!("`{own}` is no whole address"), help);
        }
    }

    fn client(&mut self, client: &Spanned<Client>) -> ClientRegistration {
        let own = client.get_ref();
        let id = own.id.get_ref();
        if id.is_empty() || !self.ids.insert(id.clone()) {
            self.error(
                own.id.span(),
                "this id is empty, or another client has it",
                "give each client an id of its own",
            );
        }
        own.redirect_uris.iter().chain(&own.post_logout_redirect_uris).for_each(|uri| self.address(uri));
        own.backchannel_logout_uri.iter().chain(&own.frontchannel_logout_uri).for_each(|uri| self.address(uri));
        own.callbacks.values().for_each(|uri| self.address(uri));
        own.grant_types.iter().for_each(|grant| self.choice("grant", grant, &GRANT_TYPES));
        if let Some(alg) = &own.id_token_alg {
            self.choice("algorithm of ID tokens", alg, &ID_TOKEN_ALGS);
        }
        let usual = if own.secret.is_some() { "client_secret_basic" } else { "none" };
        let auth = own.auth.as_ref().map_or(usual, |auth| auth.get_ref().as_str());
        if let Some(auth) = &own.auth {
            self.choice("way of client authentication", auth, &CLIENT_AUTH);
        }
        let by_secret = own.id_token_alg.as_ref().filter(|alg| alg.get_ref().starts_with("HS"));
        match (auth, &own.secret) {
            ("none", Some(_)) => {
                self.error(client.span(), "a client with auth = \"none\" has no secret", "drop one of both")
            }
            ("none", None) => {
                if let Some(alg) = by_secret {
                    let message = format!("`{}` signs with the client's secret, and there is none", alg.get_ref());
                    self.error(alg.span(), message, "secret = \"…\", or id_token_alg = \"ES256\"");
                }
            }
            (_, None) => self.error(client.span(), format!("auth = \"{auth}\" needs a secret"), "secret = \"…\""),
            (_, Some(_)) => {}
        }
        let texts = |all: &[Spanned<String>]| all.iter().map(|one| one.get_ref().clone()).collect();
        ClientRegistration {
            id: id.clone(),
            secret: own.secret.clone(),
            auth: auth.to_owned(),
            redirect_uris: texts(&own.redirect_uris),
            post_logout_redirect_uris: texts(&own.post_logout_redirect_uris),
            backchannel_logout_uri: own.backchannel_logout_uri.as_ref().map(|uri| uri.get_ref().clone()),
            frontchannel_logout_uri: own.frontchannel_logout_uri.as_ref().map(|uri| uri.get_ref().clone()),
            callbacks: own.callbacks.iter().map(|(name, uri)| (name.clone(), uri.get_ref().clone())).collect(),
            id_token_alg: own.id_token_alg.as_ref().map(|alg| alg.get_ref().clone()),
            grant_types: texts(&own.grant_types),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        read("people.toml", text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn people_and_clients_are_as_they_are_written() {
        let written = read(
            "people.toml",
            r#"
            [[persona]]
            name = "dora"
            fields = { sub = "d-1", login = "dora@acme.test", password = "pw", email = "dora@acme.test", groups = ["admin"] }
            [[client]]
            id = "app"
            redirect_uris = ["http://127.0.0.1:1/cb"]
            id_token_alg = "ES256"
            [discovery]
            set = { service_documentation = "https://acme.test/" }
            "#,
        )
        .unwrap();
        let dora = &written.people.unwrap()[0];
        assert_eq!((dora.sub.as_str(), dora.login.as_str(), dora.password.as_str()), ("d-1", "dora@acme.test", "pw"));
        assert_eq!(dora.text("email").as_deref(), Some("dora@acme.test"));
        assert!(!dora.fields.contains_key("password"));
        assert_eq!(written.clients.unwrap()[0].auth, "none");
        assert_eq!(written.discovery.set.len(), 1);
    }

    #[test]
    fn each_mistake_has_its_line_and_advice() {
        let text = "[[persona]]\nname = \"a\"\n[[persona]]\nname = \"a\"\n[[client]]\nid = \"x\"\nauth = \"client_secret_pots\"\nsecret = \"s\"\nredirect_uris = [\"/cb\"]\n";
        let wrong = wrong(text);
        assert!(wrong.contains("people.toml:3:1: another person is called `a`"), "{wrong}");
        assert!(
            wrong.contains("people.toml:7:8: `client_secret_pots`") && wrong.contains("client_secret_post`?"),
            "{wrong}"
        );
        assert!(wrong.contains("people.toml:9:18: `/cb` is no whole address"), "{wrong}");
    }

    #[test]
    fn an_unknown_key_has_its_line() {
        assert!(wrong("\n[[clinet]]\nid = \"x\"\n").contains("people.toml:2:"));
    }
}

//! People: templates from a dialect's `personas.toml`, and the person minted from one for an attempt.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::case::Audience;

/// A person as the dialect's file describes her. Text may contain `{id}`, which is replaced by the minted id.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// `alice`.
    pub name: String,
    /// Claims and profile fields; `sub` and `email` are minted unless given here.
    #[serde(default)]
    pub fields: BTreeMap<String, Json>,
    /// Field -> audience; public when not named.
    #[serde(default)]
    pub visible: BTreeMap<String, Audience>,
}

/// A person made for one attempt: the same name, her own subject, login, password, e-mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The name that files and snapshots keep: `alice`; `someone-1` for `"someone"`.
    pub name: String,
    /// The minted id on which the rest is built: letters and digits, unique in the run.
    pub id: String,
    /// The subject at the provider.
    pub sub: String,
    /// What she types as user name on the provider's login page.
    pub login: String,
    /// Her password there.
    pub password: String,
    /// Claims and profile fields, without `sub`.
    pub fields: BTreeMap<String, Json>,
    /// Field -> audience; public when not named.
    pub visible: BTreeMap<String, Audience>,
}

impl Person {
    /// Makes a person out of a template. The same arguments always give the same person.
    ///
    /// `unique` names the attempt within the run, `email` is a pattern with `{id}` (`None`: `{id}@people.example`),
    /// `id` a fixed id for partners that know their users beforehand.
    pub fn mint(
        persona: &Persona,
        name: &str,
        seed: u64,
        unique: &str,
        email: Option<&str>,
        id: Option<&str>,
    ) -> Person {
        let digest = digest(&[&seed.to_string(), unique, name]);
        let id = id.map_or_else(|| format!("{}{}", letters_of(name), &digest[..12]), str::to_owned);
        let mut fields: BTreeMap<String, Json> =
            persona.fields.iter().map(|(field, value)| (field.clone(), fill(value, &id))).collect();
        fields.insert("email".to_owned(), Json::from(email.unwrap_or("{id}@people.example").replace("{id}", &id)));
        let sub = match fields.remove("sub") {
            Some(Json::String(sub)) => sub,
            _ => format!("sub-{}", &digest[12..32]),
        };
        Person {
            name: name.to_owned(),
            login: id.clone(),
            password: format!("pw-{}", &digest[32..48]),
            sub,
            id,
            fields,
            visible: persona.visible.clone(),
        }
    }

    /// A field as text, `sub`, `login`, `password` and `email` included.
    pub fn text(&self, field: &str) -> Option<String> {
        match field {
            "sub" => Some(self.sub.clone()),
            "login" | "username" => Some(self.login.clone()),
            "password" => Some(self.password.clone()),
            "name_in_case" => Some(self.name.clone()),
            other => self.fields.get(other).map(|value| match value {
                Json::String(text) => text.clone(),
                json => json.to_string(),
            }),
        }
    }
}

/// Hexadecimal SHA-256 over the parts, each closed by a line feed.
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn letters_of(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn fill(value: &Json, id: &str) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace("{id}", id)),
        Json::Array(items) => Json::Array(items.iter().map(|item| fill(item, id)).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, id))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Persona {
        Persona {
            name: "alice".into(),
            fields: BTreeMap::from([("name".to_owned(), Json::from("Alice {id}"))]),
            visible: BTreeMap::new(),
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_person_and_another_attempt_another_one() {
        let one = Person::mint(&alice(), "alice", 1, "a", None, None);
        assert_eq!(one, Person::mint(&alice(), "alice", 1, "a", None, None));
        let other = Person::mint(&alice(), "alice", 1, "b", None, None);
        assert_ne!(one.sub, other.sub);
        assert_ne!(one.text("email"), other.text("email"));
    }

    #[test]
    fn fields_may_speak_of_the_minted_id() {
        let person = Person::mint(&alice(), "alice", 1, "a", Some("{id}@acme.test"), Some("u1"));
        assert_eq!(person.text("name").as_deref(), Some("Alice u1"));
        assert_eq!(person.text("email").as_deref(), Some("u1@acme.test"));
    }
}

//! People: templates from a dialect's `personas.toml`, and the person minted from one for an attempt; who may see what
//! of them.

mod audience;
mod read;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::hex::hex;

pub use audience::{Audience, Chosen, Friends, Grant, Look, visible};
pub use read::read;

/// A person as the dialect's file describes her. Text may contain `{id}`, which is replaced by the minted id, and
/// `{number}`, a number of seventeen digits that is hers alone.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// `alice`.
    pub name: String,
    /// Claims and profile fields; `sub` and `email` are minted unless given here.
    #[serde(default)]
    pub fields: BTreeMap<String, Json>,
    /// Field or edge -> audience; everyone when not named.
    #[serde(default)]
    pub visible: BTreeMap<String, Audience>,
    /// Names of people of the same file. Friendship is mutual: one of two entries is enough.
    #[serde(default)]
    pub friends: Vec<String>,
    /// What hangs on her by kind, where the dialect gives lists: `photos`, `albums`, `groups`, `likes`, …
    #[serde(default)]
    pub edges: BTreeMap<String, Vec<Item>>,
    /// Her friends' apps may see more of her than what is for everyone.
    #[serde(default = "yes")]
    pub apps: bool,
}

fn yes() -> bool {
    true
}

impl Persona {
    /// A person with a name and nothing else.
    pub fn named(name: &str) -> Persona {
        Persona {
            name: name.to_owned(),
            fields: BTreeMap::new(),
            visible: BTreeMap::new(),
            friends: Vec::new(),
            edges: BTreeMap::new(),
            apps: true,
        }
    }
}

/// One photo, group, liked page, …
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Item {
    /// Its own audience, in place of that of its kind.
    #[serde(default)]
    pub visible: Option<Audience>,
    /// What is said of it; an `id` is made where there is none.
    #[serde(flatten)]
    pub data: BTreeMap<String, Json>,
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
    /// Field or edge -> audience; everyone when not named.
    pub visible: BTreeMap<String, Audience>,
    /// Names of her friends, as far as she names them herself: see [`Friends`].
    pub friends: Vec<String>,
    /// What hangs on her by kind.
    pub edges: BTreeMap<String, Vec<Item>>,
    /// Her friends' apps may see more of her than what is for everyone.
    pub apps: bool,
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
        let number = number(&digest);
        let mut fields: BTreeMap<String, Json> =
            persona.fields.iter().map(|(field, value)| (field.clone(), fill(value, &id, &number))).collect();
        fields.insert("email".to_owned(), Json::from(email.unwrap_or("{id}@people.example").replace("{id}", &id)));
        let sub = match fields.remove("sub") {
            Some(Json::String(sub)) => sub,
            _ => format!("sub-{}", &digest[12..32]),
        };
        let made = |kind: &str, at: usize, item: &Item| {
            let own = number_of(&[&digest, kind, &at.to_string()]);
            let mut data: BTreeMap<String, Json> =
                item.data.iter().map(|(member, value)| (member.clone(), fill(value, &id, &number))).collect();
            data.entry("id".to_owned()).or_insert_with(|| Json::from(own));
            Item { visible: item.visible.clone(), data }
        };
        let edges = persona.edges.iter().map(|(kind, items)| {
            (kind.clone(), items.iter().enumerate().map(|(at, item)| made(kind, at, item)).collect())
        });
        Person {
            name: name.to_owned(),
            friends: persona.friends.clone(),
            edges: edges.collect(),
            apps: persona.apps,
            login: id.clone(),
            password: format!("pw-{}", &digest[32..48]),
            sub,
            id,
            fields,
            visible: persona.visible.clone(),
        }
    }

    /// Who may see a field or an edge.
    pub fn audience(&self, of: &str) -> &Audience {
        self.visible.get(of).unwrap_or(&Audience::Everyone)
    }

    /// A field as text, `sub`, `login`, `password` and `email` included. Dots lead deeper: `work.0.employer.name`.
    pub fn text(&self, field: &str) -> Option<String> {
        match field {
            "sub" => Some(self.sub.clone()),
            "login" | "username" => Some(self.login.clone()),
            "password" => Some(self.password.clone()),
            "name_in_case" => Some(self.name.clone()),
            other => self.fields.get(other).or_else(|| self.deep(other)).map(|value| match value {
                Json::String(text) => text.clone(),
                json => json.to_string(),
            }),
        }
    }

    /// A value inside a field.
    fn deep(&self, way: &str) -> Option<&Json> {
        let (field, rest) = way.split_once('.')?;
        self.fields.get(field)?.pointer(&format!("/{}", rest.replace('.', "/")))
    }
}

/// A number of seventeen digits out of a hexadecimal digest: more than a floating-point number holds exactly, within 64
/// bits with a sign.
fn number(digest: &str) -> String {
    let bits = u64::from_str_radix(&digest[48..64], 16).unwrap_or_default();
    format!("1000{:013}", bits >> 21)
}

fn number_of(parts: &[&str]) -> String {
    number(&digest(parts))
}

/// Hexadecimal SHA-256 over the parts, each closed by a line feed.
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize())
}

fn letters_of(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn fill(value: &Json, id: &str, number: &str) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace("{id}", id).replace("{number}", number)),
        Json::Array(items) => Json::Array(items.iter().map(|item| fill(item, id, number)).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, id, number))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Persona {
        Persona {
            fields: BTreeMap::from([
                ("name".to_owned(), Json::from("Alice {id}")),
                ("work".to_owned(), serde_json::json!([{ "employer": { "name": "Acme" } }])),
            ]),
            ..Persona::named("alice")
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
    #[test]
    fn a_subject_may_be_a_number_that_is_hers_alone() {
        let mut persona = alice();
        persona.fields.insert("sub".to_owned(), Json::from("{number}"));
        let one = Person::mint(&persona, "alice", 1, "a", None, None);
        assert!(one.sub.len() == 17 && one.sub.parse::<i64>().unwrap() > 1 << 53, "{}", one.sub);
        assert_ne!(one.sub, Person::mint(&persona, "alice", 1, "b", None, None).sub);
        assert_ne!(one.sub, Person::mint(&persona, "bob", 1, "a", None, None).sub);
    }

    #[test]
    fn a_value_inside_a_field_has_a_name() {
        let person = Person::mint(&alice(), "alice", 1, "a", None, None);
        assert_eq!(person.text("work.0.employer.name").as_deref(), Some("Acme"));
        assert_eq!(person.text("work.1.employer.name"), None);
    }

    #[test]
    fn every_item_has_an_id_of_its_own_unless_it_names_one() {
        let mut persona = alice();
        let group = Item { data: BTreeMap::from([("id".to_owned(), Json::from("77"))]), ..Item::default() };
        persona.edges.insert("groups".to_owned(), vec![group, Item::default(), Item::default()]);
        let groups = Person::mint(&persona, "alice", 1, "a", None, None).edges["groups"].clone();
        let ids: std::collections::BTreeSet<&str> = groups.iter().filter_map(|item| item.data["id"].as_str()).collect();
        assert!(ids.len() == 3 && ids.contains("77"), "{ids:?}");
    }
}

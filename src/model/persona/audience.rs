//! Who may see what of a person, and whose friend is whose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::Person;

/// Who may see a field, an edge (photos, groups, …) or a single item of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Audience {
    /// Everybody, apps without a permission included where the dialect says so. In files `everyone` or `public`.
    #[default]
    Everyone,
    /// Friends.
    Friends,
    /// Friends and their friends.
    FriendsOfFriends,
    /// Nobody else, and no app: a partner does not see it, not even with the person's own token.
    OnlyMe,
    /// Chosen people.
    Custom(Chosen),
}

/// People chosen one by one. Who is denied is denied, whatever else is said.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Names of people, and `everyone`, `friends`, `friends_of_friends`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Names of people, and the same three words. Deny wins.
    #[serde(default)]
    pub deny: Vec<String>,
}

/// The audiences that are one word.
pub const WORDS: [&str; 5] = ["everyone", "public", "friends", "friends_of_friends", "only_me"];

impl Audience {
    /// The audience that a word means.
    pub fn word(word: &str) -> Option<Audience> {
        Some(match word {
            "everyone" | "public" => Audience::Everyone,
            "friends" => Audience::Friends,
            "friends_of_friends" => Audience::FriendsOfFriends,
            "only_me" => Audience::OnlyMe,
            _ => return None,
        })
    }

    /// Whether somebody belongs to it who is not the owner; `None`: nobody in particular.
    pub fn includes(&self, friends: &Friends, owner: &str, viewer: Option<&str>) -> bool {
        let near = |viewer: &str| friends.are(owner, viewer);
        match (self, viewer) {
            (Audience::Everyone, _) => true,
            (Audience::OnlyMe, _) | (Audience::Friends | Audience::FriendsOfFriends, None) => false,
            (Audience::Friends, Some(viewer)) => near(viewer),
            (Audience::FriendsOfFriends, Some(viewer)) => near(viewer) || friends.share_one(owner, viewer),
            (Audience::Custom(chosen), viewer) => {
                let named = |names: &[String]| {
                    names.iter().any(|name| match Audience::word(name) {
                        Some(audience) => audience.includes(friends, owner, viewer),
                        None => Some(name.as_str()) == viewer,
                    })
                };
                named(&chosen.allow) && !named(&chosen.deny)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an audience: one of {}, or {{ allow = [\"bob\"], deny = [\"mallory\"] }}", WORDS.join(" "))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Audience, E> {
                Audience::word(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Audience, A::Error> {
                Chosen::deserialize(MapAccessDeserializer::new(map)).map(Audience::Custom)
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Audience {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Audience".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let chosen = generator.subschema_for::<Chosen>();
        schemars::json_schema!({
            "description": "Who may see it; `public` is another word for `everyone`.",
            "anyOf": [{ "enum": WORDS }, chosen]
        })
    }
}

/// The friend graph of some people. Friendship is mutual, whoever's entry names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Friends(BTreeMap<String, BTreeSet<String>>);

impl Friends {
    /// The graph of people who are there: a friend who is not among them is nobody's.
    pub fn of<'p>(people: impl IntoIterator<Item = &'p Person>) -> Friends {
        let people: BTreeMap<&str, &Person> = people.into_iter().map(|person| (person.name.as_str(), person)).collect();
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for person in people.values() {
            for friend in person.friends.iter().filter(|friend| people.contains_key(friend.as_str())) {
                graph.entry(person.name.clone()).or_default().insert(friend.clone());
                graph.entry(friend.clone()).or_default().insert(person.name.clone());
            }
        }
        Friends(graph)
    }

    /// A person's friends, by name.
    pub fn friends_of(&self, person: &str) -> impl Iterator<Item = &str> {
        self.0.get(person).into_iter().flatten().map(String::as_str)
    }

    /// Whether two people are friends.
    pub fn are(&self, one: &str, other: &str) -> bool {
        self.0.get(one).is_some_and(|friends| friends.contains(other))
    }

    /// Whether two people have a friend in common.
    pub fn share_one(&self, one: &str, other: &str) -> bool {
        one != other && self.friends_of(one).any(|friend| self.are(friend, other))
    }
}

/// Whose eyes look at whose data.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Whose data it is.
    pub owner: &'a Person,
    /// The person whose token the partner shows, by name; `None`: a token of the app alone, or none.
    pub viewer: Option<&'a str>,
    /// Who knows whom.
    pub friends: &'a Friends,
}

impl Look<'_> {
    /// Whether the person looks at herself.
    pub fn is_own(&self) -> bool {
        self.viewer == Some(self.owner.name.as_str())
    }

    /// Whether an audience lets the viewer's partner see.
    ///
    /// Her own token shows a person everything but what is hidden from apps. A person who has turned apps off is
    /// seen by nobody else's apps beyond what is for everybody.
    pub fn is_in(&self, audience: &Audience) -> bool {
        if self.is_own() {
            return *audience != Audience::OnlyMe;
        }
        let opted_out = !self.owner.apps && *audience != Audience::Everyone;
        !opted_out && audience.includes(self.friends, &self.owner.name, self.viewer)
    }
}

/// What the permissions say of one field or edge, before anybody's privacy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A granted permission opens it.
    Given,
    /// None does.
    Missing,
    /// None does, but the dialect gives what is for everyone without a permission.
    MissingButOpen,
}

/// What a partner sees: granted permissions and audience, both.
pub fn visible(look: Look<'_>, audience: &Audience, grant: Grant) -> bool {
    match grant {
        Grant::Given => look.is_in(audience),
        Grant::Missing => false,
        Grant::MissingButOpen => *audience == Audience::Everyone,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Persona;
    use super::*;

    /// alice - bob - carol; mallory knows nobody.
    fn people() -> Vec<Person> {
        let person = |name: &str, friends: &[&str], apps: bool| {
            let friends = friends.iter().map(|name| (*name).to_owned()).collect();
            let persona = Persona { friends, apps, ..Persona::named(name) };
            Person::mint(&persona, name, 1, "t", None, None)
        };
        vec![
            person("alice", &["bob", "zoe"], true),
            person("bob", &["carol"], true),
            person("carol", &[], false),
            person("mallory", &[], true),
        ]
    }

    fn chosen(allow: &[&str], deny: &[&str]) -> Audience {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Audience::Custom(Chosen { allow: owned(allow), deny: owned(deny) })
    }

    /// Who of alice, bob, carol, mallory and nobody sees what, of what alice has.
    fn seen(audience: &Audience, grant: Grant) -> String {
        let people = people();
        let friends = Friends::of(&people);
        let viewers = [Some("alice"), Some("bob"), Some("carol"), Some("mallory"), None];
        let sees =
            viewers.map(|viewer| visible(Look { owner: &people[0], viewer, friends: &friends }, audience, grant));
        "abcm-".chars().zip(sees).map(|(letter, sees)| if sees { letter } else { '.' }).collect()
    }

    #[test]
    fn what_is_seen_is_what_is_granted_and_within_the_audience() {
        for (audience, given, open) in [
            (Audience::Everyone, "abcm-", "abcm-"),
            (Audience::FriendsOfFriends, "abc..", "....."),
            (Audience::Friends, "ab...", "....."),
            (Audience::OnlyMe, ".....", "....."),
            (chosen(&["bob", "mallory"], &[]), "ab.m.", "....."),
            (chosen(&["friends"], &["bob"]), "a....", "....."),
            (chosen(&["everyone"], &["mallory"]), "abc.-", "....."),
            (chosen(&["friends_of_friends"], &["friends"]), "a.c..", "....."),
            (chosen(&["bob"], &["everyone"]), "a....", "....."),
            (chosen(&[], &[]), "a....", "....."),
        ] {
            assert_eq!(seen(&audience, Grant::Given), given, "{audience:?} granted");
            assert_eq!(seen(&audience, Grant::MissingButOpen), open, "{audience:?} not granted, open");
            assert_eq!(seen(&audience, Grant::Missing), ".....", "{audience:?} not granted");
        }
    }

    #[test]
    fn who_has_turned_apps_off_shows_friends_apps_only_what_is_for_everyone() {
        let people = people();
        let friends = Friends::of(&people);
        let carol = |viewer| Look { owner: &people[2], viewer: Some(viewer), friends: &friends };
        assert!(!visible(carol("bob"), &Audience::Friends, Grant::Given));
        assert!(visible(carol("bob"), &Audience::Everyone, Grant::Given));
        assert!(visible(carol("carol"), &Audience::Friends, Grant::Given), "her own apps are no concern of it");
    }

    #[test]
    fn friendship_is_mutual_and_ends_at_people_who_are_not_there() {
        let friends = Friends::of(&people());
        assert!(friends.are("alice", "bob") && friends.are("bob", "alice") && friends.are("carol", "bob"));
        assert!(!friends.are("alice", "carol") && friends.share_one("alice", "carol"));
        assert!(!friends.share_one("alice", "mallory") && !friends.share_one("alice", "alice"));
        assert_eq!(friends.friends_of("alice").collect::<Vec<_>>(), ["bob"]);
        assert_eq!(friends.friends_of("bob").collect::<Vec<_>>(), ["alice", "carol"]);
        assert_eq!(friends.friends_of("mallory").count(), 0);
    }
}

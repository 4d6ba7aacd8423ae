//! Reading `personas.toml`: the people, or everything that is wrong with the file, each with its line and advice.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Audience, Persona};
use crate::model::diagnostic::{Diagnostic, nearest};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct People {
    persona: Vec<Persona>,
}

/// The people of a file; `path` is what it is called in errors.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &str, text: &str) -> Result<Vec<Persona>, Vec<Diagnostic>> {
    let people: People = toml::from_str(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        vec![Diagnostic::at(path, text, error.span().unwrap_or(0..0), message.clone(), advice(text, &error, &message))]
    })?;
    let wrong = Lint { path, text, people: &people.persona }.all();
    if wrong.is_empty() { Ok(people.persona) } else { Err(wrong) }
}

/// What helps where the file does not even have the right form.
fn advice(text: &str, error: &toml::de::Error, message: &str) -> String {
    let word = error.span().and_then(|span| text.get(span)).unwrap_or_default().trim_matches('"');
    let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
    if message.contains("an audience") {
        let near = nearest(word, super::audience::WORDS).map(|near| format!("did you mean `{near}`? "));
        return format!("{}`only_me` also hides it from apps", near.unwrap_or_default());
    }
    if message.contains("missing field") {
        return "each [[persona]] has a name: name = \"alice\"".to_owned();
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a person: name = \"alice\", fields = { name = \"Alice Archer\" }, friends = [\"bob\"], \
                 visible = { birthday = \"friends\" }"
            .to_owned(),
    }
}

struct Lint<'t> {
    path: &'t str,
    text: &'t str,
    people: &'t [Persona],
}

/// A person's own table with the places of what stands in it.
type Table<'t> = DeTable<'t>;

impl Lint<'_> {
    fn all(&self) -> Vec<Diagnostic> {
        let Ok(document) = DeTable::parse(self.text) else { return Vec::new() };
        let tables: Vec<&Table<'_>> = match document.get_ref().get("persona").map(Spanned::get_ref) {
            Some(DeValue::Array(tables)) => tables.iter().filter_map(|table| table.get_ref().as_table()).collect(),
            _ => Vec::new(),
        };
        let mut wrong = Vec::new();
        for (at, (persona, table)) in self.people.iter().zip(tables).enumerate() {
            if self.people[..at].iter().any(|other| other.name == persona.name) {
                let help = "give each person a name of her own".to_owned();
                wrong.push(self.at(within(table, &["name"]), format!("there are two people `{}`", persona.name), help));
            }
            for friend in &persona.friends {
                if *friend == persona.name {
                    let place = self.word(table, &["friends"], friend);
                    wrong.push(self.at(place, format!("`{friend}` is her own friend"), "leave it out".to_owned()));
                } else {
                    wrong.extend(self.known(friend, || self.word(table, &["friends"], friend)));
                }
            }
            for (name, audience) in &persona.visible {
                if !persona.fields.contains_key(name)
                    && !persona.edges.contains_key(name)
                    && name != "email"
                    && name != "friends"
                {
                    let own = persona.fields.keys().chain(persona.edges.keys()).map(String::as_str);
                    let help = match nearest(name, own.chain(["email", "friends"])) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "give her the field, or leave its audience out".to_owned(),
                    };
                    let message = format!("`{}` has no `{name}` that could have an audience", persona.name);
                    wrong.push(self.at(key(table, &["visible"], name), message, help));
                }
                wrong.extend(self.chosen(audience, |word| self.word(table, &["visible", name], word)));
            }
            for (edge, items) in &persona.edges {
                for item in items {
                    wrong.extend(self.chosen(&item.visible.clone().unwrap_or_default(), |word| {
                        self.word(table, &["edges", edge], word)
                    }));
                }
            }
        }
        wrong
    }

    /// The people that an audience names are there.
    fn chosen(&self, audience: &Audience, place: impl Fn(&str) -> Range<usize>) -> Vec<Diagnostic> {
        let Audience::Custom(chosen) = audience else { return Vec::new() };
        let names = chosen.allow.iter().chain(&chosen.deny).filter(|name| Audience::word(name).is_none());
        names.filter_map(|name| self.known(name, || place(name))).collect()
    }

    fn known(&self, name: &str, place: impl Fn() -> Range<usize>) -> Option<Diagnostic> {
        if self.people.iter().any(|person| person.name == name) {
            return None;
        }
        let names = self.people.iter().map(|person| person.name.as_str());
        let help = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the people of this file: {}", names.collect::<Vec<_>>().join(" ")),
        };
        Some(self.at(place(), format!("nobody here is called `{name}`"), help))
    }

    fn at(&self, place: Range<usize>, message: String, help: String) -> Diagnostic {
        Diagnostic::at(self.path, self.text, place, message, help)
    }

    /// The place of a quoted word inside a value.
    fn word(&self, table: &Table<'_>, way: &[&str], word: &str) -> Range<usize> {
        let whole = within(table, way);
        let quoted = format!("\"{word}\"");
        match self.text.get(whole.clone()).and_then(|text| text.find(&quoted)) {
            Some(at) => whole.start + at..whole.start + at + quoted.len(),
            None => whole,
        }
    }
}

/// The place of a value, by the names on the way to it.
fn within(table: &Table<'_>, way: &[&str]) -> Range<usize> {
    let mut place = 0..0;
    let mut open = Some(table);
    for name in way {
        let Some(node) = open.and_then(|table| table.get(*name)) else { break };
        place = node.span();
        open = node.get_ref().as_table();
    }
    place
}

/// The place of the name of a member.
fn key(table: &Table<'_>, way: &[&str], name: &str) -> Range<usize> {
    let open = way.iter().try_fold(table, |table, name| table.get(*name)?.get_ref().as_table());
    let found = open.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == name));
    found.map_or_else(|| within(table, way), |(key, _)| key.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let all = read("personas.toml", text).unwrap_err();
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    const BOB: &str = "\n[[persona]]\nname = \"bob\"\n";

    #[test]
    fn people_with_privacy_are_read() {
        let text = "[[persona]]\nname = \"alice\"\nfriends = [\"bob\"]\nfields = { work = [] }\nvisible = { work = { allow = [\"friends\"], deny = [\"bob\"] }, photos = \"friends\" }\nedges.photos = [{ name = \"Sea\", visible = \"only_me\" }]\n";
        let people = read("personas.toml", &format!("{text}{BOB}")).unwrap();
        assert_eq!(people[0].edges["photos"][0].visible, Some(Audience::OnlyMe));
        assert_eq!(people[0].edges["photos"][0].data["name"], "Sea");
        assert_eq!(people[0].visible["photos"], Audience::Friends);
        assert!(matches!(&people[0].visible["work"], Audience::Custom(chosen) if chosen.deny == ["bob"]));
    }

    #[test]
    fn an_unknown_audience_is_named_with_its_line_and_what_was_meant() {
        let shown = wrong("[[persona]]\nname = \"alice\"\nfields = { work = [] }\nvisible = { work = \"freinds\" }\n");
        assert!(shown.starts_with("personas.toml:4:20: ") && shown.contains("\"freinds\""), "{shown}");
        assert!(shown.contains("did you mean `friends`?"), "{shown}");
    }

    #[test]
    fn friends_and_chosen_people_must_be_in_the_file() {
        let text = format!(
            "[[persona]]\nname = \"alice\"\nfriends = [\"bobb\", \"alice\"]\nvisible = {{ email = {{ allow = [\"dave\"] }} }}\n{BOB}"
        );
        let shown = wrong(&text);
        assert!(shown.contains("personas.toml:3:12: nobody here is called `bobb`"), "{shown}");
        assert!(shown.contains("did you mean `bob`?"), "{shown}");
        assert!(shown.contains("personas.toml:3:20: `alice` is her own friend"), "{shown}");
        assert!(shown.contains("personas.toml:4:32: nobody here is called `dave`"), "{shown}");
    }

    #[test]
    fn an_audience_of_nothing_two_people_of_a_name_and_an_unknown_key_are_errors() {
        let shown = wrong(
            "[[persona]]\nname = \"alice\"\nfields = { work = 1 }\nvisible = { wrok = \"friends\" }\n\n[[persona]]\nname = \"alice\"\n",
        );
        assert!(
            shown.contains("personas.toml:4:13: `alice` has no `wrok`") && shown.contains("did you mean `work`?"),
            "{shown}"
        );
        assert!(shown.contains("personas.toml:7:8: there are two people `alice`"), "{shown}");
        let shown = wrong("[[persona]]\nname = \"alice\"\nfreinds = []\n");
        assert!(
            shown.starts_with("personas.toml:3:1: unknown field `freinds`")
                && shown.contains("did you mean `friends`?"),
            "{shown}"
        );
    }
}

//! Reading a dialect's files: what they say, or everything that is wrong with them, each with its line, a caret and
//! advice.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Dialect;
use crate::model::diagnostic::{Diagnostic, nearest};
use crate::model::persona::{self, Persona};

/// What is wrong with the files of a dialect, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialectError(pub String);

/// Without these nothing can be done.
const NEEDED: [&str; 2] = ["authorization", "token"];

/// What `[endpoints]` may name.
pub const ROLES: [&str; 11] = [
    "discovery",
    "oauth_discovery",
    "jwks",
    "authorization",
    "token",
    "userinfo",
    "api",
    "revocation",
    "introspection",
    "registration",
    "end_session",
];

/// What `adapter` may name.
pub const ADAPTERS: [&str; 2] = ["facebook-login", "facebook-connect"];

/// The methods that an endpoint may have.
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

impl Dialect {
    /// Reads `dialect.toml` and `personas.toml`, each as the name under which people know it and its text.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(dialect: (&str, &str), personas: (&str, &str)) -> Result<Dialect, Vec<Diagnostic>> {
        let (path, text) = dialect;
        let people = persona::read(personas.0, personas.1);
        let read: Result<Dialect, Diagnostic> = parsed(path, text);
        let (mut read, people) = match (read, people) {
            (Ok(read), Ok(people)) => (read, people),
            (read, people) => {
                return Err(read.err().into_iter().chain(people.err().into_iter().flatten()).collect());
            }
        };
        let mut lint = Lint { path, text, wrong: Vec::new() };
        lint.endpoints(&read);
        lint.fields(&read, &people);
        lint.options(&read);
        lint.adapter(&read);
        lint.cookies(&read);
        if !lint.wrong.is_empty() {
            lint.wrong.sort_by_key(|wrong| (wrong.line, wrong.column));
            return Err(lint.wrong);
        }
        if read.title.is_empty() {
            read.title.clone_from(&read.name);
        }
        read.personas = people;
        Ok(read)
    }

    /// As [`Dialect::read`], the errors put into words.
    ///
    /// # Errors
    /// Everything that is wrong with them, in one text.
    pub fn from_files(dialect: &str, personas: &str) -> Result<Dialect, DialectError> {
        Dialect::read(("dialect.toml", dialect), ("personas.toml", personas)).map_err(|wrong| {
            let all: Vec<String> = wrong.iter().map(Diagnostic::to_string).collect();
            DialectError(all.join("\n"))
        })
    }
}

fn parsed<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, Diagnostic> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let word = text.get(span.clone()).unwrap_or_default().trim_matches('"');
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let help = match nearest(word, known.iter().copied()) {
            Some(near) if message.contains("unknown field") => format!("did you mean `{near}`?"),
            _ if message.contains("missing field") => {
                format!("add `{}`; docs/dialects.md shows a whole file", message.split('`').nth(1).unwrap_or_default())
            }
            _ => "the keys of a dialect stand in docs/dialects.md and specs/schema/dialect.json".to_owned(),
        };
        Diagnostic::at(path, text, span, message.lines().next().unwrap_or_default(), help)
    })
}

struct Lint<'t> {
    path: &'t str,
    text: &'t str,
    wrong: Vec<Diagnostic>,
}

impl Lint<'_> {
    /// The place of a value, by the names on the way to it, or of its name; of the deepest one that is there.
    fn place(&self, way: &[&str], of_name: bool) -> Range<usize> {
        let Ok(document) = DeTable::parse(self.text) else { return 0..0 };
        let mut found = 0..0;
        let mut table = document.get_ref();
        for (at, name) in way.iter().enumerate() {
            let Some((key, node)) = table.iter().find(|(key, _)| key.get_ref() == name) else { break };
            found = if of_name && at + 1 == way.len() { key.span() } else { Spanned::span(node) };
            match node.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        found
    }

    fn at(&mut self, place: Range<usize>, message: String, help: String) {
        self.wrong.push(Diagnostic::at(self.path, self.text, place, message, help));
    }

    /// The place of a text inside a value.
    fn within(&self, way: &[&str], word: &str) -> Range<usize> {
        let whole = self.place(way, false);
        let quoted = format!("\"{word}\"");
        match self.text.get(whole.clone()).and_then(|text| text.find(&quoted)) {
            Some(at) => whole.start + at..whole.start + at + quoted.len(),
            None => whole,
        }
    }

    fn endpoints(&mut self, read: &Dialect) {
        for role in NEEDED.iter().filter(|role| !read.endpoints.contains_key(**role)) {
            let place = self.place(&["endpoints"], true);
            self.at(place, format!("[endpoints] has no `{role}`"), format!("{role} = \"/{role}\""));
        }
        let mut seen = BTreeSet::new();
        for (role, own) in &read.endpoints {
            if !ROLES.contains(&role.as_str()) {
                let help = match nearest(role, ROLES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the endpoints: {}", ROLES.join(" ")),
                };
                let place = self.place(&["endpoints", role], true);
                self.at(place, format!("`{role}` is no endpoint"), help);
            }
            if own.paths().is_empty() {
                let place = self.place(&["endpoints", role], false);
                self.at(place, format!("`{role}` has no path"), format!("{role} = \"/{role}\""));
            }
            for path in own.paths() {
                let place = self.within(&["endpoints", role], path);
                if !path.starts_with('/') {
                    self.at(place, format!("`{path}` is no path"), format!("\"/{path}\""));
                } else if path.contains("{version}") && read.version.is_none() {
                    let help = "say which one partners are told: version = \"v1.0\"".to_owned();
                    self.at(place, "a path with {version}, and the dialect has none".to_owned(), help);
                } else if role != "api" && !seen.insert(path.clone()) {
                    // The API is what lies below its path.
                    let help = "one address is one endpoint".to_owned();
                    self.at(place, format!("`{path}` is another endpoint already"), help);
                }
            }
            for method in own.methods().iter().filter(|method| !METHODS.contains(&method.as_str())) {
                let place = self.within(&["endpoints", role], method);
                self.at(place, format!("`{method}` is no method here"), format!("known: {}", METHODS.join(" ")));
            }
        }
    }

    fn fields(&mut self, read: &Dialect, people: &[Persona]) {
        let mut known: BTreeSet<&str> =
            people.iter().flat_map(|person| person.fields.keys().map(String::as_str)).collect();
        known.extend(["email", "friends"]);
        known.extend(people.iter().flat_map(|person| person.edges.keys().map(String::as_str)));
        let mut asked: Vec<(Vec<&str>, &str)> = Vec::new();
        for (name, scope) in &read.scopes {
            asked.extend(scope.fields.iter().map(|field| (vec!["scopes", name, "fields"], field.as_str())));
            asked.extend(scope.api_fields.iter().map(|field| (vec!["scopes", name, "api_fields"], field.as_str())));
        }
        for (way, field) in asked {
            if !known.contains(field) {
                let place = self.within(&way, field);
                self.unknown_field(place, field, &known);
            }
        }
        for field in read.rename.keys().filter(|field| !known.contains(field.as_str())) {
            let place = self.place(&["rename", field], true);
            self.unknown_field(place, field, &known);
        }
    }

    fn unknown_field(&mut self, place: Range<usize>, field: &str, known: &BTreeSet<&str>) {
        let help = match nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give somebody one in personas.toml, or mend the name".to_owned(),
        };
        self.at(place, format!("nobody in personas.toml has a field `{field}`"), help);
    }

    fn adapter(&mut self, read: &Dialect) {
        let Some(adapter) = &read.adapter else { return };
        if !ADAPTERS.contains(&adapter.as_str()) {
            let place = self.place(&["adapter"], false);
            let help = format!("known: {}; most dialects need none", ADAPTERS.join(" "));
            self.at(place, format!("there is no adapter `{adapter}`"), help);
        }
    }

    fn cookies(&mut self, read: &Dialect) {
        for object in read.cookies.keys().filter(|object| !read.objects.contains(object)) {
            let place = self.place(&["cookies", object], true);
            let help = match nearest(object, read.objects.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add it to objects; there: {}", read.objects.join(" ")),
            };
            self.at(place, format!("no object of this dialect is called `{object}`"), help);
        }
    }

    fn options(&mut self, read: &Dialect) {
        for (name, kind) in &read.options {
            if !kind.values.is_empty() && !kind.values.contains(&kind.default) {
                let place = self.place(&["options", name, "default"], false);
                let values: Vec<String> = kind.values.iter().map(ToString::to_string).collect();
                self.at(place, format!("the default of `{name}` is none of its values"), values.join(" "));
            }
        }
    }
}

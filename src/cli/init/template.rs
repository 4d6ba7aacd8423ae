//! Templates of manifests (`specs/templates/`): for each framework what is known of it, and one skeleton into which that
//! and what was found in the project are filled. Every value is text in TOML's own notation.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::harness::suite::templates;

/// The file that holds the manifest's text with its marks.
const SKELETON: &str = "skeleton";

/// What is known of a framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    #[serde(skip)]
    pub name: &'static str,
    /// As people call it.
    pub title: String,
    /// Of several that are found the one with the lowest rank is taken.
    pub rank: u32,
    /// What in a project shows it; any of them.
    #[serde(default)]
    pub found_by: Vec<FoundBy>,
    /// Where the facts below were looked up, and when.
    #[serde(default)]
    #[allow(dead_code, reason = "for whoever mends the file; the test of the templates reads it")]
    pub sources: Vec<String>,
    /// What must be so in the project for the values below to be right: comments of the manifest.
    #[serde(default)]
    pub notes: String,
    /// The framework leaves its paths to the site: they are looked for in the project's source.
    #[serde(default)]
    pub site_chooses_paths: bool,
    /// The framework has its own paths for the login, and leaves it to the site to say who is signed in.
    #[serde(default)]
    pub site_gives_probe: bool,
    /// Where things are, by the framework's own defaults: TOML text.
    pub at: BTreeMap<Key, String>,
    /// The whole `[session] who`, TOML text.
    pub who: String,
    /// `client_secret_basic` where it says nothing.
    #[serde(default)]
    pub auth: Option<String>,
    /// The site's address; one with a free port where it says nothing.
    #[serde(default)]
    pub base: Option<String>,
    /// Program and arguments; none: the site is started by hand, and attached to.
    #[serde(default)]
    pub command: Vec<String>,
    /// What has to be done once before.
    #[serde(default)]
    pub setup: Vec<String>,
    /// What ends it, beside the end of its process group.
    #[serde(default)]
    pub stop: Vec<String>,
    /// How long the start may take, where that is long.
    #[serde(default)]
    pub ready_within: Option<String>,
    /// The environment that the framework itself reads, or what sites commonly call it.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it does by its own defaults.
    #[serde(default)]
    pub has: Vec<String>,
}

/// Something in a project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundBy {
    /// Whose list of dependencies.
    #[serde(rename = "in")]
    pub world: World,
    /// The dependency's name, or the word that stands in a configuration.
    pub name: String,
}

/// Where software of one kind says what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum World {
    /// `package.json`.
    Node,
    /// `requirements*.txt`, `pyproject.toml`.
    Python,
    /// `pom.xml`, `build.gradle`.
    Java,
    /// `Gemfile`.
    Ruby,
    /// `go.mod`.
    Go,
    /// `Cargo.toml`.
    Rust,
    /// `composer.json`.
    Php,
    /// The configuration of Apache.
    Apache,
    /// `compose.yaml`, `docker-compose.yml`.
    Compose,
}

/// A place that the manifest names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Key {
    Login,
    Logout,
    Callback,
    /// The session probe.
    Probe,
    Ready,
}

impl Key {
    pub const ALL: [Key; 5] = [Key::Login, Key::Callback, Key::Logout, Key::Probe, Key::Ready];

    /// As people read it.
    pub fn says(self) -> &'static str {
        match self {
            Key::Login => "login",
            Key::Logout => "logout",
            Key::Callback => "callback",
            Key::Probe => "probe",
            Key::Ready => "ready",
        }
    }
}

impl Template {
    /// The places that are looked for in the project's source, for the framework does not say where they are.
    pub fn looked_for(&self) -> &'static [Key] {
        match (self.site_chooses_paths, self.site_gives_probe) {
            (true, _) => &Key::ALL,
            (false, true) => &[Key::Probe, Key::Ready],
            (false, false) => &[],
        }
    }
}

/// All templates, in the order of their names.
///
/// # Panics
/// Never: a test reads every embedded template.
pub(super) fn all() -> Vec<Template> {
    let files = templates().filter(|(name, _)| *name != SKELETON);
    files
        .map(|(name, text)| {
            let read: Template = toml::from_str(text).unwrap_or_else(|error| panic!("specs/templates/{name}: {error}"));
            Template { name, ..read }
        })
        .collect()
}

/// Everything that a manifest is made of.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub name: String,
    /// TOML text.
    pub at: BTreeMap<Key, String>,
    pub command: Vec<String>,
    pub setup: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Where the site is, where that is no free port.
    pub base: Option<String>,
}

/// A text in TOML's notation.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}

/// The manifest's text.
pub(super) fn manifest(template: &Template, values: &Values) -> String {
    let skeleton = templates().find(|(name, _)| *name == SKELETON).map_or("", |(_, text)| text);
    let at = |key: Key| values.at.get(&key).cloned().unwrap_or_default();
    let callback = values.at.get(&Key::Callback).map(|text| text.trim_matches(['"', '\'']).to_owned());
    let notes: Vec<String> =
        template.notes.trim().lines().map(|line| format!("# {line}").trim_end().to_owned()).collect();
    let start = if values.command.is_empty() { attached() } else { started(template, values) };
    let version: Vec<&str> = env!("CARGO_PKG_VERSION").split('.').take(2).collect();
    let marks: [(&str, String); 13] = [
        ("title", template.title.clone()),
        ("notes", if notes.is_empty() { String::new() } else { format!("#\n{}\n", notes.join("\n")) }),
        ("name", quoted(&values.name)),
        ("suite", quoted(&version.join("."))),
        ("auth", quoted(template.auth.as_deref().unwrap_or("client_secret_basic"))),
        ("callback", quoted(&format!("{{base}}{}", callback.unwrap_or_default()))),
        (
            "secret",
            if values.command.is_empty() {
                "secret_env = \"CLIENT_SECRET\"   # the variable that holds the secret; it never stands in a file\n"
            } else {
                ""
            }
            .to_owned(),
        ),
        ("base", quoted(values.base.as_deref().or(template.base.as_deref()).unwrap_or("http://127.0.0.1:{port}"))),
        ("login", at(Key::Login)),
        ("logout", at(Key::Logout)),
        ("probe", at(Key::Probe)),
        ("who", template.who.clone()),
        ("has", list(&template.has)),
    ];
    let mut text = skeleton.replace("@start@\n", &start);
    for (mark, value) in marks {
        let own_line = format!("@{mark}@\n");
        text = if matches!(mark, "notes" | "secret") {
            text.replace(&own_line, &value)
        } else {
            text.replace(&format!("@{mark}@"), &value)
        };
    }
    text
}

fn started(template: &Template, values: &Values) -> String {
    let mut text = String::from(
        "# How it is started. {issuer}, {client.id}, {client.secret}, {base}, {port} are filled in for each run.\n[start]\n",
    );
    text.push_str(&format!("command = {}\n", list(&values.command)));
    if let Some(ready) = values.at.get(&Key::Ready) {
        text.push_str(&format!("ready = {ready}   # answers 2xx when it is ready\n"));
    }
    if let Some(within) = &template.ready_within {
        text.push_str(&format!("ready_within = {}\n", quoted(within)));
    }
    if !values.setup.is_empty() {
        text.push_str(&format!("setup = {}   # to be done once, by you\n", list(&values.setup)));
    }
    if !template.stop.is_empty() {
        text.push_str(&format!("stop = {}\n", list(&template.stop)));
    }
    text.push_str("\n[start.env]\n");
    for (name, value) in &values.env {
        text.push_str(&format!("{name} = {}\n", quoted(value)));
    }
    text.push('\n');
    text
}

fn attached() -> String {
    "# It is started by you, set up with this provider; countersign plays the provider there for as long as it runs.\n[provider]\nissuer = \"http://localhost:9400\"\nlisten = \"127.0.0.1:9400\"\n\n".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::suite::{Additions, Suite};
    use crate::model::manifest::{Names, read};

    fn own(template: &Template) -> Values {
        Values {
            name: "my-site".to_owned(),
            at: template.at.clone(),
            command: template.command.clone(),
            setup: template.setup.clone(),
            env: template.env.clone(),
            base: None,
        }
    }

    #[test]
    fn every_template_makes_a_manifest_that_can_be_read() {
        let suite = Suite::load(&Additions::default()).unwrap();
        let names = Names {
            dialects: &suite.vocabulary.dialects,
            capabilities: &suite.capabilities,
            version: &suite.version,
            changelog: suite.changelog,
        };
        let all = all();
        assert!(all.len() >= 13, "{}", all.len());
        for template in all {
            let text = manifest(&template, &own(&template));
            let left = text.lines().find(|line| !line.starts_with('#') && line.contains("@"));
            assert_eq!(left, None, "{}: a mark was left", template.name);
            let read = read(template.name, &text, &names).unwrap_or_else(|wrong| {
                let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                panic!("{}\n{text}", wrong.join("\n"))
            });
            assert!(read.at.places.contains_key("login"), "{}", template.name);
            assert!(read.start.is_some() || read.provider.issuer.is_some(), "{}", template.name);
            assert!(!template.sources.is_empty() || template.name == "other", "{}: whence?", template.name);
            if let Some(start) = &read.start {
                for needed in ["{issuer}", "{client.id}", "{client.secret}"] {
                    let given = start.env.values().any(|value| value.contains(needed));
                    assert!(given, "{}: nothing tells it {needed}", template.name);
                }
            }
        }
    }

    #[test]
    fn no_two_templates_are_equally_good_for_the_same_find() {
        let mut ranks: Vec<u32> = all().iter().map(|template| template.rank).collect();
        let count = ranks.len();
        ranks.sort_unstable();
        ranks.dedup();
        assert_eq!(ranks.len(), count);
    }
}

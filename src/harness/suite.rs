//! The suite: cases, requirements, dialects, capabilities and tiers, embedded in the program or added from folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::judge::MessageRule;
use crate::model::advice::{self, Advice};
use crate::model::capability::{self, Capability, TierRule};
use crate::model::case::{Case, Vocabulary, parse};
use crate::model::diagnostic::{Diagnostic, nearest};
use crate::model::dialect::Dialect;
use crate::model::hex::hex;
use crate::model::manifest::{IdentityFrom, Manifest};
use crate::model::requirement::{Registry, Requirement};
use crate::model::verdict::Tier;
use crate::reference::FLAWS;

use super::messages::{self, MessageFile, Names};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/suite.rs"));
}

/// What came with which version.
const CHANGELOG: &str = include_str!("../../CHANGELOG.md");

/// Templates of manifests: they judge nothing, and so are no part of the suite.
const TEMPLATES: &str = "specs/templates/";

/// The embedded templates of manifests: name of the file without its extension, and text.
pub fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::FILES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(TEMPLATES)?.strip_suffix(".toml")?, *text)))
}

/// Everything that judges, as one version.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// In the order of their ids.
    pub cases: Vec<Arc<Case>>,
    /// Case id -> text of its file.
    pub case_texts: BTreeMap<String, String>,
    /// The rules.
    pub requirements: Registry,
    /// What to do about a rule that was missed: requirement -> advice.
    pub advice: BTreeMap<String, Advice>,
    /// `<dialect>/<file>` -> text.
    pub dialect_files: BTreeMap<String, String>,
    /// The same files by the names under which people know them.
    pub dialect_places: BTreeMap<String, String>,
    /// Rules for the requests of partners, in the order of dialect and endpoint.
    pub messages: Vec<MessageRule>,
    /// Named schemas: path under `specs/` without extension -> schema.
    pub schemas: BTreeMap<String, Json>,
    /// What partners can do.
    pub capabilities: Vec<Capability>,
    /// What tiers allow.
    pub tiers: BTreeMap<Tier, TierRule>,
    /// The names that case files may use.
    pub vocabulary: Vocabulary,
    /// SHA-256 over every case and specification file.
    pub digest: String,
    /// The program's version.
    pub version: String,
    /// Its changelog.
    pub changelog: &'static str,
}

/// What is added to the embedded suite.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Folders like `specs/`.
    pub specs: Vec<PathBuf>,
    /// Folders like `cases/`.
    pub cases: Vec<PathBuf>,
    /// A same id replaces instead of being an error.
    pub replace: bool,
}

/// A file of the suite: how it is shown to people, and its text.
struct Source {
    shown: String,
    text: String,
    /// It came with `--specs` or `--cases`.
    added: bool,
}

/// Files by their path below `specs/` or `cases/`.
type Files = BTreeMap<String, Source>;

/// The embedded files and those that were added: of `specs/`, and of `cases/`.
fn files(additions: &Additions, wrong: &mut Vec<Diagnostic>) -> (Files, Files) {
    let (mut specs, mut cases) = (Files::new(), Files::new());
    for (path, text) in embedded::FILES.iter().filter(|(path, _)| !path.starts_with(TEMPLATES)) {
        let source = || Source { shown: (*path).to_owned(), text: (*text).to_owned(), added: false };
        match path.split_once('/') {
            Some(("specs", rest)) => drop(specs.insert(rest.to_owned(), source())),
            Some(("cases", rest)) => drop(cases.insert(rest.to_owned(), source())),
            _ => {}
        }
    }
    for (folders, files) in [(&additions.specs, &mut specs), (&additions.cases, &mut cases)] {
        for folder in folders {
            add(folder, additions.replace, files, wrong);
        }
    }
    (specs, cases)
}

impl Suite {
    /// The embedded suite and what is added to it.
    ///
    /// # Errors
    /// Everything that is wrong with any file.
    pub fn load(additions: &Additions) -> Result<Suite, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let (specs, cases) = files(additions, &mut wrong);
        let mut suite =
            Suite { version: env!("CARGO_PKG_VERSION").to_owned(), changelog: CHANGELOG, ..Suite::default() };
        suite.digest = digest(&specs, &cases);
        suite.read_specs(&specs, &mut wrong);
        if wrong.is_empty() {
            let dialects = suite.dialects(&mut wrong);
            suite.vocabulary = suite.names(&dialects);
            suite.read_messages(&specs, &dialects, &mut wrong);
        }
        if wrong.is_empty() {
            suite.read_cases(&cases, &mut wrong);
        }
        if wrong.is_empty() { Ok(suite) } else { Err(wrong) }
    }

    /// The dialects alone, for what judges nothing: reading every case and rule would be most of its start.
    ///
    /// # Errors
    /// Everything that is wrong with the files that were added.
    pub fn load_dialects(additions: &Additions) -> Result<Suite, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let (mut specs, _) = files(additions, &mut wrong);
        specs.retain(|path, _| path.starts_with("dialects/") && !path.ends_with(".json"));
        let mut suite = Suite { version: env!("CARGO_PKG_VERSION").to_owned(), ..Suite::default() };
        suite.read_specs(&specs, &mut wrong);
        if wrong.is_empty() { Ok(suite) } else { Err(wrong) }
    }

    fn read_specs(&mut self, specs: &Files, wrong: &mut Vec<Diagnostic>) {
        let mut advised = Vec::new();
        for (path, source) in specs {
            let mut trouble = |why: String| wrong.push(Diagnostic::whole(&source.shown, why, "mend the file"));
            // What editors check files by is no schema of a message.
            if path.starts_with("schema/") {
                continue;
            }
            if let Some(rest) = path.strip_prefix("requirements/") {
                self.read_requirements(rest, source, wrong);
            } else if path == "capabilities.toml" {
                match capability::capabilities(&source.text) {
                    Ok(capabilities) => self.capabilities = capabilities,
                    Err(why) => trouble(why),
                }
            } else if path.starts_with("advice/") {
                match advice::read(&source.text) {
                    Ok(own) => own.into_iter().for_each(|(id, one)| advised.push((id, one, source))),
                    Err(why) => trouble(why),
                }
            } else if path == "tiers.toml" {
                match capability::tiers(&source.text) {
                    Ok(tiers) => self.tiers = tiers,
                    Err(why) => trouble(why),
                }
            } else if messages::of_path(path).is_some() {
                // They name rules, capabilities and endpoints: those are read first.
            } else if let Some(name) = path.strip_suffix(".json") {
                match serde_json::from_str(&source.text) {
                    Ok(json) => drop(self.schemas.insert(name.to_owned(), json)),
                    Err(error) => trouble(error.to_string()),
                }
            } else if let Some(rest) = path.strip_prefix("dialects/") {
                self.dialect_files.insert(rest.to_owned(), source.text.clone());
                self.dialect_places.insert(rest.to_owned(), source.shown.clone());
            } else {
                let help = "below the folder of --specs there are requirements/ advice/ dialects/NAME/ capabilities.toml tiers.toml";
                wrong.push(Diagnostic::whole(&source.shown, "nothing reads a file of that place and name", help));
            }
        }
        for (id, advice, source) in advised {
            let mut trouble = |why: String, help: &str| wrong.push(Diagnostic::whole(&source.shown, why, help));
            if self.requirements.get(&id).is_none() {
                trouble(format!("there is no requirement `{id}` to give advice for"), "mend the id");
            } else if self.advice.insert(id.clone(), advice).is_some() {
                trouble(format!("there are two pieces of advice for {id}"), "take one of them out");
            }
        }
    }

    fn read_requirements(&mut self, name: &str, source: &Source, wrong: &mut Vec<Diagnostic>) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            requirement: Vec<Requirement>,
        }
        let mut trouble = |what: String, help: &str| wrong.push(Diagnostic::whole(&source.shown, what, help));
        let file: File = match toml::from_str(&source.text) {
            Ok(file) => file,
            Err(error) => return trouble(error.to_string(), "mend the file"),
        };
        let spec = name.trim_end_matches(".toml");
        for requirement in file.requirement {
            let id = requirement.id.clone();
            if !id.starts_with(&format!("{spec}/")) {
                trouble(format!("`{id}` does not belong into this file"), "an id begins with the name of its file");
            }
            if requirement.checked.is_none() && spec != "partner" {
                trouble(
                    format!("nobody says where the text of `{id}` was checked"),
                    "checked = \"<URL> <date>\", or file it under partner/",
                );
            }
            if self.requirements.by_id.insert(id.clone(), requirement).is_some() {
                trouble(format!("`{id}` stands there twice"), "take one of them out");
            }
        }
    }

    fn read_cases(&mut self, cases: &Files, wrong: &mut Vec<Diagnostic>) {
        for (path, source) in cases {
            let Some(id) = path.strip_suffix(".toml") else { continue };
            if !is_case_id(id) {
                let message = format!("`{id}` is no id of a case");
                let help = "two names of small letters, digits and hyphens: AREA/NAME.toml below the folder of cases";
                wrong.push(Diagnostic::whole(&source.shown, message, help));
            }
            match parse(id, &source.shown, &source.text, &self.vocabulary) {
                Ok(case) => {
                    wrong.extend(super::not_built::not_built(&case));
                    self.cases.push(Arc::new(case));
                    self.case_texts.insert(id.to_owned(), source.text.clone());
                }
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
    }

    /// Every dialect, by its name.
    fn dialects(&self, wrong: &mut Vec<Diagnostic>) -> BTreeMap<String, Dialect> {
        let names: BTreeSet<&str> = self.dialect_files.keys().filter_map(|path| path.split('/').next()).collect();
        let mut known = BTreeMap::new();
        for name in names {
            match self.read_dialect(name) {
                Ok(dialect) => drop(known.insert(name.to_owned(), dialect)),
                Err(own) => wrong.extend(own),
            }
        }
        known
    }

    /// The rules for the requests of partners.
    fn read_messages(&mut self, specs: &Files, dialects: &BTreeMap<String, Dialect>, wrong: &mut Vec<Diagnostic>) {
        let names = Names { requirements: &self.requirements, vocabulary: &self.vocabulary, dialects };
        for (path, source) in specs {
            let Some((dialect, endpoint)) = messages::of_path(path) else { continue };
            let file = MessageFile {
                dialect: dialect.to_owned(),
                endpoint: endpoint.to_owned(),
                shown: source.shown.clone(),
                text: source.text.clone(),
                added: source.added,
            };
            self.messages.extend(messages::read(&file, &names, wrong));
        }
    }

    fn names(&self, dialects: &BTreeMap<String, Dialect>) -> Vocabulary {
        Vocabulary {
            requirements: self.requirements.by_id.keys().cloned().collect(),
            flaws: FLAWS.iter().map(|flaw| flaw.id.to_owned()).collect(),
            capabilities: self.capabilities.iter().map(|capability| capability.name.clone()).collect(),
            objects: dialects.values().flat_map(|dialect| dialect.objects.iter().cloned()).collect(),
            options: dialects.values().flat_map(|dialect| dialect.options.keys().cloned()).collect(),
            people: dialects.values().flat_map(|own| &own.personas).map(|persona| persona.name.clone()).collect(),
            dialects: dialects.keys().cloned().collect(),
            schemas: self.schemas.keys().cloned().collect(),
        }
    }

    /// A dialect of the suite.
    ///
    /// # Errors
    /// There is none of that name, or a file of it is wrong.
    pub fn dialect(&self, name: &str) -> Result<Dialect, String> {
        let known: BTreeSet<&str> = self.dialect_files.keys().filter_map(|path| path.split('/').next()).collect();
        if !known.contains(name) {
            let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
            let all = known.into_iter().collect::<Vec<_>>().join(" ");
            return Err(format!("there is no dialect `{name}`\n  help: {}there are: {all}", near.unwrap_or_default()));
        }
        let read = self.read_dialect(name);
        read.map_err(|wrong| wrong.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn read_dialect(&self, name: &str) -> Result<Dialect, Vec<Diagnostic>> {
        let file = |file: &str| {
            let missing = || {
                let place = format!("specs/dialects/{name}/{file}");
                vec![Diagnostic::whole(
                    &place,
                    "this file of the dialect is missing",
                    "docs/dialects.md shows both files",
                )]
            };
            self.dialect_files.get(&format!("{name}/{file}")).ok_or_else(missing)
        };
        let (dialect, personas) = (file("dialect.toml")?, file("personas.toml")?);
        let place = |file: &str| {
            let own = format!("{name}/{file}");
            self.dialect_places.get(&own).cloned().unwrap_or_else(|| format!("specs/dialects/{own}"))
        };
        let shown = place("dialect.toml");
        let read = Dialect::read((&shown, dialect), (&place("personas.toml"), personas))?;
        if read.name == name {
            return Ok(read);
        }
        let at = dialect.find(&read.name).unwrap_or(0);
        let message = format!("this dialect calls itself `{}`, and its folder is `{name}`", read.name);
        let help = "both are the name by which --dialect and manifests know it";
        Err(vec![Diagnostic::at(&shown, dialect, at..at + read.name.len(), message, help)])
    }

    /// The case of that id.
    pub fn case(&self, id: &str) -> Option<&Arc<Case>> {
        self.cases.iter().find(|case| case.id == id)
    }
}

/// `AREA/NAME`, each of small letters, digits and hyphens: it becomes a path, a test's name and a word of commands.
pub fn is_case_id(id: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    id.split('/').count() == 2 && id.split('/').all(plain)
}

/// Adds the files below a folder.
fn add(folder: &Path, replace: bool, files: &mut Files, wrong: &mut Vec<Diagnostic>) {
    let shown = folder.display().to_string();
    if !folder.is_dir() {
        wrong.push(Diagnostic::whole(&shown, "there is no such folder", "give the folder that holds the files"));
        return;
    }
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) => {
                wrong.push(Diagnostic::whole(&next.display().to_string(), error.to_string(), "make it readable"));
                continue;
            }
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if !matches!(path.extension().and_then(|kind| kind.to_str()), Some("toml" | "json")) {
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            // Schemas for editors and templates of manifests say how files are written; they judge nothing.
            if name.starts_with("schema/") || name.starts_with("templates/") {
                continue;
            }
            let shown = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(_) if files.contains_key(&name) && !replace => {
                    let message = format!("`{name}` is in the suite already");
                    wrong.push(Diagnostic::whole(&shown, message, "give it another name, or add --replace"));
                }
                Ok(text) => drop(files.insert(name, Source { shown, text, added: true })),
                Err(error) => {
                    wrong.push(Diagnostic::whole(&shown, error.to_string(), "it must be readable UTF-8 text"))
                }
            }
        }
    }
}

fn digest(specs: &Files, cases: &Files) -> String {
    let mut hasher = Sha256::new();
    for (folder, files) in [("cases", cases), ("specs", specs)] {
        for (path, source) in files {
            hasher.update(format!("{folder}/{path}\n{}\n", source.text.len()));
            hasher.update(source.text.as_bytes());
        }
    }
    hex(&hasher.finalize())
}

/// What a partner can do toward a provider of this dialect: see [`capabilities_of`] and [`Dialect::capabilities`].
pub fn capabilities_toward(manifest: &Manifest, dialect: &Dialect) -> BTreeSet<String> {
    let mut all = capabilities_of(manifest);
    all.extend(dialect.capabilities().map(str::to_owned));
    // Where a person allows everything or nothing, there is no scope that she may decline.
    if dialect.consent.all_or_nothing {
        let of_choice = |name: &str| name == "required-scopes" || name.starts_with("optional-scope");
        all.retain(|name| !of_choice(name));
    }
    all
}

/// What a partner can do: declared, and what follows from its places and lists (`features`, `optional-scopes`,
/// `local-accounts`, `field:NAME`, `feature:NAME`, `backchannel-logout`, …).
pub fn capabilities_of(manifest: &Manifest) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = manifest.capabilities.has.iter().cloned().collect();
    let at = &manifest.at;
    let implied = [
        ("features", at.features.values().any(|place| !place.needs.is_empty())),
        ("optional-scopes", !manifest.scopes.optional.is_empty()),
        // No provider lets a person decline `openid`: without it there is no login to speak of.
        ("required-scopes", manifest.scopes.required.iter().any(|scope| scope != "openid")),
        ("local-accounts", at.places.contains_key("sign_up")),
        ("account-count", manifest.accounts.count.is_some()),
        ("token-login", at.places.contains_key("token_login")),
        ("id-token-login", at.places.contains_key("id_token_login")),
        ("ask-again", at.places.contains_key("ask_again")),
        ("linking", at.places.contains_key("link")),
        ("backchannel-logout", at.endpoints.contains_key("backchannel_logout")),
        ("frontchannel-logout", at.endpoints.contains_key("frontchannel_logout")),
        ("check-session", at.places.contains_key("check_session")),
        ("deauthorize", at.endpoints.contains_key("deauthorize")),
        ("post-remove", at.endpoints.contains_key("post_remove")),
        ("rest", at.endpoints.contains_key("rest")),
        ("cookie-login", at.places.contains_key("cookie_login")),
        ("share", at.places.contains_key("share")),
        ("share-audience", at.places.get("share").is_some_and(|place| place.takes("{audience}"))),
        ("data-deletion", at.endpoints.contains_key("data_deletion")),
        ("return-param", at.return_param.is_some()),
        ("account", manifest.session.who.account.is_some()),
        ("client-secret", manifest.client.auth != "none"),
        ("secret-signs", manifest.client.id_token_alg.as_deref().is_some_and(|alg| alg.starts_with("HS"))),
        ("id_token", manifest.session.identity_from == IdentityFrom::IdToken),
        ("second-provider", manifest.second_provider.is_some()),
        ("cookies", true),
        ("logout", at.places.contains_key("logout")),
        ("https", at.base.starts_with("https://")),
        ("code-flow", manifest.capabilities.has.iter().all(|own| own != "script-login")),
        ("nonce-or-pkce", ["nonce", "pkce"].iter().any(|one| manifest.capabilities.has.iter().any(|own| own == one))),
    ];
    all.extend(implied.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name.to_owned()));
    all.extend(at.features.keys().map(|name| format!("feature:{name}")));
    all.extend(manifest.session.fields.keys().map(|name| format!("field:{name}")));
    all.extend(manifest.scopes.optional.iter().map(|name| format!("optional-scope:{name}")));
    all
}

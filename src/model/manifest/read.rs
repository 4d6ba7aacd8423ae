//! Reading a manifest: what it says, or everything that is wrong with it, each with its line, a caret and advice.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::capability::{Capability, Kind};
use crate::model::changelog;
use crate::model::diagnostic::{Diagnostic, nearest};

use super::{ID_TOKEN_ALGS, Manifest, PLACES, Place, duration, second};

/// Client authentication methods that the provider knows (RFC 7591, section 2).
const CLIENT_AUTH: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// How many new MUSTs a message names.
const NEW_SHOWN: usize = 8;

/// What `[start]` may have filled in.
const PLACEHOLDERS: [&str; 8] =
    ["{issuer}", "{client.id}", "{client.secret}", "{base}", "{port}", "{tls.ca}", "{tls.cert}", "{tls.key}"];

/// What a form of a place may have filled in from the person.
const PERSON_PLACEHOLDERS: [&str; 4] = ["{email}", "{name}", "{username}", "{password}"];

/// Logins by a token that the partner's own front end posts: the place, what its form has filled in beside that, and
/// what that is called.
const TOKEN_LOGINS: [(&str, &str, &str); 2] =
    [("token_login", "{access_token}", "access token"), ("id_token_login", "{id_token}", "ID token")];

/// What the form of `share` has filled in: the text of the story, and for whom it is (`EVERYONE`, `ALL_FRIENDS`, `SELF`).
const STORY: [&str; 2] = ["{story}", "{audience}"];

/// What a manifest may speak of.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Dialects of the suite.
    pub dialects: &'a BTreeSet<String>,
    /// Capabilities of the suite.
    pub capabilities: &'a [Capability],
    /// The suite's version.
    pub version: &'a str,
    /// Its changelog: which MUSTs came with which version.
    pub changelog: &'a str,
}

/// Reads and lints a manifest; `path` is how people know it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &str, text: &str, names: &Names<'_>) -> Result<Manifest, Vec<Diagnostic>> {
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let help = "this is no TOML yet: mend the line first";
            return Err(vec![Diagnostic::at(path, text, span, error.message(), help)]);
        }
    };
    let mut lint = Lint { path, text, root: document.get_ref(), wrong: Vec::new() };
    match toml::from_str::<Manifest>(text) {
        Ok(mut manifest) => {
            lint.whole(&manifest, names);
            for (at, known) in manifest.known.iter_mut().enumerate() {
                let place = lint.place(&["known", &at.to_string(), "case"]);
                known.line = text[..place.start].matches('\n').count() + 1;
            }
            if lint.wrong.is_empty() { Ok(manifest) } else { Err(lint.finish()) }
        }
        Err(error) => {
            lint.shape(&error);
            Err(lint.finish())
        }
    }
}

struct Lint<'t> {
    path: &'t str,
    text: &'t str,
    root: &'t DeTable<'t>,
    wrong: Vec<Diagnostic>,
}

impl<'t> Lint<'t> {
    fn finish(mut self) -> Vec<Diagnostic> {
        self.wrong.sort_by_key(|one| (one.line, one.column));
        self.wrong
    }

    /// The place of a value, by the names on the way to it; of the deepest one that is there.
    fn place(&self, way: &[&str]) -> Range<usize> {
        let mut found = 0..0;
        let mut table = self.root;
        let mut items: Option<&'t [Spanned<DeValue<'t>>]> = None;
        for name in way {
            let next = match items.take() {
                Some(list) => name.parse::<usize>().ok().and_then(|at| list.get(at)),
                None => table.get(*name),
            };
            let Some(node) = next else { break };
            found = node.span();
            match node.get_ref() {
                DeValue::Table(inner) => table = inner,
                DeValue::Array(list) => items = Some(list),
                _ => break,
            }
        }
        found
    }

    fn at(&mut self, way: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let place = self.place(way);
        self.wrong.push(Diagnostic::at(self.path, self.text, place, message, help));
    }

    /// A word that is none of those known.
    fn unknown(&mut self, way: &[&str], what: &str, word: &str, known: &[&str]) {
        let part = known.iter().copied().filter(|own| !word.is_empty() && own.contains(word));
        let help = match nearest(word, known.iter().copied()).or_else(|| part.clone().next()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(" ")),
        };
        self.at(way, what.to_owned(), help);
    }

    /// What serde says, with the advice that fits.
    fn shape(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let word = self.text.get(span.clone()).unwrap_or_default().trim_matches('"').to_owned();
        let help = if message.contains("unknown field") && word.contains("secret") {
            "a secret never stands in a file: secret_env = \"NAME_OF_A_VARIABLE\"; a partner that is started gets one made"
                .to_owned()
        } else if message.contains("unknown field") {
            let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
            match nearest(&word, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the keys of a manifest stand in README, \"Certify my integration\"".to_owned(),
            }
        } else if message.contains("missing field") {
            let field = message.split('`').nth(1).unwrap_or_default();
            format!("add it, for instance: {}", example_of(field))
        } else if message.contains("JSON Pointer") {
            "look at what the address of [session] answers for a person who is signed in".to_owned()
        } else {
            "the keys of a manifest stand in README, \"Certify my integration\"".to_owned()
        };
        let secret = help.starts_with("a secret");
        let mut wrong = Diagnostic::at(self.path, self.text, span, message, help);
        if let (true, Some((line, _))) = (secret, &mut wrong.excerpt) {
            // What must not stand in the file must not be repeated on a terminal either.
            line.truncate(line.find('=').map_or(0, |at| at + 1));
            line.push_str(" …");
        }
        self.wrong.push(wrong);
    }

    fn whole(&mut self, manifest: &Manifest, names: &Names<'_>) {
        self.head(manifest, names);
        self.client(manifest);
        self.places(manifest);
        self.session(manifest);
        self.start(manifest);
        self.second_provider(manifest);
        self.capabilities(manifest, names);
        self.known(manifest);
    }

    fn head(&mut self, manifest: &Manifest, names: &Names<'_>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if manifest.name.is_empty() || !manifest.name.chars().all(plain) {
            self.at(&["name"], "a name is made of a-z, 0-9 and -", "name = \"acme-web\"; it becomes a folder's name");
        }
        if let Some(suite) = &manifest.suite {
            self.suite(suite, names);
        }
        if !names.dialects.contains(&manifest.dialect) {
            let known: Vec<&str> = names.dialects.iter().map(String::as_str).collect();
            self.unknown(&["dialect"], &format!("no dialect `{}`", manifest.dialect), &manifest.dialect, &known);
        }
        if manifest.jobs == Some(0) {
            self.at(&["jobs"], "with no job nothing is ever done", "jobs = 4, or leave it out");
        }
    }

    /// A manifest is judged by the rules that it was written for, or not at all: what is new since then must be read
    /// before it is held against anybody.
    fn suite(&mut self, suite: &str, names: &Names<'_>) {
        let Some(own) = changelog::version(names.version) else { return };
        let Some(wanted) = changelog::version(suite) else {
            let help = format!("suite = \"{}\": major and minor number", short(names.version));
            return self.at(&["suite"], format!("`{suite}` is no version of a suite"), help);
        };
        if wanted == own {
            return;
        }
        let what = format!("it was written for suite {suite}; this program is suite {}", names.version);
        if wanted > own {
            let help = format!("run countersign {}, which has the rules that it was written for", short(suite));
            return self.at(&["suite"], what, help);
        }
        let new = changelog::new_between(names.changelog, wanted, own);
        let mut help = format!(
            "run countersign {}, or read what is new and write suite = \"{}\"\nnew MUSTs since {}: {}",
            short(suite),
            short(names.version),
            short(suite),
            new.len(),
        );
        for (id, says) in new.iter().take(NEW_SHOWN) {
            let gap = if says.starts_with('(') { " " } else { ": " };
            help.push_str(&format!("\n  {id}{gap}{says}"));
        }
        if new.len() > NEW_SHOWN {
            help.push_str(&format!("\n  … and {} more, in CHANGELOG.md", new.len() - NEW_SHOWN));
        }
        self.at(&["suite"], what, help);
    }

    fn client(&mut self, manifest: &Manifest) {
        let client = &manifest.client;
        if !CLIENT_AUTH.contains(&client.auth.as_str()) {
            let what = format!("no client authentication `{}`", client.auth);
            self.unknown(&["client", "auth"], &what, &client.auth, &CLIENT_AUTH);
        }
        if let Some(alg) = client.id_token_alg.as_deref().filter(|alg| !ID_TOKEN_ALGS.contains(alg)) {
            let what = format!("the provider signs no ID token with `{alg}`");
            self.unknown(&["client", "id_token_alg"], &what, alg, &ID_TOKEN_ALGS);
        }
        if client.id_token_alg.as_deref() == Some("HS256") {
            self.signed_by_secret(manifest);
        }
        if client.redirect_uris.is_empty() {
            self.at(
                &["client", "redirect_uris"],
                "without a redirect URI no login comes back",
                "redirect_uris = [\"{base}/callback\"]",
            );
        }
        for (list, uris) in
            [("redirect_uris", &client.redirect_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)]
        {
            for (at, uri) in uris.iter().enumerate() {
                if !is_address(uri) {
                    let way = ["client", list, &at.to_string()];
                    self.at(&way, format!("`{uri}` is no absolute URL"), ADDRESS);
                }
            }
        }
    }

    fn places(&mut self, manifest: &Manifest) {
        let at = &manifest.at;
        let base = at.base.replace("{port}", "1").replace("{scheme}", "http");
        if !is_http(&base) {
            self.at(
                &["at", "base"],
                format!("`{}` is no http URL", at.base),
                "base = \"http://127.0.0.1:{port}\" for a partner that is started, its address otherwise",
            );
        } else if at.base.contains("{port}") && manifest.start.is_none() {
            self.at(
                &["at", "base"],
                "{port} is chosen for a partner that is started, and nothing says how to start this one",
                "write its port, or add [start] command",
            );
        }
        if !at.places.contains_key("login") {
            self.at(&["at"], "nothing says where a login begins", "login = \"/login\"");
        }
        for (name, place) in &at.places {
            if !PLACES.contains(&name.as_str()) {
                self.unknown(&["at", name], &format!("no place is called `{name}`"), name, &PLACES);
            }
            self.place_is_sound(&["at", name], place);
            if name == "share" && !place.takes(STORY[0]) {
                self.at(
                    &["at", name],
                    "nothing says under which name the story is posted",
                    "share = { path = \"/share\", method = \"POST\", form = { message = \"{story}\", audience = \"{audience}\" } }",
                );
            }
            let by_token = TOKEN_LOGINS.iter().find(|(own, ..)| own == name);
            if let Some((own, token, called)) =
                by_token.filter(|(_, token, _)| !place.form.values().any(|own| own == token))
            {
                let (path, member) = (own.replace('_', "-"), token.trim_matches(['{', '}']));
                self.at(
                    &["at", name],
                    format!("nothing says under which name the {called} is posted"),
                    format!("{own} = {{ path = \"/{path}\", method = \"POST\", form = {{ {member} = \"{token}\" }} }}"),
                );
            }
        }
        let scopes: Vec<&str> =
            manifest.scopes.required.iter().chain(&manifest.scopes.optional).map(String::as_str).collect();
        for (name, place) in &at.features {
            self.place_is_sound(&["at", "features", name], place);
            for need in place.needs.iter().filter(|need| !scopes.contains(&need.as_str())) {
                let what = format!("the feature `{name}` needs `{need}`, which the partner never asks for");
                let known = format!("add it to [scopes] required or optional; there: {}", scopes.join(" "));
                self.at(&["at", "features", name, "needs"], what, known);
            }
        }
        for (name, place) in &at.endpoints {
            self.place_is_sound(&["at", "endpoints", name], place);
        }
        if let Some(place) = &manifest.accounts.reset {
            self.place_is_sound(&["accounts", "reset"], place);
        }
        if let Some(count) = &manifest.accounts.count
            && !count.url.starts_with('/')
            && !is_http(&count.url)
        {
            let help = "count = { url = \"/test/accounts\", at = \"/count\" }";
            self.at(&["accounts", "count", "url"], format!("`{}` is no path", count.url), help);
        }
    }

    fn place_is_sound(&mut self, way: &[&str], place: &Place) {
        if !place.path.starts_with('/') && !is_http(&place.path) && !place.path.starts_with("{base}") {
            self.at(way, format!("`{}` is no path", place.path), "a path begins with /, for instance \"/login\"");
        }
        if let Some(method) = &place.method
            && !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str())
        {
            let way: Vec<&str> = way.iter().copied().chain(["method"]).collect();
            self.at(&way, format!("`{method}` is no method that a place may have"), "GET or POST, in capitals");
        }
        for (member, value) in &place.form {
            let by_token = TOKEN_LOGINS.iter().find(|(own, ..)| way == ["at", own]).map(|(_, token, _)| *token);
            let story: &[&str] = if way == ["at", "share"] { &STORY } else { &[] };
            let known = |one: &&str| PERSON_PLACEHOLDERS.contains(one) || by_token == Some(*one) || story.contains(one);
            for placeholder in placeholders(value).filter(|one| !known(one)) {
                let way: Vec<&str> = way.iter().copied().chain(["form", member]).collect();
                let what = format!("nothing is known as `{placeholder}` here");
                self.unknown(&way, &what, placeholder, &PERSON_PLACEHOLDERS);
            }
        }
    }

    fn session(&mut self, manifest: &Manifest) {
        let who = &manifest.session.who;
        if who.subject.is_none() && who.email.is_none() && who.username.is_none() && who.account.is_none() {
            self.at(
                &["session", "who"],
                "nothing says how to read who is signed in",
                "who.subject = \"/sub\"; or email, username, account; a JSON Pointer or { css = \"#user\" }",
            );
        }
        if !manifest.session.url.starts_with('/') && !is_http(&manifest.session.url) {
            self.at(&["session", "url"], format!("`{}` is no path", manifest.session.url), "url = \"/me\"");
        }
        let durations: [(&[&str], _); 4] = [
            (&["patience"], &manifest.patience),
            (&["session", "grace"], &manifest.session.grace),
            (&["provider", "key_refresh_grace"], &manifest.provider.key_refresh_grace),
            (&["start", "ready_within"], manifest.start.as_ref().map_or(&None, |start| &start.ready_within)),
        ];
        for (way, text) in durations {
            if let Some(text) = text.as_deref().filter(|text| duration(text).is_none()) {
                let what = format!("cannot read the duration \"{text}\"");
                self.at(way, what, "write \"300ms\", \"5s\", \"2m\", \"1h\" or \"1d\"");
            }
        }
        if manifest.accounts.email.as_deref().is_some_and(|email| !email.contains("{id}")) {
            self.at(
                &["accounts", "email"],
                "everybody would have the same address",
                "email = \"{id}@acme.test\": {id} is different for each person",
            );
        }
    }

    fn start(&mut self, manifest: &Manifest) {
        let Some(start) = &manifest.start else {
            let provider = &manifest.provider;
            if provider.issuer.is_none() && provider.listen.is_none() && !manifest.at.base.contains("{port}") {
                self.at(
                    &["at"],
                    "nothing says how to start the partner, and nothing says where a running one expects its provider",
                    "add [start] command; or [provider] issuer = \"http://localhost:9400\", listen = \"127.0.0.1:9400\"",
                );
            }
            return;
        };
        if start.command.is_empty() {
            self.at(&["start", "command"], "the command is empty", "command = [\"node\", \"app.mjs\"]");
        }
        if start.ready.as_deref().is_some_and(|ready| !ready.starts_with('/')) {
            self.at(&["start", "ready"], "a path begins with /", "ready = \"/healthz\"");
        }
        let in_command =
            start.command.iter().enumerate().map(|(at, word)| (["command".to_owned(), at.to_string()], word));
        let in_env = start.env.iter().map(|(name, value)| (["env".to_owned(), name.clone()], value));
        for ([list, key], text) in in_command.chain(in_env) {
            self.placeholders_are_known(&["start", &list, &key], text, manifest);
        }
    }

    /// HS256 signs with the client's secret: there has to be one, and the provider's keys have no part in it.
    fn signed_by_secret(&mut self, manifest: &Manifest) {
        if manifest.client.auth == "none" {
            self.at(
                &["client", "id_token_alg"],
                "HS256 signs with the client's secret, and a public client has none",
                "id_token_alg = \"RS256\", or another auth",
            );
        }
        let fetches_keys = manifest.capabilities.has.iter().position(|own| own == "checks-signature");
        if let Some(at) = fetches_keys {
            self.at(
                &["capabilities", "has", &at.to_string()],
                "with HS256 the client's secret signs, and no keys of the provider are fetched",
                "take `checks-signature` out, or sign by a key: id_token_alg = \"RS256\"",
            );
        }
    }

    fn placeholders_are_known(&mut self, way: &[&str], text: &str, manifest: &Manifest) {
        let mut known = PLACEHOLDERS.to_vec();
        if manifest.second_provider.is_some() {
            known.extend(second::PLACEHOLDERS);
        }
        for placeholder in placeholders(text).filter(|one| !known.contains(one)) {
            self.unknown(way, &format!("nothing is known as `{placeholder}` here"), placeholder, &known);
        }
    }

    fn second_provider(&mut self, manifest: &Manifest) {
        let Some(second) = &manifest.second_provider else { return };
        if !second.login.contains("{provider}") {
            self.at(
                &["second_provider", "login"],
                format!("`{}` is the same address for both providers", second.login),
                "login = \"/login/{provider}\": {provider} becomes `other` or `attacker`",
            );
        }
        for (at, uri) in second.redirect_uris.iter().enumerate() {
            if !is_address(uri) {
                let way = ["second_provider", "redirect_uris", &at.to_string()];
                self.at(&way, format!("`{uri}` is no absolute URL"), ADDRESS);
            }
        }
        for (name, value) in &second.env {
            self.placeholders_are_known(&["second_provider", "env", name], value, manifest);
        }
        if manifest.start.is_some() {
            return;
        }
        if let Some(name) = second.env.keys().next() {
            self.at(
                &["second_provider", "env", name],
                "a partner that is not started gets no environment",
                "take it out, and say in `other` and `attacker` what the running partner is set up with",
            );
        }
        for (name, address) in [("other", &second.other), ("attacker", &second.attacker)] {
            let no_secret = address.secret_env.is_none() && manifest.client.auth != "none";
            if address.issuer.is_none() || address.listen.is_none() || no_secret {
                let help = format!(
                    "{name} = {{ issuer = \"http://localhost:9401\", listen = \"127.0.0.1:9401\", secret_env = \"NAME_OF_A_VARIABLE\" }}"
                );
                let what = format!(
                    "nothing says at which address the running partner expects `{name}`, and with which secret"
                );
                self.at(&["second_provider", name], what, help);
            }
        }
    }

    fn capabilities(&mut self, manifest: &Manifest, names: &Names<'_>) {
        for (at, name) in manifest.capabilities.has.iter().enumerate() {
            let at = at.to_string();
            let way = ["capabilities", "has", at.as_str()];
            let kind = name.split_once(':').map_or(name.clone(), |(kind, _)| format!("{kind}:"));
            match names.capabilities.iter().find(|own| own.name == *name || own.name == kind) {
                Some(own) if own.kind == Kind::Implied => {
                    let what = format!("`{name}` is not declared here: it follows from the rest of the manifest");
                    self.at(&way, what, format!("take it out; it is there when the partner {}", own.says));
                }
                Some(_) => {}
                None => {
                    let known: Vec<&str> = names
                        .capabilities
                        .iter()
                        .filter(|own| own.kind != Kind::Implied)
                        .map(|own| own.name.as_str())
                        .collect();
                    self.unknown(&way, &format!("no capability `{name}`"), name, &known);
                }
            }
        }
    }

    fn known(&mut self, manifest: &Manifest) {
        for (at, known) in manifest.known.iter().enumerate() {
            let at = at.to_string();
            let twin = |other: &&super::Known| other.case == known.case && other.requirement == known.requirement;
            if manifest.known.iter().filter(twin).count() > 1 {
                let what = format!("{} {} stands here twice", known.case, known.requirement);
                self.at(&["known", &at, "case"], what, "take one of them out");
            }
        }
    }
}

/// What is written between braces in a text, with them.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(start, _)| {
        let end = start + text[start..].find('}')?;
        let inner = &text[start + 1..end];
        let plain =
            !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        plain.then(|| &text[start..=end])
    })
}

/// What an address of the manifest begins with.
const ADDRESS: &str = "begin with {base}, {scheme}:// or http://; {port} may stand in it";

/// A whole address, or one whose base is known once the partner runs.
fn is_address(uri: &str) -> bool {
    uri.starts_with("{base}") || is_http(&uri.replace("{port}", "1").replace("{scheme}", "http"))
}

fn is_http(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn short(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// A line that adds a member which is required.
fn example_of(field: &str) -> &'static str {
    match field {
        "name" => "name = \"acme-web\"",
        "client" => "[client] with id and redirect_uris",
        "id" => "id = \"acme\"",
        "redirect_uris" => "redirect_uris = [\"{base}/callback\"]",
        "at" => "[at] with base and login",
        "base" => "base = \"http://127.0.0.1:{port}\"",
        "session" => "[session] with url and who",
        "url" => "url = \"/me\"",
        "who" => "who.subject = \"/sub\"",
        "command" => "command = [\"node\", \"app.mjs\"]",
        "case" => "case = \"keys/rotate\"",
        "requirement" => "requirement = \"oidc-core/10.1.1\"",
        "reason" => "reason = \"keys are cached for an hour\"",
        "path" => "path = \"/login\"",
        _ => "see README, \"Certify my integration\"",
    }
}

//! Reads `specs/dialects/<name>/messages/*.json`: rules that every request of a partner must meet, each shown with its
//! line where it is wrong. Judging by them is `judge::MessageRules`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::judge::{MessageRule, lint_schema, only_holds};
use crate::model::case::Vocabulary;
use crate::model::diagnostic::{Diagnostic, nearest};
use crate::model::dialect::Dialect;
use crate::model::fault::Endpoint;
use crate::model::json_place::{self, Toward};
use crate::model::requirement::Registry;

/// What a part may have beside the words of JSON Schema.
const OWN_WORDS: [&str; 3] = ["x-requirement", "x-needs", "x-kills"];

/// A file of messages.
pub(super) struct MessageFile {
    /// `oidc`.
    pub dialect: String,
    /// Without the extension: `token`.
    pub endpoint: String,
    /// As people know it.
    pub shown: String,
    /// What stands in it.
    pub text: String,
    /// It came with `--specs`: of those that are built in a test looks at each schema.
    pub added: bool,
}

/// The name of dialect and endpoint of a path below `specs/`, where it is one of a file of messages.
pub(super) fn of_path(path: &str) -> Option<(&str, &str)> {
    let (dialect, file) = path.strip_prefix("dialects/")?.split_once("/messages/")?;
    Some((dialect, file.strip_suffix(".json")?))
}

/// What rules may name.
pub(super) struct Names<'n> {
    /// Requirements.
    pub requirements: &'n Registry,
    /// Capabilities, flaws, dialects.
    pub vocabulary: &'n Vocabulary,
    /// By name.
    pub dialects: &'n BTreeMap<String, Dialect>,
}

/// Every rule of a file; everything that is wrong with it goes to `wrong`.
pub(super) fn read(file: &MessageFile, names: &Names<'_>, wrong: &mut Vec<Diagnostic>) -> Vec<MessageRule> {
    let before = wrong.len();
    let endpoint = endpoint(file, names, wrong);
    let json = match json_place::read(&file.text) {
        Ok(json) => json,
        Err((said, at)) => {
            let message = format!("this is no JSON: {said}");
            wrong.push(Diagnostic::at(&file.shown, &file.text, at, message, "mend it there, or just before"));
            return Vec::new();
        }
    };
    let mut reader = Reader { file, names, wrong };
    let parts = reader.parts(&json);
    let rules: Vec<MessageRule> = parts
        .into_iter()
        .enumerate()
        .filter_map(|(index, part)| reader.part(index, part, endpoint.unwrap_or(Endpoint::Token)))
        .collect();
    if wrong.len() == before { rules } else { Vec::new() }
}

/// Which requests the file is about.
fn endpoint(file: &MessageFile, names: &Names<'_>, wrong: &mut Vec<Diagnostic>) -> Option<Endpoint> {
    let name = file.endpoint.as_str();
    let mut trouble = |message: String, help: String| wrong.push(Diagnostic::whole(&file.shown, message, help));
    let Some(endpoint) = Endpoint::from_name(name) else {
        let all: Vec<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
        let help = match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean {near}.json?"),
            None => format!("the file is named like an endpoint: {}", all.join(" ")),
        };
        trouble(format!("`{name}` is no endpoint"), help);
        return None;
    };
    match names.dialects.get(&file.dialect) {
        None => trouble(
            format!("there is no dialect `{}`", file.dialect),
            format!("write specs/dialects/{}/dialect.toml", file.dialect),
        ),
        Some(dialect) if !dialect.endpoints.contains_key(name) => trouble(
            format!("the dialect `{}` has no endpoint `{name}`: no request would ever be judged by this", file.dialect),
            "take the file away, or give the dialect that endpoint".to_owned(),
        ),
        Some(_) => {}
    }
    Some(endpoint)
}

struct Reader<'r> {
    file: &'r MessageFile,
    names: &'r Names<'r>,
    wrong: &'r mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Something is wrong with the value at `path`.
    fn trouble(&mut self, path: &[Toward<'_>], message: impl Into<String>, help: impl Into<String>) {
        let at = json_place::place(&self.file.text, path).unwrap_or(0..0);
        self.wrong.push(Diagnostic::at(&self.file.shown, &self.file.text, at, message, help));
    }

    /// The list of parts.
    fn parts<'j>(&mut self, json: &'j Json) -> Vec<&'j Json> {
        let help = "{ \"allOf\": [ { \"x-requirement\": \"rfc6749/3.2\", … } ] }";
        let Some(members) = json.as_object() else {
            self.trouble(&[], "the rules stand in an object", help);
            return Vec::new();
        };
        for name in members.keys().filter(|name| !["allOf", "$schema", "$comment"].contains(&name.as_str())) {
            let message = format!("`{name}` is not known beside `allOf`");
            self.trouble(&[Toward::Member(name)], message, "each rule is a part of the list `allOf`");
        }
        match members.get("allOf") {
            None => self.trouble(&[], "there is no list `allOf` with rules in it", help),
            Some(Json::Array(parts)) if !parts.is_empty() => return parts.iter().collect(),
            Some(_) => self.trouble(&[Toward::Member("allOf")], "`allOf` is a list of rules, one at least", help),
        }
        Vec::new()
    }

    /// One rule.
    fn part(&mut self, index: usize, part: &Json, endpoint: Endpoint) -> Option<MessageRule> {
        let path = [Toward::Member("allOf"), Toward::Item(index)];
        let Some(members) = part.as_object() else {
            self.trouble(&path, "a rule is an object", "{ \"x-requirement\": \"rfc6749/3.2\", … }");
            return None;
        };
        let own = |name: &&String| name.starts_with("x-") && !OWN_WORDS.contains(&name.as_str());
        for name in members.keys().filter(own) {
            let help = match nearest(name, OWN_WORDS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", OWN_WORDS.join(", ")),
            };
            self.trouble(&[path[0], path[1], Toward::Member(name)], format!("`{name}` is not known"), help);
        }
        let requirement = self.requirement(index, members);
        let capabilities: Vec<&str> = self.names.vocabulary.capabilities.iter().map(String::as_str).collect();
        let needs = self.text(index, members, "x-needs");
        if let Some(need) = &needs {
            self.known(&[path[0], path[1], Toward::Member("x-needs")], need, "capability", &capabilities);
        }
        let kills = self.kills(index, members);
        if self.file.added
            && let Some(why) = lint_schema(part)
        {
            self.trouble(&path, why, "JSON Schema, draft 2020-12, of an object of name → list of texts");
        }
        if only_holds(part) {
            self.trouble(
                &path,
                "this rule can only hold: it asks for nothing",
                "say what a request must have: \"required\": [\"state\"], or the like",
            );
        }
        let title = self.text(index, members, "title");
        let title = title.unwrap_or_else(|| format!("every {endpoint} request is as it must be"));
        let dialect = self.file.dialect.clone();
        Some(MessageRule { dialect, endpoint, title, requirement: requirement?, needs, kills, schema: part.clone() })
    }

    fn requirement(&mut self, index: usize, members: &Map<String, Json>) -> Option<String> {
        let path = [Toward::Member("allOf"), Toward::Item(index), Toward::Member("x-requirement")];
        if !members.contains_key("x-requirement") {
            self.trouble(
                &path[..2],
                "nobody says which requirement this enforces",
                "\"x-requirement\": the id of a rule under specs/requirements/",
            );
            return None;
        }
        let id = self.text(index, members, "x-requirement")?;
        match self.names.requirements.get(&id) {
            None => {
                let all: Vec<&str> = self.names.requirements.by_id.keys().map(String::as_str).collect();
                self.known(&path, &id, "requirement", &all);
            }
            Some(rule) if !rule.dialects.is_empty() && !rule.dialects.contains(&self.file.dialect) => self.trouble(
                &path,
                format!("{id} does not bind partners of `{}`", self.file.dialect),
                format!("it binds those of {}", rule.dialects.join(", ")),
            ),
            Some(_) => {}
        }
        Some(id)
    }

    fn kills(&mut self, index: usize, members: &Map<String, Json>) -> Vec<String> {
        let path =
            |at: usize| [Toward::Member("allOf"), Toward::Item(index), Toward::Member("x-kills"), Toward::Item(at)];
        let Some(list) = members.get("x-kills") else { return Vec::new() };
        let texts: Option<Vec<&str>> = list.as_array().and_then(|all| all.iter().map(Json::as_str).collect());
        let Some(texts) = texts else {
            self.trouble(&path(0)[..3], "`x-kills` is a list of flaws", "[\"grant-type-twice\"]");
            return Vec::new();
        };
        let flaws: Vec<&str> = self.names.vocabulary.flaws.iter().map(String::as_str).collect();
        for (at, flaw) in texts.iter().enumerate() {
            self.known(&path(at), flaw, "flaw", &flaws);
        }
        texts.into_iter().map(str::to_owned).collect()
    }

    /// The text of a member that may be left out.
    fn text(&mut self, index: usize, members: &Map<String, Json>, name: &str) -> Option<String> {
        let text = members.get(name)?.as_str();
        if text.is_none() {
            let path = [Toward::Member("allOf"), Toward::Item(index), Toward::Member(name)];
            self.trouble(&path, format!("`{name}` is a text"), "put it into quotes");
        }
        text.map(str::to_owned)
    }

    /// That a name is none of those that there are is told.
    fn known(&mut self, path: &[Toward<'_>], name: &str, what: &str, all: &[&str]) {
        if all.contains(&name) {
            return;
        }
        let help = match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if what == "requirement" => "write it into specs/requirements/ first".to_owned(),
            None if what == "capability" => "specs/capabilities.toml lists them".to_owned(),
            None => "countersign partner --list-flaws names those that there are".to_owned(),
        };
        self.trouble(path, format!("there is no {what} `{name}`"), help);
    }
}

#[cfg(test)]
mod tests;

//! Error answers of a dialect: their shape as a template, and the table of its own codes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Dialect;

/// The shape of error answers.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// The body: a text that is nothing but `{name}` becomes that value and is left out where there is none. Names:
    /// `error` (the standard's code), `code`, `message`, `subcode`, `trace` (random), `uri`, and every further member
    /// of the entry in the error table. `{"error":"{error}","error_description":"{message}"}` when absent.
    pub body: Option<Map<String, Json>>,
    /// Further headers of error answers, texts with the same names in braces.
    pub headers: BTreeMap<String, String>,
}

/// An entry of the error table.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct ErrorEntry {
    /// What the entry is for: codes of the standard (`invalid_grant`), or a finer kind (`invalid_grant.used`).
    #[serde(default)]
    pub kinds: Vec<String>,
    /// The dialect's own code, number or text; the standard's when absent.
    #[serde(default)]
    pub code: Option<Json>,
    /// A second code below the first.
    #[serde(default)]
    pub subcode: Option<Json>,
    /// HTTP status; the standard's when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// The text; what the provider has to say when absent. `{detail}` in it is what the provider has to say.
    #[serde(default)]
    pub message: Option<String>,
    /// Any further member, for the template.
    #[serde(flatten)]
    pub more: BTreeMap<String, Json>,
}

impl Dialect {
    /// The entry for a kind of error: of that very kind, else of the standard's code in front of the dot.
    pub fn error_entry(&self, kind: &str) -> Option<&ErrorEntry> {
        let of = |kind: &str| self.error_table.iter().find(|entry| entry.kinds.iter().any(|own| own == kind));
        of(kind).or_else(|| of(standard(kind)))
    }

    /// The entry that a case means by the dialect's own code and subcode, or by a kind.
    pub fn error_named(&self, code: &str, subcode: Option<&str>) -> Option<&ErrorEntry> {
        let is = |own: &Option<Json>, text: &str| own.as_ref().is_some_and(|own| shown(own) == text);
        let own = self.error_table.iter().filter(|entry| is(&entry.code, code));
        match subcode {
            Some(subcode) => own.clone().find(|entry| is(&entry.subcode, subcode)),
            None => self.error_entry(code).or_else(|| own.clone().find(|entry| entry.subcode.is_none())),
        }
        .or_else(|| own.clone().next())
    }
}

/// The standard's code of a kind: what stands in front of the dot.
pub fn standard(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// A scalar as text, without quotes.
pub(super) fn shown(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// The values that stand in for the names of a template.
#[derive(Debug, Clone, Default)]
pub struct Filling(BTreeMap<String, Json>);

impl Filling {
    /// What is known of an error: its kind and what the provider has to say, changed by the entry of the table.
    pub fn new(kind: &str, detail: &str, entry: Option<&ErrorEntry>) -> Filling {
        let mut values = BTreeMap::from([
            ("error".to_owned(), Json::from(standard(kind))),
            ("code".to_owned(), Json::from(standard(kind))),
            ("message".to_owned(), Json::from(detail)),
        ]);
        if let Some(entry) = entry {
            values.extend(entry.more.clone());
            let own = [("code", &entry.code), ("subcode", &entry.subcode)];
            own.into_iter().for_each(|(name, value)| {
                if let Some(value) = value {
                    values.insert(name.to_owned(), value.clone());
                }
            });
            if let Some(message) = &entry.message {
                values.insert("message".to_owned(), Json::from(message.replace("{detail}", detail)));
            }
        }
        Filling(values)
    }

    /// One more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Filling {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A text with the names in braces filled in; what is not known becomes nothing.
    pub fn text(&self, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}') else { break };
            out.push_str(&rest[..open]);
            if let Some(value) = self.0.get(&rest[open + 1..open + close]) {
                out.push_str(&shown(value));
            }
            rest = &rest[open + close + 1..];
        }
        out.push_str(rest);
        out
    }

    /// A value of a template, filled in; `None`: nothing is known of it.
    fn value(&self, template: &Json) -> Option<Json> {
        match template {
            Json::String(text) => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
                Some(name) if !name.contains('{') => self.0.get(name).cloned(),
                _ => Some(Json::from(self.text(text))),
            },
            Json::Object(members) => Some(Json::Object(self.object(members))),
            other => Some(other.clone()),
        }
    }

    /// A template, filled in, without the members of which nothing is known.
    pub fn object(&self, template: &Map<String, Json>) -> Map<String, Json> {
        template.iter().filter_map(|(name, value)| Some((name.clone(), self.value(value)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_keeps_types_and_leaves_out_what_there_is_not() {
        let entry = ErrorEntry {
            code: Some(json!(190)),
            message: Some("Error validating access token: {detail}".into()),
            more: BTreeMap::from([("type".to_owned(), json!("OAuthException"))]),
            ..ErrorEntry::default()
        };
        let filling = Filling::new("invalid_token.expired", "it is over", Some(&entry));
        let template =
            json!({ "error": { "code": "{code}", "sub": "{subcode}", "type": "{type}", "message": "{message}" } });
        assert_eq!(
            Json::Object(filling.object(template.as_object().unwrap())),
            json!({ "error": { "code": 190, "type": "OAuthException", "message": "Error validating access token: it is over" } })
        );
        assert_eq!(filling.text("{error} {subcode}({code})"), "invalid_token (190)");
    }
}

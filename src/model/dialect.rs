//! A dialect file, `specs/dialects/<name>/dialect.toml` (DESIGN section 8).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::persona::Persona;

/// The wire protocol of a provider, as data.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// `oidc`, `acme`, …
    pub name: String,
    /// As people read it on the provider's pages.
    #[serde(default)]
    pub title: String,
    /// OpenID Connect: ID tokens, nonce, `openid`.
    #[serde(default)]
    pub openid: bool,
    /// Role (`authorization`, `token`, `userinfo`, `api`, `jwks`, …) -> path below the issuer.
    pub endpoints: BTreeMap<String, String>,
    /// What stands between scopes: a blank when absent (RFC 6749, section 3.3).
    #[serde(default = "blank")]
    pub scope_separator: String,
    /// The member of the userinfo answer that names the subject.
    #[serde(default = "sub")]
    pub subject: String,
    /// Field of a person -> member of the userinfo answer, where they differ.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// `error`, `description`, `uri` -> member of an error answer, where they differ.
    #[serde(default)]
    pub errors: BTreeMap<String, String>,
    /// What can be granted.
    pub scopes: BTreeMap<String, Scope>,
    /// Who can sign in.
    #[serde(skip)]
    pub personas: Vec<Persona>,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            name: String::new(),
            title: String::new(),
            openid: false,
            endpoints: BTreeMap::new(),
            scope_separator: blank(),
            subject: sub(),
            rename: BTreeMap::new(),
            errors: BTreeMap::new(),
            scopes: BTreeMap::new(),
            personas: Vec::new(),
        }
    }
}

fn blank() -> String {
    " ".to_owned()
}

fn sub() -> String {
    "sub".to_owned()
}

/// What can be granted.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What the consent page says that it allows.
    #[serde(default)]
    pub says: String,
    /// Fields of the person that it opens, in ID token and userinfo.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Fields that only the API gives, at `<api>/<scope>`.
    #[serde(default)]
    pub api_fields: Vec<String>,
}

/// What is wrong with a dialect file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialectError(pub String);

/// Without these nothing can be done.
const NEEDED: [&str; 2] = ["authorization", "token"];

/// What `[endpoints]` may name.
const ROLES: [&str; 11] = [
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

impl Dialect {
    /// Reads `dialect.toml` and `personas.toml`.
    ///
    /// # Errors
    /// A sentence with file, line and what was expected.
    pub fn from_files(dialect: &str, personas: &str) -> Result<Dialect, DialectError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct People {
            persona: Vec<Persona>,
        }
        let wrong = |file: &str, why: String| DialectError(format!("{file}: {}", why.trim_end()));
        let mut read: Dialect = toml::from_str(dialect).map_err(|error| wrong("dialect.toml", error.to_string()))?;
        let people: People = toml::from_str(personas).map_err(|error| wrong("personas.toml", error.to_string()))?;
        for role in NEEDED {
            if !read.endpoints.contains_key(role) {
                return Err(wrong(
                    "dialect.toml",
                    format!("[endpoints] has no `{role}`\n  help: {role} = \"/{role}\""),
                ));
            }
        }
        for (role, path) in &read.endpoints {
            if !ROLES.contains(&role.as_str()) {
                let known = ROLES.join(" ");
                return Err(wrong("dialect.toml", format!("`{role}` is no endpoint\n  help: the endpoints: {known}")));
            }
            if !path.starts_with('/') {
                return Err(wrong("dialect.toml", format!("`{path}` is no path\n  help: {role} = \"/{path}\"")));
            }
        }
        let fields = read.scopes.values().flat_map(|scope| scope.fields.iter().chain(&scope.api_fields));
        for field in fields.chain(read.rename.keys()) {
            let known = field == "email" || people.persona.iter().any(|person| person.fields.contains_key(field));
            if !known {
                let why = format!(
                    "nobody in personas.toml has a field `{field}`\n  help: give somebody one, or mend the name"
                );
                return Err(wrong("dialect.toml", why));
            }
        }
        if read.title.is_empty() {
            read.title.clone_from(&read.name);
        }
        read.personas = people.persona;
        Ok(read)
    }

    /// The name under which a field of a person goes over the wire.
    pub fn member<'a>(&'a self, field: &'a str) -> &'a str {
        self.rename.get(field).map_or(field, String::as_str)
    }

    /// The name of a member of an error answer: `error`, `description`, `uri`.
    pub fn error_member<'a>(&'a self, which: &'a str) -> &'a str {
        self.errors.get(which).map_or(
            match which {
                "description" => "error_description",
                "uri" => "error_uri",
                other => other,
            },
            String::as_str,
        )
    }

    /// A list of scopes as it goes over the wire.
    pub fn join_scopes(&self, scopes: &[String]) -> String {
        scopes.join(&self.scope_separator)
    }

    /// A list of scopes as it came over the wire.
    pub fn split_scopes(&self, text: &str) -> Vec<String> {
        text.split(self.scope_separator.as_str())
            .map(str::trim)
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OIDC: &str = include_str!("../../specs/dialects/oidc/dialect.toml");
    const ACME: &str = include_str!("../../specs/dialects/acme/dialect.toml");
    const PEOPLE: &str = include_str!("../../specs/dialects/oidc/personas.toml");

    #[test]
    fn the_shipped_dialects_can_be_read() {
        assert!(Dialect::from_files(OIDC, PEOPLE).unwrap().openid);
        assert_eq!(Dialect::from_files(ACME, PEOPLE).unwrap().member("name"), "display_name");
    }

    #[test]
    fn a_field_that_nobody_has_is_an_error_that_names_it() {
        let wrong = ACME.replace("[\"name\"]", "[\"nmae\"]");
        assert!(Dialect::from_files(&wrong, PEOPLE).unwrap_err().0.contains("`nmae`"));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let wrong = format!("{ACME}\nflavour = 1\n");
        assert!(Dialect::from_files(&wrong, PEOPLE).unwrap_err().0.contains("line"));
    }
}

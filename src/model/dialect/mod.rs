//! A dialect: the wire protocol of a provider as data, `specs/dialects/<name>/dialect.toml` (DESIGN section 8). What
//! data cannot say lives behind the adapter that the file names.

mod errors;
mod parts;
mod read;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::persona::Persona;
use super::wire::Wire;

pub use errors::{ErrorEntry, Errors, Filling, standard};
pub use parts::{AuthorizationRules, ConsentRules, OptionKind, Place, Scope, TokenEncoding, TokenRules};
pub use read::{ADAPTERS, DialectError, ROLES};

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
    /// The code that does what data cannot say; most dialects have none.
    #[serde(default)]
    pub adapter: Option<String>,
    /// Role (`authorization`, `token`, `userinfo`, `api`, `jwks`, …) -> where it is below the issuer. The first path
    /// is the one that partners are told.
    pub endpoints: BTreeMap<String, Place>,
    /// A host name of the real provider -> the path below the issuer that stands for it. A request to such a host
    /// (by its `Host` header) and one below its path are the same.
    #[serde(default)]
    pub hosts: BTreeMap<String, String>,
    /// Requests may name a version in front of the path (`/v19.0/me`); `{version}` in `endpoints` is this one.
    #[serde(default)]
    pub version: Option<String>,
    /// Name of a parameter in the standard -> its name here, where they differ.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// A partner's server may put everything into the address of its calls: the provider's documentation shows codes,
    /// secrets and tokens there. It is then no leak.
    #[serde(default)]
    pub calls_by_query: bool,
    /// What stands between scopes: a blank when absent (RFC 6749, section 3.3).
    #[serde(default = "blank")]
    pub scope_separator: String,
    /// The member of the userinfo answer that names the subject.
    #[serde(default = "sub")]
    pub subject: String,
    /// Field of a person -> member of the userinfo answer, where they differ. A name that begins with `/` is a JSON
    /// Pointer: the member stands deeper.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// The authorization endpoint.
    #[serde(default)]
    pub authorization: AuthorizationRules,
    /// What the person can answer.
    #[serde(default)]
    pub consent: ConsentRules,
    /// The token endpoint.
    #[serde(default)]
    pub token: TokenRules,
    /// The shape of error answers.
    #[serde(default)]
    pub errors: Errors,
    /// The error table: what the dialect says instead of the standard's codes.
    #[serde(default, rename = "error")]
    pub error_table: Vec<ErrorEntry>,
    /// What can be granted.
    pub scopes: BTreeMap<String, Scope>,
    /// Objects that faults can address beside those of every dialect.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Objects that are cookies of the partner's site, and what each is called there; `{client_id}` is filled in.
    #[serde(default)]
    pub cookies: BTreeMap<String, String>,
    /// Options that the step `provider` may set beside those of every dialect, and what they may be.
    #[serde(default)]
    pub options: BTreeMap<String, OptionKind>,
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
            adapter: None,
            endpoints: BTreeMap::new(),
            hosts: BTreeMap::new(),
            version: None,
            parameters: BTreeMap::new(),
            calls_by_query: false,
            scope_separator: blank(),
            subject: sub(),
            rename: BTreeMap::new(),
            authorization: AuthorizationRules::default(),
            consent: ConsentRules::default(),
            token: TokenRules::default(),
            errors: Errors::default(),
            error_table: Vec::new(),
            scopes: BTreeMap::new(),
            objects: Vec::new(),
            cookies: BTreeMap::new(),
            options: BTreeMap::new(),
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

impl Dialect {
    /// The path of an endpoint as partners are told it, the version filled in.
    pub fn told_path(&self, role: &str) -> Option<String> {
        let first = self.endpoints.get(role)?.paths().first()?;
        Some(first.replace("{version}", self.version.as_deref().unwrap_or_default()))
    }

    /// The first path of an endpoint as requests are compared with it, without a version.
    pub fn path(&self, role: &str) -> Option<&str> {
        self.endpoints.get(role)?.paths().first().map(String::as_str)
    }

    /// Role -> path as partners are told it.
    pub fn told_paths(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.endpoints.keys().filter_map(|role| Some((role.clone(), self.told_path(role)?)))
    }

    /// The name under which a field of a person goes over the wire.
    pub fn member<'a>(&'a self, field: &'a str) -> &'a str {
        self.rename.get(field).map_or(field, String::as_str)
    }

    /// Puts a field of a person into an answer, where and under the name that the dialect says.
    pub fn put(&self, wire: &mut Wire, field: &str, value: &Json) {
        let member = self.member(field);
        match member.strip_prefix('/') {
            None => wire.push(member, Wire::from(value.clone())),
            Some(way) => put_deep(wire, way, Wire::from(value.clone())),
        }
    }

    /// A list of scopes as it goes over the wire.
    pub fn join_scopes(&self, scopes: &[String]) -> String {
        scopes.join(&self.scope_separator)
    }

    /// A list of scopes as it came over the wire.
    pub fn split_scopes(&self, text: &str) -> Vec<String> {
        let blanks = self.authorization.blanks_separate_scopes;
        text.split(|c: char| self.scope_separator.starts_with(c) || (blanks && c == ' '))
            .map(str::trim)
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// What a partner can do because its provider is as it is, by the names of `specs/capabilities.toml`.
    pub fn capabilities(&self) -> impl Iterator<Item = &'static str> {
        (!self.authorization.same_origin_suffices).then_some("exact-redirect-uri").into_iter()
    }

    /// Whether the person cannot decline a scope.
    pub fn is_fixed(&self, scope: &str) -> bool {
        self.consent.all_or_nothing || self.scopes.get(scope).is_some_and(|own| own.fixed || own.implied)
    }
}

/// Puts a member below objects, which are made where there are none.
fn put_deep(wire: &mut Wire, way: &str, value: Wire) {
    let Some((first, rest)) = way.split_once('/') else { return wire.set(way, value) };
    if !matches!(wire.get(first), Some(Wire::Object(_))) {
        wire.set(first, Wire::object());
    }
    if let Wire::Object(members) = wire
        && let Some((_, inner)) = members.iter_mut().find(|(name, _)| name == first)
    {
        put_deep(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OIDC: &str = include_str!("../../../specs/dialects/oidc/dialect.toml");
    const ACME: &str = include_str!("../../../specs/dialects/acme/dialect.toml");
    const PEOPLE: &str = include_str!("../../../specs/dialects/oidc/personas.toml");

    fn read(dialect: &str) -> Result<Dialect, String> {
        Dialect::from_files(dialect, PEOPLE).map_err(|error| error.to_string())
    }

    #[test]
    fn the_shipped_dialects_can_be_read() {
        assert!(read(OIDC).unwrap().openid);
        assert_eq!(read(ACME).unwrap().member("name"), "display_name");
    }

    #[test]
    fn a_member_may_stand_deeper() {
        let deeper = ACME.replace("name = \"display_name\"", "name = \"/profile/names/display\"");
        let dialect = read(&deeper).unwrap();
        let mut wire = Wire::object();
        dialect.put(&mut wire, "name", &Json::from("Alice"));
        dialect.put(&mut wire, "email", &Json::from("a@b.example"));
        assert_eq!(
            wire.to_json(),
            serde_json::json!({ "profile": { "names": { "display": "Alice" } }, "mail": "a@b.example" })
        );
    }

    #[test]
    fn a_field_that_nobody_has_is_an_error_at_its_place() {
        let shown = read(&ACME.replace("[\"name\"", "[\"nmae\"")).unwrap_err();
        assert!(shown.contains("`nmae`") && shown.contains("did you mean `name`?") && shown.contains('^'), "{shown}");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_line_and_caret() {
        let shown = read(&format!("flavour = 1\n{ACME}")).unwrap_err();
        assert!(shown.starts_with("dialect.toml:1:1: unknown field `flavour`") && shown.contains('^'), "{shown}");
    }

    #[test]
    fn what_is_wrong_with_endpoints_is_said_at_each_of_them() {
        let text = "name = \"x\"\nscopes = {}\n[endpoints]\nauthorization = \"authorize\"\ntokn = \"/token\"\n";
        let shown = read(text).unwrap_err();
        assert!(shown.contains(":4:17: `authorize` is no path"), "{shown}");
        assert!(shown.contains(":5:1: `tokn` is no endpoint") && shown.contains("did you mean `token`?"), "{shown}");
        assert!(shown.contains("[endpoints] has no `token`"), "{shown}");
    }
}

//! The parts of a dialect file: endpoints, scopes, what authorization, consent and tokens are like.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

/// Where an endpoint is.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a path, a list of paths, or { paths = [\"/…\"], methods = [\"POST\"] }")]
pub enum Place {
    /// One path, with the methods that its role has.
    Path(String),
    /// Several paths.
    Paths(Vec<String>),
    /// Paths and methods.
    Full(FullPlace),
}

/// Paths and methods of an endpoint.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullPlace {
    /// Below the issuer; the first is the one that partners are told.
    pub paths: Vec<String>,
    /// `GET`, `POST`; those of the role when empty.
    #[serde(default)]
    pub methods: Vec<String>,
}

impl Place {
    /// Every path.
    pub fn paths(&self) -> &[String] {
        match self {
            Place::Path(path) => std::slice::from_ref(path),
            Place::Paths(paths) => paths,
            Place::Full(full) => &full.paths,
        }
    }

    /// The methods that the file names.
    pub fn methods(&self) -> &[String] {
        match self {
            Place::Full(full) => &full.methods,
            _ => &[],
        }
    }
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
    /// Fields that only the API gives, at `<api>/<scope>`; with an adapter: edges of the person.
    #[serde(default)]
    pub api_fields: Vec<String>,
    /// The person cannot decline it without declining everything.
    #[serde(default)]
    pub fixed: bool,
    /// Always asked for, whatever the request says, and never declined.
    #[serde(default)]
    pub implied: bool,
}

/// The authorization endpoint.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationRules {
    /// `response_type`s that are answered.
    pub response_types: Vec<String>,
    /// A request without `response_type` means this one.
    pub default_response_type: Option<String>,
    /// A blank stands between scopes as well as the separator.
    pub blanks_separate_scopes: bool,
    /// A `redirect_uri` need only have scheme, host and port of a registered one.
    pub same_origin_suffices: bool,
    /// `iss` goes along (RFC 9207), where the dialect is OpenID Connect.
    pub iss: bool,
    /// Parameters of a refusal by the person, in place of `error` and `error_description`.
    pub denied: Option<BTreeMap<String, String>>,
    /// Parameters of any other error: name -> text with `{code}`, `{message}`, `{error}` or any member of the error
    /// table's entry.
    pub error: Option<BTreeMap<String, String>>,
    /// Stands behind `#` at the end of every redirect.
    pub fragment: Option<String>,
}

impl Default for AuthorizationRules {
    fn default() -> Self {
        AuthorizationRules {
            response_types: vec!["code".to_owned()],
            default_response_type: None,
            blanks_separate_scopes: false,
            same_origin_suffices: false,
            iss: true,
            denied: None,
            error: None,
            fragment: None,
        }
    }
}

/// What the person can answer.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentRules {
    /// The person grants everything or nothing.
    pub all_or_nothing: bool,
    /// What was granted or declined before is not asked again.
    pub remember: bool,
    /// What is granted adds to what was granted before, and only what is new is asked.
    pub cumulative: bool,
}

/// How the token endpoint answers.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenEncoding {
    /// `{"access_token":"…"}`.
    #[default]
    Json,
    /// `access_token=…&expires=…`.
    Form,
}

/// The token endpoint.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenRules {
    /// How it answers.
    pub encoding: TokenEncoding,
    /// `Content-Type` of the answer, where it is not that of the encoding.
    pub media_type: Option<String>,
    /// A request without `grant_type` that carries a code means `authorization_code`.
    pub grant_type_optional: bool,
    /// Members of the answer that are left out.
    pub omit: Vec<String>,
    /// Member of the answer -> its name here.
    pub rename: BTreeMap<String, String>,
    /// `Bearer` when absent.
    pub token_type: String,
    /// Access tokens are random text that begins so, instead of signed ones.
    pub opaque: Option<String>,
    /// Refresh tokens are given.
    pub refresh: bool,
    /// Seconds that an access token lives.
    pub lifetime: u64,
}

impl Default for TokenRules {
    fn default() -> Self {
        TokenRules {
            encoding: TokenEncoding::Json,
            media_type: None,
            grant_type_optional: false,
            omit: Vec::new(),
            rename: BTreeMap::new(),
            token_type: "Bearer".to_owned(),
            opaque: None,
            refresh: true,
            lifetime: 3600,
        }
    }
}

/// What an option of a dialect may be.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionKind {
    /// What it does, in a sentence.
    pub says: String,
    /// Its values; any text when empty.
    #[serde(default)]
    pub values: Vec<Json>,
    /// What it is when nobody says.
    pub default: Json,
}

//! The partner's manifest, `countersign.toml` (DESIGN section 7).

mod read;
mod second;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::verdict::Tier;

pub use read::{Names, read};
pub use second::{SecondAddress, SecondProvider};

/// Algorithms that the provider signs ID tokens with (RFC 7518, section 3.1; RFC 8037, section 3.1); `RS256` where a
/// registration names none (OpenID Connect Dynamic Client Registration 1.0, section 2).
pub const ID_TOKEN_ALGS: [&str; 5] = ["RS256", "ES256", "PS256", "EdDSA", "HS256"];

/// What a partner says of itself.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `[a-z0-9-]+`.
    pub name: String,
    /// The suite version that it was written for.
    #[serde(default)]
    pub suite: Option<String>,
    /// The dialect it speaks.
    #[serde(default = "oidc")]
    pub dialect: String,
    /// Up to which tier it is judged when no flag says otherwise.
    #[serde(default)]
    pub tier: Tier,
    /// Attempts at a time.
    #[serde(default)]
    pub jobs: Option<usize>,
    /// Who plays the person's browser when no flag says otherwise: `chromium` for a partner that needs scripts.
    #[serde(default)]
    pub browser: Engine,
    /// How long the partner is waited for: for an answer 35 s when absent, and never longer.
    #[serde(default)]
    pub patience: Option<String>,
    /// Its registration.
    pub client: Client,
    /// Its scopes.
    #[serde(default)]
    pub scopes: Scopes,
    /// Its places.
    pub at: At,
    /// The probe.
    pub session: Session,
    /// Local accounts.
    #[serde(default)]
    pub accounts: Accounts,
    /// Where the provider must be, for a partner that is already running.
    #[serde(default)]
    pub provider: ProviderSection,
    /// Registrations with `other` and `attacker`.
    #[serde(default)]
    pub second_provider: Option<SecondProvider>,
    /// How to start it; left out: attach.
    #[serde(default)]
    pub start: Option<Start>,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Failures that are known.
    #[serde(default)]
    pub known: Vec<Known>,
}

fn oidc() -> String {
    "oidc".to_owned()
}

/// Which browser drives the pages.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The harness's own: fast, without scripts.
    #[default]
    Http,
    /// A real Chromium.
    Chromium,
}

/// `[client]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// Environment variable that holds the secret; generated for a started partner when absent.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// `client_secret_basic`, `client_secret_post`, `none`.
    #[serde(default = "basic")]
    pub auth: String,
    /// Registered redirect URIs; `{base}` is replaced.
    pub redirect_uris: Vec<String>,
    /// Registered post-logout redirect URIs; `{base}` is replaced.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// The `id_token_signed_response_alg` it registered; RS256 when absent.
    #[serde(default)]
    pub id_token_alg: Option<String>,
}

fn basic() -> String {
    "client_secret_basic".to_owned()
}

/// `[scopes]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    /// Without these a login makes no sense.
    #[serde(default)]
    pub required: Vec<String>,
    /// A person may decline these.
    #[serde(default)]
    pub optional: Vec<String>,
}

/// `[at]`: places.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct At {
    /// `http://127.0.0.1:{port}`; `{scheme}` is `https` in a run over TLS, else `http`.
    pub base: String,
    /// Name of the login's parameter that says where to go afterwards.
    #[serde(default)]
    pub return_param: Option<String>,
    /// Features by name.
    #[serde(default)]
    pub features: BTreeMap<String, Place>,
    /// Endpoints that the provider calls, by name.
    #[serde(default)]
    pub endpoints: BTreeMap<String, Place>,
    /// `login`, `logout`, `sign_up`, … (see [`PLACES`]).
    #[serde(flatten)]
    pub places: BTreeMap<String, Place>,
}

/// The places that `[at]` may name beside `base`, `return_param`, `features` and `endpoints`.
pub const PLACES: [&str; 18] = [
    "login",
    "logout",
    "callback",
    "session",
    "link",
    "unlink",
    "delete_account",
    "sign_up",
    "local_login",
    "initiate_login",
    "token_login",
    "id_token_login",
    "ask_again",
    "cookie_login",
    "share",
    "device_login",
    "check_session",
    "home",
];

/// How to do something at the partner: a path, or a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    /// Path or absolute URL.
    pub path: String,
    /// `GET` when absent.
    pub method: Option<String>,
    /// Form members; `{email}`, `{name}`, `{username}`, `{password}` are filled from the person, `{access_token}` (in
    /// `token_login`), `{id_token}` (in `id_token_login`), `{story}` and `{audience}` (in `share`) by the case. Empty with
    /// method POST: the form that the page at `path` shows is filled in and sent.
    pub form: BTreeMap<String, String>,
    /// Page whose form is sent (its hidden members, e.g. a CSRF token, go along).
    pub page: Option<String>,
    /// Scopes that a feature needs.
    pub needs: Vec<String>,
    /// A CSS selector that must match where a feature works; otherwise a 2xx at its own path means that it works.
    pub shows: Option<String>,
}

impl Place {
    /// Whether a member of its form is filled with this.
    pub fn takes(&self, placeholder: &str) -> bool {
        self.form.values().any(|value| value == placeholder)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            path: String,
            #[serde(default)]
            method: Option<String>,
            #[serde(default)]
            form: BTreeMap<String, String>,
            #[serde(default)]
            page: Option<String>,
            #[serde(default)]
            needs: Vec<String>,
            #[serde(default)]
            shows: Option<String>,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Place;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a path, or a table { path, method, form, page, needs, shows }")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<Place, E> {
                Ok(Place { path: path.to_owned(), ..Place::default() })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Place, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Place {
                    path: table.path,
                    method: table.method,
                    form: table.form,
                    page: table.page,
                    needs: table.needs,
                    shows: table.shows,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `[session]`: the probe.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Where it says who is signed in.
    pub url: String,
    /// How to read who it is.
    pub who: WhoIs,
    /// Field -> where it is shown, on the probe's answer.
    #[serde(default)]
    pub fields: BTreeMap<String, Pointer>,
    /// `id_token` or `userinfo`.
    #[serde(default)]
    pub identity_from: IdentityFrom,
    /// How long an effect may take.
    #[serde(default)]
    pub grace: Option<String>,
    /// What happens to a session when its grant is withdrawn.
    #[serde(default)]
    pub on_revocation: OnRevocation,
}

/// `who`: at least one of them.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoIs {
    /// The subject.
    #[serde(default)]
    pub subject: Option<Pointer>,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<Pointer>,
    /// The user name.
    #[serde(default)]
    pub username: Option<Pointer>,
    /// The partner's own account id.
    #[serde(default)]
    pub account: Option<Pointer>,
}

/// Where a text is on the probe's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Pointer {
    /// JSON Pointer (RFC 6901).
    Json(String),
    /// CSS selector; the text of the first match.
    Css(String),
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Json(String),
            Css { css: String },
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Json(pointer)) if pointer.starts_with('/') => Ok(Pointer::Json(pointer)),
            Ok(Either::Json(other)) => Err(de::Error::custom(format!(
                "`{other}` is not a JSON Pointer: it begins with `/`, for instance \"/sub\"; for a page write {{ css = \"#user\" }}"
            ))),
            Ok(Either::Css { css }) => Ok(Pointer::Css(css)),
            Err(_) => Err(de::Error::custom("expected a JSON Pointer such as \"/sub\", or { css = \"#user\" }")),
        }
    }
}

/// Where the partner takes identity from.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IdentityFrom {
    #[default]
    IdToken,
    Userinfo,
}

/// What becomes of a session whose grant was withdrawn.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum OnRevocation {
    #[default]
    End,
    Degrade,
}

/// `[accounts]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Pattern of e-mail addresses with `{id}`.
    #[serde(default)]
    pub email: Option<String>,
    /// A request that forgets every account; asked once, before anything is judged.
    #[serde(default)]
    pub reset: Option<Place>,
    /// Ids of people that the partner knows beforehand.
    #[serde(default)]
    pub pool: Vec<String>,
    /// Where it says how many accounts were opened so far.
    #[serde(default)]
    pub count: Option<Count>,
}

/// `[accounts] count`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What is asked, by GET and without cookies.
    pub url: String,
    /// Where the number is on the answer.
    pub at: Pointer,
}

/// `[provider]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSection {
    /// The issuer that the partner is set up with.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Where the provider listens.
    #[serde(default)]
    pub listen: Option<String>,
    /// How long a partner may go on with an old JWKS; 5 minutes when absent.
    #[serde(default)]
    pub key_refresh_grace: Option<String>,
}

/// `[start]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Environment; `{issuer}`, `{client.id}`, `{client.secret}`, `{base}`, `{port}` are replaced, and in a run over TLS
    /// `{tls.ca}` (whom to trust), `{tls.cert}` and `{tls.key}` (to serve with): files in PEM. There it has, unless it
    /// says otherwise, what makes common runtimes trust the authority of the run: `NODE_EXTRA_CA_CERTS`,
    /// `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, and a trust store in `JAVA_TOOL_OPTIONS`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Path that answers 2xx when it is ready; `/` answering anything when absent.
    #[serde(default)]
    pub ready: Option<String>,
    /// How long it may take until it is ready; 30 s when absent.
    #[serde(default)]
    pub ready_within: Option<String>,
    /// What has to be done once before; never run by `run`.
    #[serde(default)]
    pub setup: Vec<String>,
    /// Run before the process group is ended.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// `[capabilities]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Names from `specs/capabilities.toml`.
    #[serde(default)]
    pub has: Vec<String>,
}

/// `[[known]]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Case id.
    pub case: String,
    /// Requirement id.
    pub requirement: String,
    /// Why it is so; an entry without one is not true.
    #[serde(default)]
    pub reason: String,
    /// Until when, `2027-03-01`; for ever when absent.
    #[serde(default)]
    pub until: Option<String>,
    /// Its line in the manifest, from 1; 0 where the manifest was not read from a file.
    #[serde(skip)]
    pub line: usize,
}

/// Reads `"300ms"`, `"2s"`, `"5m"`, `"1h"`, `"1d"`.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    let milliseconds = match &text[at..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(std::time::Duration::from_millis)
}

/// A command as a person types it into a shell: a word that the shell would split or read otherwise is quoted.
pub fn typed<W: AsRef<str>>(words: &[W]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let quoted = |word: &str| match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{duration, typed};

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(typed(&["npm", "ci", "--no-audit"]), "npm ci --no-audit");
        assert_eq!(typed(&["sh", "-c", "make a && echo 'b'"]), r"sh -c 'make a && echo '\''b'\'''");
        assert_eq!(typed(&["app", ""]), "app ''");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("300ms"), Some(std::time::Duration::from_millis(300)));
        assert_eq!(duration("2m"), Some(std::time::Duration::from_secs(120)));
        for wrong in ["", "5", "s", "5 s", "-1s", "5w", "99999999999999999999s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}

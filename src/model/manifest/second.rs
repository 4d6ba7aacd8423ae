//! `[second_provider]`: the partner's registrations with two more providers, `other` (honest) and `attacker` (not).

use std::collections::BTreeMap;

use serde::Deserialize;

/// `[second_provider]`.
///
/// `attacker` gives the partner the same `client_id` as the main provider does, as a dishonest provider would; `other`
/// gives one of its own. Each has a secret of its own.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondProvider {
    /// Path of the login with one of them; `{provider}` becomes `other` or `attacker`.
    pub login: String,
    /// Redirect URIs registered there; `{base}` and `{provider}` are replaced. Those of `[client]` when absent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Added to the environment of `[start]`. Beside its placeholders: `{other.issuer}`, `{other.client.id}`,
    /// `{other.client.secret}`, and the same of `attacker`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where `other` is, for a partner that is already running.
    #[serde(default)]
    pub other: SecondAddress,
    /// Where `attacker` is.
    #[serde(default)]
    pub attacker: SecondAddress,
}

/// `other` and `attacker` of `[second_provider]`: what a running partner is set up with already.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondAddress {
    /// The issuer that the partner is set up with.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Where the provider listens.
    #[serde(default)]
    pub listen: Option<String>,
    /// The `client_id` there.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Environment variable that holds the secret there; one is made for a started partner when absent.
    #[serde(default)]
    pub secret_env: Option<String>,
}

/// What `[start]` and `[second_provider] env` may have filled in where there is a second provider.
pub(super) const PLACEHOLDERS: [&str; 6] = [
    "{other.issuer}",
    "{other.client.id}",
    "{other.client.secret}",
    "{attacker.issuer}",
    "{attacker.client.id}",
    "{attacker.client.secret}",
];

//! Requirements: rules with their clause, and the registry of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::verdict::{Level, Tier};

/// One rule (`specs/requirements/<spec>.toml`).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `oidc-core/3.1.3.7#11`.
    pub id: String,
    /// How strongly it binds.
    pub level: Level,
    /// Whom: `partner` (the relying party) or `provider`.
    pub actor: String,
    /// `OpenID Connect Core 1.0, section 3.1.3.7, item 11`.
    pub clause: String,
    /// Where it can be read.
    #[serde(default)]
    pub url: Option<String>,
    /// The rule in one sentence of our own.
    pub summary: String,
    /// Where and when its text was verified, `"<url> 2026-11-23"`. A rule without it lives under `partner/`.
    #[serde(default)]
    pub checked: Option<String>,
    /// Dialects that it binds; empty: all.
    #[serde(default)]
    pub dialects: Vec<String>,
    /// The lowest tier that demands it; that of its lowest case when absent.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// Why no case can test it; `cases coverage` asks for a case or for this.
    #[serde(default)]
    pub untestable: Option<String>,
}

/// All requirements by id.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Id -> requirement.
    pub by_id: BTreeMap<String, Requirement>,
}

impl Registry {
    /// The requirement of that id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.by_id.get(id)
    }
}

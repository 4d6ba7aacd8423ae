//! Capabilities (`specs/capabilities.toml`) and tiers (`specs/tiers.toml`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::verdict::Tier;

/// How a capability is known.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The manifest says so.
    Declared,
    /// The manifest says so, and a plain login shows it.
    Observed,
    /// It follows from what the manifest says elsewhere.
    Implied,
}

/// What a partner can do.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// One that ends in `:` stands for one per entry of a list.
    pub name: String,
    /// How it is known.
    pub kind: Kind,
    /// In words.
    pub says: String,
    /// Why a case that needs it does not apply, where it is not the partner's choice to lack it.
    #[serde(default)]
    pub lacking: Option<String>,
}

/// Reads `specs/capabilities.toml`.
///
/// # Errors
/// What is wrong with it, with its line.
pub fn capabilities(text: &str) -> Result<Vec<Capability>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        capability: Vec<Capability>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut names = BTreeSet::new();
    match file.capability.iter().find(|capability| !names.insert(capability.name.clone())) {
        Some(twice) => Err(format!("`{}` stands there twice", twice.name)),
        None => Ok(file.capability),
    }
}

/// What a tier allows.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// Capabilities that a partner may lack; `*` is every one.
    pub may_lack: Vec<String>,
}

/// Reads `specs/tiers.toml`.
///
/// # Errors
/// What is wrong with it, with its line.
pub fn tiers(text: &str) -> Result<BTreeMap<Tier, TierRule>, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

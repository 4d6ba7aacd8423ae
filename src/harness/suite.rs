//! The suite: cases, requirements, dialects, capabilities and tiers, embedded in the program or added from folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::case::Case;
use crate::model::diagnostic::Diagnostic;
use crate::model::manifest::Manifest;
use crate::model::requirement::Registry;

/// Everything that judges, as one version.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// In the order of their ids.
    pub cases: Vec<Arc<Case>>,
    /// Case id -> text of its file.
    pub case_texts: BTreeMap<String, String>,
    /// The rules.
    pub requirements: Registry,
    /// `<dialect>/<file>` -> text.
    pub dialect_files: BTreeMap<String, String>,
    /// Named message schemas: path under `specs/` without extension -> schema.
    pub schemas: BTreeMap<String, Json>,
    /// SHA-256 over every case and specification file.
    pub digest: String,
    /// The program's version.
    pub version: String,
}

/// What is added to the embedded suite.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Folders like `specs/`.
    pub specs: Vec<PathBuf>,
    /// Folders like `cases/`.
    pub cases: Vec<PathBuf>,
    /// A same id replaces instead of being an error.
    pub replace: bool,
}

impl Suite {
    /// The embedded suite and what is added to it.
    ///
    /// # Errors
    /// Everything that is wrong with any file.
    pub fn load(additions: &Additions) -> Result<Suite, Vec<Diagnostic>> {
        let _ = additions;
        todo!()
    }
}

/// What a partner can do: declared, and what follows from its places and lists (`features`, `optional-scopes`,
/// `local-accounts`, `field:NAME`, `feature:NAME`, `backchannel-logout`, …).
pub fn capabilities_of(manifest: &Manifest) -> BTreeSet<String> {
    let _ = manifest;
    todo!()
}

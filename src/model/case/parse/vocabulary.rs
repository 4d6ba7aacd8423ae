//! The names that a case may use and that no grammar knows: they come from the suite.

use std::collections::BTreeSet;

/// Names from the suite.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Requirement ids.
    pub requirements: BTreeSet<String>,
    /// Flaws of the reference partner.
    pub flaws: BTreeSet<String>,
    /// Capabilities. One that ends in `:` stands for all names behind it (`feature:`).
    pub capabilities: BTreeSet<String>,
    /// Dialects.
    pub dialects: BTreeSet<String>,
    /// People of the dialects.
    pub people: BTreeSet<String>,
    /// Objects that dialects add (`fbs_cookie`).
    pub objects: BTreeSet<String>,
    /// Options of the step `provider` that dialects add.
    pub options: BTreeSet<String>,
    /// Named schemas.
    pub schemas: BTreeSet<String>,
}

impl Vocabulary {
    /// Whether a capability is known.
    pub fn has_capability(&self, name: &str) -> bool {
        self.capabilities.contains(name)
            || name
                .split_once(':')
                .is_some_and(|(kind, rest)| !rest.is_empty() && self.capabilities.contains(&format!("{kind}:")))
    }
}

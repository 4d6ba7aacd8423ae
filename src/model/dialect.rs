//! A dialect file, `specs/dialects/<name>/dialect.toml` (DESIGN section 8).

/// The wire protocol of a provider, as data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dialect {
    /// `oidc`, `acme`, …
    pub name: String,
}

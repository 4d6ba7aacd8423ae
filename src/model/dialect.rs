//! A dialect file, `specs/dialects/<name>/dialect.toml` (DESIGN section 8).

use std::collections::BTreeMap;

use super::persona::Persona;

/// The wire protocol of a provider, as data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dialect {
    /// `oidc`, `acme`, …
    pub name: String,
    /// Role (`authorization`, `token`, `userinfo`, `api`, `jwks`, …) -> path below the issuer.
    pub endpoints: BTreeMap<String, String>,
    /// Who can sign in.
    pub personas: Vec<Persona>,
}

/// What is wrong with a dialect file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialectError(pub String);

impl Dialect {
    /// Reads `dialect.toml` and `personas.toml`.
    ///
    /// # Errors
    /// A sentence with file, line and what was expected.
    pub fn from_files(dialect: &str, personas: &str) -> Result<Dialect, DialectError> {
        let _ = (dialect, personas);
        todo!()
    }
}

//! Under which name it is kept what a person granted: per app where a dialect remembers it app by app.

use crate::model::dialect::Dialect;

/// Person and app.
pub(in crate::provider) type Key = (String, String);

/// Where the answer of a person to an app is kept.
pub(in crate::provider) fn key(dialect: &Dialect, person: &str, client_id: &str) -> Key {
    let app = if dialect.consent.cumulative { client_id } else { "" };
    (person.to_owned(), app.to_owned())
}

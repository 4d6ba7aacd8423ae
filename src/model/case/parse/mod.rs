//! Reading a case file (CASE-LANGUAGE section 1): every word is known, every mistake has its line, a caret and help.

mod act;
mod expect;
mod fault;
#[cfg(test)]
pub(crate) mod grammar;
mod header;
mod lint;
mod reader;
mod schema;
mod step;
mod value;
mod vocabulary;

pub use vocabulary::Vocabulary;

use crate::model::diagnostic::Diagnostic;

use super::Case;
use reader::Reader;

/// Reads and lints a case file. `id` is its path under `cases/` without the extension, `path` is how people know it.
///
/// # Errors
/// Everything that is wrong with it, one for each cause.
pub fn parse(id: &str, path: &str, text: &str, vocabulary: &Vocabulary) -> Result<Case, Vec<Diagnostic>> {
    let reader = Reader::new(path, text, vocabulary);
    let document = match toml::de::DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(vec![reader.syntax(&error)]),
    };
    let case = header::case(&reader, id, document.get_ref());
    lint::case(&reader, &case, document.get_ref());
    let diagnostics = reader.finish();
    if diagnostics.is_empty() { Ok(case) } else { Err(diagnostics) }
}

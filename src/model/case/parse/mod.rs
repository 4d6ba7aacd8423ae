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
use crate::model::fault::Fault;
use reader::Reader;

/// Reads one fault, written as in a step of a case: `fault = { in = "id_token", … }`. `path` is how people know the text.
///
/// # Errors
/// Everything that is wrong with it, one for each cause.
pub fn fault_alone(path: &str, text: &str, vocabulary: &Vocabulary) -> Result<Fault, Vec<Diagnostic>> {
    let reader = Reader::new(path, text, vocabulary);
    let document = match toml::de::DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(vec![reader.syntax(&error)]),
    };
    reader.only(document.get_ref(), &["fault"], "a fault alone");
    let fault = document.get_ref().get("fault").map(|node| fault::fault(&reader, node));
    if fault.as_ref().is_none_or(|fault| fault.patches.is_empty()) && !reader.found_any() {
        reader.whole("there is no fault here", "fault = { in = \"id_token\", set = { nonce = \"another\" } }");
    }
    let diagnostics = reader.finish();
    if diagnostics.is_empty() { Ok(fault.unwrap_or_default()) } else { Err(diagnostics) }
}

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

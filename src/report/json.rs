//! The JSON report (DESIGN section 10): the report itself, as it is.

use crate::model::result::Report;

/// The report as indented JSON with a line feed at the end.
pub fn text(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    text.push('\n');
    text
}

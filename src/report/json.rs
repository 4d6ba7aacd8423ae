//! The JSON report (DESIGN section 10): the report itself, as it is.

use crate::model::markup::acts;
use crate::model::result::Report;

/// The report as indented JSON with a line feed at the end.
pub fn text(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    text.push('\n');
    inert(&text)
}

/// The same JSON, written so that neither a terminal nor the runner of GitHub Actions obeys anything in it: what
/// controls, what reorders text and the beginning of a command (`##[`) are written by their numbers.
pub fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.replace("##[", "##\\u005b").chars() {
        // Line feeds stand between members; inside of texts they are escaped already.
        if acts(c) && c != '\n' {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn what_is_written_by_its_number_is_the_same_text() {
        let text = "a\u{202e}b\u{7f}c\u{85}d##[error]e\n\u{1b}[2J";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let said = inert(&json);
        assert!(!said.contains("##[") && !said.contains(|c: char| c.is_control() && c != '\n'), "{said}");
        assert!(said.is_ascii(), "{said}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&said).unwrap()[0], text);
    }
}

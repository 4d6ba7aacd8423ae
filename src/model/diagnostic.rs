//! What is wrong with a file, where, and what to do about it (CASE-LANGUAGE section 4).

use std::fmt;
use std::ops::Range;

/// How many characters of a line are shown.
const WIDTH: usize = 200;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as shown to people.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line of the file and how many characters the caret marks; `None` where no line is to blame.
    pub excerpt: Option<(String, usize)>,
    /// What helps; may have several lines.
    pub help: String,
}

impl Diagnostic {
    /// About a place of a text, by bytes.
    pub fn at(path: &str, text: &str, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let marked = text[start..end.min(line_end).max(start)].chars().count().max(1);
        Diagnostic {
            path: path.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message: message.into(),
            excerpt: Some((line.to_owned(), marked)),
            help: help.into(),
        }
    }

    /// About a whole file.
    pub fn whole(path: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic {
            path: path.to_owned(),
            line: 1,
            column: 1,
            message: message.into(),
            excerpt: None,
            help: help.into(),
        }
    }
}

/// The nearest character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        if let Some((line, marked)) = &self.excerpt {
            // Of a very long line only the part around the place; the column in the first line stays the true one.
            let left_out = if line.chars().count() > WIDTH { (self.column - 1).saturating_sub(WIDTH / 2) } else { 0 };
            let shown: String =
                line.chars().skip(left_out).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let blank = " ".repeat(self.column - 1 - left_out);
            let carets = "^".repeat((*marked).min(WIDTH.saturating_sub(blank.len())).max(1));
            write!(f, "\n{:>3} | {shown}\n    | {blank}{carets}", self.line)?;
        }
        if !self.help.is_empty() {
            let mut lines = self.help.lines();
            write!(f, "\n  help: {}", lines.next().unwrap_or_default())?;
            for line in lines {
                write!(f, "\n        {line}")?;
            }
        }
        Ok(())
    }
}

/// The word of `known` that was most likely meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, added, left out or swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_letters_are_one_mistake() {
        assert_eq!(nearest("tarp", ["trap", "state"]), Some("trap"));
        assert_eq!(nearest("idtoken", ["id_token", "api"]), Some("id_token"));
        assert_eq!(nearest("completely", ["id_token"]), None);
    }

    #[test]
    fn a_caret_marks_characters_not_bytes() {
        let text = "a = \"ä\"\nb = \"öx\"\n";
        let at = text.find("\"öx\"").unwrap();
        let shown = Diagnostic::at("x.toml", text, at..at + "\"öx\"".len(), "wrong", "mend").to_string();
        assert_eq!(shown, "x.toml:2:5: wrong\n  2 | b = \"öx\"\n    |     ^^^^\n  help: mend");
    }
}

//! Where something stands in a JSON text, so that a mistake can be shown at its line. `serde_json` tells places of
//! mistakes of form only.

use std::ops::Range;

use serde_json::Value as Json;

/// One step into a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward<'a> {
    /// The member of that name.
    Member(&'a str),
    /// The item at that index, from 0.
    Item(usize),
}

/// Reads a text; what is wrong with its form, and the bytes of the place.
///
/// # Errors
/// It is no JSON.
pub fn read(text: &str) -> Result<Json, (String, Range<usize>)> {
    serde_json::from_str(text).map_err(|error| {
        let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (line_start + error.column().saturating_sub(1)).min(text.len());
        let said = error.to_string();
        // The place is shown by the diagnostic itself.
        let said = said.split(" at line ").next().unwrap_or_default().to_owned();
        (said, at..at)
    })
}

/// The bytes of the value at `path` in a text that is JSON: a text or number whole, of a list or object the bracket.
/// `None`: there is no such value.
pub fn place(text: &str, path: &[Toward<'_>]) -> Option<Range<usize>> {
    Scan { text, at: 0 }.find(path)
}

/// Walks over a text that is known to be JSON.
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl Scan<'_> {
    fn find(&mut self, path: &[Toward<'_>]) -> Option<Range<usize>> {
        let Some((first, rest)) = path.split_first() else { return Some(self.value()) };
        let list = match (self.peek()?, first) {
            ('{', Toward::Member(_)) => false,
            ('[', Toward::Item(_)) => true,
            _ => return None,
        };
        self.at += 1;
        for index in 0.. {
            if matches!(self.peek()?, '}' | ']') {
                return None;
            }
            let wanted = match first {
                Toward::Item(wanted) if list => *wanted == index,
                Toward::Member(wanted) => {
                    let key = self.value();
                    self.skip(':');
                    serde_json::from_str::<String>(&self.text[key]).is_ok_and(|key| key == *wanted)
                }
                Toward::Item(_) => false,
            };
            if wanted {
                return self.find(rest);
            }
            self.value();
            self.skip(',');
        }
        None
    }

    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, what: char) {
        if self.peek() == Some(what) {
            self.at += what.len_utf8();
        }
    }

    /// Goes past a value; what of it is shown.
    fn value(&mut self) -> Range<usize> {
        let start = match self.peek() {
            None => return self.at..self.at,
            Some('"') => return self.quoted(),
            Some('{' | '[') => self.at,
            Some(_) => {
                let rest = &self.text[self.at..];
                let end = rest.find(|c: char| c.is_whitespace() || ",]}:".contains(c)).unwrap_or(rest.len());
                self.at += end.max(1);
                return self.at - end.max(1)..self.at;
            }
        };
        let mut depth = 0usize;
        while let Some(next) = self.peek() {
            match next {
                '"' => drop(self.quoted()),
                '{' | '[' => {
                    depth += 1;
                    self.at += 1;
                }
                '}' | ']' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                other => self.at += other.len_utf8(),
            }
        }
        start..start + 1
    }

    /// Goes past a text in quotes.
    fn quoted(&mut self) -> Range<usize> {
        let start = self.at;
        let mut escaped = false;
        for (offset, c) in self.text[start + 1..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at = start + 1 + offset + 1;
                    return start..self.at;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
        start..self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "a": [1, {"b\"c": "x\\"}, [2, {}]],
  "ä": { "a": true } }"#;

    fn shown(path: &[Toward<'_>]) -> Option<&'static str> {
        place(TEXT, path).map(|range| &TEXT[range])
    }

    #[test]
    fn a_value_is_found_by_the_way_to_it() {
        use Toward::{Item, Member};
        assert_eq!(shown(&[Member("a"), Item(0)]), Some("1"));
        assert_eq!(shown(&[Member("a"), Item(1), Member("b\"c")]), Some(r#""x\\""#));
        assert_eq!(shown(&[Member("a"), Item(2)]), Some("["));
        assert_eq!(shown(&[Member("a"), Item(2), Item(1)]), Some("{"));
        assert_eq!(shown(&[Member("ä"), Member("a")]), Some("true"));
        assert_eq!(shown(&[Member("a"), Item(3)]), None);
        assert_eq!(shown(&[Member("b")]), None);
        assert_eq!(shown(&[Item(0)]), None);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let text = "{\n  \"allOf\": [ }\n";
        let (said, at) = read(text).unwrap_err();
        assert_eq!((said.as_str(), &text[at.start..]), ("expected value", "}\n"));
        let (said, at) = read("{").unwrap_err();
        assert!(said.starts_with("EOF"), "{said}");
        assert!(at.start <= 1);
    }
}

//! The reader: a file's text, its tables with their places, and what is wrong with it.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::diagnostic::{Diagnostic, nearest};

use super::Vocabulary;

/// The version of the language that this program knows: a word of a newer one is refused with it.
pub(super) const LANGUAGE: &str = "0.1";

/// A value with its place.
pub(super) type Node<'t> = &'t Spanned<DeValue<'t>>;

/// A member of a table: name, place of the name, value.
pub(super) type Member<'t> = (&'t str, Range<usize>, Node<'t>);

pub(super) struct Reader<'t> {
    pub path: &'t str,
    pub text: &'t str,
    pub vocabulary: &'t Vocabulary,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'t> Reader<'t> {
    pub fn new(path: &'t str, text: &'t str, vocabulary: &'t Vocabulary) -> Self {
        Reader { path, text, vocabulary, diagnostics: RefCell::default() }
    }

    /// Everything that was found, in the order of the file, one for each place.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut all = self.diagnostics.into_inner();
        all.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
        all.dedup();
        all
    }

    /// How much is wrong so far.
    pub fn count(&self) -> usize {
        self.diagnostics.borrow().len()
    }

    /// Something is wrong there.
    pub fn error(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.borrow_mut().push(Diagnostic::at(self.path, self.text, span, message, help));
    }

    pub fn whole(&self, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.borrow_mut().push(Diagnostic::whole(self.path, message, help));
    }

    pub fn found_any(&self) -> bool {
        !self.diagnostics.borrow().is_empty()
    }

    /// A text that is no TOML at all.
    pub fn syntax(&self, error: &toml::de::Error) -> Diagnostic {
        let span = error.span().unwrap_or(0..0);
        let at = self.text.get(span.start..).unwrap_or_default();
        if at.starts_with("null") || self.text.get(..span.start).is_some_and(|before| before.ends_with("null")) {
            let start = if at.starts_with("null") { span.start } else { span.start - 4 };
            let name = member_before(&self.text[..start]);
            let help = format!("{{ json = \"null\" }} sends null; drop = \"{name}\" leaves the member out");
            return Diagnostic::at(self.path, self.text, start..start + 4, "TOML has no null", help);
        }
        Diagnostic::at(self.path, self.text, span, error.message(), "this is no TOML yet: mend the line first")
    }

    /// Line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    pub fn text_of(&self, node: Node<'t>) -> Option<String> {
        match node.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.wrong_type(node, "a text", other);
                None
            }
        }
    }

    pub fn bool_of(&self, node: Node<'t>) -> Option<bool> {
        match node.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            other => {
                self.wrong_type(node, "true or false", other);
                None
            }
        }
    }

    pub fn number_of(&self, node: Node<'t>) -> Option<i64> {
        let read = match node.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => None,
        };
        if read.is_none() {
            self.wrong_type(node, "a whole number", node.get_ref());
        }
        read
    }

    /// A number within bounds.
    pub fn count_of(&self, node: Node<'t>, least: i64, most: i64) -> Option<i64> {
        let number = self.number_of(node)?;
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.error(node.span(), format!("{number} is out of bounds"), format!("from {least} to {most}"));
        None
    }

    pub fn table_of(&self, node: Node<'t>) -> Option<&'t DeTable<'t>> {
        match node.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                self.wrong_type(node, "a table", other);
                None
            }
        }
    }

    /// A text, or a list of texts.
    pub fn texts_of(&self, node: Node<'t>) -> Vec<String> {
        match node.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.text_of(item)).collect(),
            _ => self.text_of(node).into_iter().collect(),
        }
    }

    pub fn duration_of(&self, node: Node<'t>) -> Option<Duration> {
        let text = self.text_of(node)?;
        let read = crate::model::manifest::duration(&text);
        if read.is_none() {
            self.error(
                node.span(),
                format!("cannot read the duration \"{text}\""),
                "write \"300ms\", \"5s\", \"2m\", \"1h\" or \"1d\"",
            );
        }
        read
    }

    /// A word of a closed list.
    pub fn word_of<T>(
        &self,
        node: Node<'t>,
        what: &str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text_of(node)?;
        let value = read(&text);
        if value.is_none() {
            self.unknown(node.span(), &format!("`{text}` is no {what}"), &text, words, what);
        }
        value
    }

    /// An unknown word: the nearest one if there is one, and all of them.
    pub fn unknown(&self, span: Range<usize>, message: &str, word: &str, known: &[&str], what: &str) {
        let all = known.join(" ");
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? Known: {all}"),
            None if known.is_empty() => format!("there is no {what} to choose from"),
            None => format!("known: {all}"),
        };
        self.error(span, message, help);
    }

    /// Keys that a table may not have.
    pub fn only(&self, table: &'t DeTable<'t>, known: &[&str], where_: &str) {
        for (name, span, _) in members(table) {
            if !known.contains(&name) {
                self.unknown(span, &format!("`{name}` is no key of {where_}"), name, known, "key");
            }
        }
    }

    fn wrong_type(&self, node: Node<'t>, expected: &str, found: &DeValue<'_>) {
        self.error(
            node.span(),
            format!("expected {expected}, found {}", type_name(found)),
            format!("write {expected} here"),
        );
    }

    /// Whether a name is one of the people, or `someone`.
    pub fn person(&self, node: Node<'t>) -> Option<String> {
        let name = self.text_of(node)?;
        let people: Vec<&str> = self.vocabulary.people.iter().map(String::as_str).collect();
        if name != "someone" && !people.is_empty() && !self.vocabulary.people.contains(&name) {
            self.unknown(node.span(), &format!("nobody is called `{name}`"), &name, &people, "person");
            return None;
        }
        Some(name)
    }
}

/// The members of a table in the order of the file.
pub(super) fn members<'t>(table: &'t DeTable<'t>) -> Vec<Member<'t>> {
    let mut all: Vec<Member<'t>> =
        table.iter().map(|(name, value)| (name.get_ref().as_ref(), name.span(), value)).collect();
    all.sort_by_key(|(_, span, _)| span.start);
    all
}

/// A value as people call its kind.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The name to the left of `= `, for a message about the value behind it.
fn member_before(text: &str) -> String {
    let before = text.trim_end().trim_end_matches('=').trim_end();
    let name: String = before.chars().rev().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    let name: String = name.chars().rev().collect();
    if name.is_empty() { "the member".to_owned() } else { name }
}

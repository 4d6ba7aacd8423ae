//! Steps (CASE-LANGUAGE 1.2): exactly one action or expectation, and what stands beside it.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::case::{BrowserName, Step};
use crate::model::diagnostic::nearest;

use super::act::{ACTIONS, act};
use super::header::{capabilities, level, requirement};
use super::reader::{LANGUAGE, Node, Reader, members};

/// The keys beside the action.
pub(super) const KEYS: [&str; 10] =
    ["name", "browser", "tab", "save", "repeat", "background", "attack", "needs", "requirement", "level"];

/// A step, if it has an action that can be read.
pub(super) fn step<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Step> {
    let table = reader.table_of(node)?;
    let acts: Vec<(&str, Range<usize>, Node<'t>)> =
        members(table).into_iter().filter(|(name, _, _)| ACTIONS.contains(name) || *name == "expect").collect();
    let mut unknown = false;
    for (name, span, _) in members(table) {
        let known = KEYS.contains(&name) || ACTIONS.contains(&name) || name == "expect";
        if !known {
            unknown = true;
            unknown_word(reader, name, span, acts.is_empty());
        }
    }
    let (word, span, node) = match acts.as_slice() {
        [] => {
            if !unknown {
                let help = format!("the actions: {}; or expect", ACTIONS.join(" "));
                reader.error(table_span(table, node), "a step has an action; this one has none", help);
            }
            return None;
        }
        [one] => one.clone(),
        [first, second, ..] => {
            let (line, own) = (reader.line(first.1.start), reader.line(second.1.start));
            let message = format!("a step has one action; this one has `{}` (line {line}) and `{}`", first.0, second.0);
            reader.error(second.1.clone(), message, format!("begin a new [[step]] before line {own}"));
            return None;
        }
    };
    let act = act(reader, word, node)?;
    let is_expectation = word == "expect";
    let browser = table.get("browser").and_then(|node| browser(reader, node, is_expectation)).unwrap_or_default();
    for key in ["requirement", "level"] {
        if let (Some(node), false) = (table.get(key), is_expectation) {
            reader.error(
                node.span(),
                format!("`{key}` belongs to an expectation"),
                "move it to the step that expects something",
            );
        }
    }
    let repeat = table.get("repeat").and_then(|node| reader.count_of(node, 1, 10_000));
    Some(Step {
        name: table.get("name").and_then(|node| reader.text_of(node)),
        browser,
        tab: table.get("tab").and_then(|node| reader.text_of(node)).unwrap_or_else(|| "first".to_owned()),
        save: table.get("save").map(|node| save(reader, node)).unwrap_or_default(),
        repeat: repeat.and_then(|repeat| u32::try_from(repeat).ok()).unwrap_or(1),
        background: table.get("background").and_then(|node| reader.bool_of(node)).unwrap_or_default(),
        attack: table.get("attack").and_then(|node| reader.bool_of(node)).unwrap_or_default(),
        needs: capabilities(reader, table, "needs"),
        requirement: table.get("requirement").and_then(|node| requirement(reader, node)),
        level: table.get("level").and_then(|node| level(reader, node)),
        act,
        place: 0,
        line: reader.line(span.start),
    })
}

fn unknown_word(reader: &Reader<'_>, name: &str, span: Range<usize>, lacks_action: bool) {
    let near_key = nearest(name, KEYS);
    let near_action = nearest(name, ACTIONS.into_iter().chain(["expect"]));
    if let (Some(key), true) = (near_key, near_action.is_none() || !lacks_action) {
        return reader.error(span, format!("`{name}` is no key of a step"), format!("did you mean `{key}`?"));
    }
    let all = ACTIONS.join(" ");
    let help = match near_action {
        Some(near) => format!("did you mean `{near}`? The actions: {all}"),
        None => format!("the actions: {all}; or expect. This program knows the language of suite {LANGUAGE}"),
    };
    reader.error(span, format!("`{name}` is not an action"), help);
}

fn table_span(table: &DeTable<'_>, node: Node<'_>) -> Range<usize> {
    members_start(table).unwrap_or_else(|| node.span())
}

fn members_start(table: &DeTable<'_>) -> Option<Range<usize>> {
    table.iter().map(|(name, _)| name.span()).min_by_key(|span| span.start)
}

fn browser<'t>(reader: &Reader<'t>, node: Node<'t>, is_expectation: bool) -> Option<BrowserName> {
    let text = reader.text_of(node)?;
    match (text.as_str(), is_expectation) {
        ("new", false) => Some(BrowserName::New),
        ("every", true) => Some(BrowserName::Every),
        ("new", true) => {
            reader.error(node.span(), "a new browser has seen nothing yet", "name the browser, or write \"every\"");
            None
        }
        ("every", false) => {
            reader.error(node.span(), "\"every\" is for expectations", "name the browser, or write \"new\"");
            None
        }
        _ => Some(BrowserName::Named(text)),
    }
}

fn save<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<(String, String)> {
    let Some(table) = reader.table_of(node) else { return Vec::new() };
    members(table)
        .into_iter()
        .filter_map(|(name, span, node)| {
            if name == "variant" {
                reader.error(span, "`variant` is the variant's own value", "save it under another name");
                return None;
            }
            match node.get_ref() {
                DeValue::String(address) => Some((name.to_owned(), address.to_string())),
                _ => {
                    reader.error(node.span(), "an address is a text", "save = { landing = \"callback\" }");
                    None
                }
            }
        })
        .collect()
}

//! The header of a case file and its variants (CASE-LANGUAGE 1.1 and 1.8).

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::model::case::{Case, ManifestList, Step, Variant, VariantName};
use crate::model::diagnostic::nearest;
use crate::model::verdict::{Level, LevelRule, Tier};

use super::fault::fault;
use super::reader::{LANGUAGE, Node, Reader};
use super::step::step;
use super::value::value;

pub(super) const KEYS: [&str; 12] = [
    "title",
    "requirement",
    "tier",
    "level",
    "dialects",
    "needs",
    "unless",
    "kills",
    "about",
    "bystander",
    "variant",
    "step",
];

pub(super) const LISTS: [ManifestList; 4] =
    [ManifestList::OptionalScopes, ManifestList::OptionalFields, ManifestList::Features, ManifestList::RedirectUris];

/// The whole case, as far as it can be read; what cannot is said to the reader.
pub(super) fn case<'t>(reader: &Reader<'t>, id: &str, table: &'t DeTable<'t>) -> Case {
    reader.only(table, &KEYS, &format!("a case (this program knows the language of suite {LANGUAGE})"));
    let needed = |key: &str, example: &str| {
        if table.get(key).is_none() {
            reader.whole(format!("a case has a `{key}`"), format!("{key} = {example}"));
        }
        table.get(key)
    };
    let title = needed("title", "\"A sentence: what must hold\"").and_then(|node| reader.text_of(node));
    let rule = needed("requirement", "\"rfc6749/4.1.2\"").and_then(|node| requirement(reader, node));
    let own_tier = needed("tier", "\"basic\"").and_then(|node| tier(reader, node));
    let mut steps: Vec<Step> =
        tables(reader, table, "step").into_iter().filter_map(|node| step(reader, node)).collect();
    steps.iter_mut().enumerate().for_each(|(place, step)| step.place = place);
    let kills = table.get("kills").map(|node| names(reader, node, |name| reader.vocabulary.flaws.contains(name), flaw));
    let dialects = table.get("dialects").map(|node| {
        let known = |name: &str| reader.vocabulary.dialects.is_empty() || reader.vocabulary.dialects.contains(name);
        names(reader, node, known, |reader, node, name| {
            let all: Vec<&str> = reader.vocabulary.dialects.iter().map(String::as_str).collect();
            reader.unknown(node.span(), &format!("no dialect `{name}`"), name, &all, "dialect");
        })
    });
    Case {
        id: id.to_owned(),
        title: title.unwrap_or_default(),
        requirement: rule.unwrap_or_default(),
        tier: own_tier.unwrap_or_default(),
        level: table.get("level").and_then(|node| level(reader, node)),
        dialects: dialects.unwrap_or_default(),
        needs: capabilities(reader, table, "needs"),
        unless: capabilities(reader, table, "unless"),
        kills: kills.unwrap_or_default(),
        about: table.get("about").and_then(|node| reader.text_of(node)),
        bystander: table.get("bystander").and_then(|node| reader.bool_of(node)),
        variants: tables(reader, table, "variant").into_iter().filter_map(|node| variant(reader, node)).collect(),
        steps,
        path: reader.path.to_owned(),
    }
}

fn tables<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>, key: &str) -> Vec<Node<'t>> {
    match table.get(key) {
        None => Vec::new(),
        Some(node) => match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => {
                reader.error(node.span(), format!("`{key}` is a list of tables"), format!("write [[{key}]]"));
                Vec::new()
            }
        },
    }
}

/// A list of names, each known or said to be not.
fn names<'t>(
    reader: &Reader<'t>,
    node: Node<'t>,
    known: impl Fn(&str) -> bool,
    unknown: impl Fn(&Reader<'t>, Node<'t>, &str),
) -> Vec<String> {
    let DeValue::Array(items) = node.get_ref() else {
        reader.error(node.span(), "expected a list of names", "[\"state\"]");
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in items.iter() {
        let Some(name) = reader.text_of(item) else { continue };
        if !known(&name) {
            unknown(reader, item, &name);
        }
        all.push(name);
    }
    all
}

/// A list of capabilities, each one that a manifest can declare.
pub(super) fn capabilities<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>, key: &str) -> Vec<String> {
    let known = |name: &str| reader.vocabulary.has_capability(name);
    table.get(key).map(|node| names(reader, node, known, capability)).unwrap_or_default()
}

fn capability<'t>(reader: &Reader<'t>, node: Node<'t>, name: &str) {
    let all: Vec<&str> = reader.vocabulary.capabilities.iter().map(String::as_str).collect();
    reader.unknown(node.span(), &format!("no manifest can declare `{name}`"), name, &all, "capability");
}

fn flaw<'t>(reader: &Reader<'t>, node: Node<'t>, name: &str) {
    let help = match nearest(name, reader.vocabulary.flaws.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "countersign partner --list-flaws names those that there are".to_owned(),
    };
    reader.error(node.span(), format!("no flaw `{name}`"), help);
}

/// A requirement that the registry knows.
pub(super) fn requirement<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<String> {
    let id = reader.text_of(node)?;
    let known = &reader.vocabulary.requirements;
    if known.contains(&id) {
        return Some(id);
    }
    let spec = id.split('/').next().unwrap_or_default();
    let clause = id.split('#').next().unwrap_or_default();
    let file = format!("specs/requirements/{spec}.toml");
    let numbers: Vec<u32> =
        known.iter().filter_map(|own| own.strip_prefix(clause)?.strip_prefix('#')?.parse().ok()).collect();
    let help = match (numbers.iter().min(), numbers.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("{file} has {clause}#{least} to #{most}"),
        _ => match nearest(&id, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add it to {file}, with the URL and the date where its text was verified"),
        },
    };
    reader.error(node.span(), format!("no requirement `{id}`"), help);
    None
}

pub(super) fn tier<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Tier> {
    let words = Tier::ALL.map(Tier::name);
    reader.word_of(node, "tier", &words, |word| Tier::ALL.into_iter().find(|tier| tier.name() == word))
}

fn one_level<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Level> {
    reader.word_of(node, "level", &["MUST", "SHOULD", "MAY"], |word| match word {
        "MUST" => Some(Level::Must),
        "SHOULD" => Some(Level::Should),
        "MAY" => Some(Level::May),
        _ => None,
    })
}

/// `MUST`, or a table by tier.
pub(super) fn level<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<LevelRule> {
    let DeValue::Table(table) = node.get_ref() else { return one_level(reader, node).map(LevelRule::Fixed) };
    let names = Tier::ALL.map(Tier::name);
    reader.only(table, &names, "`level`");
    let mut by_tier = BTreeMap::new();
    for tier in Tier::ALL {
        if let Some(level) = table.get(tier.name()).and_then(|node| one_level(reader, node)) {
            by_tier.insert(tier, level);
        }
    }
    Some(LevelRule::ByTier(by_tier))
}

fn variant<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Variant> {
    let table = reader.table_of(node)?;
    reader.only(table, &["name", "each", "fault", "value", "level", "tier"], "a variant");
    let name = match (table.get("name"), table.get("each")) {
        (Some(name), None) => VariantName::Name(reader.text_of(name)?),
        (None, Some(each)) => {
            let words = LISTS.map(ManifestList::name);
            let list = |word: &str| LISTS.into_iter().find(|list| list.name() == word);
            VariantName::Each(reader.word_of(each, "list of the manifest", &words, list)?)
        }
        (Some(_), Some(each)) => {
            reader.error(each.span(), "a variant has a name, or one for `each` entry of a list", "keep one of them");
            return None;
        }
        (None, None) => {
            reader.error(node.span(), "a variant has a name", "name = \"one bit flipped\"");
            return None;
        }
    };
    let (fault_node, value_node) = (table.get("fault"), table.get("value"));
    if let (Some(_), Some(value)) = (fault_node, value_node) {
        reader.error(value.span(), "a variant has a fault or a value", "keep one of them");
    }
    if let (VariantName::Name(_), None, None) = (&name, fault_node, value_node) {
        reader.error(
            node.span(),
            "a variant differs by a fault or a value",
            "fault = { in = \"id_token\", … }, or value = …",
        );
    }
    Some(Variant {
        name,
        fault: fault_node.map(|node| fault(reader, node)),
        value: value_node.map(|node| value(reader, node)),
        level: table.get("level").and_then(|node| level(reader, node)),
        tier: table.get("tier").and_then(|node| tier(reader, node)),
    })
}

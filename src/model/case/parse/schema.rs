//! JSON Schemas inside a case: the shape of the schema itself, with its place in the file. What a schema means is the
//! judge's business.

use toml::de::{DeTable, DeValue};

use super::reader::{Node, Reader, members, type_name};

/// Keywords whose value must be a list.
pub(super) const LISTS: [&str; 5] = ["required", "enum", "allOf", "anyOf", "oneOf"];
/// Keywords whose value must be a table of schemas.
pub(super) const TABLES: [&str; 4] = ["properties", "patternProperties", "$defs", "dependentSchemas"];
/// Keywords whose value must be a number.
pub(super) const NUMBERS: [&str; 10] = [
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "exclusiveMinimum",
    "exclusiveMaximum",
];
/// Keywords whose value is a schema.
pub(super) const SCHEMAS: [&str; 7] = ["items", "contains", "not", "if", "then", "else", "additionalProperties"];
/// Keywords whose value may be anything, or text.
pub(super) const OTHERS: [&str; 17] = [
    "type",
    "const",
    "pattern",
    "format",
    "title",
    "description",
    "default",
    "uniqueItems",
    "minContains",
    "maxContains",
    "multipleOf",
    "propertyNames",
    "dependentRequired",
    "prefixItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$ref",
];

/// Looks a schema over; `place` is how the file writes the way to it.
pub(super) fn lint<'t>(reader: &Reader<'t>, node: Node<'t>, place: &str) {
    let table = match node.get_ref() {
        DeValue::Table(table) => table,
        DeValue::Boolean(_) => return,
        _ => {
            reader.error(node.span(), "a schema is a table", format!("{place}.required = [\"code\"]"));
            return;
        }
    };
    for (name, span, value) in members(table) {
        let path = format!("{place}.{name}");
        let wrong = |kind: &str, example: String| {
            let found = type_name(value.get_ref());
            reader.error(value.span(), format!("in this schema, `{name}` must be {kind}, found {found}"), example);
        };
        match (name, value.get_ref()) {
            (own, DeValue::Array(items)) if LISTS.contains(&own) => {
                if matches!(own, "allOf" | "anyOf" | "oneOf") {
                    items.iter().for_each(|item| lint(reader, item, &path));
                }
            }
            // A run-time value may give the list.
            (own, DeValue::Table(table)) if LISTS.contains(&own) && is_run_time(table) => {}
            (own, other) if LISTS.contains(&own) => {
                let one = match other {
                    DeValue::String(text) => format!("\"{text}\""),
                    _ => "…".to_owned(),
                };
                wrong("a list", format!("{path} = [{one}]"));
            }
            (own, DeValue::Table(table)) if TABLES.contains(&own) => {
                members(table)
                    .into_iter()
                    .for_each(|(property, _, value)| lint(reader, value, &format!("{path}.{property}")));
            }
            (own, _) if TABLES.contains(&own) => wrong("a table", format!("{path}.state.type = \"string\"")),
            (own, DeValue::Integer(_) | DeValue::Float(_)) if NUMBERS.contains(&own) => {}
            (own, DeValue::Table(table)) if NUMBERS.contains(&own) && is_run_time(table) => {}
            (own, _) if NUMBERS.contains(&own) => wrong("a number", format!("{path} = 1")),
            (own, _) if SCHEMAS.contains(&own) => lint(reader, value, &path),
            (own, _) if OTHERS.contains(&own) || own.starts_with("x-") => {}
            (own, _) => {
                let known: Vec<&str> =
                    LISTS.iter().chain(&TABLES).chain(&SCHEMAS).chain(&NUMBERS).chain(&OTHERS).copied().collect();
                reader.unknown(span, &format!("`{own}` is no keyword of JSON Schema"), own, &known, "keyword");
            }
        }
    }
}

fn is_run_time(table: &DeTable<'_>) -> bool {
    table.iter().any(|(name, _)| {
        let name = name.get_ref().as_ref();
        matches!(name, "saved" | "join" | "json" | "canary" | "token" | "original") || name.ends_with("_of")
    })
}

//! JSON Schema: the only predicate language for shapes. The only module that names the library behind it.

use serde_json::Value as Json;

use crate::model::value::{Saved, Value};

use super::{Facts, masked, printable};

/// How many of a schema's errors are told.
const TOLD: usize = 5;

/// A schema that is ready to be used.
pub(super) struct Schema(jsonschema::Validator);

/// The schema of an expectation: written there, or named.
pub(super) fn of(value: &Value, facts: &Facts) -> Result<Schema, String> {
    let json = value.resolve(&Saved::default()).map_err(|unresolved| unresolved.to_string())?.to_json();
    let json = match &json {
        Json::String(name) => {
            facts.schemas.get(name).cloned().ok_or_else(|| format!("no schema `{name}` stands under specs/"))?
        }
        _ => json,
    };
    compile(&json).map(Schema)
}

/// Makes a schema ready. Nothing is ever fetched: the library is built without a resolver.
pub(super) fn ready(json: &Json) -> Result<Schema, String> {
    compile(json).map(Schema)
}

fn compile(json: &Json) -> Result<jsonschema::Validator, String> {
    jsonschema::validator_for(json).map_err(|error| format!("this is no JSON Schema: {}", bounded(&error.to_string())))
}

/// What is wrong with a schema as such; `None`: nothing.
pub fn lint(json: &Json) -> Option<String> {
    compile(json).err()
}

/// Whether `instance` is as the schema says.
pub(super) fn holds(schema: &Schema, instance: &Json) -> bool {
    schema.0.is_valid(instance)
}

/// What in `instance` is not as the schema says, each with its place.
pub(super) fn errors(schema: &Schema, instance: &Json, facts: &Facts) -> Vec<String> {
    schema
        .0
        .iter_errors(instance)
        .take(TOLD)
        .map(|error| {
            let place = error.instance_path().to_string();
            let text = bounded(&masked(&error.to_string(), facts));
            if place.is_empty() { text } else { format!("{}: {text}", place.trim_start_matches('/')) }
        })
        .collect()
}

fn bounded(text: &str) -> String {
    printable(text)
}

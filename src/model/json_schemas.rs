//! The JSON Schemas in `specs/schema/`, for editors and for programs that read reports: made from the types that read and
//! write the files, so that their descriptions are the doc comments. Built in tests alone; nothing here is shipped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::advice::Advice;
use super::capability::{Capability, TierRule};
use super::case::grammar;
use super::certificate::Certificate;
use super::control;
use super::dialect::Dialect;
use super::manifest::{Manifest, PLACES, Place, Pointer};
use super::persona::Persona;
use super::requirement::Requirement;
use super::result::Report;
use super::verdict::Tier;

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A path, or how to do something at the partner.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "required": ["path"],
                    "additionalProperties": false,
                    "properties": {
                        "path": { "type": "string", "description": "Path or absolute URL." },
                        "method": { "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"], "description": "GET when absent." },
                        "form": {
                            "type": "object",
                            "additionalProperties": { "type": "string" },
                            "description": "Form members; {email}, {name}, {username} and {password} are filled from the person, {access_token} (in token_login), {id_token} (in id_token_login), {story} and {audience} (in share) by the case.",
                        },
                        "page": { "type": "string", "description": "Page whose form is sent, with its hidden members." },
                        "needs": {
                            "type": "array",
                            "items": { "type": "string" },
                            "description": "Scopes that a feature needs.",
                        },
                        "shows": { "type": "string", "description": "A CSS selector that must match where a feature works." },
                    },
                },
            ],
        })
    }
}

impl JsonSchema for Pointer {
    fn schema_name() -> Cow<'static, str> {
        "Pointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a text is on the probe's answer: a JSON Pointer, or { css = \"#user\" }.",
            "anyOf": [
                { "type": "string", "pattern": "^/" },
                {
                    "type": "object",
                    "required": ["css"],
                    "additionalProperties": false,
                    "properties": { "css": { "type": "string" } },
                },
            ],
        })
    }
}

/// A file under specs/requirements/.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct RequirementFile {
    /// Rules; each id begins with the name of the file.
    requirement: Vec<Requirement>,
}

/// personas.toml of a dialect.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct PersonaFile {
    /// People.
    persona: Vec<Persona>,
}

/// A file of specs/advice/.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct AdviceFile {
    /// What to do about rules that were missed.
    #[serde(default)]
    advice: Vec<Advice>,
}

/// A file of specs/dialects/NAME/messages/, named after the endpoint whose requests it is about.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct MessageFile {
    /// Rules that every request of a partner at this endpoint must meet.
    #[schemars(rename = "allOf")]
    rules: Vec<MessagePart>,
    /// For people.
    #[schemars(rename = "$comment")]
    comment: Option<String>,
    /// Of this file, for editors.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
}

/// A rule: beside these words a JSON Schema (draft 2020-12) of an object of name → list of values.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct MessagePart {
    /// The id of the requirement that it enforces.
    #[schemars(rename = "x-requirement")]
    requirement: String,
    /// The capability without which a partner is not judged by it.
    #[schemars(rename = "x-needs")]
    needs: Option<String>,
    /// Flaws of the reference partner that break it.
    #[schemars(rename = "x-kills")]
    kills: Option<Vec<String>>,
    /// What it asks for, in a sentence: the report shows it as what was expected.
    title: Option<String>,
}

/// specs/capabilities.toml.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct CapabilityFile {
    /// What a partner can do.
    capability: Vec<Capability>,
}

/// specs/tiers.toml.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[allow(dead_code)]
struct TierFile(BTreeMap<Tier, TierRule>);

/// What the control interface of `countersign serve` is asked and answers: a member for each address below
/// `/_countersign/`, with what is sent (or, for GET, what comes back).
#[derive(JsonSchema)]
#[allow(dead_code)]
struct ControlInterface {
    #[serde(rename = "GET state")]
    state: control::State,
    #[serde(rename = "GET exchanges")]
    exchanges: control::Exchanges,
    #[serde(rename = "GET faults")]
    faults: Vec<control::FaultSeen>,
    #[serde(rename = "PUT personas/NAME")]
    new_persona: control::NewPersona,
    #[serde(rename = "PATCH personas/NAME")]
    persona_change: control::PersonaChange,
    #[serde(rename = "POST faults")]
    new_fault: control::NewFault,
    #[serde(rename = "POST revoke")]
    revocation: control::Revocation,
    #[serde(rename = "POST keys/rotate")]
    rotation: control::Rotation,
    #[serde(rename = "POST clock")]
    clock: control::Clock,
    #[serde(rename = "POST tokens")]
    new_tokens: control::NewTokens,
    #[serde(rename = "POST devices")]
    device_script: control::DeviceScript,
    #[serde(rename = "any refusal")]
    refused: control::Refused,
}

/// In draft 7, which is what editors for TOML know.
fn of<T: JsonSchema>(title: &str) -> Json {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value();
    schema["title"] = Json::from(title);
    // A key that is absent and one that is null are different things in TOML: there is no null.
    if !["Countersign report", "Countersign certificate"].contains(&title) {
        without_null(&mut schema);
    }
    schema
}

fn without_null(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            if let Some(Json::Array(types)) = members.get_mut("type") {
                types.retain(|own| own != "null");
            }
            if members.get("default") == Some(&Json::Null) {
                members.remove("default");
            }
            if let Some(Json::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
            }
            members.values_mut().for_each(without_null);
        }
        Json::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Places have names of their own; what is flattened cannot say so.
fn manifest() -> Json {
    let mut schema = of::<Manifest>("Countersign manifest");
    let at = &mut schema["definitions"]["At"];
    at["additionalProperties"] = Json::from(false);
    for place in PLACES {
        at["properties"][place] = serde_json::json!({ "$ref": "#/definitions/Place" });
    }
    schema
}

/// Every schema by the name of its file.
fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("advice", of::<AdviceFile>("Countersign advice")),
        ("capabilities", of::<CapabilityFile>("Countersign capabilities")),
        ("case", grammar::case()),
        ("certificate", of::<Certificate>("Countersign certificate")),
        ("control", of::<ControlInterface>("Countersign control")),
        ("dialect", of::<Dialect>("Countersign dialect")),
        ("manifest", manifest()),
        ("messages", of::<MessageFile>("Countersign messages")),
        ("personas", of::<PersonaFile>("Countersign personas")),
        ("report", of::<Report>("Countersign report")),
        ("requirements", of::<RequirementFile>("Countersign requirements")),
        ("tiers", of::<TierFile>("Countersign tiers")),
    ]
}

#[test]
fn the_schemas_in_specs_schema_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/schema");
    let mut old = Vec::new();
    for (name, schema) in all() {
        let path = folder.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("WRITE_SCHEMAS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != text {
            old.push(name);
        }
    }
    assert!(
        old.is_empty(),
        "out of date: {}\nwrite them anew with: WRITE_SCHEMAS=1 cargo test --lib json_schemas",
        old.join(", ")
    );
}

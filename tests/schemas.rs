//! The JSON Schemas of `specs/schema/` say yes to every file that is shipped and to what the program writes, and no to
//! what is wrong.

mod common;

use std::path::{Path, PathBuf};

use common::countersign;
use serde_json::Value as Json;
use tempfile::tempdir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Schema(jsonschema::Validator);

impl Schema {
    fn named(name: &str) -> Schema {
        let path = root().join(format!("specs/schema/{name}.json"));
        let schema: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Schema(jsonschema::validator_for(&schema).unwrap())
    }

    fn wrong(&self, value: &Json) -> Vec<String> {
        self.0.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// Below a folder, every file of a kind, in order.
fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(kind)) {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

fn toml(path: &Path) -> Option<Json> {
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).ok()?;
    serde_json::to_value(table).ok()
}

fn all_hold(schema: &str, files: &[PathBuf], at_least: usize) {
    let schema = Schema::named(schema);
    assert!(files.len() >= at_least, "only {} files", files.len());
    for file in files {
        let wrong = schema.wrong(&toml(file).unwrap());
        assert!(wrong.is_empty(), "{}:\n{}", file.display(), wrong.join("\n"));
    }
}

#[test]
fn every_case_of_the_suite_and_of_the_language_holds() {
    all_hold("case", &files(&root().join("cases"), ".toml"), 41);
    all_hold("case", &files(&root().join("tests/language/good"), ".toml"), 26);
}

#[test]
fn every_other_file_of_the_suite_holds() {
    let specs = root().join("specs");
    all_hold("requirements", &files(&specs.join("requirements"), ".toml"), 5);
    all_hold("dialect", &files(&specs.join("dialects"), "dialect.toml"), 2);
    all_hold("personas", &files(&specs.join("dialects"), "personas.toml"), 2);
    let schema = Schema::named("messages");
    for file in files(&specs.join("dialects"), ".json") {
        let wrong = schema.wrong(&serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap());
        assert!(wrong.is_empty(), "{}:\n{}", file.display(), wrong.join("\n"));
    }
    assert!(!schema.wrong(&serde_json::json!({ "allOf": [{ "required": ["state"] }] })).is_empty());
    all_hold("capabilities", &[specs.join("capabilities.toml")], 1);
    all_hold("tiers", &[specs.join("tiers.toml")], 1);
}

#[test]
fn the_manifests_of_the_examples_and_of_the_reference_partner_hold() {
    all_hold("manifest", &files(&root().join("examples"), "countersign.toml"), 1);
    let schema = Schema::named("manifest");
    for base in countersign::reference::Base::ALL {
        for dialect in ["oidc", "acme"] {
            let table: toml::Table = toml::from_str(&countersign::reference::manifest(base, dialect)).unwrap();
            let wrong = schema.wrong(&serde_json::to_value(table).unwrap());
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
}

#[test]
fn reports_hold() {
    let folder = tempdir().unwrap();
    let schema = Schema::named("report");
    for arguments in [vec!["--base", "min"], vec!["--flaw", "cancel-crash"], vec!["--base", "full", "no-such-case"]] {
        let said =
            countersign(folder.path(), &[&["run", "--report", "json=-", "--tier", "basic"], &arguments[..]].concat());
        let wrong = schema.wrong(&serde_json::from_str(&said.out).unwrap());
        assert!(wrong.is_empty(), "{arguments:?}\n{}", wrong.join("\n"));
    }
}

/// Mistakes of form, which an editor can show while one writes; the others only the reader can see.
#[test]
fn what_is_wrong_in_form_is_refused() {
    let refused = |schema: &str, folder: &str| -> Vec<String> {
        let schema = Schema::named(schema);
        let wrong = files(&root().join("tests/language").join(folder), ".toml");
        let refused = wrong.iter().filter(|path| toml(path).is_none_or(|file| !schema.wrong(&file).is_empty()));
        refused.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let cases = refused("case", "wrong");
    for form in [
        "01-unknown-action",
        "02-two-actions-in-one-step",
        "12-a-bad-comparison",
        "13-a-bad-json-schema",
        "26-a-missing-title",
        "27-two-subjects-in-one-expectation",
        "29-a-duration-without-a-unit",
        "33-a-tier-nobody-knows",
    ] {
        assert!(cases.iter().any(|name| name == form), "{form} is not refused; refused: {cases:?}");
    }
    let manifests = refused("manifest", "manifests");
    for form in ["05-an-unknown-key", "06-a-missing-section", "09-a-place-nobody-knows", "15-a-pointer-that-is-none"] {
        assert!(manifests.iter().any(|name| name == form), "{form} is not refused; refused: {manifests:?}");
    }
}

//! Files of rules for messages: what is wrong with one is shown at its place, and those that come along are sound.

use super::*;
use crate::harness::suite::{Additions, Suite};
use crate::judge::MessageRules;

fn suite() -> Suite {
    Suite::load(&Additions::default()).unwrap()
}

/// What is said of a file `specs/dialects/DIALECT/messages/ENDPOINT.json`.
fn said_of(dialect: &str, endpoint: &str, text: &str) -> String {
    let suite = suite();
    let dialects = suite.vocabulary.dialects.iter().map(|name| (name.clone(), suite.dialect(name).unwrap()));
    let dialects: BTreeMap<String, Dialect> = dialects.collect();
    let names = Names { requirements: &suite.requirements, vocabulary: &suite.vocabulary, dialects: &dialects };
    let file = MessageFile {
        dialect: dialect.to_owned(),
        endpoint: endpoint.to_owned(),
        shown: format!("{endpoint}.json"),
        text: text.to_owned(),
        added: true,
    };
    let mut wrong = Vec::new();
    let rules = read(&file, &names, &mut wrong);
    assert!(wrong.is_empty() || rules.is_empty(), "of a file that is wrong no rule is used");
    wrong.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

fn said(text: &str) -> String {
    said_of("oidc", "token", text)
}

#[test]
fn a_sound_file_gives_its_rules() {
    let text = r#"{ "allOf": [{ "x-requirement": "rfc6749/3.2", "required": ["grant_type"] }] }"#;
    assert_eq!(said(text), "");
}

#[test]
fn what_is_no_json_is_shown_where_it_is_not() {
    let shown = said("{ \"allOf\": [\n  { \"x-requirement\": rfc },\n] }\n");
    let wanted = "token.json:2:22: this is no JSON: expected value\n  2 |   { \"x-requirement\": rfc },\n    |                      ^\n  help: mend it there, or just before";
    assert_eq!(shown, wanted);
}

#[test]
fn a_file_that_is_named_like_no_endpoint_judges_nothing() {
    let text = r#"{ "allOf": [{ "x-requirement": "rfc6749/3.2", "required": ["a"] }] }"#;
    let shown = said_of("oidc", "tokens", text);
    assert!(shown.contains("`tokens` is no endpoint") && shown.contains("did you mean token.json?"), "{shown}");
    let shown = said_of("oidc", "par", text);
    assert!(shown.contains("the dialect `oidc` has no endpoint `par`"), "{shown}");
    let shown = said_of("harbour", "token", text);
    assert!(shown.contains("there is no dialect `harbour`"), "{shown}");
}

#[test]
fn each_name_that_there_is_not_is_shown_with_the_one_that_was_meant() {
    let shown = said(concat!(
        "{ \"allOf\": [\n",
        "  { \"x-requirement\": \"rfc6749/3.3.3\",\n",
        "    \"x-needs\": \"pcke\",\n",
        "    \"x-kills\": [\"grant-type-twice\", \"grant-type-twise\"],\n",
        "    \"x-need\": \"pkce\",\n",
        "    \"required\": [\"a\"] }\n] }\n"
    ));
    for part in [
        "token.json:2:22: there is no requirement `rfc6749/3.3.3`",
        "help: did you mean `rfc6749/3.3`?",
        "token.json:3:16: there is no capability `pcke`\n  3 |     \"x-needs\": \"pcke\",\n    |                ^^^^^^\n  help: did you mean `pkce`?",
        "token.json:4:37: there is no flaw `grant-type-twise`",
        "token.json:5:15: `x-need` is not known",
        "help: did you mean `x-needs`?",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn a_part_that_names_no_rule_or_one_of_another_dialect_is_refused() {
    let shown = said("{ \"allOf\": [\n  { \"required\": [\"a\"] }\n] }");
    assert!(shown.contains("token.json:2:3: nobody says which requirement this enforces"), "{shown}");
    let text = r#"{ "allOf": [{ "x-requirement": "oidc-core/3.1.2.1", "required": ["a"] }] }"#;
    let shown = said_of("acme", "authorization", text);
    assert!(shown.contains("oidc-core/3.1.2.1 does not bind partners of `acme`"), "{shown}");
}

#[test]
fn a_part_that_is_no_schema_or_can_only_hold_is_refused() {
    let part = |schema: &str| format!("{{ \"allOf\": [\n  {{ \"x-requirement\": \"rfc6749/3.2\"{schema} }}\n] }}");
    let shown = said(&part(", \"required\": \"state\""));
    assert!(shown.contains("token.json:2:3: this is no JSON Schema"), "{shown}");
    let shown = said(&part(", \"$ref\": \"https://schemas.example/token\""));
    assert!(shown.contains("token.json:2:3: this is no JSON Schema"), "{shown}");
    let shown = said(&part(", \"properties\": { \"state\": {} }"));
    assert!(shown.contains("token.json:2:3: this rule can only hold: it asks for nothing"), "{shown}");
}

#[test]
fn a_file_without_a_list_of_rules_is_refused() {
    assert!(said("[]").contains("the rules stand in an object"));
    assert!(said("{}").contains("there is no list `allOf`"));
    assert!(said("{ \"allOf\": [] }").contains("token.json:1:12: `allOf` is a list of rules, one at least"));
    assert!(said("{ \"allOf\": [true] }").contains("token.json:1:13: a rule is an object"));
    let shown = said("{ \"allOf\": [{ \"x-requirement\": 1, \"required\": [\"a\"] }], \"required\": [] }");
    assert!(shown.contains("`x-requirement` is a text") && shown.contains("`required` is not known"), "{shown}");
}

#[test]
fn the_rules_that_come_along_are_sound_each_proved_by_a_flaw_and_with_advice() {
    let suite = suite();
    assert!(suite.messages.len() > 10, "{}", suite.messages.len());
    MessageRules::new(&suite.messages, &suite.vocabulary.capabilities).unwrap_or_else(|why| panic!("{why}"));
    for rule in &suite.messages {
        let what = format!("{} {} {}", rule.dialect, rule.name(), rule.requirement);
        assert!(!rule.kills.is_empty(), "{what}: nothing proves that it can fail");
        assert!(suite.advice.contains_key(&rule.requirement), "{what}: no advice");
        // By its title the kill matrix knows which rule was broken.
        let titled = |other: &&MessageRule| other.dialect == rule.dialect && other.title == rule.title;
        assert_eq!(suite.messages.iter().filter(titled).count(), 1, "{what}: {}", rule.title);
        assert!(rule.schema.get("title").is_some(), "{what}: no title");
    }
}

#[test]
fn a_mock_provider_that_judges_nothing_reads_no_rules() {
    assert!(Suite::load_dialects(&Additions::default()).unwrap().messages.is_empty());
}

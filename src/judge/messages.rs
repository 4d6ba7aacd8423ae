//! Message schemas (`specs/dialects/<name>/messages/*.json`): what every message of a kind must look like. A form is
//! presented as name → list of values; `x-requirement` names the rule that a part enforces, `x-needs` its capability.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::model::exchange::{Exchange, Party, Purpose, Transcript};
use crate::model::fault::{Endpoint, ProviderName};

use super::{Breach, Facts, Mismatch, describe, schema};

/// The rules for the messages of a dialect, ready to be used for a partner with some capabilities.
#[derive(Default)]
pub struct MessageRules {
    rules: Vec<Rule>,
}

struct Rule {
    endpoint: Endpoint,
    requirement: String,
    schema: schema::Schema,
}

impl MessageRules {
    /// Reads `messages` (file name without extension, the schema) of a dialect.
    ///
    /// # Errors
    /// A file names no endpoint, a part names no requirement, or is no JSON Schema.
    pub fn new(messages: &BTreeMap<String, Json>, capabilities: &BTreeSet<String>) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (name, file) in messages {
            let endpoint =
                Endpoint::from_name(name).ok_or_else(|| format!("messages/{name}.json: `{name}` is no endpoint"))?;
            let parts = file.get("allOf").and_then(Json::as_array);
            let parts = parts.ok_or_else(|| format!("messages/{name}.json: the rules stand in a list `allOf`"))?;
            for part in parts {
                let text = |key: &str| part.get(key).and_then(Json::as_str).map(str::to_owned);
                let requirement = text("x-requirement")
                    .ok_or_else(|| format!("messages/{name}.json: a part without x-requirement"))?;
                if text("x-needs").is_some_and(|need| !capabilities.contains(&need)) {
                    continue;
                }
                let schema = schema::ready(part).map_err(|why| format!("messages/{name}.json: {why}"))?;
                rules.push(Rule { endpoint, requirement, schema });
            }
        }
        Ok(MessageRules { rules })
    }

    /// What messages of a transcript are not as they must be, once for each rule.
    pub fn breaches(&self, transcript: &Transcript, facts: &Facts) -> Vec<Breach> {
        let mut breaches: Vec<Breach> = Vec::new();
        for exchange in &transcript.exchanges {
            if exchange.cause.purpose != Purpose::Case || exchange.to != Party::Provider(ProviderName::Main) {
                continue;
            }
            for rule in self.rules.iter().filter(|rule| exchange.endpoint == Some(rule.endpoint)) {
                let errors = schema::errors(&rule.schema, &form(exchange), facts);
                let known = breaches.iter().any(|breach| breach.requirement.as_ref() == Some(&rule.requirement));
                if !errors.is_empty() && !known {
                    breaches.push(Breach {
                        invariant: "message",
                        case: None,
                        requirement: Some(rule.requirement.clone()),
                        mismatch: Mismatch {
                            exchange: Some(describe(exchange, facts)),
                            ..Mismatch::new(
                                format!("every {} request is as it must be", rule.endpoint),
                                errors.join("; "),
                            )
                        },
                    });
                }
            }
        }
        breaches
    }
}

/// Name → list of values.
fn form(exchange: &Exchange) -> Json {
    let mut members: Map<String, Json> = Map::new();
    for (name, value) in exchange.parameters() {
        match members.entry(name).or_insert_with(|| Json::Array(Vec::new())) {
            Json::Array(values) => values.push(Json::from(value)),
            _ => unreachable!("only arrays are put in"),
        }
    }
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Request};

    fn rules(needs: &[&str]) -> MessageRules {
        let file = serde_json::json!({ "allOf": [
            { "x-requirement": "rfc6749/3.1", "additionalProperties": { "maxItems": 1 } },
            { "x-requirement": "partner/messages#pkce", "x-needs": "pkce", "required": ["code_challenge"] },
        ]});
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        MessageRules::new(&BTreeMap::from([("authorization".to_owned(), file)]), &needs).unwrap()
    }

    fn ask(query: &str) -> Transcript {
        Transcript {
            exchanges: vec![Exchange {
                seq: 1,
                from: Party::Agent,
                to: Party::Provider(ProviderName::Main),
                cause: Cause::default(),
                endpoint: Some(Endpoint::Authorization),
                grant: None,
                person: None,
                request: Request {
                    method: "GET".into(),
                    url: format!("http://i/authorize?{query}"),
                    ..Request::default()
                },
                response: None,
                note: None,
                faults: Vec::new(),
                duration_ms: 0,
            }],
        }
    }

    #[test]
    fn a_parameter_that_stands_there_twice_breaks_the_rule_that_says_so() {
        let breaches = rules(&[]).breaches(&ask("client_id=a&client_id=b"), &Facts::default());
        assert_eq!(breaches[0].requirement.as_deref(), Some("rfc6749/3.1"));
        assert!(rules(&[]).breaches(&ask("client_id=a"), &Facts::default()).is_empty());
    }

    #[test]
    fn a_rule_that_needs_a_capability_holds_only_with_it() {
        assert!(rules(&[]).breaches(&ask("client_id=a"), &Facts::default()).is_empty());
        assert_eq!(rules(&["pkce"]).breaches(&ask("client_id=a"), &Facts::default()).len(), 1);
    }
}

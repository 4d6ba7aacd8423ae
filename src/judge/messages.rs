//! Message rules (`specs/dialects/<name>/messages/*.json`): what every request of a kind must look like, as JSON Schema.
//! A form is presented as name → list of values; `x-requirement` names the rule that a part enforces, `x-needs` its
//! capability. Where the files are, and whether they are good, is not known here.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::model::exchange::{Exchange, Party, Purpose, Transcript};
use crate::model::fault::{Endpoint, ProviderName};

use super::{Breach, Facts, Mismatch, describe, masked, printable, schema};

/// The pseudo-parameter that holds the schemes of the `Authorization` headers: no parameter's name begins so.
const AUTHORIZATION: &str = ":authorization";

/// One part of a file: a rule that every request at an endpoint must meet.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRule {
    /// Whose requests: `oidc`.
    pub dialect: String,
    /// Which requests.
    pub endpoint: Endpoint,
    /// What it asks for, in a sentence by which a finding is known to be that of this rule.
    pub title: String,
    /// The rule that it enforces.
    pub requirement: String,
    /// Only partners with this capability are judged by it.
    pub needs: Option<String>,
    /// The flaws of the reference partner that must break it.
    pub kills: Vec<String>,
    /// The part itself.
    pub schema: Json,
}

impl MessageRule {
    /// The file among those of its dialect, as kill matrix and coverage name it: `messages/token`.
    pub fn name(&self) -> String {
        format!("messages/{}", self.endpoint)
    }
}

/// The rules for the messages of a dialect, ready to be used for a partner with some capabilities.
#[derive(Default)]
pub struct MessageRules {
    rules: Vec<Ready>,
}

struct Ready {
    endpoint: Endpoint,
    requirement: String,
    title: String,
    schema: schema::Schema,
}

impl MessageRules {
    /// Makes the rules ready that bind a partner with these capabilities.
    ///
    /// # Errors
    /// A part is no JSON Schema.
    pub fn new<'r>(
        rules: impl IntoIterator<Item = &'r MessageRule>,
        capabilities: &BTreeSet<String>,
    ) -> Result<Self, String> {
        let binds = |rule: &&MessageRule| rule.needs.as_ref().is_none_or(|need| capabilities.contains(need));
        let ready = |rule: &MessageRule| {
            let schema = schema::ready(&rule.schema)
                .map_err(|why| format!("dialects/{}/{}.json: {why}", rule.dialect, rule.name()))?;
            let (requirement, title) = (rule.requirement.clone(), rule.title.clone());
            Ok(Ready { endpoint: rule.endpoint, requirement, title, schema })
        };
        Ok(MessageRules { rules: rules.into_iter().filter(binds).map(ready).collect::<Result<_, String>>()? })
    }

    /// What requests of a transcript are not as they must be, once for each rule.
    pub fn breaches(&self, transcript: &Transcript, facts: &Facts) -> Vec<Breach> {
        let mut breaches: Vec<Breach> = Vec::new();
        for exchange in &transcript.exchanges {
            if exchange.cause.purpose != Purpose::Case || exchange.to != Party::Provider(ProviderName::Main) {
                continue;
            }
            for rule in self.rules.iter().filter(|rule| exchange.endpoint == Some(rule.endpoint)) {
                let known = breaches.iter().any(|breach| breach.mismatch.expected == rule.title);
                if known || schema::holds(&rule.schema, &form(exchange)) {
                    continue;
                }
                let errors = schema::errors(&rule.schema, &form(exchange), facts);
                breaches.push(Breach {
                    invariant: "message",
                    case: None,
                    requirement: Some(rule.requirement.clone()),
                    seen_in: None,
                    mismatch: Mismatch {
                        exchange: Some(describe(exchange, facts)),
                        ..Mismatch::new(rule.title.clone(), observed(exchange, &errors, facts))
                    },
                });
            }
        }
        breaches
    }
}

/// Which request, what it had, and what of that is amiss.
fn observed(exchange: &Exchange, errors: &[String], facts: &Facts) -> String {
    let Some(endpoint) = exchange.endpoint else { return errors.join("; ") };
    let names: Vec<String> = exchange.parameters().into_iter().map(|(name, _)| name).collect();
    let names = printable(&masked(&names.join(", "), facts));
    format!("a request at the {endpoint} endpoint with {names}: {}", errors.join("; "))
}

/// Name → list of values; and the schemes of the `Authorization` headers, without what stands behind them.
fn form(exchange: &Exchange) -> Json {
    let mut members: Map<String, Json> = Map::new();
    let headers = exchange.request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let schemes = headers.map(|(_, value)| {
        let scheme = value.split_once(' ').map_or("", |(scheme, _)| scheme);
        (AUTHORIZATION.to_owned(), scheme.to_ascii_lowercase())
    });
    for (name, value) in exchange.parameters().into_iter().chain(schemes) {
        match members.entry(name).or_insert_with(|| Json::Array(Vec::new())) {
            Json::Array(values) => values.push(Json::from(value)),
            _ => unreachable!("only arrays are put in"),
        }
    }
    Json::Object(members)
}

/// Whether a schema can only hold, whatever request it meets: it says nothing, or nothing that a form is not anyway.
pub fn only_holds(schema: &Json) -> bool {
    let Json::Object(members) = schema else { return schema.as_bool() == Some(true) };
    let only = |value: &Json| only_holds(value);
    members.iter().all(|(keyword, value)| match keyword.as_str() {
        "title" | "description" | "$comment" | "$schema" | "$defs" | "$id" | "examples" | "default" => true,
        keyword if keyword.starts_with("x-") => true,
        "properties" | "patternProperties" | "dependentSchemas" => {
            value.as_object().is_some_and(|members| members.values().all(only))
        }
        "additionalProperties" | "items" | "propertyNames" | "then" | "else" => only_holds(value),
        "if" => true,
        "allOf" => value.as_array().is_some_and(|all| all.iter().all(only)),
        "anyOf" => value.as_array().is_some_and(|all| all.iter().any(only)),
        "required" => value.as_array().is_some_and(Vec::is_empty),
        "minItems" | "minProperties" | "minLength" => value.as_u64() == Some(0),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::exchange::{Cause, Request};

    fn rule(requirement: &str, needs: Option<&str>, schema: Json) -> MessageRule {
        MessageRule {
            dialect: "oidc".to_owned(),
            endpoint: Endpoint::Authorization,
            title: "it is as it must be".to_owned(),
            requirement: requirement.to_owned(),
            needs: needs.map(str::to_owned),
            kills: Vec::new(),
            schema,
        }
    }

    fn rules(needs: &[&str]) -> MessageRules {
        let all = [
            rule("rfc6749/3.1", None, json!({ "additionalProperties": { "maxItems": 1 } })),
            rule("partner/messages#pkce", Some("pkce"), json!({ "required": ["code_challenge"] })),
        ];
        MessageRules::new(&all, &needs.iter().map(|need| (*need).to_owned()).collect()).unwrap()
    }

    fn request(query: &str) -> Exchange {
        Exchange {
            seq: 1,
            from: Party::Agent,
            to: Party::Provider(ProviderName::Main),
            cause: Cause::default(),
            endpoint: Some(Endpoint::Authorization),
            grant: None,
            person: None,
            request: Request { method: "GET".into(), url: format!("http://i/authorize?{query}"), ..Request::default() }
                .into(),
            response: None,
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }

    fn ask(query: &str) -> Transcript {
        Transcript { exchanges: vec![request(query)] }
    }

    #[test]
    fn a_parameter_that_stands_there_twice_breaks_the_rule_that_says_so() {
        let breaches = rules(&[]).breaches(&ask("client_id=a&client_id=b"), &Facts::default());
        assert_eq!(breaches[0].requirement.as_deref(), Some("rfc6749/3.1"));
        assert_eq!(breaches[0].mismatch.expected, "it is as it must be");
        assert!(breaches[0].mismatch.observed.contains("authorization endpoint"), "{}", breaches[0].mismatch.observed);
        assert!(rules(&[]).breaches(&ask("client_id=a"), &Facts::default()).is_empty());
    }

    #[test]
    fn a_rule_that_needs_a_capability_holds_only_with_it() {
        assert!(rules(&[]).breaches(&ask("client_id=a"), &Facts::default()).is_empty());
        assert_eq!(rules(&["pkce"]).breaches(&ask("client_id=a"), &Facts::default()).len(), 1);
    }

    #[test]
    fn each_rule_is_told_once_however_often_it_is_broken() {
        let twice = Transcript { exchanges: vec![request("a=1&a=2"), request("b=1&b=2")] };
        assert_eq!(rules(&[]).breaches(&twice, &Facts::default()).len(), 1);
    }

    #[test]
    fn only_what_the_case_itself_made_the_partner_ask_of_the_main_provider_is_judged() {
        let bad = || request("a=1&a=2");
        let probed = Exchange { cause: Cause { purpose: Purpose::Probe, ..Cause::default() }, ..bad() };
        let elsewhere = Exchange { to: Party::Provider(ProviderName::Attacker), ..bad() };
        let other = Exchange { endpoint: Some(Endpoint::Token), ..bad() };
        let transcript = Transcript { exchanges: vec![probed, elsewhere, other] };
        assert!(rules(&[]).breaches(&transcript, &Facts::default()).is_empty());
    }

    #[test]
    fn of_an_authorization_header_only_the_scheme_is_presented() {
        let mut exchange = request("client_id=a");
        Arc::make_mut(&mut exchange.request).headers.push(("authorization".into(), "Basic c2VjcmV0".into()));
        Arc::make_mut(&mut exchange.request).headers.push(("Authorization".into(), "c2VjcmV0".into()));
        assert_eq!(form(&exchange), json!({ "client_id": ["a"], ":authorization": ["basic", ""] }));
    }

    #[test]
    fn no_secret_is_told_of_a_request_that_is_amiss() {
        let facts = Facts {
            secrets: [("client_secret".to_owned(), vec!["s3cr3ts3cr3t".to_owned()])].into(),
            ..Facts::default()
        };
        let breaches = rules(&[]).breaches(&ask("client_secret=s3cr3ts3cr3t&client_secret=x"), &facts);
        assert!(!format!("{breaches:?}").contains("s3cr3ts3cr3t"), "{breaches:?}");
    }

    #[test]
    fn a_schema_that_says_nothing_of_a_form_can_only_hold() {
        for idle in [
            json!(true),
            json!({ "x-requirement": "rfc6749/3.1", "title": "x" }),
            json!({ "properties": { "state": {} }, "required": [] }),
            json!({ "additionalProperties": { "items": true, "minItems": 0 } }),
            json!({ "if": { "required": ["a"] }, "then": {} }),
            json!({ "anyOf": [{ "required": ["a"] }, {}] }),
        ] {
            assert!(only_holds(&idle), "{idle}");
        }
        for rule in [
            json!(false),
            json!({ "required": ["a"] }),
            json!({ "additionalProperties": { "maxItems": 1 } }),
            json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] } }),
            json!({ "not": { "required": ["a"] } }),
        ] {
            assert!(!only_holds(&rule), "{rule}");
        }
    }
}

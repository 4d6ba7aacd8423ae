//! What the partner asked the provider for, and what reached a callback or a planted address.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};

use crate::model::case::{Expectation, RequestAddress, RequestPart, RequestTo};
use crate::model::exchange::{Exchange, Party, Purpose};
use crate::model::fault::Layer;
use crate::model::observation::Seen;

use super::{Look, Mismatch, entropy, printable, schema};

/// Parameters that are lists by specification, separated by blanks (RFC 6749, sections 3.1.1 and 3.3; OpenID Connect
/// Core, section 3.1.2.1).
const LISTS: [&str; 3] = ["scope", "prompt", "response_type"];

pub(super) fn judge(
    look: &Look<'_>,
    expectation: &Expectation,
    address: &RequestAddress,
    seen: Option<&Seen>,
) -> Vec<Mismatch> {
    let requests = chosen(look, expectation, address, seen);
    let what = words(expectation, address);
    let schema = match &expectation.matches {
        None => None,
        Some(value) => match schema::of(value, look.facts) {
            Ok(schema) => Some(schema),
            Err(why) => return vec![Mismatch::unknown(format!("{what} can be matched"), why)],
        },
    };
    let errors = |exchange: &Exchange| match &schema {
        None => Vec::new(),
        Some(schema) => match part(exchange, &address.part, &look.facts.scope_separator) {
            Ok(instance) => schema::errors(schema, &instance, look.facts),
            Err(why) => vec![why],
        },
    };
    if let Some(count) = expectation.count {
        let matching: Vec<&&Exchange> = requests.iter().filter(|exchange| errors(exchange).is_empty()).collect();
        let number = matching.len() as u64;
        if count.contains(number) {
            return Vec::new();
        }
        let such = if schema.is_some() { " such" } else { "" };
        return vec![Mismatch {
            exchange: matching.last().map(|exchange| look.describe(exchange)),
            ..Mismatch::new(format!("{count}{such} {what}"), format!("{number} of them"))
        }];
    }
    if requests.is_empty() {
        return vec![Mismatch::new(format!("a {what}"), "there was none")];
    }
    let mut missed = Vec::new();
    for exchange in &requests {
        let errors = errors(exchange);
        if !errors.is_empty() {
            missed.push(Mismatch {
                exchange: Some(look.describe(exchange)),
                ..Mismatch::new(format!("every {what} is as it must be"), errors.join("; "))
            });
        }
    }
    missed.extend(expectation.unique.as_deref().and_then(|name| unique(look, &requests, name, &what)));
    if let Some((name, bits)) = &expectation.entropy {
        missed.extend(entropy::judge(&values(&requests, name), name, *bits));
    }
    if expectation.gap.is_some() {
        missed.push(Mismatch::unknown("a gap between requests", "the time of requests is not kept yet"));
    }
    missed
}

fn unique(look: &Look<'_>, requests: &[&Exchange], name: &str, what: &str) -> Option<Mismatch> {
    let mut first: BTreeMap<String, &Exchange> = BTreeMap::new();
    for exchange in requests {
        let Some(value) = exchange.parameter(name) else { continue };
        if first.insert(value, exchange).is_some() {
            return Some(Mismatch {
                exchange: Some(look.describe(exchange)),
                ..Mismatch::new(format!("no two {what}s share a {name}"), format!("the same {name} came twice"))
            });
        }
    }
    first.is_empty().then(|| Mismatch::new(format!("a {what} with {name}"), format!("none has {name}")))
}

fn values(requests: &[&Exchange], name: &str) -> Vec<String> {
    requests.iter().filter_map(|exchange| exchange.parameter(name)).collect()
}

/// The requests that an expectation speaks of, in order.
fn chosen<'t>(
    look: &Look<'t>,
    expectation: &Expectation,
    address: &RequestAddress,
    seen: Option<&'t Seen>,
) -> Vec<&'t Exchange> {
    let selectors = &expectation.selectors;
    let uris = &look.facts.redirect_uris;
    let meant = |exchange: &Exchange| match address.to {
        RequestTo::Endpoint(endpoint) => {
            exchange.endpoint == Some(endpoint) && exchange.to == Party::Provider(selectors.at)
        }
        RequestTo::Callback => {
            exchange.to == Party::Partner
                && uris.iter().any(|uri| without_query(uri) == without_query(&exchange.request.url))
        }
        RequestTo::Canary => exchange.to == Party::Elsewhere,
    };
    let planted: &[Exchange] = match (address.to, seen) {
        (RequestTo::Canary, Some(Seen::Requests(planted))) => planted,
        _ => &[],
    };
    let (after, upto) = (look.observation.after, look.observation.upto);
    let mut all: Vec<&Exchange> = look
        .transcript
        .exchanges
        .iter()
        .chain(planted)
        .filter(|exchange| exchange.cause.purpose == Purpose::Case)
        .filter(|exchange| exchange.seq > after && exchange.seq <= upto)
        .filter(|exchange| meant(exchange))
        .filter(|exchange| selectors.grant.is_none_or(|grant| exchange.grant == Some(grant)))
        .filter(|exchange| selectors.of.as_ref().is_none_or(|of| exchange.person.as_ref() == Some(of)))
        .filter(|exchange| {
            selectors.path.as_ref().is_none_or(|path| without_query(&exchange.request.url).ends_with(path.as_str()))
        })
        .collect();
    all.sort_by_key(|exchange| exchange.seq);
    if let Some(nth) = selectors.nth {
        let mut number = 0;
        all.retain(|_| {
            number += 1;
            nth.contains(number)
        });
    }
    if let Some(answered) = &expectation.answered {
        all.retain(|exchange| {
            let status = exchange.response.as_ref().map(|response| response.status);
            status.is_some_and(|status| answered.iter().any(|pattern| pattern.matches(status)))
        });
    }
    all
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

fn words(expectation: &Expectation, address: &RequestAddress) -> String {
    let mut words = match address.to {
        RequestTo::Endpoint(endpoint) => format!("{endpoint} request"),
        RequestTo::Callback => "request to the callback".to_owned(),
        RequestTo::Canary => "request to a planted address".to_owned(),
    };
    if let Some(grant) = expectation.selectors.grant {
        words = format!("{words} with grant {}", grant.name());
    }
    if let Some(of) = &expectation.selectors.of {
        words = format!("{words} for {of}");
    }
    if let Some(answered) = &expectation.answered {
        let patterns: Vec<String> = answered.iter().map(ToString::to_string).collect();
        words = format!("{words} answered {}", patterns.join(" or "));
    }
    if let Some(since) = &expectation.since {
        words = format!("{words} since \"{since}\"");
    }
    words
}

/// The part of a request that a schema looks at.
fn part(exchange: &Exchange, part: &RequestPart, scope_separator: &str) -> Result<Json, String> {
    match part {
        RequestPart::Parameters => Ok(parameters_as_json(exchange, scope_separator)),
        RequestPart::Http => Ok(http(exchange)),
        RequestPart::Jwt(name, layer) => {
            let token = if name == "dpop" {
                crate::model::exchange::header(&exchange.request.headers, "dpop").map(str::to_owned)
            } else {
                exchange.parameter(name)
            };
            let token = token.ok_or_else(|| format!("the request has no {name}"))?;
            let at = if *layer == Layer::Jose { 0 } else { 1 };
            token
                .split('.')
                .nth(at)
                .and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok())
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .ok_or_else(|| format!("{name} is not a JWT that can be opened"))
        }
    }
}

/// The parameters of a request as an object. One that is sent several times, or is a list by specification, becomes an
/// array. `scope_separator` is what a dialect puts between scopes instead of blanks.
pub fn parameters_as_json(exchange: &Exchange, scope_separator: &str) -> Json {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in exchange.parameters() {
        all.entry(name).or_default().push(value);
    }
    let members = all.into_iter().map(|(name, values)| {
        let value = if LISTS.contains(&name.as_str()) {
            let between = |c: char| c.is_whitespace() || (name == "scope" && scope_separator.contains(c));
            let entries = values.iter().flat_map(|value| value.split(between)).filter(|entry| !entry.is_empty());
            Json::from(entries.collect::<Vec<_>>())
        } else if values.len() == 1 {
            Json::from(values.into_iter().next().unwrap_or_default())
        } else {
            Json::from(values)
        };
        (name, value)
    });
    Json::Object(members.collect::<Map<String, Json>>())
}

fn http(exchange: &Exchange) -> Json {
    let url = &exchange.request.url;
    let target = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(url);
    let headers: Map<String, Json> = exchange
        .request
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), Json::from(value.as_str())))
        .collect();
    json!({
        "method": exchange.request.method,
        "target": printable(target),
        "headers": headers,
        "certificate": Json::Null,
        "bytes_taken": exchange.response.as_ref().map_or(0, |response| response.body.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_list_whatever_a_dialect_puts_between_them() {
        let ask = |scope: &str| {
            let url = format!("http://i/authorize?client_id=a&scope={scope}");
            Exchange { request: crate::model::exchange::Request { url, ..Default::default() }.into(), ..exchange() }
        };
        let plain = parameters_as_json(&ask("openid++email"), "");
        assert_eq!(plain, json!({ "client_id": "a", "scope": ["openid", "email"] }));
        assert_eq!(parameters_as_json(&ask("basic,mail"), ",")["scope"], json!(["basic", "mail"]));
        assert_eq!(parameters_as_json(&ask("basic,mail"), " ")["scope"], json!(["basic,mail"]));
    }

    fn exchange() -> Exchange {
        Exchange {
            seq: 1,
            from: Party::Agent,
            to: Party::Provider(crate::model::fault::ProviderName::Main),
            cause: Default::default(),
            endpoint: Some(crate::model::fault::Endpoint::Authorization),
            grant: None,
            person: None,
            request: Default::default(),
            response: None,
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }
}

//! Invariants: what must hold in every transcript, without being asked for. Each finding belongs to the case whose own
//! business it is; other cases do not change their verdict because of it.

use std::collections::BTreeMap;

use crate::model::exchange::{Exchange, Party, Purpose, Transcript};
use crate::model::fault::{Endpoint, Grant};

use super::leaks::{contains, is_documented};
use super::{Breach, Facts, Mismatch, describe, masked, printable};

/// What every transcript must hold.
pub fn invariants(transcript: &Transcript, facts: &Facts) -> Vec<Breach> {
    let of_case: Vec<&Exchange> =
        transcript.exchanges.iter().filter(|exchange| exchange.cause.purpose == Purpose::Case).collect();
    let mut breaches = Vec::new();
    breaches.extend(secret_in_url(&of_case, facts));
    breaches.extend(code_twice(&of_case, facts));
    breaches.extend(repeated(&of_case, facts, Endpoint::Authorization, "nonce", "nonce-reused"));
    breaches.extend(repeated(&of_case, facts, Endpoint::Token, "code_verifier", "verifier-reused"));
    breaches.extend(redirect_uri(&of_case, facts));
    breaches.extend(server_error(&of_case, facts));
    breaches.extend(token_leak(&of_case, facts));
    breaches
}

fn breach(
    invariant: &'static str,
    case: Option<&'static str>,
    expected: &str,
    exchange: &Exchange,
    observed: String,
    facts: &Facts,
) -> Breach {
    let mismatch = Mismatch { exchange: Some(describe(exchange, facts)), ..Mismatch::new(expected, observed) };
    Breach { invariant, case, requirement: None, seen_in: None, mismatch }
}

fn secret_in_url(exchanges: &[&Exchange], facts: &Facts) -> Option<Breach> {
    let secrets = facts.secrets.get("client_secret")?;
    let exchange = exchanges
        .iter()
        .filter(|exchange| !is_documented(facts, exchange))
        .find(|exchange| secrets.iter().any(|secret| exchange.request.url.contains(secret.as_str())))?;
    let observed = format!("it is in a request to the {}", exchange.to);
    Some(breach(
        "secret-in-url",
        Some("login/secret-not-in-url"),
        "the client secret is part of no address",
        exchange,
        observed,
        facts,
    ))
}

/// A second try after an outage is pardoned: the first one may never have arrived.
fn code_twice(exchanges: &[&Exchange], facts: &Facts) -> Option<Breach> {
    if facts.outage {
        return None;
    }
    let redeemed = exchanges.iter().filter(|exchange| {
        exchange.endpoint == Some(Endpoint::Token) && exchange.grant == Some(Grant::AuthorizationCode)
    });
    let again = second_with_same(redeemed, "code")?;
    Some(breach(
        "code-twice",
        Some("login/code-once"),
        "a code is redeemed once",
        again,
        "it was sent twice".to_owned(),
        facts,
    ))
}

/// The first exchange whose parameter an earlier one had already.
fn second_with_same<'e>(exchanges: impl Iterator<Item = &'e &'e Exchange>, name: &str) -> Option<&'e Exchange> {
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    for exchange in exchanges {
        let Some(value) = exchange.parameter(name) else { continue };
        if seen.insert(value, ()).is_some() {
            return Some(exchange);
        }
    }
    None
}

/// The same address opened again (a reload, a step back) is no new login.
fn repeated(
    exchanges: &[&Exchange],
    facts: &Facts,
    endpoint: Endpoint,
    name: &str,
    invariant: &'static str,
) -> Option<Breach> {
    if facts.outage {
        return None;
    }
    let mut distinct: Vec<&&Exchange> = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.endpoint == Some(endpoint)) {
        // A provider that sends the browser on to another one takes the login's parameters along.
        let same = |other: &&&Exchange| {
            other.to != exchange.to
                && endpoint == Endpoint::Authorization
                && other.parameter(name) == exchange.parameter(name)
                || other.request.url == exchange.request.url && other.parameter("code") == exchange.parameter("code")
        };
        if !distinct.iter().any(same) {
            distinct.push(exchange);
        }
    }
    let again = second_with_same(distinct.into_iter(), name)?;
    let expected = format!("every login has a {name} of its own");
    Some(breach(invariant, None, &expected, again, format!("the same {name} came twice"), facts))
}

fn redirect_uri(exchanges: &[&Exchange], facts: &Facts) -> Option<Breach> {
    exchanges.iter().filter(|exchange| exchange.endpoint == Some(Endpoint::Authorization)).find_map(|exchange| {
        let uri = exchange.parameter("redirect_uri")?;
        (!facts.redirect_uris.contains(&uri)).then(|| {
            let observed = format!("{} is not registered", printable(&masked(&uri, facts)));
            breach(
                "redirect-uri",
                Some("login/redirect-uri-exact"),
                "the redirect_uri is registered, character by character",
                exchange,
                observed,
                facts,
            )
        })
    })
}

/// 502 to 504 are fine while a provider outage is in force: they say rightly that somebody else is to blame.
fn server_error(exchanges: &[&Exchange], facts: &Facts) -> Option<Breach> {
    exchanges.iter().filter(|exchange| exchange.to == Party::Partner).find_map(|exchange| {
        let status = exchange.response.as_ref()?.status;
        let explained = facts.outage && (502..=504).contains(&status);
        (status >= 500 && !explained).then(|| {
            breach(
                "server-error",
                None,
                "no answer of the partner is a 5xx",
                exchange,
                format!("it answered {status}"),
                facts,
            )
        })
    })
}

fn token_leak(exchanges: &[&Exchange], facts: &Facts) -> Option<Breach> {
    let tokens: Vec<(&str, &String)> = ["access_token", "refresh_token", "client_secret"]
        .into_iter()
        .flat_map(|kind| facts.secrets.get(kind).into_iter().flatten().map(move |value| (kind, value)))
        .filter(|(_, value)| value.len() >= 12)
        .collect();
    exchanges.iter().filter(|exchange| exchange.to == Party::Partner && exchange.from == Party::Agent).find_map(
        |exchange| {
            let response = exchange.response.as_ref()?;
            let (kind, place) = tokens.iter().find_map(|(kind, value)| {
                let cookie = response
                    .headers
                    .iter()
                    .any(|(name, text)| name.eq_ignore_ascii_case("set-cookie") && text.contains(value.as_str()));
                if contains(&response.body, value) {
                    Some((*kind, "page"))
                } else if cookie {
                    Some((*kind, "cookie"))
                } else {
                    None
                }
            })?;
            let observed = format!("{kind} stands in clear in a {place}");
            let case = (kind == "client_secret" && place == "page").then_some("login/secret-not-in-page");
            Some(breach("token-leak", case, "no token and no secret reaches the browser", exchange, observed, facts))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Request, Response};
    use crate::model::fault::ProviderName;

    fn exchange(to: Party, endpoint: Option<Endpoint>, url: &str, body: &str, status: u16) -> Exchange {
        Exchange {
            seq: 1,
            from: if to == Party::Partner { Party::Agent } else { Party::Partner },
            to,
            cause: Cause::default(),
            endpoint,
            grant: (endpoint == Some(Endpoint::Token)).then_some(Grant::AuthorizationCode),
            person: None,
            request: Request {
                method: "POST".into(),
                url: url.into(),
                headers: Vec::new(),
                body: body.to_owned().into(),
            }
            .into(),
            response: Some(Response { status, ..Response::default() }.into()),
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }

    fn found(exchanges: Vec<Exchange>, facts: &Facts) -> Vec<&'static str> {
        invariants(&Transcript { exchanges }, facts).into_iter().map(|breach| breach.invariant).collect()
    }

    #[test]
    fn what_a_dialect_documents_in_the_address_of_a_servers_call_is_no_leak() {
        let by_query = Facts { calls_by_query: true, ..facts() };
        let main = Party::Provider(ProviderName::Main);
        let asked = |from: Party, endpoint: Endpoint| {
            let url = "http://localhost:1/token?client_secret=s3cr3ts3cr3t";
            vec![Exchange { from, ..exchange(main, Some(endpoint), url, "", 200) }]
        };
        assert_eq!(found(asked(Party::Partner, Endpoint::Token), &by_query), Vec::<&str>::new());
        assert_eq!(found(asked(Party::Partner, Endpoint::Token), &facts()), ["secret-in-url"]);
        // A browser keeps its addresses, whatever is documented.
        assert_eq!(found(asked(Party::Agent, Endpoint::Token), &by_query), ["secret-in-url"]);
        assert_eq!(found(asked(Party::Partner, Endpoint::Authorization), &by_query), ["secret-in-url"]);
    }

    fn facts() -> Facts {
        Facts {
            secrets: BTreeMap::from([
                ("client_secret".to_owned(), vec!["s3cr3ts3cr3t".to_owned()]),
                ("access_token".to_owned(), vec!["at-0123456789".to_owned()]),
            ]),
            redirect_uris: vec!["http://127.0.0.1:1/callback".to_owned()],
            ..Facts::default()
        }
    }

    const PROVIDER: Party = Party::Provider(ProviderName::Main);

    #[test]
    fn a_code_that_is_redeemed_twice_is_a_breach_but_not_after_an_outage() {
        let redeem = || exchange(PROVIDER, Some(Endpoint::Token), "http://i/token", "code=c1", 400);
        assert_eq!(found(vec![redeem(), redeem()], &facts()), ["code-twice"]);
        assert!(found(vec![redeem(), redeem()], &Facts { outage: true, ..facts() }).is_empty());
        assert!(found(vec![redeem()], &facts()).is_empty());
    }

    #[test]
    fn a_secret_in_an_address_is_a_breach() {
        let request =
            exchange(PROVIDER, Some(Endpoint::Token), "http://i/token?client_secret=s3cr3ts3cr3t", "code=c", 200);
        assert_eq!(found(vec![request], &facts()), ["secret-in-url"]);
    }

    #[test]
    fn a_server_error_is_a_breach_unless_an_outage_explains_it() {
        let error = |status| exchange(Party::Partner, None, "http://p/callback", "", status);
        assert_eq!(found(vec![error(500)], &facts()), ["server-error"]);
        assert_eq!(found(vec![error(500)], &Facts { outage: true, ..facts() }), ["server-error"]);
        assert!(found(vec![error(502)], &Facts { outage: true, ..facts() }).is_empty());
        assert!(found(vec![error(404)], &facts()).is_empty());
    }

    #[test]
    fn a_nonce_may_come_again_only_with_the_very_same_request() {
        let url =
            |state: &str| format!("http://i/authorize?nonce=n&state={state}&redirect_uri=http://127.0.0.1:1/callback");
        let ask = |state: &str| exchange(PROVIDER, Some(Endpoint::Authorization), &url(state), "", 200);
        assert_eq!(found(vec![ask("1"), ask("2")], &facts()), ["nonce-reused"]);
        assert!(found(vec![ask("1"), ask("1")], &facts()).is_empty());
    }

    #[test]
    fn a_token_on_a_page_is_a_breach() {
        let mut page = exchange(Party::Partner, None, "http://p/", "", 200);
        page.response = Some(Response { status: 200, headers: Vec::new(), body: "token at-0123456789".into() }.into());
        assert_eq!(found(vec![page], &facts()), ["token-leak"]);
    }

    #[test]
    fn an_unregistered_redirect_uri_is_a_breach() {
        let url = "http://i/authorize?redirect_uri=http://127.0.0.1:1/callback/";
        assert_eq!(
            found(vec![exchange(PROVIDER, Some(Endpoint::Authorization), url, "", 400)], &facts()),
            ["redirect-uri"]
        );
    }
}

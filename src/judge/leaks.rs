//! Secrets in places where they must not be.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use scraper::{Html, Selector};

use crate::model::case::{Expectation, LeakPlace};
use crate::model::exchange::{Exchange, Party, header};
use crate::model::fault::Endpoint;
use crate::model::observation::PageSeen;

use super::{Facts, Look, Mismatch};

/// A secret that is shorter may stand on a page as an ordinary word.
const TELLING: usize = 12;

/// Fewer characters prove nothing by being part of something.
const SHORT: usize = 8;
/// Attributes of HTML elements that hold an address.
pub(super) const LINKS: [&str; 7] = ["href", "src", "action", "formaction", "data", "poster", "srcset"];

pub(super) fn hidden(look: &Look<'_>, expectation: &Expectation, secret: &str, values: &[String]) -> Vec<Mismatch> {
    let places: Vec<&str> = expectation.from.iter().map(|place| name(*place)).collect();
    let expected = format!("{secret} is in none of: {}", places.join(", "));
    // What was never given out cannot have come to the wrong provider.
    if values.is_empty() && expectation.from.iter().all(|place| *place == LeakPlace::OtherProvider) {
        return Vec::new();
    }
    if values.is_empty() {
        return vec![Mismatch::unknown(expected, format!("no {secret} was ever seen"))];
    }
    let after = look.observation.after;
    let pages: Vec<&PageSeen> =
        look.facts.pages.iter().filter(|page| page.site == "partner" && page.seq > after).collect();
    let mut missed = Vec::new();
    for place in &expectation.from {
        let exchanges = look.transcript.exchanges.iter().filter(|exchange| exchange.seq > after);
        let found =
            exchanges.into_iter().find(|exchange| values.iter().any(|value| stands_in(look, exchange, *place, value)));
        if let Some(exchange) = found {
            missed.push(Mismatch {
                exchange: Some(look.describe(exchange)),
                ..Mismatch::new(
                    expected.clone(),
                    match place {
                        LeakPlace::OtherProvider => format!("it came to the provider `{}`", exchange.to),
                        place => format!("it is in the {} of an exchange", name(*place)),
                    },
                )
            });
        }
        let links_it =
            |page: &&&PageSeen| links(page).iter().any(|link| values.iter().any(|value| is_in_address(link, value)));
        match place {
            LeakPlace::Page => missed.extend(on_a_page(look.facts, &pages, &expected, values)),
            LeakPlace::Url if found.is_none() => missed.extend(pages.iter().find(links_it).map(|page| {
                let at = super::masked(&page.url, look.facts);
                Mismatch::new(expected.clone(), format!("it is in a link of the page {}", super::printable(&at)))
            })),
            _ => {}
        }
    }
    missed
}

/// A page with one of the values; where only one is there that may be an ordinary word, nothing can be said.
fn on_a_page(facts: &Facts, pages: &[&PageSeen], expected: &str, values: &[String]) -> Option<Mismatch> {
    let found = |telling: bool| {
        pages.iter().find(|page| {
            let mut those = values.iter().filter(|value| (value.len() >= TELLING) == telling);
            those.any(|value| contains(&page.response.body, value))
        })
    };
    let at = |page: &PageSeen| super::printable(&super::masked(&page.url, facts));
    if let Some(page) = found(true) {
        return Some(Mismatch::new(expected, format!("it is on the page {}", at(page))));
    }
    found(false).map(|page| {
        let short = format!("{} has it, or the same word: use one of {TELLING} characters or more", at(page));
        Mismatch::unknown(expected, short)
    })
}

fn stands_in(look: &Look<'_>, exchange: &Exchange, place: LeakPlace, value: &str) -> bool {
    let request = &exchange.request;
    let headers = |name: &str| header(&request.headers, name).is_some_and(|text| text.contains(value));
    let somewhere = || {
        request.url.contains(value)
            || contains(&request.body, value)
            || request.headers.iter().any(|(_, text)| text.contains(value))
            || basic(&request.headers).is_some_and(|credentials| credentials.contains(value))
    };
    match place {
        LeakPlace::Url if is_documented(look.facts, exchange) || is_jsonp(look.facts, exchange, value) => false,
        LeakPlace::Url => is_in_address(&request.url, value) || is_in_address(location(exchange), value),
        LeakPlace::Referer => header(&request.headers, "referer").is_some_and(|from| {
            // Whoever is told her own address learns nothing.
            is_in_address(from, value) && origin(from) != origin(&request.url)
        }),
        LeakPlace::Page => false,
        LeakPlace::Cookie => {
            let set = exchange.response.iter().flat_map(|response| &response.headers);
            let mut set = set.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
            exchange.to == Party::Partner && (headers("cookie") || set.any(|(_, text)| text.contains(value)))
        }
        LeakPlace::Api => exchange.endpoint == Some(Endpoint::Api) && somewhere(),
        LeakPlace::OtherProvider => {
            let owner = look.facts.owners.get(value).copied().unwrap_or_default();
            matches!(exchange.to, Party::Provider(provider) if provider != owner) && somewhere()
        }
        LeakPlace::Canary => exchange.to == Party::Elsewhere && somewhere(),
        // A log is nowhere in a transcript: the harness keeps what a started partner prints apart.
        LeakPlace::Log => false,
    }
}

/// Whether it is a call by the partner's server whose address may carry what the dialect documents there.
pub(super) fn is_documented(facts: &Facts, exchange: &Exchange) -> bool {
    let by_server = exchange.from == Party::Partner && matches!(exchange.to, Party::Provider(_));
    let calls = [Endpoint::Token, Endpoint::Userinfo, Endpoint::Api, Endpoint::Introspection];
    facts.calls_by_query && by_server && exchange.endpoint.is_some_and(|endpoint| calls.contains(&endpoint))
}

/// Whether it is a call of the API by a page that loads its answer as a script (JSONP), with the person's token: such a call
/// has nothing but its address. Only where the dialect documents it so, and a real browser says that it loads a script.
fn is_jsonp(facts: &Facts, exchange: &Exchange, value: &str) -> bool {
    let is_token = facts.secrets.get("access_token").is_some_and(|tokens| tokens.iter().any(|token| token == value));
    let is_call = matches!(exchange.to, Party::Provider(_))
        && matches!(exchange.endpoint, Some(Endpoint::Userinfo | Endpoint::Api));
    let is_script = header(&exchange.request.headers, "sec-fetch-dest") == Some("script");
    facts.calls_by_query && is_token && is_call && exchange.from == Party::Agent && is_script
}

/// Where an answer of the partner sends the browser.
fn location(exchange: &Exchange) -> &str {
    let response = exchange.response.as_ref().filter(|_| exchange.to == Party::Partner);
    response.and_then(|response| header(&response.headers, "location")).unwrap_or_default()
}

/// Whether a value stands in an address: as it is, percent-encoded, or inside a parameter that is base64. A short one
/// may stand anywhere by chance: it counts only as a whole parameter.
fn is_in_address(address: &str, value: &str) -> bool {
    let inside = |parameter: &str| {
        let bare = parameter.trim_end_matches('=');
        let decoded = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare));
        decoded.is_ok_and(|bytes| contains(&bytes, value))
    };
    let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut parameters = [query, fragment].into_iter().flat_map(|part| url::form_urlencoded::parse(part.as_bytes()));
    if value.len() < SHORT {
        return parameters.any(|(_, text)| text == value);
    }
    address.contains(value)
        || parameters.any(|(name, text)| {
            name.contains(value) || text.contains(value) || inside(&text) || text.split('.').any(inside)
        })
}

fn origin(address: &str) -> Option<String> {
    url::Url::parse(address).ok().map(|url| url.origin().ascii_serialization())
}

/// Every address that a page points to.
fn links(page: &PageSeen) -> Vec<String> {
    let document = Html::parse_document(&String::from_utf8_lossy(&page.response.body));
    let Ok(all) = Selector::parse("*") else { return Vec::new() };
    let elements = document.select(&all);
    let addresses = elements.flat_map(|element| element.value().attrs().filter(|(name, _)| LINKS.contains(name)));
    addresses.map(|(_, address)| address.to_owned()).collect()
}

/// Client id and secret of an `Authorization: Basic` header (RFC 6749, section 2.3.1), decoded.
fn basic(headers: &[(String, String)]) -> Option<String> {
    let (scheme, encoded) = header(headers, "authorization")?.split_once(' ')?;
    let plain = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(plain).ok()?.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

pub(super) fn contains(haystack: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    !needle.is_empty() && haystack.windows(needle.len()).any(|window| window == needle)
}

fn name(place: LeakPlace) -> &'static str {
    match place {
        LeakPlace::Url => "url",
        LeakPlace::Referer => "referer",
        LeakPlace::Page => "page",
        LeakPlace::Cookie => "cookie",
        LeakPlace::Api => "api",
        LeakPlace::OtherProvider => "other_provider",
        LeakPlace::Canary => "canary",
        LeakPlace::Log => "log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Response};

    #[test]
    fn a_value_is_found_in_an_address_however_it_is_written() {
        let hidden = "at+0123456789/==";
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let json = URL_SAFE_NO_PAD.encode(format!("{{\"v\":\"{hidden}\"}}"));
        for address in [
            format!("http://p/?token={}", encoded(hidden)),
            format!("http://p/#token={}", encoded(hidden)),
            format!("http://p/{hidden}"),
            format!("http://p/?state={json}"),
            format!("http://p/?state=xyz.{json}"),
        ] {
            assert!(is_in_address(&address, hidden), "{address}");
        }
        assert!(!is_in_address("http://p/?token=at&state=xyz", hidden));
        assert!(is_in_address("http://p/?sid=17", "17"));
        assert!(!is_in_address("http://p17/?sid=170&17=1", "17"));
    }

    #[test]
    fn the_addresses_of_a_page_are_read_as_a_browser_reads_them() {
        let page = PageSeen {
            response: Response {
                body: "<a href='/x?a=1&amp;b=2'>x</a><p title='/no'><form action=/y>".into(),
                ..Default::default()
            }
            .into(),
            ..PageSeen::default()
        };
        assert_eq!(links(&page), ["/x?a=1&b=2", "/y"]);
    }

    #[test]
    fn a_token_in_the_address_of_a_script_that_calls_the_api_is_no_leak_where_the_dialect_knows_no_other_way() {
        let jsonp = |dest: &str, endpoint: Endpoint, calls_by_query: bool, secret: &str| {
            let exchange = Exchange {
                seq: 1,
                from: Party::Agent,
                to: Party::Provider(crate::model::fault::ProviderName::Main),
                cause: Cause::default(),
                endpoint: Some(endpoint),
                grant: None,
                person: None,
                request: crate::model::exchange::Request {
                    method: "GET".into(),
                    url: format!("http://p/graph/me?access_token={secret}&callback=f"),
                    headers: vec![("sec-fetch-dest".into(), dest.into())],
                    body: "".into(),
                }
                .into(),
                response: None,
                note: None,
                faults: Vec::new(),
                duration_ms: 0,
            };
            let own = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
            let secrets = [own("access_token", "at-0123456789"), own("client_secret", "s3cr3ts3cr3t")].into();
            is_jsonp(&Facts { calls_by_query, secrets, ..Facts::default() }, &exchange, secret)
        };
        assert!(jsonp("script", Endpoint::Userinfo, true, "at-0123456789"));
        // A page that is opened there, another dialect, another endpoint, the app's own secret.
        assert!(!jsonp("document", Endpoint::Userinfo, true, "at-0123456789"));
        assert!(!jsonp("script", Endpoint::Userinfo, false, "at-0123456789"));
        assert!(!jsonp("script", Endpoint::Authorization, true, "at-0123456789"));
        assert!(!jsonp("script", Endpoint::Userinfo, true, "s3cr3ts3cr3t"));
    }

    fn looked(body: &str, secret: &str) -> Option<Mismatch> {
        let response = Response { status: 200, headers: Vec::new(), body: body.to_owned().into() };
        let page = PageSeen { response: response.into(), ..PageSeen::default() };
        on_a_page(&Facts::default(), &[&page], "hidden", &[secret.to_owned()])
    }

    #[test]
    fn a_secret_on_a_page_is_seen_and_a_page_without_it_is_clean() {
        assert!(!looked("var s = 'S3cretS3cretS3';", "S3cretS3cretS3").unwrap().inconclusive);
        assert_eq!(looked("var s = 'another';", "S3cretS3cretS3"), None);
    }

    #[test]
    fn a_short_secret_that_may_be_an_ordinary_word_proves_nothing() {
        assert!(looked("<p>This is a secret.</p>", "secret").unwrap().inconclusive);
        assert_eq!(looked("<p>This is not.</p>", "secret"), None);
    }
}

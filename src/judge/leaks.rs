//! Secrets in places where they must not be.

use crate::model::case::{Expectation, LeakPlace};
use crate::model::exchange::{Exchange, Party, header};
use crate::model::fault::{Endpoint, ProviderName};

use super::{Look, Mismatch};

pub(super) fn hidden(look: &Look<'_>, expectation: &Expectation, secret: &str, values: &[String]) -> Vec<Mismatch> {
    let places: Vec<&str> = expectation.from.iter().map(|place| name(*place)).collect();
    let expected = format!("{secret} is in none of: {}", places.join(", "));
    if values.is_empty() {
        return vec![Mismatch::unknown(expected, format!("no {secret} was ever seen"))];
    }
    let after = look.observation.after;
    let mut missed = Vec::new();
    for place in &expectation.from {
        let exchanges = look.transcript.exchanges.iter().filter(|exchange| exchange.seq > after);
        let found =
            exchanges.into_iter().find(|exchange| values.iter().any(|value| stands_in(exchange, *place, value)));
        if let Some(exchange) = found {
            missed.push(Mismatch {
                exchange: Some(look.describe(exchange)),
                ..Mismatch::new(expected.clone(), format!("it is in the {} of an exchange", name(*place)))
            });
        }
        let page = look.facts.pages.iter().find(|page| {
            *place == LeakPlace::Page
                && page.site == "partner"
                && values.iter().any(|value| contains(&page.response.body, value))
        });
        if let Some(page) = page {
            let at = super::masked(&page.url, look.facts);
            missed.push(Mismatch::new(expected.clone(), format!("it is on the page {}", super::printable(&at))));
        }
    }
    missed
}

fn stands_in(exchange: &Exchange, place: LeakPlace, value: &str) -> bool {
    let request = &exchange.request;
    let headers = |name: &str| header(&request.headers, name).is_some_and(|text| text.contains(value));
    let somewhere = || {
        request.url.contains(value)
            || contains(&request.body, value)
            || request.headers.iter().any(|(_, text)| text.contains(value))
    };
    match place {
        LeakPlace::Url => request.url.contains(value),
        LeakPlace::Referer => headers("referer"),
        LeakPlace::Page => false,
        LeakPlace::Cookie => {
            let set = exchange.response.iter().flat_map(|response| &response.headers);
            let mut set = set.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
            exchange.to == Party::Partner && (headers("cookie") || set.any(|(_, text)| text.contains(value)))
        }
        LeakPlace::Api => exchange.endpoint == Some(Endpoint::Api) && somewhere(),
        LeakPlace::OtherProvider => {
            matches!(exchange.to, Party::Provider(ProviderName::Other | ProviderName::Attacker)) && somewhere()
        }
        LeakPlace::Canary => exchange.to == Party::Elsewhere && somewhere(),
        // A log is nowhere in a transcript: the harness keeps what a started partner prints apart.
        LeakPlace::Log => false,
    }
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

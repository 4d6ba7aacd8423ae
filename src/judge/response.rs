//! The partner's last answer, and the cookies of a browser.

use crate::model::case::{Expectation, StatusPattern};
use crate::model::observation::{CookieSeen, PageSeen};

use super::{Look, Mismatch, printable, schema, text};

pub(super) fn judge(
    look: &Look<'_>,
    expectation: &Expectation,
    allowed: &[StatusPattern],
    page: Option<&PageSeen>,
) -> Vec<Mismatch> {
    let browser = &look.observation.browser;
    let Some(page) = page else {
        return vec![Mismatch::unknown(format!("an answer in browser {browser}"), "nothing was asked there")];
    };
    let status = page.response.status;
    let evidence = || {
        let answer = match (status, page.text.is_empty()) {
            (0, true) => "not opened: nothing outside this run is".to_owned(),
            (0, false) => printable(&super::masked(&page.text, look.facts)),
            _ => status.to_string(),
        };
        Some(format!("{} {} → {answer}", page.request.method, printable(&super::masked(&page.url, look.facts))))
    };
    let mut missed = Vec::new();
    let mut miss = |expected: String, observed: String| {
        missed.push(Mismatch { exchange: evidence(), ..Mismatch::new(expected, observed) });
    };
    // A browser that rests on another site got no answer from the partner, but it is not without an answer either.
    let elsewhere = expectation.lands.is_some() && page.site != "partner" && page.site != "none";
    if status == 0 && !elsewhere {
        let why = printable(&super::masked(&page.text, look.facts));
        miss(format!("an answer in browser {browser}"), format!("there was none: {why}"));
    } else if status != 0 && !allowed.is_empty() && !allowed.iter().any(|pattern| pattern.matches(status)) {
        let patterns: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        miss(format!("the answer in browser {browser} is {}", patterns.join(" or ")), format!("it is {status}"));
    }
    if let Some(place) = &expectation.lands
        && page.site != *place
        && (status != 0 || elsewhere)
    {
        let at = printable(&super::masked(&page.url, look.facts));
        miss(format!("the browser rests at the {place}"), format!("it rests at {at} ({})", page.site));
    }
    for word in expectation.lacks.iter().filter_map(text) {
        if has_word(&page.text, &word) {
            miss(
                format!("the page lacks \"{word}\""),
                format!("it shows \"{}\"", around(&super::masked(&page.text, look.facts), &word)),
            );
        }
    }
    for word in expectation.has.iter().filter_map(text) {
        if !has_word(&page.text, &word) {
            miss(format!("the page shows \"{}\"", printable(&word)), "it does not".to_owned());
        }
    }
    if let Some(value) = &expectation.matches {
        match schema::of(value, look.facts) {
            Ok(schema) => {
                let errors = schema::errors(&schema, &page.as_json(), look.facts);
                if !errors.is_empty() {
                    miss("the answer is as it must be".to_owned(), errors.join("; "));
                }
            }
            Err(why) => missed.push(Mismatch::unknown("the answer can be matched", why)),
        }
    }
    missed
}

/// A word as people see it: "null" is not in "annulled".
fn has_word(text: &str, word: &str) -> bool {
    find_word(text, word).is_some()
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !inner(text[..*at].chars().next_back()) && !inner(text[at + word.len()..].chars().next()))
}

fn around(text: &str, word: &str) -> String {
    let at = find_word(text, word).unwrap_or(0);
    let before: String = text[..at].chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
    let after: String = text[at..].chars().take(word.chars().count() + 20).collect();
    printable(&format!("{before}{after}"))
}

pub(super) fn cookies(
    look: &Look<'_>,
    expectation: &Expectation,
    name: &str,
    jar: &[CookieSeen],
    session: &[String],
) -> Vec<Mismatch> {
    let meant: Vec<&CookieSeen> = jar
        .iter()
        .filter(|cookie| match name {
            "all" => true,
            "session" => session.contains(&cookie.name),
            own => cookie.name == own,
        })
        .collect();
    let schema = match expectation.matches.as_ref().map(|value| schema::of(value, look.facts)) {
        None => None,
        Some(Ok(schema)) => Some(schema),
        Some(Err(why)) => return vec![Mismatch::unknown("the cookies can be matched", why)],
    };
    let errors = |cookie: &CookieSeen| {
        schema.as_ref().map_or(Vec::new(), |schema| schema::errors(schema, &as_json(cookie), look.facts))
    };
    if let Some(count) = expectation.count {
        let number = meant.iter().filter(|cookie| errors(cookie).is_empty()).count() as u64;
        if count.contains(number) {
            return Vec::new();
        }
        return vec![Mismatch::new(format!("{count} cookies ({name})"), format!("{number} of them"))];
    }
    if meant.is_empty() {
        return vec![Mismatch::unknown(format!("a cookie ({name})"), "the browser has none")];
    }
    meant
        .iter()
        .filter_map(|cookie| {
            let errors = errors(cookie);
            let expected = format!("cookie `{}` is as it must be", printable(&cookie.name));
            (!errors.is_empty())
                .then(|| Mismatch { exchange: set_by(look, cookie), ..Mismatch::new(expected, errors.join("; ")) })
        })
        .collect()
}

/// The exchange in which the partner set a cookie to what it is now, and with which attributes.
fn set_by(look: &Look<'_>, cookie: &CookieSeen) -> Option<String> {
    let pair = format!("{}={}", cookie.name, cookie.value);
    let attributes = |(name, text): &(String, String)| {
        let (first, rest) = text.split_once(';').unwrap_or((text, ""));
        (name.eq_ignore_ascii_case("set-cookie") && first.trim() == pair).then(|| rest.trim().to_owned())
    };
    look.transcript.exchanges.iter().rev().find_map(|exchange| {
        let rest = exchange.response.as_ref()?.headers.iter().find_map(attributes)?;
        let shown = format!("{}=…; {rest}", cookie.name);
        Some(format!("{}\nset-cookie: {}", look.describe(exchange), printable(&shown)))
    })
}

fn as_json(cookie: &CookieSeen) -> serde_json::Value {
    serde_json::json!({
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "http_only": cookie.http_only,
        "same_site": cookie.same_site,
        "max_age": cookie.max_age,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_inside_another_word_is_not_that_word() {
        assert!(!has_word("annulled", "null"));
        assert!(has_word("Hello, null!", "null"));
        assert!(has_word("null", "null"));
    }
}

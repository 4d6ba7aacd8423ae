//! Exchanges for people: short, without secrets, without anything that a terminal would obey.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use crate::model::exchange::{Exchange, header};
use crate::model::markup::acts;

use super::Facts;

/// How much of a value is shown.
const SHOWN: usize = 500;

/// What stands where a text was cut.
const CUT: char = '…';

/// Shorter values are too likely to be part of something else: they are not masked.
const LEAST: usize = 6;

/// An exchange in a few lines for people, secrets replaced by their names.
pub fn describe(exchange: &Exchange, facts: &Facts) -> String {
    let url = printable(&masked(&exchange.request.url, facts));
    let mut lines = vec![format!("{} > {}  {} {url}", exchange.from, exchange.to, exchange.request.method)];
    if !exchange.request.body.is_empty() {
        let body = String::from_utf8_lossy(&exchange.request.body);
        lines.push(format!("    {}", printable(&masked(&body, facts))));
    }
    lines.push(match &exchange.response {
        None => "    no answer".to_owned(),
        Some(response) => {
            let location = header(&response.headers, "location").map(|to| format!("  location: {to}"));
            let json = header(&response.headers, "content-type").is_some_and(|kind| kind.contains("json"));
            let body = json.then(|| format!("  {}", opened(&String::from_utf8_lossy(&response.body), facts)));
            let rest = location.or(body).unwrap_or_default();
            format!("    {}{}", response.status, printable(&masked(&rest, facts)))
        }
    });
    if let Some(token) = exchange.response_json().as_ref().and_then(|json| json.get("id_token")?.as_str()) {
        lines.push(format!("    id_token  {}", printable(&masked(&inside(token), facts))));
    }
    if let Some(note) = &exchange.note {
        lines.push(format!("    {}", printable(&masked(note, facts))));
    }
    lines.join("\n")
}

/// An answer without the text of its ID token, which nobody can read; what is in it stands on a line of its own.
fn opened(body: &str, facts: &Facts) -> String {
    let Ok(Json::Object(mut members)) = serde_json::from_str::<Json>(body) else { return masked(body, facts) };
    members.remove("id_token");
    masked(&Json::Object(members).to_string(), facts)
}

/// Header and claims of a JWT, or the text as it is where it is none.
fn inside(token: &str) -> String {
    let part = |text: Option<&str>| String::from_utf8(URL_SAFE_NO_PAD.decode(text?).ok()?).ok();
    let mut parts = token.split('.');
    match (part(parts.next()), part(parts.next())) {
        (Some(header), Some(claims)) => format!("{header} {claims}"),
        _ => token.to_owned(),
    }
}

/// A text with every secret of the attempt replaced by its name.
pub fn masked(text: &str, facts: &Facts) -> String {
    let mut text = text.to_owned();
    for (kind, values) in &facts.secrets {
        for value in values.iter().filter(|value| value.len() >= LEAST) {
            // As it is, and as a query string or a form has it.
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            for written in [value, &encoded] {
                if text.contains(written.as_str()) {
                    text = text.replace(written.as_str(), &format!("<{kind}>"));
                }
            }
        }
    }
    for (kind, values) in &facts.secrets {
        for value in values.iter().filter(|value| value.len() >= LEAST) {
            text = without_beginning(text, kind, value);
        }
    }
    text
}

/// A text that was cut before it was masked: where what stands before the mark of the cut is how a secret begins, that
/// is masked as well.
fn without_beginning(text: String, kind: &str, secret: &str) -> String {
    if !text.contains(CUT) {
        return text;
    }
    let pieces: Vec<&str> = text.split(CUT).collect();
    let last = pieces.len() - 1;
    let begun = |piece: &str| {
        let ends = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= LEAST).rev();
        ends.map(|at| &secret[..at]).find_map(|start| Some(piece.strip_suffix(start)?.len()))
    };
    let masked = |(at, piece): (usize, &&str)| match begun(piece).filter(|_| at < last) {
        Some(kept) => format!("{}<{kind}>", &piece[..kept]),
        None => (*piece).to_owned(),
    };
    pieces.iter().enumerate().map(masked).collect::<Vec<_>>().join(&CUT.to_string())
}

/// A text that may come from anybody, on one line and bounded: control characters and what reorders text are escaped.
pub fn printable(text: &str) -> String {
    printable_up_to(SHOWN, text)
}

/// The same with another bound, in characters.
pub fn printable_up_to(most: usize, text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push(CUT);
            break;
        }
        if acts(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), SHOWN + 1);
    }

    #[test]
    fn a_cut_leaves_no_beginning_of_a_secret() {
        let secret = "s3cret-of-this-very-client";
        let facts = Facts {
            secrets: std::collections::BTreeMap::from([("client_secret".to_owned(), vec![secret.to_owned()])]),
            ..Facts::default()
        };
        for shown in 1..secret.len() {
            let cut = printable(&format!("{}{secret} and more", "x".repeat(SHOWN - shown)));
            let said = masked(&format!("it is {cut}; and so on"), &facts);
            let seen = (LEAST..secret.len()).find(|length| said.contains(&secret[..*length]));
            assert_eq!(seen, None, "cut after {shown} characters of it: {said}");
            assert!(said.ends_with("…; and so on"), "{said}");
        }
    }

    #[test]
    fn a_secret_is_masked_also_as_a_form_writes_it() {
        let facts = Facts {
            secrets: std::collections::BTreeMap::from([(
                "access_token".to_owned(),
                vec!["app|2.a b_|s3al".to_owned()],
            )]),
            ..Facts::default()
        };
        let form = "method=friends.get&access_token=app%7C2.a+b_%7Cs3al&access_token=app|2.a b_|s3al";
        assert_eq!(masked(form, &facts), "method=friends.get&access_token=<access_token>&access_token=<access_token>");
    }

    #[test]
    fn secrets_are_shown_by_their_names() {
        let facts = Facts {
            secrets: std::collections::BTreeMap::from([("code".to_owned(), vec!["c0de-1234".to_owned()])]),
            ..Facts::default()
        };
        assert_eq!(masked("/callback?code=c0de-1234", &facts), "/callback?code=<code>");
    }
}

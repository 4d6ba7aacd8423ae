//! Symbols for values that differ from run to run: `<state 1>`, `<sub alice>`. Symbols, not redactions: a reviewer sees
//! that the same state came back.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::judge::printable;
use crate::model::exchange::Exchange;
use crate::model::observation::Seen;

use super::Drawing;

/// Parameters and members whose values are new in each run, and what their symbols are called.
const FRESH: [(&str, &str); 20] = [
    ("state", "state"),
    ("nonce", "nonce"),
    ("auth_nonce", "auth_nonce"),
    ("code", "code"),
    ("code_challenge", "challenge"),
    ("code_verifier", "verifier"),
    ("access_token", "access token"),
    ("refresh_token", "refresh token"),
    ("id_token", "id token"),
    ("id_token_hint", "id token"),
    ("logout_token", "logout token"),
    ("token", "token"),
    ("sid", "sid"),
    ("jti", "jti"),
    ("at_hash", "at_hash"),
    ("session_state", "session state"),
    ("account", "account"),
    ("appsecret_proof", "appsecret_proof"),
    ("signed_request", "signed request"),
    ("fbtrace_id", "trace"),
];

/// Members that are times.
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];

/// Members that count the seconds that are left. Who asks about a token a moment later is told one less.
const LEFT: [&str; 2] = ["expires", "expires_in"];

/// Values and their symbols, given in the order in which a ladder is drawn.
pub(super) struct Symbols {
    of: BTreeMap<String, String>,
    /// Secrets and their names, for where they come up although nobody gave them a symbol.
    secrets: Vec<(String, String)>,
    counts: BTreeMap<&'static str, usize>,
}

impl Symbols {
    pub(super) fn new(drawing: &Drawing<'_>) -> Self {
        let kinds = drawing.secrets.iter();
        let secrets = kinds.flat_map(|(kind, values)| values.iter().map(move |value| (value, kind)));
        let secrets = secrets.filter(|(value, _)| value.len() >= 6);
        let secrets = secrets.map(|(value, kind)| (value.clone(), format!("<{}>", kind.replace('_', " ")))).collect();
        let mut symbols = Symbols { of: BTreeMap::new(), secrets, counts: BTreeMap::new() };
        for person in drawing.people {
            // A person who was given another one's address keeps it under the name of whoever had it first.
            let mut give = |value: Option<String>, what: &str| {
                let Some(value) = value.filter(|value| value.len() >= 4 && !symbols.of.contains_key(value)) else {
                    return;
                };
                // Who got another identity while the case was played had this one before.
                let symbol = format!("<{what} {}>", person.name);
                let taken = symbols.of.values().any(|own| *own == symbol);
                symbols.of.insert(value, if taken { format!("<{what} {}, before>", person.name) } else { symbol });
            };
            give(Some(person.sub.clone()), "sub");
            give(person.text("email"), "email");
            give(Some(person.login.clone()), "login");
            give(Some(person.id.clone()), "id");
            give(Some(person.password.clone()), "password");
        }
        for secret in drawing.secrets.get("client_secret").into_iter().flatten() {
            symbols.of.insert(secret.clone(), "<client secret>".to_owned());
        }
        for seen in drawing.observations.iter().flat_map(|observation| &observation.seen) {
            if let Seen::Pages { canaries, .. } = seen {
                for (kind, value) in canaries {
                    symbols.of.entry(value.clone()).or_insert_with(|| format!("<canary {kind}>"));
                }
            }
        }
        symbols.of.insert(drawing.base.to_owned(), "{base}".to_owned());
        symbols.of.insert(drawing.issuer.to_owned(), "{issuer}".to_owned());
        for (at, issuer) in drawing.other_issuers {
            symbols.of.insert(issuer.clone(), format!("{{{}.issuer}}", at.name()));
        }
        symbols
    }

    /// The symbol of a value, given now if it has none.
    pub(super) fn named(&mut self, what: &'static str, value: &str) -> String {
        if let Some(symbol) = self.of.get(value) {
            return symbol.clone();
        }
        let count = self.counts.entry(what).or_default();
        *count += 1;
        let symbol = format!("<{what} {count}>");
        self.of.insert(value.to_owned(), symbol.clone());
        symbol
    }

    /// A text with every known value in it replaced, longer ones first, and then every secret that is left.
    pub(super) fn replaced(&self, text: &str) -> String {
        let mut known: Vec<(&String, &String)> =
            self.of.iter().filter(|(value, _)| value.len() >= 4 && text.contains(value.as_str())).collect();
        known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let mut text = text.to_owned();
        for (value, symbol) in known {
            text = text.replace(value.as_str(), symbol);
        }
        for (value, name) in &self.secrets {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), name);
            }
        }
        without_times(text)
    }

    /// Every parameter of a request to one of the provider's endpoints, by name.
    pub(super) fn parameters(&mut self, exchange: &Exchange) -> String {
        let mut all = exchange.parameters();
        all.sort();
        all.into_iter().map(|(name, value)| format!(" {}={}", printable(&name), self.shown(&name, &value))).collect()
    }

    /// Of requests to the partner and to pages: names, and values that have a symbol.
    pub(super) fn known_parameters(&mut self, exchange: &Exchange) -> String {
        self.known(exchange.parameters())
    }

    pub(super) fn known(&mut self, mut all: Vec<(String, String)>) -> String {
        all.sort();
        all.into_iter()
            .map(|(name, value)| {
                let fresh = fresh(&name).filter(|_| !value.is_empty());
                let symbol = match fresh {
                    Some(what) => Some(self.named(what, &value)),
                    None => self.of.get(&value).cloned(),
                };
                match symbol {
                    Some(symbol) => format!(" {}={symbol}", printable(&name)),
                    None => format!(" {}", printable(&name)),
                }
            })
            .collect()
    }

    /// The members of an answer: tokens opened, times left out.
    pub(super) fn members(&mut self, json: &Json) -> String {
        let mut out = String::new();
        let Json::Object(members) = json else { return out };
        let mut members: Vec<(&String, &Json)> = members.iter().collect();
        members.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in members {
            if TIMES.contains(&name.as_str()) {
                continue;
            }
            match value {
                Json::String(token) if name == "id_token" => out.push_str(&self.token(name, token)),
                Json::String(text) => out.push_str(&format!(" {}={}", printable(name), self.shown(name, text))),
                other => {
                    self.name_within(other);
                    let text = rounded(name, &other.to_string()).unwrap_or_else(|| self.replaced(&other.to_string()));
                    out.push_str(&format!(" {}={}", printable(name), printable(&text)))
                }
            }
        }
        out
    }

    /// Gives a symbol to what is new in each run somewhere within a value.
    fn name_within(&mut self, value: &Json) {
        match value {
            Json::Object(members) => members.iter().for_each(|(name, value)| match (fresh(name), value) {
                (Some(what), Json::String(text)) if !text.is_empty() => drop(self.named(what, text)),
                _ => self.name_within(value),
            }),
            Json::Array(items) => items.iter().for_each(|item| self.name_within(item)),
            _ => {}
        }
    }

    fn token(&mut self, name: &str, token: &str) -> String {
        let Some(Json::Object(claims)) = super::claims(token) else {
            return format!(" {name}={}", self.shown(name, token));
        };
        let mut out = String::new();
        for (claim, value) in claims {
            if TIMES.contains(&claim.as_str()) {
                continue;
            }
            let shown = match &value {
                Json::String(text) => self.shown(&claim, text),
                other => printable(&self.replaced(&other.to_string())),
            };
            out.push_str(&format!(" {name}.{}={shown}", printable(&claim)));
        }
        out
    }

    fn shown(&mut self, name: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        if let Some(what) = fresh(name) {
            return self.named(what, value);
        }
        if let Some(left) = rounded(name, value) {
            return left;
        }
        let text = printable(&self.replaced(value));
        if text.contains(' ') { format!("\"{text}\"") } else { text }
    }
}

/// A text with each Unix time in it replaced: a number of ten digits, of the years 2020 to 2039.
fn without_times(text: String) -> String {
    let is_time = |number: &str| {
        number.len() == 10
            && number.parse::<u64>().is_ok_and(|seconds| (1_577_836_800..2_208_988_800).contains(&seconds))
    };
    let mut numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|own| is_time(own)).collect();
    if numbers.is_empty() {
        return text;
    }
    numbers.dedup();
    numbers.iter().fold(text.clone(), |text, number| text.replace(number, "<time>"))
}

fn fresh(name: &str) -> Option<&'static str> {
    FRESH.iter().find(|(own, _)| *own == name).map(|(_, what)| *what)
}

/// Seconds that are left, up to the next ten where they are more than a minute.
fn rounded(name: &str, value: &str) -> Option<String> {
    let left = value.parse::<u64>().ok().filter(|left| LEFT.contains(&name) && (61..1_000_000_000).contains(left))?;
    Some(left.next_multiple_of(10).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_token_is_the_same_a_moment_later() {
        for (left, drawn) in [("5184000", "5184000"), ("5183999", "5184000"), ("3591", "3600")] {
            assert_eq!(rounded("expires_in", left).as_deref(), Some(drawn));
        }
        for (name, value) in [("expires_in", "5"), ("expires", "1795000000"), ("expires_in", "soon"), ("size", "61")] {
            assert_eq!(rounded(name, value), None, "{name}={value}");
        }
    }
}

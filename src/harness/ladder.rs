//! The ladder: an attempt drawn as text, values by symbols, the same bytes whatever the parallelism (DESIGN section 9).

mod course;
mod symbols;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::judge::printable;
use crate::model::case::{BrowserName, Case};
use crate::model::exchange::{Exchange, Party, Purpose, Transcript, query_of};
use crate::model::fault::{Endpoint, ProviderName};
use crate::model::observation::{Observation, Seen};
use crate::model::persona::Person;
use crate::model::verdict::{Level, Verdict};

pub use course::course;
use symbols::Symbols;

/// What the rungs of one variant are drawn from.
pub struct Drawing<'a> {
    /// What went over the wire.
    pub transcript: &'a Transcript,
    /// What was seen by `expect` steps.
    pub observations: &'a [Observation],
    /// The people of the attempt.
    pub people: &'a [Person],
    /// Base URL of the partner.
    pub base: &'a str,
    /// The issuer.
    pub issuer: &'a str,
    /// Issuers of further providers.
    pub other_issuers: &'a [(ProviderName, String)],
    /// Secret kind -> values.
    pub secrets: &'a BTreeMap<String, Vec<String>>,
    /// Registered redirect URIs.
    pub redirect_uris: &'a [String],
    /// `client_id`, shown as it stands.
    pub client_id: &'a str,
}

/// One variant of a ladder, its rungs drawn.
pub struct Part<'a> {
    /// Its name.
    pub variant: Option<&'a str>,
    /// See [`rungs`].
    pub rungs: &'a str,
    /// Rule, level and verdict, in the order of the file.
    pub lines: &'a [(String, Level, Verdict)],
    /// The verdict, and why where it is inconclusive or not applicable.
    pub verdict: Verdict,
    /// See there.
    pub reason: &'a str,
}

/// The whole ladder of a case: one part per variant.
pub fn draw(case: &Case, parts: &[Part<'_>]) -> String {
    let mut out = format!("{}\n", case.title);
    for part in parts {
        out.push('\n');
        if let Some(variant) = part.variant {
            out.push_str(&format!("variant: {}\n\n", printable(variant)));
        }
        if part.verdict == Verdict::NotApplicable {
            out.push_str(&format!("not applicable: {}\n", part.reason));
            continue;
        }
        out.push_str(part.rungs);
        for (rule, level, verdict) in part.lines {
            out.push_str(format!("{rule:<40} {level:<6} {verdict}").trim_end());
            out.push('\n');
        }
        if part.verdict == Verdict::Inconclusive {
            out.push_str(&format!("inconclusive: {}\n", part.reason));
        }
    }
    out
}

/// Exchanges and probes in the order of steps; within a step by browser and tab, within a tab as they happened.
pub fn rungs(case: &Case, drawing: &Drawing<'_>) -> String {
    let mut exchanges: Vec<&Exchange> = drawing
        .transcript
        .exchanges
        .iter()
        .filter(|exchange| exchange.cause.purpose == Purpose::Case)
        .filter(|exchange| !matches!(exchange.endpoint, Some(Endpoint::Discovery | Endpoint::Jwks)))
        .collect();
    let place = |exchange: &Exchange| (exchange.cause.step, exchange.cause.browser.clone(), exchange.cause.tab.clone());
    exchanges.sort_by_key(|exchange| (place(exchange), exchange.seq));
    let mut symbols = Symbols::new(drawing);
    let mut lines: Vec<String> = Vec::new();
    let browsers: std::collections::BTreeSet<&str> =
        exchanges.iter().map(|exchange| exchange.cause.browser.as_str()).collect();
    let several = browsers.len() > 1;
    for (step, act) in case.steps.iter().enumerate() {
        for exchange in exchanges.iter().filter(|exchange| exchange.cause.step == step) {
            let mark = if several { format!("  ({})", exchange.cause.browser) } else { String::new() };
            lines.push(format!("{}{mark}", request(exchange, &mut symbols, drawing)));
            lines.push(response(exchange, &mut symbols, drawing));
        }
        let mut seen: Vec<&Observation> =
            drawing.observations.iter().filter(|observation| observation.step == step).collect();
        seen.sort_by(|a, b| a.browser.cmp(&b.browser));
        for observation in seen {
            let mark = match act.browser {
                BrowserName::Named(_) if !several => String::new(),
                _ => format!("  ({})", observation.browser),
            };
            let seen = probes(observation, &mut symbols).into_iter();
            lines.extend(seen.map(|text| format!("{:<8}   {:<8}  {text}{mark}", "probe", "")));
        }
    }
    let width = lines.len().to_string().len().max(2);
    lines.iter().enumerate().map(|(number, line)| format!("{:>width$} {}\n", number + 1, line.trim_end())).collect()
}

fn request(exchange: &Exchange, symbols: &mut Symbols, drawing: &Drawing<'_>) -> String {
    let (what, shown) = request_words(exchange, symbols, drawing);
    format!("{:<8} > {:<8}  {what}{shown}", exchange.from.to_string(), exchange.to.to_string())
}

/// Method and target; parameters, each with a blank before it.
fn request_words(exchange: &Exchange, symbols: &mut Symbols, drawing: &Drawing<'_>) -> (String, String) {
    let method = &exchange.request.method;
    let (target, shown) = match (exchange.to, exchange.endpoint) {
        (Party::Provider(_), Some(endpoint)) => (endpoint.to_string(), symbols.parameters(exchange)),
        _ => (path(&exchange.request.url, drawing, symbols), symbols.known_parameters(exchange)),
    };
    (format!("{method:<4} {target}"), shown)
}

fn response(exchange: &Exchange, symbols: &mut Symbols, drawing: &Drawing<'_>) -> String {
    let who = format!("{:<8} > {:<8}", exchange.to.to_string(), exchange.from.to_string());
    let fault = if exchange.faults.is_empty() { "" } else { "   [fault]" };
    let (what, rest) = response_words(exchange, symbols, drawing);
    format!("{who}  {what}{rest}{fault}")
}

/// Status and endpoint; where it leads or its members, with blanks before them.
fn response_words(exchange: &Exchange, symbols: &mut Symbols, drawing: &Drawing<'_>) -> (String, String) {
    let Some(response) = &exchange.response else { return ("no answer".to_owned(), String::new()) };
    let what = match exchange.endpoint {
        Some(endpoint) => format!("  {endpoint}"),
        None => String::new(),
    };
    let rest = match exchange.location() {
        Some(to) => {
            let to = absolute(&exchange.request.url, to);
            format!("  {}{}", path(&to, drawing, symbols), symbols.known(query_of(&to)))
        }
        None if exchange.endpoint.is_some() => {
            exchange.response_json().map(|json| symbols.members(&json)).unwrap_or_default()
        }
        None => String::new(),
    };
    (format!("{:<4}{what}", response.status), rest)
}

fn absolute(base: &str, location: &str) -> String {
    url::Url::parse(base).and_then(|base| base.join(location)).map_or_else(|_| location.to_owned(), String::from)
}

/// Origin and path, the known origins by their names.
fn path(url: &str, drawing: &Drawing<'_>, symbols: &Symbols) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let named = bare.strip_prefix(drawing.base).map(|path| format!("{{base}}{path}"));
    let named = named.or_else(|| bare.strip_prefix(drawing.issuer).map(|path| format!("{{issuer}}{path}")));
    let others = || {
        let mut others = drawing.other_issuers.iter();
        others.find_map(|(at, issuer)| Some(format!("{{{}.issuer}}{}", at.name(), bare.strip_prefix(issuer.as_str())?)))
    };
    let named = named.or_else(others);
    printable(&symbols.replaced(&named.unwrap_or_else(|| bare.to_owned())))
}

fn probes(observation: &Observation, symbols: &mut Symbols) -> Vec<String> {
    let mut lines = Vec::new();
    for seen in &observation.seen {
        match seen {
            Seen::Session(session) => {
                let whom = session.second.as_ref().unwrap_or(&session.first);
                lines.push(format!("session {}", printable(&symbols.replaced(&whom.to_string()))));
            }
            Seen::Account { new: Some(made), .. } => lines.push(format!("new accounts {made}")),
            Seen::Account { id, .. } => {
                let id = id.as_ref().map_or("nobody".to_owned(), |id| symbols.named("account", id));
                lines.push(format!("account {id}"));
            }
            Seen::Fields(fields) => {
                let shown: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| match value {
                        Some(text) => format!("{name}=\"{}\"", printable(&symbols.replaced(text))),
                        None => format!("{name} absent"),
                    })
                    .collect();
                lines.push(format!("fields {}", shown.join(" ")));
            }
            Seen::Features(features) => {
                let shown: Vec<String> = features
                    .iter()
                    .map(|(name, feature)| format!("{name} {}", if feature.on { "on" } else { "off" }))
                    .collect();
                lines.push(format!("features {}", shown.join(", ")));
            }
            Seen::Requests(_) | Seen::Response(_) | Seen::Cookies { .. } | Seen::Secrets(_) | Seen::Pages { .. } => {}
        }
    }
    lines
}

/// The members of a JWT's claims.
fn claims(token: &str) -> Option<Json> {
    use base64::Engine as _;
    let part = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

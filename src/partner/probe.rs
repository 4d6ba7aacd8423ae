//! Probes: who is signed in, what is shown, what works. Each over a connection of its own; none keeps a cookie.

use std::collections::BTreeMap;

use scraper::{Html, Selector};
use serde_json::Value as Json;

use crate::agent::{AgentError, Browser, Page};
use crate::model::exchange::Cause;
use crate::model::manifest::{Manifest, Place, Pointer};

use super::ProbeAnswer;
use super::places::absolute;

/// How much of a shown text counts.
const SHOWN: usize = 2_000;

/// Asks the partner who is signed in in this browser, over a connection of its own. Never follows a redirect off the
/// partner, keeps no cookie.
pub async fn probe(manifest: &Manifest, base: &str, browser: &Browser, cause: &Cause) -> ProbeAnswer {
    probe_without(manifest, base, browser, &[], cause).await
}

/// As [`probe`], but without these cookies: finds out which one carries the session.
pub async fn probe_without(
    manifest: &Manifest,
    base: &str,
    browser: &Browser,
    without_cookies: &[String],
    cause: &Cause,
) -> ProbeAnswer {
    let url = absolute(base, &manifest.session.url);
    let path = &manifest.session.url;
    match browser.peek(&url, without_cookies, cause).await {
        Ok(page) => read(manifest, &page, path),
        Err(error) => ProbeAnswer {
            evidence: format!("probe {path}: {}", reason(&error)),
            unreadable: Some(reason(&error)),
            ..ProbeAnswer::default()
        },
    }
}

/// Errors of the agent name addresses; a probe's address may carry nothing secret, so they can be shown.
fn reason(error: &AgentError) -> String {
    error.to_string()
}

fn read(manifest: &Manifest, page: &Page, path: &str) -> ProbeAnswer {
    let status = page.seen.response.status;
    let nobody =
        |why: &str| ProbeAnswer { evidence: format!("probe GET {path} → {status}{why}"), ..ProbeAnswer::default() };
    if page.stopped_at.is_some() {
        return nobody(", a redirect off the partner: nobody");
    }
    if status >= 500 || status == 0 {
        let why = format!("it answered {status}");
        return ProbeAnswer { unreadable: Some(why.clone()), ..nobody("") };
    }
    if !(200..300).contains(&status) {
        return nobody(": nobody");
    }
    let document = Document::of(&page.seen.response.body);
    let text = |pointer: &Option<Pointer>| pointer.as_ref().and_then(|pointer| document.text(pointer));
    let who = &manifest.session.who;
    let fields: BTreeMap<String, Option<String>> =
        manifest.session.fields.iter().map(|(name, pointer)| (name.clone(), document.text(pointer))).collect();
    let mut answer = ProbeAnswer {
        subject: text(&who.subject),
        email: text(&who.email),
        username: text(&who.username),
        account: text(&who.account),
        fields,
        evidence: String::new(),
        unreadable: None,
    };
    let shown =
        answer.subject.as_ref().or(answer.username.as_ref()).or(answer.email.as_ref()).or(answer.account.as_ref());
    let shown = shown.map_or("nobody".to_owned(), |text| text.chars().take(80).collect());
    answer.evidence = format!("probe GET {path} → {status}: {}", shown.escape_debug());
    answer
}

/// A JSON document or a page.
enum Document {
    Json(Json),
    Page(Html),
}

impl Document {
    fn of(body: &[u8]) -> Document {
        match serde_json::from_slice(body) {
            Ok(json) => Document::Json(json),
            Err(_) => Document::Page(Html::parse_document(&String::from_utf8_lossy(body))),
        }
    }

    /// The text that a pointer leads to; empty text and null are nothing.
    fn text(&self, pointer: &Pointer) -> Option<String> {
        let text = match (self, pointer) {
            (Document::Json(json), Pointer::Json(pointer)) => match json.pointer(pointer)? {
                Json::String(text) => text.clone(),
                Json::Null | Json::Object(_) | Json::Array(_) => return None,
                other => other.to_string(),
            },
            (Document::Page(page), Pointer::Css(selector)) => {
                let selector = Selector::parse(selector).ok()?;
                page.select(&selector).next()?.text().collect::<String>().trim().to_owned()
            }
            _ => return None,
        };
        (!text.is_empty()).then(|| text.chars().take(SHOWN).collect())
    }
}

/// How many accounts the partner says were opened so far. `None`: the manifest does not say where to ask, or there is
/// no number.
pub async fn accounts_opened(manifest: &Manifest, base: &str, browser: &Browser, cause: &Cause) -> Option<u64> {
    let count = manifest.accounts.count.as_ref()?;
    let page = browser.peek(&absolute(base, &count.url), &[], cause).await.ok()?;
    let good = page.stopped_at.is_none() && (200..300).contains(&page.seen.response.status);
    let text = good.then(|| Document::of(&page.seen.response.body).text(&count.at)).flatten()?;
    text.trim().parse().ok()
}

/// Whether a feature of the manifest works for this browser, and the evidence in one line. Follows redirects within the
/// partner only; a redirect toward the issuer means that it does not.
pub async fn feature_works(
    manifest: &Manifest,
    base: &str,
    browser: &Browser,
    feature: &str,
    cause: &Cause,
) -> (bool, String) {
    let Some(place) = manifest.at.features.get(feature) else {
        return (false, format!("the manifest names no feature `{feature}`"));
    };
    let url = absolute(base, &place.path);
    match browser.peek(&url, &[], cause).await {
        Ok(page) => {
            let status = page.seen.response.status;
            let on = page.stopped_at.is_none() && (200..300).contains(&status) && is_shown(place, &page, &url);
            let rest = if page.stopped_at.is_some() { ", a redirect off the partner" } else { "" };
            (on, format!("GET {} → {status}{rest}", place.path))
        }
        Err(error) => (false, format!("GET {}: {error}", place.path)),
    }
}

fn is_shown(place: &Place, page: &Page, url: &str) -> bool {
    match &place.shows {
        Some(selector) => Selector::parse(selector).is_ok_and(|selector| {
            let page = Html::parse_document(&String::from_utf8_lossy(&page.seen.response.body));
            page.select(&selector).next().is_some()
        }),
        None => bare(&page.seen.url) == bare(url),
    }
}

fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

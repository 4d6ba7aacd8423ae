//! `save`: keeping something that a step made.

use serde::{Deserialize, Serialize};

use crate::model::case::Step;
use crate::model::exchange::{Cause, Exchange, Party, header};
use crate::model::fault::Endpoint;
use crate::model::observation::CookieSeen;
use crate::model::wire::Wire;

use super::callback;
use super::play::Play;

/// A cookie on its way from one jar to another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedCookie {
    name: String,
    value: String,
    domain: String,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<String>,
    max_age: Option<i64>,
}

impl From<CookieSeen> for SavedCookie {
    fn from(seen: CookieSeen) -> Self {
        let CookieSeen { name, value, domain, path, secure, http_only, same_site, max_age } = seen;
        SavedCookie { name, value, domain, path, secure, http_only, same_site, max_age }
    }
}

impl From<SavedCookie> for CookieSeen {
    fn from(saved: SavedCookie) -> Self {
        let SavedCookie { name, value, domain, path, secure, http_only, same_site, max_age } = saved;
        CookieSeen { name, value, domain, path, secure, http_only, same_site, max_age }
    }
}

impl Play {
    /// Keeps what the step asks for. What is not there is trouble only in the real run: a control leaves steps out.
    pub(super) async fn save(&self, step: &Step, cause: &Cause, after: u64) {
        for (name, address) in &step.save {
            match self.find(address, cause, after).await {
                Some(wire) => {
                    self.state().saved.insert(name.clone(), wire);
                }
                None => self.trouble(format!("line {}: this step made no `{address}` to save", step.line)),
            }
        }
    }

    async fn find(&self, address: &str, cause: &Cause, after: u64) -> Option<Wire> {
        let browser = self.browser(&cause.browser);
        let (head, rest) = address.split_once('.').unwrap_or((address, ""));
        match head {
            "callback" => {
                let uris = self.redirect_uris();
                let stopped = browser.page(&cause.tab).and_then(|page| page.stopped_at);
                let opened = || {
                    self.since(after, |exchange| {
                        exchange.to == Party::Partner
                            && uris.iter().any(|uri| super::path_of(&exchange.request.url) == super::path_of(uri))
                    })
                    .map(|exchange| callback::address(&exchange))
                };
                let url = stopped.or_else(opened)?;
                if rest.is_empty() {
                    return Some(Wire::from(url));
                }
                crate::model::exchange::query_of(&url)
                    .into_iter()
                    .find(|(name, _)| name == rest)
                    .map(|(_, value)| Wire::from(value))
            }
            "cookies" if rest.is_empty() => {
                let jar: Vec<SavedCookie> = browser.cookies(Some(&self.base)).into_iter().map(Into::into).collect();
                serde_json::to_value(jar).ok().map(Wire::from)
            }
            "cookies" => {
                let names =
                    if rest == "session" { self.session_cookies(&browser, cause).await } else { vec![rest.to_owned()] };
                let jar = browser.cookies(Some(&self.base));
                jar.into_iter().find(|cookie| names.contains(&cookie.name)).map(|cookie| Wire::from(cookie.value))
            }
            "account" => self.account(&browser, cause).await.map(Wire::from),
            "response" => {
                let page = self.state().pages.get(&(cause.browser.clone(), cause.tab.clone())).cloned()?;
                pointer(&page.as_json(), rest)
            }
            "id_token" | "access_token" => {
                let exchange = self.since(after, |exchange| exchange.endpoint == Some(Endpoint::Token));
                match exchange {
                    Some(exchange) => pointer(&exchange.response_json()?, head),
                    // No code was redeemed: the dialog itself gave it, to a page.
                    None => self.given_behind_the_hash(head, after).map(Wire::from),
                }
            }
            _ => self.find_message(head, rest, after),
        }
    }

    /// A member of what a provider's dialog answered behind `#`, where no server sees it.
    fn given_behind_the_hash(&self, name: &str, after: u64) -> Option<String> {
        let located = |exchange: &Exchange| {
            let response = exchange.response.as_ref().filter(|_| matches!(exchange.to, Party::Provider(_)))?;
            let (_, members) = header(&response.headers, "location")?.split_once('#')?;
            let mut members = url::form_urlencoded::parse(members.as_bytes());
            members.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
        };
        located(&self.since(after, |exchange| located(exchange).is_some())?)
    }

    /// `authorization.nonce`, `token_response.refresh_token`.
    fn find_message(&self, head: &str, rest: &str, after: u64) -> Option<Wire> {
        if let Some(endpoint) = head.strip_suffix("_response").and_then(Endpoint::from_name) {
            let exchange = self.since(after, |exchange| exchange.endpoint == Some(endpoint))?;
            return pointer(&exchange.response_json()?, rest);
        }
        let endpoint = Endpoint::from_name(head)?;
        let exchange =
            self.since(after, |exchange| exchange.endpoint == Some(endpoint) && exchange.parameter(rest).is_some())?;
        exchange.parameter(rest).map(Wire::from)
    }

    /// The last exchange after a place in the run for which `wanted` holds.
    fn since(&self, after: u64, wanted: impl Fn(&Exchange) -> bool) -> Option<Exchange> {
        self.transcript().exchanges.into_iter().rev().find(|exchange| exchange.seq > after && wanted(exchange))
    }
}

fn pointer(json: &serde_json::Value, path: &str) -> Option<Wire> {
    let pointer = if path.is_empty() { String::new() } else { format!("/{}", path.replace('.', "/")) };
    json.pointer(&pointer).cloned().map(Wire::from)
}

//! What a browser puts on a request: who causes it and how that is told, by `Referer`, `Origin`, `Sec-Fetch-*` and by
//! which cookies may go along. It sends nothing and follows nothing.

use http::Method;
use url::Url;

use super::jar::Reach;
use super::journey::Journey;
use super::referrer::Policy;
use super::site::{is_trustworthy, origin_of, same_origin, same_site};
use super::wire::authority;
use crate::model::exchange::{Response, header};

pub(super) const USER_AGENT: &str = concat!("Mozilla/5.0 (X11; Linux x86_64) Countersign/", env!("CARGO_PKG_VERSION"));
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The page from which a request comes.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub url: Url,
    pub policy: Policy,
}

/// What the chain of requests so far has done to what is told of its beginning.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    policy: Policy,
    tainted: bool,
    /// 0: same origin, 1: same site, 2: cross-site.
    distance: u8,
}

impl Chain {
    pub(crate) fn from(source: Option<&Source>) -> Chain {
        Chain { policy: source.map(|source| source.policy).unwrap_or_default(), tainted: false, distance: 0 }
    }

    /// Takes in that the next request goes to `url`.
    pub(crate) fn arrive(&mut self, source: Option<&Source>, url: &Url) {
        self.distance = self.distance.max(source.map_or(0, |source| distance(&source.url, url)));
    }

    /// Takes in what a redirect from `journey.url` to `next` changes.
    pub(crate) fn follow(&mut self, journey: &Journey, response: &Response, next: &Url) {
        if let Some(policy) = header(&response.headers, "referrer-policy").and_then(Policy::from_header) {
            self.policy = policy;
        }
        let foreign = journey.source.as_ref().is_some_and(|source| !same_origin(&source.url, &journey.url));
        self.tainted |= foreign && !same_origin(&journey.url, next);
    }
}

fn distance(from: &Url, to: &Url) -> u8 {
    match (same_origin(from, to), same_site(from, to)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

pub(crate) fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(own, _)| own != name);
    headers.push((name.to_owned(), value));
}

impl Journey {
    pub(crate) fn reach(&self) -> Reach {
        match &self.source {
            None => Reach::SameSite,
            Some(source) if same_site(&source.url, &self.url) => Reach::SameSite,
            Some(_) if self.embedded || !self.is_safe() => Reach::ForeignOther,
            Some(_) => Reach::ForeignLink,
        }
    }

    fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
    }

    pub(crate) fn headers(&self, chain: &Chain, cookies: Option<String>) -> Vec<(String, String)> {
        let url = &self.url;
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        add("host", authority(url));
        add("user-agent", USER_AGENT.to_owned());
        add("accept", ACCEPT.to_owned());
        add("accept-language", "en".to_owned());
        add("accept-encoding", "gzip, deflate".to_owned());
        let simple = matches!(self.method, Method::GET | Method::HEAD);
        if let Some((content_type, body)) = &self.body {
            add("content-type", content_type.clone());
            add("content-length", body.len().to_string());
        } else if !simple {
            add("content-length", "0".to_owned());
        }
        if !simple {
            add(
                "origin",
                match &self.source {
                    Some(source) => chain.policy.origin(&source.url, url, chain.tainted),
                    // Nobody can type a form: it stands on a page of the place itself.
                    None => origin_of(url),
                },
            );
        }
        if let Some(referer) = self.source.as_ref().and_then(|source| chain.policy.referer(&source.url, url)) {
            add("referer", referer);
        }
        if is_trustworthy(url) {
            let site = match (&self.source, simple, chain.distance) {
                (None, true, _) => "none",
                (None, false, _) | (_, _, 0) => "same-origin",
                (_, _, 1) => "same-site",
                _ => "cross-site",
            };
            add("sec-fetch-site", site.to_owned());
            add("sec-fetch-mode", if self.embedded { "no-cors" } else { "navigate" }.to_owned());
            add("sec-fetch-dest", if self.embedded { "empty" } else { "document" }.to_owned());
            if !self.embedded {
                add("sec-fetch-user", "?1".to_owned());
            }
        }
        if let Some(cookies) = cookies {
            add("cookie", cookies);
        }
        for (name, value) in &self.headers {
            set(&mut headers, &name.to_ascii_lowercase(), value.clone());
        }
        headers
    }
}

//! One navigation: from what causes it, through redirects and refreshes, to the page where it rests. Cookies and
//! the tag are put on here, for each request anew. It knows nothing of tabs and forms.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Method;
use url::Url;

use super::form::{self, Encoding, Filled};
use super::jar::Reach;
use super::look::{Look, look};
use super::referrer::Policy;
use super::request::{Chain, Source, USER_AGENT, set};
use super::site::{Stop, same_origin};
use super::wire::{Failure, Outgoing, ask};
use super::{AgentError, Core, Page, Submission, WantedForm};
use crate::model::exchange::{Cause, Party, Request, Response, header};
use crate::model::observation::PageSeen;

/// What is to be opened, and how.
pub(crate) struct Journey {
    pub method: Method,
    pub url: Url,
    /// Content type and bytes.
    pub body: Option<(String, Bytes)>,
    pub headers: Vec<(String, String)>,
    /// `None`: typed by the person.
    pub source: Option<Source>,
    pub embedded: bool,
    /// See [`crate::agent::Navigation::says`].
    pub says: Option<String>,
    pub stops: Vec<Stop>,
    pub kind: Kind,
}

/// What sort of navigation it is.
pub(crate) enum Kind {
    /// A person's.
    Open,
    /// A look from outside: keeps no cookie, leaves no origin.
    Peek {
        /// Names of cookies that stay behind.
        without: Vec<String>,
    },
}

/// Where it came to rest.
pub(crate) struct Rest {
    pub page: Page,
    pub policy: Policy,
    /// Pages that were shown on the way.
    pub passed: Vec<PageSeen>,
}

/// Where and why it came to nothing.
pub(crate) struct Lost {
    pub error: AgentError,
    pub seen: PageSeen,
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}

impl Core {
    pub(crate) async fn travel(&self, mut journey: Journey, cause: &Cause) -> Result<Rest, Box<Lost>> {
        let mut chain = Chain::from(journey.source.as_ref());
        let mut scratch = match journey.kind {
            Kind::Peek { .. } => Some(self.jar().clone()),
            Kind::Open => None,
        };
        let mut passed = Vec::new();
        let mut redirects = 0;
        loop {
            let (mut seen, arrived) = self.request(&journey, &mut chain, &mut scratch, cause).await?;
            let Some(response) = arrived else {
                let page = Page { seen, stopped_at: None, redirects, forms: None };
                return Ok(Rest { page, policy: Policy::default(), passed });
            };
            let redirect = redirect_target(&response, &journey.url);
            let looked = if redirect.is_some() { Look::default() } else { look(&response, &journey.url) };
            let refresh = looked.refresh.clone().filter(|_| !journey.embedded && matches!(journey.kind, Kind::Open));
            let post = if redirect.is_none() { self.posts_itself(&looked, &journey) } else { None };
            seen.text = looked.text;
            let rest = |seen: PageSeen, stopped_at: Option<&Url>| {
                let page =
                    Page { seen, stopped_at: stopped_at.map(Url::to_string), redirects, forms: looked.forms.clone() };
                Rest { page, policy: looked.policy, passed: Vec::new() }
            };
            let posted = post.as_ref().map(|filled| filled.action.clone());
            let Some(next) = redirect.clone().or(posted).or(refresh) else {
                return Ok(Rest { passed, ..rest(seen, None) });
            };
            let leaves = matches!(journey.kind, Kind::Peek { .. }) && !same_origin(&next, &journey.url);
            if leaves || journey.stops.iter().any(|stop| stop.matches(&next)) {
                let mut address = next.clone();
                if let Some(filled) = &post {
                    address.query_pairs_mut().extend_pairs(&filled.members);
                }
                return Ok(Rest { passed, ..rest(seen, Some(&address)) });
            }
            redirects += 1;
            if redirects > self.surroundings.limits.redirects {
                let error =
                    AgentError::TooManyRedirects { url: next.to_string(), limit: self.surroundings.limits.redirects };
                return Err(Box::new(Lost { error, seen: unanswered(&seen) }));
            }
            if redirect.is_some() {
                chain.follow(&journey, &response, &next);
                journey.follow(response.status, next);
            } else {
                // The page that was shown causes what comes now.
                journey.source = Some(Source { url: journey.url.clone(), policy: looked.policy });
                chain = Chain::from(journey.source.as_ref());
                passed.push(seen);
                journey.follow(303, next);
                if let Some(filled) = post {
                    let (content_type, body) = form::body(filled.encoding, &filled.members);
                    journey.method = Method::POST;
                    journey.body = Some((content_type, Bytes::from(body)));
                }
            }
        }
    }

    /// The form of a provider's page that a browser with scripts would send by itself: an authorization response in
    /// the mode `form_post`.
    fn posts_itself(&self, looked: &Look, journey: &Journey) -> Option<Filled> {
        let shown = !journey.embedded && matches!(journey.kind, Kind::Open);
        if !shown || !matches!(self.places.party(&journey.url), Party::Provider(_)) {
            return None;
        }
        let wanted = WantedForm::Step("form_post".to_owned());
        let filled = looked.forms.as_ref()?.filled(&wanted, &Submission::default())?;
        (filled.encoding != Encoding::Query).then_some(filled)
    }

    /// One request with everything that a browser puts on it. Without a response: the place is not contacted.
    async fn request(
        &self,
        journey: &Journey,
        chain: &mut Chain,
        scratch: &mut Option<super::jar::Jar>,
        cause: &Cause,
    ) -> Result<(PageSeen, Option<Arc<Response>>), Box<Lost>> {
        let url = &journey.url;
        let party = self.places.party(url);
        chain.arrive(journey.source.as_ref(), url);
        let reach = journey.reach();
        let without = match &journey.kind {
            Kind::Peek { without } => without.as_slice(),
            Kind::Open => &[],
        };
        let cookies = match scratch {
            Some(jar) => jar.header(url, reach, without, now()),
            None => self.jar().header(url, reach, without, now()),
        };
        let mut headers = journey.headers(chain, cookies);
        if let Some(chromium) = &self.surroundings.chromium {
            // One browser has one name, whichever way it asks.
            let own = headers.iter_mut().find(|(name, value)| name == "user-agent" && value == USER_AGENT);
            own.into_iter().for_each(|(_, value)| chromium.user_agent().clone_into(value));
        }
        if let (Some(tag), Party::Provider(_)) = (&self.surroundings.tag, party) {
            set(&mut headers, tag.header, (tag.value)(&self.name, &cause.tab));
        }
        let body = journey.body.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        let request = Arc::new(Request {
            method: journey.method.to_string(),
            url: told(url),
            headers: headers.clone(),
            body: body.clone(),
        });
        let mut seen = PageSeen {
            seq: 0,
            url: url.to_string(),
            request: Arc::clone(&request),
            response: Arc::default(),
            text: String::new(),
            site: self.places.word(url).to_owned(),
        };
        let contacted = self.places.may_contact(url) && matches!(url.scheme(), "http" | "https");
        if contacted && url.scheme() != "http" && self.surroundings.tls.is_none() {
            let why =
                "this run speaks plain http only\n  help: add --tls, or give the manifest http URLs on this machine";
            return Err(Box::new(Lost { error: AgentError::BadUrl { url: told(url), why: why.to_owned() }, seen }));
        }
        let begun = self.record.begin(&self.surroundings.sequence, party, cause, request);
        seen.seq = begun.seq;
        if !contacted {
            self.record.end(&begun, None, Some("not sent: the place is none that the run may contact".to_owned()));
            return Ok((seen, None));
        }
        let to_provider = matches!(party, Party::Provider(_));
        let tls = self.surroundings.tls.clone().map(|client| (client, to_provider));
        let outgoing = Outgoing { method: journey.method.clone(), url: url.clone(), headers, body, tls };
        // Only toward the provider, which is known to keep its connections, and only for what can do no harm.
        let may_reuse =
            to_provider && matches!(journey.kind, Kind::Open) && journey.method == Method::GET && !journey.embedded;
        match ask(&outgoing, may_reuse.then_some(&self.idle), &self.surroundings.limits).await {
            Ok(response) => {
                for (_, value) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
                    let reach = if journey.embedded { reach } else { Reach::SameSite };
                    match scratch {
                        Some(jar) => jar.take(url, value, reach, now()),
                        None => self.jar().take(url, value, reach, now()),
                    }
                }
                let response = Arc::new(response);
                self.record.end(&begun, Some(Arc::clone(&response)), None);
                seen.response = Arc::clone(&response);
                Ok((seen, Some(response)))
            }
            Err(Failure { error, fragment }) => {
                self.record.end(&begun, fragment.map(Arc::new), Some(error.to_string()));
                Err(Box::new(Lost { error, seen }))
            }
        }
    }
}

/// The page of a navigation that came to nothing shows only where it was going.
fn unanswered(seen: &PageSeen) -> PageSeen {
    PageSeen { response: Arc::default(), text: String::new(), ..seen.clone() }
}

/// A URL as a server sees it.
fn told(url: &Url) -> String {
    url.as_str().split('#').next().unwrap_or_default().to_owned()
}

/// Where a redirect leads; an answer whose `Location` nobody can read is shown as it is.
fn redirect_target(response: &Response, url: &Url) -> Option<Url> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let mut next = url.join(header(&response.headers, "location")?).ok()?;
    if next.fragment().is_none() {
        next.set_fragment(url.fragment());
    }
    Some(next)
}

impl Journey {
    /// Method and body of the next request (Fetch, "HTTP-redirect fetch").
    fn follow(&mut self, status: u16, next: Url) {
        let becomes_get = match status {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
        }
        // What a script put on a request does not follow it to another origin.
        if !same_origin(&self.url, &next) {
            self.headers.clear();
        }
        self.url = next;
    }
}

//! The browser as the harness holds it: tabs over one jar, one record, one navigation at a time in each tab.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Method;
use tokio::sync::watch;
use url::Url;

use super::chromium::Window;
use super::form::{self, Encoding};
use super::html;
use super::jar::Jar;
use super::journey::{Journey, Kind, Lost, Rest, now};
use super::record::Record;
use super::referrer::Policy;
use super::request::Source;
use super::site::{Places, Stop, same_origin};
use super::wire::Idle;
use super::{AgentError, Initiator, Navigation, Page, Submission, Surroundings, WantedForm};
use crate::model::exchange::{Cause, Exchange};
use crate::model::observation::{CookieSeen, PageSeen};

/// A browser: a jar and tabs. Clones are the same browser.
#[derive(Clone)]
pub struct Browser {
    core: Arc<Core>,
}

/// What the clones of a browser share.
pub(crate) struct Core {
    pub(crate) name: String,
    pub(crate) surroundings: Surroundings,
    pub(crate) places: Places,
    pub(crate) jar: Mutex<Jar>,
    pub(crate) idle: Idle,
    pub(crate) record: Record,
    pub(crate) window: Option<Window>,
    tabs: Mutex<HashMap<String, Tab>>,
    pages: Mutex<Vec<PageSeen>>,
}

#[derive(Default)]
struct Tab {
    shown: Option<Shown>,
    before: Option<Page>,
}

#[derive(Clone)]
struct Shown {
    page: Page,
    policy: Policy,
}

impl Core {
    pub(crate) fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tabs(&self) -> MutexGuard<'_, HashMap<String, Tab>> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages(&self) -> MutexGuard<'_, Vec<PageSeen>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Travels, and leaves the tab showing what came of it.
    async fn go(self: &Arc<Self>, tab: &str, journey: Journey, cause: &Cause) -> Result<Page, AgentError> {
        let embedded = journey.embedded;
        let came = match &self.window {
            Some(window) if !embedded => {
                window.travel(self, tab, journey, cause).await.map_err(|error| Box::new(self.lost(error)))
            }
            _ => self.travel(journey, cause).await,
        };
        self.arrive(tab, embedded, came)
    }

    /// Chromium shows a page that did not come as it does; what is known of it is in the record.
    fn lost(&self, error: AgentError) -> Lost {
        let last = self.record.all().pop();
        let seen = last.map(|exchange| PageSeen {
            seq: exchange.seq,
            site: Url::parse(&exchange.request.url).map(|url| self.places.word(&url).to_owned()).unwrap_or_default(),
            url: exchange.request.url.clone(),
            request: exchange.request,
            ..PageSeen::default()
        });
        Lost { error, seen: seen.unwrap_or_default() }
    }

    fn arrive(&self, tab: &str, embedded: bool, came: Result<Rest, Box<Lost>>) -> Result<Page, AgentError> {
        // What a page embeds does not take its place.
        if embedded {
            return came.map(|rest| rest.page).map_err(|lost| lost.error);
        }
        match came {
            Ok(Rest { page, policy, passed }) => {
                self.pages().extend(passed);
                if page.stopped_at.is_some() {
                    self.stay(tab, &page, policy);
                } else {
                    self.pages().push(page.seen.clone());
                    self.show(tab, Shown { page: page.clone(), policy });
                }
                Ok(page)
            }
            Err(lost) => {
                let Lost { error, seen } = *lost;
                let page = Page { seen: PageSeen { text: error.to_string(), ..seen }, ..Page::default() };
                self.show(tab, Shown { page, policy: Policy::default() });
                Err(error)
            }
        }
    }

    fn show(&self, tab: &str, shown: Shown) {
        let mut tabs = self.tabs();
        let tab = tabs.entry(tab.to_owned()).or_default();
        tab.before = tab.shown.take().map(|old| old.page);
        tab.shown = Some(shown);
    }

    /// The tab goes on showing its page, and knows where it was kept from going.
    fn stay(&self, tab: &str, page: &Page, policy: Policy) {
        let mut tabs = self.tabs();
        let shown = &mut tabs.entry(tab.to_owned()).or_default().shown;
        match shown {
            Some(shown) => shown.page.stopped_at.clone_from(&page.stopped_at),
            None => *shown = Some(Shown { page: page.clone(), policy }),
        }
    }

    fn source(&self, tab: &str) -> Option<Source> {
        let shown = self.tabs().get(tab)?.shown.clone()?;
        Some(Source { url: Url::parse(&shown.page.seen.url).ok()?, policy: shown.policy })
    }
}

impl Browser {
    /// With an empty jar.
    pub fn new(name: &str, surroundings: Surroundings) -> Browser {
        let places = Places::new(&surroundings.origins);
        let window = surroundings.chromium.clone().map(Window::new);
        Browser {
            core: Arc::new(Core {
                name: name.to_owned(),
                surroundings,
                places,
                jar: Mutex::default(),
                idle: Idle::default(),
                record: Record::default(),
                window,
                tabs: Mutex::default(),
                pages: Mutex::default(),
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Opens something in a tab and follows redirects (HTTP and meta refresh) until it rests.
    ///
    /// # Errors
    /// No page came of it. What was exchanged until then is written down all the same.
    pub async fn open(&self, tab: &str, navigation: Navigation, cause: &Cause) -> Result<Page, AgentError> {
        let journey = self.journey(tab, navigation)?;
        self.core.go(tab, journey, cause).await
    }

    /// Fills in and sends a form of the page that the tab shows.
    ///
    /// # Errors
    /// No such form, or no page came of it.
    pub async fn submit(
        &self,
        tab: &str,
        wanted: &WantedForm,
        submission: &Submission,
        stop_before: Vec<String>,
        cause: &Cause,
    ) -> Result<Page, AgentError> {
        let no_form = |url: &str| AgentError::NoForm { url: url.to_owned(), wanted: wanted.words() };
        let page = self.page(tab).ok_or_else(|| no_form(&format!("the empty tab `{tab}`")))?;
        if let Some(window) = &self.core.window {
            let came = window.submit(&self.core, tab, (wanted, submission), &stop_before, cause).await;
            return match came {
                Err(error @ AgentError::NoForm { .. }) => Err(error),
                came => self.core.arrive(tab, false, came.map_err(|error| Box::new(self.core.lost(error)))),
            };
        }
        let forms = page.forms.as_ref();
        let filled = forms
            .and_then(|forms| forms.filled(wanted, submission))
            .ok_or_else(|| no_form(page.seen.url.split(['?', '#']).next().unwrap_or_default()))?;
        let mut url = filled.action;
        let (method, body) = if filled.encoding == Encoding::Query {
            url.set_query(Some(&form::urlencoded(&filled.members)));
            (Method::GET, None)
        } else {
            let (content_type, body) = form::body(filled.encoding, &filled.members);
            (Method::POST, Some((content_type, Bytes::from(body))))
        };
        let journey = Journey {
            method,
            url,
            body,
            headers: Vec::new(),
            source: self.core.source(tab),
            embedded: false,
            says: None,
            stops: Stop::list(&stop_before),
            kind: Kind::Open,
        };
        self.core.go(tab, journey, cause).await
    }

    /// One request on a connection of its own with this browser's cookies; follows redirects within the origin only,
    /// keeps no cookie that comes back. For probes.
    ///
    /// # Errors
    /// No page came of it.
    pub async fn peek(&self, url: &str, without_cookies: &[String], cause: &Cause) -> Result<Page, AgentError> {
        let navigation = Navigation { url: url.to_owned(), ..Navigation::default() };
        let journey =
            Journey { kind: Kind::Peek { without: without_cookies.to_vec() }, ..self.journey(&cause.tab, navigation)? };
        self.core.travel(journey, cause).await.map(|rest| rest.page).map_err(|lost| lost.error)
    }

    fn journey(&self, tab: &str, navigation: Navigation) -> Result<Journey, AgentError> {
        let Navigation { url: raw, method, mut headers, form, initiator, embedded, says, stop_before } = navigation;
        let bad = |why: String| AgentError::BadUrl { url: raw.clone(), why };
        let mut url = Url::parse(&raw).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad(format!("`{}` is no scheme that a person opens; help: use http", url.scheme())));
        }
        let method = if method.is_empty() { "GET" } else { method.as_str() };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| bad(format!("`{}` is no method", method.escape_debug())))?;
        let body = match form {
            Some(members) if method == Method::GET || method == Method::HEAD => {
                if !members.is_empty() {
                    url.query_pairs_mut().extend_pairs(&members);
                }
                None
            }
            Some(members) => {
                let (content_type, body) = form::body(Encoding::UrlEncoded, &members);
                Some((content_type, Bytes::from(body)))
            }
            None => None,
        };
        let source = match initiator {
            Initiator::Typed => None,
            Initiator::Page => self.core.source(tab),
            Initiator::Site(origin) => {
                let url = Url::parse(&origin)
                    .map_err(|error| AgentError::BadUrl { url: origin.clone(), why: error.to_string() })?;
                Some(Source { url, policy: Policy::default() })
            }
        };
        // Only the browser itself says for whom it asks, and only to the provider.
        if let Some(tag) = &self.core.surroundings.tag {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case(tag.header));
        }
        let stops = Stop::list(&stop_before);
        Ok(Journey { method, url, body, headers, source, embedded, says, stops, kind: Kind::Open })
    }

    /// The page that the tab shows. Where `stop_before` ended the last navigation it is the page before it, with
    /// [`Page::stopped_at`].
    pub fn page(&self, tab: &str) -> Option<Page> {
        self.core.tabs().get(tab).and_then(|tab| tab.shown.as_ref().map(|shown| shown.page.clone()))
    }

    /// The page before it.
    pub fn page_before(&self, tab: &str) -> Option<Page> {
        self.core.tabs().get(tab).and_then(|tab| tab.before.clone())
    }

    /// Every page that the browser came to rest on, in order.
    pub fn pages(&self) -> Vec<PageSeen> {
        self.core.pages().clone()
    }

    /// The scripts that its pages load from their own origins, fetched once each as a look from outside, so many at
    /// most. The first that never comes, or more bytes than one body may have, end the look: each of the others could
    /// cost as much again.
    pub async fn scripts(&self, most: usize, cause: &Cause) -> Vec<PageSeen> {
        let mut wanted: Vec<Url> = Vec::new();
        for page in self.pages() {
            let Ok(url) = Url::parse(&page.url) else { continue };
            let own = html::scripts(&page.response, &url).into_iter().filter(|script| same_origin(script, &url));
            for script in own {
                if !wanted.contains(&script) && wanted.len() < most {
                    wanted.push(script);
                }
            }
        }
        let mut scripts: Vec<PageSeen> = Vec::new();
        let mut bytes = 0;
        for script in wanted {
            let Ok(page) = self.peek(script.as_str(), &[], cause).await else { break };
            bytes += page.seen.response.body.len();
            scripts.push(page.seen);
            if bytes > self.core.surroundings.limits.body {
                break;
            }
        }
        scripts
    }

    /// Counts what happens in its pages by itself, without a navigation that somebody waits for; `None` where nothing
    /// does, since no script runs.
    pub fn stirring(&self) -> Option<watch::Receiver<u64>> {
        self.core.window.as_ref()?.stirring()
    }

    /// Everything it exchanged, in order.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.core.record.all()
    }

    /// Cookies that would go to `url` (of every path where it is a bare origin), or all.
    pub fn cookies(&self, url: Option<&str>) -> Vec<CookieSeen> {
        self.core.jar().seen(url, now())
    }

    /// Sets a cookie as if `url` had set it: gives those of that name that would go there this value, else makes one.
    pub fn set_cookie(&self, url: &str, name: &str, value: &str) {
        self.core.jar().set(url, name, value, now());
        self.core.window.iter().for_each(Window::cookies_changed);
    }

    /// Puts a cookie into the jar as it stands.
    pub fn plant(&self, cookie: &CookieSeen) {
        self.core.jar().plant(cookie, now());
        self.core.window.iter().for_each(Window::cookies_changed);
    }

    /// Forgets cookies: by name, or all; with `origin` only those of that origin, whatever their path.
    pub fn drop_cookies(&self, name: Option<&str>, origin: Option<&str>) {
        self.core.jar().forget(name, origin);
        self.core.window.iter().for_each(Window::cookies_changed);
    }
}

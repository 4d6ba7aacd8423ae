//! The user's browser that the harness drives. It knows sites, cookies, redirects and forms, and nothing of cases.

use std::sync::Arc;
use std::time::Duration;

use crate::model::exchange::{Cause, Exchange, Party, Sequence};
use crate::model::observation::{CookieSeen, PageSeen};

/// What all browsers of an attempt have in common.
#[derive(Clone)]
pub struct Surroundings {
    /// Orders exchanges among those of the provider.
    pub sequence: Sequence,
    /// Which origin (`http://localhost:9400`) is whose.
    pub origins: Vec<(String, Party)>,
    /// The tag for requests toward an issuer: header name, and the value for (browser, tab).
    pub tag: Option<Tag>,
    /// Bounds.
    pub limits: Limits,
}

/// Header name and the value for (browser, tab).
#[derive(Clone)]
pub struct Tag {
    /// Lower case.
    pub header: &'static str,
    /// Value for (browser, tab).
    pub value: TagValue,
}

/// Gives the tag for (browser, tab).
pub type TagValue = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// What the browser bears.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Redirects in one navigation.
    pub redirects: usize,
    /// Bytes of one body.
    pub body: usize,
    /// Until the headers and body of one answer are there.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { redirects: 20, body: 4 << 20, answer: Duration::from_secs(35) }
    }
}

/// Which site causes a navigation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Initiator {
    /// Typed by the person: no Referer, same-site for cookies.
    #[default]
    Typed,
    /// The page that this tab shows.
    Page,
    /// A page of that origin.
    Site(String),
}

/// What a browser is asked to open.
#[derive(Debug, Clone, Default)]
pub struct Navigation {
    /// Absolute URL, as it stands.
    pub url: String,
    /// `GET` when empty.
    pub method: String,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// Form members, sent form-encoded.
    pub form: Option<Vec<(String, String)>>,
    /// What causes it.
    pub initiator: Initiator,
    /// How: a top-level navigation when `false`, otherwise a subresource, frame or fetch (SameSite rules differ).
    pub embedded: bool,
    /// Do not open these (compared without query and fragment); the navigation ends before.
    pub stop_before: Vec<String>,
}

/// Where a navigation came to rest.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What is shown.
    pub seen: PageSeen,
    /// The URL that `stop_before` kept the browser from opening.
    pub stopped_at: Option<String>,
    /// How many redirects were followed.
    pub redirects: usize,
}

/// Why a navigation came to no page.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// No connection.
    #[error("cannot connect to {url}: {why}")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The connection broke or the answer is not HTTP.
    #[error("{url} gave no usable answer: {why}")]
    Broken {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// No answer in time.
    #[error("{url} gave no answer within {seconds} s")]
    Timeout {
        /// Where.
        url: String,
        /// How long.
        seconds: u64,
    },
    /// More than the limit.
    #[error("{url} answered more than {limit} bytes")]
    TooLarge {
        /// Where.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// A loop.
    #[error("more than {limit} redirects, the last to {url}")]
    TooManyRedirects {
        /// The last target.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// There is no such form.
    #[error("{url} shows no form {wanted}")]
    NoForm {
        /// Where.
        url: String,
        /// Which.
        wanted: String,
    },
    /// Not a URL.
    #[error("`{url}` is not a URL that a browser can open: {why}")]
    BadUrl {
        /// What.
        url: String,
        /// Why.
        why: String,
    },
}

/// A browser: a jar and tabs. Clones are the same browser.
#[derive(Clone)]
pub struct Browser {}

impl Browser {
    /// With an empty jar.
    pub fn new(name: &str, surroundings: Surroundings) -> Browser {
        let _ = (name, surroundings);
        todo!()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        todo!()
    }

    /// Opens something in a tab and follows redirects (HTTP and meta refresh) until it rests.
    ///
    /// # Errors
    /// No page came of it. What was exchanged until then is written down all the same.
    pub async fn open(&self, tab: &str, navigation: Navigation, cause: &Cause) -> Result<Page, AgentError> {
        let _ = (tab, navigation, cause);
        todo!()
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
        let _ = (tab, wanted, submission, stop_before, cause);
        todo!()
    }

    /// One request on a connection of its own with this browser's cookies; follows redirects within the origin only,
    /// keeps no cookie that comes back. For probes.
    ///
    /// # Errors
    /// No page came of it.
    pub async fn peek(&self, url: &str, without_cookies: &[String], cause: &Cause) -> Result<Page, AgentError> {
        let _ = (url, without_cookies, cause);
        todo!()
    }

    /// The page that the tab shows.
    pub fn page(&self, tab: &str) -> Option<Page> {
        let _ = tab;
        todo!()
    }

    /// The page before it.
    pub fn page_before(&self, tab: &str) -> Option<Page> {
        let _ = tab;
        todo!()
    }

    /// Every page that the browser came to rest on, in order.
    pub fn pages(&self) -> Vec<PageSeen> {
        todo!()
    }

    /// Everything it exchanged, in order.
    pub fn exchanges(&self) -> Vec<Exchange> {
        todo!()
    }

    /// Cookies that would go to `url`, or all.
    pub fn cookies(&self, url: Option<&str>) -> Vec<CookieSeen> {
        let _ = url;
        todo!()
    }

    /// Sets a cookie as if `url` had set it.
    pub fn set_cookie(&self, url: &str, name: &str, value: &str) {
        let _ = (url, name, value);
        todo!()
    }

    /// Puts a cookie into the jar as it stands.
    pub fn plant(&self, cookie: &CookieSeen) {
        let _ = cookie;
        todo!()
    }

    /// Forgets cookies: by name, or all; with `origin` only those that would go there.
    pub fn drop_cookies(&self, name: Option<&str>, origin: Option<&str>) {
        let _ = (name, origin);
        todo!()
    }
}

/// What is written into a form before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// Replace or add members (a name given several times replaces all of that name); others keep their defaults,
    /// unnamed check boxes stay as they are.
    pub values: Vec<(String, String)>,
    /// Members that are not sent at all.
    pub without: Vec<String>,
}

/// The members that a form would send as it stands.
pub fn form_defaults(page: &Page, wanted: &WantedForm) -> Option<Vec<(String, String)>> {
    let _ = (page, wanted);
    todo!()
}

/// Which form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedForm {
    /// The first.
    First,
    /// The one with `data-step="…"` (the provider's own pages).
    Step(String),
    /// The first one that has a member of that name.
    WithMember(String),
}

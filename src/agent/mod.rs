//! The user's browser that the harness drives. It knows sites, cookies, redirects and forms, and nothing of cases.
//!
//! There are two engines behind one [`Browser`]: one that speaks HTTP/1.1 itself and runs no script, and a real Chromium
//! for partners that need scripts. Each contacts this machine and the origins that it is told are
//! somebody's, nothing else: a navigation that leads elsewhere rests on a page without an answer (status 0).

mod browser;
mod chromium;
mod form;
mod html;
mod jar;
mod journey;
mod look;
mod record;
mod referrer;
mod request;
mod set_cookie;
mod site;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use crate::model::exchange::{Party, Sequence};
use crate::model::observation::PageSeen;
use crate::tls;

use form::Forms;

pub use browser::Browser;
pub(crate) use browser::Core;
pub use chromium::{Chromium, ChromiumError};
pub(crate) use site::is_loopback;

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
    /// For https: whom it trusts. Without it the browser speaks plain http only.
    pub tls: Option<tls::Client>,
    /// Navigations are Chromium's; without it the browser speaks HTTP itself.
    pub chromium: Option<Arc<Chromium>>,
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
    /// Extra headers; they replace the browser's own of that name, and stay behind at a redirect to another origin.
    pub headers: Vec<(String, String)>,
    /// Form members, sent form-encoded.
    pub form: Option<Vec<(String, String)>>,
    /// What causes it.
    pub initiator: Initiator,
    /// How: a top-level navigation when `false`, otherwise a subresource, frame or fetch (SameSite rules differ).
    pub embedded: bool,
    /// The site opens it in a window of its own, and posts this to the window and to every frame in it once it rests;
    /// with [`Initiator::Site`], in Chromium.
    pub says: Option<String>,
    /// Do not open these when redirected there (compared without query and fragment; a bare origin stands for all of
    /// it); the navigation ends before.
    pub stop_before: Vec<String>,
}

/// Where a navigation came to rest.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What is shown. Status 0: nobody was asked, because the place is none that the run may contact.
    pub seen: PageSeen,
    /// The URL that `stop_before` kept the browser from opening; then `seen` is the redirecting answer. Where a page
    /// would have posted a form there, its members stand in the query. For a peek: the redirect that led off the origin.
    pub stopped_at: Option<String>,
    /// How many redirects were followed.
    pub redirects: usize,
    /// Those of the page as it is shown: as scripts have made it, where a real browser ran them.
    pub(crate) forms: Option<Arc<Forms>>,
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
    /// The browser itself fails: nothing is known of the partner.
    #[error("the browser fails: {why}")]
    Engine {
        /// Why.
        why: String,
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

/// What is written into a form before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// Replace or add members (a name given several times replaces all of that name); others keep their defaults,
    /// unnamed check boxes stay as they are. Naming a button's member with its value presses that button; else the first
    /// one is pressed.
    pub values: Vec<(String, String)>,
    /// Members that are not sent at all.
    pub without: Vec<String>,
}

/// The members that a form would send as it stands.
pub fn form_defaults(page: &Page, wanted: &WantedForm) -> Option<Vec<(String, String)>> {
    let filled = page.forms.as_ref()?.filled(wanted, &Submission::default())?;
    Some(filled.members)
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

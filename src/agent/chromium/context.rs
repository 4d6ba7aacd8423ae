//! A browser context: cookies and storage of one person's browser, and its tabs. Here a navigation begins, and is waited
//! for until the tab rests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use url::Url;

use super::connection::{Attached, CommandError, Connection, text};
use super::script;
use super::tab::Tab;
use super::target::Target;
use super::traffic;
use super::voyage::Voyage;
use crate::agent::form::Forms;
use crate::agent::html::is_html;
use crate::agent::journey::{Journey, Rest};
use crate::agent::referrer::Policy;
use crate::agent::site::Stop;
use crate::agent::{AgentError, Core, Page, Submission, WantedForm};
use crate::model::exchange::Cause;
use crate::model::observation::PageSeen;

/// A page that is there rests when nothing has come of what its scripts ask for in so long: some requests never end.
const RESTLESS: Duration = Duration::from_secs(5);

type Outcome<T> = Result<T, AgentError>;
type Answer = Result<Json, CommandError>;
/// The page that was told to go somewhere, and what it will say of it.
type Navigated = (Arc<Target>, oneshot::Receiver<Answer>);

/// Cookies, storage and tabs.
pub(super) struct Context {
    pub id: String,
    pub connection: Connection,
    tabs: Mutex<HashMap<String, Arc<Tab>>>,
    /// The tab for the page that is being made.
    next: Arc<Mutex<Option<Arc<Tab>>>>,
    making: tokio::sync::Mutex<()>,
    changed: watch::Sender<u64>,
}

impl Context {
    /// An empty one.
    pub(super) async fn open(connection: Connection, core: Weak<Core>) -> Outcome<Context> {
        let made = connection.call(None, "Target.createBrowserContext", json!({ "disposeOnDetach": true })).await?;
        let id = text(&made["browserContextId"]);
        connection.tell(None, "Browser.setDownloadBehavior", json!({ "behavior": "deny", "browserContextId": id }));
        let pages = connection.pages_of(&id);
        let (changed, _) = watch::channel(0);
        let next = Arc::default();
        tokio::spawn(attend(connection.clone(), pages, Arc::clone(&next), changed.clone(), core));
        Ok(Context { id, connection, tabs: Mutex::default(), next, making: tokio::sync::Mutex::default(), changed })
    }

    /// Tells of everything that happens in its pages.
    pub(super) fn stirring(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The tab of that name, with a page in it.
    async fn tab(&self, name: &str) -> Outcome<Arc<Tab>> {
        let tab = {
            let mut tabs = self.tabs.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tabs.entry(name.to_owned()).or_default())
        };
        let _one_at_a_time = self.making.lock().await;
        if tab.top().is_none() {
            *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tab));
            let mut changed = self.changed.subscribe();
            let blank = json!({ "url": "about:blank", "browserContextId": self.id });
            self.connection.call(None, "Target.createTarget", blank).await?;
            while tab.top().is_none() {
                if changed.changed().await.is_err() {
                    return Err(CommandError::Ended.into());
                }
            }
        }
        Ok(tab)
    }

    pub(super) async fn travel(&self, core: &Arc<Core>, name: &str, journey: Journey, cause: &Cause) -> Outcome<Rest> {
        let tab = self.tab(name).await?;
        // A person who goes somewhere else looks at the tab itself: its pop-ups are left behind.
        let page = self.leave_popups(&tab)?;
        let posts = journey.body.is_some();
        let simple = matches!(journey.method.as_str(), "GET" | "POST");
        let voyage = Voyage {
            cause: cause.clone(),
            stops: journey.stops,
            method: (!simple || (journey.method == "POST" && !posts)).then(|| journey.method.to_string()),
            headers: journey.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect(),
            ..Voyage::default()
        };
        let mut url = journey.url.to_string();
        let from = match (&journey.source, posts) {
            (Some(source), _) => Some(source.url.to_string()),
            (None, true) => Some(traffic::own_page(&journey.url)),
            (None, false) => None,
        };
        if let Some(mut from) = from {
            if from == url {
                from.push('?');
            }
            let members: Option<Vec<(String, String)>> =
                journey.body.as_ref().map(|(_, bytes)| url::form_urlencoded::parse(bytes).into_owned().collect());
            let page = match journey.says {
                Some(_) => script::window(&url),
                None => script::lure(&url, members.as_deref()),
            };
            voyage.course().lure = Some((from.clone(), page));
            url = from;
        }
        let voyage = Arc::new(voyage);
        let shown = page.state().shown.as_ref().map(|shown| shown.url.clone()).unwrap_or_default();
        if is_place_in(&url, &shown) {
            self.go(core, &tab, &page, "about:blank", Arc::default()).await?;
        }
        self.go(core, &tab, &page, &url, Arc::clone(&voyage)).await?;
        if let Some(words) = &journey.says {
            page.evaluate(&script::say(words)).await?;
            self.rest(core, &tab, &voyage, None).await?;
        }
        self.came_to(&tab, &voyage).await
    }

    /// Opens an address in a page and waits until it rests.
    async fn go(&self, core: &Arc<Core>, tab: &Tab, page: &Arc<Target>, url: &str, voyage: Arc<Voyage>) -> Outcome<()> {
        tab.begin(Arc::clone(&voyage));
        page.state().loading = true;
        let navigated = self.connection.send(Some(&page.session), "Page.navigate", json!({ "url": url }));
        self.rest(core, tab, &voyage, Some((Arc::clone(page), navigated))).await
    }

    fn leave_popups(&self, tab: &Tab) -> Outcome<Arc<Target>> {
        let pages = tab.pages();
        let Some((first, popups)) = pages.split_first() else { return Err(CommandError::Ended.into()) };
        for popup in popups {
            self.connection.tell(None, "Target.closeTarget", json!({ "targetId": popup.id }));
            tab.remove(&popup.id);
        }
        Ok(Arc::clone(first))
    }

    pub(super) async fn submit(
        &self,
        core: &Arc<Core>,
        name: &str,
        (wanted, submission): (&WantedForm, &Submission),
        stop_before: &[String],
        cause: &Cause,
    ) -> Outcome<Rest> {
        let tab = self.tab(name).await?;
        let Some(page) = tab.top() else { return Err(CommandError::Ended.into()) };
        let voyage = Voyage { cause: cause.clone(), stops: Stop::list(stop_before), ..Voyage::default() };
        let voyage = Arc::new(voyage);
        tab.begin(Arc::clone(&voyage));
        // No answer means that the page went away, by this very form.
        if page.evaluate(&script::submit(wanted, submission)).await? == Some(Json::Bool(false)) {
            let url = page.state().shown.as_ref().map(|shown| shown.url.clone()).unwrap_or_default();
            let url = url.split(['?', '#']).next().unwrap_or_default().to_owned();
            return Err(AgentError::NoForm { url, wanted: wanted.words() });
        }
        self.rest(core, &tab, &voyage, None).await?;
        self.came_to(&tab, &voyage).await
    }

    /// Waits until every page of a tab rests, or the navigation has come to its end otherwise.
    async fn rest(&self, core: &Arc<Core>, tab: &Tab, voyage: &Voyage, navigated: Option<Navigated>) -> Outcome<()> {
        let limits = core.surroundings.limits;
        let mut changed = self.changed.subscribe();
        let mut navigated = navigated;
        let mut asked = 0;
        let mut until = Instant::now() + limits.answer;
        // Since when nothing has come of what is under way, by the count of what has.
        let mut restless: Option<(u64, Instant)> = None;
        loop {
            changed.mark_unchanged();
            if voyage.is_over() {
                break;
            }
            let requests = voyage.course().requests;
            if requests != asked {
                (asked, until) = (requests, Instant::now() + limits.answer);
            }
            let pages = tab.pages();
            if pages.is_empty() {
                return Err(CommandError::Ended.into());
            }
            let loaded = pages.iter().all(|page| page.is_idle(false));
            if !loaded {
                restless = None;
            }
            let activity = || pages.iter().map(|page| page.state().activity).sum::<u64>();
            let before = activity();
            if restless.is_none_or(|(count, _)| count != before) {
                restless = loaded.then(|| (before, Instant::now()));
            }
            let patient = restless.is_some_and(|(_, since)| since + RESTLESS > Instant::now());
            if pages.iter().all(|page| page.is_idle(patient)) {
                for page in &pages {
                    page.evaluate(script::TURN).await?;
                }
                let idle = tab.pages().iter().all(|page| page.is_idle(patient));
                if voyage.is_over() || (idle && (!patient || activity() == before)) {
                    break;
                }
                if Instant::now() < until {
                    continue;
                }
            }
            let waking = restless.map_or(until, |(_, since)| until.min(since + RESTLESS));
            tokio::select! {
                told = changed.changed() => if told.is_err() { return Err(CommandError::Ended.into()) },
                answer = arrival(&mut navigated) => refused(answer, voyage)?,
                () = tokio::time::sleep_until(waking) => {
                    if Instant::now() >= until {
                        Context::give_up(tab, voyage, &limits);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// No answer in time; a page that is there but not all of it rests as it is.
    fn give_up(tab: &Tab, voyage: &Voyage, limits: &crate::agent::Limits) {
        for page in tab.pages() {
            page.tell("Page.stopLoading", json!({}));
            let waiting = {
                let mut state = page.state();
                (state.loading, state.pending) = (false, false);
                state.inflight.clear();
                state.open.values().find(|open| open.is_main()).map(|open| open.url().to_owned())
            };
            if let Some(url) = waiting {
                voyage.fail(AgentError::Timeout { url, seconds: limits.answer.as_secs() });
            }
        }
    }

    async fn came_to(&self, tab: &Tab, voyage: &Voyage) -> Outcome<Rest> {
        let (stopped, error, mut passed, asked) = {
            let mut course = voyage.course();
            let shown = std::mem::take(&mut course.shown);
            (course.stopped.take(), course.error.take(), shown, course.requests)
        };
        if let Some(error) = error {
            return Err(error);
        }
        let redirects = asked.saturating_sub(1);
        let rest = |seen: PageSeen, forms: Option<Arc<Forms>>, stopped_at: Option<String>, passed: Vec<PageSeen>| {
            Rest { page: Page { seen, stopped_at, redirects, forms }, policy: Policy::default(), passed }
        };
        if let Some((seen, address)) = stopped {
            return Ok(rest(seen, None, Some(address), passed));
        }
        let Some(top) = tab.top() else { return Err(CommandError::Ended.into()) };
        let looked = top.evaluate(script::LOOK).await?;
        let mut seen = top.state().shown.clone().unwrap_or_default();
        passed.retain(|page| page.seq != seen.seq);
        let mut forms = None;
        if let (Some(looked), true) = (looked, seen.response.status != 0) {
            let (own, shown) = (Url::parse(&seen.url), Url::parse(looked["url"].as_str().unwrap_or_default()));
            // What a browser shows instead of a page has another origin.
            if let (Ok(own), Ok(shown)) = (own, shown)
                && own.origin() == shown.origin()
            {
                seen.url = shown.to_string();
                if is_html(&seen.response) {
                    seen.text =
                        looked["text"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
                    forms = Some(Arc::new(Forms::read(text(&looked["html"]).as_bytes(), &shown)));
                }
            }
        }
        top.state().shown = Some(seen.clone());
        Ok(rest(seen, forms, None, passed))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        for tab in self.tabs.lock().unwrap_or_else(PoisonError::into_inner).values() {
            tab.clear();
        }
        self.connection.forget(&self.id);
        self.connection.tell(None, "Target.disposeBrowserContext", json!({ "browserContextId": self.id }));
    }
}

/// Whether a browser that shows one address would only go to another place of the same page, and ask nobody.
fn is_place_in(url: &str, shown: &str) -> bool {
    url.split_once('#').is_some_and(|(page, _)| Some(page) == shown.split('#').next())
}

async fn arrival(navigated: &mut Option<Navigated>) -> (Arc<Target>, Answer) {
    match navigated {
        Some((_, receiver)) => {
            let answer = receiver.await.unwrap_or(Err(CommandError::Ended));
            match navigated.take() {
                Some((page, _)) => (page, answer),
                None => std::future::pending().await,
            }
        }
        None => std::future::pending().await,
    }
}

/// What `Page.navigate` says at its end: a page that does not come is not waited for.
fn refused((page, answer): (Arc<Target>, Answer), voyage: &Voyage) -> Outcome<()> {
    let answer = answer?;
    if let Some(why) = answer["errorText"].as_str() {
        page.state().loading = false;
        let course = voyage.course();
        // Asked for nothing at all: the address is none that Chromium opens.
        let nothing = course.requests == 0 && course.stopped.is_none() && course.error.is_none();
        drop(course);
        if nothing {
            voyage.fail(AgentError::Engine { why: format!("Chromium opens no page: {why}") });
        }
    }
    Ok(())
}

/// Sets up each page that comes to be in a context: those that are made for a tab, and those that pages open.
async fn attend(
    connection: Connection,
    mut pages: mpsc::UnboundedReceiver<Attached>,
    next: Arc<Mutex<Option<Arc<Tab>>>>,
    changed: watch::Sender<u64>,
    core: Weak<Core>,
) {
    let mut known: HashMap<String, Weak<Target>> = HashMap::new();
    while let Some(page) = pages.recv().await {
        let opener = page.opener.and_then(|opener| known.get(&opener)?.upgrade());
        let tab = opener
            .map(|opener| Arc::clone(&opener.tab))
            .or_else(|| next.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(tab) = tab else {
            connection.tell(None, "Target.closeTarget", json!({ "targetId": page.target }));
            continue;
        };
        let target =
            Target::new(page.target.clone(), page.session, Arc::clone(&tab), connection.clone(), changed.clone());
        known.insert(page.target, Arc::downgrade(&target));
        tokio::spawn(Arc::clone(&target).watch(core.clone(), page.events));
        // A page that cannot be watched is not used.
        if target.set_up().await.is_ok() {
            tab.push(target);
        }
        changed.send_modify(|count| *count += 1);
    }
}

//! One page of Chromium: what it is busy with, as its events tell. Whether it rests is known from them alone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};

use super::connection::{CommandError, Connection, Event, text};
use super::tab::Tab;
use super::traffic::{self, Open};
use crate::agent::Core;
use crate::model::observation::PageSeen;

/// A refresh that a page asks for later than this is none that a person waits for.
const REFRESH: f64 = 10.0;
/// How long a script may keep a page from answering.
const BUSY: Duration = Duration::from_secs(5);

/// A page.
pub(super) struct Target {
    pub id: String,
    pub session: String,
    pub tab: Arc<Tab>,
    pub connection: Connection,
    /// Counts what happens, in the whole context.
    pub changed: watch::Sender<u64>,
    state: Mutex<State>,
}

/// What is known of it.
#[derive(Default)]
pub(super) struct State {
    /// A document is on its way, or not all of it is there.
    pub loading: bool,
    /// A script or form has asked for another document.
    pub pending: bool,
    /// What scripts and elements have asked for.
    pub inflight: HashSet<String>,
    /// Counts what scripts and elements have asked for and got.
    pub activity: u64,
    /// What it shows.
    pub shown: Option<PageSeen>,
    /// Requests that wait for their answer, by the number of their interception.
    pub open: HashMap<String, Open>,
    /// What really went over the wire, by the request's number: requests and answers in the order of redirects.
    pub sent: HashMap<String, VecDeque<Json>>,
    pub received: HashMap<String, VecDeque<Json>>,
}

impl Target {
    pub(super) fn new(
        id: String,
        session: String,
        tab: Arc<Tab>,
        connection: Connection,
        changed: watch::Sender<u64>,
    ) -> Arc<Target> {
        Arc::new(Target { id, session, tab, connection, changed, state: Mutex::default() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) async fn call(&self, method: &str, params: Json) -> Result<Json, CommandError> {
        self.connection.call(Some(&self.session), method, params).await
    }

    pub(super) fn tell(&self, method: &str, params: Json) {
        self.connection.tell(Some(&self.session), method, params);
    }

    /// Lets nothing pass unseen, and then lets it go.
    pub(super) async fn set_up(&self) -> Result<(), CommandError> {
        let send = |method: &str, params: Json| self.connection.send(Some(&self.session), method, params);
        let everything = json!({ "patterns": [
            { "urlPattern": "*", "requestStage": "Request" }, { "urlPattern": "*", "requestStage": "Response" },
        ]});
        let waiting = [
            send("Network.enable", json!({})),
            send("Network.setCacheDisabled", json!({ "cacheDisabled": true })),
            send("Network.setBypassServiceWorker", json!({ "bypass": true })),
            send("Page.enable", json!({})),
            send("Fetch.enable", everything),
            send("Runtime.runIfWaitingForDebugger", json!({})),
        ];
        for answer in waiting {
            answer.await.unwrap_or(Err(CommandError::Ended))?;
        }
        Ok(())
    }

    /// Follows its events until it is closed.
    pub(super) async fn watch(self: Arc<Self>, core: Weak<Core>, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            if event.method == "Fetch.requestPaused" {
                let Some(core) = core.upgrade() else { break };
                traffic::paused(&core, &self, event.params);
            } else {
                self.heard(&event);
            }
            self.notify();
        }
        self.tab.remove(&self.id);
        self.notify();
    }

    fn heard(&self, event: &Event) {
        let params = &event.params;
        let mine = params["frameId"].as_str() == Some(&self.id);
        let request = || text(&params["requestId"]);
        match event.method.as_str() {
            "Network.requestWillBeSent" => {
                let kind = params["type"].as_str().unwrap_or_default();
                if !matches!(kind, "Document" | "EventSource" | "WebSocket" | "Ping" | "Prefetch") {
                    let mut state = self.state();
                    state.activity += 1;
                    state.inflight.insert(request());
                }
            }
            "Network.loadingFinished" | "Network.loadingFailed" => {
                let mut state = self.state();
                state.activity += 1;
                state.inflight.remove(&request());
            }
            "Network.requestWillBeSentExtraInfo" => {
                self.state().sent.entry(request()).or_default().push_back(params.clone());
            }
            "Network.responseReceivedExtraInfo" => {
                self.state().received.entry(request()).or_default().push_back(params.clone());
            }
            "Page.frameRequestedNavigation" if mine && params["disposition"] == "currentTab" => {
                self.state().pending = true;
            }
            "Page.frameScheduledNavigation" if mine && params["reason"] == "metaTagRefresh" => {
                self.refresh(params);
            }
            "Page.frameClearedScheduledNavigation" if mine => self.state().pending = false,
            "Page.frameStartedNavigating" if mine => {
                let within = params["navigationType"].as_str().is_some_and(|kind| kind.contains("ameDocument"));
                let mut state = self.state();
                state.pending = false;
                state.loading |= !within;
            }
            "Page.frameStartedLoading" if mine => self.state().loading = true,
            "Page.frameStoppedLoading" if mine => self.state().loading = false,
            // A frame that goes somewhere is something that the page has asked for.
            "Page.frameStartedLoading" => {
                let mut state = self.state();
                state.activity += 1;
                state.inflight.insert(text(&params["frameId"]));
            }
            "Page.frameStoppedLoading" | "Page.frameDetached" => {
                let mut state = self.state();
                state.activity += 1;
                state.inflight.remove(params["frameId"].as_str().unwrap_or_default());
            }
            "Page.javascriptDialogOpening" => {
                // Nobody is there to read it; only leaving a page is agreed to.
                let leave = params["type"] == "beforeunload";
                self.tell("Page.handleJavaScriptDialog", json!({ "accept": leave }));
            }
            _ => {}
        }
    }

    /// A person waits for a refresh; the harness need not.
    fn refresh(&self, params: &Json) {
        let url = text(&params["url"]);
        let here = self.state().shown.as_ref().map(|page| page.url.clone()).unwrap_or_default();
        let bare = |url: &str| url.split('#').next().unwrap_or_default().to_owned();
        if params["delay"].as_f64().is_some_and(|delay| delay <= REFRESH) && bare(&url) != bare(&here) {
            self.state().pending = true;
            let go = format!("location.assign({})", Json::from(url));
            self.tell("Runtime.evaluate", json!({ "expression": go }));
        }
    }

    /// Whether nothing is under way. `patient`: what elements and scripts have asked for counts as well.
    pub(super) fn is_idle(&self, patient: bool) -> bool {
        let state = self.state();
        !state.loading && !state.pending && (!patient || state.inflight.is_empty())
    }

    /// Evaluates an expression in the page; `None`: the page went away, or a script keeps it busy.
    pub(super) async fn evaluate(&self, expression: &str) -> Result<Option<Json>, CommandError> {
        let what =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        match tokio::time::timeout(BUSY, self.call("Runtime.evaluate", what)).await {
            Ok(Ok(mut result)) => Ok(Some(result["result"]["value"].take())),
            Ok(Err(CommandError::Ended)) => Err(CommandError::Ended),
            Ok(Err(CommandError::Refused { .. })) | Err(_) => Ok(None),
        }
    }
}

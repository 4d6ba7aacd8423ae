//! Playing one attempt: the steps of a case, one after the other, in real browsers against a real partner.

mod bind;
mod callback;
pub mod environment;
mod login;
mod observe;
mod play;
mod providers;
mod save;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::agent::{AgentError, Initiator, Navigation, Page};
use crate::model::case::{Act, BrowserName, Cookies, FaultSource, SessionIs, Step, Target};
use crate::model::case::{Change, Expectation, Expected, Notify, Via};
use crate::model::exchange::{Cause, Party, Purpose};
use crate::model::fault::{Endpoint, Message, ProviderName};
use crate::model::observation::{CookieSeen, PageSeen, Whom};
use crate::model::value::{Source, Value};
use crate::provider::Notified;

use super::world::World;
pub use login::path_of;
pub use play::{Mode, Order, Placed, Play, PlayVariant, Played, SignedIn};

/// The browser of the person who is signed in all the time and must stay so.
const BYSTANDER: &str = "bystander";

/// Plays one attempt to its end. Never fails: what went wrong is in what it leaves behind.
pub async fn play(world: &Arc<World>, order: &Order) -> Played {
    let started = std::time::Instant::now();
    let began = world.sequence.now();
    let play = Play::begin(world, order).await;
    let bystander = play.bystander();
    if let Some(name) = &bystander {
        play.bystander_arrives(name).await;
    }
    play.count_accounts_before().await;
    for (index, step) in order.case.steps.iter().enumerate() {
        let left_out = step.attack || matches!(step.act, Act::Fault(_));
        if order.mode == Mode::Control && left_out {
            continue;
        }
        play.step(index, step).await;
    }
    play.attempt.mend_all();
    play.settle_all().await;
    play.twin().await;
    if let Some(name) = &bystander {
        play.bystander_must_be_in(name).await;
    }
    play.finish(began, started)
}

impl Play {
    async fn step(self: &Arc<Self>, index: usize, step: &Step) {
        if let Some(name) = &step.name {
            self.state().marks.insert(name.clone(), self.world.sequence.now());
        }
        if let Act::Expect(expectation) = &step.act {
            self.expect(index, step, expectation).await;
            return;
        }
        // The control run has nothing that a tab could be stuck at, and must not depend on who happens to be first.
        let background = step.background && self.mode == Mode::Real;
        for round in 0..step.repeat {
            let browser = self.browser_of(&step.browser);
            // All at once means a tab each.
            let tab =
                if background && step.repeat > 1 { format!("{}#{}", step.tab, round + 1) } else { step.tab.clone() };
            let cause = self.cause(index, &browser, &tab, Purpose::Case);
            let leaves = matches!(&step.act, Act::Visit(visit) if visit.target == Target::Back);
            if leaves {
                self.leave(&browser, &tab);
            } else {
                self.wait_tab(&browser, &tab).await;
            }
            if self.case_asks_unchanged() {
                let seen = self.probe(&self.browser(&browser), &cause).await.0;
                if let Some(known) = self.state().browsers.get_mut(&browser) {
                    known.before = Some(seen);
                }
            }
            if background {
                let (done, watching) = watch::channel(false);
                let play = Arc::clone(self);
                let step = step.clone();
                let task = tokio::spawn(async move {
                    play.act(&step, &cause).await;
                    done.send_replace(true);
                });
                self.state().busy.insert((browser, tab), (watching, task.abort_handle()));
            } else {
                self.act(step, &cause).await;
            }
        }
    }

    fn browser_of(&self, name: &BrowserName) -> String {
        match name {
            BrowserName::Named(name) => name.clone(),
            BrowserName::New | BrowserName::Every => {
                let mut state = self.state();
                state.fresh += 1;
                format!("new-{}", state.fresh)
            }
        }
    }

    fn case_asks_unchanged(&self) -> bool {
        self.case.steps.iter().any(|step| {
            matches!(&step.act, Act::Expect(expectation)
                if expectation.subject == Expected::Session(SessionIs::Unchanged))
        })
    }

    /// Does one action once.
    async fn act(self: &Arc<Self>, step: &Step, cause: &Cause) {
        let before = self.world.sequence.now();
        self.attempt.enter(cause.clone());
        let page: Result<Option<Page>, AgentError> = match &step.act {
            Act::SignIn(sign_in) => self.sign_in(sign_in, cause).await,
            Act::Visit(visit) => self.visit(visit, cause).await,
            Act::Consent(answer) => match (self.who(&answer.who), self.browser(&cause.browser).page(&cause.tab)) {
                (Some(person), Some(page)) => self.answer(page, answer, &person, Vec::new(), cause).await.map(Some),
                (None, _) => {
                    self.trouble(format!("the dialect has nobody called {:?}", answer.who));
                    Ok(None)
                }
                (_, None) => {
                    self.trouble(format!("line {}: tab `{}` shows no page to answer", step.line, cause.tab));
                    Ok(None)
                }
            },
            Act::Cookies(cookies) => {
                self.cookies(cookies, cause).await;
                Ok(None)
            }
            Act::Change(change) => {
                self.change(change, cause).await;
                Ok(None)
            }
            Act::Notify(notify) => {
                self.notify(notify, cause, false).await;
                Ok(None)
            }
            Act::Fault(source) => {
                self.fault(step, source).await;
                Ok(None)
            }
            Act::Mend(name) => {
                // What goes on in the background must have come as far as the message that is about to be released.
                self.settle_background().await;
                self.mend(name);
                Ok(None)
            }
            Act::Provider(options) => {
                if let Err(unresolved) = self.attempt.options(&bind::options(options, self.as_ref())) {
                    self.trouble(unresolved.to_string());
                }
                Ok(None)
            }
            Act::Restart => {
                self.restart().await;
                Ok(None)
            }
            // Refused when the file is read, as long as no partner has a clock.
            Act::Wait(_) | Act::Expect(_) => Ok(None),
        };
        match page {
            Ok(Some(page)) => {
                self.state().pages.insert((cause.browser.clone(), cause.tab.clone()), page.seen);
            }
            Ok(None) => {}
            Err(error) => {
                if matches!(error, AgentError::Engine { .. }) {
                    self.trouble(error.to_string());
                }
                self.no_page(&error, cause);
            }
        }
        self.save(step, cause, before).await;
    }

    /// A navigation came to nothing: the tab shows no answer, and the sentence says why.
    fn no_page(&self, error: &AgentError, cause: &Cause) {
        let mut state = self.state();
        let text = error.to_string();
        let page = PageSeen { text, site: "none".to_owned(), ..PageSeen::default() };
        state.pages.insert((cause.browser.clone(), cause.tab.clone()), page);
    }

    async fn cookies(&self, cookies: &Cookies, cause: &Cause) {
        let browser = self.browser(&cause.browser);
        let made = cookies.plant.as_ref().and_then(|plant| self.cookie_made(plant));
        if let Some((name, value)) = made {
            browser.set_cookie(&self.base, &name, &value);
        } else if let Some(plant) = &cookies.plant {
            match plant.resolve(self).map(|wire| serde_json::from_value::<Vec<save::SavedCookie>>(wire.to_json())) {
                Ok(Ok(jar)) => {
                    let session = if cookies.as_session { self.session_cookie_name(cause).await } else { None };
                    for cookie in jar {
                        let mut cookie: CookieSeen = cookie.into();
                        if let Some(name) = &session {
                            cookie.name.clone_from(name);
                        }
                        browser.plant(&cookie);
                    }
                }
                Ok(Err(_)) => self.trouble("what is to be planted is not a saved jar".to_owned()),
                Err(unresolved) => self.trouble(unresolved.to_string()),
            }
        }
        for (name, value) in &cookies.set {
            if let Some(text) = self.text(value) {
                browser.set_cookie(&self.base, name, &text);
            }
        }
        for name in &cookies.drop {
            match name.as_str() {
                "all" => browser.drop_cookies(None, None),
                "session" => {
                    for carrying in self.session_cookies(&browser, cause).await {
                        browser.drop_cookies(Some(&carrying), Some(&self.base));
                    }
                }
                own => browser.drop_cookies(Some(own), Some(&self.base)),
            }
        }
    }

    /// Name and value of a cookie that the provider makes for the partner's site; `None`: this value is no such cookie.
    fn cookie_made(&self, plant: &Value) -> Option<(String, String)> {
        let Value::Run(run) = plant else { return None };
        let Source::Token { kind, .. } = &run.source else { return None };
        let ground = &self.world.ground;
        let name = ground.dialect.cookies.get(kind)?.replace("{client_id}", &ground.manifest.client.id);
        Some((name, self.text(plant)?))
    }

    /// The name of the cookie that carries a session, learned from any browser that is signed in.
    async fn session_cookie_name(&self, cause: &Cause) -> Option<String> {
        let browsers: Vec<_> = self.state().browsers.values().map(|known| known.browser.clone()).collect();
        for browser in browsers {
            if let Some(name) = self.session_cookies(&browser, cause).await.into_iter().next() {
                return Some(name);
            }
        }
        None
    }

    async fn fault(&self, step: &Step, source: &FaultSource) {
        let fault = match source {
            FaultSource::Here(fault) => fault,
            FaultSource::Variant => match &self.variant.fault {
                Some(fault) => fault,
                None => {
                    self.trouble("this variant has no fault".to_owned());
                    return;
                }
            },
        };
        let values = fault.patches.iter().flat_map(|patch| &patch.operations.set);
        values.for_each(|(_, value)| self.note_idle(value));
        let bound = bind::fault(fault, &|at| Box::new(self.as_seen_by(at)));
        self.note_outage(&bound);
        let placed = play::Placed {
            name: step.name.clone(),
            ids: self.attempt.put(&bound),
            addresses: bound.patches.iter().map(|patch| (patch.selectors.at, patch.address.clone())).collect(),
            grants: bound.patches.iter().map(|patch| patch.selectors.grant).collect(),
            delivery: Default::default(),
        };
        let is_read = placed.addresses.iter().any(|(at, address)| {
            address.message == Message::Response(Endpoint::Discovery) && self.has_read_metadata(*at)
        });
        self.state().placed.push(placed);
        // Metadata is read once, by many partners when they start: who has it already would never see the deviation.
        if is_read {
            self.restart().await;
        }
    }

    /// Whether the partner has asked a provider for its metadata, in this attempt or when it was started.
    fn has_read_metadata(&self, at: ProviderName) -> bool {
        let before = self.world.provider_at(at).map(|provider| provider.ambient()).unwrap_or_default();
        let since = self.attempt.exchanges();
        before
            .iter()
            .chain(since.iter().flatten())
            .any(|exchange| exchange.endpoint == Some(Endpoint::Discovery) && exchange.to == Party::Provider(at))
    }

    fn mend(&self, name: &str) {
        if name == "all" {
            self.attempt.mend_all();
            return;
        }
        let ids: Vec<_> = self
            .state()
            .placed
            .iter()
            .filter(|placed| placed.name.as_deref() == Some(name))
            .map(|placed| placed.ids.clone())
            .collect();
        ids.iter().for_each(|ids| self.attempt.mend(ids));
    }

    async fn change(&self, change: &Change, cause: &Cause) {
        change.set.iter().for_each(|(_, value)| self.note_idle(value));
        let before = self.attempt.at(change.at).person(&change.of);
        if let Err(unresolved) = self.attempt.change(&bind::change(change, self)) {
            self.trouble(unresolved.to_string());
            return;
        }
        let sub = self.attempt.at(change.at).person(&change.of).map(|person| person.sub);
        let before = before.filter(|before| Some(&before.sub) != sub.as_ref());
        self.state().former.extend(before.map(|before| play::as_told(before, change.at)));
        let message = |send: &str| Notify {
            send: send.to_owned(),
            about: change.of.clone(),
            at: change.at,
            subject: None,
            event: None,
            to: None,
            via: Via::Push,
        };
        let told = change.withdraw.is_some() || change.account.is_some();
        let endpoint = self.world.ground.manifest.at.endpoints.contains_key("backchannel_logout");
        if told && change.notify != Some(false) && endpoint {
            self.notify(&message("logout_token"), cause, true).await;
        }
        let removed = self.attempt.at(change.at).granted(&change.of).is_none_or(|granted| granted.is_empty());
        let endpoint = self.world.ground.manifest.at.endpoints.contains_key("deauthorize");
        if change.withdraw.is_some() && removed && change.notify != Some(false) && endpoint {
            self.notify(&message("signed_request"), cause, true).await;
        }
    }

    /// Sends a message. `quiet`: it is a signal beside a change; that there is nobody to tell about is no trouble then.
    async fn notify(&self, notify: &Notify, cause: &Cause, quiet: bool) {
        let endpoint = notify.to.clone().unwrap_or_else(|| match notify.send.as_str() {
            "logout_token" => "backchannel_logout".to_owned(),
            "signed_request" => "deauthorize".to_owned(),
            other => other.to_owned(),
        });
        let Some(place) = self.world.ground.manifest.at.endpoints.get(&endpoint) else {
            self.trouble(format!("the manifest names no endpoint `{endpoint}`"));
            return;
        };
        let to = super::world::absolute_place(&self.base, &place.path);
        match self.attempt.notify(notify, &to, cause.clone()).await {
            Ok(Notified::Answered(exchange)) => {
                let page = PageSeen {
                    seq: exchange.seq,
                    url: exchange.request.url.clone(),
                    request: exchange.request.clone(),
                    response: exchange.response.clone().unwrap_or_default(),
                    text: String::new(),
                    site: "partner".to_owned(),
                };
                self.state().pages.insert((cause.browser.clone(), cause.tab.clone()), page);
            }
            Ok(Notified::Frame { url, faults }) => {
                let page = self.load_frame(&url, cause).await;
                self.attempt.framed(notify.at, &faults);
                match page {
                    Ok(page) => {
                        self.state().pages.insert((cause.browser.clone(), cause.tab.clone()), page.seen);
                    }
                    Err(error) => self.no_page(&error, cause),
                }
            }
            Ok(Notified::Queued) => {}
            Err(error) if quiet => drop(error),
            Err(error) => self.trouble(error.to_string()),
        }
        // In a control run every message is valid: it must have the effect that the specification states.
        if self.mode == Mode::Control && !quiet && self.case.is_negative() && self.forges_a_message() {
            self.must_have_ended(notify, cause).await;
        }
    }

    /// Loads an address of the partner in a frame of a page that stands on another port of the partner's own host: of
    /// the same site, so that cookies go along whatever they say of `SameSite`. Where a browser holds back cookies
    /// across sites, the specification lets the partner off (Front-Channel Logout 1.0, section 4.1).
    async fn load_frame(&self, url: &str, cause: &Cause) -> Result<Page, AgentError> {
        let mut origin = url::Url::parse(&self.base).ok();
        if let Some(origin) = &mut origin {
            let own = origin.port().unwrap_or_default();
            let _ = origin.set_port(Some(if own == 1 { 2 } else { 1 }));
        }
        let site = origin.map(|origin| origin.origin().ascii_serialization()).unwrap_or_default();
        let navigation = Navigation {
            url: url.to_owned(),
            initiator: Initiator::Site(site),
            embedded: true,
            ..Navigation::default()
        };
        self.browser(&cause.browser).open(&cause.tab, navigation, cause).await
    }

    fn forges_a_message(&self) -> bool {
        let of_variant = self.variant.fault.iter();
        let of_steps = self.case.steps.iter().filter_map(|step| match &step.act {
            Act::Fault(FaultSource::Here(fault)) => Some(fault),
            _ => None,
        });
        of_variant.chain(of_steps).flat_map(|fault| &fault.patches).any(|patch| {
            use crate::model::fault::{Message, Object};
            matches!(
                patch.address.message,
                Message::Object(
                    Object::LogoutToken
                        | Object::SecurityEvent
                        | Object::SignedRequest
                        | Object::PlatformEvent
                        | Object::FrontchannelLogout
                        | Object::Dialect(_)
                )
            )
        })
    }

    async fn must_have_ended(&self, notify: &Notify, cause: &Cause) {
        let browser = self.browser(&cause.browser);
        if !matches!(notify.send.as_str(), "logout_token" | "frontchannel_logout") {
            // What it has to end is the partner's use of the person's token; that it was taken shows in the answer.
            let key = (cause.browser.clone(), cause.tab.clone());
            let status = self.state().pages.get(&key).map_or(0, |page| page.response.status);
            if !(200..300).contains(&status) {
                let missed = format!("a valid {} about {} was answered {status}", notify.send, notify.about);
                self.state().twin_missed = Some(missed);
            }
            return;
        }
        let (whom, evidence) = self.probe(&browser, cause).await;
        if whom == Whom::Person(notify.about.clone()) {
            self.state().twin_missed =
                Some(format!("a valid {} about {} ended nothing: {evidence}", notify.send, notify.about));
        }
    }

    /// At the end of a faulty run the same message goes out once more, without the fault.
    async fn twin(&self) {
        if self.mode == Mode::Control || !self.forges_a_message() {
            return;
        }
        let last = self.case.steps.iter().enumerate().rev().find_map(|(index, step)| match &step.act {
            Act::Notify(notify) => Some((index, step, notify)),
            _ => None,
        });
        let Some((index, step, notify)) = last else { return };
        let BrowserName::Named(browser) = &step.browser else { return };
        let cause = self.cause(index, browser, &step.tab, Purpose::Guard);
        let still_in = self.probe(&self.browser(browser), &cause).await.0 == Whom::Person(notify.about.clone());
        // Where the forged message ended the session already there is nothing left for the valid one to end.
        if still_in {
            self.attempt.enter(cause.clone());
            self.notify(notify, &cause, true).await;
            self.must_have_ended(notify, &cause).await;
        }
    }

    async fn expect(&self, index: usize, step: &Step, expectation: &Expectation) {
        let browsers: Vec<String> = match &step.browser {
            BrowserName::Named(name) => vec![name.clone()],
            BrowserName::Every | BrowserName::New => {
                let state = self.state();
                state.browsers.keys().filter(|name| *name != BYSTANDER).cloned().collect()
            }
        };
        for browser in browsers {
            self.observe(step, index, expectation, &browser).await;
        }
    }

    // --- tabs -----------------------------------------------------------------------------------------------------

    /// A tab does one thing at a time.
    async fn wait_tab(&self, browser: &str, tab: &str) {
        let busy = self.state().busy.get(&(browser.to_owned(), tab.to_owned())).map(|(done, _)| done.clone());
        if let Some(mut done) = busy {
            let _ = done.wait_for(|done| *done).await;
        }
    }

    /// The person leaves a page that does not come.
    fn leave(&self, browser: &str, tab: &str) {
        if let Some((_, task)) = self.state().busy.remove(&(browser.to_owned(), tab.to_owned())) {
            task.abort();
        }
    }

    /// Waits until each tab of the browser is done, or stuck at a message that a fault withholds, or until `deadline`.
    async fn settle(&self, browser: &str, deadline: Option<Instant>) {
        let mut events = self.attempt.events();
        loop {
            events.mark_unchanged();
            let open: Vec<(String, watch::Receiver<bool>)> = self
                .state()
                .busy
                .iter()
                .filter(|((own, _), (done, _))| own == browser && !*done.borrow())
                .map(|((_, tab), (done, _))| (tab.clone(), done.clone()))
                .collect();
            let held = self.attempt.held();
            let stuck = |tab: &str| held.iter().any(|(own, at)| own == browser && at == tab);
            let Some((_, mut done)) = open.into_iter().find(|(tab, _)| !stuck(tab)) else { return };
            let patience = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(600));
            tokio::select! {
                _ = done.wait_for(|done| *done) => {}
                _ = events.changed() => {}
                () = tokio::time::sleep_until(patience) => return,
            }
        }
    }

    /// Waits until every tab is done, or stuck at a message that a fault withholds.
    async fn settle_background(&self) {
        let browsers: std::collections::BTreeSet<String> =
            self.state().busy.keys().map(|(browser, _)| browser.clone()).collect();
        for browser in browsers {
            self.settle(&browser, None).await;
        }
    }

    async fn settle_all(&self) {
        let open: Vec<watch::Receiver<bool>> = self.state().busy.values().map(|(done, _)| done.clone()).collect();
        for mut done in open {
            let _ = done.wait_for(|done| *done).await;
        }
    }

    // --- bystander ------------------------------------------------------------------------------------------------

    /// Who stays signed in all the time: the first of the cast who has no part in the case.
    fn bystander(&self) -> Option<String> {
        let wanted = self.case.bystander.unwrap_or_else(|| {
            self.case.steps.iter().any(|step| match &step.act {
                Act::Notify(_) => true,
                Act::Change(change) => change.withdraw.is_some() || change.account.is_some(),
                Act::Expect(expectation) => matches!(expectation.subject, Expected::Ended(_)),
                _ => false,
            })
        });
        let text = format!("{:?}", self.case.steps);
        let free = ["bob", "carol", "mallory"].into_iter().find(|name| !text.contains(&format!("\"{name}\"")));
        free.filter(|_| wanted).map(str::to_owned)
    }

    async fn bystander_arrives(&self, person: &str) {
        use crate::model::case::{Answer, ScopeAnswer, SignIn, Who};
        let cause = self.cause(0, BYSTANDER, "first", Purpose::Guard);
        self.attempt.enter(cause.clone());
        let answer = Answer { who: Who::Named(person.to_owned()), scopes: ScopeAnswer::Everything };
        let sign_in = SignIn { answer, ..SignIn::default() };
        let outcome = self.sign_in(&sign_in, &cause).await;
        let (whom, evidence) = self.probe(&self.browser(BYSTANDER), &cause).await;
        if whom != Whom::Person(person.to_owned()) {
            let why = outcome.err().map(|error| error.to_string()).unwrap_or(evidence);
            self.trouble(format!("the bystander {person} could not sign in: {why}"));
        }
    }

    async fn bystander_must_be_in(&self, person: &str) {
        let cause = self.cause(self.case.steps.len(), BYSTANDER, "first", Purpose::Guard);
        let browser = self.browser(BYSTANDER);
        let (first, evidence) = self.probe(&browser, &cause).await;
        if first == Whom::Person(person.to_owned()) {
            return;
        }
        let (second, _) = self.probe(&browser, &cause).await;
        if second == first {
            self.state().bystander_lost = Some(format!(
                "{person}, who has no part in this, must stay signed in; now the probe says {first} ({evidence})"
            ));
        } else {
            self.trouble(format!("the probe of the bystander said {first} first and {second} right afterwards"));
        }
    }
}

//! The person at the provider's pages: logging in, granting, declining, refusing.

use crate::agent::{AgentError, Browser, Navigation, Page, Submission, WantedForm, form_defaults};
use crate::model::case::{Answer, ScopeAnswer, SignIn, Who};
use crate::model::exchange::{Cause, Party, Purpose};
use crate::model::fault::ProviderName;
use crate::model::manifest::Place;
use crate::model::persona::Person;
use crate::model::value::Value;
use crate::partner;

use super::play::{Mode, Play};

/// A person does not change her mind: asked again in the same step, she gives the same answer, so many times at most.
const ANSWERS: usize = 10;
/// Whoever is asked the very same thing again tries once more, and then gives up: a partner that begins a failed login
/// anew is not driven round in circles by us.
const TRIES: usize = 2;

impl Play {
    /// The person meant by `as`.
    pub(super) fn who(&self, who: &Who) -> Option<Person> {
        let name = match who {
            Who::Named(name) => name.clone(),
            Who::Someone => self.someone(),
        };
        self.attempt.person(&name)
    }

    /// A whole login. Gives the page on which the browser rested.
    pub(super) async fn sign_in(&self, sign_in: &SignIn, cause: &Cause) -> Result<Option<Page>, AgentError> {
        let browser = self.browser(&cause.browser);
        let Some(person) = self.who(&sign_in.answer.who) else {
            self.trouble(format!("the dialect has nobody called {:?}", sign_in.answer.who));
            return Ok(None);
        };
        let stop_before =
            if sign_in.stop_at_callback && self.mode == Mode::Real { self.redirect_uris() } else { Vec::new() };
        self.another_person_at_the_provider(&browser, &person);
        let Some(place) = self.login_place(sign_in.at) else {
            self.trouble("the manifest has no place `login`");
            return Ok(None);
        };
        let place = &place;
        let go = |navigation: Navigation| Navigation { stop_before: stop_before.clone(), ..navigation };
        let before = self.world.sequence.now();
        let mut page = partner::open_place(&self.base, &browser, &cause.tab, place, Some(&person), &go, cause).await?;
        if !sign_in.while_signed_in && !reached_provider(&browser, before) && self.somebody_is_in(&browser, cause).await
        {
            let guard = Cause { purpose: Purpose::Guard, ..cause.clone() };
            if let Some(logout) = partner::place(&self.world.ground.manifest, "logout") {
                self.attempt.enter(guard.clone());
                partner::open_place(&self.base, &browser, &cause.tab, logout, None, &|n| n, &guard).await?;
                self.attempt.enter(cause.clone());
            }
            page = partner::open_place(&self.base, &browser, &cause.tab, place, Some(&person), &go, cause).await?;
        }
        let page = self.answer(page, &sign_in.answer, &person, stop_before, cause).await?;
        Ok(Some(page))
    }

    /// Where a login with a provider begins.
    pub(super) fn login_place(&self, at: ProviderName) -> Option<Place> {
        let manifest = &self.world.ground.manifest;
        if at == ProviderName::Main {
            return partner::place(manifest, "login").cloned();
        }
        let path = manifest.second_provider.as_ref()?.login.replace("{provider}", at.name());
        Some(Place { path, ..Place::default() })
    }

    async fn somebody_is_in(&self, browser: &Browser, cause: &Cause) -> bool {
        let probe = Cause { purpose: Purpose::Guard, ..cause.clone() };
        self.attempt.enter(probe.clone());
        let answer = partner::probe(&self.world.ground.manifest, &self.base, browser, &probe).await;
        self.attempt.enter(cause.clone());
        answer.is_somebody()
    }

    /// Where somebody else is still signed in at the provider, that person leaves first.
    fn another_person_at_the_provider(&self, browser: &Browser, person: &Person) {
        let mut state = self.state();
        if let Some(known) = state.browsers.get_mut(browser.name()) {
            if known.provider_user.as_ref().is_some_and(|user| *user != person.name) {
                for (_, issuer) in self.world.issuers() {
                    browser.drop_cookies(None, Some(&issuer));
                }
            }
            known.provider_user = Some(person.name.clone());
        }
    }

    /// Answers the provider's pages until the browser leaves them.
    pub(super) async fn answer(
        &self,
        mut page: Page,
        answer: &Answer,
        person: &Person,
        stop_before: Vec<String>,
        cause: &Cause,
    ) -> Result<Page, AgentError> {
        let browser = self.browser(&cause.browser);
        let mut at = ProviderName::Main;
        let mut questions = Vec::new();
        for _ in 0..ANSWERS {
            if page.stopped_at.is_some() {
                break;
            }
            let Some(step) = step_shown(&page) else { break };
            let wanted = WantedForm::Step(step.clone());
            // On each provider's page she uses the account that she has there.
            at = self.provider_of(&page);
            let question = (at, step.clone(), scopes_asked(&page, &wanted));
            if questions.iter().filter(|earlier| **earlier == question).count() == TRIES {
                break;
            }
            questions.push(question);
            let account = self.attempt.at(at).person(&person.name).unwrap_or_else(|| person.clone());
            let submission = match step.as_str() {
                "login" => Submission {
                    values: vec![
                        ("username".to_owned(), account.login.clone()),
                        ("password".to_owned(), account.password.clone()),
                    ],
                    without: Vec::new(),
                },
                _ => self.consent(&page, &wanted, &answer.scopes),
            };
            page = browser.submit(&cause.tab, &wanted, &submission, stop_before.clone(), cause).await?;
        }
        self.remember(&browser, answer, person, at, &page, cause).await;
        Ok(page)
    }

    fn consent(&self, page: &Page, wanted: &WantedForm, answer: &ScopeAnswer) -> Submission {
        let deny = ("decision".to_owned(), "deny".to_owned());
        if *answer == ScopeAnswer::Cancel {
            return Submission { values: vec![deny], without: Vec::new() };
        }
        let asked = scopes_asked(page, wanted);
        let granted: Vec<String> = match answer {
            ScopeAnswer::Everything | ScopeAnswer::Cancel => asked,
            ScopeAnswer::Grant(value) => {
                let only = self.texts(value);
                asked.into_iter().filter(|scope| only.contains(scope)).collect()
            }
            ScopeAnswer::Decline(value) => {
                let not = self.texts(value);
                asked.into_iter().filter(|scope| !not.contains(scope)).collect()
            }
            ScopeAnswer::DeclineOptional => {
                let not = &self.world.ground.manifest.scopes.optional;
                asked.into_iter().filter(|scope| !not.contains(scope)).collect()
            }
        };
        let mut values = vec![("decision".to_owned(), "allow".to_owned())];
        let without = if granted.is_empty() { vec!["scope".to_owned()] } else { Vec::new() };
        values.extend(granted.into_iter().map(|scope| ("scope".to_owned(), scope)));
        Submission { values, without }
    }

    /// A value that is a text, a list of texts, or texts separated by blanks.
    pub(super) fn texts(&self, value: &Value) -> Vec<String> {
        match value.resolve(self) {
            Ok(crate::model::wire::Wire::List(items)) => items.iter().map(|item| item.to_text()).collect(),
            Ok(other) => other.to_text().split_whitespace().map(str::to_owned).collect(),
            Err(unresolved) => {
                self.trouble(unresolved.to_string());
                Vec::new()
            }
        }
    }

    /// Whose page it is.
    fn provider_of(&self, page: &Page) -> ProviderName {
        let origin = |url: &str| url::Url::parse(url).map(|url| url.origin()).ok();
        let here = origin(&page.seen.url);
        let issuers = self.world.issuers();
        let own = issuers.iter().find(|(_, issuer)| here.is_some() && origin(issuer) == here);
        own.map_or(ProviderName::Main, |(name, _)| *name)
    }

    async fn remember(
        &self,
        browser: &Browser,
        answer: &Answer,
        person: &Person,
        at: ProviderName,
        page: &Page,
        cause: &Cause,
    ) {
        self.note_mode(browser);
        let refused = answer.scopes == ScopeAnswer::Cancel;
        if refused || page.stopped_at.is_some() {
            return;
        }
        if let Some(known) = self.state().browsers.get_mut(browser.name()) {
            known.owner = Some(person.name.clone());
            known.owner_at = at;
        }
        // Only a control is asked at once: in the real run the case says itself what must be seen, and when.
        let seen = if self.mode == Mode::Control && cause.purpose == Purpose::Case {
            Some(self.probe(browser, cause).await.0)
        } else {
            None
        };
        let rested = format!("{} {}", page.seen.response.status, path_of(&page.seen.url));
        self.state().sign_ins.push(super::play::SignedIn {
            browser: browser.name().to_owned(),
            person: person.name.clone(),
            step: cause.step,
            seen,
            rested,
        });
    }
}

/// Which scopes a page of the provider asks for.
fn scopes_asked(page: &Page, wanted: &WantedForm) -> Vec<String> {
    let fields = form_defaults(page, wanted).unwrap_or_default();
    fields.into_iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope).collect()
}

/// Path of a URL, without query: nothing secret is in it.
pub fn path_of(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    url.to_owned()
}

fn reached_provider(browser: &Browser, after: u64) -> bool {
    browser.exchanges().iter().any(|exchange| exchange.seq > after && matches!(exchange.to, Party::Provider(_)))
}

/// Which of the provider's pages is shown, by the mark in its form.
pub fn step_shown(page: &Page) -> Option<String> {
    if page.seen.site != "provider" {
        return None;
    }
    let body = String::from_utf8_lossy(&page.seen.response.body);
    let (_, rest) = body.split_once("data-step=\"")?;
    rest.split('"').next().map(str::to_owned)
}

//! `visit`: a browser opens something at the partner.

use crate::agent::{AgentError, Initiator, Navigation, Page};
use crate::model::case::{How, Site, Target, Visit};
use crate::model::exchange::Cause;
use crate::model::fault::ProviderName;
use crate::model::manifest::Place;
use crate::model::value::{Environment, Source, Value};
use crate::model::wire::Wire;
use crate::partner;

use super::play::{ATTACKER_ORIGIN, Play};

impl Play {
    /// Opens it; `None` where there was nothing to open, which is noted as trouble.
    pub(super) async fn visit(&self, visit: &Visit, cause: &Cause) -> Result<Option<Page>, AgentError> {
        let browser = self.browser(&cause.browser);
        let person = visit.who.as_ref().and_then(|who| self.who(who));
        let name = match &visit.target {
            Target::Place(name) => name.as_str(),
            Target::Url(value) => {
                let Some(url) = self.text(value) else { return Ok(None) };
                self.attempt.register(&url, cause);
                let navigation = self.adjust(Navigation { url, ..Navigation::default() }, visit, None, cause);
                return browser.open(&cause.tab, navigation, cause).await.map(Some);
            }
            Target::Reload => return self.again(browser.page(&cause.tab), visit, cause).await,
            Target::Back => return self.again(browser.page_before(&cause.tab), visit, cause).await,
        };
        let manifest = &self.world.ground.manifest;
        let default;
        let of_main = partner::place(manifest, name).filter(|_| visit.at == ProviderName::Main);
        let place = match (of_main, name) {
            (Some(place), _) => place,
            (None, "login") if visit.at != ProviderName::Main => {
                default = self.login_place(visit.at).unwrap_or_default();
                &default
            }
            (None, "callback") => {
                let path = self.world.redirect_uris(visit.at, &self.base).into_iter().next().unwrap_or_default();
                default = Place { path, ..Place::default() };
                &default
            }
            (None, "home") => {
                default = Place { path: "/".to_owned(), ..Place::default() };
                &default
            }
            (None, "session") => {
                default = Place { path: manifest.session.url.clone(), ..Place::default() };
                &default
            }
            (None, other) => {
                self.trouble(format!("the manifest has no place `{other}`"));
                return Ok(None);
            }
        };
        let adjust = |navigation: Navigation| self.adjust(navigation, visit, Some(place), cause);
        let page =
            partner::open_place(&self.base, &browser, &cause.tab, place, person.as_ref(), &adjust, cause).await?;
        // Who signs up or logs in locally is in by her own account.
        if let (Some(person), true) = (&person, matches!(name, "sign_up" | "local_login"))
            && let Some(known) = self.state().browsers.get_mut(browser.name())
        {
            known.owner = Some(person.name.clone());
            known.owner_at = ProviderName::Main;
        }
        Ok(Some(page))
    }

    async fn again(&self, page: Option<Page>, visit: &Visit, cause: &Cause) -> Result<Option<Page>, AgentError> {
        let Some(page) = page else {
            self.trouble(format!("tab `{}` shows no page yet, so there is nothing to go back to", cause.tab));
            return Ok(None);
        };
        let navigation = self.adjust(self.again_as_it_came(page), visit, None, cause);
        self.browser(&cause.browser).open(&cause.tab, navigation, cause).await.map(Some)
    }

    /// Parameters, headers, method and the site that causes it.
    fn adjust(&self, mut navigation: Navigation, visit: &Visit, place: Option<&Place>, cause: &Cause) -> Navigation {
        let return_param = self.world.ground.manifest.at.return_param.clone();
        // The manifest knows what the partner calls the parameter that says where to go after the login, and what the
        // members of a place's form are called that take an e-mail address, a password, an access token.
        let real_name = |name: &str| match (&return_param, name) {
            (Some(own), "return_param") => own.clone(),
            _ => {
                let filled = format!("{{{name}}}");
                let form = place.into_iter().flat_map(|place| &place.form);
                form.into_iter().find(|(_, value)| **value == filled).map_or(name, |(own, _)| own).to_owned()
            }
        };
        let mut parameters = Parameters::of(&navigation);
        for (name, value) in &visit.set {
            if let Some(text) = self.text(value) {
                self.attempt.register(&text, cause);
                parameters.set(&real_name(name), vec![text]);
            }
        }
        for name in &visit.drop {
            parameters.set(&real_name(name), Vec::new());
        }
        for (name, values) in &visit.duplicate {
            let texts: Vec<String> = values.iter().filter_map(|value| self.text(value)).collect();
            texts.iter().for_each(|text| self.attempt.register(text, cause));
            parameters.set(&real_name(name), texts);
        }
        if parameters.changed {
            parameters.put_into(&mut navigation);
        }
        for (name, value) in &visit.headers {
            if let Some(text) = self.text(value) {
                navigation.headers.push((name.to_lowercase(), text));
            }
        }
        if let Some(method) = &visit.method {
            navigation.method = method.to_uppercase();
        }
        if let Some(site) = visit.from {
            navigation.initiator = Initiator::Site(match site {
                Site::Attacker => ATTACKER_ORIGIN.to_owned(),
                Site::Provider => {
                    let provider = self.world.provider_at(visit.at).unwrap_or(&self.world.provider);
                    provider.issuer().to_owned()
                }
            });
            match visit.how {
                How::Link => {}
                How::Form => {
                    navigation.method = "POST".to_owned();
                    navigation.form.get_or_insert_with(Vec::new);
                }
                How::Frame | How::Image | How::Fetch => navigation.embedded = true,
                How::Window => {
                    let says = visit.says.as_ref().and_then(|value| self.text(value));
                    navigation.says = Some(says.unwrap_or_default());
                }
            }
        }
        self.in_mode(navigation)
    }

    /// A value as text, as a browser puts it on the wire now; what is not known is noted as trouble.
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        self.note_idle(value);
        match value.resolve(&Now(self)) {
            Ok(wire) => Some(wire.to_text()),
            Err(unresolved) => {
                self.trouble(unresolved.to_string());
                None
            }
        }
    }
}

/// What the driver knows, and what the provider says when it is asked at this moment: a time, a token.
struct Now<'p>(&'p Play);

impl Environment for Now<'_> {
    fn source(&self, source: &Source) -> Option<Wire> {
        match (source, &self.0.variant.value) {
            // It may be a token, which is made at this moment.
            (Source::Saved(name), Some(value)) if name == "variant" => {
                self.0.note_idle(value);
                value.resolve(self).ok()
            }
            _ => self.0.source(source).or_else(|| self.0.attempt.source(source)),
        }
    }
}

/// The parameters of a navigation: its form if it has one, else the query of its URL.
struct Parameters {
    list: Vec<(String, String)>,
    changed: bool,
}

impl Parameters {
    fn of(navigation: &Navigation) -> Self {
        let list = match &navigation.form {
            Some(form) => form.clone(),
            None => crate::model::exchange::query_of(&navigation.url),
        };
        Parameters { list, changed: false }
    }

    fn set(&mut self, name: &str, values: Vec<String>) {
        self.changed = true;
        let place = self.list.iter().position(|(own, _)| own == name).unwrap_or(self.list.len());
        self.list.retain(|(own, _)| own != name);
        let place = place.min(self.list.len());
        self.list.splice(place..place, values.into_iter().map(|value| (name.to_owned(), value)));
    }

    fn put_into(self, navigation: &mut Navigation) {
        if navigation.form.is_some() {
            navigation.form = Some(self.list);
            return;
        }
        let (address, fragment) = match navigation.url.split_once('#') {
            Some((address, fragment)) => (address.to_owned(), format!("#{fragment}")),
            None => (navigation.url.clone(), String::new()),
        };
        let path = address.split('?').next().unwrap_or_default();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.list).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        navigation.url = format!("{path}{mark}{query}{fragment}");
    }
}

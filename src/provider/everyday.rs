//! How a provider treats people and programs that come to it in everyday development, rather than in an attempt: what
//! `serve` switches on. By default nothing: a provider of a run is exactly as strict as its cases expect. A run switches on
//! session management, for a partner that watches it.

use serde_json::{Map, Value as Json};

use crate::model::persona::{Person, Persona};

use super::control::Control;
use super::ledger::Session;
use super::state::{AttemptState, Shared};

/// Everything that is switched on.
#[derive(Debug, Clone, Default)]
pub struct Everyday {
    /// The login page offers each person as a button that needs no password.
    pub one_click: bool,
    /// Whoever comes is signed in as this person, and grants what is asked, without seeing a page.
    pub auto_login: Option<String>,
    /// Whoever `login_hint` names is signed in and grants what is asked, without seeing a page.
    pub login_by_hint: bool,
    /// `<issuer>/<name>` is an issuer too, with keys, people and clients of its own.
    pub tenants: bool,
    /// Fields that no scope names are told with `openid`.
    pub all_fields: bool,
    /// Base of the addresses that a browser opens; the issuer when absent.
    pub front_url: Option<String>,
    /// Base of the addresses that the application's server asks; the issuer when absent.
    pub back_url: Option<String>,
    /// What discovery says otherwise.
    pub discovery: Overrides,
    /// The control interface below `/_countersign/`.
    pub control: Option<Control>,
    /// The device grant (RFC 8628).
    pub device: bool,
    /// Session management (OpenID Connect Session Management 1.0), where the dialect is one of OpenID Connect.
    pub session_management: bool,
    /// Pages of errors tell what is registered here.
    pub advice: bool,
    /// A client without a secret cannot leave PKCE out (RFC 9700, section 2.1.1).
    pub public_needs_pkce: bool,
}

/// What a discovery document says otherwise than it is. Whoever sets this says so on purpose.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Members set.
    pub set: Map<String, Json>,
    /// Members left out.
    pub drop: Vec<String>,
}

impl Overrides {
    /// Changes a document.
    pub(super) fn apply(&self, document: &mut Json) {
        let Json::Object(members) = document else { return };
        members.extend(self.set.clone());
        for name in &self.drop {
            members.remove(name);
        }
    }
}

/// The endpoints that a browser opens; every other one is asked by the application's server.
const FRONT: [&str; 4] = ["authorization", "end_session", "device_verification", "check_session"];

impl Everyday {
    /// The base of an endpoint's address.
    pub(super) fn base<'a>(&'a self, role: &str, issuer: &'a str) -> &'a str {
        let own = if FRONT.contains(&role) { &self.front_url } else { &self.back_url };
        own.as_deref().unwrap_or(issuer)
    }
}

/// A person of everyday use: the user name is the name, so that it can be remembered, and the password `password`, unless
/// `login`, `password`, `sub` or `email` stand among the fields.
pub fn person(persona: &Persona) -> Person {
    let mut person = Person::mint(persona, &persona.name, 0, "serve", None, Some(&persona.name));
    let mut own = |field: &str| match person.fields.remove(field) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    };
    let (login, password) = (own("login"), own("password"));
    person.login = login.unwrap_or(person.login);
    person.password = password.unwrap_or_else(|| "password".to_owned());
    if let Some(email) = persona.fields.get("email") {
        person.fields.insert("email".to_owned(), email.clone());
    }
    person
}

/// What a person has that another one has, too, and must not; and who that is.
pub fn shared_with<'p>(person: &Person, others: impl Iterator<Item = &'p Person>) -> Option<(&'static str, &'p str)> {
    others.filter(|other| other.name != person.name).find_map(|other| match () {
        () if other.sub == person.sub => Some(("subject", other.name.as_str())),
        () if other.login == person.login => Some(("user name", other.name.as_str())),
        () => None,
    })
}

/// Who is signed in without a page: whom `login_hint` names, else whom the provider was started with.
pub(super) fn at_once(shared: &Shared, attempt: &AttemptState, hint: Option<&str>) -> Option<Person> {
    let everyday = &shared.everyday;
    let hinted = hint.filter(|_| everyday.login_by_hint).and_then(|hint| named(attempt, hint));
    hinted.or_else(|| named(attempt, everyday.auto_login.as_deref()?))
}

/// A person who may sign in, by name, user name, e-mail address or subject.
fn named(attempt: &AttemptState, hint: &str) -> Option<Person> {
    let inner = attempt.inner();
    let known = |person: &&Person| {
        [&person.name, &person.login, &person.sub].into_iter().any(|own| own == hint)
            || person.text("email").as_deref() == Some(hint)
    };
    inner.people.values().find(|person| known(person) && !inner.locked.contains(&person.name)).cloned()
}

/// Whether the person of this session can be chosen by a button.
pub(super) fn chosen(shared: &Shared, attempt: &AttemptState, name: &str) -> Option<Person> {
    let inner = attempt.inner();
    let person =
        inner.people.get(name).filter(|person| shared.everyday.one_click && !inner.locked.contains(&person.name));
    person.cloned()
}

/// Whether a session that is there already is the one that `login_hint` asks for.
pub(super) fn is_hinted(shared: &Shared, attempt: &AttemptState, session: &Session, hint: Option<&str>) -> bool {
    match hint.filter(|_| shared.everyday.login_by_hint).and_then(|hint| named(attempt, hint)) {
        Some(person) => person.name == session.person,
        None => true,
    }
}

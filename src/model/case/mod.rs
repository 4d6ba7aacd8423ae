//! A case file, read (CASE-LANGUAGE 1.1 to 1.5).

mod expectation;
mod parse;

pub use expectation::*;
#[cfg(test)]
pub(crate) use parse::grammar;
pub use parse::{Vocabulary, fault_alone, parse};

use std::time::Duration;

use super::fault::{Fault, ProviderName};
use super::persona::Audience;
use super::value::Value;
use super::verdict::{Level, LevelRule, Tier};

/// One case: a file under `cases/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Path under `cases/` without the extension.
    pub id: String,
    /// A sentence: what must hold.
    pub title: String,
    /// The rule that this case tests.
    pub requirement: String,
    /// Lowest tier in which the case runs.
    pub tier: Tier,
    /// Softens the requirement's level, or varies it by tier.
    pub level: Option<LevelRule>,
    /// Dialects it runs on; empty: every dialect that has the requirement.
    pub dialects: Vec<String>,
    /// Lacking one gives not applicable.
    pub needs: Vec<String>,
    /// Having one gives not applicable.
    pub unless: Vec<String>,
    /// Flaws that must make this case fail.
    pub kills: Vec<String>,
    /// Why; shown with a failure.
    pub about: Option<String>,
    /// `Some(false)` only where everybody is meant to be affected.
    pub bystander: Option<bool>,
    /// Same steps with other data; empty: the case itself is its only variant.
    pub variants: Vec<Variant>,
    /// In order.
    pub steps: Vec<Step>,
    /// The source file's path as shown to people.
    pub path: String,
}

impl Case {
    /// The first part of the id.
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }

    /// Every capability that the case or one of its steps needs.
    pub fn all_needs(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().chain(self.steps.iter().flat_map(|step| &step.needs)).map(String::as_str)
    }

    /// The expectations about the case's own rule: without one of them it says nothing about it.
    pub fn own_expectations(&self) -> impl Iterator<Item = &Step> {
        let own = |rule: &Option<String>| rule.as_ref().is_none_or(|rule| *rule == self.requirement);
        self.steps.iter().filter(move |step| matches!(step.act, Act::Expect(_)) && own(&step.requirement))
    }

    /// Whether it asks how many accounts are new.
    pub fn counts_accounts(&self) -> bool {
        self.steps.iter().any(|step| match &step.act {
            Act::Expect(expectation) => expectation.counts_accounts(),
            _ => false,
        })
    }

    /// Whether a fault or an attack stands in it: then it needs a control run.
    pub fn is_negative(&self) -> bool {
        self.steps.iter().any(|step| step.attack || matches!(step.act, Act::Fault(_)))
    }
}

/// The same steps with other data.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it is called, or the list whose entries make one variant each.
    pub name: VariantName,
    /// Put in place by the step `fault = "variant"`.
    pub fault: Option<Fault>,
    /// Read by `{ saved = "variant" }`.
    pub value: Option<Value>,
    /// Softens the case's level for this variant.
    pub level: Option<LevelRule>,
    /// Raises the tier for this variant.
    pub tier: Option<Tier>,
}

/// `name`, or `each`.
#[derive(Debug, Clone, PartialEq)]
pub enum VariantName {
    /// One variant.
    Name(String),
    /// One variant per entry of a manifest list.
    Each(ManifestList),
}

/// The manifest lists that `each` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ManifestList {
    OptionalScopes,
    OptionalFields,
    Features,
    RedirectUris,
}

impl ManifestList {
    /// The word of case files.
    pub fn name(self) -> &'static str {
        match self {
            ManifestList::OptionalScopes => "optional_scopes",
            ManifestList::OptionalFields => "optional_fields",
            ManifestList::Features => "features",
            ManifestList::RedirectUris => "redirect_uris",
        }
    }
}

/// One action or one expectation, with what stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// For `mend`, `since` and messages.
    pub name: Option<String>,
    /// Which browser.
    pub browser: BrowserName,
    /// Which tab of it.
    pub tab: String,
    /// Name -> address of something that this step made.
    pub save: Vec<(String, String)>,
    /// So many times, one after the other.
    pub repeat: u32,
    /// Do not wait for the end.
    pub background: bool,
    /// Left out of the control run.
    pub attack: bool,
    /// Left out where the partner lacks one of these capabilities.
    pub needs: Vec<String>,
    /// For an `expect` step: another rule than the header's.
    pub requirement: Option<String>,
    /// For an `expect` step: another level.
    pub level: Option<LevelRule>,
    /// The action or the expectation.
    pub act: Act,
    /// Its place in the file, from 0: it stays where steps before it are left out.
    pub place: usize,
    /// Line in the file, from 1.
    pub line: usize,
}

/// The `browser` of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrowserName {
    /// A name; `"first"` when nothing is said.
    Named(String),
    /// A fresh one each time.
    New,
    /// In `expect` only: all of them.
    Every,
}

impl Default for BrowserName {
    fn default() -> Self {
        BrowserName::Named("first".to_owned())
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A whole login.
    SignIn(SignIn),
    /// A browser opens something at the partner.
    Visit(Visit),
    /// The person answers the provider's page.
    Consent(Answer),
    /// Change this browser's jar.
    Cookies(Cookies),
    /// A fact about a person becomes different.
    Change(Change),
    /// A provider tells the partner something.
    Notify(Notify),
    /// A deliberate deviation, from now on.
    Fault(FaultSource),
    /// End that fault; `"all"` ends every one.
    Mend(String),
    /// How a provider behaves, honestly, from now on.
    Provider(ProviderOptions),
    /// Time passes at the partner.
    Wait(Duration),
    /// Restart the partner.
    Restart,
    /// What must be seen.
    Expect(Box<Expectation>),
}

impl Act {
    /// The word of the case language.
    pub fn word(&self) -> &'static str {
        match self {
            Act::SignIn(_) => "sign_in",
            Act::Visit(_) => "visit",
            Act::Consent(_) => "consent",
            Act::Cookies(_) => "cookies",
            Act::Change(_) => "change",
            Act::Notify(_) => "notify",
            Act::Fault(_) => "fault",
            Act::Mend(_) => "mend",
            Act::Provider(_) => "provider",
            Act::Wait(_) => "wait",
            Act::Restart => "restart",
            Act::Expect(_) => "expect",
        }
    }
}

/// The fault of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultSource {
    /// That of the variant.
    Variant,
    /// Written here.
    Here(Fault),
}

/// `sign_in`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignIn {
    /// What the person answers.
    pub answer: Answer,
    /// Whose login.
    pub at: ProviderName,
    /// `stop = "callback"`: the browser gets the authorization response but does not open it.
    pub stop_at_callback: bool,
    /// Do not sign out first where the browser is still signed in.
    pub while_signed_in: bool,
}

/// What a person answers on the provider's pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who.
    pub who: Who,
    /// Which scopes.
    pub scopes: ScopeAnswer,
}

impl Default for Answer {
    fn default() -> Self {
        Answer { who: Who::Named("alice".to_owned()), scopes: ScopeAnswer::Everything }
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// `alice`, `bob`, `carol`, `mallory`.
    Named(String),
    /// `"someone"`: newly made.
    Someone,
}

/// Which scopes a person grants.
#[derive(Debug, Clone, PartialEq)]
pub enum ScopeAnswer {
    /// Everything asked.
    Everything,
    /// Only these.
    Grant(Value),
    /// All but these.
    Decline(Value),
    /// All but what the manifest marks as optional.
    DeclineOptional,
    /// The person refuses.
    Cancel,
}

/// `visit`.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// A place of the manifest, or an address.
    pub target: Target,
    /// Whose login, link or callback.
    pub at: ProviderName,
    /// Fills the place's form.
    pub who: Option<Who>,
    /// Parameters set.
    pub set: Vec<(String, Value)>,
    /// Parameters left out.
    pub drop: Vec<String>,
    /// Parameters written more than once.
    pub duplicate: Vec<(String, Vec<Value>)>,
    /// Request headers.
    pub headers: Vec<(String, Value)>,
    /// The place's when absent.
    pub method: Option<String>,
    /// The site that causes it; typed by the person when absent.
    pub from: Option<Site>,
    /// How that site causes it.
    pub how: How,
    /// What the site posts to the window that it has opened, and to every frame in it; with [`How::Window`].
    pub says: Option<Value>,
}

impl Visit {
    /// One that the person makes herself, with nothing out of the way.
    pub fn to(target: Target) -> Visit {
        Visit {
            target,
            at: Default::default(),
            who: None,
            set: Vec::new(),
            drop: Vec::new(),
            duplicate: Vec::new(),
            headers: Vec::new(),
            method: None,
            from: None,
            how: How::Link,
            says: None,
        }
    }
}

/// Where a visit goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `login`, `logout`, `callback`, `session`, `feature:NAME`, `endpoints.NAME`, …
    Place(String),
    /// An address.
    Url(Value),
    /// The page of this tab again.
    Reload,
    /// The page before it.
    Back,
}

/// A site that causes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Site {
    Attacker,
    Provider,
}

/// How a site causes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum How {
    #[default]
    Link,
    Form,
    Frame,
    Image,
    Fetch,
    Window,
}

/// `cookies`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cookies {
    /// A saved jar, or a token value that is a cookie.
    pub plant: Option<Value>,
    /// `as = "session"`: each planted value goes under the session cookie's name.
    pub as_session: bool,
    /// Name -> value.
    pub set: Vec<(String, Value)>,
    /// Names, `session`, or `all`.
    pub drop: Vec<String>,
}

/// `change`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// Whom.
    pub of: String,
    /// Where.
    pub at: ProviderName,
    /// The person's data; `"*"` is every text field.
    pub set: Vec<(String, Value)>,
    /// Fields that vanish: names, or a run-time list.
    pub drop: Option<Value>,
    /// Field -> audience.
    pub visible: Vec<(String, Audience)>,
    /// What becomes of the account.
    pub account: Option<AccountChange>,
    /// The grant, wholly or in part.
    pub withdraw: Option<Scopes>,
    /// The grant again.
    pub restore: Option<Scopes>,
    /// What expires.
    pub expire: Option<Expirable>,
    /// Whether the partner is told; `Some(false)`: stay silent, `Some(true)`: `"default"`.
    pub notify: Option<bool>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// Another subject, same data.
    New,
    Disabled,
    Enabled,
    Deleted,
    SignedOut,
}

/// `"all"` or a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Scopes {
    /// Every scope.
    All,
    /// These.
    These(Value),
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expirable {
    AccessToken,
    RefreshToken,
    Code,
}

/// `notify`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    /// `logout_token`, `security_event`, …, or one that the dialect adds.
    pub send: String,
    /// About whom.
    pub about: String,
    /// Who sends.
    pub at: ProviderName,
    /// The dialect's when absent.
    pub subject: Option<Subject>,
    /// Event name or URI.
    pub event: Option<String>,
    /// Partner endpoint; by message when absent.
    pub to: Option<String>,
    /// How it travels.
    pub via: Via,
}

/// How a pushed message names whom it is about.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Subject {
    Sub,
    Sid,
    Both,
    None,
    Email,
    Session,
    Table(Value),
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    #[default]
    Push,
    Poll,
    Frame,
}

/// `provider`: options, none of which is a fault. Absent means unchanged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProviderOptions {
    /// Whose.
    pub at: ProviderName,
    /// Offset of its clock, in seconds.
    pub clock: Option<i64>,
    /// PKCE.
    pub pkce: Option<PkcePolicy>,
    /// RFC 9207 `iss`.
    pub iss_parameter: Option<bool>,
    /// RFC 9126.
    pub par: Option<ParPolicy>,
    /// What becomes of refresh tokens.
    pub refresh: Option<RefreshPolicy>,
    /// Lifetime of access tokens.
    pub access_lifetime: Option<Duration>,
    /// `Cache-Control: max-age` of the JWKS.
    pub keys_max_age: Option<Duration>,
    /// The key that signs from now on; those before it stay published.
    pub key: Option<&'static str>,
    /// Whether consent is remembered.
    pub consent_remembered: Option<bool>,
    /// Another client secret.
    pub client_secret: Option<Value>,
    /// RFC 8628 interval.
    pub device_interval: Option<Duration>,
    /// RFC 8936 events per answer.
    pub poll_batch: Option<u32>,
    /// Options that the dialect adds.
    pub dialect: Vec<(String, Value)>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkcePolicy {
    Check,
    Ignore,
    Require,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParPolicy {
    Off,
    Offer,
    Require,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPolicy {
    Rotate,
    Keep,
    Strict,
    None,
}

impl Step {
    /// The level that this step's expectation has, given the header's.
    pub fn level_at(&self, tier: Tier, header: Level) -> Level {
        self.level.as_ref().map_or(header, |rule| rule.at(tier))
    }
}

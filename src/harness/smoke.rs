//! The smoke check before anything: is the manifest true, and does a plain login work at all?

mod identity;
mod reset;
mod watches;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::agent::{Browser, Surroundings};
use crate::judge::Breach;
use crate::model::case::{
    Act, Answer, BrowserName, Case, Expectation, Expected, ScopeAnswer, SessionIs, SignIn, Step, Target, Visit, Who,
};
use crate::model::exchange::{Cause, Party, Purpose};
use crate::model::fault::Endpoint;
use crate::model::observation::Whom;
use crate::model::verdict::Tier;
use crate::partner;

use super::diagnose::Scene;
use super::drive::{self, Mode, Order, PlayVariant, Played};
use super::world::World;

/// One line of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeLine {
    /// It holds.
    pub ok: bool,
    /// What was looked at, and what was seen.
    pub what: String,
    /// How to mend it.
    pub help: Option<String>,
    /// It speaks about the partner rather than about the manifest or the environment.
    pub finding: bool,
    /// The rule for messages that was broken, where that is what it says.
    pub breach: Option<Box<Breach>>,
}

impl SmokeLine {
    pub(super) fn good(what: impl Into<String>) -> Self {
        SmokeLine { ok: true, what: what.into(), help: None, finding: false, breach: None }
    }

    fn bad(what: impl Into<String>, help: impl Into<String>) -> Self {
        SmokeLine { ok: false, what: what.into(), help: Some(help.into()), finding: false, breach: None }
    }

    fn about(self, breach: Breach) -> Self {
        SmokeLine { breach: Some(Box::new(breach)), ..self }
    }

    /// From a sentence that carries its advice with it.
    pub(super) fn of_sentence(text: &str) -> Self {
        match text.split_once("\n  help: ") {
            Some((what, help)) => SmokeLine::bad(what, help.replace("\n        ", "\n")),
            None => SmokeLine::bad(text, "mend that first"),
        }
    }
}

/// Everything that must hold before a case means anything. Ends at the first thing that does not.
pub async fn check(world: &Arc<World>, capabilities: &BTreeSet<String>) -> Vec<SmokeLine> {
    let mut lines = Vec::new();
    lines.extend(reset::forget(world).await);
    if lines.iter().all(|line| line.ok) {
        lines.push(empty_jar(world).await);
    }
    if lines.iter().all(|line| line.ok) {
        lines.push(random_jar(world).await);
    }
    if lines.iter().all(|line| line.ok) {
        let played = login_and_out(world).await;
        lines.extend(judge_login(world, &played, capabilities).await);
    }
    if lines.iter().all(|line| line.ok) {
        lines.extend(identity::from_userinfo(world).await);
    }
    if lines.iter().all(|line| line.ok) {
        lines.extend(watches::the_session(world).await);
    }
    lines
}

fn probe_browser(world: &World, base: &str) -> Browser {
    Browser::new(
        "smoke",
        Surroundings {
            sequence: world.sequence.clone(),
            origins: {
                let issuers = world.issuers().into_iter().map(|(name, issuer)| (issuer, Party::Provider(name)));
                issuers.chain([(base.to_owned(), Party::Partner)]).collect()
            },
            tag: None,
            limits: world.ground.limits,
            tls: world.ground.tls.as_ref().and_then(|authority| authority.client().ok()),
            chromium: world.ground.chromium.clone(),
        },
    )
}

fn cause() -> Cause {
    Cause { step: 0, browser: "smoke".to_owned(), tab: "first".to_owned(), purpose: Purpose::Guard }
}

async fn nobody_in(world: &World, browser: &Browser, base: &str, jar: &str) -> SmokeLine {
    let answer = partner::probe(&world.ground.manifest, base, browser, &cause()).await;
    if let Some(why) = answer.unreadable {
        return SmokeLine::bad(
            format!("the session probe cannot be read: {why}"),
            "[session] url must answer a browser without cookies at once, with 401 or with nobody in it",
        );
    }
    if answer.is_somebody() {
        let who = answer.subject.or(answer.username).or(answer.email).or(answer.account).unwrap_or_default();
        return SmokeLine::bad(
            format!("the probe says \"{who}\" to a browser with {jar}"),
            "[session] url must show who is signed in in the browser that asks; look at its cookie handling, or at the pointer in `who`",
        );
    }
    SmokeLine::good(format!("a browser with {jar} is nobody"))
}

async fn empty_jar(world: &World) -> SmokeLine {
    let base = world.partner().await.base().to_owned();
    nobody_in(world, &probe_browser(world, &base), &base, "an empty jar").await
}

/// Random values under whatever cookie names the partner sets before a login.
async fn random_jar(world: &World) -> SmokeLine {
    let base = world.partner().await.base().to_owned();
    let browser = probe_browser(world, &base);
    if let Some(place) = partner::place(&world.ground.manifest, "login") {
        let issuer = world.provider.issuer().to_owned();
        let stay = |navigation: crate::agent::Navigation| crate::agent::Navigation {
            stop_before: vec![issuer.clone()],
            ..navigation
        };
        // Whatever comes of it: the next line looks at logins. Here only the names of its cookies are wanted.
        let _ = partner::open_place(&base, &browser, "first", place, None, &stay, &cause()).await;
    }
    let names: Vec<String> = browser.cookies(Some(&base)).into_iter().map(|cookie| cookie.name).collect();
    for name in &names {
        let value = &crate::model::persona::digest(&[&world.ground.seed.to_string(), name])[..32];
        browser.set_cookie(&base, name, value);
    }
    nobody_in(world, &browser, &base, "made-up cookies").await
}

/// A step in the first tab of the first browser.
fn step(act: Act) -> Step {
    Step {
        name: None,
        browser: BrowserName::default(),
        tab: "first".to_owned(),
        save: Vec::new(),
        repeat: 1,
        background: false,
        attack: false,
        needs: Vec::new(),
        requirement: None,
        level: None,
        act,
        place: 0,
        line: 0,
    }
}

/// Who is signed in now.
fn session_is(who: SessionIs) -> Act {
    Act::Expect(Box::new(Expectation {
        subject: Expected::Session(who),
        count: None,
        matches: None,
        answered: None,
        unique: None,
        entropy: None,
        gap: None,
        selectors: Default::default(),
        lands: None,
        lacks: Vec::new(),
        has: Vec::new(),
        from: BTreeSet::new(),
        since: None,
        within: None,
        hold_for: None,
    }))
}

/// Signing in, and out again, as a case of its own.
fn smoke_case() -> Case {
    let answer = Answer { who: Who::Someone, scopes: ScopeAnswer::Everything };
    Case {
        id: "smoke/login".to_owned(),
        title: "A plain login works".to_owned(),
        requirement: "partner/manifest#smoke".to_owned(),
        tier: Tier::Basic,
        level: None,
        dialects: Vec::new(),
        needs: Vec::new(),
        unless: Vec::new(),
        kills: Vec::new(),
        about: None,
        bystander: Some(false),
        variants: Vec::new(),
        steps: vec![step(Act::SignIn(SignIn { answer, ..SignIn::default() }))],
        path: "smoke".to_owned(),
    }
}

async fn login_and_out(world: &Arc<World>) -> Played {
    let mut case = smoke_case();
    if partner::place(&world.ground.manifest, "logout").is_some() {
        let mut step = case.steps[0].clone();
        step.act = Act::Visit(Visit::to(Target::Place("logout".to_owned())));
        case.steps.push(step.clone());
        step.act = session_is(SessionIs::Nobody);
        case.steps.push(step);
    }
    // Played as a control, so that who is signed in is asked right after the login.
    let order = Order { case: Arc::new(case), variant: PlayVariant::default(), mode: Mode::Control };
    drive::play(world, &order).await
}

async fn judge_login(world: &World, played: &Played, capabilities: &BTreeSet<String>) -> Vec<SmokeLine> {
    let mut lines = Vec::new();
    if let Some(trouble) = played.troubles.first() {
        lines.push(SmokeLine::bad(trouble.clone(), "look at [at] in the manifest"));
        return lines;
    }
    let (ambient, output) = (world.provider.ambient(), world.partner().await.output());
    let manifest = &world.ground.manifest;
    let scene = Scene { manifest, played, ambient: &ambient, output: &output, tls: world.ground.tls.is_some() };
    let bad = |(what, help): (String, String)| SmokeLine::bad(what, scene.untrusted().unwrap_or(help));
    match played.sign_ins.first() {
        None => lines.push(bad(scene.never_ended())),
        Some(sign_in) => match &sign_in.seen {
            Some(Whom::Person(name)) if *name == sign_in.person => {
                lines.push(SmokeLine::good("a plain login works, and the probe names the right person"));
            }
            Some(Whom::Stranger(text)) => lines.push(bad(scene.stranger(sign_in, text))),
            seen => {
                let seen = seen.as_ref().map(ToString::to_string).unwrap_or_default();
                lines.push(bad(scene.nobody(sign_in, &seen)));
            }
        },
    }
    if lines.iter().any(|line| !line.ok) {
        lines.extend(broken_rules(world, played));
    } else {
        for observation in &played.observations {
            let mismatches = crate::judge::observation(observation, &played.transcript, &played.facts);
            match mismatches.first() {
                None => lines.push(SmokeLine::good("signing out works")),
                Some(mismatch) => lines.push(bad(scene.still_in(&mismatch.observed))),
            }
        }
        lines.extend(observed_capabilities(world, played, capabilities));
    }
    lines
}

/// Where a login does not work, the rules for messages that it broke: mostly the reason. Of a login that works the cases
/// tell them.
fn broken_rules(world: &World, played: &Played) -> Vec<SmokeLine> {
    let breaches = world.ground.messages.breaches(&played.transcript, &played.facts).into_iter();
    let line = |mut breach: Breach| {
        breach.mismatch = breach.mismatch.masked(&played.facts);
        let rule = breach.requirement.clone().unwrap_or_default();
        SmokeLine {
            finding: true,
            ..SmokeLine::bad(
                format!("{} ({rule})", breach.mismatch.observed),
                format!("{} ({rule})", breach.mismatch.expected),
            )
        }
        .about(breach)
    };
    breaches.map(line).collect()
}

/// Nobody passes by declaring nothing: what is seen must be declared, and what is declared must be seen.
fn observed_capabilities(world: &World, played: &Played, capabilities: &BTreeSet<String>) -> Vec<SmokeLine> {
    let authorization =
        played.transcript.exchanges.iter().find(|exchange| exchange.endpoint == Some(Endpoint::Authorization));
    let Some(authorization) = authorization else { return Vec::new() };
    let sends = |name: &str| authorization.parameter(name).is_some();
    let asks =
        |endpoint: Endpoint| played.transcript.exchanges.iter().any(|exchange| exchange.endpoint == Some(endpoint));
    let seen = [
        ("nonce", sends("nonce")),
        ("state", sends("state")),
        ("pkce", sends("code_challenge")),
        ("max-age", sends("max_age")),
        ("userinfo", asks(Endpoint::Userinfo)),
        // The provider's script opens its dialog with this.
        ("script-login", sends("sdk")),
    ];
    let has = true_list(&world.ground.manifest.capabilities.has, &seen);
    seen.into_iter()
        .filter_map(|(name, observed)| match (observed, capabilities.contains(name)) {
            (true, false) => Some(SmokeLine::bad(
                format!("the partner uses `{name}`, and the manifest does not say so"),
                format!("in [capabilities], has = {has}"),
            )),
            (false, true) => Some(SmokeLine {
                finding: true,
                ..SmokeLine::bad(
                    format!("the manifest declares `{name}`, and a plain login shows nothing of it"),
                    format!("in [capabilities], has = {has}, or make the partner do it (partner/manifest#declared)"),
                )
            }),
            _ => None,
        })
        .collect()
}

/// What the manifest should declare, as it is written: what is declared, with what was seen and without what was not.
fn true_list(declared: &[String], seen: &[(&str, bool)]) -> String {
    let unseen = |name: &String| seen.iter().any(|(own, observed)| own == name && !observed);
    let new = seen.iter().filter(|(name, observed)| *observed && !declared.iter().any(|own| own == name));
    let all = declared.iter().filter(|name| !unseen(name)).map(String::as_str).chain(new.map(|(name, _)| *name));
    format!("[{}]", all.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
}

/// A plain login of somebody new in a new browser.
///
/// # Errors
/// Why it did not work, in a sentence.
pub async fn plain_login(world: &Arc<World>) -> Result<(), String> {
    let order = Order { case: Arc::new(smoke_case()), variant: PlayVariant::default(), mode: Mode::Control };
    let played = drive::play(world, &order).await;
    if let Some(sentence) = played.troubles.first() {
        return Err(sentence.clone());
    }
    match played.sign_ins.first() {
        Some(sign_in) if sign_in.seen == Some(Whom::Person(sign_in.person.clone())) => Ok(()),
        Some(sign_in) => Err(format!(
            "the probe says {} after a login that rested on {}",
            sign_in.seen.as_ref().map(ToString::to_string).unwrap_or_default(),
            sign_in.rested
        )),
        None => Err("the login never came to its end".to_owned()),
    }
}

//! The device grant (RFC 8628): the device asks for a pair of codes, the person enters one on a page, the device polls with
//! the other one. Only `serve` has it; there its polls may be answered by a script instead of a person.

use std::collections::VecDeque;

use crate::model::control::{DevicePoll, DeviceScript};
use crate::model::fault::Endpoint;
use crate::model::wire::Wire;

use super::inbound::{Inbound, one, repeated};
use super::ledger::Origin;
use super::mint::answer::Answer;
use super::reply::{Reply, error_answer};
use super::state::{Shared, random_id};
use super::{ClientRegistration, authorize, client_auth, everyday, faults, pages};

/// `grant_type` of the polls.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where the device begins, below the issuer.
pub(super) const AUTHORIZATION: &str = "/device_authorization";
/// Where the person enters the code, below the issuer.
pub(super) const VERIFICATION: &str = "/device";

/// Seconds that a pair of codes lives.
const LIFETIME: i64 = 600;
/// Seconds between two polls (RFC 8628, section 3.2).
const INTERVAL: i64 = 5;
/// By how much a device that is too fast has to slow down (RFC 8628, section 3.5).
const SLOWER: i64 = 5;
/// Letters of a code that cannot be mistaken for each other, nor make words (RFC 8628, section 6.1).
const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
/// Scripts that wait, at most.
const SCRIPTS: usize = 1_000;

/// A device that waits.
pub(super) struct Waiting {
    pub origin: Origin,
    client_id: String,
    scopes: Vec<String>,
    user_code: String,
    expires: i64,
    interval: i64,
    polled: Option<i64>,
    script: Option<(VecDeque<DevicePoll>, Option<String>)>,
    decision: Decision,
}

#[derive(Clone)]
enum Decision {
    None,
    Allowed {
        person: String,
        scopes: Vec<String>,
    },
    Refused,
    /// Tokens were given out.
    Used,
}

/// What a poll is given tokens for.
pub(super) struct Granted {
    pub origin: Origin,
    pub person: String,
    pub scopes: Vec<String>,
    pub session: String,
}

type Refusal = (&'static str, &'static str);

/// The next device of that client is answered so. `false`: too many wait already.
pub(super) fn arm(shared: &Shared, script: DeviceScript) -> bool {
    let mut ledger = shared.ledger();
    let room = ledger.scripts.len() < SCRIPTS;
    if room {
        ledger.scripts.push_back(script);
    }
    room
}

/// The device authorization endpoint (RFC 8628, section 3.1).
pub(super) fn request(shared: &Shared, inbound: &Inbound) -> Reply {
    let refuse = |code: &str, why: &str| {
        Reply::of(Endpoint::Device, error_answer(&shared.dialect, Endpoint::Device, code, why))
            .because(format!("{code}: {why}"))
    };
    if inbound.form.is_empty() || repeated(&inbound.form, &["client_id", "client_secret", "scope"]).is_some() {
        return refuse("invalid_request", "a device authorization request is a form with nothing twice");
    }
    let client = match client_auth::client(shared, inbound, None) {
        Ok(client) => client,
        Err(why) => return refuse("invalid_client", why),
    };
    if !client.may_use(GRANT) {
        return refuse("unauthorized_client", "this client registered without this grant");
    }
    let asked = shared.dialect.split_scopes(one(&inbound.form, "scope").unwrap_or_default());
    let scopes: Vec<String> = asked.into_iter().filter(|scope| shared.dialect.scopes.contains_key(scope)).collect();
    if scopes.is_empty() {
        return refuse("invalid_scope", "no scope that is known here was asked for");
    }
    let attempt = shared.default_attempt();
    let origin = authorize::new_login(&attempt);
    let device_code = random_id();
    let user_code = user_code();
    attempt.secret("device_code", &device_code);
    let verification = format!("{}{VERIFICATION}", shared.everyday.base("device_verification", &shared.issuer));
    let mut ledger = shared.ledger();
    let armed = ledger.scripts.iter().position(|script| script.client == client.id);
    let script = armed.and_then(|at| ledger.scripts.remove(at)).map(|own| (own.polls.into(), own.persona));
    let waiting = Waiting {
        origin: origin.clone(),
        client_id: client.id,
        scopes,
        user_code: user_code.clone(),
        expires: attempt.now() + LIFETIME,
        interval: INTERVAL,
        polled: None,
        script,
        decision: Decision::None,
    };
    ledger.devices.insert(device_code.clone(), waiting);
    drop(ledger);
    let mut body = Wire::object();
    body.push("device_code", device_code);
    body.push("verification_uri_complete", format!("{verification}?user_code={user_code}"));
    body.push("verification_uri", verification);
    body.push("user_code", user_code);
    body.push("expires_in", LIFETIME);
    body.push("interval", INTERVAL);
    Reply::of(Endpoint::Device, Answer::json(200, body)).from(Some(origin))
}

fn user_code() -> String {
    let letter = |digit: char| char::from(LETTERS[digit.to_digit(16).unwrap_or(0) as usize]);
    let letters: String = random_id().chars().take(8).map(letter).collect();
    letters.get(..4).zip(letters.get(4..)).map_or_else(String::new, |(one, two)| format!("{one}-{two}"))
}

/// A poll at the token endpoint (RFC 8628, section 3.4).
pub(super) fn poll(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Result<Granted, Refusal> {
    let text = one(&inbound.form, "device_code").ok_or(("invalid_request", "device_code is missing"))?;
    if !client.may_use(GRANT) {
        return Err(("unauthorized_client", "this client registered without this grant"));
    }
    let (origin, person, scopes) = {
        let mut ledger = shared.ledger();
        let own = ledger.devices.get_mut(text).ok_or(("invalid_grant", "this device code is unknown"))?;
        if own.client_id != client.id {
            return Err(("invalid_grant", "this device code was given to another client"));
        }
        let now = own.origin.attempt.now();
        if now > own.expires {
            return Err(("expired_token", "the codes have expired; begin again"));
        }
        if let Some((polls, person)) = &mut own.script {
            // The last answer stays.
            let next = if polls.len() > 1 { polls.pop_front() } else { polls.front().copied() };
            match next.unwrap_or(DevicePoll::Pending) {
                DevicePoll::Pending => return Err(("authorization_pending", "as the script says")),
                DevicePoll::SlowDown => return Err(("slow_down", "as the script says")),
                DevicePoll::Expire => return Err(("expired_token", "as the script says")),
                DevicePoll::Deny => return Err(("access_denied", "as the script says")),
                DevicePoll::Allow if matches!(own.decision, Decision::None) => {
                    let person = person.clone().unwrap_or_default();
                    own.decision = Decision::Allowed { person, scopes: own.scopes.clone() };
                }
                DevicePoll::Allow => {}
            }
        } else if own.polled.replace(now).is_some_and(|before| now - before < own.interval) {
            own.interval += SLOWER;
            return Err(("slow_down", "the device polls faster than the interval"));
        }
        match own.decision.clone() {
            Decision::None => return Err(("authorization_pending", "the person has not answered yet")),
            Decision::Refused => return Err(("access_denied", "the person refused")),
            Decision::Used => return Err(("invalid_grant", "this device code was used before")),
            Decision::Allowed { person, scopes } => {
                own.decision = Decision::Used;
                (own.origin.clone(), person, scopes)
            }
        }
    };
    let (origin, session, _) = authorize::begin_session(shared, &origin, &person);
    faults::bind(&origin.attempt, &origin, &client.id, None);
    let key = super::dialect::held::key(&shared.dialect, &person, &client.id);
    origin.attempt.inner().grants.insert(key, scopes.clone());
    Ok(Granted { origin, person, scopes, session })
}

/// The page where a person enters the code, and answers.
pub(super) fn verification(shared: &Shared, inbound: &Inbound) -> Reply {
    let action = shared.public_path(VERIFICATION);
    let site = shared.dialect.title.as_str();
    let typed = one(inbound.parameters(), "user_code").map(normal);
    let ask = |status: u16, error: Option<&str>| {
        let code = typed.as_deref().unwrap_or_default();
        let reply = Reply::page(Answer::page(status, pages::device::code(site, &action, code, error)));
        match error {
            Some(error) => reply.because(error),
            None => reply,
        }
    };
    let Some(code) = typed.as_deref().filter(|code| !code.is_empty()) else { return ask(200, None) };
    let attempt = shared.default_attempt();
    let decision = if inbound.is_post() { one(&inbound.form, "decision") } else { None };
    let mut ledger = shared.ledger();
    let now = attempt.now();
    let open =
        |own: &&mut Waiting| own.user_code == code && now <= own.expires && matches!(own.decision, Decision::None);
    let Some(own) = ledger.devices.values_mut().find(open) else {
        drop(ledger);
        return ask(404, Some("No device waits with this code. Is it typed as the device shows it?"));
    };
    let (client, scopes, origin) = (own.client_id.clone(), own.scopes.clone(), own.origin.clone());
    match decision {
        Some("deny") => own.decision = Decision::Refused,
        Some("allow") => {
            let chosen = one(&inbound.form, "persona").unwrap_or_default();
            let Some(person) = everyday::chosen(shared, &attempt, chosen) else {
                drop(ledger);
                return ask(400, Some("Nobody of that name can sign in."));
            };
            let ticked = |scope: &&String| {
                *scope == "openid" || inbound.form.iter().any(|(name, own)| name == "scope" && own == *scope)
            };
            let granted: Vec<String> = scopes.iter().filter(ticked).cloned().collect();
            own.decision = match granted.is_empty() {
                true => Decision::Refused,
                false => Decision::Allowed { person: person.name, scopes: granted },
            };
        }
        _ => {
            drop(ledger);
            let accounts = authorize::accounts(shared, &attempt);
            let scopes = authorize::asked(shared, &scopes);
            let (client, accounts, scopes) = (client.as_str(), &accounts[..], &scopes[..]);
            let page = pages::device::Decide { site, action: &action, code, client, accounts, scopes }.page();
            return Reply::page(Answer::page(200, page)).from(Some(origin));
        }
    }
    drop(ledger);
    let text = if decision == Some("deny") { "The device was refused." } else { "Go on at your device." };
    Reply::page(Answer::page(200, pages::done("It is done", text))).from(Some(origin))
}

/// As the device shows it, however it was typed.
fn normal(typed: &str) -> String {
    let letters: String = typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    match letters.split_at_checked(4) {
        Some((one, two)) if !two.is_empty() => format!("{one}-{two}"),
        _ => letters,
    }
}

//! The authorization endpoint and its pages (RFC 6749, section 4.1; OpenID Connect Core, section 3.1.2).

use std::collections::BTreeMap;

use crate::model::case::PkcePolicy;
use crate::model::fault::{Endpoint, Message};
use crate::model::wire::Wire;

use super::check_session;
use super::cookies::{browser_cookie, cookie, remembered_by, session_cookie};
use super::dialect::held::{self, Key};
use super::dialect::{Granted, is_same_origin};
use super::everyday;
use super::faults;
use super::inbound::{Inbound, one, repeated};
use super::ledger::{AuthorizationRequest, Code, Origin, Pending, Session};
use super::mint::answer::{Answer, Carrier};
use super::pages;
use super::pkce;
use super::reply::{Reply, redirect_error};
pub(super) use super::sessions::{begin_session, embedded_session_of, new_login, session_of};
use super::state::{Login, Shared, random_id};

/// The parameters that this endpoint knows; none may stand there twice.
const KNOWN: [&str; 19] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "request",
    "request_uri",
    "acr_values",
    "claims",
    "display",
    "id_token_hint",
    "ui_locales",
];

/// What `prompt` may say (OpenID Connect Core, section 3.1.2.1).
pub(super) const PROMPTS: [&str; 4] = ["none", "login", "consent", "select_account"];

/// Seconds that a code lives (RFC 6749, section 4.1.2, recommends ten minutes at most).
pub(super) const CODE_LIFETIME: i64 = 60;

/// `GET` or `POST` at the endpoint itself.
pub(super) fn request(shared: &Shared, inbound: &Inbound, origin: Option<Origin>) -> Reply {
    let parameters = inbound.parameters();
    let refuse = |status: u16, text: &str| {
        let html = match advice(shared, one(parameters, "client_id")) {
            None => pages::error("This request cannot go on", text),
            Some(advice) => pages::error_with_advice("This request cannot go on", text, &advice),
        };
        let reply = Reply::of(Endpoint::Authorization, Answer::page(status, html)).from(origin.clone()).because(text);
        // A page for the person is no authorization response: nothing in it could be changed.
        Reply { message: None, ..reply }
    };
    if let Some(name) = repeated(parameters, &["client_id", "redirect_uri"]) {
        return refuse(400, &format!("The parameter {name} stands in the request more than once."));
    }
    let Some(client) = one(parameters, "client_id").and_then(|id| shared.client(id)) else {
        return refuse(400, "No application is registered under this client_id.");
    };
    let redirect_uri = match one(parameters, "redirect_uri") {
        Some(uri) if client.redirect_uris.iter().any(|own| own == uri) => uri.to_owned(),
        Some(uri)
            if shared.dialect.authorization.same_origin_suffices && is_same_origin(uri, &client.redirect_uris) =>
        {
            uri.to_owned()
        }
        Some(_) => {
            return refuse(400, "The redirect_uri is not one that the application registered, character by character.");
        }
        None => return refuse(400, "The redirect_uri is missing."),
    };
    let attempt = origin.as_ref().map_or_else(|| shared.default_attempt(), |origin| origin.attempt.clone());
    // Whoever comes without an attempt begins a login of its own, by which whatever follows from it is known.
    let origin = origin.unwrap_or_else(|| new_login(&attempt));
    let options = attempt.inner().options.clone();
    let state = one(parameters, "state").map(str::to_owned);
    let mode = one(parameters, "response_mode").map(Carrier::from_name);
    let carrier = mode.flatten().unwrap_or_default();
    let back = |code: &str, why: &str| {
        let mut members = redirect_error(&shared.dialect, code, why);
        if let Some(state) = &state {
            members.push("state", state.as_str());
        }
        if options.iss_parameter && shared.dialect.openid {
            members.push("iss", shared.issuer.as_str());
        }
        let session = session_of(shared, inbound, &origin).map(|(id, _)| id);
        check_session::tell(shared, &mut members, (&client.id, &redirect_uri), session.as_deref());
        let answer = Answer::redirect(&target(shared, &redirect_uri), members).by(carrier);
        Reply::of(Endpoint::Authorization, check_session::remembered_by(shared, answer, session.as_deref()))
            .from(Some(origin.clone()))
            .because(format!("{code}: {why}"))
    };
    if let Some(name) = repeated(parameters, &KNOWN) {
        return back("invalid_request", &format!("{name} stands in the request more than once"));
    }
    if one(parameters, "request").is_some() {
        return back("request_not_supported", "request objects are not supported");
    }
    if one(parameters, "request_uri").is_some() {
        return back("request_uri_not_supported", "request_uri is not supported");
    }
    let rules = &shared.dialect.authorization;
    let response_type = match one(parameters, "response_type").or(rules.default_response_type.as_deref()) {
        Some(asked) if rules.response_types.iter().any(|own| own == asked) => asked.to_owned(),
        Some(_) => return back("unsupported_response_type", "this response_type is not supported"),
        None => return back("invalid_request", "response_type is missing"),
    };
    if mode == Some(None) {
        return back("invalid_request", "this response_mode is not supported");
    }
    let policy = match options.pkce {
        PkcePolicy::Check if shared.everyday.public_needs_pkce && client.auth == "none" => PkcePolicy::Require,
        own => own,
    };
    let challenge = match pkce::challenge(parameters, policy) {
        Ok(challenge) => challenge,
        Err(why) => return back("invalid_request", why),
    };
    let asked = shared.dialect.split_scopes(one(parameters, "scope").unwrap_or_default());
    // Scopes that this provider does not know are not granted; the answer says what was (RFC 6749, section 3.3).
    let implied = shared.dialect.scopes.iter().filter(|(_, own)| own.implied).map(|(scope, _)| scope.clone());
    let mut scopes: Vec<String> = implied.collect();
    for scope in asked {
        if shared.dialect.scopes.contains_key(&scope) && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return back("invalid_scope", "no scope that is known here was asked for");
    }
    let prompts: Vec<&str> =
        one(parameters, "prompt").unwrap_or_default().split(' ').filter(|p| !p.is_empty()).collect();
    if prompts.iter().any(|prompt| !PROMPTS.contains(prompt)) {
        return back("invalid_request", "prompt says something that is not supported");
    }
    if prompts.contains(&"none") && prompts.len() > 1 {
        return back("invalid_request", "prompt=none stands alone");
    }
    let max_age = match one(parameters, "max_age").map(str::parse::<i64>) {
        None => None,
        Some(Ok(seconds)) if seconds >= 0 => Some(seconds),
        Some(_) => return back("invalid_request", "max_age is a number of seconds"),
    };
    let mut request = AuthorizationRequest {
        client_id: client.id.clone(),
        response_type,
        ask_again: false,
        login_again: false,
        more: BTreeMap::new(),
        redirect_uri: redirect_uri.clone(),
        scopes,
        state: state.clone(),
        nonce: one(parameters, "nonce").map(str::to_owned),
        code_challenge: challenge,
        login_hint: one(parameters, "login_hint").map(str::to_owned),
        carrier,
        ask_consent: !options.consent_remembered || prompts.contains(&"consent"),
        parameters: parameters.to_vec(),
    };
    if let Some(adapter) = shared.adapter
        && let Err((kind, why)) = adapter.asks(&attempt, &mut request)
    {
        return back(kind, why);
    }
    let session = session_of(shared, inbound, &origin).filter(|(_, session)| {
        // Another account is chosen on the login page.
        let ask_again = request.login_again || prompts.contains(&"login") || prompts.contains(&"select_account");
        let hinted = everyday::is_hinted(shared, &attempt, session, request.login_hint.as_deref());
        !ask_again && hinted && max_age.is_none_or(|age| attempt.now() - session.auth_time <= age)
    });
    if prompts.contains(&"none") {
        let Some((id, session)) = session else { return back("login_required", "nobody is signed in") };
        let key = held::key(&shared.dialect, &session.person, &request.client_id);
        let granted = attempt.inner().grants.get(&key).cloned().unwrap_or_default();
        if !request.scopes.iter().all(|scope| granted.contains(scope)) {
            return back("consent_required", "the person was not asked for all of this yet");
        }
        let origin = Origin { person: Some(session.person.clone()), ..origin };
        let pending = Pending { origin, request, browser_secret: String::new(), session: Some(id.clone()) };
        return respond(shared, pending, &id, &session, None, Some(Endpoint::Authorization));
    }
    if let (None, Some(person)) = (&session, everyday::at_once(shared, &attempt, request.login_hint.as_deref())) {
        let (origin, id, session) = begin_session(shared, &origin, &person.name);
        let pending = Pending { origin, request, browser_secret: String::new(), session: Some(id.clone()) };
        let all = Some(pending.request.scopes.clone());
        let mut reply = respond(shared, pending, &id, &session, all, Some(Endpoint::Authorization));
        reply.answer = remembered_by(shared, reply.answer, &id);
        return reply;
    }
    let browser_secret = inbound.cookie(browser_cookie(shared)).map_or_else(random_id, str::to_owned);
    let origin = Origin { person: session.as_ref().map(|(_, session)| session.person.clone()), ..origin };
    let pending = Pending {
        origin: origin.clone(),
        request,
        browser_secret: browser_secret.clone(),
        session: session.as_ref().map(|(id, _)| id.clone()),
    };
    if let Some((id, session)) = &session
        && to_ask(shared, &attempt, &pending.request, &session.person).is_empty()
    {
        return respond(shared, pending, id, session, None, Some(Endpoint::Authorization));
    }
    let transaction = random_id();
    let html = match &session {
        Some((_, session)) => consent_page(shared, &transaction, &pending.request, &session.person, &attempt),
        None => {
            let hint = pending.request.login_hint.clone().unwrap_or_default();
            login_page(shared, &transaction, &pending.request.client_id, &hint, &attempt, None)
        }
    };
    shared.ledger().pending.insert(transaction, pending);
    let answer = Answer::page(200, html).with("set-cookie", &cookie(shared, browser_cookie(shared), &browser_secret));
    Reply { message: None, ..Reply::of(Endpoint::Authorization, answer).from(Some(origin)) }
}

/// What the person is asked for. Nothing: the answer needs no page.
fn to_ask(
    shared: &Shared,
    attempt: &super::state::AttemptState,
    request: &AuthorizationRequest,
    person: &str,
) -> Vec<String> {
    let inner = attempt.inner();
    let key = held::key(&shared.dialect, person, &request.client_id);
    let held = |kept: &BTreeMap<Key, Vec<String>>| kept.get(&key).cloned().unwrap_or_default();
    let granted = held(&inner.grants);
    if shared.dialect.consent.cumulative && !request.ask_consent {
        let declined = if request.ask_again { Vec::new() } else { held(&inner.declined) };
        let new = |scope: &&String| !granted.contains(scope) && !declined.contains(scope);
        return request.scopes.iter().filter(new).cloned().collect();
    }
    let remembered = !request.ask_consent && request.scopes.iter().all(|scope| granted.contains(scope));
    if remembered { Vec::new() } else { request.scopes.clone() }
}

/// Where a redirect goes, with the fragment that the dialect puts at its end.
fn target(shared: &Shared, redirect_uri: &str) -> String {
    match &shared.dialect.authorization.fragment {
        Some(fragment) => format!("{redirect_uri}#{fragment}"),
        None => redirect_uri.to_owned(),
    }
}

fn page_path(shared: &Shared, page: &str) -> String {
    let place = shared.dialect.told_path("authorization").unwrap_or_else(|| "/authorize".to_owned());
    shared.public_path(&format!("{place}/{page}"))
}

/// What whoever builds the application should know, where the provider tells such things.
fn advice(shared: &Shared, client_id: Option<&str>) -> Option<pages::Advice> {
    if !shared.everyday.advice {
        return None;
    }
    let (flag, file) = (pages::code("--client ID:SECRET:REDIRECT_URI"), pages::code("--config"));
    let after = format!("Register another one with {flag} or in the file of {file}.");
    Some(match client_id.and_then(|id| shared.client(id)) {
        Some(client) => pages::Advice {
            before: format!("For {} these addresses are registered:", pages::code(&client.id)),
            list: client.redirect_uris.clone(),
            after,
        },
        None => {
            let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let before = format!("At {} these are registered:", pages::code(&shared.issuer));
            pages::Advice { before, list: clients.keys().cloned().collect(), after }
        }
    })
}

/// The accounts that can be chosen on a page.
pub(super) fn accounts(shared: &Shared, attempt: &super::state::AttemptState) -> Vec<pages::Account> {
    if !shared.everyday.one_click {
        return Vec::new();
    }
    let inner = attempt.inner();
    let people = inner.people.values().filter(|person| !inner.locked.contains(&person.name));
    let account = |person: &crate::model::persona::Person| pages::Account {
        name: person.name.clone(),
        shown: person.text("name").unwrap_or_else(|| person.name.clone()),
        detail: person.text("email").unwrap_or_default(),
    };
    people.map(account).collect()
}

/// Scopes as a page asks for them.
pub(super) fn asked(shared: &Shared, scopes: &[String]) -> Vec<pages::Asked> {
    let asked = |scope: &String| {
        let says = shared.dialect.scopes.get(scope).map(|own| own.says.clone()).unwrap_or_default();
        let says = if says.is_empty() { scope.clone() } else { says };
        pages::Asked { scope: scope.clone(), says, fixed: shared.dialect.is_fixed(scope) }
    };
    scopes.iter().map(asked).collect()
}

fn login_page(
    shared: &Shared,
    transaction: &str,
    client: &str,
    hint: &str,
    attempt: &super::state::AttemptState,
    error: Option<&str>,
) -> String {
    let accounts = accounts(shared, attempt);
    let (site, action) = (shared.dialect.title.as_str(), page_path(shared, "login"));
    let step = pages::Step { site, client, action: &action, transaction };
    pages::Login { step, hint, error, accounts: &accounts }.page()
}

fn consent_page(
    shared: &Shared,
    transaction: &str,
    request: &AuthorizationRequest,
    person: &str,
    attempt: &super::state::AttemptState,
) -> String {
    let scopes = asked(shared, &to_ask(shared, attempt, request, person));
    let person = attempt.person(person).and_then(|person| person.text("name")).unwrap_or_else(|| person.to_owned());
    let (site, action) = (shared.dialect.title.as_str(), page_path(shared, "consent"));
    let step = pages::Step { site, client: &request.client_id, action: &action, transaction };
    pages::Consent { step, person: &person, scopes: &scopes }.page()
}

/// The person sent the login form.
pub(super) fn login(shared: &Shared, inbound: &Inbound, origin: Option<Origin>) -> Reply {
    let transaction = one(&inbound.form, "transaction").unwrap_or_default().to_owned();
    let (pending_origin, request) = match waiting(shared, inbound, &transaction) {
        Ok(known) => known,
        Err(why) => {
            return Reply::page(Answer::page(400, pages::error("Please begin again", why))).from(origin).because(why);
        }
    };
    let origin = origin.unwrap_or(pending_origin);
    let username = one(&inbound.form, "username").unwrap_or_default();
    let password = one(&inbound.form, "password").unwrap_or_default();
    let button = one(&inbound.form, "persona");
    let person = button.map_or_else(
        || {
            let inner = origin.attempt.inner();
            inner
                .people
                .values()
                .find(|person| {
                    person.login == username && person.password == password && !inner.locked.contains(&person.name)
                })
                .cloned()
        },
        |name| everyday::chosen(shared, &origin.attempt, name),
    );
    let Some(person) = person else {
        let why = "The user name or the password is wrong, or the account is disabled.";
        let html = login_page(shared, &transaction, &request.client_id, username, &origin.attempt, Some(why));
        return Reply::page(Answer::page(401, html)).from(Some(origin)).because(why);
    };
    let (origin, id, session) = begin_session(shared, &origin, &person.name);
    let remembered = {
        let mut ledger = shared.ledger();
        if let Some(pending) = ledger.pending.get_mut(&transaction) {
            pending.session = Some(id.clone());
            pending.origin = origin.clone();
        }
        let nothing = to_ask(shared, &origin.attempt, &request, &person.name).is_empty();
        if nothing { ledger.pending.remove(&transaction) } else { None }
    };
    if let Some(pending) = remembered {
        let mut reply = respond(shared, pending, &id, &session, None, None);
        reply.answer = remembered_by(shared, reply.answer, &id);
        return reply;
    }
    let html = consent_page(shared, &transaction, &request, &person.name, &origin.attempt);
    Reply::page(remembered_by(shared, Answer::page(200, html), &id)).from(Some(origin))
}

fn waiting(
    shared: &Shared,
    inbound: &Inbound,
    transaction: &str,
) -> Result<(Origin, AuthorizationRequest), &'static str> {
    let ledger = shared.ledger();
    let pending = ledger.pending.get(transaction).ok_or("This request is not waiting any more.")?;
    if inbound.cookie(browser_cookie(shared)) != Some(pending.browser_secret.as_str()) {
        return Err("This request was begun in another browser.");
    }
    Ok((pending.origin.clone(), pending.request.clone()))
}

/// The person answered the consent page.
pub(super) fn consent(shared: &Shared, inbound: &Inbound, origin: Option<Origin>) -> Reply {
    let transaction = one(&inbound.form, "transaction").unwrap_or_default().to_owned();
    let refuse = |why: &str| {
        Reply::page(Answer::page(400, pages::error("Please begin again", why))).from(origin.clone()).because(why)
    };
    if let Err(why) = waiting(shared, inbound, &transaction) {
        return refuse(why);
    }
    let signed_in = inbound.cookie(session_cookie(shared)).map(str::to_owned);
    let (pending, id, session) = {
        let mut ledger = shared.ledger();
        let id = ledger.pending.get(&transaction).and_then(|pending| pending.session.clone());
        let session = id.as_ref().and_then(|id| ledger.sessions.get(id).cloned()).filter(|session| !session.ended);
        match (id, session) {
            (Some(id), Some(session)) if signed_in.as_deref() == Some(id.as_str()) => {
                match ledger.pending.remove(&transaction) {
                    Some(pending) => (pending, id, session),
                    None => return refuse("This request is not waiting any more."),
                }
            }
            _ => return refuse("Nobody is signed in for this request."),
        }
    };
    let ticked: Vec<String> =
        inbound.form.iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope.clone()).collect();
    let decision = match one(&inbound.form, "decision") {
        Some("allow") => Some(answered(shared, &pending, &session.person, &ticked)),
        _ => Some(Vec::new()),
    };
    respond(shared, pending, &id, &session, decision, None)
}

/// Of what was asked, what holds after the person has ticked something.
fn answered(shared: &Shared, pending: &Pending, person: &str, ticked: &[String]) -> Vec<String> {
    let attempt = &pending.origin.attempt;
    let asked = to_ask(shared, attempt, &pending.request, person);
    let key = held::key(&shared.dialect, person, &pending.request.client_id);
    let granted = |scope: &&String| {
        if asked.contains(scope) {
            return shared.dialect.is_fixed(scope) || ticked.contains(scope);
        }
        attempt.inner().grants.get(&key).is_some_and(|granted| granted.contains(scope))
    };
    pending.request.scopes.iter().filter(granted).cloned().collect()
}

/// Writes down what the person grants and declines.
fn remember(shared: &Shared, origin: &Origin, request: &AuthorizationRequest, person: &str, granted: &[String]) {
    let (now, key) = (origin.attempt.now(), held::key(&shared.dialect, person, &request.client_id));
    let mut inner = origin.attempt.inner();
    inner.granted_at.insert(key.clone(), now);
    if !shared.dialect.consent.cumulative {
        inner.grants.insert(key, granted.to_vec());
        return;
    }
    let all = inner.grants.entry(key.clone()).or_default();
    all.extend(granted.iter().filter(|scope| !all.contains(scope)).cloned().collect::<Vec<_>>());
    let declined = inner.declined.entry(key).or_default();
    declined.retain(|scope| !granted.contains(scope));
    declined.extend(request.scopes.iter().filter(|scope| !granted.contains(scope)).cloned());
    declined.sort();
    declined.dedup();
}

/// The authorization response: a code for what was granted (`None`: all that was granted before), or `access_denied`.
fn respond(
    shared: &Shared,
    pending: Pending,
    session_id: &str,
    session: &Session,
    granted: Option<Vec<String>>,
    endpoint: Option<Endpoint>,
) -> Reply {
    let request = pending.request;
    let origin = Origin { person: Some(session.person.clone()), ..pending.origin };
    let attempt = origin.attempt.clone();
    faults::bind(&attempt, &origin, &request.client_id, request.state.as_deref());
    let iss = attempt.inner().options.iss_parameter && shared.dialect.openid;
    let mut carrier = request.carrier;
    let refused = granted.as_ref().is_some_and(Vec::is_empty);
    let mut elsewhere = shared.adapter.and_then(|adapter| adapter.redirect(shared, &request, None)).filter(|_| refused);
    let mut members = Wire::object();
    let mut note = None;
    if refused {
        members = redirect_error(&shared.dialect, "access_denied", "the person refused");
        note = Some("access_denied: the person refused".to_owned());
    } else {
        let held = || {
            let key = held::key(&shared.dialect, &session.person, &request.client_id);
            let all = attempt.inner().grants.get(&key).cloned().unwrap_or_default();
            request.scopes.iter().filter(|scope| all.contains(scope)).cloned().collect()
        };
        let granted: Vec<String> = granted.unwrap_or_else(held);
        remember(shared, &origin, &request, &session.person, &granted);
        let wants = |what: &str| request.response_type.split(' ').any(|own| own == what);
        let code = random_id();
        if wants("code") {
            members.push("code", code.as_str());
            attempt.secret("code", &code);
            shared.gives_out(&code, &origin);
        }
        if wants("token") && carrier == Carrier::Query {
            carrier = Carrier::Fragment;
        }
        if let Some(adapter) = shared.adapter {
            let about = Granted { origin: &origin, request: &request, person: &session.person, granted: &granted };
            adapter.authorized(shared, &about, &mut members);
            elsewhere = adapter.redirect(shared, &request, Some(&granted));
        }
        attempt.logged_in(Login {
            browser: origin.browser.clone(),
            person: session.person.clone(),
            sid: session.sid.clone(),
            client_id: request.client_id.clone(),
        });
        let expires = attempt.now() + CODE_LIFETIME;
        let code_entry = Code {
            origin: origin.clone(),
            request: request.clone(),
            granted,
            session: session_id.to_owned(),
            expires,
            used: None,
        };
        if wants("code") {
            shared.ledger().codes.insert(code, code_entry);
        }
    }
    if let Some(state) = &request.state {
        members.push("state", state.as_str());
    }
    if iss {
        members.push("iss", shared.issuer.as_str());
    }
    check_session::tell_of(shared, &mut members, &request, session_id);
    let answer = match elsewhere {
        Some(to) if refused => Answer::redirect(&to, Wire::object()),
        Some(to) => Answer::redirect(&to, members).by(carrier),
        None => Answer::redirect(&target(shared, &request.redirect_uri), members).by(carrier),
    };
    Reply {
        endpoint,
        message: Some(Message::Response(Endpoint::Authorization)),
        note,
        carried: request.parameters,
        ..Reply::page(answer).from(Some(origin))
    }
}

//! The browser's side: `login.php`, `extern/login_status.php`, `logout.php`, and the token of a `user_agent`.

use crate::model::fault::Endpoint;
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::authorize;
use crate::provider::dialect::facebook::legacy_sig;
use crate::provider::dialect::{Granted, held};
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{AuthorizationRequest, Handshake, Origin};
use crate::provider::mint::answer::Answer;
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::{domain_of, is_at_home};
use super::{rest, session};

/// What stands in `next` for the permissions that were granted.
const RESULT: &str = "xxRESULTTOKENxx";

/// What `login.php` asks of its own answer: the session in it, a page of this site at its end, and the token with which
/// the app waits for the session.
const RETURNS: &str = "return_session";
const STAYS: &str = "stays";
const WAITS: &str = "auth_token";

fn refuse(origin: Option<&Origin>, why: &str) -> Reply {
    let page = Answer::page(400, pages::error("This request cannot go on", why));
    Reply { message: None, ..Reply::of(Endpoint::Authorization, page).from(origin.cloned()).because(why) }
}

fn app(shared: &Shared, inbound: &Inbound) -> Option<ClientRegistration> {
    let query = &inbound.query;
    one(query, "api_key").or_else(|| one(query, "app_id")).and_then(|id| shared.client(id))
}

/// `login.php`: an authorization request by other names, whose answer is a session.
pub fn php(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let query = &inbound.query;
    let Some(client) = app(shared, inbound) else {
        return refuse(tagged, "No application is registered under this api_key.");
    };
    let returns = one(query, "return_session").is_some_and(|said| said == "1" || said == "true");
    if returns && one(query, "session_version") != Some("3") {
        return refuse(tagged, "A session is returned in version 3 only: session_version=3 is missing.");
    }
    let waiting = one(query, "auth_token");
    let known = |text: &str| {
        let ledger = shared.ledger();
        ledger.handshakes.get(text).is_some_and(|own| own.client_id == client.id && own.access_token.is_none())
    };
    if waiting.is_some_and(|text| !known(text)) {
        return refuse(tagged, "The auth_token is none of this application, or somebody has come with it already.");
    }
    // An app without a place in the web waits with its auth_token; the person sees a page of this site at the end.
    let stays = waiting.is_some() && one(query, "next").is_none();
    let home = client.redirect_uris.first().map(String::as_str).unwrap_or_default();
    let next = if stays { home } else { one(query, "next").unwrap_or_default() };
    let cancel = one(query, "cancel_url").unwrap_or(next);
    if !is_at_home(&client, next) || !is_at_home(&client, cancel) {
        return refuse(tagged, "next and cancel_url must be at the address that the application registered.");
    }
    let mut request = inbound.request.clone();
    request.method = "GET".to_owned();
    let mut asked = vec![
        ("client_id", client.id.as_str()),
        ("redirect_uri", next),
        ("response_type", "session"),
        ("cancel_url", cancel),
        ("scope", one(query, "req_perms").unwrap_or_default()),
    ];
    asked.extend(one(query, "display").map(|display| ("display", display)));
    asked.extend(returns.then_some((RETURNS, "1")));
    asked.extend(stays.then_some((STAYS, "1")));
    asked.extend(waiting.map(|text| (WAITS, text)));
    let query = asked.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let inner = Inbound {
        seq: inbound.seq,
        request,
        path: inbound.path.clone(),
        version: inbound.version.clone(),
        query,
        form: Vec::new(),
        broken: None,
    };
    authorize::request(shared, &inner, tagged.cloned())
}

/// Members of a good answer: the session of `login.php`, the token of a `user_agent`.
pub fn authorized(shared: &Shared, granted: &Granted<'_>, members: &mut Wire) {
    let request = granted.request;
    let Some(client) = shared.client(&request.client_id) else { return };
    let domain = domain_of(&request.redirect_uri);
    let begin = || session::begin(shared, granted.origin, &client, granted.granted, &domain);
    match request.response_type.as_str() {
        "session" => {
            let session = legacy_sig::signed_session(begin(), &secret(granted.origin, &client));
            let (waiting, returns) = (one(&request.parameters, WAITS), one(&request.parameters, RETURNS).is_some());
            if waiting.is_some() || !returns {
                let text = waiting.map_or_else(rest::new_token, str::to_owned);
                let (client_id, access_token) = (client.id.clone(), session.get("access_token").cloned());
                let handshake = Handshake { origin: granted.origin.clone(), client_id, access_token };
                shared.ledger().handshakes.insert(text.clone(), handshake);
                members.push("auth_token", text);
            }
            if returns {
                members.push("session", session::json_of(&session).to_string());
            }
        }
        "token" => {
            let session = begin();
            members.push("access_token", session["access_token"].as_str());
            let expires = session["expires"].parse::<i64>().unwrap_or_default();
            // 0: it never expires, which the fragment says as well.
            let left = if expires == 0 { 0 } else { expires - granted.origin.attempt.now() };
            members.push("expires_in", left.to_string());
        }
        _ => {}
    }
}

/// The secret by which the partner of an attempt knows the provider.
pub fn secret(origin: &Origin, client: &ClientRegistration) -> String {
    let other = origin.attempt.inner().options.client_secret.clone();
    other.or_else(|| client.secret.clone()).unwrap_or_default()
}

/// Where the answer of `login.php` goes: `next` with the granted permissions in it, or `cancel_url`.
pub fn redirect(shared: &Shared, request: &AuthorizationRequest, granted: Option<&[String]>) -> Option<String> {
    if request.response_type != "session" {
        return None;
    }
    if one(&request.parameters, STAYS).is_some() {
        let page = if granted.is_some() { "login_success" } else { "login_failure" };
        return Some(shared.public_path(&format!("/www/connect/{page}.html")));
    }
    match granted {
        Some(granted) => Some(request.redirect_uri.replace(RESULT, &granted.join(","))),
        None => one(&request.parameters, "cancel_url").map(str::to_owned),
    }
}

/// The page at the end of a login for an app without a place in the web.
pub fn done(page: &str) -> Reply {
    let (title, text) = match page {
        "connect/login_success.html" => {
            ("You are logged in", "You may close this window and go back to the application.")
        }
        _ => ("You are not logged in", "The application may see nothing of you. You may close this window."),
    };
    Reply::page(Answer::page(200, pages::done(title, text)))
}

/// `extern/login_status.php`: whether the browser's person is signed in here, and whether she has allowed the app.
pub fn status(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let query = &inbound.query;
    let Some(client) = app(shared, inbound) else {
        return refuse(tagged, "No application is registered under this api_key.");
    };
    let targets = ["ok_session", "no_session", "no_user"].map(|name| one(query, name).unwrap_or_default());
    if !targets.iter().all(|target| is_at_home(&client, target)) {
        return refuse(
            tagged,
            "ok_session, no_session and no_user must be at the address that the application registered.",
        );
    }
    let [ok, no_session, no_user] = targets;
    let origin = tagged.cloned().unwrap_or_else(|| ambient(shared));
    let mut members = Wire::object();
    let (to, origin) = match authorize::session_of(shared, inbound, &origin) {
        None => (no_user, origin),
        Some((_, signed_in)) => {
            let origin = Origin { person: Some(signed_in.person.clone()), ..origin };
            let key = held::key(&shared.dialect, &signed_in.person, &client.id);
            let granted = origin.attempt.inner().grants.get(&key).cloned().unwrap_or_default();
            if granted.is_empty() {
                (no_session, origin)
            } else {
                let begun = session::begin(shared, &origin, &client, &granted, &domain_of(ok));
                let signed = legacy_sig::signed_session(begun, &secret(&origin, &client));
                members.push("session", session::json_of(&signed).to_string());
                (ok, origin)
            }
        }
    };
    Reply::of(Endpoint::Authorization, Answer::redirect(to, members)).from(Some(origin))
}

/// `logout.php`: ends the browser's session, where the token (or session key) is of the person who is signed in. A
/// token without `offline_access` ends with it.
pub fn out(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let query = &inbound.query;
    let origin = tagged.cloned().unwrap_or_else(|| ambient(shared));
    let shown = one(query, "access_token").or_else(|| one(query, "session_key")).unwrap_or_default();
    let known = {
        let ledger = shared.ledger();
        let by_key = ledger.access.find(|text, _| text == shown || session::key_of(text) == Some(shown));
        by_key.map(|(_, token)| (token.origin.person.clone(), token.client_id.clone(), token.origin.attempt.id.clone()))
    };
    let Some((person, client_id, attempt)) = known.filter(|_| !shown.is_empty()) else {
        return refuse(Some(&origin), "The access_token is none of this provider.");
    };
    let next = one(query, "next").unwrap_or_default();
    let at_home = shared.client(&client_id).is_some_and(|client| is_at_home(&client, next));
    if !at_home {
        return refuse(Some(&origin), "next must be at the address that the application registered.");
    }
    let session = authorize::session_of(shared, inbound, &origin);
    if let Some((id, _)) = session.filter(|(_, session)| Some(&session.person) == person.as_ref()) {
        let mut ledger = shared.ledger();
        if let Some(session) = ledger.sessions.get_mut(&id) {
            session.ended = true;
        }
        let own = ledger.access.values_mut();
        own.filter(|token| token.origin.attempt.id == attempt && token.origin.person == person)
            .filter(|token| token.expires != session::NEVER)
            .for_each(|token| token.revoked = true);
    }
    Reply::of(Endpoint::EndSession, Answer::redirect(next, Wire::object())).from(Some(Origin { person, ..origin }))
}

fn ambient(shared: &Shared) -> Origin {
    shared.default_origin()
}

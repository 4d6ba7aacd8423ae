//! Session management (OpenID Connect Session Management 1.0): `session_state` in authorization responses, the cookie that
//! stands for a browser's session, and the frame whose script compares the two.
//!
//! What a browser's state is called: a hash of its session's id, from which nobody learns the id, or [`NOBODY`]. The
//! script has to read the cookie, so nothing else may follow from it (section 3.2).

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use crate::model::fault::Endpoint;
use crate::model::hex::hex;
use crate::model::wire::Wire;

use super::cookies::state_cookie;
use super::everyday::Everyday;
use super::inbound::{Inbound, one};
use super::ledger::AuthorizationRequest;
use super::mint::answer::Answer;
use super::reply::Reply;
use super::state::{Shared, random_id};

/// Where the frame is, below the issuer.
pub(super) const PATH: &str = "/check_session";
/// The state of a browser in which nobody is signed in.
const NOBODY: &str = "-";
/// What runs in the frame.
const SCRIPT: &str = include_str!("check_session.js");

/// Whether this provider manages sessions.
pub(super) fn is_on(shared: &Shared) -> bool {
    shared.everyday.session_management && shared.dialect.openid
}

/// Where it is.
pub(super) fn address(everyday: &Everyday, issuer: &str) -> String {
    format!("{}{PATH}", everyday.base("check_session", issuer))
}

/// The state of the browser that has this session.
fn browser_state(session_id: Option<&str>) -> String {
    match session_id {
        None => NOBODY.to_owned(),
        Some(id) => hex(&Sha256::digest(format!("browser state of {id}").as_bytes())[..16]),
    }
}

/// The hash that a site is told: of its client id, its origin, the browser's state and a salt (section 3.2). No origin:
/// no site that could ask.
fn session_state(client_id: &str, redirect_uri: &str, session_id: Option<&str>, salt: &str) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    let about = [client_id, &origin.ascii_serialization(), &browser_state(session_id), salt].join(" ");
    origin.is_tuple().then(|| format!("{}.{salt}", hex(&Sha256::digest(about.as_bytes()))))
}

/// Adds `session_state` to an authorization response, good or bad (section 2).
pub(super) fn tell(
    shared: &Shared,
    members: &mut Wire,
    (client_id, redirect_uri): (&str, &str),
    session_id: Option<&str>,
) {
    if !is_on(shared) {
        return;
    }
    if let Some(state) = session_state(client_id, redirect_uri, session_id, &random_id()) {
        members.push("session_state", state);
    }
}

/// The same for a request that was valid.
pub(super) fn tell_of(shared: &Shared, members: &mut Wire, request: &AuthorizationRequest, session_id: &str) {
    if request.scopes.iter().any(|scope| scope == "openid") {
        tell(shared, members, (&request.client_id, &request.redirect_uri), Some(session_id));
    }
}

/// The browser's state is that of this session from this answer on.
pub(super) fn remembered_by(shared: &Shared, answer: Answer, session_id: Option<&str>) -> Answer {
    if !is_on(shared) {
        return answer;
    }
    let (name, state, path) = (state_cookie(shared), browser_state(session_id), &shared.prefix);
    answer.with("set-cookie", &format!("{name}={state}; Path={path}/; {}", reach(&shared.everyday, &shared.issuer)))
}

/// The attributes with which the cookie reaches a frame of this provider in a page of another site. A browser takes
/// `Secure` over https and from this machine; where neither is the case, sites of the same host are all that is left.
fn reach(everyday: &Everyday, issuer: &str) -> &'static str {
    let url = Url::parse(everyday.base("check_session", issuer)).ok();
    let secure = url.is_some_and(|url| {
        url.scheme() == "https"
            || match url.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    });
    if secure { "Secure; SameSite=None" } else { "SameSite=Lax" }
}

/// The frame was asked something that it does not understand, and says so here: nobody sees what goes on in a frame.
pub(super) fn misunderstood(inbound: &Inbound) -> Reply {
    let origin = one(&inbound.form, "origin").unwrap_or_default();
    let why = format!("a page of {origin} asked the frame something that it does not understand");
    let reply = Reply::of(Endpoint::CheckSession, Answer::empty(204));
    Reply { message: None, ..reply }.because(why)
}

/// The page for the frame. Only pages of an origin that a client has registered are answered, each about its own client.
pub(super) fn page(shared: &Shared) -> Reply {
    let clients: serde_json::Map<String, serde_json::Value> = {
        let clients = shared.clients.read().unwrap_or_else(PoisonError::into_inner);
        let origins = |uris: &[String]| -> Vec<String> {
            let origins = uris.iter().filter_map(|uri| Some(Url::parse(uri).ok()?.origin()));
            origins.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization()).collect()
        };
        clients.values().map(|client| (client.id.clone(), json!(origins(&client.redirect_uris)))).collect()
    };
    let about = json!({ "cookie": state_cookie(shared), "nobody": NOBODY, "clients": clients });
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Session</title>\n\
         <script type=\"application/json\" id=\"about\">{}</script>\n<script>{SCRIPT}</script>\n</html>\n",
        about.to_string().replace('<', "\\u003c")
    );
    let mut answer = Answer::page(200, html);
    // Pages of sites frame it, that is what it is for.
    answer.headers.retain(|(name, _)| name != "x-frame-options" && name != "content-security-policy");
    let digest = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let policy = format!("default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'");
    Reply::page(answer.with("content-security-policy", &policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_bound_to_client_origin_session_and_salt() {
        let state = |client: &str, uri: &str, session: Option<&str>, salt: &str| {
            session_state(client, uri, session, salt).expect("an origin")
        };
        let own = state("shop", "http://127.0.0.1:1/callback?x=y", Some("s1"), "ab");
        assert_eq!(own, state("shop", "http://127.0.0.1:1/elsewhere", Some("s1"), "ab"));
        assert!(own.ends_with(".ab") && !own.contains(' ') && !own.contains("s1"), "{own}");
        for other in [
            state("other", "http://127.0.0.1:1/callback", Some("s1"), "ab"),
            state("shop", "http://127.0.0.1:2/callback", Some("s1"), "ab"),
            state("shop", "http://127.0.0.1:1/callback", Some("s2"), "ab"),
            state("shop", "http://127.0.0.1:1/callback", None, "ab"),
            state("shop", "http://127.0.0.1:1/callback", Some("s1"), "cd"),
        ] {
            assert_ne!(own.split('.').next(), other.split('.').next());
        }
    }

    #[test]
    fn an_application_without_an_origin_is_told_no_state() {
        assert_eq!(session_state("app", "com.example.app:/callback", Some("s1"), "ab"), None);
    }

    #[test]
    fn the_cookie_crosses_sites_where_a_browser_lets_it() {
        let everyday = |front: Option<&str>| Everyday { front_url: front.map(str::to_owned), ..Everyday::default() };
        for (front, issuer, wanted) in [
            (None, "http://localhost:9400", "Secure; SameSite=None"),
            (None, "http://127.0.0.1:9400", "Secure; SameSite=None"),
            (None, "https://login.test", "Secure; SameSite=None"),
            (None, "http://idp:9400", "SameSite=Lax"),
            (Some("http://localhost:9400"), "http://idp:9400", "Secure; SameSite=None"),
        ] {
            assert_eq!(reach(&everyday(front), issuer), wanted, "{front:?} {issuer}");
        }
    }
}

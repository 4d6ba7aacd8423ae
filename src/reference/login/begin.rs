//! The way to the provider: the authorization request, and what is kept until its answer comes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::reference::detour;
use crate::reference::login::id_token::MAX_AGE;
use crate::reference::provider::with_query;
use crate::reference::state::{App, Session, Transaction, random};
use crate::reference::web::{Page, Visit, session_of};

/// For what the browser is sent to the provider.
#[derive(Default)]
struct Aim {
    /// These scopes; all when empty.
    scopes: Vec<String>,
    /// Further parameters.
    parameters: Vec<(&'static str, String)>,
    /// What the answer must show, if it is to confirm a deletion.
    confirms: Option<String>,
    /// Nobody is to see a page.
    silent: bool,
}

/// Sends the browser to the provider, to sign in.
pub(in crate::reference) async fn begin(app: &App, visit: &Visit) -> Page {
    begin_for(app, visit, Aim::default()).await
}

/// Sends the browser to the provider once more, for what a feature needs and the person declined.
pub(in crate::reference) async fn begin_again(app: &App, visit: &Visit, feature: &str) -> Page {
    let known = app.tongue().features.iter().find(|own| own.name == feature).zip(app.tongue().ask_again);
    let Some((feature, (name, value))) = known else {
        return Page::html(404, "Not found", "<p>There is no such feature.</p>");
    };
    let mut aim = Aim { scopes: vec![feature.scope.to_owned()], ..Aim::default() };
    if !app.flaws.has("never-rerequests") {
        aim.parameters.push((name, value.to_owned()));
    }
    let query = BTreeMap::from([("return_to".to_owned(), format!("/features/{}", feature.name))]);
    begin_for(app, &Visit { query, ..visit.clone() }, aim).await
}

/// Sends the browser to the provider to ask for the person's password, before her account is deleted.
pub(in crate::reference) async fn begin_deletion(app: &App, visit: &Visit) -> Page {
    let nonce: String = random().chars().filter(char::is_ascii_alphanumeric).collect();
    let mut aim = Aim { confirms: Some(nonce.clone()), ..Aim::default() };
    if !app.flaws.has("reauthentication-not-asked") {
        aim.parameters = vec![("auth_type", "reauthenticate".to_owned()), ("auth_nonce", nonce)];
    }
    begin_for(app, visit, aim).await
}

/// Sends a frame of the browser to the provider, to learn who is signed in there.
pub(in crate::reference) async fn begin_silently(app: &App, visit: &Visit, id_token: Option<String>) -> Page {
    let mut parameters = vec![("prompt", "none".to_owned())];
    parameters.extend(id_token.map(|hint| ("id_token_hint", hint)));
    let visit = Visit { query: BTreeMap::new(), ..visit.clone() };
    begin_for(app, &visit, Aim { parameters, silent: true, ..Aim::default() }).await
}

async fn begin_for(app: &App, visit: &Visit, aim: Aim) -> Page {
    let return_to = match visit.query.get("return_to") {
        Some(target) if !is_own(app, target) => return Page::sorry(400, "That address is not one of ours."),
        Some(target) => target.clone(),
        None => "/".to_owned(),
    };
    let endpoint = match app.endpoint("authorization").await {
        Ok(endpoint) => endpoint,
        Err(_) => return Page::sorry(502, "The provider cannot be reached."),
    };
    let known = session_of(app, visit);
    let kept = known.as_ref().and_then(|(_, session)| session.kept_state.clone()).unwrap_or_else(random);
    let (id, is_new) = match known {
        Some((id, _)) => (id, false),
        None => (random(), true),
    };
    let state = if app.odd.has("pkce-alone") {
        String::new()
    } else if app.odd.has("state-bound-to-cookie") {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{} {id}", app.constant)))
    } else if app.flaws.has("state-constant") {
        app.constant.clone()
    } else if app.flaws.has("state-reused") {
        kept.clone()
    } else if app.flaws.has("state-unsigned-json") {
        URL_SAFE_NO_PAD.encode(json!({ "id": random(), "return_to": return_to }).to_string())
    } else {
        random()
    };
    let length = if app.flaws.has("verifier-short") { 32 } else { usize::MAX };
    let verifier = app.uses_pkce().then(|| random().chars().take(length).collect::<String>());
    let state = match &verifier {
        Some(verifier) if app.flaws.has("pkce-verifier-in-url") => format!("{state}.{verifier}"),
        _ => state,
    };
    let transaction = Transaction {
        state: if app.flaws.has("no-csrf-defence") { String::new() } else { state },
        nonce: app.sends_nonce().then(|| if app.flaws.has("nonce-constant") { app.constant.clone() } else { random() }),
        verifier,
        return_to,
        asked: if aim.scopes.is_empty() { app.asked() } else { aim.scopes },
        issuer: app.config.issuer.clone(),
        confirms: aim.confirms,
        silent: aim.silent,
    };
    let redirect_uri = match &visit.host {
        Some(host) if app.flaws.has("host-header-trusted") => format!("http://{host}/callback"),
        _ => app.redirect_uri(),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !app.flaws.has("response-type-left-out") {
        query.append_pair("response_type", "code");
    }
    query.append_pair("client_id", &app.config.client_id);
    if !app.flaws.has("redirect-uri-left-out") {
        query.append_pair("redirect_uri", &redirect_uri);
    }
    query.append_pair("scope", &transaction.asked.join(app.tongue().separator));
    if !transaction.state.is_empty() {
        query.append_pair("state", &transaction.state);
        if app.flaws.has("state-twice") {
            query.append_pair("state", &transaction.state);
        }
    }
    if let Some(nonce) = &transaction.nonce {
        query.append_pair("nonce", nonce);
    }
    if app.odd.has("asks-max-age") {
        query.append_pair("max_age", &MAX_AGE.to_string());
    }
    if let Some(verifier) = &transaction.verifier {
        let (challenge, method) = match app.flaws.has("challenge-plain") {
            true => (verifier.clone(), "plain"),
            false => (URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())), "S256"),
        };
        query.append_pair("code_challenge", &challenge);
        query.append_pair("code_challenge_method", method);
    }
    query.extend_pairs(&aim.parameters);
    if app.flaws.has("repeats-authz-parameter") {
        query.append_pair("claims_locales", "en");
        query.append_pair("claims_locales", "de");
    }
    let target = with_query(&endpoint, &query.finish());
    if app.odd.has("state-in-signed-cookie") {
        return Page { status: 302, login: Some(detour::sealed(app, &transaction)), ..Page::to(&target) };
    }
    let mut inner = app.inner();
    if is_new {
        inner.put(id.clone(), Session { kept_state: Some(kept), ..Session::default() });
    }
    let for_everybody = app.flaws.has("code-not-bound-to-browser") || app.flaws.has("state-not-bound-to-session");
    inner.begin(&id, transaction, for_everybody);
    Page { status: 302, cookie: is_new.then_some(id), ..Page::to(&target) }
}

/// Whether an address to return to is a path of this site, by the eyes of a browser.
fn is_own(app: &App, target: &str) -> bool {
    if app.flaws.has("open-redirect-return") {
        return true;
    }
    if app.flaws.has("open-redirect-prefix") {
        return target.starts_with('/') || target.starts_with(&app.base_url);
    }
    let plain = target.starts_with('/') && !target.chars().any(|c| c.is_control() || c == '\\' || c == '%');
    let base = url::Url::parse(&app.base_url).ok();
    let same = base
        .as_ref()
        .and_then(|base| base.join(target).ok())
        .zip(base.as_ref())
        .is_some_and(|(to, base)| to.origin() == base.origin() && !to.path().starts_with("//"));
    plain && !target.starts_with("//") && same
}

//! Login and callback: the authorization code flow, with the defences of the base, and the flaws that take them away.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Base;
use super::accounts;
use super::detour;
use super::facebook;
use super::jwt::Token;
use super::provider::{Trouble, with_query};
use super::state::{Account, App, Session, Transaction, User, now, random};
use super::web::{Page, Visit, escaped, session_of, sign_in};

/// Members of a token response that are known.
const KNOWN: [&str; 6] = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"];

/// Claims of an ID token that are known; only a flaw minds others.
const CLAIMS: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "nonce",
    "sid",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "picture",
    "email",
    "email_verified",
];

/// Parameters of an authorization response that are known.
const PARAMETERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// How often the flaw `userinfo-retry-storm` asks.
const STORM: usize = 8;

/// Sends the browser to the provider.
pub(super) async fn begin(app: &App, visit: &Visit) -> Page {
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
    let verifier = app.uses_pkce().then(random);
    let state = match &verifier {
        Some(verifier) if app.flaws.has("pkce-verifier-in-url") => format!("{state}.{verifier}"),
        _ => state,
    };
    let transaction = Transaction {
        state: if app.flaws.has("no-csrf-defence") { String::new() } else { state },
        nonce: app.sends_nonce().then(|| if app.flaws.has("nonce-constant") { app.constant.clone() } else { random() }),
        verifier,
        return_to,
        asked: app.asked(),
        issuer: app.config.issuer.clone(),
    };
    let redirect_uri = match &visit.host {
        Some(host) if app.flaws.has("host-header-trusted") => format!("http://{host}/callback"),
        _ => app.redirect_uri(),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("response_type", "code");
    query.append_pair("client_id", &app.config.client_id);
    query.append_pair("redirect_uri", &redirect_uri);
    query.append_pair("scope", &transaction.asked.join(app.tongue().separator));
    if !transaction.state.is_empty() {
        query.append_pair("state", &transaction.state);
    }
    if let Some(nonce) = &transaction.nonce {
        query.append_pair("nonce", nonce);
    }
    if let Some(verifier) = &transaction.verifier {
        query.append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())));
        query.append_pair("code_challenge_method", "S256");
    }
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
    inner.begin(&id, transaction);
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

/// The browser comes back.
pub(super) async fn callback(app: &Arc<App>, visit: &Visit) -> Page {
    let page = answered(app, visit).await;
    match page.status {
        400.. if app.odd.has("restarts-login") => restarted(app, visit).await.unwrap_or(page),
        400..=499 if app.odd.has("refuses-with-200") => Page { status: 200, ..page },
        400..=499 if app.odd.has("refuses-by-going-home") => Page { cookie: page.cookie, ..Page::to("/") },
        400..=499 if app.odd.has("refusal-ends-session") => without_session(app, visit, page),
        // A login that worked gives the browser a new cookie.
        300..=399 if page.cookie.is_none() && app.odd.has("reload-ends-session") => without_session(app, visit, page),
        _ => page,
    }
}

/// The page for a browser whose session is over.
fn without_session(app: &App, visit: &Visit, page: Page) -> Page {
    if let Some(id) = &visit.session {
        app.inner().sessions.remove(id);
    }
    Page { cookie: Some(String::new()), ..page }
}

/// The login begun anew, unless that was done already in this browser.
async fn restarted(app: &App, visit: &Visit) -> Option<Page> {
    let known = session_of(app, visit);
    if known.as_ref().is_some_and(|(_, session)| session.restarted || session.user.is_some()) {
        return None;
    }
    let anew = Visit { path: "/login".to_owned(), query: BTreeMap::new(), ..visit.clone() };
    let page = begin(app, &anew).await;
    let id = known.map(|(id, _)| id).or_else(|| page.cookie.clone())?;
    app.inner().sessions.get_mut(&id)?.restarted = true;
    Some(page)
}

async fn answered(app: &Arc<App>, visit: &Visit) -> Page {
    let session = session_of(app, visit);
    if let Some(error) = visit.query.get("error") {
        if app.flaws.has("restarts-on-error") {
            return begin(app, visit).await;
        }
        let names_issuer = visit.query.contains_key("iss");
        if app.flaws.has("cancel-crash") || (names_issuer && app.flaws.has("crashes-on-error-with-iss")) {
            return Page::html(500, "Internal error", "<p>unexpected: access_denied</p>");
        }
        return refused(app, visit, error, session.as_ref().map(|(_, session)| session));
    }
    let unknown = visit.query.keys().any(|name| !PARAMETERS.contains(&name.as_str()));
    if unknown && app.flaws.has("rejects-unknown-parameter") {
        return Page::sorry(400, "The provider's answer has unknown parameters.");
    }
    if app.flaws.has("crashes-on-error-code") && visit.query.contains_key("error_code") {
        return Page::html(500, "Internal error", "<p>code is not a text</p>");
    }
    let Some(code) = visit.query.get("code") else { return Page::sorry(400, "The answer has no code.") };
    let minds_iss = app.config.base == Base::Full && app.openid() && !app.has_one_callback();
    if minds_iss && !app.odd.has("no-iss-parameter") && visit.query.get("iss") != Some(&app.config.issuer) {
        return Page::sorry(400, "The answer comes from another provider.");
    }
    let Some(transaction) = take(app, visit, session.as_ref()) else {
        // A reload after a login that worked: the person is where she wanted to be.
        if session.as_ref().is_some_and(|(_, session)| session.user.is_some()) {
            if app.flaws.has("crashes-on-reload") {
                return Page::html(500, "Internal error", "<p>no such login</p>");
            }
            return Page::to("/");
        }
        return Page::sorry(400, "This login was not begun in this browser, or it is over.");
    };
    let old = session.map(|(id, _)| id);
    if app.odd.has("waiting-page") {
        let (background, visit, code) = (Arc::clone(app), visit.clone(), code.clone());
        let work = async move { redeemed(&background, &visit, old.as_deref(), &transaction, &code).await };
        return detour::wait_for(app, work);
    }
    redeemed(app, visit, old.as_deref(), &transaction, code).await
}

/// The code for a session.
async fn redeemed(app: &App, visit: &Visit, old: Option<&str>, transaction: &Transaction, code: &str) -> Page {
    match redeem(app, code, transaction).await {
        Ok(fresh) => finish(app, visit, old, transaction, fresh),
        Err(_) if app.flaws.has("restarts-on-error") => begin(app, visit).await,
        Err(page) => *page,
    }
}

/// The provider said no. Only what answers a login of this browser is quoted, and only as text.
fn refused(app: &App, visit: &Visit, error: &str, session: Option<&Session>) -> Page {
    let text = if error == "access_denied" { "You refused, so nobody was signed in." } else { "The provider refused." };
    let said = |name: &str| visit.query.get(name).map(String::as_str).unwrap_or_default();
    if app.flaws.has("unescaped-error") {
        let (description, uri) = (said("error_description"), said("error_uri"));
        let content = format!("<p>{error}: {description}</p>\n<p><a href=\"{uri}\">More about this</a></p>");
        return Page::html(400, "That did not work", &content);
    }
    let mut page = Page::sorry(400, text);
    if transaction(app, visit, session).is_some() {
        page.body.push_str(&format!("<p>{}: {}</p>\n", escaped(error), escaped(said("error_description"))));
        let uri = url::Url::parse(said("error_uri")).ok().filter(|uri| matches!(uri.scheme(), "http" | "https"));
        if let Some(uri) = uri {
            page.body.push_str(&format!("<p><a href=\"{}\">More about this</a></p>\n", escaped(uri.as_str())));
        }
    }
    page
}

/// Takes the login that this answer belongs to off those under way: nobody can finish it a second time.
fn take(app: &App, visit: &Visit, session: Option<&(String, Session)>) -> Option<Transaction> {
    let found = transaction(app, visit, session.map(|(_, session)| session))?;
    let Some((id, seen)) = session else { return Some(found) };
    let is_it = |login: &Transaction| login.state == found.state;
    if app.flaws.has("code-replayed") || !seen.logins.iter().any(is_it) {
        return Some(found);
    }
    // Of two answers that come at the same time, one finds it gone.
    let mut inner = app.inner();
    let logins = &mut inner.sessions.get_mut(id)?.logins;
    logins.remove(logins.iter().rposition(is_it)?)?;
    Some(found)
}

/// The login that this answer belongs to.
fn transaction(app: &App, visit: &Visit, session: Option<&Session>) -> Option<Transaction> {
    let state = visit.query.get("state").filter(|state| !state.is_empty());
    let own = || session.into_iter().flat_map(|session| session.logins.iter().rev());
    // What a partner without a binding would go on with: the browser's last login, or nothing at all.
    let any = || {
        own().next().cloned().unwrap_or_else(|| Transaction {
            return_to: "/".to_owned(),
            asked: app.asked(),
            ..Transaction::default()
        })
    };
    if app.odd.has("state-in-signed-cookie") {
        let under_way = detour::unsealed(app, visit.login.as_deref()?)?;
        return (state == Some(&under_way.state)).then_some(under_way);
    }
    if app.odd.has("pkce-alone") {
        // What another browser began is redeemed with this one's verifier, and the provider refuses that.
        return own().next().cloned();
    }
    let flaw = |id: &str| app.flaws.has(id);
    if flaw("skip-state") || flaw("no-csrf-defence") {
        return Some(any());
    }
    if flaw("state-missing-ok") && !visit.query.contains_key("state") {
        return Some(any());
    }
    let state = state?;
    if flaw("state-only-presence") {
        return Some(any());
    }
    if flaw("state-constant") {
        return (*state == app.constant).then(any);
    }
    if flaw("state-reused") {
        return (session?.kept_state.as_ref() == Some(state)).then(any);
    }
    if flaw("state-unsigned-json") {
        let believed: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(state).ok()?).ok()?;
        let return_to = believed.get("return_to")?.as_str()?.to_owned();
        return Some(Transaction { return_to, ..any() });
    }
    if flaw("code-not-bound-to-browser") {
        return app.inner().everybodys_logins.iter().find(|login| login.state == *state).cloned();
    }
    if flaw("state-not-bound-to-session") {
        let known = app.inner().everybodys_logins.iter().any(|login| login.state == *state);
        return known.then(any);
    }
    if flaw("state-prefix-compare") {
        let prefix = |text: &str| text.chars().take(8).collect::<String>();
        return own().find(|login| prefix(&login.state) == prefix(state)).cloned();
    }
    // The login was begun with the provider whose answer this is.
    let here = |login: &Transaction| app.has_one_callback() || login.issuer == app.config.issuer;
    own().find(|login| login.state == *state && here(login)).cloned()
}

/// What a login brought.
struct Fresh {
    sub: String,
    claims: BTreeMap<String, Json>,
    granted: Vec<String>,
    access_token: String,
    refresh_token: Option<String>,
    sid: Option<String>,
    id_token: Option<String>,
}

async fn redeem(app: &App, code: &str, transaction: &Transaction) -> Result<Fresh, Box<Page>> {
    let sorry = |status: u16, text: &str| Box::new(Page::sorry(status, text));
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", app.redirect_uri()),
        ("code_verifier", transaction.verifier.clone().unwrap_or_default()),
    ];
    let body = app.token(form).await.map_err(|trouble| match trouble {
        Trouble::NoJson if app.flaws.has("no-json-guard") => {
            Box::new(Page::html(500, "Internal error", "<p>unexpected token</p>"))
        }
        Trouble::Refused(_) => sorry(400, "The provider refused the code."),
        Trouble::NoJson | Trouble::Away(_) => sorry(502, "The provider cannot be used at the moment."),
    })?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
    let unknown = body.as_object().is_some_and(|members| members.keys().any(|name| !KNOWN.contains(&name.as_str())));
    if unknown && app.flaws.has("rejects-unknown-member") {
        return Err(sorry(400, "The provider's answer has unknown members."));
    }
    let spelled_like_that = app.flaws.has("token-type-case-sensitive");
    let bearer =
        |kind: &String| kind == app.tongue().token_type || !spelled_like_that && kind.eq_ignore_ascii_case("bearer");
    let kind = text("token_type").or_else(|| app.tongue().form_token.then(|| app.tongue().token_type.to_owned()));
    if !kind.as_ref().is_some_and(bearer) {
        return Err(sorry(400, "The provider gave a token of an unknown type."));
    }
    let access_token = text("access_token").unwrap_or_default();
    let granted = if app.tongue().graph {
        let asked = facebook::granted(app, &access_token, &transaction.asked).await;
        asked.map_err(|_| sorry(502, "The provider does not say what you allowed."))?
    } else {
        granted(app, text("scope").as_deref(), &transaction.asked)
    };
    let mut fresh = Fresh {
        sub: String::new(),
        claims: BTreeMap::new(),
        granted,
        access_token,
        refresh_token: text("refresh_token"),
        sid: None,
        id_token: None,
    };
    if app.flaws.has("openid-not-asked") {
        let token = Token::parse(&fresh.access_token).map_err(|why| sorry(400, why))?;
        fresh.sub = token.text("sub").unwrap_or_default().to_owned();
    }
    let early = match app.odd.has("prefetches-userinfo") {
        true => Some(ask_userinfo(app, &fresh.access_token).await),
        false => None,
    };
    let id_token = text("id_token").filter(|token| !token.is_empty());
    if app.reads_id_token() && !(id_token.is_none() && app.flaws.has("logs-in-without-id-token")) {
        let token = id_token.ok_or_else(|| sorry(400, "The provider gave no ID token."))?;
        fresh.id_token = Some(token.clone());
        let token = verified(app, &token, &fresh.access_token, transaction).await?;
        if app.flaws.has("account-before-check") && token.text("sub").is_none_or(str::is_empty) {
            app.inner().open_account(Account::default());
        }
        fresh.sub = token
            .text("sub")
            .filter(|sub| !sub.is_empty())
            .or(app.flaws.has("null-sub-account").then_some(""))
            .ok_or_else(|| sorry(400, "The ID token names nobody."))?
            .to_owned();
        fresh.sid = token.text("sid").map(str::to_owned);
        fresh.claims = token.claims.as_object().cloned().unwrap_or_default().into_iter().collect();
    }
    if (app.config.base >= Base::Oidc && !app.odd.has("no-userinfo")) || !app.openid() {
        let members = match early {
            Some(members) => members,
            None => ask_userinfo(app, &fresh.access_token).await,
        };
        take_userinfo(app, &mut fresh, members?)?;
    }
    Ok(fresh)
}

/// What was granted, by the scope of a token response.
fn granted(app: &App, scope: Option<&str>, asked: &[String]) -> Vec<String> {
    let scope = match scope {
        _ if app.flaws.has("assumes-all-scopes-granted") => return asked.to_vec(),
        Some(scope) => scope,
        None if app.flaws.has("missing-scope-means-none") => return Vec::new(),
        // Left out means: as asked (RFC 6749, section 5.1).
        None => return asked.to_vec(),
    };
    let parts = scope.split(app.tongue().separator).map(str::trim).filter(|scope| !scope.is_empty());
    let granted: Vec<String> = parts.map(str::to_owned).collect();
    if app.flaws.has("scope-order-matters") {
        let mut rest = granted.iter();
        return asked.iter().filter(|scope| rest.any(|own| own == *scope)).cloned().collect();
    }
    granted
}

async fn verified(app: &App, text: &str, access_token: &str, transaction: &Transaction) -> Result<Token, Box<Page>> {
    let token = Token::parse(text).map_err(|why| Box::new(Page::sorry(400, why)))?;
    if app.flaws.has("crash-on-aud-array") && token.claims.get("aud").is_some_and(Json::is_array) {
        return Err(Box::new(Page::html(500, "Internal error", "<p>aud is not a text</p>")));
    }
    match fault(app, &token, access_token, transaction).await {
        None => Ok(token),
        Some(why) => Err(Box::new(Page::sorry(400, why))),
    }
}

/// Why an ID token is not to be believed (OpenID Connect Core, section 3.1.3.7).
async fn fault(app: &App, token: &Token, access_token: &str, transaction: &Transaction) -> Option<&'static str> {
    let flaw = |id: &str| app.flaws.has(id);
    let unsecured = token.alg == "none" && flaw("accept-alg-none");
    if !unsecured && !flaw("no-signature-check") && !app.is_signed(token).await {
        return Some("The ID token is not signed by the provider.");
    }
    if !flaw("skip-iss") && token.text("iss") != Some(app.config.issuer.as_str()) {
        return Some("The ID token is from another issuer.");
    }
    let authorized = flaw("azp-instead-of-aud") && token.text("azp") == Some(&app.config.client_id);
    if !flaw("skip-aud") && !authorized && !token.is_for(&app.config.client_id) {
        return Some("The ID token is for another client.");
    }
    let endless = token.claims.get("exp").is_none_or(Json::is_null) && flaw("exp-missing-ok");
    if !flaw("skip-exp") && !endless && !token.is_fresh(now()) {
        return Some("The ID token has expired.");
    }
    if !token.is_issued(now()) {
        return Some("The ID token was issued in the future.");
    }
    if !token.goes_with(access_token) {
        return Some("The ID token belongs to another access token.");
    }
    let without = token.claims.get("nonce").is_none_or(Json::is_null) && flaw("nonce-missing-ok");
    let own = transaction.nonce.is_some() && token.text("nonce") == transaction.nonce.as_deref();
    if app.checks_nonce() && !without && !own {
        return Some("The ID token belongs to another login.");
    }
    let claims = token.claims.as_object();
    if flaw("rejects-unknown-claim")
        && claims.is_some_and(|own| own.keys().any(|claim| !CLAIMS.contains(&claim.as_str())))
    {
        return Some("The ID token has unknown claims.");
    }
    None
}

fn unsaid() -> Box<Page> {
    Box::new(Page::sorry(502, "The provider does not say who you are."))
}

async fn ask_userinfo(app: &App, access_token: &str) -> Result<Map<String, Json>, Box<Page>> {
    let away = |_| unsaid();
    let url = app.profile().await.map_err(away)?;
    let mut answer = app.call(url.clone(), access_token).await.map_err(away)?;
    if app.flaws.has("userinfo-retry-storm") {
        for _ in 1..STORM {
            if answer.0 != 401 {
                break;
            }
            answer = app.call(url.clone(), access_token).await.map_err(away)?;
        }
    }
    match answer {
        (401 | 403, _) => Err(Box::new(Page::sorry(400, "The provider refused to say who you are."))),
        (200, Some(Json::Object(members))) => Ok(members),
        (200 | 404, _) if app.flaws.has("crashes-on-empty-profile") => {
            Err(Box::new(Page::html(500, "Internal error", "<p>cannot read a property</p>")))
        }
        _ => Err(unsaid()),
    }
}

fn take_userinfo(app: &App, fresh: &mut Fresh, mut members: Map<String, Json>) -> Result<(), Box<Page>> {
    // Plain OAuth 2 has names of its own for the same things.
    for (theirs, ours) in app.tongue().names.iter().chain(&[(app.tongue().subject, "sub")]) {
        if let (Some(value), false) = (members.get(*theirs).cloned(), app.openid()) {
            members.insert((*ours).to_owned(), value);
        }
    }
    let sub = members.get("sub").and_then(Json::as_str).unwrap_or_default().to_owned();
    if !app.openid() || app.odd.has("never-reads-id-token") {
        if sub.is_empty() && app.flaws.has("crashes-on-empty-profile") {
            return Err(Box::new(Page::html(500, "Internal error", "<p>cannot read a property</p>")));
        }
        if sub.is_empty() && !app.flaws.has("null-sub-account") {
            return Err(unsaid());
        }
        fresh.sub = sub;
    } else if app.flaws.has("userinfo-sub-unchecked")
        || (fresh.sub.is_empty() && app.flaws.has("logs-in-without-id-token"))
    {
        fresh.sub = sub;
    } else if sub != fresh.sub {
        return Err(Box::new(Page::sorry(400, "The provider speaks of somebody else.")));
    }
    fresh.claims.extend(members);
    Ok(())
}

fn finish(app: &App, visit: &Visit, old: Option<&str>, transaction: &Transaction, fresh: Fresh) -> Page {
    let lacks = |claim: &str| !fresh.claims.contains_key(claim);
    if app.flaws.has("crashes-on-missing-claim") && app.tongue().counts_on.iter().any(|own| lacks(own)) {
        return Page::html(500, "Internal error", "<p>cannot read a property</p>");
    }
    if app.odd.has("refuses-lookalike-subjects") && accounts::has_lookalike(app, &fresh.sub) {
        return Page::sorry(400, "Somebody with nearly the same identifier is known here already.");
    }
    let as_number = || fresh.sub.parse::<f64>().map(|number| number.to_string());
    let subject = match as_number() {
        Ok(number) if app.flaws.has("subject-as-number") => number,
        _ => fresh.sub.clone(),
    };
    let account = accounts::of(app, &subject, &fresh.claims);
    let mut granted = fresh.granted;
    if app.flaws.has("keeps-old-grant")
        && let Some(own) = app.inner().accounts.iter_mut().find(|own| own.id == account)
    {
        own.granted.extend(granted.iter().cloned());
        granted = own.granted.iter().cloned().collect();
    }
    let lacks_needed = !app.required().iter().all(|scope| granted.contains(scope));
    if lacks_needed && app.flaws.has("required-declined-crash") {
        return Page::html(500, "Internal error", "<p>cannot make an account</p>");
    }
    let incomplete = !transaction.asked.iter().all(|scope| granted.contains(scope));
    let session = Session {
        user: Some(User { sub: fresh.sub, account, claims: fresh.claims }),
        issuer: app.config.issuer.clone(),
        sid: fresh.sid,
        id_token: fresh.id_token,
        granted,
        access_token: Some(fresh.access_token),
        refresh_token: fresh.refresh_token,
        ..Session::default()
    };
    let access_token = session.access_token.clone().unwrap_or_default();
    let old = old.or(visit.session.as_deref().filter(|_| app.flaws.has("session-not-regenerated")));
    let id = sign_in(app, old, session);
    let target = if incomplete && app.flaws.has("rerequests-declined-scope-in-loop") {
        "/login"
    } else {
        transaction.return_to.as_str()
    };
    if app.flaws.has("session-id-in-url") {
        return Page { cookie: Some(id.clone()), ..Page::to(&format!("{target}?session={id}&token={access_token}")) };
    }
    let login = app.odd.has("state-in-signed-cookie").then(String::new);
    let page = Page { cookie: Some(id), login, ..Page::to(target) };
    if app.odd.has("pop-up") { detour::in_a_pop_up(page) } else { page }
}

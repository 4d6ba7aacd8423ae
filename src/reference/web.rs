//! The partner's web side: requests taken apart, routes, cookies, pages.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(super) use crate::model::markup::escaped;

use super::state::{App, Session, User, random};
use super::{Base, accounts, check_session, detour, facebook, features, front_channel, login, logout, token_login};

/// More than any honest form.
const BODY: usize = 64 << 10;

/// Rest after a connection that could not be accepted.
const BREATHER: Duration = Duration::from_millis(50);

/// How long a greeting over TLS may take.
const GREETING: Duration = Duration::from_secs(10);

/// The session cookie.
const COOKIE: &str = "session";
/// A second one of the same value, for the oddity that sets one.
const REMEMBERED: &str = "remembered";
/// The cookie that holds the login under way, by the oddity `state-in-signed-cookie`.
const LOGIN: &str = "login";
/// How long every answer takes, by the oddity `answers-slowly`.
const SLOWLY: Duration = Duration::from_millis(300);

/// A request, read.
#[derive(Clone)]
pub(super) struct Visit {
    pub method: String,
    pub path: String,
    /// What the `Host` header says.
    pub host: Option<String>,
    pub query: BTreeMap<String, String>,
    pub form: BTreeMap<String, String>,
    /// Identifier in the session cookie, known or not.
    pub session: Option<String>,
    /// The cookie that holds the login under way (only an oddity has one).
    pub login: Option<String>,
    /// Every cookie of the request.
    pub cookies: BTreeMap<String, String>,
    /// The site whose page sent it, where the browser says so.
    pub origin: Option<String>,
}

/// An answer.
pub(super) struct Page {
    pub status: u16,
    pub body: String,
    pub kind: &'static str,
    pub location: Option<String>,
    /// A new session identifier for the browser; empty: none any more.
    pub cookie: Option<String>,
    /// The login under way for the browser to keep; empty: none any more.
    pub login: Option<String>,
    /// `Cache-Control`.
    pub cache: &'static str,
    /// `X-Frame-Options`.
    pub framing: Option<&'static str>,
}

impl Page {
    pub fn html(status: u16, title: &str, content: &str) -> Page {
        let title = escaped(title);
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n{content}\n</html>\n"
        );
        Page {
            status,
            body,
            kind: "text/html; charset=utf-8",
            location: None,
            cookie: None,
            login: None,
            cache: "no-store",
            framing: None,
        }
    }

    pub fn to(location: &str) -> Page {
        Page { location: Some(location.to_owned()), ..Page::html(303, "Moved", "") }
    }

    pub fn json(status: u16, json: &serde_json::Value) -> Page {
        Page { body: json.to_string(), kind: "application/json", ..Page::html(status, "", "") }
    }

    /// A page that says what went wrong, with a way on.
    pub fn sorry(status: u16, text: &str) -> Page {
        let content = format!("<p>{}</p>\n<p><a href=\"/login\">Try again</a></p>", escaped(text));
        Page::html(status, "That did not work", &content)
    }
}

/// Accepts until it is stopped; then the port is free, and every connection is closed.
pub(super) async fn run(app: Arc<App>, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut exited = app.exited.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopping.wait_for(|stop| *stop) => return,
            _ = exited.wait_for(Option::is_some) => return,
        };
        let Ok((stream, _)) = accepted else {
            // Mostly for want of file descriptors, and nothing tells when there are some again.
            tokio::time::sleep(BREATHER).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (app, tls) = (Arc::clone(&app), app.config.tls.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let app = Arc::clone(&app);
                async move { Ok::<_, Infallible>(answer(app, request).await) }
            });
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new());
            // What goes wrong on a connection is the business of whoever is at its other end.
            let Some(tls) = tls else {
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                return;
            };
            if let Ok(Ok(stream)) = tokio::time::timeout(GREETING, tls.server.accept(stream)).await {
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}

async fn answer(app: Arc<App>, request: hyper::Request<Incoming>) -> hyper::Response<Full<Bytes>> {
    let hidden = if app.flaws.has("cookie-no-httponly") { "" } else { "; HttpOnly" };
    let site = if app.odd.has("partitioned-cookie") { "SameSite=None; Secure; Partitioned" } else { "SameSite=Lax" };
    let (slow, twice) = (app.odd.has("answers-slowly"), app.odd.has("remembers-twice"));
    let secure = if app.config.tls.is_some() && !app.flaws.has("cookie-not-secure") { "; Secure" } else { "" };
    // A browser that goes away must not stop a login in the middle: the work goes on in a task of its own.
    let work = tokio::spawn(async move {
        if slow {
            tokio::time::sleep(SLOWLY).await;
        }
        let _turn = match app.odd.has("one-at-a-time") {
            true => Some(app.turn.lock().await),
            false => None,
        };
        match read(request, if twice { &[COOKIE, REMEMBERED] } else { &[COOKIE] }).await {
            Some(visit) => route(&app, &visit).await,
            None => Page::sorry(413, "That was too much."),
        }
    });
    let page = work.await.unwrap_or_else(|_| Page::sorry(500, "Something went wrong here."));
    let mut builder = hyper::Response::builder()
        .status(page.status)
        .header("content-type", page.kind)
        .header("cache-control", page.cache)
        .header("referrer-policy", "no-referrer");
    if let Some(framing) = page.framing {
        builder = builder.header("x-frame-options", framing);
    }
    if let Some(location) = &page.location {
        builder = builder.header("location", location.as_str());
    }
    if let Some(cookie) = &page.cookie {
        let life = if cookie.is_empty() { "; Max-Age=0" } else { "" };
        for name in if twice { [COOKIE, REMEMBERED].as_slice() } else { &[COOKIE] } {
            builder = builder.header("set-cookie", format!("{name}={cookie}; Path=/{hidden}{secure}; {site}{life}"));
        }
    }
    if let Some(login) = &page.login {
        let life = if login.is_empty() { "; Max-Age=0" } else { "" };
        builder =
            builder.header("set-cookie", format!("{LOGIN}={login}; Path=/; HttpOnly{secure}; SameSite=Lax{life}"));
    }
    builder.body(Full::new(Bytes::from(page.body))).unwrap_or_else(|_| {
        let mut plain = hyper::Response::new(Full::new(Bytes::from_static(b"bad target")));
        *plain.status_mut() = hyper::StatusCode::BAD_REQUEST;
        plain
    })
}

/// The session is that of the first of `names` that is there. `None`: its body is too long, or broke off.
async fn read(request: hyper::Request<Incoming>, names: &[&str]) -> Option<Visit> {
    let pairs = |bytes: &[u8]| {
        url::form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    };
    let cookies = request.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let cookies: BTreeMap<String, String> = cookies
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY).collect().await.ok()?.to_bytes();
    Some(Visit {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        host: parts.headers.get("host").and_then(|value| value.to_str().ok()).map(str::to_owned),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        session: names.iter().find_map(|name| cookies.get(*name)).cloned(),
        login: cookies.get(LOGIN).cloned(),
        cookies,
        origin: parts.headers.get("origin").and_then(|value| value.to_str().ok()).map(str::to_owned),
    })
}

async fn route(app: &Arc<App>, visit: &Visit) -> Page {
    match (visit.method.as_str(), visit.path.as_str()) {
        ("GET", "/" | "/me") if app.odd.has("userinfo-at-every-view") && user_of(app, visit).is_some() => {
            match features::asks_userinfo(app, visit).await {
                Some(page) => page,
                None if visit.path == "/" => home(app, visit),
                None => me(app, visit),
            }
        }
        ("GET", "/") => home(app, visit),
        ("GET", check_session::WATCHED) => check_session::over(app, visit, home(app, visit)).await,
        ("GET", check_session::PATH) => check_session::frame(app, visit).await,
        ("GET", check_session::AGAIN) => check_session::again(app, visit).await,
        ("GET", check_session::END) => check_session::unasked(app, visit),
        ("GET", "/me") => me(app, visit),
        ("GET", "/app.js") => script(app),
        ("GET", "/login") => login::begin(app, visit).await,
        ("GET", "/callback") => {
            let session = session_of(app, visit).map(|(_, session)| session);
            let page = login::callback(app.answering(visit.query.get("state"), session.as_ref()), visit).await;
            facebook::connect::after_login(app, &page).await;
            page
        }
        ("GET", "/callback/wait") => detour::waited(app, visit).await,
        ("POST", "/logout") => logout::local(app, visit).await,
        ("GET", "/logged-out") => logout::returned(app, visit),
        ("POST", "/backchannel-logout") => logout::back_channel(app, visit).await,
        ("GET", "/frontchannel-logout") => front_channel::logout(app, visit),
        ("GET", "/signup") => accounts::sign_up_page(),
        ("POST", "/signup") => accounts::sign_up(app, visit),
        ("GET", "/local-login") => accounts::local_login_page(),
        ("POST", "/local-login") => accounts::local_login(app, visit),
        ("POST", "/token-login") if app.config.base == Base::Full && app.tongue().token_login => {
            token_login::token_login(app, visit).await
        }
        ("POST", "/id-token-login") if app.config.base == Base::Full && app.tongue().id_token_login => {
            token_login::id_token_login(app, visit).await
        }
        ("GET", "/account/delete") if app.tongue().reauthenticates && user_of(app, visit).is_some() => {
            login::begin_deletion(app, visit).await
        }
        ("POST", "/deauthorize") if app.tongue().graph => facebook::deauthorize(app, visit),
        ("GET", "/login/cookie") if app.tongue().connect => facebook::connect::sign_in(app, visit).await,
        ("POST", "/post-remove") if app.tongue().connect => facebook::connect::removed(app, visit),
        ("POST", "/share") if app.tongue().connect => facebook::connect::share(app, visit).await,
        ("GET", "/friends") if app.config.base == Base::Full && app.tongue().connect => {
            facebook::connect::friends(app, visit).await
        }
        ("POST", "/data-deletion") if app.tongue().graph => facebook::delete(app, visit),
        ("GET", "/deletion") if app.tongue().graph => facebook::deletion_status(app, visit),
        ("GET", "/test/accounts") => Page::json(200, &serde_json::json!({ "opened": app.inner().opened() })),
        ("POST", "/test/reset") => reset(app),
        ("GET", "/healthz") => Page::json(200, &serde_json::json!({ "ready": true })),
        ("GET", path) if path.starts_with("/features/") && path.ends_with("/allow") => {
            let name = path.trim_start_matches("/features/").trim_end_matches("/allow");
            login::begin_again(app, visit, name).await
        }
        ("GET", path) if path.starts_with("/features/") => {
            features::feature(app, visit, path.trim_start_matches("/features/")).await
        }
        ("GET", path) => match with_provider(app, path) {
            Some(("login", app)) => login::begin(app, visit).await,
            Some(("callback", app)) => login::callback(app, visit).await,
            _ => Page::html(404, "Not found", "<p>There is nothing here.</p>"),
        },
        _ => Page::html(404, "Not found", "<p>There is nothing here.</p>"),
    }
}

/// `/login/other`, `/callback/attacker`: what to do, and with which provider.
fn with_provider<'a>(app: &'a Arc<App>, path: &'a str) -> Option<(&'a str, &'a Arc<App>)> {
    let (what, provider) = path.strip_prefix('/')?.split_once('/')?;
    Some((what, app.other(provider)?))
}

/// Forgets everybody: accounts, sessions, logins under way. What it knows of the provider stays.
fn reset(app: &App) -> Page {
    app.inner().forget_people();
    Page { status: 204, body: String::new(), ..Page::html(204, "", "") }
}

/// The session of a browser, known to the partner.
pub(super) fn session_of(app: &App, visit: &Visit) -> Option<(String, Session)> {
    let id = visit.session.clone()?;
    let session = app.inner().sessions.get(&id).cloned()?;
    Some((id, session))
}

/// Who is signed in in a browser.
pub(super) fn user_of(app: &App, visit: &Visit) -> Option<User> {
    let (_, session) = session_of(app, visit)?;
    let user = session.user?;
    if app.flaws.has("global-current-user") { app.inner().everybodys_user.clone() } else { Some(user) }
}

/// Signs a browser in: the session gets an identifier that nobody has seen before.
/// What other tabs of the browser have under way goes on.
pub(super) fn sign_in(app: &App, old: Option<&str>, mut session: Session) -> String {
    let mut inner = app.inner();
    inner.everybodys_user.clone_from(&session.user);
    if let Some(before) = old.and_then(|old| inner.sessions.remove(old)) {
        session.logins = before.logins;
        session.kept_state = before.kept_state;
    }
    let id = match old {
        Some(old) if app.flaws.has("session-not-regenerated") => old.to_owned(),
        _ => random(),
    };
    inner.put(id.clone(), session);
    id
}

/// What it shows of a person.
pub(super) const SHOWN: [&str; 4] = ["name", "email", "picture", "preferred_username"];

fn home(app: &App, visit: &Visit) -> Page {
    let Some(user) = user_of(app, visit) else {
        return Page::html(200, "Welcome", "<p><a href=\"/login\">Log in</a> or <a href=\"/signup\">sign up</a></p>");
    };
    let granted = session_of(app, visit).map(|(_, session)| session.granted).unwrap_or_default();
    let limited = !user.sub.is_empty() && !app.required().iter().all(|scope| granted.contains(scope));
    let mut rows = String::new();
    if limited {
        rows.push_str("<dt>limited</dt><dd>until you allow more: <a href=\"/login\">log in again</a></dd>\n");
    }
    for field in SHOWN {
        let value = user.claims.get(field).and_then(serde_json::Value::as_str);
        match value {
            Some(text) if field == "name" && app.flaws.has("unescaped-name") => {
                rows.push_str(&format!("<dt>{field}</dt><dd title=\"{text}\">{text}</dd>\n"));
            }
            Some(text) => rows.push_str(&format!("<dt>{field}</dt><dd>{}</dd>\n", escaped(text))),
            None if app.flaws.has("prints-undefined") => {
                rows.push_str(&format!("<dt>{field}</dt><dd>undefined</dd>\n"))
            }
            None => {}
        }
    }
    let content = format!(
        "<script src=\"/app.js\" defer></script>\n<dl>\n{rows}</dl>\n<form method=\"post\" action=\"/logout\"><button type=\"submit\">Log out</button></form>"
    );
    Page::html(200, "Your account", &content)
}

/// The site's own script: it knows what everybody may know.
fn script(app: &App) -> Page {
    let mut known = serde_json::json!({ "issuer": app.config.issuer, "client": app.config.client_id });
    if app.flaws.has("secret-in-bundle") {
        known["secret"] = app.config.client_secret.as_str().into();
    }
    Page { body: format!("window.provider = {known};\n"), kind: "text/javascript", ..Page::html(200, "", "") }
}

fn me(app: &App, visit: &Visit) -> Page {
    let Some(user) = user_of(app, visit) else {
        return Page::json(401, &serde_json::json!({ "error": "nobody is signed in" }));
    };
    let mut json = serde_json::json!({ "account": user.account });
    if !user.sub.is_empty() {
        json["sub"] = user.sub.into();
    }
    for field in SHOWN {
        if let Some(value) = user.claims.get(field) {
            json[field] = value.clone();
        }
    }
    Page::json(200, &json)
}

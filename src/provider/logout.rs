//! Signing out: the end_session endpoint (OpenID Connect RP-Initiated Logout 1.0) and logout tokens
//! (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;

use crate::model::case::{Notify, Subject, Via};
use crate::model::exchange::{Cause, Exchange, Party, Request, Response};
use crate::model::fault::{Endpoint, Layer, Message, Object, Patch};
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::tls::Stream;

use super::authorize::session_of;
use super::environment::Surroundings;
use super::faults::{self, MessageFacts};
use super::inbound::{Inbound, one, repeated};
use super::ledger::Origin;
use super::mint::answer::Answer;
use super::mint::{patch, token, verify};
use super::reply::Reply;
use super::state::{AttemptState, Shared};
use super::{ClientRegistration, Notified, NotifyError, check_session, claims, front_channel, pages};

/// Parameters of which none may stand there twice.
const KNOWN: [&str; 5] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint"];

/// How long a partner may take to answer a pushed message.
const PATIENCE: Duration = Duration::from_secs(35);
/// How much of its answer is kept.
const ANSWER: usize = 64 << 10;

/// The end_session endpoint. Gives, too, which clients have to be told.
pub(super) fn end_session(
    shared: &Shared,
    inbound: &Inbound,
    origin: Option<Origin>,
) -> (Reply, Vec<(String, Origin)>) {
    let parameters = inbound.parameters();
    let refuse = |why: &str| {
        let reply = Reply::of(Endpoint::EndSession, Answer::page(400, pages::error("This request cannot go on", why)));
        (reply.from(origin.clone()).because(why), Vec::new())
    };
    if let Some(name) = repeated(parameters, &KNOWN) {
        return refuse(&format!("The parameter {name} stands in the request more than once."));
    }
    let hint = match one(parameters, "id_token_hint").map(|hint| hinted(shared, hint)) {
        None => None,
        Some(Some(hint)) => Some(hint),
        Some(None) => return refuse("The id_token_hint is no ID token of this provider."),
    };
    let client_id = match (one(parameters, "client_id"), &hint) {
        (Some(id), Some(hint)) if !hint.clients.iter().any(|own| own == id) => {
            return refuse("The id_token_hint was given to another application.");
        }
        (Some(id), _) => Some(id.to_owned()),
        (None, hint) => hint.as_ref().and_then(|hint| hint.clients.first().cloned()),
    };
    let client = client_id.as_deref().and_then(|id| shared.client(id));
    let target = match one(parameters, "post_logout_redirect_uri") {
        None => None,
        Some(uri) => match &client {
            Some(client) if client.post_logout_redirect_uris.iter().any(|own| own == uri) => Some(uri.to_owned()),
            Some(_) => return refuse("The post_logout_redirect_uri is not one that the application registered."),
            None => return refuse("A post_logout_redirect_uri needs an id_token_hint or a client_id."),
        },
    };
    let probe = origin.clone().unwrap_or_else(|| shared.default_origin());
    let session = session_of(shared, inbound, &probe);
    let fits = match (&session, &hint) {
        (Some((_, session)), Some(hint)) => hint.sid.as_ref() == Some(&session.sid),
        _ => false,
    };
    // Nobody is signed out by a link that some site made: without a hint that fits, the person is asked.
    let confirmed = inbound.is_post() && one(&inbound.form, "decision") == Some("logout");
    if session.is_some() && !fits && !confirmed {
        let html = pages::sign_out(&shared.dialect.title, &format!("{}{}", shared.prefix, inbound.path), parameters);
        return (
            Reply { message: None, ..Reply::of(Endpoint::EndSession, Answer::page(200, html)).from(origin) },
            Vec::new(),
        );
    }
    let mut to_tell = Vec::new();
    if let Some((id, session)) = &session {
        if let Some(own) = shared.ledger().sessions.get_mut(id) {
            own.ended = true;
        }
        to_tell.push((session.sid.clone(), session.origin.clone()));
    }
    // Whoever sent her has signed her out already.
    let but = client.as_ref().map(|client| client.id.as_str());
    let frames: Vec<String> =
        to_tell.iter().flat_map(|(sid, origin)| front_channel::frames(shared, sid, origin, but)).collect();
    let answer = match target {
        None => Answer::page(200, pages::done("Signed out", "You are signed out.")),
        Some(target) => {
            let mut members = Wire::object();
            if let Some(state) = one(parameters, "state") {
                members.push("state", state);
            }
            Answer::redirect(&target, members)
        }
    };
    let answer = match frames.as_slice() {
        [] => answer,
        frames => front_channel::page(frames, front_channel::address(&answer).as_deref()),
    };
    let answer = check_session::remembered_by(shared, answer, None);
    (Reply::of(Endpoint::EndSession, answer).from(origin), to_tell)
}

/// What an ID token says of whom it was given to.
struct Hint {
    clients: Vec<String>,
    sid: Option<String>,
}

/// An ID token that this provider gave out, however old it is by now; `None`: it is none.
fn hinted(shared: &Shared, token: &str) -> Option<Hint> {
    let claims = verify::claims(token, "JWT", &shared.ring.names()).or_else(|| {
        let client = shared.client(verify::audience(token)?.as_str())?;
        let secret = client.secret.as_ref().filter(|_| client.signing_alg() == "HS256")?;
        verify::claims_by_secret(token, "JWT", secret)
    })?;
    let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
    if text("iss") != Some(shared.issuer.as_str()) {
        return None;
    }
    let clients = match claims.get("aud")? {
        serde_json::Value::Array(all) => all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
        one => vec![one.as_str()?.to_owned()],
    };
    Some(Hint { clients, sid: text("sid").map(str::to_owned) })
}

/// Tells every registered client of a session that it has ended.
pub(super) async fn tell_all(shared: Arc<Shared>, ended: Vec<(String, Origin)>) {
    for (sid, origin) in ended {
        let clients: Vec<ClientRegistration> = {
            let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            clients.values().cloned().collect()
        };
        for client in clients {
            let known =
                origin.attempt.inner().logins.iter().any(|login| login.sid == sid && login.client_id == client.id);
            let Some(to) = client.backchannel_logout_uri.clone().filter(|_| known) else { continue };
            let sub = origin.person.as_ref().and_then(|name| origin.attempt.person(name)).map(|person| person.sub);
            let now = origin.attempt.now();
            let draft = claims::logout_token(&shared, now, &client, sub.as_deref(), Some(&sid));
            // That a partner does not answer is written down in the exchange; the person is signed out all the same.
            let _ = push(&shared, &origin.attempt, draft, &to, origin.cause(), origin.person.clone()).await;
        }
    }
}

/// A message that a case asks for.
pub(super) async fn notify(
    shared: &Arc<Shared>,
    attempt: &Arc<AttemptState>,
    notify: &Notify,
    to: &str,
    cause: Cause,
) -> Result<Notified, NotifyError> {
    if notify.send != "logout_token" {
        return Err(NotifyError::NotBuilt(notify.send.clone()));
    }
    if notify.via != Via::Push {
        return Err(NotifyError::NotBuilt("via".to_owned()));
    }
    let person = attempt.person(&notify.about).ok_or_else(|| NotifyError::NoSession(notify.about.clone()))?;
    let login = {
        let inner = attempt.inner();
        let mut own = inner.logins.iter().rev().filter(|login| login.person == notify.about);
        own.clone().find(|login| login.browser == cause.browser).or_else(|| own.next()).cloned()
    };
    let in_this_browser = login.as_ref().filter(|login| login.browser == cause.browser);
    let login_here = || in_this_browser.ok_or_else(|| NotifyError::NoSession(notify.about.clone()));
    let (sub, sid) = match &notify.subject {
        None | Some(Subject::Both) => (Some(person.sub.clone()), login.as_ref().map(|login| login.sid.clone())),
        Some(Subject::Sub) => (Some(person.sub.clone()), None),
        Some(Subject::Sid | Subject::Session) => (None, Some(login_here()?.sid.clone())),
        Some(Subject::None) => (None, None),
        Some(Subject::Email) => return Err(NotifyError::NotBuilt("subject = \"email\"".to_owned())),
        Some(Subject::Table(_)) => return Err(NotifyError::NotBuilt("subject as a table".to_owned())),
    };
    let client = {
        let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = login.as_ref().and_then(|login| clients.get(&login.client_id));
        own.or_else(|| clients.values().next()).cloned()
    };
    let client = client.ok_or_else(|| NotifyError::NoSession(notify.about.clone()))?;
    let draft = claims::logout_token(shared, attempt.now(), &client, sub.as_deref(), sid.as_deref());
    let exchange = push(shared, attempt, draft, to, cause, Some(notify.about.clone())).await?;
    Ok(Notified::Answered(Box::new(exchange)))
}

/// Sends a logout token as a form, changed by whatever faults are in force, and writes the exchange down.
async fn push(
    shared: &Arc<Shared>,
    attempt: &Arc<AttemptState>,
    draft: token::Draft,
    to: &str,
    cause: Cause,
    person: Option<String>,
) -> Result<Exchange, NotifyError> {
    let made = |members: &[&Patch], jose: &[&Patch], surroundings: &Surroundings<'_>| {
        let token = token::mint(&draft, members, jose, surroundings)?;
        let mut form = Wire::object();
        form.push("logout_token", String::from_utf8_lossy(&token).into_owned());
        Ok(form)
    };
    push_form(shared, attempt, Object::LogoutToken, &made, to, (cause, person)).await
}

/// Makes the form of a message, from what faults change of its members and its header.
pub(super) type MakeForm<'a> =
    &'a (dyn Fn(&[&Patch], &[&Patch], &Surroundings<'_>) -> Result<Wire, Unresolved> + Send + Sync);

/// Sends a form, changed by whatever faults are in force, and writes the exchange down as `on_behalf_of` says: due to
/// what, and about whom.
pub(super) async fn push_form(
    shared: &Arc<Shared>,
    attempt: &Arc<AttemptState>,
    object: Object,
    make: MakeForm<'_>,
    to: &str,
    on_behalf_of: (Cause, Option<String>),
) -> Result<Exchange, NotifyError> {
    let (cause, person) = on_behalf_of;
    let facts = MessageFacts { person: person.clone(), grant: None, path: to.to_owned(), login: cause.tab.clone() };
    let hits = faults::take(attempt, shared.name, &Message::Object(object), &facts);
    let surroundings = Surroundings { shared, attempt, request: &[] };
    let mut form = {
        let (members, jose) = faults::by_layer(&hits);
        make(&members, &jose, &surroundings)?
    };
    let mut headers = Wire::object();
    headers.push(":method", "POST");
    headers.push("content-type", "application/x-www-form-urlencoded");
    for hit in &hits {
        match hit.patch.address.layer {
            Layer::Form => patch::apply(&mut form, &hit.patch.operations, &surroundings)?,
            Layer::Http => patch::apply(&mut headers, &hit.patch.operations, &surroundings)?,
            Layer::Members | Layer::Jose => {}
        }
    }
    let mut request =
        Request { method: "POST".to_owned(), url: to.to_owned(), headers: Vec::new(), body: encoded(&form).into() };
    if let Wire::Object(members) = headers {
        for (name, value) in members {
            if name == ":method" {
                request.method = value.to_text();
            } else {
                request.headers.push((name, value.to_text()));
            }
        }
    }
    let started = Instant::now();
    let mut exchange = Exchange {
        seq: shared.sequence.next(),
        from: Party::Provider(shared.name),
        to: Party::Partner,
        cause,
        endpoint: None,
        grant: None,
        person,
        request: Arc::new(request),
        response: None,
        note: None,
        faults: hits.iter().map(|hit| hit.fault).collect(),
        duration_ms: 0,
    };
    attempt.began(exchange.clone());
    match tokio::time::timeout(PATIENCE, send(shared, &exchange.request)).await {
        Ok(Ok(response)) => {
            exchange.response = Some(Arc::new(response));
            faults::delivered(attempt, &exchange.faults);
        }
        Ok(Err(why)) => exchange.note = Some(why),
        Err(_) => exchange.note = Some(format!("no answer within {} s", PATIENCE.as_secs())),
    }
    exchange.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    attempt.ended(exchange.seq, exchange.response.clone(), exchange.note.clone(), started);
    Ok(exchange)
}

fn encoded(form: &Wire) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    if let Wire::Object(members) = form {
        for (name, value) in members {
            body.append_pair(name, &value.to_text());
        }
    }
    body.finish()
}

async fn send(shared: &Shared, request: &Request) -> Result<Response, String> {
    let uri: hyper::Uri = request.url.parse().map_err(|_| "the address is no URL".to_owned())?;
    let host = uri.host().unwrap_or("127.0.0.1").to_owned();
    let secure = uri.scheme_str() == Some("https");
    let address = format!("{host}:{}", uri.port_u16().unwrap_or(if secure { 443 } else { 80 }));
    let stream = tokio::net::TcpStream::connect(&address).await.map_err(|error| error.to_string())?;
    let stream = match &shared.client {
        Some(client) if secure => client.connect(&host, stream, false).await.map_err(|error| error.to_string())?,
        None if secure => return Err("the address is https, and this provider speaks plain http".to_owned()),
        _ => Stream::Plain(stream),
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driving = tokio::spawn(connection);
    let mut builder = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(uri.path_and_query().map_or("/", |target| target.as_str()))
        .header("host", address);
    for (name, value) in &request.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    let message = builder.body(Full::<Bytes>::new(request.body.clone())).map_err(|error| error.to_string())?;
    let answer = sender.send_request(message).await.map_err(|error| error.to_string())?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER).collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    driving.abort();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Response { status: parts.status.as_u16(), headers, body })
}

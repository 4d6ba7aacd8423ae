//! The server: connections, routes, and the one choke point through which every answer leaves, so that any fault can
//! change any message.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::model::dialect::Place;
use crate::model::exchange::{Exchange, FaultId, Party, Purpose, Response};
use crate::model::fault::{Endpoint, Layer, Message, Pace};
use crate::model::wire::Wire;

use super::control::{self, Answered};
use super::dialect::arrival;
use super::dialect::routes::{Role, Route};
use super::environment::Surroundings;
use super::faults::{self, MessageFacts};
use super::inbound::Inbound;
use super::ledger::Origin;
use super::mint::answer::{Answer, Body};
use super::mint::pace::{self, Departure, PacedBody, Taken};
use super::reply::{Reply, error_body, faulty_error};
use super::state::{AttemptState, HeldRequest, Shared};
use super::{
    TAG_HEADER, attempt, authorize, check_session, cors, device, introspect, logout, metadata, pages, register,
    resources, tenants, token,
};

/// Connections at a time.
const CONNECTIONS: usize = 2_000;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(30);

/// How long the answer to a logout waits for the clients that are told of it.
const TELLING: Duration = Duration::from_secs(2);

/// What goes out: an answer, or what happens as it happens.
type Outgoing = Either<PacedBody, control::Stream>;

/// The connection ends without an answer, as a fault says.
#[derive(Debug)]
struct Silence;

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer, as the fault says")
    }
}

impl std::error::Error for Silence {}

/// Accepts until the provider stops.
pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let mut stopping = shared.stopping.subscribe();
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _seat = seat;
            connection(shared, stream).await;
        });
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    match shared.tls.clone() {
        None => serve(shared, reset, socket, peer).await,
        Some(tls) => {
            // Whoever does not greet, or refuses the certificate, says so to itself.
            if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.accept(socket)).await {
                serve(shared, reset, stream, peer).await;
            }
        }
    }
}

async fn serve(
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Option<IpAddr>,
) {
    let (mut stopping, mut reconnecting) = (shared.stopping.subscribe(), shared.reconnecting.subscribe());
    let service = service_fn(move |request| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move { handle(shared, reset, request, peer).await }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let mut leaving = false;
    loop {
        tokio::select! {
            // A connection that breaks is the client's or the fault's affair; what matters is in the exchanges.
            _ = serving.as_mut() => return,
            _ = reconnecting.changed(), if !leaving => {
                leaving = true;
                serving.as_mut().graceful_shutdown();
            }
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

async fn handle(
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
    request: hyper::Request<Incoming>,
    peer: Option<IpAddr>,
) -> Result<hyper::Response<Outgoing>, Silence> {
    let (shared, path) = tenants::of(&shared, request.uri().path());
    let seq = shared.sequence.next();
    let started = Instant::now();
    let mut inbound = Inbound::read(seq, &shared.issuer, path, request).await;
    if control::path(&shared, &inbound.path).is_some() {
        return match control::answer(&shared, &inbound, peer).await {
            Answered::Whole(response) => sent(response),
            Answered::Stream(response, stream) => head(&response).body(Either::Right(stream)).map_err(|_| Silence),
        };
    }
    if shared.settles {
        arrival::settle(&shared.dialect, &shared.routes, &mut inbound);
    }
    if let Some(answer) = cors::preflight(&shared, &inbound) {
        return sent(answer.render());
    }
    let tagged = attempt::tagged(&shared, inbound.header(TAG_HEADER));
    let mut told = Vec::new();
    let reply = match &inbound.broken {
        Some(why) => {
            Reply::page(Answer::page(413, pages::error("This request cannot go on", why))).because(why.clone())
        }
        None => {
            let mut reply = route(&shared, &inbound, tagged.clone(), &mut told);
            if let Some(adapter) = shared.adapter {
                reply.answer = adapter.dress(&shared, &inbound, reply.origin.as_ref(), reply.answer);
            }
            cors::readable(&inbound, reply)
        }
    };
    let from = if tagged.is_some() { Party::Agent } else { Party::Partner };
    let answer = leave(&shared, &reset, inbound, reply, tagged, from, started).await?;
    if !told.is_empty() {
        // Clients know of a logout before the person's browser goes on; one that does not answer keeps nobody waiting.
        let telling = tokio::spawn(logout::tell_all(Arc::clone(&shared), told));
        let _ = tokio::time::timeout(TELLING, telling).await;
    }
    Ok(answer.map(Either::Left))
}

/// Where the endpoints are, where the provider tells such things.
fn what_there_is(shared: &Shared) -> Option<pages::Advice> {
    if !shared.everyday.advice {
        return None;
    }
    let issuer = &shared.issuer;
    let described = shared.path("discovery").map(|path| format!("{issuer}{path}"));
    let before = if described.is_some() { "This names all of them:" } else { "There are:" };
    let all = || {
        let paths: BTreeSet<&String> = shared.dialect.endpoints.values().flat_map(Place::paths).collect();
        paths.into_iter().map(|path| format!("{issuer}{path}")).collect()
    };
    let tenants = format!("A further issuer is one name in front of any path: {}.", pages::code("/NAME/…"));
    Some(pages::Advice {
        before: before.to_owned(),
        list: described.map_or_else(all, |described| vec![described]),
        after: if shared.everyday.tenants { tenants } else { String::new() },
    })
}

/// Which endpoint a path is.
fn route(shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<Origin>, told: &mut Vec<(String, Origin)>) -> Reply {
    if let Some(reply) = shared.adapter.and_then(|adapter| adapter.route(shared, inbound, tagged.as_ref())) {
        return reply;
    }
    let Some((found, rest)) = shared.routes.find(&inbound.path) else {
        let (title, text) = ("There is nothing here", "This address is none of the provider's endpoints.");
        let html = match what_there_is(shared) {
            Some(advice) => pages::error_with_advice(title, text, &advice),
            None => pages::error(title, text),
        };
        return Reply::page(Answer::page(404, html)).from(tagged).because("no such endpoint");
    };
    if let Some(refusal) = wrong_method(shared, inbound, found) {
        return refusal.from(tagged);
    }
    let role = found.role;
    match role {
        Role::Token => token::request(shared, inbound),
        Role::Discovery | Role::OauthDiscovery | Role::Jwks => {
            let attempt =
                tagged.as_ref().map_or_else(|| shared.default_attempt(), |origin| Arc::clone(&origin.attempt));
            let faulty = |endpoint| faults::any(&attempt, &Message::Response(endpoint));
            if role == Role::Jwks {
                metadata::jwks(shared, &attempt, faulty(Endpoint::Jwks))
            } else {
                metadata::discovery(shared, inbound, faulty(Endpoint::Discovery))
            }
        }
        Role::Authorization => authorize::request(shared, inbound, tagged),
        Role::Login => authorize::login(shared, inbound, tagged),
        Role::Consent => authorize::consent(shared, inbound, tagged),
        Role::Userinfo => resources::userinfo(shared, inbound),
        Role::Api => resources::api(shared, inbound, rest),
        Role::Revocation => resources::revoke(shared, inbound),
        Role::Introspection => introspect::request(shared, inbound),
        Role::Device => device::request(shared, inbound),
        Role::Verification => device::verification(shared, inbound),
        Role::CheckSession if inbound.is_post() => check_session::misunderstood(inbound).from(tagged),
        Role::CheckSession => check_session::page(shared).from(tagged),
        Role::Registration => register::request(shared, inbound).from(tagged),
        Role::EndSession => {
            let (reply, ended) = logout::end_session(shared, inbound, tagged);
            *told = ended;
            reply
        }
    }
}

/// The methods of an endpoint or page; `None`: the path is neither.
pub(super) fn methods<'s>(shared: &'s Shared, path: &str) -> Option<(Option<Endpoint>, &'s str)> {
    let (found, _) = shared.routes.find(path)?;
    Some((found.role.endpoint(), &found.methods))
}

/// Whether a path is an endpoint or a page.
pub(super) fn is_known(shared: &Shared, path: &str) -> bool {
    methods(shared, path).is_some() || control::path(shared, path).is_some()
}

/// An answer that is no part of the protocol: no fault changes it, nobody writes it down.
fn sent(response: Response) -> Result<hyper::Response<Outgoing>, Silence> {
    head(&response).body(Either::Left(PacedBody::new(response.body, None, None))).map_err(|_| Silence)
}

fn head(response: &Response) -> hyper::http::response::Builder {
    let builder = hyper::Response::builder().status(response.status);
    response.headers.iter().fold(builder, |all, (name, value)| all.header(name.as_str(), value.as_bytes()))
}

/// The refusal of a method that this address does not have (RFC 9110, section 15.5.6).
fn wrong_method(shared: &Shared, inbound: &Inbound, found: &Route) -> Option<Reply> {
    let asked = match inbound.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    if found.methods.split(", ").any(|own| own == asked) {
        return None;
    }
    let why = format!("this address is for {}", found.methods);
    let answer = Answer::json(405, error_body(&shared.dialect, "invalid_request", &why)).with("allow", &found.methods);
    Some(Reply { endpoint: found.role.endpoint(), ..Reply::page(answer).because(why) })
}

/// The choke point: faults, the record, the pace.
async fn leave(
    shared: &Arc<Shared>,
    reset: &AtomicBool,
    inbound: Inbound,
    mut reply: Reply,
    tagged: Option<Origin>,
    from: Party,
    started: Instant,
) -> Result<hyper::Response<PacedBody>, Silence> {
    let origin = reply.origin.clone().or(tagged).filter(|origin| !origin.attempt.is_finished());
    let attempt = origin.as_ref().map_or_else(|| shared.default_attempt(), |origin| Arc::clone(&origin.attempt));
    let mut faults: Vec<FaultId> = reply.hits.iter().map(|hit| hit.fault).collect();
    let paced_by = apply_faults(shared, &attempt, &inbound, &mut reply, origin.as_ref(), &mut faults);
    let mut cause = origin.as_ref().map(Origin::cause).unwrap_or_default();
    if origin.is_none() && !attempt.sole {
        cause.purpose = Purpose::Guard;
    }
    let seq = inbound.seq;
    attempt.began(Exchange {
        seq,
        from,
        to: Party::Provider(shared.name),
        cause,
        endpoint: reply.endpoint,
        grant: reply.grant,
        person: origin.as_ref().and_then(|origin| origin.person.clone()),
        request: Arc::new(inbound.request),
        response: None,
        note: reply.note,
        faults: faults.clone(),
        duration_ms: 0,
    });
    let pace = reply.answer.pace.clone();
    let paced = match (pace.clone(), paced_by.and_then(|fault| faults::release_of(&attempt, fault))) {
        (Some(pace), Some(released)) => Some(Paced { pace, released }),
        _ => None,
    };
    if let Some(paced) = &paced {
        withhold(&attempt, seq, origin.as_ref(), paced, &faults, reset).await?;
    }
    let rendered = reply.answer.render();
    let (builder, bytes) = (head(&rendered), rendered.body.clone());
    attempt.ended(seq, Some(Arc::new(rendered)), None, started);
    let taken: Option<Taken> = if faults.is_empty() || withheld(pace.as_ref()) {
        None
    } else {
        let attempt = Arc::clone(&attempt);
        Some(Arc::new(move || faults::delivered(&attempt, &faults)))
    };
    let mut body = PacedBody::new(bytes, pace.as_ref(), taken);
    if let Some(paced) = paced {
        body = body.until(paced.released);
    }
    // Only a fault can have made a header that HTTP cannot carry.
    builder.body(body).map_err(|_| Silence)
}

/// A pace, and the end of the fault that set it.
struct Paced {
    pace: Pace,
    released: watch::Receiver<bool>,
}

/// Changes the answer as every fault that means it says; gives the fault that set its pace.
fn apply_faults(
    shared: &Shared,
    attempt: &Arc<AttemptState>,
    inbound: &Inbound,
    reply: &mut Reply,
    origin: Option<&Origin>,
    faults: &mut Vec<FaultId>,
) -> Option<FaultId> {
    let message = reply.message.clone()?;
    let facts = MessageFacts {
        person: origin.and_then(|origin| origin.person.clone()),
        grant: reply.grant,
        path: inbound.path.clone(),
        login: origin.map(|origin| origin.tab.clone()).unwrap_or_default(),
    };
    let mut hits = faults::take(attempt, shared.name, &message, &facts);
    if hits.is_empty() {
        return None;
    }
    // An error answer has headers of its own: what changes headers comes after what changes the content.
    hits.sort_by_key(|hit| hit.patch.address.layer == Layer::Http);
    let mut paced_by = None;
    let carried = if reply.carried.is_empty() { inbound.parameters().to_vec() } else { reply.carried.clone() };
    let surroundings = Surroundings { shared, attempt, request: &carried };
    let endpoint = match message {
        Message::Response(endpoint) => endpoint,
        Message::Object(_) => Endpoint::Token,
    };
    for hit in hits {
        let before = reply.answer.clone();
        let error = |error: &crate::model::fault::ErrorAnswer, environment: &dyn crate::model::value::Environment| {
            let styled = |filling: &_| shared.adapter.and_then(|adapter| adapter.error(inbound, filling));
            faulty_error(&shared.dialect, endpoint, &before, error, environment, &styled)
        };
        match reply.answer.apply(&hit.patch, &error, &surroundings) {
            Ok(()) => {
                if let Some(origin) = origin {
                    register_values(shared, &reply.answer.body, origin);
                }
                faults.push(hit.fault);
                if hit.patch.operations.send.is_some() {
                    paced_by = Some(hit.fault);
                }
            }
            Err(unresolved) => {
                reply.answer = before.clone();
                faults::failed(attempt, hit.fault, &unresolved);
                reply.note = Some(format!("the fault could not take effect: {unresolved}"));
            }
        }
    }
    paced_by
}

/// Whatever comes back to a provider of what a fault put on the wire is known to be this attempt's.
fn register_values(shared: &Shared, body: &Body, origin: &Origin) {
    let (members, known): (&Wire, &[&str]) = match body {
        Body::Redirect { parameters, .. } => (parameters, &["code"]),
        Body::Json(members) => (members, &["access_token", "refresh_token"]),
        _ => return,
    };
    let Wire::Object(members) = members else { return };
    let meant = members.iter().filter(|(name, _)| known.contains(&name.as_str()));
    meant.for_each(|(_, value)| attempt::register(shared, &value.to_text(), origin));
}

fn withheld(pace: Option<&Pace>) -> bool {
    matches!(pace, Some(Pace::Held | Pace::Never | Pace::Reset | Pace::Cut))
}

/// Keeps an answer back as long as its fault says.
async fn withhold(
    attempt: &Arc<AttemptState>,
    seq: u64,
    origin: Option<&Origin>,
    paced: &Paced,
    faults: &[FaultId],
    reset: &AtomicBool,
) -> Result<(), Silence> {
    if withheld(Some(&paced.pace)) {
        faults::delivered(attempt, faults);
    }
    let held = matches!(paced.pace, Pace::Held).then(|| Held::new(attempt, seq, origin, paced.released.clone()));
    let departure = pace::withhold(Some(&paced.pace), paced.released.clone()).await;
    drop(held);
    match departure {
        Departure::Answer => Ok(()),
        Departure::Close => Err(Silence),
        Departure::Reset => {
            reset.store(true, Ordering::Release);
            Err(Silence)
        }
    }
}

/// The request of a browser's tab is held as long as this lives: until it is mended, or until nobody waits any more.
struct Held<'a> {
    attempt: &'a AttemptState,
    seq: u64,
}

impl<'a> Held<'a> {
    fn new(attempt: &'a AttemptState, seq: u64, origin: Option<&Origin>, released: watch::Receiver<bool>) -> Self {
        if let Some(origin) = origin {
            let (browser, tab) = (origin.browser.clone(), origin.tab.clone());
            attempt.inner().held.push(HeldRequest { seq, browser, tab, released });
        }
        attempt.happened();
        Held { attempt, seq }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.attempt.inner().held.retain(|held| held.seq != self.seq);
        self.attempt.happened();
    }
}

/// A socket that can end with a TCP reset.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // Lingering for no time at all makes the system answer with a reset instead of an orderly end.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

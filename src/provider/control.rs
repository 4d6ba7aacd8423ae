//! The control interface: JSON over HTTP below `/_countersign/` of each issuer, for tests in any language, and a page that
//! shows what happens. Only `serve` has it; a provider of a run has none. A request that is refused has changed nothing,
//! and nothing here is written down as an exchange.

mod act;
mod events;
mod gate;
mod live;
mod look;
mod seen;

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::model::control::Refused;
use crate::model::exchange::{Response, query_of};

pub(super) use events::Stream;

use super::inbound::Inbound;
use super::mint::answer::Answer;
use super::state::Shared;

/// Where it is, below an issuer. No dialect has such a path.
const PATH: &str = "/_countersign";

/// The JSON Schema of what is asked and answered.
const SCHEMA: &str = include_str!("../../specs/schema/control.json");

/// That there is a control interface, and who may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// Whoever shows this may use it, from anywhere; without one, programs of this machine may.
    pub token: Option<String>,
}

/// What is answered: at once, or as it happens.
pub(super) enum Answered {
    Whole(Response),
    Stream(Response, Stream),
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    says: Refused,
}

impl Refusal {
    pub(super) fn new(status: u16, error: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal { status, says: Refused { error: error.into(), help: help.into() } }
    }

    fn answer(&self) -> Response {
        let mut answer = json(self.status, &self.says);
        if self.status == 401 {
            answer.headers.push(("www-authenticate".to_owned(), "Basic realm=\"countersign control\"".to_owned()));
        }
        answer
    }
}

/// A body in which nothing can be said.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

type Done = Result<Answered, Refusal>;

/// The path below the control interface; `None`: the request means the provider.
pub(super) fn path<'p>(shared: &Shared, path: &'p str) -> Option<&'p str> {
    shared.everyday.control.as_ref()?;
    path.strip_prefix(PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request.
pub(super) async fn answer(shared: &Arc<Shared>, inbound: &Inbound, peer: Option<IpAddr>) -> Answered {
    let token = shared.everyday.control.as_ref().and_then(|control| control.token.as_deref());
    let done = match gate::refused(token, inbound, peer) {
        Some(refusal) => Err(refusal),
        None => dispatch(shared, inbound).await,
    };
    done.unwrap_or_else(|refusal| Answered::Whole(refusal.answer()))
}

async fn dispatch(shared: &Arc<Shared>, inbound: &Inbound) -> Done {
    if let Some(why) = &inbound.broken {
        return Err(Refusal::new(413, why.clone(), "a control request is small"));
    }
    let path = path(shared, &inbound.path).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let method = match inbound.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let whole = |response| Ok(Answered::Whole(response));
    if let (false, Some((name, _))) = (parts.as_slice() == ["exchanges"], query(inbound).first()) {
        let help = format!("below {PATH}/, exchanges alone takes parameters");
        return Err(Refusal::new(400, format!("`{name}` is no parameter of {}", inbound.path), help));
    }
    match (method, parts.as_slice()) {
        ("GET", []) if path.is_empty() => whole(to_slash(shared)),
        ("GET", []) => whole(live::page(shared)),
        ("GET", ["live.js"]) => whole(live::script()),
        ("GET", ["live"]) => Ok(events::stream(shared, live::event)),
        ("GET", ["events"]) => Ok(events::stream(shared, look::event)),
        ("GET", ["schema"]) => whole(as_is("application/schema+json", SCHEMA)),
        ("GET", ["state"]) => whole(json(200, &look::state(shared))),
        ("GET", ["exchanges"]) => whole(json(200, &look::exchanges(shared, &query(inbound)).await?)),
        ("PUT", ["personas", name]) => whole(json(200, &act::put_person(shared, &decoded(name)?, read(inbound)?)?)),
        ("PATCH", ["personas", name]) => {
            whole(json(200, &act::change_person(shared, &decoded(name)?, read(inbound)?)?))
        }
        ("DELETE", ["personas", name]) => whole(act::remove_person(shared, &decoded(name)?)?),
        ("GET", ["faults"]) => whole(json(200, &look::faults(shared))),
        ("POST", ["faults"]) => whole(json(201, &act::put_fault(shared, read(inbound)?)?)),
        ("GET", ["faults", id]) => whole(json(200, &look::fault(shared, id)?)),
        ("DELETE", ["faults", id]) => whole(act::end_fault(shared, id)?),
        ("POST", ["revoke"]) => whole(json(200, &act::revoke(shared, &read(inbound)?)?)),
        ("POST", ["keys", "rotate"]) => whole(json(200, &act::rotate(shared, read(inbound)?).await?)),
        ("POST", ["clock"]) => whole(json(200, &act::clock(shared, &read(inbound)?)?)),
        ("POST", ["tokens"]) => whole(act::tokens(shared, read(inbound)?)?),
        ("POST", ["devices"]) => whole(act::device(shared, read(inbound)?)?),
        ("POST", ["reset"]) => {
            let Nothing {} = read(inbound)?;
            whole(act::reset(shared))
        }
        (_, parts) => Err(unknown(inbound, parts)),
    }
}

/// What there is, for whoever asked for something else.
fn unknown(inbound: &Inbound, parts: &[&str]) -> Refusal {
    let methods = match parts {
        [] | ["live.js" | "live" | "events" | "schema" | "state" | "exchanges"] => "GET",
        ["personas", _] => "PUT, PATCH, DELETE",
        ["faults"] => "GET, POST",
        ["faults", _] => "GET, DELETE",
        ["revoke" | "clock" | "tokens" | "devices" | "reset"] | ["keys", "rotate"] => "POST",
        _ => "",
    };
    if methods.is_empty() {
        let help = "state exchanges events personas/NAME faults faults/ID revoke keys/rotate clock tokens devices reset schema";
        return Refusal::new(
            404,
            format!("there is nothing at {}", inbound.path),
            format!("below {PATH}/ there are: {help}"),
        );
    }
    Refusal::new(405, format!("{} is not for {}", inbound.path, inbound.request.method), format!("it is for {methods}"))
}

/// What a request carries; nothing is an empty object.
fn read<T: DeserializeOwned>(inbound: &Inbound) -> Result<T, Refusal> {
    let body = &inbound.request.body;
    let bytes: &[u8] = if body.is_empty() { b"{}" } else { body };
    let refused = |why: String| {
        let help = format!("GET {PATH}/schema says what stands in it");
        Refusal::new(400, format!("the body cannot be read: {why}"), help)
    };
    // A list would be taken for the members of an object in their order.
    let object: serde_json::Map<String, Json> =
        serde_json::from_slice(bytes).map_err(|error| refused(format!("it is no object: {error}")))?;
    drop(object);
    serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))
}

fn decoded(name: &str) -> Result<String, Refusal> {
    let name = percent_encoding::percent_decode_str(name).decode_utf8();
    let name = name.map_err(|_| Refusal::new(400, "this name is no UTF-8", "write it so, percent-encoded"))?;
    Ok(name.into_owned())
}

fn query(inbound: &Inbound) -> Vec<(String, String)> {
    query_of(&inbound.request.url)
}

fn json(status: u16, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec_pretty(value).unwrap_or_default();
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("cache-control".to_owned(), "no-store".to_owned()),
        ("x-content-type-options".to_owned(), "nosniff".to_owned()),
    ];
    Response { status, headers, body: [body, b"\n".to_vec()].concat().into() }
}

fn as_is(kind: &str, text: &'static str) -> Response {
    let headers = [("content-type", kind), ("cache-control", "no-cache"), ("x-content-type-options", "nosniff")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Response { status: 200, headers, body: text.into() }
}

/// Below the page, addresses are relative to its slash.
fn to_slash(shared: &Shared) -> Response {
    let to = shared.public_path(&format!("{PATH}/"));
    Answer::empty(307).with("location", &to).render()
}

/// Done, and nothing to say.
fn nothing() -> Response {
    Answer::empty(204).render()
}

/// A value for [`Json`] lists.
fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

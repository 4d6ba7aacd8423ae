//! Requests of pages, held by the browser until they are looked at: what may not be contacted goes nowhere, what goes to
//! an issuer gets the tag (and nothing else does), navigations are written down. Subresources pass unwritten: a ladder
//! in Chromium holds navigations and what providers were asked.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use url::Url;

use super::connection::{CommandError, text};
use super::target::Target;
use super::voyage::Voyage;
use crate::agent::journey::now;
use crate::agent::look::look;
use crate::agent::record::Begun;
use crate::agent::site::origin_of;
use crate::agent::{AgentError, Core, jar::Reach};
use crate::model::exchange::{Party, Request, Response, header};
use crate::model::observation::PageSeen;

/// How long the headers that really arrived may come after the answer itself.
const HEADERS: Duration = Duration::from_millis(500);
/// Bytes that are read of a body at a time.
const PIECE: usize = 1 << 20;

/// A request that waits for its answer.
pub(super) struct Open {
    begun: Begun,
    seen: PageSeen,
    voyage: Arc<Voyage>,
    /// Of the page itself, not of a frame in it.
    main: bool,
    /// A document: its body is read.
    document: bool,
    number: String,
}

impl Open {
    pub(super) fn is_main(&self) -> bool {
        self.main
    }

    pub(super) fn url(&self) -> &str {
        &self.seen.url
    }
}

/// A request is held, or its answer.
pub(super) fn paused(core: &Arc<Core>, target: &Arc<Target>, params: Json) {
    let answered = params.get("responseStatusCode").is_some() || params.get("responseErrorReason").is_some();
    if !answered {
        asked(core, target, &params);
        return;
    }
    let open = target.state().open.remove(&text(&params["requestId"]));
    match open {
        Some(open) => {
            let (core, target) = (Arc::clone(core), Arc::clone(target));
            tokio::spawn(async move {
                if let Err(error) = arrived(&core, &target, &open, &params).await {
                    open.voyage.fail(error.into());
                }
                target.notify();
            });
        }
        None => target.tell("Fetch.continueRequest", json!({ "requestId": params["requestId"] })),
    }
}

fn asked(core: &Arc<Core>, target: &Arc<Target>, params: &Json) {
    let id = &params["requestId"];
    let go_on = || target.tell("Fetch.continueRequest", json!({ "requestId": id }));
    let refuse = |reason: &str| target.tell("Fetch.failRequest", json!({ "requestId": id, "errorReason": reason }));
    let request = &params["request"];
    let Ok(url) = Url::parse(request["url"].as_str().unwrap_or_default()) else { return go_on() };
    if !matches!(url.scheme(), "http" | "https") {
        return go_on();
    }
    let document = params["resourceType"] == "Document";
    let main = document && params["frameId"].as_str() == Some(&target.id);
    if !document && url.path() == "/favicon.ico" {
        return refuse("BlockedByClient");
    }
    let voyage = target.tab.voyage();
    let body = posted(request);
    let mut first = false;
    if main {
        let mut course = voyage.course();
        if let Some((_, page)) = course.lure.take_if(|(at, _)| *at == url.as_str()) {
            return fulfil(
                target,
                id,
                200,
                &[("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
                page.as_bytes(),
            );
        }
        if voyage.stops.iter().any(|stop| stop.matches(&url)) {
            let mut address = url.clone();
            if !body.is_empty() {
                address.query_pairs_mut().extend_pairs(url::form_urlencoded::parse(&body));
            }
            let answered = course.answered.clone().unwrap_or_default();
            course.stopped = Some((answered, address.to_string()));
            return refuse("Aborted");
        }
        let limit = core.surroundings.limits.redirects;
        if course.requests > limit {
            course.error.get_or_insert(AgentError::TooManyRedirects { url: url.to_string(), limit });
            return refuse("Aborted");
        }
        first = course.requests == 0;
        course.requests += 1;
    }
    let party = core.places.party(&url);
    let to_provider = matches!(party, Party::Provider(_));
    let mut headers = headers_of(&request["headers"]);
    let before = headers.clone();
    headers.retain(|(name, _)| name != "cookie");
    if let Some(tag) = &core.surroundings.tag {
        headers.retain(|(name, _)| name != tag.header);
        if to_provider {
            headers.push((tag.header.to_owned(), (tag.value)(&core.name, &voyage.cause.tab)));
        }
    }
    let mut method = text(&request["method"]);
    let mut change = json!({ "requestId": id });
    if first {
        for (name, value) in &voyage.headers {
            headers.retain(|(own, _)| own != name);
            headers.push((name.clone(), value.clone()));
        }
        if let Some(own) = &voyage.method {
            method.clone_from(own);
            change["method"] = own.as_str().into();
        }
    }
    if headers != before {
        change["headers"] = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    }
    let contacted = core.places.may_contact(&url);
    if document || to_provider {
        let written = Arc::new(Request { method, url: told(&url), headers, body });
        let mut seen = PageSeen {
            seq: 0,
            url: url.to_string(),
            request: Arc::clone(&written),
            response: Arc::default(),
            text: String::new(),
            site: core.places.word(&url).to_owned(),
        };
        let begun = core.record.begin(&core.surroundings.sequence, party, &voyage.cause, written);
        seen.seq = begun.seq;
        if !contacted {
            core.record.end(&begun, None, Some("not sent: the place is none that the run may contact".to_owned()));
            if main {
                show(target, &voyage, seen);
                return fulfil(target, id, 200, &[("content-type".to_owned(), "text/html".to_owned())], b"");
            }
            return refuse("BlockedByClient");
        }
        let open = Open { begun, seen, voyage, main, document, number: text(&params["networkId"]) };
        target.state().open.insert(text(id), open);
    } else if !contacted {
        return refuse("BlockedByClient");
    }
    target.tell("Fetch.continueRequest", change);
}

async fn arrived(core: &Arc<Core>, target: &Arc<Target>, open: &Open, params: &Json) -> Result<(), CommandError> {
    let id = &params["requestId"];
    let go_on = || target.tell("Fetch.continueRequest", json!({ "requestId": id }));
    let sent = take(target, &open.number, |state| &mut state.sent).await;
    let mut seen = open.seen.clone();
    if let Some(sent) = sent {
        Arc::make_mut(&mut seen.request).headers = headers_of(&sent["headers"]);
        core.record.sent(&open.begun, seen.request.headers.clone());
    }
    if let Some(reason) = params["responseErrorReason"].as_str() {
        let why = failure(reason);
        core.record.end(&open.begun, None, Some(why.to_owned()));
        if open.main {
            let url = seen.url.clone();
            open.voyage.fail(match reason {
                "ConnectionRefused" | "NameNotResolved" | "AddressUnreachable" | "InternetDisconnected" => {
                    AgentError::Connect { url, why: why.to_owned() }
                }
                _ => AgentError::Broken { url, why: why.to_owned() },
            });
            target.state().loading = false;
            target.tell("Fetch.failRequest", json!({ "requestId": id, "errorReason": "Aborted" }));
        } else {
            go_on();
        }
        return Ok(());
    }
    let status = u16::try_from(params["responseStatusCode"].as_u64().unwrap_or(0)).unwrap_or(0);
    let mut headers = listed(&params["responseHeaders"]);
    // What a server sets is not shown to who holds requests; it is told beside.
    if let Some(received) = take(target, &open.number, |state| &mut state.received).await {
        headers.retain(|(name, _)| name != "set-cookie");
        headers.extend(headers_of(&received["headers"]).into_iter().filter(|(name, _)| name == "set-cookie"));
    }
    if let Ok(url) = Url::parse(&seen.url) {
        for (_, value) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            core.jar().take(&url, value, Reach::SameSite, now());
        }
    }
    let redirect = matches!(status, 301 | 302 | 303 | 307 | 308) && header(&headers, "location").is_some();
    let mut response = Response { status, headers, body: Bytes::new() };
    if redirect || !open.document {
        seen.response = Arc::new(response);
        core.record.end(&open.begun, Some(Arc::clone(&seen.response)), None);
        if open.main {
            open.voyage.course().answered = Some(seen);
        }
        go_on();
        return Ok(());
    }
    let limit = core.surroundings.limits.body;
    match body(target, id, limit).await? {
        Some(bytes) => {
            response.body = bytes.clone();
            seen.response = Arc::new(response);
            core.record.end(&open.begun, Some(Arc::clone(&seen.response)), None);
            let headers: Vec<(String, String)> = (seen.response.headers.iter())
                .filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "content-encoding" | "content-length"))
                .filter(|(name, _)| name != "transfer-encoding")
                .cloned()
                .collect();
            if open.main {
                let url = Url::parse(&seen.url).ok();
                seen.text = url.map(|url| look(&seen.response, &url).text).unwrap_or_default();
                show(target, &open.voyage, seen);
            }
            fulfil(target, id, status, &headers, &bytes);
        }
        None => {
            core.record.end(&open.begun, Some(Arc::new(response)), Some("its body is too large".to_owned()));
            if open.main {
                open.voyage.fail(AgentError::TooLarge { url: seen.url.clone(), limit });
            }
            target.tell("Fetch.failRequest", json!({ "requestId": id, "errorReason": "Aborted" }));
        }
    }
    Ok(())
}

fn show(target: &Target, voyage: &Voyage, seen: PageSeen) {
    target.state().shown = Some(seen.clone());
    let mut course = voyage.course();
    course.answered = Some(seen.clone());
    course.shown.push(seen);
}

fn fulfil(target: &Target, id: &Json, status: u16, headers: &[(String, String)], body: &[u8]) {
    let headers: Vec<Json> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let answer = json!({
        "requestId": id, "responseCode": status, "responseHeaders": headers, "body": STANDARD.encode(body),
    });
    target.tell("Fetch.fulfillRequest", answer);
}

/// A body up to a limit; `None`: there is more.
async fn body(target: &Target, id: &Json, limit: usize) -> Result<Option<Bytes>, CommandError> {
    let taken = target.call("Fetch.takeResponseBodyAsStream", json!({ "requestId": id })).await;
    let stream = match taken {
        Ok(taken) => taken["stream"].clone(),
        // An answer that has none: 204, HEAD.
        Err(CommandError::Refused { .. }) => return Ok(Some(Bytes::new())),
        Err(error) => return Err(error),
    };
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let piece = match target.call("IO.read", json!({ "handle": stream, "size": PIECE })).await {
            Ok(piece) => piece,
            Err(CommandError::Refused { .. }) => break,
            Err(error) => return Err(error),
        };
        let data = piece["data"].as_str().unwrap_or_default();
        match piece["base64Encoded"].as_bool() {
            Some(true) => bytes.extend(STANDARD.decode(data).unwrap_or_default()),
            _ => bytes.extend_from_slice(data.as_bytes()),
        }
        if piece["eof"] == true || bytes.len() > limit {
            break;
        }
    }
    target.tell("IO.close", json!({ "handle": stream }));
    Ok((bytes.len() <= limit).then(|| Bytes::from(bytes)))
}

/// What really went over the wire, in the order of redirects.
async fn take(
    target: &Target,
    number: &str,
    which: impl Fn(&mut super::target::State) -> &mut std::collections::HashMap<String, std::collections::VecDeque<Json>>,
) -> Option<Json> {
    if number.is_empty() {
        return None;
    }
    let mut changed = target.changed.subscribe();
    let wait = async {
        loop {
            changed.mark_unchanged();
            if let Some(found) = which(&mut target.state()).get_mut(number).and_then(|list| list.pop_front()) {
                return Some(found);
            }
            if changed.changed().await.is_err() {
                return None;
            }
        }
    };
    tokio::time::timeout(HEADERS, wait).await.ok().flatten()
}

fn posted(request: &Json) -> Bytes {
    let entries = request["postDataEntries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|entry| STANDARD.decode(entry["bytes"].as_str().unwrap_or_default()).unwrap_or_default())
        .collect();
    if bytes.is_empty() { text(&request["postData"]).into() } else { bytes.into() }
}

/// A table of headers; several of one name stand in lines.
fn headers_of(table: &Json) -> Vec<(String, String)> {
    let table = table.as_object().into_iter().flatten();
    table
        .flat_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            text(value).split('\n').map(|line| (name.clone(), line.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

fn listed(list: &Json) -> Vec<(String, String)> {
    let list = list.as_array().into_iter().flatten();
    list.map(|one| (text(&one["name"]).to_ascii_lowercase(), text(&one["value"]))).collect()
}

fn failure(reason: &str) -> &'static str {
    match reason {
        "ConnectionRefused" => "nobody listens there",
        "ConnectionReset" | "ConnectionClosed" | "ConnectionAborted" => "the connection was closed before an answer",
        "ConnectionFailed" => "no connection",
        "NameNotResolved" | "AddressUnreachable" => "the host is not on this machine",
        "TimedOut" => "no answer in time",
        "Aborted" => "the browser left before an answer",
        _ => "no usable answer",
    }
}

/// A URL as a server sees it.
fn told(url: &Url) -> String {
    url.as_str().split('#').next().unwrap_or_default().to_owned()
}

/// The page that causes a navigation to `url` which nobody can type: it stands at the place itself.
pub(super) fn own_page(url: &Url) -> String {
    format!("{}/", origin_of(url))
}

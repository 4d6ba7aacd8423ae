//! Exchanges as they happen: server-sent events (HTML, section 9.2). Woken by what happens; nothing here polls.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::super::state::Shared;
use super::Answered;
use crate::model::exchange::{Exchange, Response};

/// Events that wait for a slow reader; it is left behind when there are more.
const WAITING: usize = 64;
/// Places that are remembered as sent.
const REMEMBERED: usize = 4_000;

/// A body that goes on as long as somebody reads it.
pub(in crate::provider) struct Stream(mpsc::Receiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Begins to tell what happens from now on, each exchange once, when it has been answered; `as_text` is what is told.
pub(super) fn stream(shared: &Arc<Shared>, as_text: fn(&Exchange) -> String) -> Answered {
    let (tell, told) = mpsc::channel(WAITING);
    let mut happened = shared.ambient.events.subscribe();
    let mut stopping = shared.stopping.subscribe();
    let begin = shared.sequence.now();
    let own = Arc::clone(shared);
    tokio::spawn(async move {
        let mut sent = BTreeSet::new();
        // A first line says that it has begun.
        let mut next = vec![Bytes::from_static(b": exchanges follow\n\n")];
        loop {
            for bytes in next {
                if tell.send(bytes).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                changed = happened.changed() => if changed.is_err() { return },
                _ = stopping.wait_for(|stop| *stop) => return,
                () = tell.closed() => return,
            }
            next = news(&own, begin, &mut sent, as_text);
        }
    });
    let headers = [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Answered::Stream(Response { status: 200, headers, body: Bytes::new() }, Stream(told))
}

fn news(shared: &Shared, begin: u64, sent: &mut BTreeSet<u64>, as_text: fn(&Exchange) -> String) -> Vec<Bytes> {
    let fresh: Vec<Exchange> = {
        let inner = shared.ambient.inner();
        let done = inner.exchanges.iter().filter(|own| own.seq > begin && own.response.is_some());
        done.filter(|own| !sent.contains(&own.seq)).cloned().collect()
    };
    sent.extend(fresh.iter().map(|own| own.seq));
    while sent.len() > REMEMBERED {
        sent.pop_first();
    }
    fresh.iter().map(|own| message(own.seq, &as_text(own))).collect()
}

fn message(id: u64, text: &str) -> Bytes {
    let mut all = format!("event: exchange\nid: {id}\n");
    for line in text.lines() {
        all.push_str("data: ");
        all.push_str(line);
        all.push('\n');
    }
    all.push('\n');
    Bytes::from(all)
}

//! What a browser writes down of its exchanges: when they begin, and what came of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::model::exchange::{Cause, Exchange, Party, Request, Response, Sequence};

/// The exchanges of one browser, in order of their beginning.
#[derive(Default)]
pub(crate) struct Record(Mutex<Vec<Exchange>>);

/// An exchange that has begun.
pub(crate) struct Begun {
    /// Its number in the run.
    pub seq: u64,
    at: usize,
    since: Instant,
}

impl Record {
    /// Writes a request down before it leaves.
    pub(crate) fn begin(&self, sequence: &Sequence, to: Party, cause: &Cause, request: Arc<Request>) -> Begun {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The number is taken under the lock, so that the list is in order.
        let seq = sequence.next();
        all.push(Exchange {
            seq,
            from: Party::Agent,
            to,
            cause: cause.clone(),
            endpoint: None,
            grant: None,
            person: None,
            request,
            response: None,
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        });
        Begun { seq, at: all.len() - 1, since: Instant::now() }
    }

    /// The headers that really went, where they are known only afterwards.
    pub(crate) fn sent(&self, begun: &Begun, headers: Vec<(String, String)>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exchange) = all.get_mut(begun.at) {
            Arc::make_mut(&mut exchange.request).headers = headers;
        }
    }

    /// Adds what came of it.
    pub(crate) fn end(&self, begun: &Begun, response: Option<Arc<Response>>, note: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exchange) = all.get_mut(begun.at) {
            exchange.response = response;
            exchange.note = note;
            exchange.duration_ms = begun.since.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        }
    }

    /// All of it until now.
    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

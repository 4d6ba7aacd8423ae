//! How bytes leave: at once, in drips, cut off in the middle; and the note that the last one that may leave has left.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::model::fault::Pace;

/// Called when the last byte that a fault allows was handed to the connection.
pub type Taken = Arc<dyn Fn() + Send + Sync>;

/// A body that leaves at some pace.
pub struct PacedBody {
    rest: Bytes,
    declared: u64,
    cut: bool,
    drip: Option<u32>,
    pause: Option<Pin<Box<Sleep>>>,
    taken: Option<Taken>,
    done: Arc<AtomicBool>,
}

impl PacedBody {
    /// `bytes` at the pace of a fault, if there is one.
    pub fn new(bytes: Bytes, pace: Option<&Pace>, taken: Option<Taken>) -> Self {
        let declared = bytes.len() as u64;
        let cut = matches!(pace, Some(Pace::Cut));
        let drip = match pace {
            Some(Pace::Slowly { bytes_per_second }) => Some((*bytes_per_second).max(1)),
            _ => None,
        };
        let rest = if cut { bytes.slice(..bytes.len() / 2) } else { bytes };
        let mut body = PacedBody { rest, declared, cut, drip, pause: None, taken, done: Arc::default() };
        if body.rest.is_empty() && !cut {
            body.finish();
        }
        body
    }

    fn finish(&mut self) {
        if !self.done.swap(true, Ordering::AcqRel) {
            if let Some(taken) = self.taken.take() {
                taken();
            }
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        if self.rest.is_empty() {
            self.finish();
            return Poll::Ready(self.cut.then(|| Err(std::io::Error::other("cut off, as the fault says"))));
        }
        let chunk = match self.drip {
            None => std::mem::take(&mut self.rest),
            Some(rate) => {
                // Ten steps a second, or one byte each.
                let size = (rate as usize / 10).clamp(1, self.rest.len());
                let wait = Duration::from_secs_f64(size as f64 / f64::from(rate));
                self.pause = Some(Box::pin(tokio::time::sleep(wait)));
                self.rest.split_to(size)
            }
        };
        if self.rest.is_empty() && !self.cut {
            self.finish();
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.cut && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // A body that will be cut still declares its whole length: that is what makes it a cut.
        SizeHint::with_exact(if self.cut { self.declared } else { self.rest.len() as u64 })
    }
}

//! How bytes leave: at once, later, in drips, cut off in the middle, never; and the note that the last one that may leave
//! has left. Knows bytes and time, and nothing of what they say.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::watch;

use crate::model::fault::Pace;

/// Called when the last byte that a fault allows was handed to the connection.
pub type Taken = Arc<dyn Fn() + Send + Sync>;

/// What becomes of a message whose head waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// The answer goes out.
    Answer,
    /// The connection closes without an answer.
    Close,
    /// The connection is reset.
    Reset,
}

/// Awaited before the head of an answer is sent: `held` until it is mended, `never` for good, `after` so long. Mending
/// ends every wait. The caller bounds it from above by dropping it with the connection.
pub async fn withhold(pace: Option<&Pace>, released: watch::Receiver<bool>) -> Departure {
    match pace {
        Some(Pace::Held) => {
            mended(released).await;
            Departure::Answer
        }
        Some(Pace::Never) => {
            mended(released).await;
            Departure::Close
        }
        Some(Pace::After(time)) => {
            tokio::select! {
                () = tokio::time::sleep(*time) => {}
                () = mended(released) => {}
            }
            Departure::Answer
        }
        Some(Pace::Reset) => Departure::Reset,
        Some(Pace::Cut | Pace::Slowly { .. } | Pace::Certificate(_)) | None => Departure::Answer,
    }
}

/// Ends when the fault is mended, or forgotten.
async fn mended(mut released: watch::Receiver<bool>) {
    // An error says that the fault is gone: nobody will release it any more.
    let _ = released.wait_for(|released| *released).await;
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that leaves at some pace.
pub struct PacedBody {
    rest: Bytes,
    declared: u64,
    cut: bool,
    /// A cut body waits one turn before it breaks off, so that what may leave is flushed.
    flushing: bool,
    drip: Option<u32>,
    pause: Option<Wait>,
    mended: Option<Wait>,
    taken: Option<Taken>,
}

impl PacedBody {
    /// `bytes` at the pace of a fault, if there is one.
    pub fn new(bytes: Bytes, pace: Option<&Pace>, taken: Option<Taken>) -> Self {
        let cut = matches!(pace, Some(Pace::Cut));
        // A body that will be cut still declares its whole length: that is what makes it a cut. An empty one promises
        // a byte that never comes.
        let declared = if cut { bytes.len().max(1) } else { bytes.len() } as u64;
        let drip = match pace {
            Some(Pace::Slowly { bytes_per_second }) => Some((*bytes_per_second).max(1)),
            _ => None,
        };
        let rest = if cut { bytes.slice(..bytes.len() / 2) } else { bytes };
        let mut body = PacedBody { rest, declared, cut, flushing: cut, drip, pause: None, mended: None, taken };
        if declared == 0 {
            body.finish();
        }
        body
    }

    /// A slow body that hurries once its fault is mended.
    #[must_use]
    pub fn until(mut self, released: watch::Receiver<bool>) -> Self {
        if self.drip.is_some() {
            self.mended = Some(Box::pin(mended(released)));
        }
        self
    }

    fn finish(&mut self) {
        if let Some(taken) = self.taken.take() {
            taken();
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
        if let Some(mended) = &mut self.mended
            && mended.as_mut().poll(context).is_ready()
        {
            self.mended = None;
            self.drip = None;
            self.pause = None;
        }
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        if self.rest.is_empty() {
            if std::mem::take(&mut self.flushing) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
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
        self.rest.is_empty() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.cut { self.declared } else { self.rest.len() as u64 })
    }
}

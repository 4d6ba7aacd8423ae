//! The second engine: a real Chromium over its DevTools protocol, for partners that need scripts. Pages, redirects and
//! cookies are the browser's own; the harness watches, tags what goes to an issuer, and keeps everything else on this
//! machine. What it knows of a browser beside that (record, pages, jar) it has in common with the HTTP engine: the jar
//! follows Chromium's after every navigation, so that a probe over a connection of its own carries the same cookies.

mod connection;
mod context;
mod cookies;
mod process;
mod script;
mod tab;
mod target;
mod traffic;
mod voyage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OnceCell, watch};

use super::journey::{Journey, Rest};
use super::{AgentError, Core, Submission, WantedForm};
use crate::model::exchange::Cause;
use connection::CommandError;
use context::Context;
pub use process::{Chromium, ChromiumError};

/// One browser's part of Chromium: a context with cookies of its own, made when the first page is opened.
pub(crate) struct Window {
    chromium: Arc<Chromium>,
    context: OnceCell<Context>,
    /// The jar was changed by the harness, and Chromium does not know yet.
    stale: AtomicBool,
}

impl From<CommandError> for AgentError {
    fn from(error: CommandError) -> AgentError {
        AgentError::Engine { why: error.to_string() }
    }
}

impl Window {
    pub(crate) fn new(chromium: Arc<Chromium>) -> Window {
        Window { chromium, context: OnceCell::new(), stale: AtomicBool::new(false) }
    }

    /// The harness has changed the jar.
    pub(crate) fn cookies_changed(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Tells of everything that happens in its pages, once there are some.
    pub(crate) fn stirring(&self) -> Option<watch::Receiver<u64>> {
        self.context.get().map(Context::stirring)
    }

    async fn context(&self, core: &Arc<Core>) -> Result<&Context, AgentError> {
        let connection = self.chromium.connection();
        self.context.get_or_try_init(|| Context::open(connection.clone(), Arc::downgrade(core))).await
    }

    /// Travels in a tab until the browser rests.
    ///
    /// # Errors
    /// No page came of it.
    pub(crate) async fn travel(
        &self,
        core: &Arc<Core>,
        tab: &str,
        journey: Journey,
        cause: &Cause,
    ) -> Result<Rest, AgentError> {
        let context = self.context(core).await?;
        if self.stale.swap(false, Ordering::AcqRel) {
            context.put_cookies(core).await?;
        }
        let came = context.travel(core, tab, journey, cause).await;
        context.take_cookies(core).await?;
        came
    }

    /// Sends a form of the page that a tab shows, as the page's scripts see it.
    ///
    /// # Errors
    /// No such form, or no page came of it.
    pub(crate) async fn submit(
        &self,
        core: &Arc<Core>,
        tab: &str,
        (wanted, submission): (&WantedForm, &Submission),
        stop_before: &[String],
        cause: &Cause,
    ) -> Result<Rest, AgentError> {
        let context = self.context(core).await?;
        if self.stale.swap(false, Ordering::AcqRel) {
            context.put_cookies(core).await?;
        }
        let came = context.submit(core, tab, (wanted, submission), stop_before, cause).await;
        context.take_cookies(core).await?;
        came
    }
}

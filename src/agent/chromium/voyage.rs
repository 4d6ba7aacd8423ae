//! What one navigation is about, and what has come of it so far: shared by the tab that waits and the requests that are
//! watched.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::agent::AgentError;
use crate::agent::site::Stop;
use crate::model::exchange::Cause;
use crate::model::observation::PageSeen;

/// One navigation.
#[derive(Default)]
pub(super) struct Voyage {
    pub cause: Cause,
    /// Not to be opened.
    pub stops: Vec<Stop>,
    /// What its first request has that no page could put on it.
    pub method: Option<String>,
    pub headers: Vec<(String, String)>,
    pub course: Mutex<Course>,
}

/// How far it has come.
#[derive(Default)]
pub(super) struct Course {
    /// The page that causes the navigation, and is never asked for: where, and what stands there.
    pub lure: Option<(String, String)>,
    /// Documents asked for so far.
    pub requests: usize,
    /// The last answer to a request for a document.
    pub answered: Option<PageSeen>,
    /// Pages that were shown, by the place in the run.
    pub shown: Vec<PageSeen>,
    /// The answer that would have led to a place not to be opened, and that place.
    pub stopped: Option<(PageSeen, String)>,
    /// Why no page will come.
    pub error: Option<AgentError>,
}

impl Voyage {
    pub(super) fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has come to its end, whatever the pages still do.
    pub(super) fn is_over(&self) -> bool {
        let course = self.course();
        course.stopped.is_some() || course.error.is_some()
    }

    pub(super) fn fail(&self, error: AgentError) {
        self.course().error.get_or_insert(error);
    }
}

//! A tab as a person sees one: a page, and the pop-ups that it opened above it. Who looks at the tab sees the topmost.

use std::sync::{Arc, Mutex, PoisonError};

use super::target::Target;
use super::voyage::Voyage;

/// A tab.
#[derive(Default)]
pub(super) struct Tab {
    pages: Mutex<Vec<Arc<Target>>>,
    voyage: Mutex<Arc<Voyage>>,
}

impl Tab {
    /// Its pages, the topmost last.
    pub(super) fn pages(&self) -> Vec<Arc<Target>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one that is seen.
    pub(super) fn top(&self) -> Option<Arc<Target>> {
        self.pages().pop()
    }

    pub(super) fn push(&self, page: Arc<Target>) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).push(page);
    }

    pub(super) fn remove(&self, id: &str) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).retain(|page| page.id != id);
    }

    pub(super) fn clear(&self) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What goes on in it.
    pub(super) fn voyage(&self) -> Arc<Voyage> {
        Arc::clone(&self.voyage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn begin(&self, voyage: Arc<Voyage>) {
        *self.voyage.lock().unwrap_or_else(PoisonError::into_inner) = voyage;
    }
}

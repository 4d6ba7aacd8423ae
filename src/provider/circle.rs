//! What the providers of one world know of each other's values, so that whatever reaches the wrong one is attributed
//! all the same. It holds values and whose they are, and judges nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ledger::Store;

/// Attempts that may claim one value; a text such as `garbage` has no owner for long.
const CLAIMS: usize = 8;

/// Shared by the providers of one world. A provider alone has one of its own.
#[derive(Clone)]
pub struct Circle(Arc<Mutex<Store<Vec<Trace>>>>);

/// Whose a value is: an attempt by its id, which is the same at every provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    pub attempt: String,
    pub browser: String,
    pub tab: String,
    pub person: Option<String>,
}

impl Default for Circle {
    fn default() -> Self {
        Circle(Arc::new(Mutex::new(Store::new(Duration::from_secs(3600)))))
    }
}

impl std::fmt::Debug for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Circle")
    }
}

impl Circle {
    fn values(&self) -> MutexGuard<'_, Store<Vec<Trace>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many values it holds.
    pub(super) fn count(&self) -> usize {
        self.values().count()
    }

    /// Notes whose a value is. The same attempt may note it again.
    pub(super) fn note(&self, value: &str, trace: Trace) {
        let mut values = self.values();
        match values.get_mut(value) {
            Some(claims) => {
                claims.retain(|own| own.attempt != trace.attempt);
                if claims.len() >= CLAIMS {
                    claims.remove(0);
                }
                claims.push(trace);
            }
            None => values.insert(value.to_owned(), vec![trace]),
        }
    }

    /// An attempt is over: nothing is its any more.
    pub(super) fn forget(&self, attempt: &str) {
        let mut values = self.values();
        values.values_mut().for_each(|claims| claims.retain(|own| own.attempt != attempt));
        values.retain(|claims| !claims.is_empty());
    }

    /// Whose a value is, among the attempts that are `alive`; nobody's where two of them claim it.
    pub(super) fn owner(&self, value: &str, alive: impl Fn(&str) -> bool) -> Option<Trace> {
        let mut values = self.values();
        let mut claims = values.get_mut(value)?.iter().filter(|trace| alive(&trace.attempt));
        let first = claims.next()?.clone();
        claims.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(attempt: &str, tab: &str) -> Trace {
        Trace { attempt: attempt.into(), browser: "first".into(), tab: tab.into(), person: None }
    }

    #[test]
    fn an_attempt_that_is_over_leaves_nothing_behind() {
        let circle = Circle::default();
        circle.note("shared", trace("a", "main"));
        circle.note("shared", trace("b", "main"));
        circle.note("own", trace("a", "main"));
        circle.forget("a");
        assert_eq!(circle.count(), 1);
        assert_eq!(circle.owner("shared", |_| true), Some(trace("b", "main")));
    }

    #[test]
    fn a_value_is_the_one_attempts_that_claims_it_and_nobodys_when_two_do() {
        let circle = Circle::default();
        circle.note("code", trace("a", "one"));
        circle.note("code", trace("a", "two"));
        assert_eq!(circle.owner("code", |_| true), Some(trace("a", "two")));
        circle.note("code", trace("b", "one"));
        assert_eq!(circle.owner("code", |_| true), None);
        assert_eq!(circle.owner("code", |attempt| attempt == "b"), Some(trace("b", "one")));
        assert_eq!(circle.owner("other", |_| true), None);
    }
}

//! Which keys an issuer signs with and publishes, and keys that are made while it runs: for another issuer, or to take the
//! place of old ones. It knows keys, and nothing of who asks for them.

use std::sync::{PoisonError, RwLock};

use super::keys;
use crate::model::wire::Wire;

/// Sets of keys that are made in one process, at most: each stays until the process ends.
const MADE: usize = 200;

/// The names of an issuer's keys; the first one signs, each is published.
pub struct Ring {
    names: RwLock<Vec<&'static str>>,
}

/// So many keys were made that no more are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MADE} sets of keys were made since this process began; start it anew to make more")]
pub struct TooMany;

impl Ring {
    /// The shipped keys of that name.
    pub fn shipped(name: &'static str) -> Ring {
        Ring { names: RwLock::new(vec![name]) }
    }

    /// Keys of its own, made when they are first needed.
    pub fn fresh() -> Ring {
        Ring { names: RwLock::default() }
    }

    /// The name of the keys that sign now.
    pub fn current(&self) -> &'static str {
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).first().copied();
        known.unwrap_or_else(|| {
            let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
            if names.is_empty() {
                // Without room for more, an issuer has those that everybody knows: it still works.
                names.push(keys::make(MADE).unwrap_or("main"));
            }
            names[0]
        })
    }

    /// The names of all that are published.
    pub fn names(&self) -> Vec<&'static str> {
        self.current();
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// New keys sign from now on. Those before them stay published where `keep` says so.
    ///
    /// # Errors
    /// Too many were made.
    pub fn rotate(&self, keep: bool) -> Result<(), TooMany> {
        let name = keys::make(MADE).ok_or(TooMany)?;
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if !keep {
            names.clear();
        }
        names.insert(0, name);
        Ok(())
    }

    /// The shipped keys of that name sign from now on; those before them stay published.
    pub fn sign_with(&self, name: &'static str) {
        self.current();
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.retain(|own| *own != name);
        names.insert(0, name);
    }

    /// What is published: one key per algorithm of each name, the RS256 key first.
    pub fn published(&self) -> Wire {
        let keys = self.names().into_iter().flat_map(keys::signing_as).map(|(_, key)| key.jwk()).collect();
        let mut set = Wire::object();
        set.push("keys", Wire::List(keys));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kids(ring: &Ring) -> Vec<String> {
        let set = ring.published().to_json();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn new_keys_come_first_and_the_old_ones_stay_only_where_they_are_kept() {
        let ring = Ring::shipped("main");
        let before = kids(&ring);
        ring.rotate(true).unwrap();
        let after = kids(&ring);
        assert_eq!(after.len(), 2 * before.len());
        assert_eq!(after[before.len()..], before);
        ring.rotate(false).unwrap();
        assert!(kids(&ring).iter().all(|kid| !after.contains(kid)));
    }

    #[test]
    fn issuers_with_keys_of_their_own_share_none() {
        let (one, other) = (kids(&Ring::fresh()), kids(&Ring::fresh()));
        assert!(one.iter().all(|kid| !other.contains(kid)));
    }
}

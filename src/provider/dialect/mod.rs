//! Dialects at work: which address is which endpoint, what stands in front of a path, and the one trait behind which
//! everything is that `dialect.toml` cannot say.

pub(super) mod arrival;
pub mod facebook;
pub(super) mod routes;

use std::sync::Arc;

use crate::model::dialect::Dialect;
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::inbound::Inbound;
use super::ledger::{AuthorizationRequest, Origin};
use super::reply::Reply;
use super::state::Shared;

/// What data cannot say of a dialect. Every method may be left out: then the data alone count.
pub(super) trait Adapter: Send + Sync {
    /// Requests that are none of the dialect's endpoints, or that it answers in its own way. Asked before anything
    /// else; `None`: the common endpoints answer.
    fn route(&self, _shared: &Arc<Shared>, _inbound: &Inbound, _tagged: Option<&Origin>) -> Option<Reply> {
        None
    }

    /// Parameters of its own in an authorization request that is valid so far.
    ///
    /// # Errors
    /// Kind and sentence of a refusal that goes back to the client.
    fn asks(&self, _shared: &Shared, _request: &mut AuthorizationRequest) -> Result<(), (&'static str, &'static str)> {
        Ok(())
    }

    /// Members of an authorization response that grants something, before `state` is added.
    fn authorized(&self, _shared: &Shared, _granted: &Granted<'_>, _members: &mut Wire) {}

    /// A grant of its own at the token endpoint; `None`: it is none.
    fn grant(&self, _shared: &Shared, _inbound: &Inbound, _client: &ClientRegistration, _name: &str) -> Option<Reply> {
        None
    }
}

/// What an authorization response is about.
#[allow(dead_code, reason = "the adapters read it")]
pub(super) struct Granted<'a> {
    pub origin: &'a Origin,
    pub request: &'a AuthorizationRequest,
    pub person: &'a str,
    /// Of what was asked, what holds now.
    pub granted: &'a [String],
}

/// The adapter that a dialect names. [`crate::model::dialect::ADAPTERS`] has every name.
pub(super) fn adapter(_dialect: &Dialect) -> Option<&'static dyn Adapter> {
    None
}

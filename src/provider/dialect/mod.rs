//! Dialects at work: which address is which endpoint, what stands in front of a path, and the one trait behind which
//! everything is that `dialect.toml` cannot say.

pub(super) mod arrival;
pub mod facebook;
pub(super) mod held;
pub(super) mod notify;
pub(super) mod routes;

use std::sync::Arc;

use crate::model::dialect::{Dialect, Filling};
use crate::model::fault::Patch;
use crate::model::persona::Person;
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::inbound::Inbound;
use super::ledger::{AuthorizationRequest, Origin};
use super::mint::answer::Answer;
use super::reply::Reply;
use super::state::{AttemptState, Shared};

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
    fn asks(
        &self,
        _attempt: &AttemptState,
        _request: &mut AuthorizationRequest,
    ) -> Result<(), (&'static str, &'static str)> {
        Ok(())
    }

    /// Members of an authorization response that grants something, before `state` is added.
    fn authorized(&self, _shared: &Shared, _granted: &Granted<'_>, _members: &mut Wire) {}

    /// What an ID token says of a person beside the standard's claims, in place of what her scopes open.
    fn identity(&self, _shared: &Shared, _person: &Person, _client_id: &str, _scopes: &[String]) -> Option<Wire> {
        None
    }

    /// The form of a pushed message of its own; `None`: it has none of that name.
    fn notice(&self, _about: &Notice<'_>) -> Option<Result<Wire, Unresolved>> {
        None
    }

    /// What every answer carries: headers, media types.
    fn dress(&self, _shared: &Shared, _inbound: &Inbound, _origin: Option<&Origin>, answer: Answer) -> Answer {
        answer
    }

    /// An error answer of a place that has another style than the error table; `None`: the table's.
    fn error(&self, _inbound: &Inbound, _filling: &Filling) -> Option<Answer> {
        None
    }

    /// The client of a token request that need not authenticate as it registered; `None`: it has to.
    fn client(&self, _shared: &Shared, _inbound: &Inbound, _origin: Option<&Origin>) -> Option<ClientRegistration> {
        None
    }

    /// A grant of its own at the token endpoint; `None`: it is none.
    fn grant(&self, _shared: &Shared, _inbound: &Inbound, _client: &ClientRegistration, _name: &str) -> Option<Reply> {
        None
    }

    /// Where an authorization response goes, where that is not the `redirect_uri`; `granted` is `None` for a refusal,
    /// which then carries nothing.
    fn redirect(
        &self,
        _shared: &Shared,
        _request: &AuthorizationRequest,
        _granted: Option<&[String]>,
    ) -> Option<String> {
        None
    }

    /// Pages of other sites ask who is signed in here: the browser's session stands in a second cookie, which goes along
    /// with what such pages ask, where the browser lets it (over https, and at `localhost`).
    fn is_embedded(&self) -> bool {
        false
    }

    /// An access token of a shape of its own.
    fn shape(&self, _of: &Shape<'_>) -> Option<Shaped> {
        None
    }

    /// A sealed object that a case wants made now, about a person; `None`: there is none of that kind.
    fn sealed(
        &self,
        _shared: &Shared,
        _attempt: &AttemptState,
        _of: &Person,
        _client: &ClientRegistration,
        _kind: &str,
    ) -> Option<Result<String, Unresolved>> {
        None
    }
}

/// For whom and what an access token is.
pub(super) struct Shape<'a> {
    pub client_id: &'a str,
    /// `None`: the client itself.
    pub person: Option<&'a Person>,
    pub scopes: &'a [String],
    pub now: i64,
    /// Seconds, where nothing else is said.
    pub lifetime: i64,
}

/// An access token, and when it expires (Unix seconds).
pub(super) struct Shaped {
    pub token: String,
    /// From [`NEVER`] on the answer does not say when.
    pub expires: i64,
}

/// The year 9999.
pub(super) const NEVER: i64 = 253_402_300_799;

/// Whether an address has scheme, host and port of one of these.
pub(super) fn is_same_origin(address: &str, registered: &[String]) -> bool {
    let Ok(url) = url::Url::parse(address) else { return false };
    let plain = url.username().is_empty() && url.password().is_none();
    let same = |own: &String| url::Url::parse(own).is_ok_and(|own| own.origin() == url.origin());
    plain && url.has_host() && registered.iter().any(same)
}

/// What an authorization response is about.
pub(super) struct Granted<'a> {
    pub origin: &'a Origin,
    pub request: &'a AuthorizationRequest,
    pub person: &'a str,
    /// Of what was asked, what holds now.
    pub granted: &'a [String],
}

/// A message that is pushed to an app, before it is put into bytes.
pub(super) struct Notice<'a> {
    pub shared: &'a Shared,
    pub send: &'a str,
    /// The app's endpoint by its name: `deauthorize`.
    pub to: &'a str,
    pub person: &'a Person,
    pub client: &'a ClientRegistration,
    /// The app's secret as it is now.
    pub secret: String,
    /// Unix seconds.
    pub now: i64,
    /// What faults change of its members and of its header.
    pub members: &'a [&'a Patch],
    pub header: &'a [&'a Patch],
    pub environment: &'a dyn Environment,
}

/// The adapter that a dialect names. [`crate::model::dialect::ADAPTERS`] has every name.
pub(super) fn adapter(dialect: &Dialect) -> Option<&'static dyn Adapter> {
    match dialect.adapter.as_deref()? {
        "facebook-login" => Some(&facebook::login::Login),
        "facebook-connect" => Some(&facebook::connect::Connect),
        _ => None,
    }
}

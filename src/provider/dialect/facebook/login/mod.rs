//! `facebook-login`: what its data cannot say. Addresses of the Graph API, of the sites `www` and `limited`, the
//! dialog's own parameters, app tokens and exchanged tokens.

mod bearer;
mod business;
mod dialog;
mod graph;
mod headers;
mod limited;
mod node;
mod pages;
mod permissions;
mod sdk;
mod tokens;

use std::sync::Arc;

use crate::model::persona::Person;
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::dialect::facebook::{self, notice};
use crate::provider::dialect::routes::Role;
use crate::provider::dialect::{Adapter, Granted, Notice};
use crate::provider::inbound::Inbound;
use crate::provider::ledger::{AuthorizationRequest, Origin};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::{AttemptState, Shared};

/// The adapter.
pub(in crate::provider) struct Login;

impl Adapter for Login {
    fn route(&self, shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>) -> Option<Reply> {
        if let Some(reply) = facebook::sdk::answer(&sdk::STYLE, shared, inbound, tagged) {
            return Some(reply);
        }
        let path = inbound.path.as_str();
        if let Some(rest) = path.strip_prefix("/graph/") {
            let is_token = shared.routes.find(path).is_some_and(|(route, _)| route.role == Role::Token);
            return (!is_token).then(|| graph::answer(shared, inbound, rest));
        }
        if let Some(rest) = path.strip_prefix("/www/") {
            let own = pages::answer(shared, inbound, rest, tagged);
            return own.or_else(|| limited::uninstalled(shared, inbound, rest));
        }
        limited::answer(shared, inbound, path.strip_prefix("/limited/")?, tagged)
    }

    fn asks(
        &self,
        attempt: &AttemptState,
        request: &mut AuthorizationRequest,
    ) -> Result<(), (&'static str, &'static str)> {
        dialog::asks(attempt, request)
    }

    fn authorized(&self, shared: &Shared, granted: &Granted<'_>, members: &mut Wire) {
        dialog::authorized(shared, granted, members);
    }

    fn client(&self, shared: &Shared, inbound: &Inbound, origin: Option<&Origin>) -> Option<ClientRegistration> {
        tokens::by_verifier(shared, inbound, origin?)
    }

    fn grant(&self, shared: &Shared, inbound: &Inbound, client: &ClientRegistration, name: &str) -> Option<Reply> {
        tokens::grant(shared, inbound, client, name)
    }

    fn identity(&self, shared: &Shared, person: &Person, client_id: &str, scopes: &[String]) -> Option<Wire> {
        Some(limited::identity(shared, person, client_id, scopes))
    }

    fn is_embedded(&self) -> bool {
        true
    }

    fn redirect(&self, shared: &Shared, request: &AuthorizationRequest, granted: Option<&[String]>) -> Option<String> {
        facebook::sdk::redirect(shared, request, granted)
    }

    fn notice(&self, about: &Notice<'_>) -> Option<Result<Wire, crate::model::value::Unresolved>> {
        notice::form(about, || node::scoped_id(about.shared, about.person, &about.client.id))
    }

    fn dress(&self, shared: &Shared, inbound: &Inbound, origin: Option<&Origin>, answer: Answer) -> Answer {
        headers::dressed(shared, inbound, origin, answer)
    }
}

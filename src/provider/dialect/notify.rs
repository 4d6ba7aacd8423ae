//! Messages of a dialect that are pushed to an app: asked for by a case, or by what a person does.

use std::sync::Arc;

use crate::model::case::{Notify, Via};
use crate::model::exchange::Cause;
use crate::model::fault::{Object, Patch};
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::provider::environment::Surroundings;
use crate::provider::ledger::Origin;
use crate::provider::state::{AttemptState, Shared};
use crate::provider::{ClientRegistration, Notified, NotifyError, logout};

use super::Notice;

/// What is sent, to whom, about whom.
struct Order {
    send: String,
    /// The app's endpoint by its name.
    endpoint: String,
    /// And its address.
    to: String,
    about: String,
    client: ClientRegistration,
}

/// A message that a case asks for.
pub(in crate::provider) async fn ask(
    shared: &Arc<Shared>,
    attempt: &Arc<AttemptState>,
    notify: &Notify,
    to: &str,
    cause: Cause,
) -> Result<Notified, NotifyError> {
    if shared.adapter.is_none() {
        return Err(NotifyError::NotBuilt(notify.send.clone()));
    }
    if notify.via != Via::Push {
        return Err(NotifyError::NotBuilt("via".to_owned()));
    }
    let login = attempt.inner().logins.iter().rev().find(|login| login.person == notify.about).cloned();
    let client = {
        let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = login.as_ref().and_then(|login| clients.get(&login.client_id));
        own.or_else(|| clients.values().next()).cloned()
    };
    let client = client.ok_or_else(|| NotifyError::NoSession(notify.about.clone()))?;
    let endpoint = notify.to.clone().unwrap_or_else(|| "deauthorize".to_owned());
    let (send, about) = (notify.send.clone(), notify.about.clone());
    let exchange = push(shared, attempt, Order { send, endpoint, to: to.to_owned(), about, client }, cause).await?;
    Ok(Notified::Answered(Box::new(exchange)))
}

/// A message that follows from what a person does at the site: the app's endpoint and what is sent there. Her page does
/// not wait for it.
pub(in crate::provider) fn tell(
    shared: &Arc<Shared>,
    origin: &Origin,
    client_id: &str,
    (endpoint, send): (&str, &str),
    to: String,
) {
    let (Some(client), Some(about)) = (shared.client(client_id), origin.person.clone()) else { return };
    let order = Order { send: send.to_owned(), endpoint: endpoint.to_owned(), to, about, client };
    let (shared, origin) = (Arc::clone(shared), origin.clone());
    tokio::spawn(async move {
        let cause = origin.cause();
        // That an app does not answer is written down in the exchange.
        let _ = push(&shared, &origin.attempt, order, cause).await;
    });
}

async fn push(
    shared: &Arc<Shared>,
    attempt: &Arc<AttemptState>,
    order: Order,
    cause: Cause,
) -> Result<crate::model::exchange::Exchange, NotifyError> {
    let person = attempt.person(&order.about).ok_or_else(|| NotifyError::NoSession(order.about.clone()))?;
    let other = attempt.inner().options.client_secret.clone();
    let secret = other.or_else(|| order.client.secret.clone()).unwrap_or_default();
    let now = attempt.now();
    let known = |name: &str| Object::COMMON.into_iter().find(|own| own.name() == name);
    let object = known(&order.send).unwrap_or_else(|| Object::Dialect(order.send.clone()));
    let make = |members: &[&Patch], header: &[&Patch], environment: &Surroundings<'_>| -> Result<Wire, Unresolved> {
        let about = Notice {
            shared,
            send: &order.send,
            to: &order.endpoint,
            person: &person,
            client: &order.client,
            secret: secret.clone(),
            now,
            members,
            header,
            environment,
        };
        let form = shared.adapter.and_then(|adapter| adapter.notice(&about));
        form.unwrap_or_else(|| Err(Unresolved::text(format!("the message `{}` in this dialect", order.send))))
    };
    logout::push_form(shared, attempt, object, &make, &order.to, (cause, Some(order.about.clone()))).await
}

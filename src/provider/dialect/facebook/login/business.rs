//! The apps of one business: a person has another number at each of them, and they may learn that it is she. Here every
//! registered app belongs to the same business.

use serde_json::{Value as Json, json};

use crate::provider::state::Shared;

use super::super::scoped_id;
use super::bearer::User;
use super::{node, permissions};

/// `/me/ids_for_business`: her number at each app of the business that she has let in.
pub(super) fn numbers(shared: &Shared, user: &User) -> Json {
    let apps: Vec<String> = {
        let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        clients.keys().cloned().collect()
    };
    let lets_in = |app: &String| !permissions::granted(shared, &user.origin, app).is_empty();
    let entry = |app: String| {
        let id = node::scoped_id(shared, &user.person, &app);
        json!({ "id": id, "app": { "id": app, "name": app, "namespace": app } })
    };
    let data: Vec<Json> = apps.into_iter().filter(lets_in).map(entry).collect();
    json!({ "data": data, "paging": {} })
}

/// `token_for_business`: a text that stands for her at every app of the business, and opens nothing.
pub(super) fn token(shared: &Shared, user: &User) -> String {
    format!("Ab{}", scoped_id::scoped_id(shared.issuer.as_bytes(), &user.person.sub, "the business"))
}

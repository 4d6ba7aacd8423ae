//! What the JavaScript SDK of today is told: an `authResponse`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::wire::Wire;
use crate::provider::dialect::facebook::sdk::{Style, Told, code};
use crate::provider::dialect::facebook::seal::{self, Padding};

use super::bearer::{self, Bearer};
use super::{node, permissions, tokens};

pub(super) const STYLE: Style = Style {
    name: "login",
    wall: "posts",
    user: |shared, text| match bearer::of(shared, text) {
        Ok(Bearer::User(user)) => Some(user),
        _ => None,
    },
    granted: permissions::granted,
    told,
};

fn told(about: &Told<'_>) -> Wire {
    let Told { shared, origin, client, granted, .. } = about;
    let attempt = &origin.attempt;
    let (token, left) = match about.token {
        Some(user) => (user.text.clone(), user.expires - attempt.now()),
        None => {
            let lifetime = tokens::lifetime(attempt);
            (tokens::give(shared, origin, &client.id, granted.to_vec(), lifetime, &BTreeMap::new()), lifetime)
        }
    };
    let person = origin.person.as_ref().and_then(|name| attempt.person(name));
    let user_id = person.map(|person| node::scoped_id(shared, &person, &client.id)).unwrap_or_default();
    let secret = attempt.inner().options.client_secret.clone().or_else(|| client.secret.clone()).unwrap_or_default();
    let payload = code::payload(shared, origin, &client.id, granted, &user_id).to_json().to_string();
    Wire::from(json!({ "authResponse": {
        "accessToken": token,
        "userID": user_id,
        "expiresIn": left,
        "signedRequest": seal::signed_request(payload.as_bytes(), &secret, Padding::Stripped),
        "graphDomain": "facebook",
        "data_access_expiration_time": permissions::data_access_until(shared, origin, &client.id).unwrap_or_default(),
    } }))
}

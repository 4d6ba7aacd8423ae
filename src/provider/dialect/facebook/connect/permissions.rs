//! `/me/permissions`: what was granted, and taking it back, wholly or in part.

use serde_json::{Map, Value as Json, json};

use crate::model::wire::Wire;
use crate::provider::dialect::facebook::apps;
use crate::provider::dialect::held;
use crate::provider::reply::Reply;

use super::CALLBACKS;
use super::graph::Scene;

/// What was granted, in the shape that the option says.
pub fn listed(scene: &Scene<'_>) -> Reply {
    let granted = scene.user.as_ref().map(|user| user.scopes.clone()).unwrap_or_default();
    let dialect = &scene.call.shared.dialect;
    let named = granted.iter().filter(|scope| dialect.scopes.get(*scope).is_none_or(|own| !own.implied));
    let data = if scene.call.option("permissions_shape") == "list" {
        named.map(|scope| json!({ "permission": scope, "status": "granted" })).collect()
    } else {
        let mut ones = Map::new();
        if scene.call.option("installed") == true {
            ones.insert("installed".to_owned(), Json::from(1));
        }
        ones.extend(named.map(|scope| (scope.clone(), Json::from(1))));
        vec![Json::Object(ones)]
    };
    scene.call.good(Wire::from(json!({ "data": data })))
}

/// Takes one permission back, or all: then the app is removed, and every token of the person with it.
pub fn removed(scene: &Scene<'_>, one: Option<&str>) -> Reply {
    let Some(user) = &scene.user else { return scene.call.refused("invalid_token.nobody", "no person's token") };
    let (attempt, name) = (&user.origin.attempt, &user.person.name);
    if let Some(one) = one {
        let fixed = scene.call.shared.dialect.scopes.get(one).is_some_and(|scope| scope.implied);
        if fixed || !user.scopes.iter().any(|own| own == one) {
            return scene.call.refused("invalid_request", "(#100) this permission was not granted");
        }
    }
    let Some(one) = one else {
        apps::uninstall(scene.call.shared, &user.origin, &user.client_id);
        if scene.call.option("api_removal_tells") == true {
            apps::tell_removed(scene.call.shared, &user.origin, &user.client_id, &CALLBACKS);
        }
        return scene.call.good(true);
    };
    let keeps = |scope: &String| scope != one;
    {
        let mut inner = attempt.inner();
        inner.grants.entry(held::key(&scene.call.shared.dialect, name, &user.client_id)).or_default().retain(keeps);
    }
    let mut ledger = scene.call.shared.ledger();
    let own = ledger.access.values_mut().filter(|token| {
        token.origin.attempt.id == attempt.id
            && token.origin.person.as_ref() == Some(name)
            && token.client_id == user.client_id
    });
    own.for_each(|token| token.scopes.retain(keeps));
    drop(ledger);
    scene.call.good(true)
}

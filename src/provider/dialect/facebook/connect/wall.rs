//! The wall: publishing a story with its privacy, reactions, and taking things away.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::model::persona::{Item, Person};
use crate::model::wire::Wire;
use crate::provider::dialect::facebook::social;
use crate::provider::reply::Reply;
use crate::provider::state::random_id;

use super::graph::{Scene, just};

/// What a post may say of itself.
const MEMBERS: [&str; 8] = ["message", "link", "name", "caption", "description", "picture", "source", "actions"];

/// Publishes to the person's own wall.
pub fn publish(scene: &Scene<'_>, owner: &Person) -> Reply {
    if !scene.may("publish_stream") {
        return scene.call.refused("insufficient_scope", "publish_stream was not granted");
    }
    let Some(user) = &scene.user else { return scene.call.refused("invalid_token.nobody", "no person's token") };
    let said = |name: &&str| Some(((*name).to_owned(), Json::from(scene.call.parameter(name)?)));
    let mut data: BTreeMap<String, Json> = MEMBERS.iter().filter_map(said).collect();
    if !["message", "link", "picture", "source"].iter().any(|name| data.contains_key(*name)) {
        return scene.call.refused("invalid_request", "(#100) Missing message or attachment");
    }
    let visible = match scene.call.parameter("privacy").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => match social::privacy(text, &scene.people) {
            Ok(audience) => {
                let json: Json = serde_json::from_str(text).unwrap_or_default();
                data.insert("privacy".to_owned(), json);
                Some(audience)
            }
            Err(why) => return scene.call.refused("invalid_request", &format!("(#100) {why}")),
        },
    };
    let mut guard = user.origin.attempt.inner();
    let inner = &mut *guard;
    let Some(person) = inner.people.get_mut(&owner.name) else {
        drop(guard);
        return scene.call.refused("invalid_token.nobody", "the person is gone");
    };
    let wall = person.edges.entry("feed".to_owned()).or_default();
    // The last story once more is a mistake of whoever sends it.
    let same = |item: &Item| MEMBERS.iter().all(|name| item.data.get(*name) == data.get(*name));
    if wall.first().is_some_and(same) {
        drop(guard);
        return scene.call.refused("duplicate", "this is the last story once more");
    }
    // Stories of a wall are counted, those that were taken away as well: no number is given twice.
    let count = |item: &Item| item.data.get("id")?.as_str()?.rsplit_once('_')?.1.parse::<u64>().ok();
    let last = inner.stories.entry(owner.name.clone()).or_default();
    *last = wall.iter().filter_map(count).max().unwrap_or_default().max(*last) + 1;
    let id = format!("{}_{last}", owner.sub);
    data.insert("id".to_owned(), Json::from(id.as_str()));
    wall.insert(0, Item { visible, data });
    drop(guard);
    scene.call.good(just("id", id))
}

/// A number that no other comment has.
fn number() -> u64 {
    random_id().bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) >> 2
}

/// Likes or comments on a post that the person sees.
pub fn react(scene: &Scene<'_>, post: &str, what: &str) -> Reply {
    if scene.user.is_none() {
        return scene.call.refused("invalid_token.missing", "no person's token");
    }
    if !scene.may("publish_stream") {
        return scene.call.refused("insufficient_scope", "publish_stream was not granted");
    }
    match scene.object(post) {
        Some((owner, edge, item)) if scene.eyes().sees_item(owner, edge, item) => {
            if what == "likes" {
                return scene.call.good(true);
            }
            if scene.call.parameter("message").is_none_or(str::is_empty) {
                return scene.call.refused("invalid_request", "(#100) Missing message");
            }
            scene.call.good(Wire::from(json!({ "id": format!("{post}_{}", number()) })))
        }
        _ => scene.call.refused("unknown_alias", post),
    }
}

/// Takes a post of the person's own wall away.
pub fn remove(scene: &Scene<'_>, id: &str) -> Reply {
    let Some(user) = &scene.user else { return scene.call.refused("invalid_token.missing", "no person's token") };
    let is_it = |item: &Item| item.data.get("id").and_then(Json::as_str) == Some(id);
    let mut inner = user.origin.attempt.inner();
    let wall = inner.people.get_mut(&user.person.name).and_then(|person| person.edges.get_mut("feed"));
    let gone = scene.may("publish_stream")
        && wall.is_some_and(|wall| {
            let before = wall.len();
            wall.retain(|item| !is_it(item));
            wall.len() < before
        });
    drop(inner);
    if gone { scene.call.good(true) } else { scene.call.refused("unsupported", "delete") }
}

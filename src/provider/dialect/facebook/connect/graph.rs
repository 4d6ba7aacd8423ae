//! The Graph API of 2010 to 2012: people, their lists, single objects, the wall, permissions.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::model::fault::Endpoint;
use crate::model::persona::{Friends, Item, Person};
use crate::model::wire::Wire;
use crate::provider::dialect::facebook::bearer::{Bad, Bearer, User};
use crate::provider::dialect::facebook::social::{self, Eyes};
use crate::provider::inbound::Inbound;
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::answer::Call;
use super::{bearer, permissions, wall};

/// Entries of a page of a list, where nobody says.
const PAGE: usize = 25;
/// And at most.
const MOST: usize = 5_000;

/// What a call is about: who asks, and the people who exist for it.
pub struct Scene<'a> {
    pub call: Call<'a>,
    pub user: Option<Box<User>>,
    pub people: Vec<Person>,
    pub friends: Friends,
}

impl<'a> Scene<'a> {
    /// A call of whoever it is, with the people who exist for it.
    pub fn of(call: Call<'a>, user: Option<Box<User>>) -> Scene<'a> {
        let people: Vec<Person> = match &call.origin {
            Some(origin) => origin.attempt.inner().people.values().cloned().collect(),
            None => everybody(call.shared),
        };
        let friends = Friends::of(&people);
        Scene { call, user, people, friends }
    }

    /// The eyes of whoever asks.
    pub fn eyes(&self) -> Eyes<'_> {
        Eyes {
            dialect: &self.call.shared.dialect,
            friends: &self.friends,
            viewer: self.user.as_ref().map(|user| user.person.name.as_str()),
            granted: self.user.as_ref().map_or(&[], |user| &user.scopes),
            open: true,
        }
    }

    /// Whether a permission was granted.
    pub fn may(&self, permission: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.scopes.iter().any(|own| own == permission))
    }

    /// A person by number or user name; `me` is the token's own.
    pub fn person(&self, who: &str) -> Option<&Person> {
        if who == "me" {
            let name = &self.user.as_ref()?.person.name;
            return self.people.iter().find(|person| person.name == *name);
        }
        self.people
            .iter()
            .find(|person| person.sub == who || person.fields.get("username").and_then(Json::as_str) == Some(who))
    }

    /// A single object by its id: owner, kind, item.
    pub fn object(&self, id: &str) -> Option<(&Person, &str, &Item)> {
        self.people.iter().find_map(|person| {
            person.edges.iter().find_map(|(edge, items)| {
                let found = items.iter().find(|item| item.data.get("id").and_then(Json::as_str) == Some(id))?;
                Some((person, edge.as_str(), found))
            })
        })
    }

    /// The photos of an album that are seen, and whose they are; `None`: there is no such album.
    pub fn in_album(&self, id: &str) -> Option<(&Person, Vec<&Item>)> {
        let (owner, "albums", album) = self.object(id)? else { return None };
        let eyes = self.eyes();
        let mut photos = eyes.edge(owner, "photos");
        let seen = eyes.sees_item(owner, "albums", album);
        photos.retain(|item| seen && item.data.get("album") == album.data.get("id"));
        Some((owner, photos))
    }

    fn is_own(&self, person: &Person) -> bool {
        self.user.as_ref().is_some_and(|user| user.person.name == person.name)
    }
}

/// A call; `path` is what stands behind the host.
pub fn call(shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>, path: &str) -> Reply {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let endpoint = if parts == ["me"] { Endpoint::Userinfo } else { Endpoint::Api };
    let mut call = Call { shared, inbound, endpoint, origin: tagged.cloned() };
    let user = match bearer::caller(shared, inbound) {
        Ok(Some(Bearer::User(user))) => Some(user),
        Ok(_) => None,
        Err(Bad { kind, why, origin }) => {
            call.origin = origin.or(call.origin);
            return call.refused(kind, &why);
        }
    };
    if let Some(user) = &user {
        call.origin = Some(user.origin.clone());
    }
    let scene = Scene::of(call, user);
    if parts.first() == Some(&"me") && scene.user.is_none() {
        return scene.call.refused("invalid_token.nobody", "no person's token");
    }
    match (scene.call.method().as_str(), parts.as_slice()) {
        ("GET", []) => by_ids(&scene),
        ("GET", [id]) => single(&scene, id),
        ("GET", [who, "picture"]) => picture(&scene, who),
        ("GET", ["me", "permissions"]) => permissions::listed(&scene),
        ("GET", [who, edge]) => list(&scene, who, edge),
        ("DELETE", ["me", "permissions"]) => permissions::removed(&scene, None),
        ("DELETE", ["me", "permissions", one]) => permissions::removed(&scene, Some(one)),
        ("POST", [who, "feed"]) => match scene.person(who) {
            Some(person) if scene.is_own(person) => wall::publish(&scene, &person.clone()),
            _ => scene.call.refused("insufficient_scope", "only her own wall"),
        },
        ("POST", [post, what @ ("likes" | "comments")]) => wall::react(&scene, post, what),
        ("DELETE", [id]) => wall::remove(&scene, id),
        ("GET" | "POST" | "DELETE", _) => scene.call.refused("unknown_path", &format!("/{}", parts.join("/"))),
        (other, _) => scene.call.refused("unsupported", &other.to_ascii_lowercase()),
    }
}

/// Everybody there is, for calls without a token: what is for everyone is for them.
fn everybody(shared: &Shared) -> Vec<Person> {
    let attempts: Vec<_> = {
        let ledger = shared.ledger();
        ledger.attempts.values().cloned().chain([shared.ambient.clone()]).collect()
    };
    attempts.iter().flat_map(|attempt| attempt.inner().people.values().cloned().collect::<Vec<_>>()).collect()
}

fn fields<'a>(call: &'a Call<'_>) -> Option<Vec<&'a str>> {
    call.parameter("fields").filter(|text| !text.is_empty()).map(|text| text.split(',').map(str::trim).collect())
}

/// An object as the caller sees it; `None`: she does not, or there is none.
fn shown(scene: &Scene<'_>, id: &str) -> Option<Wire> {
    let eyes = scene.eyes();
    if let Some(person) = scene.person(id) {
        return Some(eyes.person(person, fields(&scene.call).as_deref()));
    }
    let (owner, edge, item) = scene.object(id)?;
    eyes.sees_item(owner, edge, item).then(|| social::item(owner, edge, item))
}

fn single(scene: &Scene<'_>, id: &str) -> Reply {
    if let Some(wire) = shown(scene, id) {
        return scene.call.good(wire);
    }
    let exists = scene.object(id).is_some() || id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    // What a token may not see looks like what does not exist.
    if exists && scene.call.option("hidden_object") == "false" {
        return scene.call.good(false).because("this token may not see it, or it does not exist");
    }
    scene.call.refused("unknown_alias", id)
}

/// `/?ids=a,b`: one that is not there fails all.
fn by_ids(scene: &Scene<'_>) -> Reply {
    let Some(ids) = scene.call.parameter("ids") else { return scene.call.refused("unknown_path", "/") };
    let mut all = Wire::object();
    for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        match shown(scene, id) {
            Some(wire) => all.set(id, wire),
            None => return scene.call.refused("unknown_alias", id),
        }
    }
    scene.call.good(all)
}

fn picture(scene: &Scene<'_>, who: &str) -> Reply {
    let Some(person) = scene.person(who) else { return scene.call.refused("unknown_alias", who) };
    let size = match scene.call.parameter("type") {
        None => "square",
        Some(size) if ["square", "small", "normal", "large"].contains(&size) => size,
        Some(_) => return scene.call.refused("invalid_request", "(#100) type must be square, small, normal or large"),
    };
    let to = format!("{}/pictures/{}_{size}.gif", scene.call.shared.issuer, person.sub);
    Reply::of(Endpoint::Api, Answer::redirect(&to, Wire::object())).from(scene.call.origin.clone())
}

/// The lists that permissions open, and friends.
fn list(scene: &Scene<'_>, who: &str, edge: &str) -> Reply {
    let eyes = scene.eyes();
    let named = |item: &Person| {
        let mut wire = Wire::object();
        wire.push("name", item.text("name").unwrap_or_default());
        wire.push("id", item.sub.as_str());
        wire
    };
    if let (None, "photos", Some((owner, photos))) = (scene.person(who), edge, scene.in_album(who)) {
        return page(scene, photos.into_iter().map(|item| social::item(owner, "photos", item)).collect());
    }
    let known = edge == "friends" || eyes.has_edge(edge);
    let Some(person) = scene.person(who).filter(|_| known) else {
        return scene.call.refused("unknown_path", &format!("/{edge}"));
    };
    if scene.user.is_none() {
        return scene.call.refused("invalid_token.missing", "a list needs a person's token");
    }
    if edge == "friends" {
        let asked = fields(&scene.call);
        let friends = eyes.friends_of(person, &scene.people);
        let shown = friends.into_iter().map(|friend| match &asked {
            Some(asked) => eyes.person(friend, Some(asked)),
            None => named(friend),
        });
        return page(scene, shown.collect());
    }
    if !eyes.may_list(person, edge) && scene.call.option("edge_denied") == "error" {
        return scene.call.refused("insufficient_scope", edge);
    }
    page(scene, eyes.edge(person, edge).into_iter().map(|item| social::item(person, edge, item)).collect())
}

/// A page of a list. `next` and `previous` stand there only where there is one; both carry the token, as the provider's
/// own addresses do.
fn page(scene: &Scene<'_>, all: Vec<Wire>) -> Reply {
    let number = |name: &str| scene.call.parameter(name).map(str::parse::<usize>);
    let (limit, offset) = match (number("limit").unwrap_or(Ok(PAGE)), number("offset").unwrap_or(Ok(0))) {
        (Ok(limit), Ok(offset)) if limit > 0 => (limit.min(MOST), offset),
        _ => return scene.call.refused("invalid_request", "(#100) limit and offset must be whole numbers"),
    };
    let address = |offset: usize| {
        let inbound = scene.call.inbound;
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &inbound.query {
            if !["limit", "offset", "access_token", "callback"].contains(&name.as_str()) {
                query.append_pair(name, value);
            }
        }
        if let Some(user) = &scene.user {
            query.append_pair("access_token", &user.text);
        }
        query.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
        format!("{}{}?{}", scene.call.shared.issuer, inbound.path, query.finish())
    };
    let mut paging = Wire::object();
    if offset > 0 {
        paging.push("previous", address(offset.saturating_sub(limit)));
    }
    if all.len() > offset.saturating_add(limit) {
        paging.push("next", address(offset + limit));
    }
    let mut body = Wire::object();
    body.push("data", Wire::List(all.into_iter().skip(offset).take(limit).collect()));
    if paging != Wire::object() {
        body.push("paging", paging);
    }
    scene.call.good(body)
}

/// An object with one member.
pub fn just(name: &str, value: impl Into<Json>) -> Wire {
    Wire::from(json!({ name: value.into() }))
}

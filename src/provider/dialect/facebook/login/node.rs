//! A person as the Graph API shows her: fields that were asked for, granted and are visible; edges; her picture.

use serde_json::{Map, Value as Json, json};

use crate::model::fault::Endpoint;
use crate::model::persona::{Friends, Person};
use crate::model::wire::Wire;
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::super::scoped_id;
use super::super::social::Eyes;
use super::bearer::User;
use super::graph::{Call, refused};
use super::{business, permissions};

/// Fields that every person has for every app.
const ALWAYS: [&str; 2] = ["id", "name"];
/// Fields that were taken away in 2018 and are still no error.
const GONE: [&str; 7] = ["work", "education", "religion", "political", "relationship_status", "about", "quotes"];
/// Entries of an edge on a page.
const PAGE: usize = 25;

/// The person's number at an app: the one that she has in the provider's files at the app that the provider knows
/// first, another one at each further app.
pub(super) fn scoped_id(shared: &Shared, person: &Person, client_id: &str) -> String {
    let first = {
        let clients = shared.clients.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        clients.keys().next().is_none_or(|first| first == client_id)
    };
    if first { person.sub.clone() } else { scoped_id::scoped_id(shared.issuer.as_bytes(), &person.sub, client_id) }
}

/// The person with that number at an app, if she has permitted it anything.
pub(super) fn known(shared: &Shared, id: &str, client_id: &str) -> Option<Origin> {
    let attempts: Vec<_> = {
        let ledger = shared.ledger();
        ledger.attempts.values().cloned().chain([shared.ambient.clone()]).collect()
    };
    attempts.into_iter().find_map(|attempt| {
        let people: Vec<Person> = attempt.inner().people.values().cloned().collect();
        let person = people.into_iter().find(|person| scoped_id(shared, person, client_id) == id)?;
        let origin = Origin { attempt, browser: String::new(), tab: String::new(), person: Some(person.name) };
        (!permissions::granted(shared, &origin, client_id).is_empty()).then_some(origin)
    })
}

/// `fields=a,b{c},d.limit(1)`: the names alone.
fn names(fields: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut all = vec![String::new()];
    for c in fields.chars() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            ',' if depth == 0 => all.push(String::new()),
            _ if depth == 0 => {
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
            _ => {}
        }
    }
    let cut = |name: String| name.split('.').next().unwrap_or_default().trim().to_owned();
    all.into_iter().map(cut).filter(|name| !name.is_empty()).collect()
}

/// `/me`.
pub(super) fn person(call: &Call<'_>, user: &User, endpoint: Endpoint, id: &str) -> Reply {
    let shared = call.shared;
    let asked = call.value("fields").map_or_else(|| ALWAYS.map(str::to_owned).to_vec(), names);
    let friends = circle(user);
    let eyes = eyes(shared, user, &friends);
    let mut members = Map::new();
    for field in &asked {
        match field.as_str() {
            "id" => {}
            "permissions" => {
                members.insert(field.clone(), permissions::list(shared, &user.origin, &user.client_id));
            }
            "token_for_business" => {
                members.insert(field.clone(), Json::from(business::token(shared, user)));
            }
            other if GONE.contains(&other) => {}
            edge if eyes.has_edge(edge) => {
                let list = eyes.shows_edge(&user.person, edge).then(|| listed(call, user, &eyes, edge));
                members.extend(list.map(|list| (field.clone(), list)));
            }
            other if !eyes.has_field(other) => return refused(shared, endpoint, "invalid_request.field", other),
            other if eyes.sees(&user.person, other) => {
                if let Some(value) = user.person.fields.get(other) {
                    members.insert(field.clone(), shown(other, value));
                }
            }
            // Not granted or not visible: left out, and no error.
            _ => {}
        }
    }
    members.insert("id".to_owned(), Json::from(id));
    Reply::of(endpoint, Answer::json(200, Wire::from(Json::Object(members))))
}

fn shown(field: &str, value: &Json) -> Json {
    match (field, value.as_str()) {
        ("picture", Some(url)) => json!({ "data": picture_data(url) }),
        _ => value.clone(),
    }
}

fn picture_data(url: &str) -> Json {
    json!({ "height": 50, "is_silhouette": false, "url": url, "width": 50 })
}

/// `/me/picture`: the picture itself, or with `redirect=0` where it is.
pub(super) fn picture(call: &Call<'_>, user: &User, endpoint: Endpoint) -> Reply {
    let friends = circle(user);
    let sees = eyes(call.shared, user, &friends).sees(&user.person, "picture");
    let url = user.person.text("picture").filter(|_| sees).unwrap_or_default();
    if matches!(call.value("redirect"), Some("0" | "false")) {
        return Reply::of(endpoint, Answer::json(200, Wire::from(json!({ "data": picture_data(&url) }))));
    }
    Reply::of(endpoint, Answer::redirect(&url, Wire::object()))
}

/// `/me/friends` and the like.
pub(super) fn edge(call: &Call<'_>, user: &User, edge: &str, endpoint: Endpoint) -> Reply {
    let shared = call.shared;
    let friends = circle(user);
    let eyes = eyes(shared, user, &friends);
    let Some(scope) = eyes.opening(edge) else {
        return refused(shared, endpoint, "invalid_request.path", edge);
    };
    let shows = eyes.shows_edge(&user.person, edge);
    if !shows && call.option(&user.origin, "edge_denied") == "error" {
        return refused(shared, endpoint, "insufficient_scope.edge", scope);
    }
    let body = if shows { listed(call, user, &eyes, edge) } else { json!({ "data": [] }) };
    Reply::of(endpoint, Answer::json(200, Wire::from(body)))
}

/// Who knows whom, where this token looks.
fn circle(user: &User) -> Friends {
    Friends::of(user.origin.attempt.inner().people.values())
}

/// The eyes of whoever's token it is. Nothing is open without a permission.
fn eyes<'a>(shared: &'a Shared, user: &'a User, friends: &'a Friends) -> Eyes<'a> {
    let viewer = Some(user.person.name.as_str());
    Eyes { dialect: &shared.dialect, friends, viewer, granted: &user.scopes, open: false }
}

/// The entries of an edge, a page at a time.
fn listed(call: &Call<'_>, user: &User, eyes: &Eyes<'_>, edge: &str) -> Json {
    if edge == "friends" {
        let names: Vec<&str> = eyes.friends.friends_of(&user.person.name).collect();
        let total = names.len();
        let friends = names.into_iter().filter_map(|name| friend(call.shared, user, name)).collect();
        let mut body = paged(call, user, friends, edge);
        body["summary"] = json!({ "total_count": total });
        return body;
    }
    paged(call, user, eyes.edge(&user.person, edge).into_iter().map(|item| json!(item.data)).collect(), edge)
}

/// One page of a list, with the address of the next one where there is one.
fn paged(call: &Call<'_>, user: &User, all: Vec<Json>, edge: &str) -> Json {
    let number = |name: &str| call.value(name).and_then(|text| text.parse::<usize>().ok());
    let size = call.option(&user.origin, "page_size").as_u64().and_then(|size| usize::try_from(size).ok());
    let from = number("offset").unwrap_or(0);
    let limit = number("limit").or(size).unwrap_or(PAGE).clamp(1, 100);
    let page: Vec<Json> = all.iter().skip(from).take(limit).cloned().collect();
    let next = from.saturating_add(limit);
    let mut body = json!({ "data": page, "paging": {} });
    if next < all.len() {
        // The address that follows carries the token already, as the real one does.
        let issuer = &call.shared.issuer;
        let version = call.inbound.version.as_ref().map(|version| format!("/{version}")).unwrap_or_default();
        let base = call.shared.public_path(&format!("/graph{version}/me/{edge}"));
        let address = format!("{issuer}{base}?access_token={}&limit={limit}&offset={next}", user.text);
        body["paging"] = json!({ "next": address });
    }
    body
}

/// A friend, if she uses the same app and lets it see her friends.
fn friend(shared: &Shared, user: &User, name: &str) -> Option<Json> {
    let person = user.origin.attempt.person(name)?;
    let origin = Origin { person: Some(person.name.clone()), ..user.origin.clone() };
    let granted = permissions::granted(shared, &origin, &user.client_id);
    let uses = granted.iter().any(|scope| scope == "user_friends");
    uses.then(|| json!({ "name": person.text("name"), "id": scoped_id(shared, &person, &user.client_id) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_are_found_whatever_hangs_on_them() {
        assert_eq!(
            names("id,name, picture.width(100).height(100){url,width},friends{name,id},"),
            ["id", "name", "picture", "friends"]
        );
        assert!(names("").is_empty());
    }
}

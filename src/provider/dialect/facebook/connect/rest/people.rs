//! What `restserver.php` tells of people, by the names that things had before the Graph.

use serde_json::{Map, Value as Json, json};

use crate::model::persona::{Item, Person};
use crate::provider::dialect::held;
use crate::provider::ledger::Origin;

use super::{Given, Refusal, Rest, refusal};

/// Fields that have another name here than at the Graph.
const NAMES: [(&str, &str); 7] = [
    ("sex", "gender"),
    ("about_me", "about"),
    ("hometown_location", "hometown"),
    ("current_location", "location"),
    ("work_history", "work"),
    ("education_history", "education"),
    ("profile_url", "link"),
];

/// An identifier as a number, which it was here; a text where it is none.
pub fn number(id: &str) -> Json {
    id.parse::<u64>().map_or_else(|_| Json::from(id), Json::from)
}

/// Separated by commas, or a JSON array.
fn listed(text: &str) -> Vec<String> {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(all)) => {
            all.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
        }
        _ => text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect(),
    }
}

/// Where a person is who is named by her number alone.
pub fn known(rest: &Rest<'_>, uid: &str) -> Result<Origin, Refusal> {
    let call = &rest.scene.call;
    let origin = call.origin.clone().unwrap_or_else(|| call.shared.default_origin());
    let person = rest.scene.people.iter().find(|person| person.sub == uid);
    // She is of this attempt, or nobody can say whose matter it is.
    match person.filter(|person| origin.attempt.person(&person.name).is_some_and(|own| own.sub == uid)) {
        Some(person) => Ok(Origin { person: Some(person.name.clone()), ..origin }),
        None => Err(Refusal("invalid_request", format!("Invalid parameter: uid {uid} is nobody"))),
    }
}

/// Whom a call is about: the parameter, else the person of the session.
fn about<'p>(rest: &'p Rest<'_>, parameter: &str) -> Result<Option<&'p Person>, Refusal> {
    let people = &rest.scene.people;
    match rest.parameter(parameter) {
        Some(uid) => Ok(people.iter().find(|person| person.sub == uid)),
        None => {
            let name = &rest.user()?.person.name;
            Ok(people.iter().find(|person| person.name == *name))
        }
    }
}

/// `users.getInfo`: of each who is known, the fields that were asked for and are seen.
pub fn info(rest: &Rest<'_>) -> Given {
    let uids = match (rest.parameter("uids"), &rest.scene.user) {
        (Some(text), _) => listed(text),
        (None, Some(user)) => vec![user.person.sub.clone()],
        (None, None) => vec![rest.needed("uids")?.to_owned()],
    };
    let eyes = rest.scene.eyes();
    let asked = listed(rest.needed("fields")?);
    let own = |field: &str| {
        NAMES.iter().find(|(here, _)| *here == field).map_or(field.to_owned(), |(_, own)| (*own).to_owned())
    };
    if let Some(unknown) = asked.iter().find(|field| *field != "uid" && !eyes.has_field(&own(field))) {
        return Err(refusal("invalid_field", unknown));
    }
    let told = |person: &Person| {
        let mut members = Map::from_iter([("uid".to_owned(), number(&person.sub))]);
        for field in &asked {
            let name = own(field);
            if let Some(value) = person.fields.get(&name).filter(|_| eyes.sees(person, &name)) {
                members.insert(field.clone(), shaped(field, value));
            }
        }
        Json::Object(members)
    };
    let people = &rest.scene.people;
    Ok(uids.iter().filter_map(|uid| people.iter().find(|person| person.sub == *uid)).map(told).collect())
}

/// A value in the shape that it had here: names in place of objects.
fn shaped(field: &str, value: &Json) -> Json {
    let name = |entry: &Json, member: &str| entry[member]["name"].clone();
    let each = |of: &dyn Fn(&Json) -> Json| value.as_array().into_iter().flatten().map(of).collect::<Json>();
    let whole = |json: Json| match json {
        Json::Object(members) => Json::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    };
    match field {
        "work_history" => each(&|job| {
            whole(json!({
                "company_name": name(job, "employer"),
                "position": name(job, "position"),
                "start_date": job["start_date"],
                "end_date": job["end_date"],
            }))
        }),
        "education_history" => each(&|school| {
            whole(json!({
                "name": name(school, "school"),
                "year": school["year"]["name"].as_str().and_then(|year| year.parse::<i64>().ok()),
                "school_type": school["type"],
            }))
        }),
        _ => value.clone(),
    }
}

/// `users.hasAppPermission`: whether she, or whom the app names, granted something.
pub fn has_permission(rest: &Rest<'_>) -> Given {
    let permission = rest.needed("ext_perm")?;
    let dialect = &rest.scene.call.shared.dialect;
    if !dialect.scopes.contains_key(permission) {
        return Err(Refusal("invalid_request", format!("Invalid parameter: ext_perm {permission} is no permission")));
    }
    let granted = match (rest.parameter("uid"), &rest.scene.user) {
        (Some(uid), user) if user.as_ref().is_none_or(|user| user.person.sub != uid) => {
            let origin = known(rest, uid)?;
            let key = held::key(dialect, origin.person.as_deref().unwrap_or_default(), &rest.client.id);
            origin.attempt.inner().grants.get(&key).cloned().unwrap_or_default()
        }
        _ => rest.user()?.scopes.clone(),
    };
    Ok(Json::from(granted.iter().any(|own| own == permission)))
}

/// `friends.get`: the numbers of her friends; nobody else's are told.
pub fn friends(rest: &Rest<'_>) -> Given {
    rest.user()?;
    let Some(person) = about(rest, "uid")? else { return Ok(json!([])) };
    let friends = rest.scene.eyes().friends_of(person, &rest.scene.people);
    Ok(friends.into_iter().map(|friend| number(&friend.sub)).collect())
}

fn member(item: &Item, name: &str) -> Json {
    item.data.get(name).cloned().unwrap_or_default()
}

fn id_of(item: &Item, name: &str) -> Json {
    member(item, name).as_str().map_or(Json::Null, number)
}

/// `groups.get`: the groups of a person that are seen, of `gids` only those.
pub fn groups(rest: &Rest<'_>) -> Given {
    rest.user()?;
    let gids = rest.parameter("gids").map(listed);
    let Some(person) = about(rest, "uid")? else { return Ok(json!([])) };
    let asked = |item: &&Item| {
        let id = item.data.get("id").and_then(Json::as_str);
        gids.as_ref().is_none_or(|gids| gids.iter().any(|gid| Some(gid.as_str()) == id))
    };
    let seen = rest.scene.eyes().edge(person, "groups").into_iter().filter(asked);
    Ok(seen.map(|item| json!({ "gid": id_of(item, "id"), "name": member(item, "name") })).collect())
}

/// `photos.get`: of a person, of an album, or one by one; what is not seen is left out.
pub fn photos(rest: &Rest<'_>) -> Given {
    rest.user()?;
    let (subject, album) = (rest.parameter("subj_id"), rest.parameter("aid"));
    let pids = rest.parameter("pids").map(listed);
    let (scene, eyes) = (&rest.scene, rest.scene.eyes());
    let found: Vec<(&Person, &Item)> = match (subject, album, &pids) {
        (Some(uid), ..) => {
            let owner = scene.people.iter().find(|person| person.sub == uid);
            owner
                .into_iter()
                .flat_map(|owner| eyes.edge(owner, "photos").into_iter().map(move |own| (owner, own)))
                .collect()
        }
        (None, Some(aid), _) => {
            let inside = scene.in_album(aid).into_iter();
            inside.flat_map(|(owner, photos)| photos.into_iter().map(move |own| (owner, own))).collect()
        }
        (None, None, Some(pids)) => {
            let single = pids.iter().filter_map(|pid| scene.object(pid));
            let photos = single.filter(|(owner, edge, item)| *edge == "photos" && eyes.sees_item(owner, edge, item));
            photos.map(|(owner, _, item)| (owner, item)).collect()
        }
        (None, None, None) => {
            return Err(refusal("invalid_request", "Invalid parameter: one of subj_id, aid and pids must be there"));
        }
    };
    let is = |item: &Item, name: &str, text: &str| item.data.get(name).and_then(Json::as_str) == Some(text);
    let meant = found.into_iter().filter(|(_, item)| {
        album.is_none_or(|aid| is(item, "album", aid))
            && pids.as_ref().is_none_or(|pids| pids.iter().any(|pid| is(item, "id", pid)))
    });
    Ok(meant.map(|(owner, item)| photo(owner, item)).collect())
}

fn photo(owner: &Person, item: &Item) -> Json {
    let (source, link) = (member(item, "source"), member(item, "link"));
    json!({
        "pid": id_of(item, "id"),
        "aid": id_of(item, "album"),
        "owner": number(&owner.sub),
        "src": source,
        "src_big": source,
        "src_small": source,
        "link": link.as_str().unwrap_or_default(),
        "caption": member(item, "name"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_separated_by_commas_or_an_array() {
        assert_eq!(listed("1, 2,,3"), ["1", "2", "3"]);
        assert_eq!(listed("[10150000000000042, \"7\"]"), ["10150000000000042", "7"]);
    }
}

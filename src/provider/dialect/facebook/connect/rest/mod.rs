//! `restserver.php`: the interface from before the Graph. Every call names a method; it is signed with the app's secret, or
//! shows an access token. Whatever it answers is HTTP 200, errors as well: `{"error_code","error_msg","request_args"}`.
//!
//! What a call sees of people is what the Graph shows to the same token: [`Eyes`](super::super::social::Eyes) decide.

mod caller;
mod people;
mod sessions;

pub use sessions::new_token;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::model::dialect::Filling;
use crate::model::fault::Endpoint;
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::dialect::facebook::bearer::User;
use crate::provider::dialect::facebook::legacy_sig::Members;
use crate::provider::inbound::Inbound;
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::answer::Call;
use super::graph::Scene;

/// Where it is: behind `api.facebook.com` and `api-read.facebook.com`.
pub const PATH: &str = "/rest/restserver.php";

/// Why a call is refused: a kind of the error table, and what there is to say about it.
struct Refusal(&'static str, String);

/// What a method gives.
type Given = Result<Json, Refusal>;

fn refusal(kind: &'static str, why: &str) -> Refusal {
    Refusal(kind, why.to_owned())
}

/// A call whose caller is known.
struct Rest<'a> {
    scene: Scene<'a>,
    client: ClientRegistration,
    /// Every parameter, from query and form alike.
    members: Members,
    /// It is signed with the app's secret: neither a token nor a session's secret vouches for it.
    by_app: bool,
}

impl Rest<'_> {
    /// A parameter; an empty one is none.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.members.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.parameter(name).ok_or_else(|| Refusal("invalid_request", format!("Invalid parameter: {name} is missing")))
    }

    /// The person whose session it is.
    fn user(&self) -> Result<&User, Refusal> {
        self.scene.user.as_deref().ok_or_else(|| refusal("invalid_session", "the call shows no session of a person"))
    }

    fn says(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"))
    }
}

/// A call. One parameter stands in it once, be it in the query or in the form: a signature is over all of them.
pub fn call(shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let mut call = Call { shared, inbound, endpoint: Endpoint::Api, origin: tagged.cloned() };
    let members = match parameters(inbound) {
        Ok(members) => members,
        Err(refused) => return refuse(&call, &refused),
    };
    let numbers_as_text = match format(&members) {
        Ok(numbers_as_text) => numbers_as_text,
        Err(refused) => return refuse(&call, &refused),
    };
    let known = caller::of(shared, inbound, &members);
    call.origin = known.origin.or(call.origin);
    let caller = match known.caller {
        Ok(caller) => caller,
        Err(refused) => return refuse(&call, &refused),
    };
    let scene = Scene::of(call, caller.user);
    let rest = Rest { scene, client: caller.client, members, by_app: caller.by_app };
    match method(&rest) {
        Ok(json) if numbers_as_text => rest.scene.call.good(Wire::from(as_text(json))),
        Ok(json) => rest.scene.call.good(Wire::from(json)),
        Err(refused) => refuse(&rest.scene.call, &refused),
    }
}

fn method(rest: &Rest<'_>) -> Given {
    let name = rest.parameter("method").unwrap_or_default();
    // Clients of before 2010 put `facebook.` in front, and many wrote the rest in small letters.
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("facebook.").unwrap_or(&name) {
        "auth.createtoken" => sessions::create_token(rest),
        "auth.getsession" => sessions::get(rest),
        "auth.expiresession" => sessions::expire(rest),
        "auth.revokeauthorization" => sessions::revoke(rest),
        "users.getinfo" => people::info(rest),
        "users.getloggedinuser" => rest.user().map(|user| people::number(&user.person.sub)),
        "users.hasapppermission" => people::has_permission(rest),
        "friends.get" => people::friends(rest),
        "groups.get" => people::groups(rest),
        "photos.get" => people::photos(rest),
        "fql.query" => Err(refusal(
            "unknown_method",
            ": fql.query is not answered here; users.getInfo, friends.get, groups.get and photos.get are",
        )),
        _ => Err(refusal("unknown_method", "")),
    }
}

fn parameters(inbound: &Inbound) -> Result<Members, Refusal> {
    if !["GET", "POST"].contains(&inbound.request.method.as_str()) {
        return Err(refusal("invalid_request", "Invalid parameter: a call is a GET or a POST"));
    }
    let mut members = Members::new();
    for (name, value) in inbound.query.iter().chain(&inbound.form) {
        if members.insert(name.clone(), value.clone()).is_some() {
            return Err(Refusal("invalid_request", format!("Invalid parameter: {name} stands there more than once")));
        }
    }
    Ok(members)
}

/// Whether numbers are written as texts (`json-strings`): 64 bits are more than many readers of JSON keep.
fn format(members: &Members) -> Result<bool, Refusal> {
    let said = members.get("format").map(|text| text.to_ascii_lowercase()).unwrap_or_default();
    match said.as_str() {
        "json" => Ok(false),
        "json-strings" => Ok(true),
        _ => Err(refusal(
            "invalid_request",
            "Invalid parameter: only format=JSON and format=json-strings are answered here, XML is not",
        )),
    }
}

fn as_text(json: Json) -> Json {
    match json {
        Json::Number(number) => Json::from(number.to_string()),
        Json::Array(all) => all.into_iter().map(as_text).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, as_text(value))).collect(),
        other => other,
    }
}

fn refuse(call: &Call<'_>, Refusal(kind, why): &Refusal) -> Reply {
    let filling = Filling::new(kind, why, call.shared.dialect.error_entry(kind));
    call.sent(error(call.inbound, &filling)).because(format!("{kind}: {why}"))
}

/// An error in the style of this interface: under 200, with what the call said.
pub fn error(inbound: &Inbound, filling: &Filling) -> Answer {
    // What has no number of its own is an unknown error.
    let code = filling.text("{code}").parse::<i64>().unwrap_or(1);
    let said = inbound.query.iter().chain(&inbound.form);
    let arguments: Vec<Json> = said.map(|(name, value)| json!({ "key": name, "value": value })).collect();
    let body = json!({ "error_code": code, "error_msg": filling.text("{message}"), "request_args": arguments });
    Answer::json(200, Wire::from(body))
}

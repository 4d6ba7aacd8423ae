//! What the control interface of a provider (`/_countersign/…`) is asked, and what it answers: pure data. The addresses
//! that go with each are in docs/mock-provider.md.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::persona::Audience;

/// `PUT /_countersign/personas/NAME`: a person who is added, or who takes the place of the one of that name.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewPersona {
    /// Claims and profile fields. `sub`, `email`, `login` and `password` are made where they do not stand here.
    pub fields: BTreeMap<String, Json>,
    /// Field -> audience; everyone when not named.
    pub visible: BTreeMap<String, Audience>,
}

/// `PATCH /_countersign/personas/NAME`: what becomes different about a person.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonaChange {
    /// Fields set.
    pub set: BTreeMap<String, Json>,
    /// Fields that vanish.
    pub drop: Vec<String>,
    /// Field -> audience.
    pub visible: BTreeMap<String, Audience>,
    /// What becomes of the account.
    pub account: Option<Account>,
}

/// What becomes of an account.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// Cannot sign in.
    Disabled,
    /// Can sign in again.
    Enabled,
    /// Is signed out at the provider.
    SignedOut,
    /// The same data under another subject.
    New,
}

/// `POST /_countersign/faults`: a deliberate deviation.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFault {
    /// The fault as a case file has it: an object or a list of them (`{"in": "id_token", "set": {"nonce": "other"}}`), or
    /// TOML as text (`fault = { in = "id_token", set = { nonce = "other" } }`).
    pub fault: Json,
    /// Which logins it is tied to.
    #[serde(rename = "for", deserialize_with = "by_name")]
    pub whom: Whom,
    /// How many logins; 1 when absent.
    #[serde(default = "once")]
    pub times: u32,
}

/// Members by their names alone: a list is none, whatever stands in it.
fn by_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Whom, D::Error> {
    let members = serde_json::Map::deserialize(deserializer)?;
    Whom::deserialize(Json::Object(members)).map_err(serde::de::Error::custom)
}

fn once() -> u32 {
    1
}

/// Which logins a fault is tied to: the next ones that everything here is true of. It follows the login from the
/// authorization response to the last token that came out of it, and no other.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Whom {
    /// Of that person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// At that client, by its client_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// With that `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Every request at this issuer until it is taken away, those without a login (discovery, JWKS) too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
}

/// A fault that waits or is in force.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultSeen {
    /// For `/_countersign/faults/ID`.
    pub id: u64,
    /// The messages that it changes.
    pub changes: Vec<String>,
    /// Which logins it is tied to.
    #[serde(rename = "for")]
    pub whom: Whom,
    /// Logins that may still come to it.
    pub waits_for: u32,
    /// Logins that it is tied to, as `login` of their exchanges.
    pub logins: Vec<String>,
    /// Messages that it meant.
    pub matched: u64,
    /// Messages that it changed and that left.
    pub delivered: u64,
    /// Messages in which there was nothing to change.
    pub idle: u64,
}

/// `POST /_countersign/revoke`: tokens that are dead from now on: those that everything here is true of.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// Of that person.
    pub persona: Option<String>,
    /// Of that client.
    pub client: Option<String>,
    /// That token and all that came from the same login.
    pub token: Option<String>,
}

/// `POST /_countersign/keys/rotate`: new keys sign from now on.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// The old keys are published no more: what they signed cannot be verified any longer.
    pub withdraw: bool,
}

/// `POST /_countersign/clock`: one of both.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// How far the issuer's clock is ahead of the true one: `"5m"`, `"-1h"`, `"0s"`.
    pub offset: Option<String>,
    /// How much further it goes now.
    pub advance: Option<String>,
}

/// `POST /_countersign/tokens`: tokens without a login page.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTokens {
    /// Whose.
    pub persona: String,
    /// For which client.
    pub client: String,
    /// With which scopes.
    pub scopes: Vec<String>,
    /// The nonce of the ID token.
    #[serde(default)]
    pub nonce: Option<String>,
}

/// `POST /_countersign/devices`: how the polls of the next device of a client are answered (RFC 8628).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceScript {
    /// Whose device, by client_id.
    pub client: String,
    /// One answer for each poll; the last one stays.
    pub polls: Vec<DevicePoll>,
    /// Who allows it.
    #[serde(default)]
    pub persona: Option<String>,
}

/// The answer to a poll.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevicePoll {
    /// `authorization_pending`.
    Pending,
    /// `slow_down`.
    SlowDown,
    /// Tokens.
    Allow,
    /// `access_denied`.
    Deny,
    /// `expired_token`.
    Expire,
}

/// An exchange: one request and its answer. Secrets are hidden unless they were asked for.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExchangeSeen {
    /// Its place; what came later has a higher one.
    pub seq: u64,
    /// The endpoint, where it was one: `authorization`, `token`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The grant, at the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Whose login it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// The client that asked, where it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What belongs to one login has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What was asked.
    pub request: MessageSeen,
    /// What was answered; absent while a fault withholds it, or where it never came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<MessageSeen>,
    /// Header and claims of the ID token in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Json>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Faults that changed the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<u64>,
    /// Milliseconds from the request to the answer.
    pub duration_ms: u64,
}

/// A request or an answer.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageSeen {
    /// Method and address, or status.
    pub line: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// `GET /_countersign/exchanges`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exchanges {
    /// In order.
    pub exchanges: Vec<ExchangeSeen>,
    /// The last place that was looked at: `after` of the next request.
    pub last: u64,
}

/// `GET /_countersign/state`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// The issuer.
    pub issuer: String,
    /// Seconds by which its clock is ahead.
    pub clock: i64,
    /// People by name.
    pub personas: Vec<PersonaSeen>,
    /// Registered client_ids.
    pub clients: Vec<String>,
    /// `kid` of each published key; the first one signs by RS256.
    pub keys: Vec<String>,
    /// Faults that wait or are in force.
    pub faults: Vec<FaultSeen>,
}

/// A person, without the password.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonaSeen {
    /// Her name here.
    pub name: String,
    /// Her subject.
    pub sub: String,
    /// What she types as user name.
    pub login: String,
    /// Claims and profile fields.
    pub fields: BTreeMap<String, Json>,
    /// She cannot sign in.
    pub disabled: bool,
}

/// Why a request was refused; nothing has changed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub help: String,
}

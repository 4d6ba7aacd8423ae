//! Faults (CASE-LANGUAGE 1.4): patches on named messages.

use std::fmt;

use super::value::Value;

/// One deliberate deviation: a list of patches that are put in place and mended together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fault {
    /// In the order of the file.
    pub patches: Vec<Patch>,
}

/// What is done to which message.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// `in`: the message and its layer.
    pub address: Address,
    /// Which of those messages.
    pub selectors: Selectors,
    /// What happens to it.
    pub operations: Operations,
}

/// `message` or `message.layer`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The message.
    pub message: Message,
    /// The layer of it.
    pub layer: Layer,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        match self.layer {
            Layer::Members => Ok(()),
            Layer::Jose => f.write_str(".jose"),
            Layer::Http => f.write_str(".http"),
            Layer::Form => f.write_str(".form"),
        }
    }
}

/// What a provider sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The answer of an endpoint, `token_response`.
    Response(Endpoint),
    /// A thing inside an answer or pushed by itself, `id_token`.
    Object(Object),
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Response(endpoint) => write!(f, "{endpoint}_response"),
            Message::Object(object) => f.write_str(object.name()),
        }
    }
}

/// A provider's endpoint, in the words of case files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Endpoint {
    Discovery,
    Jwks,
    Authorization,
    Par,
    Device,
    Token,
    Userinfo,
    Api,
    Introspection,
    Revocation,
    Poll,
    EndSession,
    CheckSession,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Endpoint; 13] = [
        Endpoint::Discovery,
        Endpoint::Jwks,
        Endpoint::Authorization,
        Endpoint::Par,
        Endpoint::Device,
        Endpoint::Token,
        Endpoint::Userinfo,
        Endpoint::Api,
        Endpoint::Introspection,
        Endpoint::Revocation,
        Endpoint::Poll,
        Endpoint::EndSession,
        Endpoint::CheckSession,
    ];

    /// The name as case files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Discovery => "discovery",
            Endpoint::Jwks => "jwks",
            Endpoint::Authorization => "authorization",
            Endpoint::Par => "par",
            Endpoint::Device => "device",
            Endpoint::Token => "token",
            Endpoint::Userinfo => "userinfo",
            Endpoint::Api => "api",
            Endpoint::Introspection => "introspection",
            Endpoint::Revocation => "revocation",
            Endpoint::Poll => "poll",
            Endpoint::EndSession => "end_session",
            Endpoint::CheckSession => "check_session",
        }
    }

    /// The endpoint of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A thing that a provider makes: tokens and pushed messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Object {
    IdToken,
    AccessToken,
    LogoutToken,
    SecurityEvent,
    SignedRequest,
    PlatformEvent,
    FrontchannelLogout,
    /// One that a dialect adds (`fbs_cookie`).
    Dialect(String),
}

impl Object {
    /// The objects of every dialect.
    pub const COMMON: [Object; 7] = [
        Object::IdToken,
        Object::AccessToken,
        Object::LogoutToken,
        Object::SecurityEvent,
        Object::SignedRequest,
        Object::PlatformEvent,
        Object::FrontchannelLogout,
    ];

    /// The name as case files spell it.
    pub fn name(&self) -> &str {
        match self {
            Object::Dialect(name) => name,
            common => common.name_static(),
        }
    }

    /// The name of an object of every dialect; empty for one that a dialect adds.
    pub fn name_static(&self) -> &'static str {
        Self::COMMON.iter().position(|own| own == self).map_or("", |at| {
            [
                "id_token",
                "access_token",
                "logout_token",
                "security_event",
                "signed_request",
                "platform_event",
                "frontchannel_logout",
            ][at]
        })
    }

    /// Whether it carries a signature.
    pub fn is_signed(&self) -> bool {
        !matches!(self, Object::FrontchannelLogout)
    }
}

/// A layer of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layer {
    /// JSON members, claims, redirect parameters.
    #[default]
    Members,
    /// The JOSE header.
    Jose,
    /// HTTP headers; `":method"` for a pushed message.
    Http,
    /// The form that carries a pushed message.
    Form,
}

/// Which messages of its kind a patch or an expectation means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selectors {
    /// Counted from 1 within the attempt.
    pub nth: Option<Range>,
    /// Of that person only.
    pub of: Option<String>,
    /// Of that grant only.
    pub grant: Option<Grant>,
    /// Of that provider only.
    pub at: ProviderName,
    /// Only under that path (`api`).
    pub path: Option<String>,
}

/// A range of counts, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub from: u64,
    /// At most.
    pub to: Option<u64>,
}

impl Range {
    /// Exactly `n`.
    pub fn exactly(n: u64) -> Self {
        Range { from: n, to: Some(n) }
    }

    /// Whether `n` lies in it.
    pub fn contains(self, n: u64) -> bool {
        n >= self.from && self.to.is_none_or(|to| n <= to)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, Some(to)) if from == to => write!(f, "exactly {from}"),
            (0, Some(to)) => write!(f, "at most {to}"),
            (from, Some(to)) => write!(f, "{from} to {to}"),
            (from, None) => write!(f, "at least {from}"),
        }
    }
}

/// An OAuth grant, as `grant_type` selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Grant {
    AuthorizationCode,
    RefreshToken,
    DeviceCode,
    ClientCredentials,
    TokenExchange,
    /// What comes through the browser in hybrid flows.
    Front,
}

impl Grant {
    /// All of them.
    pub const ALL: [Grant; 6] = [
        Grant::AuthorizationCode,
        Grant::RefreshToken,
        Grant::DeviceCode,
        Grant::ClientCredentials,
        Grant::TokenExchange,
        Grant::Front,
    ];

    /// The name as case files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Grant::AuthorizationCode => "authorization_code",
            Grant::RefreshToken => "refresh_token",
            Grant::DeviceCode => "device_code",
            Grant::ClientCredentials => "client_credentials",
            Grant::TokenExchange => "token_exchange",
            Grant::Front => "front",
        }
    }

    /// The grant of a case file's word, or of a `grant_type` on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "urn:ietf:params:oauth:grant-type:device_code" => Some(Grant::DeviceCode),
            "urn:ietf:params:oauth:grant-type:token-exchange" => Some(Grant::TokenExchange),
            other => Self::ALL.into_iter().find(|grant| grant.name() == other),
        }
    }
}

/// One of the three providers that a case can speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ProviderName {
    /// The one that every partner is registered with.
    #[default]
    Main,
    /// Another honest one.
    Other,
    /// A dishonest one.
    Attacker,
}

impl ProviderName {
    /// The name as case files spell it.
    pub fn name(self) -> &'static str {
        match self {
            ProviderName::Main => "main",
            ProviderName::Other => "other",
            ProviderName::Attacker => "attacker",
        }
    }

    /// The provider of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [ProviderName::Main, ProviderName::Other, ProviderName::Attacker]
            .into_iter()
            .find(|provider| provider.name() == name)
    }
}

/// What happens to a message. Several operations may stand in one patch; they apply in the order of these fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Operations {
    /// Member (or, with a leading `/`, JSON Pointer) becomes value.
    pub set: Vec<(String, Value)>,
    /// Members left out.
    pub drop: Vec<String>,
    /// Member written once per value.
    pub duplicate: Vec<(String, Vec<Value>)>,
    /// How a signed object is signed.
    pub sign: Option<Sign>,
    /// How it is put into bytes.
    pub encode: Option<Encode>,
    /// The whole text of the message.
    pub replace: Option<Value>,
    /// The dialect's own error answer.
    pub error: Option<ErrorAnswer>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Send the request on to somewhere else.
    pub redirect: Option<Redirect>,
    /// How the bytes leave.
    pub send: Option<Pace>,
}

/// How a signed object is signed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sign {
    /// The `alg` of the header; that of the key when absent. Any text or value.
    pub alg: Option<Value>,
    /// `main`, `second`, …, or key material.
    pub key: Option<SigningKey>,
    /// What becomes of the signature.
    pub signature: SignatureShape,
    /// The payload is altered after signing (`sign = "flipped-payload"`).
    pub payload_flipped: bool,
}

/// With what a forged object is signed.
#[derive(Debug, Clone, PartialEq)]
pub enum SigningKey {
    /// A key of the provider's collection.
    Named(String),
    /// Any bytes, for HMAC.
    Material(Value),
}

/// The signature part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum SignatureShape {
    #[default]
    Good,
    /// One bit changed.
    Flipped,
    /// The last part is empty.
    Empty,
    /// The last part and its dot are missing.
    Missing,
    /// That of an earlier token.
    Stale,
    /// ECDSA r = s = 0.
    Zero,
    /// ECDSA with the group order.
    Order,
    /// ECDSA in DER instead of raw.
    Der,
    /// Good, and more bytes behind.
    Extra,
}

/// How a message is put into bytes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Encode {
    Json,
    Flattened,
    Padded,
    StandardAlphabet,
    LineBreaks,
    Trailing,
    NotUtf8,
    Unencoded,
    Jwe { recipient: String, alg: Option<String>, enc: Option<String>, zip: Option<String>, inner_claims: bool },
    Query,
    Fragment,
    FormPost,
    Jwt,
    Gzip,
    Bom,
    Latin1,
}

/// The dialect's own error answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorAnswer {
    /// `invalid_grant`, or a code of the dialect's table.
    pub code: String,
    /// `error_description`.
    pub description: Option<Value>,
    /// `error_uri`.
    pub uri: Option<Value>,
    /// Of dialects that have one.
    pub subcode: Option<String>,
}

/// Send the request on to somewhere else.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirect {
    /// The target.
    pub to: Value,
    /// 302 when absent.
    pub status: u16,
    /// The request's parameters go along.
    pub carry: bool,
    /// Parameters set afterwards.
    pub set: Vec<(String, Value)>,
}

/// How the bytes leave.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Until mended.
    Held,
    /// Never an answer.
    Never,
    /// TCP reset.
    Reset,
    /// The connection closes in the middle of the body.
    Cut,
    /// After so long.
    After(std::time::Duration),
    /// So many bytes per second.
    Slowly {
        /// Bytes per second.
        bytes_per_second: u32,
    },
    /// A wrong TLS certificate: `self-signed`, `expired`, `wrong-name`.
    Certificate(String),
}

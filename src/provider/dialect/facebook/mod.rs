//! The Facebook dialects: `facebook-connect` (2010 to 2012, `connect`) and `facebook-login` (v12 and later). What both need
//! stands here: whose token it is (`bearer`), what people look like to whom (`social`), what they are told (`notice`).
//! How the years differ in it, each says in a `bearer` of its own and by how it sets up its `Eyes`.
//!
//! What seals their messages is pure and knows neither sockets nor attempts: [`seal`] (`signed_request`), [`proof`]
//! (`appsecret_proof`), [`legacy_sig`] (the MD5 signatures of cookies, pings and REST calls), [`scoped_id`] (one number
//! per person and app).

mod apps;
mod bearer;
pub(in crate::provider) mod connect;
pub mod legacy_sig;
pub(in crate::provider) mod login;
mod notice;
pub mod proof;
pub mod scoped_id;
mod sdk;
pub mod seal;
mod social;

/// What is wrong with a sealed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be taken apart.
    #[error("it is not written in the form that the dialect prescribes")]
    Malformed,
    /// Nothing vouches for it.
    #[error("it is not signed")]
    Unsigned,
    /// It says that it is signed in a way that the dialect does not know.
    #[error("its `algorithm` is not HMAC-SHA256")]
    Algorithm,
    /// The signature belongs to other bytes or to another secret.
    #[error("its signature does not fit the app secret")]
    Signature,
    /// A member that must be there is not.
    #[error("`{0}` is missing")]
    Lacks(&'static str),
    /// It was good once.
    #[error("it has expired")]
    Expired,
}

//! TLS by an authority of our own, which is made when a run over TLS starts and is gone when it ends: certificates for
//! this machine, a server's side of a connection, and a client's side that trusts nobody else. It knows names and
//! bytes, and nothing of HTTP or of who speaks.

mod authority;
mod client;
mod files;
mod jks;
mod server;
mod validity;

pub use authority::{Authority, TlsError};
pub use client::{Client, Stream};
pub use files::Files;
pub use jks::PASSWORD as TRUST_STORE_PASSWORD;
pub use server::Server;

/// What the harness's own browser offers as a protocol (RFC 7301), toward a provider only: so a provider that shows a
/// bad certificate to the partner can go on showing the good one to the person's browser.
const BROWSER: &[u8] = b"countersign-browser";

/// The protocol that everybody speaks.
const HTTP: &[u8] = b"http/1.1";

//! The mint: makes what a provider sends, and damages it as a fault asks. It knows keys, tokens, answers and patches,
//! and nothing of logins, sockets or attempts.
//!
//! - [`keys`]: the labelled test keys. `published()` is the key set of the issuer, `public_for(name, alg, form)` any
//!   public key in any form.
//! - [`token`]: `mint(draft, claims, jose, environment)` makes a token with the patches of its two layers applied;
//!   `honest(draft)` one without. `sign` chooses algorithm and key and shapes the signature, [`encode`] the bytes.
//! - [`mac`]: HMAC-SHA256 of bytes, for what is sealed without being a token.
//! - [`verify`]: `claims(token, typ)` reads back what the issuer's own keys signed.
//! - [`answer`]: an HTTP answer under construction. `Answer::apply_all(patches, error, environment)` applies every patch
//!   that means it, in the one order that makes sense; `render()` gives what goes out.
//! - [`patch`]: `set`, `drop` and `duplicate` on members.
//! - [`pace`]: `withhold(pace, released)` is awaited before the head is sent, then [`pace::PacedBody`] lets the bytes out
//!   and says when the last one that the fault allows has gone.
//!
//! What cannot take effect is an [`Unresolved`](crate::model::value::Unresolved), never silence: a fault that does
//! nothing would be counted as delivered.

pub mod answer;
pub mod encode;
mod form_post;
pub mod keys;
pub mod mac;
pub mod pace;
pub mod patch;
pub mod ring;
mod sign;
pub mod token;
pub mod verify;

//! The mint: makes what a provider sends, and damages it as a fault asks. It knows keys, tokens, answers and patches,
//! and nothing of logins, sockets or attempts.

pub mod answer;
pub mod keys;
pub mod pace;
pub mod patch;
pub mod token;

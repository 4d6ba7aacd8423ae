//! What is Facebook's own: the Graph API with its errors and proofs, permissions that are asked for, sealed messages,
//! and the two callbacks by which the provider tells that somebody removed the app or wants her data deleted.
//!
//! Written from the provider's documentation, over another crypto stack than the mock provider's.

mod callbacks;
pub(super) mod connect;
mod graph;
mod paging;
mod seal;
mod token;

pub(super) use callbacks::{deauthorize, delete, deletion_status};
pub(super) use graph::{edge, granted, meaning, proven};
pub(super) use paging::all_pages;
pub(super) use token::{reauthenticated, whose};

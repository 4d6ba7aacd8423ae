//! Countersign: a protocol conformance harness with a mock identity provider.
//!
//! It plays the identity provider *and* the person with the browser, drives a partner's own login through cases
//! written as data, and judges each requirement.
//!
//! **The rule of the house**: each module may use only those above it in this list; `tests/house.rs` keeps it.

pub mod agent;
pub mod cli;
pub mod harness;
pub mod judge;
pub mod model;
pub mod partner;
pub mod provider;
pub mod reference;
pub mod report;
pub mod tls;

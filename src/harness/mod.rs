//! The harness: plans what applies, drives attempts, guards against false alarms, decides, compares snapshots.

pub mod album;
pub mod calendar;
pub mod coverage;
pub mod decide;
mod diagnose;
pub mod drive;
pub mod gates;
mod generations;
pub mod guard;
pub mod kill;
pub mod known;
pub mod ladder;
pub mod last;
mod messages;
pub mod not_built;
pub mod notes;
pub mod plan;
pub mod reach;
pub mod run;
pub mod smoke;
pub mod snapshot;
pub mod subject;
pub mod suite;
pub mod world;
mod young_keys;

//! Pure data: what a case, a manifest, an exchange, a verdict *is*.
//!
//! Nothing here opens a socket or a file, reads a clock or a random number, or knows who uses it.

pub mod advice;
pub mod capability;
pub mod case;
pub mod certificate;
pub mod changelog;
pub mod control;
pub mod course;
pub mod diagnostic;
pub mod dialect;
pub mod exchange;
pub mod fault;
pub mod hex;
pub mod json_place;
#[cfg(test)]
mod json_schemas;
pub mod manifest;
pub mod markup;
pub mod observation;
pub mod persona;
pub mod requirement;
pub mod result;
pub mod tidy;
pub mod value;
pub mod verdict;
pub mod wire;

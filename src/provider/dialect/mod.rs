//! What the data of a dialect cannot say.

pub mod facebook;

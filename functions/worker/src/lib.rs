//! Jobs: the work that follows an answer.

pub mod fetch;

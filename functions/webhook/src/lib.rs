//! `POST /webhook`: verify, log, apply, answer.
//!
//! The handler takes its parts as arguments, so that the function, the laptop run and the tests run the very same one.

mod answer;
mod report;
mod webhook;

pub use webhook::Webhook;

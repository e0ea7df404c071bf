//! `GET /users/…`: read records, connections and deliveries; and take orders.
//!
//! * [`route`]: which question a path asks.
//! * [`parameters`]: what the query string says, checked before anything is looked up.
//! * [`cursor`]: where a list goes on, bound to its question.
//! * [`query`]: the handler, over [`connections`], [`records`], [`deliveries`] and [`requests`].
//! * [`diagnosis`]: why data may be missing.
//! * [`nearby`]: what is said where somebody is not known.
//! * [`openapi`]: the document of all this.
//! * [`orders`]: erase somebody, replay deliveries; and how far a job is.
//! * [`large`]: what becomes of an answer that Lambda cannot hand back.

pub mod connections;
pub mod cursor;
pub mod deliveries;
pub mod diagnosis;
pub mod error;
pub mod large;
pub mod nearby;
pub mod openapi;
pub mod orders;
pub mod parameters;
pub mod query;
pub mod records;
pub mod requests;
pub mod route;
pub mod times;

pub use large::LargeAnswers;
pub use query::Query;

//! `GET /users/…`: read records, connections and deliveries.
//!
//! * [`route`]: which question a path asks.
//! * [`parameters`]: what the query string says, checked before anything is looked up.
//! * [`cursor`]: where a list goes on, bound to its question.
//! * [`query`]: the handler, over [`connections`], [`records`] and [`deliveries`].
//! * [`large`]: what becomes of an answer that Lambda cannot hand back.

pub mod connections;
pub mod cursor;
pub mod deliveries;
pub mod error;
pub mod large;
pub mod parameters;
pub mod query;
pub mod records;
pub mod route;
pub mod times;

pub use large::LargeAnswers;
pub use query::Query;

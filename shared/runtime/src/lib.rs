//! What a function needs around its handler.
//!
//! * [`settings`]: what the environment says, read once, wrong values refused with a word on what to write instead.
//! * [`http`]: requests and answers, the same behind API Gateway and on a laptop.
//! * [`telemetry`]: one JSON line for each delivery, which is its metrics as well.
//! * [`parts`]: the table, the log, the queue and the secrets, built for a fast start.
//! * [`lambda`]: a handler behind the Lambda Runtime API.

pub mod http;
pub mod lambda;
pub mod parts;
pub mod settings;
pub mod telemetry;

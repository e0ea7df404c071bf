#![doc = include_str!("../README.md")]

pub mod chunk;
pub mod element;
pub mod event;
pub mod headers;
pub mod ids;
mod lenient;
pub mod signature;
pub mod time;
pub mod types;
pub mod user;

pub use chunk::Chunk;
pub use element::{Element, Unidentified};
pub use event::{Content, Event, NotUnderstood};
pub use headers::DeliveryHeaders;
pub use signature::{SigningSecret, Tolerance, VerifiedBody};
pub use time::UnixSeconds;
pub use types::{DataType, EventType};
pub use user::User;

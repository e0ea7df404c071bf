#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod error;
mod history;
mod pace;
mod settings;
mod users;
mod witness;

pub use client::{Limits, TerraApi};
pub use error::{Down, TerraApiError, Unreadable};
pub use history::{HistoryType, MAX_DAYS_AN_HOUR, MAX_SPAN_DAYS, Sent};
pub use reqwest::Url as ApiUrl;
pub use settings::{ApiKey, DEFAULT_API_URL, SettingError, Settings, api_url};
pub use users::{TerraUser, UsersPage};
pub use witness::{CachedTerra, TerraView, Witness};

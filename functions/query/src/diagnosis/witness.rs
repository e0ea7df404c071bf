//! What Terra itself says of a user, where somebody can be asked: a diagnosis compares it with what came.

use async_trait::async_trait;
use std::fmt::Debug;
use terrace_terra::ids::UserId;

/// What Terra says of a connection. What it leaves out is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TerraUser {
    /// Whether the provider still lets Terra in, as far as Terra knows.
    pub active: Option<bool>,
    /// Where the data comes from.
    pub provider: Option<String>,
    /// The customer's name for the end user.
    pub reference_id: Option<String>,
    /// The permissions.
    pub scopes: Option<Vec<String>>,
    /// When the user connected, in milliseconds since 1970.
    pub created_at: Option<u64>,
    /// When Terra last sent a delivery for it, in milliseconds since 1970.
    pub last_webhook_update: Option<u64>,
    /// What the provider calls the account.
    pub provider_user_id: Option<String>,
    /// Of when the newest data is that Terra has, in milliseconds since 1970.
    pub most_recent_data_at: Option<u64>,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Terra knows the connection.
    Known(TerraUser),
    /// Terra knows none of this id.
    Unknown,
    /// Terra was not asked, or did not answer, for this reason, which names nobody.
    CouldNotAsk(&'static str),
}

/// Who can ask Terra.
#[async_trait]
pub trait Witness: Debug + Send + Sync {
    /// What Terra says of this user. Never fails: a diagnosis answers all the same.
    async fn user(&self, user: &UserId<'_>) -> Ask;
}

/// Why nobody can ask, where nobody was named.
pub const NOT_CONFIGURED: &str = "no developer id and API key of Terra are set";

/// Nobody can ask.
#[derive(Debug, Clone, Copy)]
pub struct NotConfigured;

#[async_trait]
impl Witness for NotConfigured {
    async fn user(&self, _: &UserId<'_>) -> Ask {
        Ask::CouldNotAsk(NOT_CONFIGURED)
    }
}

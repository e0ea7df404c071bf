//! What is done with the data of somebody who left.

/// What a `deauth` or an `access_revoked` does to what was kept. Terra leaves it to the customer's retention policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// It stays, and the connection reads as revoked.
    #[default]
    Keep,
    /// It is erased, as if the customer had asked for it.
    Erase,
}

impl Retention {
    /// The name used in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }

    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Keep, Self::Erase].into_iter().find(|retention| retention.name() == name)
    }
}

//! Terra as a witness: what it says of a user, from a small cache and within a time.

use crate::client::TerraApi;
use crate::error::TerraApiError;
use crate::users::TerraUser;
use moka::future::Cache;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long what Terra said is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
/// How many answers are kept.
const KEPT: u64 = 1_000;

/// What Terra says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness<T> {
    /// This.
    Known(T),
    /// That it knows nobody of this name.
    Unknown,
    /// Nothing: it could not be asked.
    CouldNotAsk(TerraApiError),
}

impl<T> Witness<T> {
    /// What is known, if anything.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Unknown | Self::CouldNotAsk(_) => None,
        }
    }
}

/// A user as Terra sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TerraView {
    /// What `userInfo` says: active, provider, reference, scopes, the moments.
    pub user: TerraUser,
    /// What the provider calls the user: `athlete` says, else `userInfo`.
    pub provider_user_id: Option<String>,
    /// Why `athlete` could not be asked, where it could not.
    pub athlete_error: Option<TerraApiError>,
}

/// Terra's API behind a cache. What could not be asked is not kept; two who ask the same at once ask once.
#[derive(Debug, Clone)]
pub struct CachedTerra {
    api: TerraApi,
    within: Duration,
    users: Cache<String, Option<Arc<TerraView>>>,
    references: Cache<String, Option<Arc<[TerraUser]>>>,
}

impl CachedTerra {
    /// A witness that has so long for each answer.
    pub fn new(api: TerraApi, within: Duration) -> Self {
        Self { api, within, users: cache(), references: cache() }
    }

    /// What Terra says of a user.
    pub async fn user(&self, user_id: &str) -> Witness<Arc<TerraView>> {
        self.testify(&self.users, user_id, async {
            let user = self.api.user(user_id).await?;
            let (named, athlete_error) = match self.api.provider_user_id(user_id).await {
                Ok(named) => (named, None),
                Err(error) => (None, Some(error)),
            };
            let provider_user_id = named.or_else(|| user.provider_user_id.clone());
            Ok(Arc::new(TerraView { user, provider_user_id, athlete_error }))
        })
        .await
    }

    /// What Terra says of an end user, by the customer's name for them: every connection.
    pub async fn reference(&self, reference_id: &str) -> Witness<Arc<[TerraUser]>> {
        self.testify(&self.references, reference_id, async {
            self.api.users_of_reference(reference_id).await.map(Arc::from)
        })
        .await
    }

    async fn testify<T: Clone + Send + Sync + 'static>(
        &self,
        cache: &Cache<String, Option<T>>,
        name: &str,
        asking: impl Future<Output = Result<T, TerraApiError>>,
    ) -> Witness<T> {
        let known_or_not = async {
            match asking.await {
                Ok(known) => Ok(Some(known)),
                Err(TerraApiError::UnknownUser) => Ok(None),
                Err(error) => Err(error),
            }
        };
        match timeout(self.within, cache.try_get_with_by_ref(name, known_or_not)).await {
            Ok(Ok(Some(known))) => Witness::Known(known),
            Ok(Ok(None)) => Witness::Unknown,
            Ok(Err(error)) => Witness::CouldNotAsk(TerraApiError::clone(&error)),
            Err(_) => Witness::CouldNotAsk(TerraApiError::Slow),
        }
    }
}

fn cache<T: Clone + Send + Sync + 'static>() -> Cache<String, Option<T>> {
    Cache::builder().max_capacity(KEPT).time_to_live(BELIEVED_FOR).build()
}

//! Terra's own API as the witness, where a developer id and a key are set.

use crate::diagnosis::witness::{Ask, TerraUser, Witness};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use terrace_terra::ids::UserId;
use terrace_terra_api::{CachedTerra, Limits, SettingError, Settings, TerraApi, TerraApiError, TerraView};

/// How long a diagnosis waits for Terra at most.
const WITHIN: Duration = Duration::from_secs(6);

/// Asks Terra, from a small cache.
#[derive(Debug, Clone)]
pub struct Terra(CachedTerra);

impl Terra {
    /// The witness that `TERRA_DEV_ID`, `TERRA_API_KEY` and `TERRA_API_URL` speak of; `None` where they are not set.
    ///
    /// # Errors
    ///
    /// When one of them is missing or wrong.
    pub fn configured(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Arc<dyn Witness>>, SettingError> {
        let Some(settings) = Settings::read(environment)? else { return Ok(None) };
        Ok(Some(Arc::new(Self::of(&settings)?)))
    }

    /// The witness of these settings.
    ///
    /// # Errors
    ///
    /// When no header carries the id or the key.
    pub fn of(settings: &Settings) -> Result<Self, SettingError> {
        let api = TerraApi::new(settings, Limits::quick())?;
        Ok(Self(CachedTerra::new(api, WITHIN)))
    }
}

#[async_trait]
impl Witness for Terra {
    async fn user(&self, user: &UserId<'_>) -> Ask {
        match self.0.user(user.as_str()).await {
            terrace_terra_api::Witness::Known(view) => Ask::Known(seen(&view)),
            terrace_terra_api::Witness::Unknown => Ask::Unknown,
            terrace_terra_api::Witness::CouldNotAsk(error) => Ask::CouldNotAsk(reason(&error)),
        }
    }
}

fn seen(view: &TerraView) -> TerraUser {
    let user = &view.user;
    let millis = |moment: Option<Timestamp>| moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    TerraUser {
        active: user.active,
        provider: user.provider.clone(),
        reference_id: user.reference_id.clone(),
        scopes: user.scopes.as_ref().map(|scopes| scopes.names().to_vec()),
        created_at: millis(user.created_at),
        last_webhook_update: millis(user.last_webhook_update),
        provider_user_id: view.provider_user_id.clone(),
        most_recent_data_at: millis(user.most_recent_data_at),
    }
}

/// Why Terra could not be asked, in words that name nobody.
fn reason(error: &TerraApiError) -> &'static str {
    match error {
        TerraApiError::Unauthorised { .. } => "Terra does not accept the developer id and the API key that are set",
        TerraApiError::Limited { .. } => "Terra has had enough requests for now; ask again in a while",
        TerraApiError::Slow => "Terra did not answer in time",
        TerraApiError::Down(_) => "Terra's API is down",
        TerraApiError::Unreadable(_) => "Terra's answer is none that is known; is TERRA_API_URL right?",
        _ => "Terra refuses to be asked so",
    }
}

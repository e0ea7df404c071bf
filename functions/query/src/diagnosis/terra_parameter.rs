//! Terra's API as the witness in the cloud: as whom it is asked lies in a parameter, which is read when it is first needed.

use crate::diagnosis::terra::Terra;
use crate::diagnosis::witness::{Ask, NOT_CONFIGURED, Witness};
use async_trait::async_trait;
use std::sync::Arc;
use terrace_store::kept::{KeptParameter, KeptText};
use terrace_terra::ids::UserId;
use terrace_terra_api::{ApiUrl, SettingError, Settings, api_url};
use tokio::sync::Mutex;

const UNREADABLE: &str = "the parameter with the key of Terra's API cannot be read";
const WRONG: &str = "the parameter with the key of Terra's API does not hold both a developer id and a key";

/// Asks Terra as whom the parameter says.
#[derive(Debug)]
pub struct TerraOfParameter {
    parameter: KeptParameter,
    url: ApiUrl,
    made: Mutex<Option<Made>>,
}

/// Who asks, and the text it was made of.
#[derive(Debug)]
struct Made {
    of: KeptText,
    terra: Result<Terra, &'static str>,
}

impl TerraOfParameter {
    /// The witness that this parameter speaks of, at the URL of `TERRA_API_URL`. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// When `TERRA_API_URL` is none to send a key to.
    pub fn new(parameter: KeptParameter, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self { parameter, url: api_url(environment)?, made: Mutex::new(None) })
    }

    /// Who can ask now; made anew when the parameter has changed, so that what Terra said before stays known.
    async fn terra(&self) -> Result<Terra, &'static str> {
        let text = self.parameter.text().await.map_err(|_| UNREADABLE)?;
        let mut made = self.made.lock().await;
        if let Some(made) = made.as_ref().filter(|made| Arc::ptr_eq(&made.of, &text)) {
            return made.terra.clone();
        }
        let terra = match Settings::from_json(&text, &self.url) {
            Ok(Some(settings)) => Terra::of(&settings).map_err(|_| WRONG),
            Ok(None) => Err(NOT_CONFIGURED),
            Err(_) => Err(WRONG),
        };
        *made = Some(Made { of: text, terra: terra.clone() });
        terra
    }
}

#[async_trait]
impl Witness for TerraOfParameter {
    async fn user(&self, user: &UserId<'_>) -> Ask {
        match self.terra().await {
            Ok(terra) => terra.user(user).await,
            Err(reason) => Ask::CouldNotAsk(reason),
        }
    }
}

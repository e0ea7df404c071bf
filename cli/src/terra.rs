//! Terra's API, as the environment says.

use crate::error::CommandError;
use terrace_runtime::settings::process_environment;
use terrace_terra_api::{Limits, Settings, TerraApi};

/// A client of Terra's API.
///
/// # Errors
///
/// When the environment does not say where and as whom to ask.
pub fn from_environment() -> Result<TerraApi, CommandError> {
    let Some(settings) = Settings::read(&process_environment)? else {
        return Err(CommandError::Usage(
            "Terra's API is not set up: set TERRA_DEV_ID and TERRA_API_KEY to what the Terra dashboard shows under \
             Connections (and TERRA_API_URL, if your environment is on the old host)"
                .to_owned(),
        ));
    };
    Ok(TerraApi::new(&settings, Limits::default())?)
}

//! The signing secrets as one SSM SecureString parameter.

use crate::clients::Clients;
use crate::error::StoreError;
use crate::secrets::SecretSource;
use async_trait::async_trait;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use std::fmt;
use zeroize::Zeroizing;

/// The parameter that holds the secrets.
pub struct SsmParameter {
    clients: Clients,
    name: String,
}

/// The name is left out: it says what a team calls its secrets.
impl fmt::Debug for SsmParameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SsmParameter").finish_non_exhaustive()
    }
}

impl SsmParameter {
    /// The parameter of this name or ARN.
    pub fn new(clients: Clients, name: impl Into<String>) -> Self {
        Self { clients, name: name.into() }
    }
}

#[async_trait]
impl SecretSource for SsmParameter {
    async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
        const DOING: &str = "read the signing secrets";
        let request = self.clients.ssm().get_parameter().name(&self.name).with_decryption(true);
        let answer = request.send().await.map_err(|error| {
            if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) {
                StoreError::refused(
                    DOING,
                    "there is no parameter of the name that TERRACE_SECRETS_PARAMETER gives, in this region and account",
                )
            } else {
                StoreError::from_sdk(DOING, error)
            }
        })?;
        let value = answer.parameter.and_then(|parameter| parameter.value).map(Zeroizing::new);
        value.ok_or_else(|| StoreError::refused(DOING, "the parameter that TERRACE_SECRETS_PARAMETER names is empty"))
    }
}

#[cfg(test)]
#[path = "parameter_tests.rs"]
mod tests;

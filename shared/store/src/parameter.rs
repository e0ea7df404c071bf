//! A secret as an SSM SecureString parameter.

use crate::clients::Clients;
use crate::error::StoreError;
use crate::secrets::SecretSource;
use async_trait::async_trait;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use std::fmt;
use zeroize::Zeroizing;

/// What a parameter holds.
#[derive(Debug, Clone, Copy)]
pub enum Holds {
    /// The signing secrets.
    SigningSecrets,
    /// The developer id and the API key of Terra's API.
    TerraApi,
}

impl Holds {
    fn doing(self) -> &'static str {
        match self {
            Self::SigningSecrets => "read the signing secrets",
            Self::TerraApi => "read the key of Terra's API",
        }
    }

    fn missing(self) -> &'static str {
        match self {
            Self::SigningSecrets => {
                "there is no parameter of the name that TERRACE_SECRETS_PARAMETER gives, in this region and account"
            }
            Self::TerraApi => {
                "there is no parameter of the name that TERRACE_TERRA_API_PARAMETER gives, in this region and account"
            }
        }
    }

    fn empty(self) -> &'static str {
        match self {
            Self::SigningSecrets => "the parameter that TERRACE_SECRETS_PARAMETER names is empty",
            Self::TerraApi => "the parameter that TERRACE_TERRA_API_PARAMETER names is empty",
        }
    }
}

/// The parameter that holds a secret.
pub struct SsmParameter {
    clients: Clients,
    name: String,
    holds: Holds,
}

/// The name is left out: it says what a team calls its secrets.
impl fmt::Debug for SsmParameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SsmParameter").finish_non_exhaustive()
    }
}

impl SsmParameter {
    /// The parameter of this name or ARN, and what it holds.
    pub fn new(clients: Clients, name: impl Into<String>, holds: Holds) -> Self {
        Self { clients, name: name.into(), holds }
    }
}

#[async_trait]
impl SecretSource for SsmParameter {
    async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
        let doing = self.holds.doing();
        let request = self.clients.ssm().get_parameter().name(&self.name).with_decryption(true);
        let answer = request.send().await.map_err(|error| {
            if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) {
                StoreError::refused(doing, self.holds.missing())
            } else {
                StoreError::from_sdk(doing, error)
            }
        })?;
        let value = answer.parameter.and_then(|parameter| parameter.value).map(Zeroizing::new);
        value.ok_or_else(|| StoreError::refused(doing, self.holds.empty()))
    }
}

#[cfg(test)]
#[path = "parameter_tests.rs"]
mod tests;

//! What the environment says. Every setting is read here, once, and a wrong one stops the start with a word on what
//! to write instead: a function that guesses would lose deliveries quietly.

use std::time::Duration;
use terrace_terra::SigningSecret;
use terrace_terra::signature::Tolerance;
use zeroize::Zeroizing;

/// The names of the settings.
pub mod name {
    /// The DynamoDB table. Required.
    pub const TABLE: &str = "TERRACE_TABLE";
    /// The S3 bucket of the log's larger tier. Required.
    pub const BUCKET: &str = "TERRACE_BUCKET";
    /// The SQS queue of jobs. Required by the webhook.
    pub const QUEUE_URL: &str = "TERRACE_QUEUE_URL";
    /// The SSM parameter that holds the signing secrets, a JSON array.
    pub const SECRETS_PARAMETER: &str = "TERRACE_SECRETS_PARAMETER";
    /// The signing secrets themselves, separated by commas; wins over the parameter.
    pub const SIGNING_SECRET: &str = "TERRA_SIGNING_SECRET";
    /// How old a signature may be, in seconds.
    pub const TOLERANCE_PAST: &str = "TERRACE_TOLERANCE_PAST_SECONDS";
    /// How far ahead a signature may be, in seconds.
    pub const TOLERANCE_FUTURE: &str = "TERRACE_TOLERANCE_FUTURE_SECONDS";
    /// How long a delivery stays in the log, in days.
    pub const LOG_DAYS: &str = "TERRACE_LOG_DAYS";
    /// The longest body taken, in bytes.
    pub const MAX_BODY_BYTES: &str = "TERRACE_MAX_BODY_BYTES";
}

/// How long a delivery stays in the log unless set otherwise, in days.
pub const DEFAULT_LOG_DAYS: u64 = 90;
/// The longest body unless set otherwise, in bytes: what API Gateway lets through.
pub const DEFAULT_MAX_BODY_BYTES: usize = 10 * 1_024 * 1_024;
/// What `terrace serve` signs with unless told otherwise; refused everywhere else.
pub const LOCAL_SECRET: &str = "local-development-secret";

/// A setting that is missing or wrong. The texts never quote a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It has no default and is not there.
    #[error("{name} is not set; it names {what}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it names.
        what: &'static str,
    },
    /// It is not a number in range.
    #[error("{name} is not a whole number from {least} to {most}")]
    NotANumber {
        /// The variable.
        name: &'static str,
        /// The least value.
        least: u64,
        /// The greatest value.
        most: u64,
    },
    /// Nothing says what deliveries are signed with.
    #[error(
        "no signing secret: set TERRACE_SECRETS_PARAMETER to the SSM parameter that holds it, or TERRA_SIGNING_SECRET \
         to the secret that the Terra dashboard shows under Connections > Webhooks"
    )]
    NoSecret,
    /// A secret is empty.
    #[error("TERRA_SIGNING_SECRET holds an empty secret; separate several by single commas")]
    EmptySecret,
    /// A secret is one that everybody knows.
    #[error("TERRA_SIGNING_SECRET is a placeholder; set the secret that the Terra dashboard shows")]
    PlaceholderSecret,
}

/// Where the signing secrets come from.
#[derive(Debug, Clone)]
pub enum SecretsFrom {
    /// They were given.
    Given(Vec<SigningSecret>),
    /// The SSM parameter of this name.
    Parameter(String),
}

/// What a function that receives deliveries is told.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where things lie.
    pub places: Places,
    /// The queue of jobs.
    pub queue_url: String,
    /// The signing secrets.
    pub secrets: SecretsFrom,
    /// What is asked of a delivery.
    pub intake: IntakeSettings,
}

/// What is asked of a delivery, and how long it is kept.
#[derive(Debug, Clone, Copy)]
pub struct IntakeSettings {
    /// How far a signature's time may lie from now.
    pub tolerance: Tolerance,
    /// How long a delivery stays in the log, in days.
    pub log_days: u64,
    /// The longest body, in bytes.
    pub max_body_bytes: usize,
}

impl Default for IntakeSettings {
    fn default() -> Self {
        Self { tolerance: Tolerance::default(), log_days: DEFAULT_LOG_DAYS, max_body_bytes: DEFAULT_MAX_BODY_BYTES }
    }
}

/// Where things lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// The table.
    pub table: String,
    /// The bucket.
    pub bucket: String,
}

/// What looks a variable up.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The process's own environment.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl WebhookSettings {
    /// Reads the settings of a function that receives deliveries.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            places: Places::read(environment)?,
            queue_url: required(environment, name::QUEUE_URL, "the SQS queue of jobs, by its URL")?,
            secrets: secrets(environment)?,
            intake: IntakeSettings::read(environment)?,
        })
    }
}

impl Places {
    /// Reads where things lie.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            table: required(environment, name::TABLE, "the DynamoDB table")?,
            bucket: required(environment, name::BUCKET, "the S3 bucket of the log")?,
        })
    }
}

impl IntakeSettings {
    /// Reads what is asked of a delivery.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        const WEEK: u64 = 7 * 24 * 60 * 60;
        let default = Self::default();
        let seconds = |name, default: Duration| number(environment, name, default.as_secs(), 0, WEEK);
        let past = seconds(name::TOLERANCE_PAST, default.tolerance.past)?;
        let future = seconds(name::TOLERANCE_FUTURE, default.tolerance.future)?;
        let most = 256 * 1_024 * 1_024;
        let max = number(environment, name::MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES as u64, 1_024, most)?;
        Ok(Self {
            tolerance: Tolerance { past: Duration::from_secs(past), future: Duration::from_secs(future) },
            log_days: number(environment, name::LOG_DAYS, DEFAULT_LOG_DAYS, 1, 3_650)?,
            max_body_bytes: usize::try_from(max).unwrap_or(DEFAULT_MAX_BODY_BYTES),
        })
    }
}

fn present(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn required(environment: Environment<'_>, name: &'static str, what: &'static str) -> Result<String, SettingError> {
    present(environment, name).ok_or(SettingError::Missing { name, what })
}

fn number(
    environment: Environment<'_>,
    name: &'static str,
    default: u64,
    least: u64,
    most: u64,
) -> Result<u64, SettingError> {
    let Some(text) = present(environment, name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or(SettingError::NotANumber { name, least, most })
}

fn secrets(environment: Environment<'_>) -> Result<SecretsFrom, SettingError> {
    match (
        present(environment, name::SIGNING_SECRET).map(Zeroizing::new),
        present(environment, name::SECRETS_PARAMETER),
    ) {
        (Some(list), _) => given_secrets(&list, Placeholders::Refused).map(SecretsFrom::Given),
        (None, Some(parameter)) => Ok(SecretsFrom::Parameter(parameter)),
        (None, None) => Err(SettingError::NoSecret),
    }
}

/// Whether a secret that everybody knows will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholders {
    /// Yes: nothing but this machine can send.
    Accepted,
    /// No.
    Refused,
}

/// Reads secrets separated by commas.
pub fn given_secrets(list: &str, placeholders: Placeholders) -> Result<Vec<SigningSecret>, SettingError> {
    const KNOWN: [&str; 6] = [LOCAL_SECRET, "secret", "changeme", "change-me", "your-signing-secret", "test"];
    let read = |text: &str| {
        if placeholders == Placeholders::Refused && KNOWN.contains(&text.trim().to_ascii_lowercase().as_str()) {
            return Err(SettingError::PlaceholderSecret);
        }
        SigningSecret::new(text).map_err(|_| SettingError::EmptySecret)
    };
    list.split(',').map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        (name::TABLE, "terrace"),
        (name::BUCKET, "terrace-log"),
        (name::QUEUE_URL, "https://sqs/terrace"),
        (name::SIGNING_SECRET, "s3cr3t-one, s3cr3t-two"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<WebhookSettings, SettingError> {
        let find = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        WebhookSettings::read(&|name| find(changes, name).or_else(|| find(&ALL, name)))
    }

    #[test]
    fn defaults_stand_where_nothing_is_said() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.intake.tolerance, Tolerance::default());
        assert_eq!((settings.intake.log_days, settings.intake.max_body_bytes), (90, 10_485_760));
        assert!(matches!(settings.secrets, SecretsFrom::Given(list) if list.len() == 2));
        assert!(
            matches!(read(&[(name::SIGNING_SECRET, ""), (name::SECRETS_PARAMETER, "/terrace/secrets")]).unwrap().secrets,
            SecretsFrom::Parameter(name) if name == "/terrace/secrets")
        );
    }

    #[test]
    fn no_secret_no_service() {
        assert_eq!(read(&[(name::SIGNING_SECRET, " ")]).unwrap_err(), SettingError::NoSecret);
        assert_eq!(read(&[(name::SIGNING_SECRET, "good-one,,")]).unwrap_err(), SettingError::EmptySecret);
        for known in [LOCAL_SECRET, "good-one, CHANGEME", "secret"] {
            assert_eq!(read(&[(name::SIGNING_SECRET, known)]).unwrap_err(), SettingError::PlaceholderSecret);
        }
        assert_eq!(given_secrets(LOCAL_SECRET, Placeholders::Accepted).unwrap().len(), 1);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for variable in [name::TABLE, name::BUCKET, name::QUEUE_URL] {
            assert!(read(&[(variable, "")]).unwrap_err().to_string().starts_with(variable));
        }
        for variable in [name::TOLERANCE_PAST, name::TOLERANCE_FUTURE, name::LOG_DAYS, name::MAX_BODY_BYTES] {
            for wrong in ["-1", "1.5", "soon", "99999999999999999999", "9999999999"] {
                let said = read(&[(variable, wrong)]).unwrap_err().to_string();
                assert!(said.starts_with(variable) && said.contains(" to "), "{said}");
            }
        }
        assert!(!format!("{:?}", read(&[]).unwrap()).contains("s3cr3t"));
    }
}

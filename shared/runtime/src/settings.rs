//! What the environment says. Every setting is read here, once, and a wrong one stops the start with a word on what
//! to write instead: a function that guesses would lose deliveries quietly.

use crate::telemetry::metrics::NAMESPACE;
use std::time::Duration;
use terrace_records::Retention;
use terrace_terra::SigningSecret;
use terrace_terra::signature::Tolerance;
use zeroize::Zeroizing;

/// The names of the settings.
pub mod name {
    /// The DynamoDB table. Required.
    pub const TABLE: &str = "TERRACE_TABLE";
    /// The S3 bucket of the log's larger tier. Required.
    pub const BUCKET: &str = "TERRACE_BUCKET";
    /// The SQS queue of jobs. Required by whoever queues one.
    pub const QUEUE_URL: &str = "TERRACE_QUEUE_URL";
    /// The SQS queue of pings. Required by whoever queues one.
    pub const PING_QUEUE_URL: &str = "TERRACE_PING_QUEUE_URL";
    /// The hosts that pings may lead to, separated by commas.
    pub const PING_HOSTS: &str = "TERRACE_PING_HOSTS";
    /// The longest body that a ping may lead to, in bytes.
    pub const PING_MAX_BYTES: &str = "TERRACE_PING_MAX_BYTES";
    /// What becomes of the data of somebody who left: `keep` or `erase`.
    pub const RETENTION: &str = "TERRACE_RETENTION";
    /// The SSM parameter that holds the signing secrets, a JSON array.
    pub const SECRETS_PARAMETER: &str = "TERRACE_SECRETS_PARAMETER";
    /// The signing secrets themselves, separated by commas; wins over the parameter.
    pub const SIGNING_SECRET: &str = "TERRA_SIGNING_SECRET";
    /// The SSM parameter that holds the developer id and the API key of Terra's API, a JSON object.
    pub const TERRA_API_PARAMETER: &str = "TERRACE_TERRA_API_PARAMETER";
    /// The namespace of the metrics in CloudWatch: environments in one account have one each.
    pub const METRICS_NAMESPACE: &str = "TERRACE_METRICS_NAMESPACE";
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
/// The longest body that a ping may lead to unless set otherwise, in bytes.
pub const DEFAULT_PING_MAX_BYTES: usize = 256 * 1_024 * 1_024;
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
    /// It is not one of the words it may be.
    #[error("{name} is neither {words}")]
    NotAWord {
        /// The variable.
        name: &'static str,
        /// What it may be.
        words: &'static str,
    },
    /// It is no namespace of CloudWatch's, which would drop every metric without a word.
    #[error("{name} may have letters, digits and any of . - _ / # in it, 255 at most")]
    NotANamespace {
        /// The variable.
        name: &'static str,
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
    /// The queues.
    pub queues: QueueUrls,
    /// The signing secrets.
    pub secrets: SecretsFrom,
    /// What is asked of a delivery.
    pub intake: IntakeSettings,
    /// The namespace of the metrics.
    pub metrics_namespace: String,
}

/// What the function that works on jobs is told.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Where things lie.
    pub places: Places,
    /// The queues.
    pub queues: QueueUrls,
    /// How long a delivery stays in the log, in days.
    pub log_days: u64,
    /// What becomes of the data of somebody who left.
    pub retention: Retention,
    /// What pings may lead to.
    pub pings: PingSettings,
    /// The namespace of the metrics.
    pub metrics_namespace: String,
}

/// What the function that answers questions and takes orders is told.
#[derive(Debug, Clone)]
pub struct QuerySettings {
    /// Where things lie.
    pub places: Places,
    /// The queues.
    pub queues: QueueUrls,
    /// The SSM parameter that says as whom Terra's API is asked, if it is.
    pub terra_api_parameter: Option<String>,
}

/// The queues, by their URLs.
#[derive(Debug, Clone)]
pub struct QueueUrls {
    /// Of jobs.
    pub jobs: String,
    /// Of pings.
    pub pings: String,
}

/// What pings may lead to.
#[derive(Debug, Clone)]
pub struct PingSettings {
    /// The hosts, separated by commas; those of S3 and of Google Cloud Storage unless it is said.
    pub hosts: Option<String>,
    /// The longest body, in bytes.
    pub max_bytes: usize,
}

/// What is asked of a delivery, and how long it is kept.
#[derive(Debug, Clone, Copy)]
pub struct IntakeSettings {
    /// How far a signature's time may lie from now.
    pub tolerance: Tolerance,
    /// How long a delivery stays in the log, in days.
    pub log_days: u64,
    /// What becomes of the data of somebody who left.
    pub retention: Retention,
    /// The longest body, in bytes.
    pub max_body_bytes: usize,
}

impl Default for IntakeSettings {
    fn default() -> Self {
        Self {
            tolerance: Tolerance::default(),
            log_days: DEFAULT_LOG_DAYS,
            retention: Retention::default(),
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
        }
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
            queues: QueueUrls::read(environment)?,
            secrets: secrets(environment)?,
            intake: IntakeSettings::read(environment)?,
            metrics_namespace: metrics_namespace(environment)?,
        })
    }
}

impl WorkerSettings {
    /// Reads the settings of the function that works on jobs.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            places: Places::read(environment)?,
            queues: QueueUrls::read(environment)?,
            log_days: log_days(environment)?,
            retention: retention(environment)?,
            pings: PingSettings::read(environment)?,
            metrics_namespace: metrics_namespace(environment)?,
        })
    }
}

impl QuerySettings {
    /// Reads the settings of the function that answers questions.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            places: Places::read(environment)?,
            queues: QueueUrls::read(environment)?,
            terra_api_parameter: present(environment, name::TERRA_API_PARAMETER),
        })
    }
}

impl QueueUrls {
    /// Reads where jobs wait.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            jobs: required(environment, name::QUEUE_URL, "the SQS queue of jobs, by its URL")?,
            pings: required(environment, name::PING_QUEUE_URL, "the SQS queue of pings, by its URL")?,
        })
    }
}

impl PingSettings {
    /// Reads what pings may lead to.
    pub fn read(environment: Environment<'_>) -> Result<Self, SettingError> {
        let most = DEFAULT_PING_MAX_BYTES as u64;
        let max = number(environment, name::PING_MAX_BYTES, most, 1_024, most)?;
        let max_bytes = usize::try_from(max).unwrap_or(DEFAULT_PING_MAX_BYTES);
        Ok(Self { hosts: present(environment, name::PING_HOSTS), max_bytes })
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
            log_days: log_days(environment)?,
            retention: retention(environment)?,
            max_body_bytes: usize::try_from(max).unwrap_or(DEFAULT_MAX_BODY_BYTES),
        })
    }
}

/// AWS: "CloudWatch concepts", namespaces. One with a colon is left to AWS.
fn metrics_namespace(environment: Environment<'_>) -> Result<String, SettingError> {
    let Some(text) = present(environment, name::METRICS_NAMESPACE) else { return Ok(NAMESPACE.to_owned()) };
    let fits = text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte));
    fits.then_some(text).ok_or(SettingError::NotANamespace { name: name::METRICS_NAMESPACE })
}

fn log_days(environment: Environment<'_>) -> Result<u64, SettingError> {
    number(environment, name::LOG_DAYS, DEFAULT_LOG_DAYS, 1, 3_650)
}

fn retention(environment: Environment<'_>) -> Result<Retention, SettingError> {
    let Some(text) = present(environment, name::RETENTION) else { return Ok(Retention::default()) };
    let wrong = SettingError::NotAWord { name: name::RETENTION, words: "keep nor erase" };
    Retention::from_name(&text.to_ascii_lowercase()).ok_or(wrong)
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
    let read = |text: &str| {
        if placeholders == Placeholders::Refused && SigningSecret::is_placeholder(text) {
            return Err(SettingError::PlaceholderSecret);
        }
        SigningSecret::new(text).map_err(|_| SettingError::EmptySecret)
    };
    list.split(',').map(read).collect()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;

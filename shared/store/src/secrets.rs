//! The signing secrets: where they come from, and how fresh they have to be.
//!
//! In the cloud they are one SSM SecureString parameter, a JSON array, so that rotation can have two. They are read at
//! start and kept for five minutes; a failed read keeps the last good list. A signature that matches none is believed
//! to be wrong only by secrets that were read within the last five seconds.

use crate::error::StoreError;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use terrace_terra::SigningSecret;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long secrets are used before they are read again.
pub const REFRESH_AFTER: Duration = Duration::from_secs(5 * 60);
/// How old secrets may be to call a signature wrong.
pub const FRESH_FOR: Duration = Duration::from_secs(5);

/// Where the text of a parameter comes from.
#[async_trait]
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// The text: for the signing secrets a JSON array.
    async fn read(&self) -> Result<Zeroizing<String>, StoreError>;
}

/// A list of secrets, cheap to clone.
pub type SecretList = Arc<[SigningSecret]>;

/// The secrets in use.
#[derive(Debug)]
pub struct Secrets {
    source: Option<Box<dyn SecretSource>>,
    known: Mutex<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    list: SecretList,
    read_at: Mark,
    /// When a read was last tried, whatever came of it.
    tried_at: Mark,
}

/// A moment by both clocks. A sandbox that Lambda freezes may not notice by the one that measures spans, and the other
/// may be set back; the longer span is the safe answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    measured: Instant,
    told: SystemTime,
}

impl Mark {
    pub(crate) fn now() -> Self {
        Self { measured: Instant::now(), told: SystemTime::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.measured.elapsed().max(self.told.elapsed().unwrap_or_default())
    }
}

impl Secrets {
    /// Secrets that do not change while the process runs.
    pub fn fixed(list: Vec<SigningSecret>) -> Self {
        let now = Mark::now();
        Self { source: None, known: Mutex::new(Known { list: list.into(), read_at: now, tried_at: now }) }
    }

    /// Reads the secrets for the first time. Fails where there is none: no secret, no service.
    pub async fn read_from(source: Box<dyn SecretSource>) -> Result<Self, StoreError> {
        let list = parse(&source.read().await?)?;
        let now = Mark::now();
        Ok(Self { source: Some(source), known: Mutex::new(Known { list, read_at: now, tried_at: now }) })
    }

    /// The secrets, read again if they are older than five minutes; the last good ones where that fails.
    pub async fn current(&self) -> SecretList {
        let mut known = self.known.lock().await;
        if known.read_at.elapsed() >= REFRESH_AFTER && known.tried_at.elapsed() >= FRESH_FOR {
            // The last good list serves on, and the next look tries again.
            if let Err(error) = self.refresh(&mut known).await {
                drop(error);
            }
        }
        Arc::clone(&known.list)
    }

    /// Secrets read within the last five seconds, so that a mismatch can be believed. An error where they cannot be
    /// read, or could not a moment ago: the delivery has to come again.
    pub async fn fresh(&self) -> Result<SecretList, StoreError> {
        let mut known = self.known.lock().await;
        if self.source.is_some() && known.read_at.elapsed() >= FRESH_FOR {
            if known.tried_at.measured > known.read_at.measured && known.tried_at.elapsed() < Duration::from_secs(1) {
                return Err(StoreError::unavailable("read the signing secrets", "they could not be read a moment ago"));
            }
            self.refresh(&mut known).await?;
        }
        Ok(Arc::clone(&known.list))
    }

    async fn refresh(&self, known: &mut Known) -> Result<(), StoreError> {
        let Some(source) = &self.source else { return Ok(()) };
        known.tried_at = Mark::now();
        known.list = parse(&source.read().await?)?;
        known.read_at = Mark::now();
        Ok(())
    }
}

fn parse(text: &str) -> Result<SecretList, StoreError> {
    const DOING: &str = "read the signing secrets";
    let texts: Vec<Zeroizing<String>> = serde_json::from_str::<Vec<String>>(text)
        .map_err(|_| StoreError::refused(DOING, "the parameter is not a JSON array of strings"))?
        .into_iter()
        .map(Zeroizing::new)
        .collect();
    if texts.iter().any(|text| SigningSecret::is_placeholder(text)) {
        return Err(StoreError::refused(
            DOING,
            "the parameter holds a placeholder; store the secret that the Terra dashboard shows",
        ));
    }
    let secrets: Result<Vec<_>, _> = texts.iter().map(|text| SigningSecret::new(text)).collect();
    let secrets = secrets.map_err(|error| StoreError::refused(DOING, error))?;
    if secrets.is_empty() {
        return Err(StoreError::refused(DOING, "the parameter holds no secret"));
    }
    Ok(secrets.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::advance;

    /// A parameter that can be changed and can fail.
    #[derive(Debug, Default, Clone)]
    struct Parameter {
        text: Arc<StdMutex<Option<String>>>,
        reads: Arc<AtomicUsize>,
    }

    impl Parameter {
        fn set(&self, text: Option<&str>) {
            *self.text.lock().unwrap() = text.map(str::to_owned);
        }
        fn reads(&self) -> usize {
            self.reads.load(Ordering::SeqCst)
        }
    }

    #[async_trait]
    impl SecretSource for Parameter {
        async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let text = self.text.lock().unwrap().clone();
            text.map(Zeroizing::new).ok_or_else(|| StoreError::unavailable("read", "down"))
        }
    }

    async fn secrets(text: &str) -> (Parameter, Result<Secrets, StoreError>) {
        let parameter = Parameter::default();
        parameter.set(Some(text));
        let secrets = Secrets::read_from(Box::new(parameter.clone())).await;
        (parameter, secrets)
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_secret_there_is_no_service() {
        for text in ["", "[]", "secret", r#"{"a":"b"}"#, r#"[""]"#, r#"["a",7]"#, r#"["a"," ChangeMe"]"#] {
            let (_, secrets) = secrets(text).await;
            let message = secrets.unwrap_err().to_string();
            assert!(!message.contains("secret\""), "{message}");
        }
        assert_eq!(secrets(r#"["a","b"]"#).await.1.unwrap().current().await.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_read_keeps_the_last_good_list() {
        let (parameter, secrets) = secrets(r#"["a"]"#).await;
        let secrets = secrets.unwrap();
        parameter.set(None);
        advance(REFRESH_AFTER).await;
        assert_eq!(secrets.current().await.len(), 1);
        assert_eq!(parameter.reads(), 2);
        parameter.set(Some(r#"["a","b"]"#));
        advance(FRESH_FOR).await;
        assert_eq!(secrets.current().await.len(), 2);
        advance(REFRESH_AFTER - Duration::from_secs(1)).await;
        assert_eq!((secrets.current().await.len(), parameter.reads()), (2, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mismatch_is_believed_only_by_fresh_secrets() {
        let (parameter, secrets) = secrets(r#"["a"]"#).await;
        let secrets = secrets.unwrap();
        assert_eq!((secrets.fresh().await.unwrap().len(), parameter.reads()), (1, 1));
        advance(FRESH_FOR).await;
        parameter.set(Some(r#"["a","b"]"#));
        assert_eq!((secrets.fresh().await.unwrap().len(), parameter.reads()), (2, 2));
        for _flood in 0..100 {
            assert!(secrets.fresh().await.is_ok());
        }
        assert_eq!(parameter.reads(), 2, "a flood of wrong signatures reads once in five seconds");
        advance(FRESH_FOR).await;
        parameter.set(None);
        assert!(secrets.fresh().await.unwrap_err().is_transient());
        assert!(secrets.fresh().await.is_err());
        assert_eq!(parameter.reads(), 3);
    }

    #[test]
    fn fixed_secrets_are_always_fresh() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let secrets = Secrets::fixed(vec![SigningSecret::new("a").unwrap()]);
            assert_eq!(secrets.fresh().await.unwrap().len(), 1);
        });
    }
}

//! A parameter that is not needed at every start: read when first asked for, and kept for a while.

use crate::error::StoreError;
use crate::secrets::{FRESH_FOR, Mark, REFRESH_AFTER, SecretSource};
use std::sync::Arc;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// The text of a parameter. The same text read again stays the same [`Arc`], so that what was made of it can be kept too.
pub type KeptText = Arc<Zeroizing<String>>;

/// A parameter that is read when it is needed.
#[derive(Debug)]
pub struct KeptParameter {
    source: Box<dyn SecretSource>,
    known: Mutex<Option<Known>>,
}

struct Known {
    text: KeptText,
    read_at: Mark,
    /// When a read was last tried, whatever came of it.
    tried_at: Mark,
}

/// The text is left out.
impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Known").finish_non_exhaustive()
    }
}

impl KeptParameter {
    /// What lies in this source. Nothing is read yet.
    pub fn new(source: Box<dyn SecretSource>) -> Self {
        Self { source, known: Mutex::new(None) }
    }

    /// The text, read again if it is older than five minutes; the last one where that fails.
    ///
    /// # Errors
    ///
    /// When it could never be read so far.
    pub async fn text(&self) -> Result<KeptText, StoreError> {
        let mut known = self.known.lock().await;
        let Some(before) = known.as_mut() else {
            let now = Mark::now();
            let text = Arc::new(self.source.read().await?);
            *known = Some(Known { text: Arc::clone(&text), read_at: now, tried_at: now });
            return Ok(text);
        };
        if before.read_at.elapsed() >= REFRESH_AFTER && before.tried_at.elapsed() >= FRESH_FOR {
            before.tried_at = Mark::now();
            if let Ok(text) = self.source.read().await {
                before.read_at = before.tried_at;
                if *text != **before.text {
                    before.text = Arc::new(text);
                }
            }
        }
        Ok(Arc::clone(&before.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::advance;

    #[derive(Debug, Default, Clone)]
    struct Parameter {
        text: Arc<StdMutex<Option<&'static str>>>,
        reads: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl SecretSource for Parameter {
        async fn read(&self) -> Result<Zeroizing<String>, StoreError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let text = *self.text.lock().unwrap();
            text.map(|text| Zeroizing::new(text.to_owned())).ok_or_else(|| StoreError::unavailable("read", "down"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_read_when_needed_and_kept_for_five_minutes() {
        let parameter = Parameter::default();
        let set = |text| *parameter.text.lock().unwrap() = text;
        let reads = || parameter.reads.load(Ordering::SeqCst);
        let kept = KeptParameter::new(Box::new(parameter.clone()));
        assert_eq!(reads(), 0);
        // A failure is not kept.
        assert!(kept.text().await.is_err());
        set(Some("a"));
        let first = kept.text().await.unwrap();
        assert_eq!((first.as_str(), reads()), ("a", 2));
        set(Some("b"));
        advance(REFRESH_AFTER.checked_sub(FRESH_FOR).unwrap()).await;
        assert_eq!((kept.text().await.unwrap().as_str(), reads()), ("a", 2));
        // The last one stays where it cannot be read, and is not asked for all the time.
        set(None);
        advance(FRESH_FOR).await;
        assert_eq!((kept.text().await.unwrap().as_str(), reads()), ("a", 3));
        assert_eq!((kept.text().await.unwrap().as_str(), reads()), ("a", 3));
        // The same text is the same one.
        set(Some("a"));
        advance(FRESH_FOR).await;
        assert!(Arc::ptr_eq(&kept.text().await.unwrap(), &first));
        set(Some("b"));
        advance(REFRESH_AFTER).await;
        assert_eq!((kept.text().await.unwrap().as_str(), reads()), ("b", 5));
        assert!(!format!("{:?}", kept.known).contains("\"b\""));
    }
}

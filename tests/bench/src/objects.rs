//! As much of S3 as a receiver asks for: any PUT succeeds, and nothing is kept unless that is asked for.

use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bucket that forgets, until it is told to keep.
#[derive(Debug, Default)]
pub struct Objects {
    puts: AtomicU64,
    kept: Mutex<Option<HashMap<String, Bytes>>>,
}

impl Objects {
    /// Puts an object under a path, and says its tag.
    pub fn put(&self, path: &str, object: Bytes) -> String {
        if let Ok(mut kept) = self.kept.lock()
            && let Some(kept) = kept.as_mut()
        {
            kept.insert(path.to_owned(), object);
        }
        let number = self.puts.fetch_add(1, Ordering::Relaxed);
        format!("\"{number:032x}\"")
    }

    /// Keeps what is put from now on.
    pub fn keep(&self) {
        if let Ok(mut kept) = self.kept.lock() {
            kept.get_or_insert_default();
        }
    }

    /// The object under a path, where it was kept.
    pub fn get(&self, path: &str) -> Option<Bytes> {
        self.kept.lock().ok()?.as_ref()?.get(path).cloned()
    }

    /// How many objects were put since the last time this was called.
    pub fn take_puts(&self) -> u64 {
        self.puts.swap(0, Ordering::Relaxed)
    }
}

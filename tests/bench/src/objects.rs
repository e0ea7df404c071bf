//! As much of S3 as a receiver asks for: any PUT succeeds, nothing is kept.

use std::sync::atomic::{AtomicU64, Ordering};

/// A bucket that forgets.
#[derive(Debug, Default)]
pub struct Objects {
    puts: AtomicU64,
}

impl Objects {
    /// The tag of an object just put.
    pub fn put(&self) -> String {
        let number = self.puts.fetch_add(1, Ordering::Relaxed);
        format!("\"{number:032x}\"")
    }

    /// How many objects were put since the last time this was called.
    pub fn take_puts(&self) -> u64 {
        self.puts.swap(0, Ordering::Relaxed)
    }
}

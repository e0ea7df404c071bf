//! Objects as files in a folder.
//!
//! A file is synced, and the folder it is in as well, before a put returns. There is nobody to sign a URL for and no
//! place for metadata: what is needed to replay a delivery is in its log item too.

use super::durable::create_folder;
use crate::error::StoreError;
use crate::objects::{Backend, Objects};
use object_store::local::LocalFileSystem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Objects in a folder, which is made when the first one is written or read.
pub fn objects(folder: impl Into<PathBuf>) -> Objects {
    let folder = folder.into();
    Objects::new(move || backend(&folder))
}

/// A folder as a place for objects. It is made where it is missing.
///
/// # Errors
///
/// When the folder cannot be made, or is no folder.
pub fn backend(folder: &Path) -> Result<Backend, StoreError> {
    const DOING: &str = "open the folder of objects";
    create_folder(folder).map_err(|error| StoreError::refused(DOING, error))?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| StoreError::refused(DOING, error))?;
    Ok(Backend { store: Arc::new(store.with_fsync(true)), signer: None, keeps_metadata: false, lists_in_order: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[tokio::test]
    async fn objects_are_kept_and_read_in_part_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/b/objects");
        let first = objects(&root);
        first.put_content("log/aa/bb", Bytes::from_static(b"0123456789"), &[("event", "daily".into())]).await.unwrap();
        first.put_content("log/aa/bb", Bytes::from_static(b"0123456789"), &[]).await.unwrap();
        drop(first);

        let again = objects(&root);
        assert_eq!(again.get("log/aa/bb").await.unwrap().unwrap(), "0123456789");
        assert_eq!(again.get_range("log/aa/bb", 3..6).await.unwrap().unwrap(), "345");
        assert!(again.get("log/aa/cc").await.unwrap().is_none());
        assert_eq!(again.signed_url("log/aa/bb", std::time::Duration::from_secs(1)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn who_tries_something_out_leaves_nothing_behind_and_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("objects");
        objects(&root).put_content("log/aa/bb", Bytes::from_static(b"kept"), &[]).await.unwrap();
        let tried = objects(&root).read_only();
        tried.put_content("log/aa/cc", Bytes::from_static(b"tried"), &[]).await.unwrap();
        assert!(tried.put("log/aa/bb", Bytes::from_static(b"else")).await.is_err());
        assert!(tried.remove("log/aa/bb").await.is_err());
        assert_eq!(objects(&root).get("log/aa/bb").await.unwrap().unwrap(), "kept");
        assert!(objects(&root).get("log/aa/cc").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects");
        std::fs::write(&file, b"not a folder").unwrap();
        let error = objects(&file).get("log/aa/bb").await.unwrap_err();
        assert!(!error.is_transient());
        assert!(error.to_string().contains("open the folder of objects"), "{error}");
    }
}

//! The objects of the log and large answers: S3 in the cloud, a folder on a laptop, behind one interface.
//!
//! Most deliveries lie in the table and never come here, so the client is built when it is first needed.

use crate::error::StoreError;
use bytes::Bytes;
use futures::future::ready;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, iter, once};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{Attribute, Attributes, Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutOptions, PutPayload};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LISTING: &str = "list objects";

/// Makes the client when it is first needed.
type Build = Box<dyn Fn() -> Result<Backend, StoreError> + Send + Sync>;

/// A place for objects.
#[derive(Clone)]
pub struct Backend {
    /// Reads and writes.
    pub store: Arc<dyn ObjectStore>,
    /// Makes URLs that need no credentials, where the place can.
    pub signer: Option<Arc<dyn Signer>>,
    /// Whether the place keeps metadata beside an object. A folder does not.
    pub keeps_metadata: bool,
    /// Whether the place lists objects in the order of their keys. A folder does not.
    pub lists_in_order: bool,
}

/// An object that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundObject {
    /// Its key.
    pub key: String,
    /// When it was written, in milliseconds since 1970 by the clock of the place.
    pub modified_ms: u64,
}

/// The objects' handle.
pub struct Objects {
    build: Build,
    built: OnceLock<Backend>,
    read_only: bool,
}

impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Objects").field("built", &self.built.get().is_some()).finish()
    }
}

impl Objects {
    /// Objects in the place that `build` makes, which is called when the first object is read or written.
    pub fn new(build: impl Fn() -> Result<Backend, StoreError> + Send + Sync + 'static) -> Self {
        Self { build: Box::new(build), built: OnceLock::new(), read_only: false }
    }

    /// The same objects for who tries something out: content that is put is forgotten, every other write is refused.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    fn writable(&self, doing: &'static str) -> Result<&Backend, StoreError> {
        if self.read_only {
            return Err(StoreError::refused(doing, "these objects are only read"));
        }
        self.backend()
    }

    fn backend(&self) -> Result<&Backend, StoreError> {
        if let Some(backend) = self.built.get() {
            return Ok(backend);
        }
        let backend = (self.build)()?;
        Ok(self.built.get_or_init(|| backend))
    }

    /// Puts an object under a key made of its content. One that is there already is the same, and is as young as a new one
    /// from then on: what removes old objects that nothing leads to spares it, as what is to lead to it is written after it.
    pub async fn put_content(
        &self,
        key: &str,
        bytes: Bytes,
        metadata: &[(&'static str, String)],
    ) -> Result<(), StoreError> {
        const DOING: &str = "put an object";
        if self.read_only {
            return Ok(());
        }
        let backend = self.backend()?;
        let mut attributes = Attributes::new();
        if backend.keeps_metadata {
            for (name, value) in metadata {
                attributes.insert(Attribute::Metadata((*name).into()), value.clone().into());
            }
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        let put = backend.store.put_opts(&path(DOING, key)?, PutPayload::from_bytes(bytes), options).await;
        put.map(drop).map_err(|error| failure(DOING, error))
    }

    /// An object, or none of that key.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        const DOING: &str = "read an object";
        match self.backend()?.store.get(&path(DOING, key)?).await {
            Ok(found) => found.bytes().await.map(Some).map_err(|error| failure(DOING, error)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(DOING, error)),
        }
    }

    /// A part of an object, or none of that key.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        const DOING: &str = "read a part of an object";
        let (store, path, start) = (&self.backend()?.store, path(DOING, key)?, range.start);
        match store.get_range(&path, range).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            // That a part lies behind the end is said in no way of its own.
            Err(error) => match store.head(&path).await {
                Ok(found) if found.size <= start => Err(StoreError::corrupt(DOING, "the object is too short")),
                _ => Err(failure(DOING, error)),
            },
        }
    }

    /// Puts an object in the place of what is there.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        const DOING: &str = "put an object";
        let put = self.writable(DOING)?.store.put(&path(DOING, key)?, PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|error| failure(DOING, error))
    }

    /// Removes an object. One that is not there is removed already.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        const DOING: &str = "remove an object";
        match self.writable(DOING)?.store.delete(&path(DOING, key)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(DOING, error)),
        }
    }

    /// Removes an object that was last put before `ms`, in milliseconds since 1970.
    pub async fn remove_older(&self, key: &str, ms: u64) -> Result<(), StoreError> {
        const DOING: &str = "look at an object";
        match self.backend()?.store.head(&path(DOING, key)?).await {
            Ok(found) if modified_ms(&found) < ms => self.remove(key).await,
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(DOING, error)),
        }
    }

    /// The objects whose keys begin with the folder `prefix`, in no order.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<FoundObject, StoreError>> {
        let listed = path(LISTING, prefix).and_then(|prefix| Ok(self.backend()?.store.list(Some(&prefix))));
        found(listed)
    }

    /// Those after the key `after`, in the order of their keys. Where the place has no order they are all held at once.
    pub fn list_after(&self, prefix: &str, after: Option<&str>) -> BoxStream<'static, Result<FoundObject, StoreError>> {
        let Some(after) = after else { return self.in_order(self.list(prefix)) };
        let listed = path(LISTING, prefix).and_then(|prefix| {
            let after = path(LISTING, after)?;
            Ok(self.backend()?.store.list_with_offset(Some(&prefix), &after))
        });
        self.in_order(found(listed))
    }

    fn in_order(
        &self,
        listed: BoxStream<'static, Result<FoundObject, StoreError>>,
    ) -> BoxStream<'static, Result<FoundObject, StoreError>> {
        if self.backend().is_ok_and(|backend| backend.lists_in_order) {
            return listed;
        }
        let sorted = async move {
            let mut all: Vec<FoundObject> = listed.try_collect().await?;
            all.sort_unstable_by(|one, other| one.key.cmp(&other.key));
            Ok(iter(all.into_iter().map(Ok)))
        };
        once(sorted).try_flatten().boxed()
    }

    /// A URL that reads the object without credentials for a while; none where the place has no such URLs.
    pub async fn signed_url(&self, key: &str, lives: Duration) -> Result<Option<String>, StoreError> {
        const DOING: &str = "sign a URL";
        let Some(signer) = &self.backend()?.signer else { return Ok(None) };
        let url = signer.signed_url(http::Method::GET, &path(DOING, key)?, lives).await;
        url.map(|url| Some(url.to_string())).map_err(|error| failure(DOING, error))
    }
}

/// Objects as they are listed.
fn found(
    listed: Result<BoxStream<'static, object_store::Result<ObjectMeta>>, StoreError>,
) -> BoxStream<'static, Result<FoundObject, StoreError>> {
    let of = |found: object_store::Result<ObjectMeta>| match found {
        Ok(found) => Ok(FoundObject { key: found.location.to_string(), modified_ms: modified_ms(&found) }),
        Err(error) => Err(failure(LISTING, error)),
    };
    match listed {
        Err(error) => once(ready(Err(error))).boxed(),
        Ok(listed) => listed.map(of).boxed(),
    }
}

fn modified_ms(found: &ObjectMeta) -> u64 {
    u64::try_from(found.last_modified.timestamp_millis()).unwrap_or(0)
}

fn path(doing: &'static str, key: &str) -> Result<Path, StoreError> {
    Path::parse(key).map_err(|error| StoreError::refused(doing, error))
}

/// The failure of a call. What it says is dropped, because it names the object; its kind is kept.
fn failure(doing: &'static str, error: Error) -> StoreError {
    match error {
        Error::NotFound { .. } => StoreError::refused(doing, "the bucket is not there"),
        Error::PermissionDenied { .. } => StoreError::refused(doing, "permission denied"),
        Error::Unauthenticated { .. } => StoreError::refused(doing, "not authenticated"),
        Error::InvalidPath { .. } => StoreError::refused(doing, "the key is not one"),
        Error::NotSupported { .. } | Error::NotImplemented { .. } => StoreError::refused(doing, "not supported there"),
        Error::UnknownConfigurationKey { .. } => StoreError::refused(doing, "the settings are not understood"),
        _ => StoreError::unavailable(doing, "no answer, or not a good one"),
    }
}

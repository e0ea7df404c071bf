//! Faults in the way to everything that keeps: the table, the objects and the jobs, passed in one sequence.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use std::fmt;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use terrace_store::StoreError;
use terrace_store::local::{Database, Fault, FolderQueue, Watched, folder_objects};
use terrace_store::objects::{Backend, Objects};
use terrace_store::queue::{Job, JobQueue};

/// Which side of a call a fault is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it: it has no effect.
    Before,
    /// In place of its answer: it had its effect, durably, and the caller does not know.
    After,
}

/// Chooses what goes wrong. Called twice for each call of the store, in order.
#[derive(Clone)]
pub struct Gate(Arc<dyn Fn(Side) -> Fault + Send + Sync>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// Nothing goes wrong.
    pub fn open() -> Self {
        Self::new(|_| Fault::None)
    }

    /// This goes wrong.
    pub fn new(choose: impl Fn(Side) -> Fault + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    /// A client of this database whose calls pass here.
    pub fn client(&self, database: &Database) -> Client {
        let (before, after) = (self.clone(), self.clone());
        let watched = Watched::new(database.http_client());
        watched.before(move |_, _| before.0(Side::Before)).after(move |_, _| after.0(Side::After)).client()
    }

    /// A queue whose jobs pass here.
    pub fn queue(&self, inner: FolderQueue) -> Arc<dyn JobQueue> {
        Arc::new(GatedQueue { inner, gate: self.clone() })
    }

    /// Objects in a folder, whose writes pass here.
    pub fn objects(&self, folder: PathBuf) -> Objects {
        let gate = self.clone();
        Objects::new(move || {
            let backend = folder_objects::backend(&folder)?;
            let store = Arc::new(GatedStore { inner: Arc::clone(&backend.store), gate: gate.clone() });
            Ok(Backend { store, ..backend })
        })
    }

    /// Whether the call goes on.
    async fn passes(&self, side: Side) -> bool {
        match self.0(side) {
            Fault::None => true,
            Fault::Internal | Fault::Throttled | Fault::Connection => false,
            Fault::NoAnswer => pending().await,
            Fault::Abort => std::process::abort(),
        }
    }
}

#[derive(Debug)]
struct GatedQueue {
    inner: FolderQueue,
    gate: Gate,
}

#[async_trait]
impl JobQueue for GatedQueue {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        let failure = || StoreError::unavailable("queue a job", "a fault of the test");
        if !self.gate.passes(Side::Before).await {
            return Err(failure());
        }
        let sent = self.inner.send(job).await;
        if self.gate.passes(Side::After).await { sent } else { Err(failure()) }
    }
}

#[derive(Debug)]
struct GatedStore {
    inner: Arc<dyn ObjectStore>,
    gate: Gate,
}

impl fmt::Display for GatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatedStore")
    }
}

fn failure() -> Error {
    Error::Generic { store: "gate", source: "a fault of the test".into() }
}

#[async_trait]
impl ObjectStore for GatedStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        if !self.gate.passes(Side::Before).await {
            return Err(failure());
        }
        let put = self.inner.put_opts(at, payload, options).await;
        if self.gate.passes(Side::After).await { put } else { Err(failure()) }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(places)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

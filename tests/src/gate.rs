//! Faults in the way to everything that keeps: the table, the objects and the jobs, passed in one sequence.

use crate::hold::Hold;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures::stream::{BoxStream, StreamExt, once};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use std::fmt;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use terrace_store::StoreError;
use terrace_store::local::{Database, Fault, FolderQueue, Watched, client_over, folder_objects};
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
pub struct Gate {
    choose: Arc<dyn Fn(Side) -> Fault + Send + Sync>,
    hold: Hold,
}

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
        Self { choose: Arc::new(choose), hold: Hold::default() }
    }

    /// Nothing goes wrong, and calls can be held.
    pub fn held(hold: &Hold) -> Self {
        Self { hold: hold.clone(), ..Self::open() }
    }

    /// A client of this database whose calls pass here.
    pub fn client(&self, database: &Database) -> Client {
        let (before, after) = (Arc::clone(&self.choose), Arc::clone(&self.choose));
        let watched = Watched::new(database.http_client());
        let watched = watched.before(move |_, _| before(Side::Before)).after(move |_, _| after(Side::After));
        client_over(self.hold.before(watched.http_client()))
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

    /// Whether a call of this kind goes on.
    async fn passes(&self, kind: &str, side: Side) -> bool {
        if side == Side::Before {
            self.hold.pass(kind).await;
        }
        match (self.choose)(side) {
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
        if !self.gate.passes("SendMessage", Side::Before).await {
            return Err(failure());
        }
        let sent = self.inner.send(job).await;
        if self.gate.passes("SendMessage", Side::After).await { sent } else { Err(failure()) }
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
        if !self.gate.passes("PutObject", Side::Before).await {
            return Err(failure());
        }
        let put = self.inner.put_opts(at, payload, options).await;
        if self.gate.passes("PutObject", Side::After).await { put } else { Err(failure()) }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if !self.gate.passes("GetObject", Side::Before).await {
            return Err(failure());
        }
        let got = self.inner.get_opts(at, options).await;
        if self.gate.passes("GetObject", Side::After).await { got } else { Err(failure()) }
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let (inner, gate) = (Arc::clone(&self.inner), self.gate.clone());
        let one_by_one = places.then(move |place| {
            let (inner, gate) = (Arc::clone(&inner), gate.clone());
            async move {
                let place = place?;
                if !gate.passes("DeleteObject", Side::Before).await {
                    return Err(failure());
                }
                let deleted = inner.delete(&place).await;
                let passes = gate.passes("DeleteObject", Side::After).await;
                if passes { deleted.map(|()| place) } else { Err(failure()) }
            }
        });
        one_by_one.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let (inner, prefix, gate) = (Arc::clone(&self.inner), prefix.cloned(), self.gate.clone());
        let listed = async move {
            if !gate.passes("ListObjects", Side::Before).await {
                return once(async { Err(failure()) }).boxed();
            }
            inner.list(prefix.as_ref())
        };
        once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

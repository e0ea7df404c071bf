//! The parts of a laptop run, all in one folder.

use crate::ping_host;
use crate::serve::ServeError;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use terrace_ingest::{Ingest, Policy};
use terrace_query::diagnosis::witness::Witness;
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::local::{Database, FolderQueue, folder_objects};
use terrace_store::queue::{JobQueue, Queues};
use terrace_store::schema::create_table;
use terrace_store::{Log, Secrets, Table};
use terrace_terra::SigningSecret;
use terrace_webhook::Webhook;
use terrace_worker::Worker;
use terrace_worker::fetch::Fetcher;
use terrace_worker::worker::Parts;

/// The table's name; there is one in the folder.
pub const TABLE: &str = "terrace";

/// A whole Terrace in a folder.
#[derive(Debug)]
pub struct Laptop {
    /// What receives deliveries.
    pub webhook: Webhook,
    /// What answers questions.
    pub query: Query,
    /// What works on jobs.
    pub worker: Worker,
    /// The jobs.
    pub jobs: FolderQueue,
    /// The pings, which never wait behind jobs.
    pub pings: FolderQueue,
    /// The database under the table.
    pub database: Database,
    /// Where lines go.
    pub telemetry: Arc<Telemetry>,
    /// Held while the folder is in use.
    _lock: File,
}

impl Laptop {
    /// Opens the folder, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used or is in use.
    pub async fn open(
        folder: &Path,
        secrets: Vec<SigningSecret>,
        intake: IntakeSettings,
        fetcher: Fetcher,
        telemetry: Telemetry,
    ) -> Result<Self, ServeError> {
        let lock = lock(folder)?;
        // The simulator on this machine hands out bodies too: it knows the key to the certificate in the folder.
        let identity = ping_host::ensure(folder)?;
        let fetcher = fetcher.trusting_local(&String::from_utf8_lossy(identity.certificate_pem()))?;
        let database = Database::open(folder)?;
        let jobs = FolderQueue::open(&folder.join("jobs"))?;
        let pings = FolderQueue::open(&folder.join("pings"))?;
        jobs.unpark().await?;
        database.remove_expired().await?;
        let client = database.client();
        create_table(&client, TABLE).await?;
        let table = Table::new(client, TABLE);
        let log = Log::new(table.clone(), Arc::new(folder_objects::objects(folder.join("objects"))));
        let queue: Arc<dyn JobQueue> =
            Arc::new(Queues { jobs: Arc::new(jobs.clone()), pings: Arc::new(pings.clone()) });
        let policy = Policy { log_days: intake.log_days, retention: intake.retention };
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::clone(&queue), policy);
        let telemetry = Arc::new(telemetry);
        let worker = Worker::new(Parts {
            ingest: ingest.clone(),
            table: table.clone(),
            log: log.clone(),
            queue: Arc::clone(&queue),
            fetcher,
            log_days: intake.log_days,
            telemetry: Arc::clone(&telemetry),
        });
        Ok(Self {
            webhook: Webhook::new(Secrets::fixed(secrets), ingest, intake, Arc::clone(&telemetry)),
            query: Query::new(table, log, queue, LargeAnswers::Streamed, Arc::clone(&telemetry)).beside_webhook(),
            worker,
            jobs,
            pings,
            database,
            telemetry,
            _lock: lock,
        })
    }

    /// The same, with who can ask Terra, if anybody.
    #[must_use]
    pub fn with_witness(mut self, witness: Option<Arc<dyn Witness>>) -> Self {
        if let Some(witness) = witness {
            self.query = self.query.with_witness(witness);
        }
        self
    }
}

fn lock(folder: &Path) -> Result<File, ServeError> {
    let failed = |cause| ServeError::Folder { folder: folder.to_owned(), cause };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

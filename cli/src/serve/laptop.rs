//! The parts of a laptop run, all in one folder.

use crate::serve::ServeError;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use terrace_ingest::Ingest;
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::Telemetry;
use terrace_store::local::{Database, FolderQueue, folder_objects};
use terrace_store::schema::create_table;
use terrace_store::{Log, Secrets, Table};
use terrace_terra::SigningSecret;
use terrace_webhook::Webhook;

/// The table's name; there is one in the folder.
const TABLE: &str = "terrace";

/// A whole Terrace in a folder.
#[derive(Debug)]
pub struct Laptop {
    /// What receives deliveries.
    pub webhook: Webhook,
    /// What answers questions.
    pub query: Query,
    /// What takes deliveries in, for the jobs.
    pub ingest: Ingest,
    /// The jobs.
    pub queue: FolderQueue,
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
        telemetry: Telemetry,
    ) -> Result<Self, ServeError> {
        let lock = lock(folder)?;
        let database = Database::open(folder)?;
        let queue = FolderQueue::open(&folder.join("jobs"))?;
        queue.unpark().await?;
        database.remove_expired().await?;
        let client = database.client();
        create_table(&client, TABLE).await?;
        let table = Table::new(client, TABLE);
        let log = Log::new(table.clone(), Arc::new(folder_objects::objects(folder.join("objects"))));
        let ingest = Ingest::new(table.clone(), log.clone(), Arc::new(queue.clone()), intake.log_days);
        let telemetry = Arc::new(telemetry);
        Ok(Self {
            webhook: Webhook::new(Secrets::fixed(secrets), ingest.clone(), intake, Arc::clone(&telemetry)),
            query: Query::new(table, log, LargeAnswers::Streamed, Arc::clone(&telemetry)),
            ingest,
            queue,
            database,
            telemetry,
            _lock: lock,
        })
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

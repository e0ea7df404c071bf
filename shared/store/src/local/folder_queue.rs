//! A job queue in a folder.
//!
//! A job is a file, and the file stays until the job is done, so a crash at any step leaves it queued. Which jobs are
//! worked on is known in memory alone: after a restart each file waits again. A job that is sent while it is worked on
//! is done once more afterwards, because the work may have been past what the sender wrote.

use super::queue_files::{Aside, QueueFiles, Queued, name_of};
use super::schedule::{Next, Schedule};
use crate::error::StoreError;
use crate::queue::{Job, JobQueue};
use async_trait::async_trait;
use std::fmt;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How often a job is tried before it is set aside as dead.
pub const MAX_ATTEMPTS: u32 = 8;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

const WORK: &str = "work on the job queue";

/// A durable queue in a folder. Cheap to clone; all clones are one queue.
#[derive(Clone)]
pub struct FolderQueue {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held through each step that touches files, so that steps do not mix. Never taken while `schedule` is held.
    files: Mutex<QueueFiles>,
    /// Held for moments only.
    schedule: Mutex<Schedule>,
    changed: Notify,
}

/// A job to work on. Dropped without a word to the queue, it waits again.
pub struct Taken {
    job: Job,
    attempts: u32,
    name: String,
    shared: Arc<Shared>,
}

/// How many jobs are set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Tried too often, or unreadable.
    pub dead: usize,
    /// Not known to the version that took them.
    pub parked: usize,
}

impl fmt::Debug for FolderQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FolderQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Taken");
        shown.field("job", &self.job).field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

impl Taken {
    /// What is to be done.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// How often it was tried before, and failed.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Does nothing where the queue was told how the work ended.
        self.shared.schedule().put_back(&self.name, Instant::now());
        self.shared.changed.notify_waiters();
    }
}

/// What a look at the queue came to.
enum Looked {
    Found(Taken),
    Nothing(Option<Instant>),
}

impl FolderQueue {
    /// The queue in a folder, made where it is missing, with the jobs that lie in it. Blocks while it opens.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, read or written, or another process has it open.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let opened = || -> io::Result<Self> {
            let files = QueueFiles::open(folder)?;
            let (mut schedule, now) = (Schedule::default(), Instant::now());
            for name in files.names()? {
                schedule.add(name, now);
            }
            let (files, schedule) = (Mutex::new(files), Mutex::new(schedule));
            Ok(Self { shared: Arc::new(Shared { files, schedule, changed: Notify::new() }) })
        };
        opened().map_err(|error| StoreError::refused("open the job queue", error))
    }

    /// Waits for a job that is due, and takes it. May be called by several workers, and dropped while it waits.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or moved. The job is tried again in a moment; so may the call be.
    pub async fn next(&self) -> Result<Taken, StoreError> {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // From here on no change is missed, so the look cannot be out of date when the wait begins.
            changed.as_mut().enable();
            match self.on_disk(Shared::look).await? {
                Looked::Found(taken) => return Ok(taken),
                Looked::Nothing(None) => changed.await,
                Looked::Nothing(Some(due)) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// The job is done. It is removed, unless it was sent again meanwhile.
    ///
    /// # Errors
    ///
    /// When its file cannot be removed. It will then be done again.
    pub async fn done(&self, taken: Taken) -> Result<(), StoreError> {
        self.on_disk(move |shared, files| shared.end_done(files, &taken)).await
    }

    /// The job failed. It is tried again after a while that doubles from 1 s to 60 s, and set aside as dead when
    /// [`MAX_ATTEMPTS`] failed. Sent again meanwhile, it starts anew. True when it is dead.
    ///
    /// # Errors
    ///
    /// When its file cannot be written. It is tried again all the same.
    pub async fn failed(&self, taken: Taken) -> Result<bool, StoreError> {
        self.on_disk(move |shared, files| shared.end_failed(files, &taken)).await
    }

    /// The job is not one that this version can do. It is set aside until [`FolderQueue::unpark`].
    ///
    /// # Errors
    ///
    /// When its file cannot be moved. It waits again.
    pub async fn park(&self, taken: Taken) -> Result<(), StoreError> {
        self.on_disk(move |shared, files| {
            files.set_aside(&taken.name, Aside::Parked)?;
            shared.schedule().forget(&taken.name);
            Ok(())
        })
        .await
    }

    /// Lets the parked jobs wait again, for a version that may do them, and says how many they were.
    ///
    /// # Errors
    ///
    /// When a file cannot be moved.
    pub async fn unpark(&self) -> Result<usize, StoreError> {
        self.on_disk(|shared, files| {
            let names = files.bring_back(Aside::Parked)?;
            let (mut schedule, now) = (shared.schedule(), Instant::now());
            for name in &names {
                if !schedule.send_again(name) {
                    schedule.add(name.clone(), now);
                }
            }
            shared.changed.notify_waiters();
            Ok(names.len())
        })
        .await
    }

    /// How many jobs are set aside.
    ///
    /// # Errors
    ///
    /// When the folders cannot be read.
    pub async fn set_aside(&self) -> Result<SetAside, StoreError> {
        let count = |files: &QueueFiles| -> io::Result<SetAside> {
            Ok(SetAside { dead: files.count(Aside::Dead)?, parked: files.count(Aside::Parked)? })
        };
        self.on_disk(move |_, files| count(files)).await
    }

    /// How many jobs wait or are worked on; those that are set aside do not count.
    pub fn len(&self) -> usize {
        self.shared.schedule().len()
    }

    /// Whether there is no job left to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there is no job left to do.
    pub async fn idle(&self) {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if self.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Runs a step on a thread for blocking work. It runs to its end also when the caller is gone.
    async fn on_disk<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Arc<Shared>, &QueueFiles) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.shared.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let files = shared.files.lock().unwrap_or_else(PoisonError::into_inner);
            step(&shared, &files)
        });
        ran.await
            .map_err(|error| StoreError::unavailable(WORK, error))?
            .map_err(|error| StoreError::unavailable(WORK, error))
    }
}

#[async_trait]
impl JobQueue for FolderQueue {
    async fn send(&self, job: &Job) -> Result<(), StoreError> {
        let name = name_of(job).map_err(|error| StoreError::refused("queue a job", error))?;
        let job = job.clone();
        self.on_disk(move |shared, files| {
            // A job that is known has its file on the disk already.
            if !shared.schedule().send_again(&name) {
                files.write(&name, &Queued { job, attempts: 0 })?;
                shared.schedule().add(name, Instant::now());
                shared.changed.notify_waiters();
            }
            Ok(())
        })
        .await
    }
}

impl Shared {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next job that is due. A file that is no job goes to the dead ones and does not stop the others.
    fn look(self: &Arc<Self>, files: &QueueFiles) -> io::Result<Looked> {
        loop {
            let name = match self.schedule().take(Instant::now()) {
                Next::Work(name) => name,
                Next::WaitUntil(due) => return Ok(Looked::Nothing(Some(due))),
                Next::Wait => return Ok(Looked::Nothing(None)),
            };
            let read = match files.read(&name) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    files.set_aside(&name, Aside::Dead).map(|()| None)
                }
                // Somebody removed it by hand.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                read => read.map(Some),
            };
            match read {
                Ok(Some(Queued { job, attempts })) => {
                    return Ok(Looked::Found(Taken { job, attempts, name, shared: self.clone() }));
                }
                Ok(None) => {
                    self.schedule().forget(&name);
                    self.changed.notify_waiters();
                }
                Err(error) => {
                    self.schedule().put_back(&name, Instant::now() + FIRST_DELAY);
                    return Err(error);
                }
            }
        }
    }

    fn end_done(&self, files: &QueueFiles, taken: &Taken) -> io::Result<()> {
        if !self.schedule().is_sent_again(&taken.name) {
            files.remove(&taken.name)?;
            self.schedule().forget(&taken.name);
        } else if taken.attempts > 0 {
            files.write(&taken.name, &Queued { job: taken.job.clone(), attempts: 0 })?;
        }
        // One that was sent again waits again when `taken` is dropped.
        Ok(())
    }

    fn end_failed(&self, files: &QueueFiles, taken: &Taken) -> io::Result<bool> {
        let sent_again = self.schedule().is_sent_again(&taken.name);
        let failed = taken.attempts.saturating_add(1);
        if failed >= MAX_ATTEMPTS && !sent_again {
            files.set_aside(&taken.name, Aside::Dead)?;
            self.schedule().forget(&taken.name);
            return Ok(true);
        }
        let attempts = if sent_again { 0 } else { failed };
        let written = files.write(&taken.name, &Queued { job: taken.job.clone(), attempts });
        self.schedule().put_back(&taken.name, Instant::now() + delay(failed));
        written.map(|()| false)
    }
}

/// How long a job waits after it failed this often.
fn delay(failed: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
    FIRST_DELAY.saturating_mul(doubled).min(LONGEST_DELAY)
}

#[cfg(test)]
#[path = "folder_queue_tests.rs"]
mod tests;

//! The queue as it lies on the disk: a file for each job, named after what the job is.

use super::durable::{UNFINISHED, create_folder, move_file, sync_folder, write_file};
use crate::queue::Job;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const JOB: &str = "json";
const LOCK: &str = "lock";

/// Where jobs go that were tried too often, and files that are no jobs.
const DEAD: &str = "dead";
/// Where jobs go that this version cannot do.
const PARKED: &str = "parked";

/// What a file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Queued {
    pub(super) job: Job,
    /// How often it was tried and failed.
    pub(super) attempts: u32,
}

/// A place for jobs that are not to be done for now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aside {
    Dead,
    Parked,
}

impl Aside {
    fn folder(self) -> &'static str {
        match self {
            Self::Dead => DEAD,
            Self::Parked => PARKED,
        }
    }
}

/// The folder of a queue. One process has it at a time.
#[derive(Debug)]
pub(super) struct QueueFiles {
    folder: PathBuf,
    /// Locked as long as it is open, and let go by the system when the process ends, however it ends.
    _lock: File,
}

impl QueueFiles {
    /// Opens the folder, made where it is missing, and removes what was not finished.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        create_folder(&folder.join(DEAD))?;
        create_folder(&folder.join(PARKED))?;
        let lock = File::create(folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process works on this folder; end it or choose another folder",
            ),
            TryLockError::Error(error) => error,
        })?;
        let files = Self { folder: folder.to_owned(), _lock: lock };
        for (path, _) in files.files_in(folder, UNFINISHED)? {
            fs::remove_file(path)?;
        }
        // A file may have been renamed and its folder not synced when the process ended.
        sync_folder(folder)?;
        Ok(files)
    }

    /// The names of the jobs, the oldest first.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut files: Vec<(SystemTime, String)> = self
            .files_in(&self.folder, JOB)?
            .into_iter()
            .filter_map(|(path, modified)| Some((modified, path.file_stem()?.to_str()?.to_owned())))
            .collect();
        files.sort();
        Ok(files.into_iter().map(|(_, name)| name).collect())
    }

    fn files_in(&self, folder: &Path, extension: &str) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|known| known == extension) {
                let modified = fs::metadata(&path)?.modified()?;
                found.push((path, modified));
            }
        }
        Ok(found)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{JOB}"))
    }

    fn path_aside(&self, aside: Aside, name: &str) -> PathBuf {
        self.folder.join(aside.folder()).join(format!("{name}.{JOB}"))
    }

    /// Reads a job. An error of the kind `InvalidData` says that the file is no job.
    pub(super) fn read(&self, name: &str) -> io::Result<Queued> {
        let bytes = fs::read(self.path(name))?;
        serde_json::from_slice(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Writes a job, durably.
    pub(super) fn write(&self, name: &str, queued: &Queued) -> io::Result<()> {
        write_file(&self.path(name), &serde_json::to_vec(queued)?)
    }

    /// Removes a job that is done. Where that is lost with the power, the job is done once more.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Sets a job aside.
    pub(super) fn set_aside(&self, name: &str, aside: Aside) -> io::Result<()> {
        move_file(&self.path(name), &self.path_aside(aside, name))
    }

    /// Brings jobs back that were set aside, and names them.
    pub(super) fn bring_back(&self, aside: Aside) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for (path, _) in self.files_in(&self.folder.join(aside.folder()), JOB)? {
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            move_file(&path, &self.path(name))?;
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// How many jobs are set aside.
    pub(super) fn count(&self, aside: Aside) -> io::Result<usize> {
        Ok(self.files_in(&self.folder.join(aside.folder()), JOB)?.len())
    }
}

/// The name of a job's file: the same for the same job.
pub(super) fn name_of(job: &Job) -> serde_json::Result<String> {
    Ok(HEXLOWER.encode(&Sha256::digest(serde_json::to_vec(job)?)))
}

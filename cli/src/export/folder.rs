//! The folder of an export. Lines are added to `….partial` files; now and then these are put on the disk, and then the
//! manifest says how long each is. Whatever lies behind that length when an export goes on is cut off.

use crate::export::error::ExportError;
use crate::export::manifest::{Asked, MANIFEST, Manifest, Progress, State, VERSION, Written};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How the name of a file ends that is not whole.
pub const PARTIAL: &str = "partial";

/// A folder that is being written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held while the folder is written to, so that no second command writes there.
    lock: File,
    /// How far it is.
    pub manifest: Manifest,
    open: BTreeMap<String, File>,
}

impl Folder {
    /// Opens a folder for an export: a new one, an empty one, or one that the same export goes on in.
    ///
    /// # Errors
    ///
    /// When it is none of these, is written to by somebody else, or cannot be written to.
    pub fn open(path: &Path, asked: Asked) -> Result<Self, ExportError> {
        fs::create_dir_all(path).map_err(ExportError::at(path))?;
        let lock = File::open(path).map_err(ExportError::at(path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ExportError::Busy(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(ExportError::at(path)(cause)),
        }
        let manifest = match found(path)? {
            Some(manifest) => {
                let differences = manifest.asked.differences(&asked);
                if !differences.is_empty() {
                    let what = differences.join(", ");
                    return Err(ExportError::OtherAsked { path: path.to_owned(), what });
                }
                manifest
            }
            None => Manifest { terrace_export: VERSION, asked, state: State::Reading, progress: Progress::default() },
        };
        let mut folder = Self { path: path.to_owned(), lock, manifest, open: BTreeMap::new() };
        folder.take_up()?;
        // Now it is known whether the folder can be written to, and whose it is.
        folder.write_manifest()?;
        Ok(folder)
    }

    /// Where lines of a type are added.
    pub fn lines(&self, data_type: &str) -> PathBuf {
        self.path.join(format!("{data_type}.jsonl.{PARTIAL}"))
    }

    /// Where the whole file of a type lies in the end.
    pub fn whole(&self, data_type: &str) -> PathBuf {
        self.path.join(format!("{data_type}.{}", self.manifest.asked.format.ending()))
    }

    /// Cuts off what lies behind the place that the manifest knows.
    fn take_up(&mut self) -> Result<(), ExportError> {
        if self.manifest.state != State::Reading {
            return Ok(());
        }
        for (data_type, written) in &self.manifest.progress.files {
            let path = self.lines(data_type);
            let damaged = |what: &str| ExportError::Damaged { path: path.clone(), what: what.to_owned() };
            let file = OpenOptions::new().write(true).open(&path);
            let mut file = file.map_err(|cause| match cause.kind() {
                ErrorKind::NotFound => damaged("it is gone"),
                _ => ExportError::at(path.clone())(cause),
            })?;
            let length = file.metadata().map_err(ExportError::at(path.clone()))?.len();
            if length < written.bytes {
                return Err(damaged("it is shorter than the manifest says"));
            }
            file.set_len(written.bytes).map_err(ExportError::at(path.clone()))?;
            file.seek(SeekFrom::End(0)).map_err(ExportError::at(path.clone()))?;
            self.open.insert(data_type.clone(), file);
        }
        Ok(())
    }

    /// Adds lines of a type. They count once [`Folder::save`] has put them on the disk.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn add(&mut self, data_type: &str, records: u64, lines: &[u8]) -> Result<(), ExportError> {
        let path = self.lines(data_type);
        if !self.open.contains_key(data_type) {
            let file = File::create(&path).map_err(ExportError::at(path.clone()))?;
            self.open.insert(data_type.to_owned(), file);
        }
        let Some(file) = self.open.get_mut(data_type) else { return Ok(()) };
        file.write_all(lines).map_err(ExportError::at(path))?;
        let written: &mut Written = self.manifest.progress.files.entry(data_type.to_owned()).or_default();
        written.bytes += lines.len() as u64;
        written.records += records;
        Ok(())
    }

    /// Puts everything on the disk, and then what is known of it.
    ///
    /// # Errors
    ///
    /// When that cannot be done.
    pub fn save(&mut self) -> Result<(), ExportError> {
        for (data_type, file) in &self.open {
            file.sync_data().map_err(ExportError::at(self.lines(data_type)))?;
        }
        self.write_manifest()
    }

    /// Goes on to the next state, and closes what was added to.
    ///
    /// # Errors
    ///
    /// When that cannot be written down.
    pub fn enter(&mut self, state: State) -> Result<(), ExportError> {
        self.manifest.state = state;
        self.save()?;
        self.open.clear();
        Ok(())
    }

    fn write_manifest(&self) -> Result<(), ExportError> {
        let path = self.path.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&self.manifest).unwrap_or_default();
        let partial = partial(&path);
        let written = File::create(&partial).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(ExportError::at(partial.clone()))?;
        self.put_in_place(&partial, &path)
    }

    /// Gives a file that is whole its name.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed.
    pub fn put_in_place(&self, partial: &Path, path: &Path) -> Result<(), ExportError> {
        fs::rename(partial, path).map_err(ExportError::at(path))?;
        // The name is on the disk once the folder is.
        self.lock.sync_all().map_err(ExportError::at(self.path.clone()))
    }
}

/// The name of a file while it is not whole.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PARTIAL);
    PathBuf::from(name)
}

/// The manifest of a folder; `None` where the folder is empty.
fn found(path: &Path) -> Result<Option<Manifest>, ExportError> {
    let place = path.join(MANIFEST);
    let mut text = String::new();
    match File::open(&place).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => {
            let damaged = |what: String| ExportError::Damaged { path: place.clone(), what };
            let manifest: Manifest = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
            // File names are made of them.
            let names = manifest.progress.files.keys().all(|name| is_type(name));
            if manifest.terrace_export != VERSION || !names {
                return Err(damaged("it was written by another version of terrace".to_owned()));
            }
            Ok(Some(manifest))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let ours = partial(&place);
            for entry in fs::read_dir(path).map_err(ExportError::at(path))? {
                // Left by an export that found no room for its first manifest.
                if entry.map_err(ExportError::at(path))?.path() != ours {
                    return Err(ExportError::NotEmpty(path.to_owned()));
                }
            }
            Ok(None)
        }
        Err(cause) => Err(ExportError::at(place)(cause)),
    }
}

/// Whether a text may be the name of a type, and with that of a file.
pub fn is_type(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

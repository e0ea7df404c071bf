//! Why an export cannot be made, or not go on.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Why an export cannot be made, or not go on. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is something else in the folder.
    #[error("{} is not empty and holds no export; name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// There is another export in the folder.
    #[error("{} holds an export made with another {what}; name a new folder, or give the options that it was made with", .path.display())]
    OtherAsked {
        /// The folder.
        path: PathBuf,
        /// Which options differ.
        what: String,
    },
    /// Another export is being written there.
    #[error("another terrace is writing to {}", .0.display())]
    Busy(PathBuf),
    /// What is there cannot be gone on with.
    #[error("{} cannot be gone on with: {what}; name a new folder", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {cause}. {}", .path.display(), advice(cause))]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl ExportError {
    /// 1 where the disk said no, 2 where the folder is not one to write to.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Disk { .. } => 1,
            Self::NotEmpty(_) | Self::OtherAsked { .. } | Self::Busy(_) | Self::Damaged { .. } => 2,
        }
    }

    /// Says which file an error is of.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Disk { path, cause }
    }
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Nothing half-written counts as whole: make room and give the same command again, it goes on where it was"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "Name a folder that may be written to",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "Name a folder",
        _ => "Nothing half-written counts as whole; the same command goes on where it was",
    }
}

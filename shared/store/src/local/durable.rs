//! Files and folders that are on the disk, and not only in its cache, before the call returns.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::Path;

/// What a file is called until it is whole.
pub(super) const UNFINISHED: &str = "tmp";

/// Makes a folder and those above it, readable by the owner alone: what lies in it is health data.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(parent)?;
    match owners_folder().create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(parent)
}

#[cfg(unix)]
fn owners_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn owners_folder() -> DirBuilder {
    DirBuilder::new()
}

/// Writes a file whole or not at all, in the place of one of the same name.
pub(super) fn write_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = file.with_extension(UNFINISHED);
    let mut writer = File::create(&unfinished)?;
    writer.write_all(bytes)?;
    writer.sync_all()?;
    fs::rename(&unfinished, file)?;
    sync_parent(file)
}

/// Moves a file to another folder, over one of the same name.
pub(super) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)?;
    sync_parent(from)
}

/// Makes the names in a folder as durable as what they stand for.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere than on Unix a folder cannot be opened as a file; there its names are durable as they are written.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn sync_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), sync_folder)
}

//! Making whole files of what was read. Each step can be done again: a file that has its name is whole.

use crate::export::columns::Columns;
use crate::export::error::ExportError;
use crate::export::folder::{Folder, partial};
use crate::export::manifest::Format;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes every file whole. `false` if somebody wanted an end before.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn finish(folder: &Folder, stop: &AtomicBool) -> Result<bool, ExportError> {
    for data_type in folder.manifest.progress.files.keys() {
        let (lines, whole) = (folder.lines(data_type), folder.whole(data_type));
        if !lines.exists() && whole.exists() {
            continue;
        }
        match folder.manifest.asked.format {
            Format::Jsonl => folder.put_in_place(&lines, &whole)?,
            Format::Csv => {
                let rows = partial(&whole);
                if !convert(&lines, &rows, stop).map_err(ExportError::at(rows.clone()))? {
                    return Ok(false);
                }
                folder.put_in_place(&rows, &whole)?;
                fs::remove_file(&lines).map_err(ExportError::at(lines))?;
            }
        }
    }
    Ok(true)
}

/// Writes lines as rows, onto the disk.
fn convert(lines: &Path, rows: &Path, stop: &AtomicBool) -> io::Result<bool> {
    let check = || match stop.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let Some(columns) = Columns::of(BufReader::new(File::open(lines)?), &check)? else { return Ok(false) };
    let file = File::create(rows)?;
    if !columns.write(BufReader::new(File::open(lines)?), BufWriter::new(&file), &check)? {
        return Ok(false);
    }
    file.sync_all()?;
    Ok(true)
}

//! What a receiver weighs as Lambda takes it: one zip file, deflated as hard as it goes.

use crate::error::{BenchError, Doing};
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What is in a folder of packages but not in a bundle: what Python compiled, what npm linked, what installed the rest.
const LEFT_OUT: [&str; 6] = ["__pycache__", ".bin", "pip", "setuptools", "_distutils_hack", "distutils-precedence"];

type Zip = ZipWriter<Cursor<Vec<u8>>>;

/// The length in bytes of a zip file of these files and folders, each under the name given.
///
/// # Errors
///
/// When one of them cannot be read.
pub fn zipped(parts: &[(&Path, &str)]) -> Result<u64, BenchError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, name) in parts {
        add(&mut zip, path, name).doing(&format!("zip {}", path.display()))?;
    }
    let file = zip.finish().map_err(io::Error::from).doing("finish the zip file")?;
    Ok(u64::try_from(file.into_inner().len()).unwrap_or(u64::MAX))
}

fn add(zip: &mut Zip, path: &Path, name: &str) -> io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let below = entry.file_name().to_string_lossy().into_owned();
            if !LEFT_OUT.iter().any(|left_out| below.starts_with(left_out)) {
                add(zip, &entry.path(), &format!("{name}/{below}"))?;
            }
        }
        return Ok(());
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .unix_permissions(0o755);
    zip.start_file(name, options)?;
    io::copy(&mut File::open(path)?, zip)?;
    Ok(())
}

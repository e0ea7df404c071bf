//! What was asked for, a line each, so that a backfill that was stopped goes on where it was.
//!
//! A line is written once Terra has accepted a request, and another once everything of it came. What was asked and not
//! written is asked again, which changes nothing but the traffic.

use crate::backfill::plan::Ask;
use crate::error::CommandError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use terrace_terra_api::HistoryType;

/// A request that Terra has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// When.
    pub at: Timestamp,
    /// What its deliveries bear.
    pub reference: Option<String>,
    /// Whether it comes in chunks.
    pub large: bool,
    /// Whether it all came.
    pub came: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    user_id: String,
    #[serde(rename = "type")]
    of: String,
    from: String,
    to: String,
    at: String,
    reference: Option<String>,
    large: bool,
    came: bool,
}

impl Line {
    fn read(text: &str) -> Option<(Ask, Accepted)> {
        let line: Self = serde_json::from_str(text).ok()?;
        let (from, to, at) = (line.from.parse().ok()?, line.to.parse().ok()?, line.at.parse().ok()?);
        let of = HistoryType::from_name(&line.of)?;
        let accepted = Accepted { at, reference: line.reference, large: line.large, came: line.came };
        Some((Ask { user_id: line.user_id, of, from, to }, accepted))
    }

    fn of(ask: &Ask, accepted: &Accepted) -> Self {
        Self {
            user_id: ask.user_id.clone(),
            of: ask.of.name().to_owned(),
            from: ask.from.to_string(),
            to: ask.to.to_string(),
            at: accepted.at.to_string(),
            reference: accepted.reference.clone(),
            large: accepted.large,
            came: accepted.came,
        }
    }
}

/// The journal, held by one backfill at a time.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Opens the journal, which is made where it is missing, and reads what it has. A line that broke off is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written, or another backfill holds it.
    pub fn open(path: &Path) -> Result<(Self, BTreeMap<Ask, Accepted>), CommandError> {
        let failed = |cause: io::Error| {
            let message = format!("cannot use the journal {}: {cause}; name another with --journal", path.display());
            CommandError::Usage(message)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        // It names users.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another backfill holds the journal {}", path.display());
                return Err(CommandError::Usage(message));
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n").map_err(failed)?;
        }
        let kept = String::from_utf8_lossy(&bytes).lines().filter_map(Line::read).collect();
        Ok((Self(file), kept))
    }

    /// Writes what is so from now on.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn note(&mut self, ask: &Ask, accepted: &Accepted) -> io::Result<()> {
        let mut line = serde_json::to_string(&Line::of(ask, accepted))?;
        line.push('\n');
        self.0.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_and_a_line_that_broke_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/journal.jsonl");
        let ask = |user: &str| Ask {
            user_id: user.to_owned(),
            of: HistoryType::ALL[2],
            from: "2026-01-01".parse().unwrap(),
            to: "2026-02-01".parse().unwrap(),
        };
        let at = "2026-07-01T00:00:00Z".parse().unwrap();
        let accepted = Accepted { at, reference: Some("r".to_owned()), large: true, came: false };
        let (mut journal, before) = Journal::open(&path).unwrap();
        assert!(before.is_empty());
        journal.note(&ask("u"), &accepted).unwrap();
        journal.note(&ask("v"), &accepted).unwrap();
        journal.note(&ask("v"), &Accepted { came: true, ..accepted.clone() }).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().exit_status(), 2, "it is held");
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"user_id":"w","type":"dai"#).unwrap();
        drop(file);
        for expected in [2, 3] {
            let (mut journal, kept) = Journal::open(&path).unwrap();
            assert_eq!(kept.len(), expected);
            assert!(kept[&ask("v")].came && !kept[&ask("u")].came);
            journal.note(&ask("x"), &accepted).unwrap();
        }
    }
}

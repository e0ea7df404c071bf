//! What is written beside an export: what was asked, and how far it is. An export that was stopped goes on from it.

use crate::records::Detail;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the file.
pub const MANIFEST: &str = "manifest.json";
/// The layout of the file.
pub const VERSION: u32 = 1;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A JSON object on each line.
    Jsonl,
    /// A row for each record, a column for each value of its summary.
    Csv,
}

impl Format {
    /// How its files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// What was asked. Two exports of the same are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Of which Terrace.
    pub url: String,
    /// Of these users; of all where neither they nor end users are named.
    pub users: Vec<String>,
    /// Of these end users.
    #[serde(default)]
    pub references: Vec<String>,
    /// Of these types; of all where there is none.
    pub types: Vec<String>,
    /// From this day or moment on.
    pub from: Option<String>,
    /// Up to this day or moment.
    pub to: Option<String>,
    /// Changed since.
    pub updated_since: Option<String>,
    /// As these files.
    pub format: Format,
    /// So much of each record.
    pub detail: Detail,
}

impl Asked {
    /// Whether everybody is asked for.
    pub fn everybody(&self) -> bool {
        self.users.is_empty() && self.references.is_empty()
    }

    /// What differs from another, in the words of the options.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("--url or --profile", self.url == other.url),
            ("--user", self.users == other.users),
            ("--reference", self.references == other.references),
            ("--type", self.types == other.types),
            ("--from", self.from == other.from),
            ("--to", self.to == other.to),
            ("--updated-since", self.updated_since == other.updated_since),
            ("--format", self.format == other.format),
            ("--detail", self.detail == other.detail),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Records are being read.
    Reading,
    /// All were read; the files are made ready.
    Read,
    /// All files are whole.
    Whole,
}

/// Whose records are read, as far as lines name them: a connection's; or, without a `user_id`, those of an end user that
/// name no connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Terra's id.
    pub user_id: Option<String>,
    /// The customer's name for them.
    pub reference_id: Option<String>,
}

impl Person {
    /// Where the records lie: the collection, and the name in it.
    pub fn home(&self) -> [&str; 2] {
        match (&self.user_id, &self.reference_id) {
            (Some(user), _) => ["users", user],
            (None, reference) => ["references", reference.as_deref().unwrap_or_default()],
        }
    }

    /// Whether a path carries the name. Terra's ids are UUIDs, your own are what you make them.
    pub fn can_be_asked(&self) -> bool {
        let [_, name] = self.home();
        !matches!(name, "" | "." | "..") && !name.contains('/')
    }
}

/// A place in the records of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Place {
    /// Which of the types that were asked for.
    pub type_at: usize,
    /// Where its list goes on.
    pub cursor: Option<String>,
}

/// The place in the whole up to which everything lies in the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Progress {
    /// The page of users that is being read.
    pub page: Option<String>,
    /// Who of it is done.
    pub done: Vec<Person>,
    /// Who is being read, and where it goes on.
    pub current: Option<(Person, Place)>,
    /// How many users are done.
    pub users: u64,
    /// How many users could not be asked for, because no path carries their id.
    #[serde(default)]
    pub left_out: u64,
    /// How many records are not in the files, because what is stored of them cannot be read.
    #[serde(default)]
    pub damaged_records: u64,
    /// How many users were not read, because what is stored of them cannot be.
    #[serde(default)]
    pub damaged_users: u64,
    /// The files, by type.
    pub files: BTreeMap<String, Written>,
}

impl Progress {
    /// How many records lie in the files.
    pub fn records(&self) -> u64 {
        self.files.values().map(|written| written.records).sum()
    }
}

/// How much of a file is known to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Written {
    /// Its length.
    pub bytes: u64,
    /// How many records it has.
    pub records: u64,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its layout.
    pub terrace_export: u32,
    /// What was asked.
    pub asked: Asked,
    /// How far it is.
    pub state: State,
    /// The place.
    pub progress: Progress,
}

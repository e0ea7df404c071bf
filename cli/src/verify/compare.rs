//! Two views, register by register.

use crate::error::CommandError;
use crate::verify::Report;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use terrace_records::{PartitionKind, Version};
use terrace_store::view_items::{Value, ViewItem};
use terrace_store::{LoggedDelivery, Table};

/// How much of what the log no longer covers is told.
const TOLD: usize = 20;

/// What the log still has.
#[derive(Debug, Default)]
pub struct Covered {
    /// Copies, by their record's sort key and their version.
    copies: HashSet<(String, Version)>,
    /// A delivery has more copies than its list holds.
    unlisted: bool,
    /// When the oldest delivery was made, in milliseconds since 1970.
    oldest_ms: Option<u64>,
}

impl Covered {
    /// Adds a delivery of the log.
    pub fn add(&mut self, logged: &LoggedDelivery) {
        let time_ms = logged.key.time_ms();
        self.oldest_ms = Some(self.oldest_ms.map_or(time_ms, |oldest| oldest.min(time_ms)));
        match &logged.copies {
            Some(copies) => {
                let copies = copies.iter().map(|copy| (copy.record.sort_key().to_owned(), copy.version));
                self.copies.extend(copies);
            }
            None => self.unlisted = true,
        }
    }

    fn has(&self, sort_key: &str, version: Version) -> bool {
        self.unlisted || self.copies.contains(&(sort_key.to_owned(), version))
    }

    fn reaches(&self, time_ms: u64) -> bool {
        self.oldest_ms.is_some_and(|oldest| oldest <= time_ms)
    }
}

type Keys = (String, String);

/// A comparison under way.
pub struct Comparison<'r> {
    covered: &'r Covered,
    report: &'r mut Report,
    view: BTreeMap<Keys, ViewItem>,
    erased: BTreeSet<String>,
}

impl<'r> Comparison<'r> {
    /// Nothing is compared yet.
    pub fn new(covered: &'r Covered, report: &'r mut Report) -> Self {
        Self { covered, report, view: BTreeMap::new(), erased: BTreeSet::new() }
    }

    /// Reads the view that is there.
    pub async fn add_view(&mut self, table: &Table) -> Result<(), CommandError> {
        self.view = read(table).await?;
        let erased = self
            .view
            .values()
            .filter(|item| is_connection(item) && item.connection().erasure(item.partition.kind()).is_some());
        self.erased = erased.map(|item| item.partition.as_str().to_owned()).collect();
        self.report.erased = self.erased.len() as u64;
        Ok(())
    }

    /// Compares with the one that was made anew.
    pub async fn compare_with(&mut self, scratch: &Table) -> Result<(), CommandError> {
        let mut anew = read(scratch).await?;
        let view = std::mem::take(&mut self.view);
        let erased = std::mem::take(&mut self.erased);
        let compared = |item: &ViewItem| !erased.contains(item.partition.as_str());
        for (keys, item) in view.iter().filter(|(_, item)| compared(item)) {
            *self.report.compared.entry(kind(item)).or_default() += 1;
            let made = anew.remove(keys);
            self.item(item, made.as_ref());
        }
        for item in anew.values().filter(|item| compared(item)) {
            self.differs(item, "the log has it, the view does not");
        }
        Ok(())
    }

    fn item(&mut self, item: &ViewItem, made: Option<&ViewItem>) {
        // Where the copy that is kept is no longer in the log, nothing of it can be made anew but its scores.
        let kept = item.kept();
        let beyond =
            kept.is_some_and(|kept| !self.covered.has(&item.sort_key, kept)) && made.and_then(ViewItem::kept) < kept;
        // What stands beside the registers of a connection, such as its place in an index, goes with them.
        let rootless = made.is_none()
            && item.record().is_none()
            && item.values.keys().all(|name| item.register(name).is_none() || self.is_older_register(item, name));
        let none = BTreeMap::new();
        let made = made.map_or(&none, |made| &made.values);
        let names: BTreeSet<&String> = item.values.keys().chain(made.keys()).collect();
        for name in names {
            self.report.registers += 1;
            let (stands, anew) = (item.values.get(name), made.get(name));
            if stands == anew || is_tie(name, stands, anew) {
                continue;
            }
            let own = item.version(name).is_some_and(|version| !self.covered.has(&item.sort_key, version));
            let of_record = beyond && item.version(name).is_none_or(|_| name == "version");
            if own
                || of_record
                || rootless
                || self.is_older_register(item, name)
                || self.are_more_chunks(item, stands, anew)
            {
                self.report.not_covered += 1;
                if self.report.beyond_the_log.len() < TOLD {
                    self.report.beyond_the_log.push(named(item, name));
                }
            } else {
                let what = format!("{name}: {} in the view, {} by the log", shown(stands), shown(anew));
                self.differs(item, &what);
            }
        }
    }

    /// A register of a connection that was set before the log begins.
    fn is_older_register(&self, item: &ViewItem, name: &str) -> bool {
        item.register(name).is_some_and(|register| !self.covered.reaches(register.time_ms()))
    }

    /// Chunks that came before the log begins.
    fn are_more_chunks(&self, item: &ViewItem, stands: Option<&Value>, anew: Option<&Value>) -> bool {
        match (stands, anew) {
            (Some(Value::Numbers(stand)), Some(Value::Numbers(anew))) => stand.is_superset(anew),
            (Some(_), None) => item.sort_key.starts_with("request#"),
            _ => false,
        }
    }

    fn differs(&mut self, item: &ViewItem, what: &str) {
        self.report.differences.push(format!("{} {}: {what}", item.partition.as_str(), item.sort_key));
    }
}

/// The same copy may have come with several deliveries: which of them is named is theirs to decide, and so is the
/// provider and where in the log the bytes lie.
fn is_tie(name: &str, stands: Option<&Value>, anew: Option<&Value>) -> bool {
    let both = stands.is_some() && anew.is_some();
    both && matches!(name, "delivery" | "source" | "provider")
}

fn is_connection(item: &ViewItem) -> bool {
    item.sort_key == "connection"
}

fn kind(item: &ViewItem) -> &'static str {
    match item.record() {
        Some(key) => key.data_type().name(),
        None if is_connection(item) && item.partition.kind() == PartitionKind::User => "connection",
        None if item.sort_key.starts_with("request#") => "request",
        None => "other",
    }
}

fn named(item: &ViewItem, name: &str) -> String {
    format!("{} {}: {name}", item.partition.as_str(), item.sort_key)
}

/// A value, as far as it helps: health data is not printed.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Bytes(bytes)) => format!("{} bytes", bytes.len()),
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::Numbers(numbers)) => format!("{} numbers", numbers.len()),
    }
}

async fn read(table: &Table) -> Result<BTreeMap<Keys, ViewItem>, CommandError> {
    let (mut items, mut position) = (BTreeMap::new(), None);
    loop {
        let (page, next) = table.view_items(position.as_ref()).await?;
        items.extend(page.into_iter().map(|item| ((item.partition.as_str().to_owned(), item.sort_key.clone()), item)));
        position = next;
        if position.is_none() {
            return Ok(items);
        }
    }
}

//! The log: every verified delivery, byte for byte, kept before it is acted on.
//!
//! It has two tiers, chosen by price: a body that packs into 4 KiB lies in its item (one to four write units), a larger
//! one in an object, written first (one PUT costs as much as eight write units).

use crate::copies::{self, CopyOf};
use crate::error::StoreError;
use crate::item::{self, Item, b, n, s};
use crate::objects::Objects;
use crate::schema::attribute as a;
use crate::table::{Changed, Table};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use bytes::Bytes;
use std::sync::Arc;
use terrace_records::{LogKey, Partition};

/// A reference header that is longer than this names nothing.
const MAX_REFERENCE: usize = 1_024;

/// A delivery as it goes into the log.
#[derive(Debug)]
pub struct LogEntry<'a> {
    /// Whose life it belongs to.
    pub partition: &'a Partition,
    /// What it is called there.
    pub key: &'a LogKey,
    /// Its event type.
    pub event: &'static str,
    /// The signature's `t`, in seconds since 1970.
    pub signed_at: u64,
    /// The ordering header, in milliseconds since 1970.
    pub ordering_ms: Option<u64>,
    /// The reference header.
    pub reference: Option<&'a str>,
    /// The length of the body in bytes.
    pub size: usize,
    /// The body.
    pub body: LogBody,
    /// The records it has copies of.
    pub copies: &'a [CopyOf],
    /// There is nothing to keep of it but the log.
    pub ignored: bool,
    /// Why it was not wholly understood.
    pub quarantine: Option<&'static str>,
    /// The server's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// The day of that clock, `YYYY-MM-DD`.
    pub today: String,
    /// When the item may be removed, in seconds since 1970.
    pub expires_at: u64,
}

/// What a delivery is, stated anew.
#[derive(Debug, Clone, Copy)]
pub struct Stated<'a> {
    /// Its event type.
    pub event: &'static str,
    /// The records it has copies of.
    pub copies: &'a [CopyOf],
    /// There is nothing to keep of it but the log.
    pub ignored: bool,
    /// Why it is not wholly understood.
    pub quarantine: Option<&'a str>,
    /// Where its body lies from now on, where that is another place.
    pub body: Option<&'a LogBody>,
    /// The day of the server's clock, `YYYY-MM-DD`.
    pub today: &'a str,
}

impl Stated<'_> {
    fn change(self) -> Result<item::Change, StoreError> {
        let mut change = item::Change::default();
        change.require_presence(a::EVENT);
        change.set(a::EVENT, s(self.event));
        match copies::encode(self.copies)? {
            Some(list) => change.set(a::COPIES, b(list)),
            None => change.remove(a::COPIES),
        }
        match self.ignored {
            true => change.set(a::IGNORED, AttributeValue::Bool(true)),
            false => change.remove(a::IGNORED),
        }
        match self.quarantine {
            Some(reason) => {
                change.set(a::QUARANTINE, s(reason));
                change.set_if_absent(a::QUARANTINE_DAY, s(self.today));
            }
            None => {
                change.remove(a::QUARANTINE);
                change.remove(a::QUARANTINE_DAY);
            }
        }
        match self.body {
            Some(LogBody::Inline(frame)) => {
                change.set(a::BODY, b(frame.as_slice()));
                change.remove(a::OBJECT);
            }
            Some(LogBody::Object(key)) => {
                change.set(a::OBJECT, s(key.as_str()));
                change.remove(a::BODY);
            }
            None => {}
        }
        Ok(change)
    }
}

/// On the condition that nothing is there.
fn absent() -> item::Change {
    let mut guard = item::Change::default();
    guard.require_same(a::EVENT, None);
    guard
}

/// The tier a body lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogBody {
    /// Packed, in the item.
    Inline(Vec<u8>),
    /// In the object of this key.
    Object(String),
}

/// A delivery as it is read from the log.
#[derive(Debug, Clone)]
pub struct LoggedDelivery {
    /// Its key.
    pub key: LogKey,
    /// Its event type.
    pub event: String,
    /// The signature's `t`, in seconds since 1970.
    pub signed_at: u64,
    /// The ordering header, in milliseconds since 1970.
    pub ordering_ms: Option<u64>,
    /// When it was logged, in milliseconds since 1970.
    pub received_at: u64,
    /// The length of the body in bytes.
    pub size: u64,
    /// Where the body lies.
    pub body: LogBody,
    /// The records it has copies of; `None` where there were too many to list.
    pub copies: Option<Vec<CopyOf>>,
    /// There is nothing to keep of it but the log.
    pub ignored: bool,
    /// Why it was not wholly understood.
    pub quarantine: Option<String>,
    /// The reference header.
    pub reference: Option<String>,
    /// Of a ping: the name of the delivery that it led to.
    pub fetched: Option<String>,
}

/// The log's handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log {
    table: Table,
    objects: Arc<Objects>,
}

impl Log {
    /// The log in this table and these objects.
    pub fn new(table: Table, objects: Arc<Objects>) -> Self {
        Self { table, objects }
    }

    /// The same objects, and another table.
    pub fn over(&self, table: &Table) -> Self {
        Self { table: table.clone(), objects: Arc::clone(&self.objects) }
    }

    /// Puts an object of the log. Its key is made of its content.
    pub async fn put_object(
        &self,
        key: &str,
        chain: Bytes,
        metadata: &[(&'static str, String)],
    ) -> Result<(), StoreError> {
        self.objects.put_content(key, chain, metadata).await
    }

    /// Enters a delivery. `false` if it was there already: a retry, and nothing is written.
    pub async fn enter(&self, entry: LogEntry<'_>) -> Result<bool, StoreError> {
        let mut item = Item::from([
            (a::PARTITION.to_owned(), s(entry.partition.as_str())),
            (a::SORT.to_owned(), s(entry.key.sort_key())),
            (a::EVENT.to_owned(), s(entry.event)),
            (a::SIGNED_AT.to_owned(), n(entry.signed_at)),
            (a::RECEIVED_AT.to_owned(), n(entry.now_ms)),
            (a::SIZE.to_owned(), n(entry.size)),
            (a::EXPIRES_AT.to_owned(), n(entry.expires_at)),
        ]);
        let mut add = |name: &str, value| item.insert(name.to_owned(), value);
        match entry.body {
            LogBody::Inline(frame) => add(a::BODY, b(frame)),
            LogBody::Object(key) => add(a::OBJECT, s(key)),
        };
        if let Some(ordering_ms) = entry.ordering_ms {
            add(a::ORDERING, n(ordering_ms));
        }
        if let Some(reference) = entry.reference.filter(|text| !text.is_empty() && text.len() <= MAX_REFERENCE) {
            add(a::REFERENCE_HEADER, s(reference));
        }
        if let Some(list) = copies::encode(entry.copies)? {
            add(a::COPIES, b(list));
        }
        if entry.ignored {
            add(a::IGNORED, AttributeValue::Bool(true));
        }
        if let Some(reason) = entry.quarantine {
            add(a::QUARANTINE, s(reason));
            add(a::QUARANTINE_DAY, s(entry.today));
        }
        let request = self
            .table
            .client()
            .put_item()
            .table_name(self.table.name())
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#record)")
            .expression_attribute_names("#record", a::SORT);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::from_sdk("log a delivery", error)),
            },
        }
    }

    /// Marks a delivery that is in the log for quarantine. It stays listed on the day it was first marked.
    pub async fn quarantine(
        &self,
        partition: &Partition,
        key: &LogKey,
        reason: &str,
        today: &str,
    ) -> Result<(), StoreError> {
        let mut change = item::Change::default();
        change.require_presence(a::EVENT);
        change.set(a::QUARANTINE, s(reason));
        change.set_if_absent(a::QUARANTINE_DAY, s(today));
        let doing = "mark a delivery for quarantine";
        // Where the entry is gone its time is over, and there is nothing left to mark.
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.table.change(doing, partition, &key.sort_key(), change, ReturnValue::None).await?;
        Ok(())
    }

    /// Marks a ping that led nowhere for quarantine. `false` if it did lead to a delivery after all, or is gone: then
    /// there is nothing to mark.
    pub async fn ping_lost(
        &self,
        partition: &Partition,
        key: &LogKey,
        reason: &str,
        today: &str,
    ) -> Result<bool, StoreError> {
        let mut change = item::Change::default();
        change.require_presence(a::EVENT);
        change.require_same(a::FETCHED, None);
        change.set(a::QUARANTINE, s(reason));
        change.set_if_absent(a::QUARANTINE_DAY, s(today));
        let doing = "mark a ping for quarantine";
        let changed = self.table.change(doing, partition, &key.sort_key(), change, ReturnValue::None).await?;
        Ok(matches!(changed, Changed::Made(_)))
    }

    /// States anew what a delivery is, after it was applied once more: a later version may know better, also whose it is.
    /// Then it lies in `home` from now on: it is put there before it is removed here, so that it is never in neither.
    pub async fn restate(
        &self,
        partition: &Partition,
        key: &LogKey,
        home: &Partition,
        stated: Stated<'_>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "state a delivery";
        let sort_key = key.sort_key();
        if home != partition {
            let Some(mut item) = self.table.get(DOING, partition, &sort_key).await? else { return Ok(()) };
            item.insert(a::PARTITION.to_owned(), s(home.as_str()));
            // Where it is there already it was put there by an earlier try.
            let (Ok(()) | Err(_)) = self.table.put_if(DOING, item, absent()).await?;
        }
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.table.change(DOING, home, &sort_key, stated.change()?, ReturnValue::None).await?;
        if home != partition {
            let (Ok(()) | Err(_)) = self.table.remove_if(DOING, partition, &sort_key, None).await?;
        }
        Ok(())
    }

    /// Notes which delivery a ping led to. It is understood then, whatever was said of it before.
    pub async fn fetched(&self, partition: &Partition, ping: &LogKey, led_to: &LogKey) -> Result<(), StoreError> {
        let mut change = item::Change::default();
        change.require_presence(a::EVENT);
        change.set(a::FETCHED, s(led_to.name()));
        change.remove(a::QUARANTINE);
        change.remove(a::QUARANTINE_DAY);
        let (Changed::Made(_) | Changed::Refused(_)) =
            self.table.change("note a ping", partition, &ping.sort_key(), change, ReturnValue::None).await?;
        Ok(())
    }

    /// Reads one delivery; `None` if it is not, or no longer, in the log.
    pub async fn read(&self, partition: &Partition, key: &LogKey) -> Result<Option<LoggedDelivery>, StoreError> {
        let item = self.table.get("read a delivery", partition, &key.sort_key()).await?;
        item.map(|item| delivery_of(&item)).transpose()
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The objects that the larger tier lies in.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }
}

pub(crate) fn delivery_of(item: &Item) -> Result<LoggedDelivery, StoreError> {
    let damaged = || StoreError::corrupt("read a delivery", "an attribute is missing from its item");
    let body = match (item::bytes(item, a::BODY), item::text(item, a::OBJECT)) {
        (Some(frame), _) => LogBody::Inline(frame),
        (None, Some(key)) => LogBody::Object(key),
        (None, None) => return Err(damaged()),
    };
    let copies = item::bytes(item, a::COPIES).map(|list| copies::decode(&list)).transpose()?;
    Ok(LoggedDelivery {
        key: item::text(item, a::SORT).as_deref().and_then(LogKey::from_sort_key).ok_or_else(damaged)?,
        event: item::text(item, a::EVENT).ok_or_else(damaged)?,
        signed_at: item::number(item, a::SIGNED_AT).ok_or_else(damaged)?,
        ordering_ms: item::number(item, a::ORDERING),
        received_at: item::number(item, a::RECEIVED_AT).ok_or_else(damaged)?,
        size: item::number(item, a::SIZE).ok_or_else(damaged)?,
        body,
        copies,
        ignored: item::flag(item, a::IGNORED),
        quarantine: item::text(item, a::QUARANTINE),
        reference: item::text(item, a::REFERENCE_HEADER),
        fetched: item::text(item, a::FETCHED),
    })
}

//! Many items by their keys, a hundred a call.

use crate::error::StoreError;
use crate::item::{self, Item, s};
use crate::schema::attribute as a;
use crate::table::Table;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::HashMap;
use std::time::Duration;
use terrace_records::Partition;
use tokio::time::sleep;

/// The most keys one BatchGetItem takes (AWS: BatchGetItem).
const BATCH: usize = 100;
/// How often keys that DynamoDB did not get to are asked for again.
const MAX_ROUNDS: u32 = 8;
/// How long is waited before that, twice as long each time: 3 s in all.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// How fresh what is read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As the last writes left it.
    Latest,
    /// As they left it a moment ago, for half the read units.
    Recent,
}

impl Table {
    /// The items of these sort keys in one partition, in their order, of those that there are.
    pub(crate) async fn items_of(
        &self,
        doing: &'static str,
        partition: &Partition,
        sort_keys: &[String],
        attributes: Option<&[&str]>,
        freshness: Freshness,
    ) -> Result<Vec<Item>, StoreError> {
        let keys: Vec<Item> = sort_keys.iter().map(|key| item_key(partition, key)).collect();
        self.items(doing, &keys, attributes, freshness).await
    }

    /// The items of these keys, in their order, of those that there are.
    pub(crate) async fn items(
        &self,
        doing: &'static str,
        keys: &[Item],
        attributes: Option<&[&str]>,
        freshness: Freshness,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        for batch in keys.chunks(BATCH) {
            let mut wanted = Some(keys_and_attributes(batch.to_vec(), attributes, freshness)?);
            let mut rounds = 0_u32;
            while let Some(request) = wanted.take() {
                rounds += 1;
                if rounds > MAX_ROUNDS {
                    return Err(StoreError::contended(doing));
                }
                // What DynamoDB did not get to is more than the partition has to give just now.
                if rounds > 1 {
                    let jitter = Duration::from_millis(fastrand::u64(..20));
                    sleep(FIRST_PAUSE * 2_u32.saturating_pow(rounds - 2) + jitter).await;
                }
                let output = self.client().batch_get_item().request_items(self.name(), request).send().await;
                let output = output.map_err(|error| StoreError::from_sdk(doing, error))?;
                let items = output.responses.unwrap_or_default().remove(self.name()).unwrap_or_default();
                found.extend(items.into_iter().filter_map(|item| Some((names_of(&item)?, item))));
                wanted = output.unprocessed_keys.unwrap_or_default().remove(self.name());
            }
        }
        Ok(keys.iter().filter_map(|key| found.remove(&names_of(key)?)).collect())
    }
}

fn names_of(item: &Item) -> Option<(String, String)> {
    Some((item::text(item, a::PARTITION)?, item::text(item, a::SORT)?))
}

/// The key of one item.
pub(crate) fn item_key(partition: &Partition, sort_key: &str) -> Item {
    Item::from([(a::PARTITION.to_owned(), s(partition.as_str())), (a::SORT.to_owned(), s(sort_key))])
}

fn keys_and_attributes(
    keys: Vec<Item>,
    attributes: Option<&[&str]>,
    freshness: Freshness,
) -> Result<KeysAndAttributes, StoreError> {
    let latest = freshness == Freshness::Latest;
    let mut request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(latest);
    if let Some(attributes) = attributes {
        let placeholders: Vec<String> = (0..attributes.len()).map(|number| format!("#{number}")).collect();
        request = request.projection_expression(placeholders.join(", "));
        for (placeholder, name) in placeholders.into_iter().zip(attributes) {
            request = request.expression_attribute_names(placeholder, *name);
        }
    }
    request.build().map_err(|error| StoreError::refused("read items", error))
}

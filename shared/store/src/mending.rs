//! Records whose text no longer unpacks. Their versions are whole, so that what set them would be taken for a repeat that
//! changes nothing: without the text it is put anew.

use crate::batch::Freshness;
use crate::error::StoreError;
use crate::frames::unpack_text;
use crate::item::{self, Change, Item};
use crate::moving::as_read;
use crate::schema::attribute as a;
use crate::table::{Changed, Table};
use aws_sdk_dynamodb::types::ReturnValue;
use terrace_records::{Partition, RecordKey};

const DOING: &str = "look for damaged records";

impl Table {
    /// Removes the texts of these records that do not unpack. What they are, and their scores, stays. Costs a look at each.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn drop_unreadable(&self, partition: &Partition, keys: &[RecordKey]) -> Result<(), StoreError> {
        let sort_keys: Vec<String> = keys.iter().map(|key| key.sort_key().to_owned()).collect();
        for found in self.items_of(DOING, partition, &sort_keys, None, Freshness::Latest).await? {
            let Some(sort_key) = item::text(&found, a::SORT).filter(|_| !unpacks(&found)) else { continue };
            let mut change: Change = as_read(&found);
            change.remove(a::BODY);
            change.remove(a::SUMMARY);
            // Refused is one that was written anew meanwhile.
            let (Changed::Made(_) | Changed::Refused(_)) =
                self.change(DOING, partition, &sort_key, change, ReturnValue::None).await?;
        }
        Ok(())
    }
}

fn unpacks(item: &Item) -> bool {
    let texts = [a::BODY, a::SUMMARY].into_iter().filter_map(|name| item::bytes(item, name));
    texts.into_iter().all(|frame| unpack_text(&frame).is_ok())
}

//! The table's handle, and the one way to change an item.

use crate::error::StoreError;
use crate::item::{Change, Item, s};
use crate::schema::attribute::{PARTITION, SORT};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use terrace_records::Partition;

/// The table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

/// What came of a change.
#[derive(Debug)]
pub(crate) enum Changed {
    /// It was made; what the request asked to return.
    Made(Item),
    /// The condition did not hold; the item as it is, empty where there is none.
    Refused(Item),
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes a conditional change with one call, reading nothing first.
    pub(crate) async fn change(
        &self,
        doing: &'static str,
        partition: &Partition,
        sort_key: &str,
        change: Change,
        returned: ReturnValue,
    ) -> Result<Changed, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(PARTITION, s(partition.as_str()))
            .key(SORT, s(sort_key))
            .update_expression(change.update_expression())
            .set_condition_expression(change.condition_expression())
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values((!change.values.is_empty()).then_some(change.values))
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(output) => Ok(Changed::Made(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Changed::Refused(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(doing, error)),
            },
        }
    }

    /// One item by its key, as the last write left it.
    pub(crate) async fn get(
        &self,
        doing: &'static str,
        partition: &Partition,
        sort_key: &str,
    ) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PARTITION, s(partition.as_str()))
            .key(SORT, s(sort_key))
            .consistent_read(true);
        let output = request.send().await.map_err(|error| StoreError::from_sdk(doing, error))?;
        Ok(output.item)
    }
}

//! The table's handle, and the one way to change an item.

use crate::error::StoreError;
use crate::item::{Change, Item, s};
use crate::schema::attribute::{PARTITION, SORT};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use terrace_records::Partition;

/// The table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

/// Where to go on within a partition.
#[derive(Clone)]
pub struct Bookmark(Item);

/// It is a key, and so an identifier of a person.
impl std::fmt::Debug for Bookmark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bookmark")
    }
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

    /// What the table is called.
    pub fn name(&self) -> &str {
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

    /// Puts a whole item in the place of what is there, as long as that is as `guard` says. What is there otherwise is
    /// returned.
    pub(crate) async fn put_if(
        &self,
        doing: &'static str,
        item: Item,
        guard: Change,
    ) -> Result<Result<(), Item>, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .set_condition_expression(guard.condition_expression())
            .set_expression_attribute_names(Some(guard.names))
            .set_expression_attribute_values((!guard.values.is_empty()).then_some(guard.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Err(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(doing, error)),
            },
        }
    }

    /// Removes an item, as long as it is as `guard` says, if it says anything. What is there otherwise is returned,
    /// empty where nothing is.
    pub(crate) async fn remove_if(
        &self,
        doing: &'static str,
        partition: &Partition,
        sort_key: &str,
        guard: Option<Change>,
    ) -> Result<Result<(), Item>, StoreError> {
        let mut request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key(PARTITION, s(partition.as_str()))
            .key(SORT, s(sort_key))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(guard) = guard {
            request = request
                .set_condition_expression(guard.condition_expression())
                .set_expression_attribute_names(Some(guard.names))
                .set_expression_attribute_values((!guard.values.is_empty()).then_some(guard.values));
        }
        match request.send().await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Err(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(doing, error)),
            },
        }
    }

    /// A page of a partition's items between two sort keys, both included, as the last writes left them.
    pub(crate) async fn between(
        &self,
        doing: &'static str,
        partition: &Partition,
        bounds: (&str, &str),
        after: Option<Bookmark>,
        limit: Option<i32>,
    ) -> Result<(Vec<Item>, Option<Bookmark>), StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#partition = :partition AND #sort BETWEEN :low AND :high")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_names("#sort", SORT)
            .expression_attribute_values(":partition", s(partition.as_str()))
            .expression_attribute_values(":low", s(bounds.0))
            .expression_attribute_values(":high", s(bounds.1))
            .set_exclusive_start_key(after.map(|after| after.0))
            .set_limit(limit);
        let output = request.send().await.map_err(|error| StoreError::from_sdk(doing, error))?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key.map(Bookmark)))
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

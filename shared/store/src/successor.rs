//! Who goes on for a connection that was replaced: re-authentications chain, and may even lead back.

use crate::error::StoreError;
use crate::reader::StoredConnection;
use crate::table::Table;
use std::collections::BTreeMap;
use terrace_records::{Connection, ConnectionUpdate, Partition, Status};
use terrace_terra::ids::UserId;

/// Where a chain of re-authentications ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The id that goes on.
    pub user_id: String,
    /// Its partition.
    pub partition: Partition,
    /// What is known of it.
    pub connection: Connection,
}

impl Table {
    /// Who goes on for `partition`: itself, unless it stands replaced. `user_id` is its id, whole.
    ///
    /// Re-authentications of one second may make a ring in which everybody stands replaced. The one that was replaced
    /// last goes on, or of several at one time the one whose id is greatest, and is marked so.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn successor(&self, user: &UserId<'_>) -> Result<Successor, StoreError> {
        let mut met: BTreeMap<String, u64> = BTreeMap::new();
        let mut user = user.clone().into_owned();
        loop {
            let partition = Partition::of_user(&user);
            let connection = self.connection(&partition).await?.map(|stored: StoredConnection| stored.connection);
            let connection = connection.unwrap_or_default();
            let next = connection.replaced_by().and_then(|next| UserId::new(next.to_owned()));
            let Some(next) = next.filter(|_| connection.status() == Status::Replaced) else {
                return Ok(Successor { user_id: user.as_str().to_owned(), partition, connection });
            };
            if met.contains_key(user.as_str()) {
                return self.settle(&user, met).await;
            }
            met.insert(user.as_str().to_owned(), connection.replaced_at_ms().unwrap_or(0));
            user = next;
        }
    }

    /// Settles a ring that `user` is in. Those that were met before it only lead there.
    async fn settle(&self, user: &UserId<'_>, met: BTreeMap<String, u64>) -> Result<Successor, StoreError> {
        let mut ring = BTreeMap::new();
        let mut at = user.as_str().to_owned();
        while let Some(time) = met.get(&at).filter(|_| !ring.contains_key(&at)) {
            ring.insert(at.clone(), *time);
            let Some(id) = UserId::new(at.clone()) else { break };
            let stored = self.connection(&Partition::of_user(&id)).await?;
            at = stored.and_then(|stored| stored.connection.replaced_by().map(str::to_owned)).unwrap_or_default();
        }
        let last = ring.into_iter().map(|(id, time)| (time, id)).max();
        let (time, id) = last.unwrap_or((0, user.as_str().to_owned()));
        let id = UserId::new(id).unwrap_or_else(|| user.clone().into_owned());
        let partition = Partition::of_user(&id);
        let renewed = ConnectionUpdate::of_renewed(time.saturating_add(1));
        let connection = self.update_connection(&partition, &id, renewed).await?;
        Ok(Successor { user_id: id.as_str().to_owned(), partition, connection })
    }
}

//! Who goes on for a connection that was replaced: re-authentications chain, and may even lead back.

use crate::error::StoreError;
use crate::table::Table;
use std::collections::{BTreeMap, VecDeque};
use terrace_records::{Connection, ConnectionUpdate, Partition};
use terrace_terra::ids::UserId;

/// An id on the way of a chain of re-authentications, or at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The id.
    pub user: UserId<'static>,
    /// Its partition.
    pub partition: Partition,
    /// What is known of it.
    pub connection: Connection,
}

impl Table {
    /// What is known of an id.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn somebody(&self, user: &UserId<'_>) -> Result<Successor, StoreError> {
        let (user, partition) = (user.clone().into_owned(), Partition::of_user(user));
        let connection = self.connection(&partition).await?.map(|stored| stored.connection).unwrap_or_default();
        Ok(Successor { user, partition, connection })
    }

    /// Who goes on for `user`: itself, unless it stands replaced. One that was erased after it was replaced passes its
    /// records on all the same.
    ///
    /// Re-authentications of one second may make a ring in which everybody stands replaced. The one that was replaced
    /// last goes on, or of several at one time the one whose id is greatest, and is marked so.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn successor(&self, user: &UserId<'_>) -> Result<Successor, StoreError> {
        let mut met: BTreeMap<UserId<'static>, u64> = BTreeMap::new();
        let mut at = self.somebody(user).await?;
        while let Some(next) = next_of(&at.connection) {
            if met.contains_key(&at.user) {
                return self.settle(&at.user, met).await;
            }
            met.insert(at.user, at.connection.replaced_at_ms().unwrap_or(0));
            at = self.somebody(&next).await?;
        }
        Ok(at)
    }

    /// Settles a ring that `user` is in. Those that were met before it only lead there.
    async fn settle(
        &self,
        user: &UserId<'static>,
        met: BTreeMap<UserId<'static>, u64>,
    ) -> Result<Successor, StoreError> {
        let mut ring = BTreeMap::new();
        let mut at = Some(user.clone());
        while let Some((id, time)) = at.take().and_then(|at| met.get(&at).map(|time| (at, *time))) {
            if ring.contains_key(&id) {
                break;
            }
            at = next_of(&self.somebody(&id).await?.connection);
            ring.insert(id, time);
        }
        let last = ring.into_iter().map(|(id, time)| (time, id)).max();
        let (time, user) = last.unwrap_or((0, user.clone()));
        let partition = Partition::of_user(&user);
        let renewed = ConnectionUpdate::of_renewed(time.saturating_add(1));
        let connection = self.update_connection(&partition, &user, renewed).await?;
        Ok(Successor { user, partition, connection })
    }

    /// Everybody under whom records of `user` may lie: itself first, then those whom re-authentications ever named in
    /// its place, and theirs.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn way(&self, user: &UserId<'_>) -> Result<Vec<Successor>, StoreError> {
        let mut way: Vec<Successor> = Vec::new();
        let mut left = VecDeque::from([user.clone().into_owned()]);
        while let Some(next) = left.pop_front() {
            if way.iter().any(|met| met.user == next) {
                continue;
            }
            let met = self.somebody(&next).await?;
            left.extend(met.connection.goes_on_under().filter_map(|id| UserId::new(id.to_owned())));
            way.push(met);
        }
        Ok(way)
    }
}

fn next_of(connection: &Connection) -> Option<UserId<'static>> {
    connection.passes_on_to().and_then(|next| UserId::new(next.to_owned()))
}

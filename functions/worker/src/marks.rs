//! Whom an erase takes: those it names, and the ids that theirs replaced. They are marked before anything is taken, which
//! makes reads show nothing and every later write ask for the erase again.

use crate::error::WorkError;
use crate::worker::Worker;
use terrace_records::{Connection, ConnectionUpdate, Erasure, Partition};
use terrace_store::queue::Subject;
use terrace_terra::ids::{ReferenceId, UserId};

/// How many connections of an end user are looked up at once.
const PAGE: usize = 100;
/// How far clocks may differ.
const SKEW_MS: u64 = 5 * 60 * 1_000;

/// Somebody, or an end user's own partition, of whom something goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The id; none for an end user's own partition.
    pub user: Option<UserId<'static>>,
    /// Where it lies.
    pub partition: Partition,
    /// Of one that was replaced by somebody whose erase was lifted only what was made until then goes, and it bears no
    /// mark. In milliseconds since 1970.
    pub until_ms: Option<u64>,
}

impl Target {
    /// The erase that takes from it, as its connection now stands.
    pub fn erasure(&self, connection: &Connection) -> Option<Erasure> {
        let own = connection.erasure(self.partition.kind());
        match (own, self.until_ms) {
            (own, None) => own,
            (None, Some(at_ms)) => Some(Erasure { at_ms, lifted: true }),
            (Some(own), Some(until_ms)) => Some(Erasure { at_ms: own.at_ms.max(until_ms), ..own }),
        }
    }
}

impl Worker {
    /// Marks everybody who goes. Of somebody nobody knows nothing is written. Each comes after whom it was found by.
    pub(crate) async fn mark(&self, subject: &Subject, at_ms: u64) -> Result<Vec<Target>, WorkError> {
        let mut targets = Vec::new();
        match subject {
            Subject::User(user) => {
                let user = UserId::new(user.clone()).ok_or(WorkError::Nobody)?;
                self.mark_user(user, at_ms, &mut targets).await?;
            }
            Subject::Reference(reference) => {
                let reference = ReferenceId::new(reference.as_str()).ok_or(WorkError::Nobody)?;
                for user in self.users_of(&reference, at_ms).await? {
                    self.mark_user(user, at_ms, &mut targets).await?;
                }
                let partition = Partition::of_reference(&reference);
                // Also where nothing lies there yet: a report may be on its way.
                if !targets.is_empty() || self.table.is_known(&partition).await? {
                    self.table.mark_reference_erased(&partition, at_ms).await?;
                    targets.push(Target { user: None, partition, until_ms: None });
                }
            }
        }
        Ok(targets)
    }

    /// Marks a user, and the ids that theirs replaced. One that was named as a new one since stands for itself.
    async fn mark_user(&self, user: UserId<'static>, at_ms: u64, targets: &mut Vec<Target>) -> Result<(), WorkError> {
        let mut left = vec![(user, None)];
        while let Some((user, until_ms)) = left.pop() {
            let partition = Partition::of_user(&user);
            let met = targets.iter().any(|target| target.partition == partition);
            if met || !self.table.is_known(&partition).await? {
                continue;
            }
            let connection = match until_ms {
                None => self.table.update_connection(&partition, &user, ConnectionUpdate::of_erased(at_ms)).await?,
                Some(_) => self.table.somebody(&user).await?.connection,
            };
            let target = Target { user: Some(user), partition, until_ms };
            let lifted = target.erasure(&connection).filter(|erasure| erasure.lifted).map(|erasure| erasure.at_ms);
            for old in connection.replaces().filter_map(|old| UserId::new(old.to_owned())) {
                let old = self.table.somebody(&old).await?;
                if old.connection.replaced_at_ms().is_some() {
                    left.push((old.user, lifted));
                }
            }
            targets.push(target);
        }
        Ok(())
    }

    /// The connections of an end user that were there when they were erased. Who takes the reference later is another,
    /// or the same one anew.
    async fn users_of(&self, reference: &ReferenceId<'_>, at_ms: u64) -> Result<Vec<UserId<'static>>, WorkError> {
        let (mut users, mut after) = (Vec::new(), None);
        let was_there = |connection: &Connection| {
            connection.registers().values().any(|set| set.time_ms() <= at_ms.saturating_add(SKEW_MS))
        };
        loop {
            let page = self.table.connections_of(reference, after.as_ref(), PAGE).await?;
            let own = page.entries.into_iter();
            // The index has connections without a reference under `-`, which is a name that somebody may be given too.
            let own = own.filter(|stored| stored.connection.reference_id() == Some(reference.as_str()));
            let own = own.filter(|stored| was_there(&stored.connection));
            users.extend(own.filter_map(|stored| UserId::new(stored.user_id)));
            let Some(next) = page.next else { return Ok(users) };
            after = Some(Partition::from_stored(next.record));
        }
    }
}

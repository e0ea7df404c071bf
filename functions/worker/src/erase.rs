//! Erase: what is kept of somebody goes, also what came under ids that theirs replaced.
//!
//! First the mark, which makes reads show nothing and every later write queue the erase again; then the ledger; then
//! the sweep, with consistent reads. An object that another id's record lies in stays.

use crate::error::WorkError;
use crate::worker::{Worked, Worker};
use std::collections::{BTreeMap, HashSet};
use terrace_ingest::Moment;
use terrace_records::{Connection, Erasure, Partition};
use terrace_store::queue::{Job, Subject};
use terrace_store::{JobId, JobState, Progress};
use terrace_terra::ids::{ReferenceId, UserId};
use tokio::time::Instant;

/// How many connections of an end user are looked up at once.
const PAGE: usize = 100;

/// What is erased: partitions, each with what is known of it.
type Marked = BTreeMap<Partition, Connection>;

impl Worker {
    pub(crate) async fn erase(
        &self,
        subject: &Subject,
        at_ms: u64,
        id: Option<&JobId>,
        moment: Moment,
        due: Instant,
    ) -> Result<Worked, WorkError> {
        let marked = self.mark(subject, at_ms).await?;
        let mut progress = match id {
            Some(id) => self.table.job(id).await?.map(|item| item.progress).unwrap_or_default(),
            None => Progress::new(),
        };
        for (partition, connection) in &marked {
            self.log.enter_erasure(subject, partition, at_ms).await?;
            if !self.sweep_partition(partition, connection, &marked, &mut progress, due).await? {
                self.note(id, JobState::Running, progress, moment).await?;
                let (subject, id) = (subject.clone(), id.cloned());
                self.queue.send(&Job::Erase { subject, at_ms, id }).await?;
                return Ok(Worked::HandedOn);
            }
        }
        self.note(id, JobState::Done, progress, moment).await?;
        Ok(Worked::Done)
    }

    async fn note(
        &self,
        id: Option<&JobId>,
        state: JobState,
        progress: Progress,
        moment: Moment,
    ) -> Result<(), WorkError> {
        let Some(id) = id else { return Ok(()) };
        if let Some(mut item) = self.table.job(id).await? {
            item.state = state;
            item.progress = progress;
            self.table.put_job(&item, moment.now_ms).await?;
        }
        Ok(())
    }

    /// Marks everything that goes. Of somebody nobody knows nothing is written.
    async fn mark(&self, subject: &Subject, at_ms: u64) -> Result<Marked, WorkError> {
        let mut marked = Marked::new();
        match subject {
            Subject::User(user) => self.mark_user(user, at_ms, &mut marked).await?,
            Subject::Reference(reference) => {
                let reference = ReferenceId::new(reference.as_str()).ok_or(WorkError::Nobody)?;
                for user in self.users_of(&reference).await? {
                    self.mark_user(&user, at_ms, &mut marked).await?;
                }
                let own = Partition::of_reference(&reference);
                if self.table.is_known(&own).await? {
                    let connection = self.table.mark_erased(&own, at_ms).await?;
                    marked.insert(own, connection);
                }
            }
        }
        Ok(marked)
    }

    /// Marks a user, and the ids that theirs replaced.
    async fn mark_user(&self, user: &str, at_ms: u64, marked: &mut Marked) -> Result<(), WorkError> {
        let mut left = vec![user.to_owned()];
        while let Some(user) = left.pop() {
            let user = UserId::new(user).ok_or(WorkError::Nobody)?;
            let partition = Partition::of_user(&user);
            if marked.contains_key(&partition) || !self.table.is_known(&partition).await? {
                continue;
            }
            let connection = self.table.mark_erased(&partition, at_ms).await?;
            left.extend(connection.replaces().map(str::to_owned));
            marked.insert(partition, connection);
        }
        Ok(())
    }

    async fn users_of(&self, reference: &ReferenceId<'_>) -> Result<Vec<String>, WorkError> {
        let (mut users, mut after) = (Vec::new(), None);
        loop {
            let page = self.table.connections_of(reference, after.as_ref(), PAGE).await?;
            let own = page.entries.into_iter();
            // The index has connections without a reference under `-`, which is a name that somebody may be given too.
            let own = own.filter(|stored| stored.connection.reference_id() == Some(reference.as_str()));
            users.extend(own.map(|stored| stored.user_id));
            let Some(next) = page.next else { return Ok(users) };
            after = Some(Partition::from_stored(next.record));
        }
    }

    /// Sweeps a partition. `false` if time is over before it is empty.
    async fn sweep_partition(
        &self,
        partition: &Partition,
        connection: &Connection,
        marked: &Marked,
        progress: &mut Progress,
        due: Instant,
    ) -> Result<bool, WorkError> {
        let Some(erasure) = connection.erasure() else { return Ok(true) };
        let mut needed = self.needed_elsewhere(connection, marked).await?;
        needed.extend(self.table.staying(partition, erasure).await?);
        let mut after = None;
        loop {
            let page = self.log.erase_some(partition, erasure, &needed, after.take()).await?;
            add(progress, "items", page.items);
            add(progress, "objects", page.objects);
            if page.next.is_none() {
                break;
            }
            if Instant::now() >= due {
                return Ok(false);
            }
            after = page.next;
        }
        // An `auth` may have lifted the erase since: then what lies in the folder may be of after it.
        let stored = self.table.connection(partition).await?;
        let erasure = stored.and_then(|stored| stored.connection.erasure()).unwrap_or(erasure);
        let Erasure { at_ms, lifted } = erasure;
        let objects = self.log.erase_folder(partition, &needed, if lifted { at_ms } else { u64::MAX }).await?;
        add(progress, "objects", objects);
        self.table.strip(partition).await?;
        Ok(true)
    }

    /// The objects of a connection that records of others lie in: of those that its records were brought under.
    async fn needed_elsewhere(&self, connection: &Connection, marked: &Marked) -> Result<HashSet<String>, WorkError> {
        let mut needed = HashSet::new();
        let mut met = HashSet::new();
        let mut left: Vec<String> = connection.goes_on_under().map(str::to_owned).collect();
        while let Some(user) = left.pop() {
            let Some(partition) = UserId::new(user).as_ref().map(Partition::of_user) else { continue };
            if marked.contains_key(&partition) || !met.insert(partition.clone()) {
                continue;
            }
            needed.extend(self.table.sources(&partition).await?);
            if let Some(stored) = self.table.connection(&partition).await? {
                left.extend(stored.connection.goes_on_under().map(str::to_owned));
            }
        }
        Ok(needed)
    }
}

fn add(progress: &mut Progress, name: &str, number: u64) {
    *progress.entry(name.to_owned()).or_default() += number;
}

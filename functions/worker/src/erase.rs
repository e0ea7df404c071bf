//! Erase: what is kept of somebody goes, also what came under ids that theirs replaced.
//!
//! First the marks; then the ledger; then the sweep, with consistent reads; last the connections, from which who goes was
//! found. Whoever writes after a mark sees it, and asks for the erase again. An object that another id's record lies in
//! stays.

use crate::error::WorkError;
use crate::marks::Target;
use crate::worker::{Worked, Worker};
use std::collections::{HashSet, VecDeque};
use terrace_ingest::Moment;
use terrace_records::{Partition, Status};
use terrace_store::erasing::Taking;
use terrace_store::moving::Move;
use terrace_store::queue::{Job, Subject};
use terrace_store::{JobId, JobState, Progress, StoreError};
use terrace_terra::ids::UserId;
use tokio::time::Instant;

/// How often a page is looked at again because others keep changing records of it.
const MAX_LOOKS: usize = 16;
/// How many deliveries are looked at at once.
const PAGE: usize = 100;
/// The end of time, as keys have it: thirteen digits of milliseconds.
const END_MS: u64 = 9_999_999_999_999;

/// An erase at work.
struct Sweep<'w> {
    worker: &'w Worker,
    targets: Vec<Target>,
    progress: Progress,
    /// Something was done of it since it was begun or handed on.
    advanced: bool,
    moment: Moment,
    due: Instant,
}

impl Worker {
    pub(crate) async fn erase(
        &self,
        subject: &Subject,
        at_ms: u64,
        id: Option<&JobId>,
        moment: Moment,
        due: Instant,
    ) -> Result<Worked, WorkError> {
        let targets = self.mark(subject, at_ms).await?;
        // Each by its own name, so that a line never comes to mean somebody else; and only those that bear a mark, which
        // says that the line needs nothing done.
        for target in targets.iter().filter(|target| target.until_ms.is_none()) {
            let named = target.user.as_ref().map(|user| Subject::User(user.as_str().to_owned()));
            self.log.enter_erasure(&named.unwrap_or_else(|| subject.clone()), &target.partition, at_ms).await?;
        }
        let progress = match id {
            Some(id) => self.table.job(id).await?.map(|item| item.progress).unwrap_or_default(),
            None => Progress::new(),
        };
        let mut sweep = Sweep { worker: self, targets, progress, advanced: false, moment, due };
        if !sweep.run().await? {
            self.note(id, JobState::Running, sweep.progress, moment).await?;
            let (subject, id) = (subject.clone(), id.cloned());
            self.queue.send(&Job::Erase { subject, at_ms, id }).await?;
            return Ok(Worked::HandedOn);
        }
        self.note(id, JobState::Done, sweep.progress, moment).await?;
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
}

impl Sweep<'_> {
    /// `false` where time was over.
    async fn run(&mut self) -> Result<bool, WorkError> {
        for target in self.targets.clone() {
            if !self.sweep(&target).await? {
                return Ok(false);
            }
        }
        // Those that were found by another first: until that one is stripped they can be found again.
        for target in self.targets.iter().rev() {
            let stored = self.worker.table.connection(&target.partition).await?;
            if let Some(erasure) = stored.and_then(|stored| target.erasure(&stored.connection)) {
                self.worker.table.strip(&target.partition, erasure).await?;
            }
        }
        Ok(true)
    }

    async fn sweep(&mut self, target: &Target) -> Result<bool, WorkError> {
        if self.is_over() {
            return Ok(false);
        }
        let Some(records_are_anothers) = self.bring_over(target).await? else { return Ok(false) };
        let (mut at, mut looks) = (None, 0);
        loop {
            let page = self.worker.table.look(&target.partition, at.clone()).await?;
            // Looked at after the page: an `auth` that came before what it brought is seen.
            let Some(taking) = self.taking(target, records_are_anothers).await? else { return Ok(true) };
            let objects = page.objects(&target.partition, taking);
            self.remove_objects(target, taking, objects).await?;
            let next = page.next.clone();
            let taken = self.worker.table.take_away(&target.partition, page, taking).await?;
            self.count("items", taken.items);
            looks = if taken.changed { looks + 1 } else { 0 };
            if looks > MAX_LOOKS {
                return Err(StoreError::contended("erase").into());
            }
            if !taken.changed {
                if next.is_none() {
                    break;
                }
                at = next;
            }
            if self.is_over() {
                return Ok(false);
            }
        }
        self.clear_folder(target, records_are_anothers).await?;
        self.mend(target).await?;
        Ok(true)
    }

    /// Whether time is over. It never is before something was done, or an erase that has to be handed on might never
    /// end.
    fn is_over(&self) -> bool {
        self.advanced && Instant::now() >= self.due
    }

    fn count(&mut self, name: &str, number: u64) {
        if number > 0 {
            *self.progress.entry(name.to_owned()).or_default() += number;
            self.advanced = true;
        }
    }

    async fn taking(&self, target: &Target, records_are_anothers: bool) -> Result<Option<Taking>, WorkError> {
        let stored = self.worker.table.connection(&target.partition).await?;
        let erasure = target.erasure(&stored.map(|stored| stored.connection).unwrap_or_default());
        Ok(erasure.map(|erasure| Taking { erasure, records_are_anothers }))
    }

    fn target(&self, partition: &Partition) -> Option<&Target> {
        self.targets.iter().find(|target| target.partition == *partition)
    }

    /// Brings the records of one that was replaced before it was erased to who goes on, whose they are by now. Says
    /// whether they are another's; `None` where time was over.
    async fn bring_over(&mut self, target: &Target) -> Result<Option<bool>, WorkError> {
        let Some(user) = &target.user else { return Ok(Some(false)) };
        let old = self.worker.table.somebody(user).await?;
        let stay = old.connection.erasure_of_records(target.partition.kind()).is_some();
        if stay || old.connection.passes_on_to().is_none() || target.until_ms.is_some() {
            return Ok(Some(false));
        }
        let successor = self.worker.table.successor(user).await?;
        let gone = successor.connection.status() == Status::Erased || self.target(&successor.partition).is_some();
        if gone || successor.partition == target.partition {
            return Ok(Some(false));
        }
        let while_it_is = old.connection.status();
        let moved = Move { from: &target.partition, to: &successor.partition, while_it_is };
        let all = self.worker.bring_over(moved, self.moment, self.due).await?;
        self.worker.fence(&successor).await?;
        Ok(all.then_some(true))
    }

    async fn remove_objects(
        &mut self,
        target: &Target,
        taking: Taking,
        mut objects: HashSet<String>,
    ) -> Result<(), WorkError> {
        if !objects.is_empty() {
            let needed = self.needed(target, taking).await?;
            objects.retain(|object| !needed.contains(object));
            let removed = self.worker.log.remove_objects(objects).await?;
            self.count("objects", removed);
        }
        Ok(())
    }

    /// Removes the objects that are left in the folder: those of deliveries that got no further, and those whose delivery
    /// has expired.
    async fn clear_folder(&mut self, target: &Target, records_are_anothers: bool) -> Result<(), WorkError> {
        let found = self.worker.log.folder(&target.partition).await?;
        // What is needed is looked for after the list is made, and whether an `auth` has lifted the erase: then what was
        // written after it may be of after it, and on its way.
        let Some(taking) = self.taking(target, records_are_anothers).await? else { return Ok(()) };
        let erasure = taking.erasure;
        let left = found.into_iter().filter(|found| !erasure.lifted || found.modified_ms < erasure.at_ms);
        self.remove_objects(target, taking, left.map(|found| found.key).collect()).await
    }

    /// The objects that what stays leads to: what stays under this id, and records that were brought under others.
    async fn needed(&self, target: &Target, taking: Taking) -> Result<HashSet<String>, WorkError> {
        let table = &self.worker.table;
        let mut needed = HashSet::new();
        if taking.erasure.lifted || taking.records_are_anothers {
            needed.extend(table.objects_staying(&target.partition, taking).await?);
        }
        let mut met = HashSet::from([target.partition.clone()]);
        let mut left: VecDeque<UserId<'static>> = VecDeque::new();
        let mut at = table.connection(&target.partition).await?.map(|stored| stored.connection);
        loop {
            let next = at.iter().flat_map(|connection| connection.goes_on_under());
            left.extend(next.filter_map(|user| UserId::new(user.to_owned())));
            let Some(user) = left.pop_front() else { return Ok(needed) };
            let partition = Partition::of_user(&user);
            at = None;
            if met.insert(partition.clone()) {
                let before = table.somebody(&user).await?.connection;
                let target = self.target(&partition);
                let erasure = target.and_then(|target| target.erasure(&before));
                let erasure = erasure.filter(|erasure| erasure.lifted || before.passes_on_to().is_none());
                needed.extend(table.sources(&partition, erasure).await?);
                // Records that are moved on meanwhile are put there before they are removed here: first looked for
                // here, they are found in one of the two places.
                at = Some(table.somebody(&user).await?.connection);
            }
        }
    }

    /// Applies deliveries of after a lifted erase again that the view does not reflect: a late copy of before may have
    /// taken the place of a newer one that had no time of its own, and is gone now.
    async fn mend(&self, target: &Target) -> Result<(), WorkError> {
        let Some(taking) = self.taking(target, false).await?.filter(|taking| taking.erasure.lifted) else {
            return Ok(());
        };
        let times = taking.erasure.at_ms.saturating_add(1)..END_MS;
        let mut after = None;
        loop {
            let page = self.worker.log.deliveries(&target.partition, times.clone(), after.as_ref(), PAGE).await?;
            for logged in &page.entries {
                let own = self.worker.table.connection(&target.partition).await?;
                self.worker.reflect(&target.partition, logged, own.as_ref(), self.moment).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

//! Reading everything that was asked for into the folder: some users at once, written one after the other.

use crate::client::Client;
use crate::error::CommandError;
use crate::export::folder::Folder;
use crate::export::manifest::{Person, Place};
use crate::export::pages::{Batch, Coming};
use crate::export::people;
use indicatif::ProgressBar;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is read at once, and how often it is put on the disk.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many users are read at once.
    pub concurrency: usize,
    /// How often what came is put on the disk.
    pub save_every: Duration,
}

/// Reads on from where the folder is, to the end. It may be dropped between any two pages: what the folder then says of
/// itself is right.
///
/// # Errors
///
/// When the server cannot be asked or says no, or a file cannot be written.
pub async fn read(client: &Client, folder: &mut Folder, pace: Pace, bar: &ProgressBar) -> Result<(), CommandError> {
    let asked = Arc::new(folder.manifest.asked.clone());
    let mut saved = Instant::now();
    loop {
        let cursor = folder.manifest.progress.page.clone();
        let page = people::page(client, &asked, cursor.as_deref()).await?;
        let (users, unasked): (Vec<_>, Vec<_>) = page.users.into_iter().partition(Person::can_be_asked);
        let mut waiting = waiting(folder, &users);
        let mut coming = VecDeque::new();
        loop {
            while coming.len() < pace.concurrency
                && let Some((person, place)) = waiting.pop_front()
            {
                coming.push_back(Coming::start(client, &asked, person, place));
            }
            let Some(mut one) = coming.pop_front() else { break };
            while let Some(batch) = one.pages.recv().await {
                take_in(folder, &one.person, batch?)?;
                tell(folder, bar);
                if saved.elapsed() >= pace.save_every {
                    folder.save()?;
                    saved = Instant::now();
                }
            }
        }
        let progress = &mut folder.manifest.progress;
        progress.left_out += unasked.len() as u64;
        progress.damaged_users += page.damaged;
        progress.done.clear();
        progress.page = page.cursor;
        if progress.page.is_none() {
            return Ok(());
        }
    }
}

/// Who of a page is still to be read, and from where. Whoever was being read comes first, whatever the page now says.
fn waiting(folder: &Folder, users: &[Person]) -> VecDeque<(Person, Place)> {
    let progress = &folder.manifest.progress;
    let mut waiting: VecDeque<_> = progress.current.iter().cloned().collect();
    let begun = progress.current.iter().map(|(person, _)| person).chain(&progress.done);
    let begun: HashSet<[&str; 2]> = begun.map(Person::home).collect();
    let left = users.iter().filter(|user| !begun.contains(&user.home())).cloned();
    waiting.extend(left.map(|user| (user, Place::default())));
    waiting
}

/// Writes a page, and where it goes on. Nothing waits in between.
fn take_in(folder: &mut Folder, person: &Person, batch: Batch) -> Result<(), CommandError> {
    for (data_type, (records, lines)) in &batch.lines {
        folder.add(data_type, *records, lines)?;
    }
    let progress = &mut folder.manifest.progress;
    progress.damaged_records += batch.damaged;
    match batch.next {
        Some(place) => progress.current = Some((person.clone(), place)),
        None => {
            progress.current = None;
            progress.users += 1;
            progress.done.push(person.clone());
        }
    }
    Ok(())
}

fn tell(folder: &Folder, bar: &ProgressBar) {
    let progress = &folder.manifest.progress;
    let bytes: u64 = progress.files.values().map(|written| written.bytes).sum();
    bar.set_position(progress.records());
    bar.set_message(format!("{} MB, {} users", bytes / 1_000_000, progress.users));
}

//! Work on jobs in a process that is killed, as by `kill -9`, after so many calls of the store, and goes on in another.

use crate::gate::Gate;
use crate::host::fetcher;
use crate::items::{Items, timeless};
use crate::terrace::Terrace;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use terrace_runtime::settings::IntakeSettings;
use terrace_store::local::{Database, Fault};
use terrace_worker::fetch::{FetchLimits, Fetcher, Hosts};

/// What the process that is killed is told: the folder that it works in, how often it passes a call of the store before
/// it ends, and the authority of the host that pings lead to.
const FOLDER: &str = "TERRACE_TEST_FOLDER";
const PASSES: &str = "TERRACE_TEST_PASSES";
const AUTHORITY: &str = "TERRACE_TEST_AUTHORITY";

/// Jobs that are to be killed at.
#[derive(Debug)]
pub struct Killed {
    /// The test that is run again in the process that is killed.
    test: &'static str,
    /// How everything stands before the work begins.
    before: TempDir,
    authority: String,
    /// The table after work that nothing disturbed.
    pub undisturbed: Items,
    /// How often that passed a call of the store.
    pub passes: usize,
}

async fn open(folder: &Path, gate: &Gate, authority: &str) -> Terrace {
    let fetcher = if authority.is_empty() {
        Fetcher::new(Hosts::default(), FetchLimits::default())
    } else {
        fetcher(authority, FetchLimits::default())
    };
    #[expect(clippy::unwrap_used, reason = "a test fails where its database cannot be opened")]
    let client = gate.client(&Database::open(folder).unwrap());
    Terrace::told(client, folder, gate, IntakeSettings::default(), fetcher).await
}

/// In the process that is killed: works on its jobs, and says that it did.
#[expect(clippy::unwrap_used, reason = "a test fails where it is told nonsense")]
pub async fn works_here() -> bool {
    let Ok(folder) = std::env::var(FOLDER) else { return false };
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let passes = Arc::clone(&left);
    let last = move |_| if left.fetch_sub(1, Ordering::SeqCst) == 0 { Fault::Abort } else { Fault::None };
    let terrace = open(Path::new(&folder), &Gate::new(last), &std::env::var(AUTHORITY).unwrap()).await;
    passes.store(std::env::var(PASSES).unwrap().parse().unwrap(), Ordering::SeqCst);
    terrace.settle().await;
    true
}

#[expect(clippy::unwrap_used, reason = "a test fails where its folders or processes cannot be made")]
impl Killed {
    /// Jobs that `prepare` leaves waiting; works them off once, undisturbed. `test` is the name of the test that asks
    /// [`works_here`] first.
    pub async fn new(test: &'static str, authority: &str, prepare: impl AsyncFnOnce(&Terrace)) -> Self {
        let (before, authority) = (tempfile::tempdir().unwrap(), authority.to_owned());
        let terrace = open(before.path(), &Gate::open(), &authority).await;
        prepare(&terrace).await;
        drop(terrace);
        let (folder, passed) = (copy(before.path()), Arc::<AtomicUsize>::default());
        let counted = Arc::clone(&passed);
        let gate = Gate::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Fault::None
        });
        let terrace = open(folder.path(), &gate, &authority).await;
        passed.store(0, Ordering::SeqCst);
        terrace.settle().await;
        let passes = passed.load(Ordering::SeqCst);
        Self { test, before, authority, undisturbed: timeless(&terrace).await, passes }
    }

    /// The table after work in a process that was killed after so many passes, and the rest of it in another.
    pub async fn at(&self, passes: usize) -> Items {
        self.at_looking(passes, async |_| ()).await
    }

    /// The same, with a look at what the one that was killed left.
    pub async fn at_looking(&self, passes: usize, look: impl AsyncFnOnce(&Terrace)) -> Items {
        let folder = copy(self.before.path());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", self.test, "--nocapture"]);
        command.env(FOLDER, folder.path()).env(PASSES, passes.to_string()).env(AUTHORITY, &self.authority);
        let output = command.output().unwrap();
        assert_eq!(output.status.success(), passes >= self.passes, "after {passes}: {output:?}");
        let terrace = open(folder.path(), &Gate::open(), &self.authority).await;
        look(&terrace).await;
        terrace.settle().await;
        timeless(&terrace).await
    }

    /// Passes to kill at: all of the first and the last, and some in between where there are many.
    pub fn some(&self) -> Vec<usize> {
        const ENDS: usize = 12;
        let (passes, step) = (self.passes, (self.passes / 8).max(1));
        (0..passes).filter(|at| *at < ENDS || passes - at <= ENDS || at % step == 0).collect()
    }
}

/// A folder and all that is in it, once more.
#[expect(clippy::unwrap_used, reason = "a test fails where its folders cannot be made")]
fn copy(from: &Path) -> TempDir {
    fn into(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            if path.is_dir() { into(&path, &to.join(name)) } else { fs::copy(&path, to.join(name)).map(drop).unwrap() }
        }
    }
    let to = tempfile::tempdir().unwrap();
    into(from, to.path());
    to
}

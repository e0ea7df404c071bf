//! What the queue promises: nothing sent is lost, nothing done is kept, nothing broken stops it.

use super::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn job(user: &str) -> Job {
    Job::Rekey { old: user.into(), new: "new".into() }
}

fn queue() -> (TempDir, FolderQueue) {
    let folder = tempfile::tempdir().unwrap();
    let queue = FolderQueue::open(&folder.path().join("jobs")).unwrap();
    (folder, queue)
}

fn reopen(folder: &TempDir, queue: FolderQueue) -> FolderQueue {
    drop(queue);
    FolderQueue::open(&folder.path().join("jobs")).unwrap()
}

fn files(folder: &TempDir, below: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder.path().join("jobs").join(below)).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some());
    found
}

#[tokio::test]
async fn a_job_sent_twice_is_done_once() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    queue.send(&job("a")).await.unwrap();
    assert_eq!((queue.len(), files(&folder, "").len()), (1, 1));

    let taken = queue.next().await.unwrap();
    assert_eq!((taken.job(), taken.attempts()), (&job("a"), 0));
    assert!(!queue.is_empty(), "a job that is worked on is not done");
    queue.done(taken).await.unwrap();
    assert!(queue.is_empty());
    assert!(files(&folder, "").is_empty());
}

#[tokio::test]
async fn a_job_sent_while_it_is_worked_on_is_done_again() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    let taken = queue.next().await.unwrap();
    queue.send(&job("a")).await.unwrap();
    queue.done(taken).await.unwrap();
    assert_eq!((queue.len(), files(&folder, "").len()), (1, 1));

    let again = queue.next().await.unwrap();
    assert_eq!(again.job(), &job("a"));
    queue.done(again).await.unwrap();
    assert!(queue.is_empty() && files(&folder, "").is_empty());
}

#[tokio::test]
async fn jobs_waiting_and_worked_on_survive_a_crash() {
    let (folder, queue) = queue();
    for user in ["a", "b"] {
        queue.send(&job(user)).await.unwrap();
    }
    let _worked_on = queue.next().await.unwrap();
    // The files as a process leaves them that ends here.
    let left = folder.path().join("left");
    fs::create_dir(&left).unwrap();
    for file in files(&folder, "") {
        fs::copy(&file, left.join(file.file_name().unwrap())).unwrap();
    }
    let queue = FolderQueue::open(&left).unwrap();
    let mut users = Vec::new();
    for _ in 0..2 {
        let taken = queue.next().await.unwrap();
        users.push(serde_json::to_string(taken.job()).unwrap());
        queue.done(taken).await.unwrap();
    }
    users.sort();
    let jobs = ["a", "b"].map(|user| serde_json::to_string(&job(user)).unwrap());
    assert_eq!(users, jobs);
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_waits_longer_each_time_and_dies_in_the_end() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    let mut waited = Vec::new();
    for attempt in 0..MAX_ATTEMPTS {
        let before = Instant::now();
        let taken = queue.next().await.unwrap();
        waited.push(before.elapsed().as_millis().div_euclid(1000));
        assert_eq!(taken.attempts(), attempt);
        assert_eq!(queue.failed(taken).await.unwrap(), attempt + 1 == MAX_ATTEMPTS);
    }
    assert_eq!(waited, [0, 1, 2, 4, 8, 16, 32, 60]);
    assert!(queue.is_empty() && files(&folder, "").is_empty());
    assert_eq!(queue.set_aside().await.unwrap(), SetAside { dead: 1, parked: 0 });
}

#[tokio::test(start_paused = true)]
async fn attempts_survive_a_restart_and_the_wait_does_not() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    let taken = queue.next().await.unwrap();
    queue.failed(taken).await.unwrap();
    let queue = reopen(&folder, queue);
    let before = Instant::now();
    assert_eq!(queue.next().await.unwrap().attempts(), 1);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_job_sent_again_while_it_fails_starts_anew() {
    let (_folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    for _ in 1..MAX_ATTEMPTS {
        let taken = queue.next().await.unwrap();
        queue.failed(taken).await.unwrap();
    }
    let last = queue.next().await.unwrap();
    queue.send(&job("a")).await.unwrap();
    assert!(!queue.failed(last).await.unwrap());
    assert_eq!(queue.next().await.unwrap().attempts(), 0);
    assert_eq!(queue.set_aside().await.unwrap().dead, 0);
}

#[tokio::test]
async fn a_waiting_worker_is_woken_by_a_send_and_by_a_worker_that_gave_up() {
    let (_folder, queue) = queue();
    let (worker, other) = (queue.clone(), queue.clone());
    let woken = tokio::spawn(async move { worker.next().await.unwrap().job().clone() });
    let also = tokio::spawn(async move { other.next().await.unwrap().job().clone() });
    queue.send(&job("a")).await.unwrap();
    // Whichever comes first drops the job without a word, and so gives it to the other.
    assert_eq!((woken.await.unwrap(), also.await.unwrap()), (job("a"), job("a")));
    assert_eq!(queue.len(), 1);
}

#[tokio::test]
async fn whoever_waits_for_the_end_is_told_of_it() {
    let (_folder, queue) = queue();
    queue.idle().await;
    queue.send(&job("a")).await.unwrap();
    let waiting = queue.clone();
    let idle = tokio::spawn(async move { waiting.idle().await });
    let taken = queue.next().await.unwrap();
    assert!(!idle.is_finished());
    queue.done(taken).await.unwrap();
    idle.await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_job_is_set_aside_and_stops_nobody() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    let root = folder.path().join("jobs");
    fs::write(root.join("0.json"), b"{\"job\":").unwrap();
    fs::write(root.join("1.tmp"), b"half").unwrap();
    let queue = reopen(&folder, queue);
    assert_eq!(queue.len(), 2);
    let taken = queue.next().await.unwrap();
    assert_eq!(taken.job(), &job("a"));
    queue.done(taken).await.unwrap();

    let waiting = queue.clone();
    let next = tokio::spawn(async move { waiting.next().await.unwrap().job().clone() });
    queue.idle().await;
    assert_eq!(queue.set_aside().await.unwrap(), SetAside { dead: 1, parked: 0 });
    assert!(!root.join("1.tmp").exists());
    assert_eq!(fs::read(root.join("dead/0.json")).unwrap(), b"{\"job\":");
    queue.send(&job("b")).await.unwrap();
    assert_eq!(next.await.unwrap(), job("b"));
}

#[tokio::test]
async fn parked_jobs_wait_for_a_version_that_can_do_them() {
    let (folder, queue) = queue();
    queue.send(&job("a")).await.unwrap();
    let taken = queue.next().await.unwrap();
    queue.park(taken).await.unwrap();
    assert!(queue.is_empty());
    let queue = reopen(&folder, queue);
    assert!(queue.is_empty());
    assert_eq!(queue.set_aside().await.unwrap(), SetAside { dead: 0, parked: 1 });
    assert_eq!(queue.unpark().await.unwrap(), 1);
    assert_eq!(queue.next().await.unwrap().job(), &job("a"));
}

#[tokio::test]
async fn a_folder_belongs_to_one_queue_at_a_time() {
    let (folder, queue) = queue();
    let second = FolderQueue::open(&folder.path().join("jobs")).unwrap_err();
    assert!(second.to_string().contains("another process"), "{second}");
    let queue = reopen(&folder, queue);
    assert!(queue.is_empty());
}

#[tokio::test]
async fn what_is_shown_names_no_person() {
    let (_folder, queue) = queue();
    queue.send(&job("user-1")).await.unwrap();
    let taken = queue.next().await.unwrap();
    assert!(!format!("{queue:?} {taken:?}").contains("user-1"));
}

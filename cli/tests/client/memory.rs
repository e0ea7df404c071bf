//! An export's memory does not grow with its size.

use crate::common::{Server, World, terrace};
use std::fs;
use std::process::Stdio;

/// The most memory that a command has had, in KiB, and how much it wrote.
fn peak(users: usize, records: usize, format: &str) -> (u64, u64) {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(World { users, records, page: 1_000, ..World::small() });
    let folder = home.path().join("out");
    let mut command = terrace(home.path());
    command.arg("export").arg(&folder).args(["--url", &server.url(), "--format", format]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // The mark only rises; what is missed lies between the last look and the end.
        let said = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        peak = peak.max(mark.unwrap_or(0));
        std::thread::yield_now();
    };
    assert!(status.success());
    let written = crate::common::TYPES.map(|name| fs::metadata(folder.join(format!("{name}.{format}"))).unwrap().len());
    (peak, written.iter().sum())
}

#[test]
fn twenty_times_the_records_need_no_more_memory() {
    // 10,000 and 200,000 records; rows take longer, so 5,000 and 100,000 of them. All have more pages than are ever held.
    for (format, few, many) in [("jsonl", [10, 500], [100, 1_000]), ("csv", [10, 250], [100, 500])] {
        let (small, less) = peak(few[0], few[1], format);
        let (large, more) = peak(many[0], many[1], format);
        assert!(more > less * 15, "{less} and {more} bytes");
        assert!(large < small + 8_192, "{format}: {small} KiB for the few, {large} KiB for the many");
    }
}

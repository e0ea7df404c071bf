//! What is not measured, in words, from the very figures that are reckoned with.

use crate::cost::kinds::{COPIES, MIX_DAYS, MIX_USERS};
use crate::cost::running::{CALL_MS, CPU, GET_MS, PUT_MS, WEBHOOK_MB, WORKER_MB};
use crate::cost::show::{bytes, mean};
use crate::cost::{DAYS, LOG_DAYS};

/// The list.
pub fn list() -> String {
    let cpu = CPU.map(|(length, ms)| format!("{ms} ms for {}", bytes(length))).join(", ");
    let items = [
        "List prices of us-east-1, functions on arm64, everything as `infra/` provisions it. Taxes and support are left out."
            .to_owned(),
        format!(
            "The mix is what {MIX_USERS} users of `terrace simulate` send in {MIX_DAYS} days: all types, a twentieth twice, a \
             fiftieth late, no pings and no large requests. 0.7 KB, 300 KB and 4 MB are newer copies of a known user's day, \
             each record coming {} times.",
            mean(COPIES)
        ),
        format!(
            "A month is the one after {DAYS} days of such deliveries, with {LOG_DAYS} days of them in the log. Nobody is \
             erased."
        ),
        format!(
            "Time of Lambda is reckoned: CPU of the released webhook by `make bench` ({cpu}; November 2026, a virtual machine \
             with two cores of an Intel Xeon, which did nothing else), divided by the share of a CPU that {} MB \
             have (the worker: {} MB); and waiting, {CALL_MS} ms a call to the table, {PUT_MS} ms to put an object, {GET_MS} \
             ms to read one, which are assumed. Cold starts are left out.",
            mean(WEBHOOK_MB),
            mean(WORKER_MB)
        ),
        "Of a ping the fetch is left out, and one write unit where its item is told what it led to. The body it leads to \
         costs what a delivery of it does, without the gateway and the webhook."
            .to_owned(),
        "The key is changed by itself once a year: its second and its third year cost a dollar a month more each (AWS \
         charges no further ones)."
            .to_owned(),
        "Metrics are as many as the code has. One that nothing is said to for an hour is not charged for it, and a healthy \
         month says something to half of them."
            .to_owned(),
        "Reading is left out: a question costs a request at the gateway, one of Lambda, its read units and what goes out."
            .to_owned(),
        "Refused requests are left out. One costs at the gateway and in Lambda what a delivery does, and nothing else."
            .to_owned(),
        "Data out is the answers with about 250 bytes of headers. Lines are counted with all durations alike, and kept \
         lines taken for 15 % of what came in, as in AWS's own examples."
            .to_owned(),
        "A delivery is looked at by two daily rounds, sixteen at once, and a page of the table of 1 MB taken for 50 ms. Rounds \
         that would take longer than a day do not keep up, and are charged here as if they did."
            .to_owned(),
        "Objects of 128 KB or more go to Glacier Instant Retrieval after 30 days, where each is charged for at least 90; S3 \
         leaves smaller ones where they are. Reading from there costs $0.03 a GB and is left out."
            .to_owned(),
        "The free tier is what every account has for good, where nothing else in it uses it. What new accounts get for a \
         year, or as credit, is left out."
            .to_owned(),
        "The other designs are reckoned, not measured, with Terrace's gateway, CPU, answers and lines. *Whole JSON in \
         DynamoDB*: each delivery overwrites its record, in items of at most 400 KB; no log, no order, no replay. *JSON in \
         S3 per delivery*: one object and one item that leads to it, as it came, kept for as long as Terrace keeps it; no \
         records. *Terrace in containers*: what it writes and keeps, behind a load balancer, by two tasks of 0.25 vCPU and \
         0.5 GB, or as many as keep CPUs half idle; the containers are in the sum."
            .to_owned(),
    ];
    items.map(|item| format!("- {item}")).join("\n")
}

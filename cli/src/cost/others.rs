//! The same deliveries by other designs, at the same prices and with the same gateway, functions' time and lines, so that
//! only what is kept, and how, makes the difference. Fixed charges are left out.

use crate::cost::bill::{Bill, Case, DAYS_OF_MONTH, Group, Line, Stock, requests};
use crate::cost::demand::{Demand, Work};
use crate::cost::prices as p;
use crate::cost::running::{CALL_MS, CPU, PUT_MS};

const GB: f64 = 1_000_000_000.0;
const HOURS_OF_MONTH: f64 = 24.0 * DAYS_OF_MONTH;
/// The longest item of DynamoDB.
const ITEM_BYTES: f64 = 400.0 * 1_024.0;
/// Keys of a part of a record, and what DynamoDB adds for storage.
const PART_BYTES: f64 = 100.0 + 100.0;
/// An item that leads to an object: who, what, when, and the object's key.
const POINTER_BYTES: f64 = 300.0 + 100.0;

/// The whole JSON in DynamoDB, in items of at most 400 KB, that each delivery overwrites. Nothing else is kept.
pub fn whole_in_table(demand: &Demand, case: &Case) -> Bill {
    let parts = (demand.body_bytes / ITEM_BYTES).ceil().max(1.0);
    let work = Work { calls: parts, write_units: demand.json_units, billed_ms: CALL_MS, ..Work::default() };
    let mut bill = received(demand, case, work);
    let stock = Stock::of(demand, case);
    let bytes = stock.records * (demand.body_bytes + PART_BYTES * parts) / GB;
    bill.add(Group::Storage, "records", p::TABLE_GB, bytes);
    bill.add(Group::Storage, "the table, restorable", p::RESTORABLE_GB, bytes);
    bill
}

/// The JSON of each delivery in S3 as it came, and an item that leads to it; kept for as long as Terrace keeps it.
pub fn whole_in_objects(demand: &Demand, case: &Case) -> Bill {
    let work = Work { calls: 1.0, write_units: 1.0, puts: 1.0, billed_ms: CALL_MS + PUT_MS, ..Work::default() };
    let mut bill = received(demand, case, work);
    let stock = Stock::of(demand, case);
    let kept = stock.logged + stock.outlived;
    bill.add(Group::Storage, "objects", p::S3_GB, kept * demand.body_bytes / GB);
    bill.add(Group::Storage, "items that lead to them", p::TABLE_GB, kept * POINTER_BYTES / GB);
    bill.add(Group::Storage, "the table, restorable", p::RESTORABLE_GB, kept * POINTER_BYTES / GB);
    bill
}

/// What receiving costs with other work than Terrace's: its CPU stays, its waiting is the other's.
fn received(demand: &Demand, case: &Case, work: Work) -> Bill {
    let waiting = CALL_MS * demand.webhook.calls.min(3.0) + PUT_MS * demand.webhook.puts;
    let billed_ms = (demand.webhook.billed_ms - waiting).max(1.0) + work.billed_ms;
    let demand =
        Demand { webhook: Work { runs: 1.0, billed_ms, ..work }, worker: Work::default(), jobs: 0.0, ..*demand };
    let mut bill = Bill::default();
    requests(&mut bill, &demand, case.deliveries);
    bill
}

/// Two small containers that always run, behind a load balancer, in place of the gateway and of Lambda; what they write
/// is what Terrace writes. There are more of them where half of their CPU would not do.
pub fn containers(bill: &Bill, demand: &Demand, case: &Case) -> Bill {
    const CPU_EACH: f64 = 0.25;
    const GB_EACH: f64 = 0.5;
    let [(bytes, ms), _, (large_bytes, large_ms)] = CPU;
    let cpu_ms = ms + (large_ms - ms) / (large_bytes - bytes) * (demand.body_bytes - bytes).max(0.0);
    let seconds = HOURS_OF_MONTH * 3_600.0;
    let tasks = (case.deliveries * cpu_ms / 1_000.0 / seconds / CPU_EACH / 0.5).ceil().max(2.0);
    let kept = |line: &&Line| line.group != Group::Fixed && !matches!(line.what, "API Gateway" | "Lambda" | "answers");
    let mut with = Bill(bill.0.iter().filter(kept).copied().collect());
    let mut add = |what, price, quantity: f64| with.add(Group::Fixed, what, price, quantity);
    add("containers", p::FARGATE_CPU, tasks * CPU_EACH * HOURS_OF_MONTH);
    add("containers", p::FARGATE_GB, tasks * GB_EACH * HOURS_OF_MONTH);
    add("load balancer", p::BALANCER, HOURS_OF_MONTH);
    // A capacity unit is a GB an hour.
    add("load balancer", p::BALANCER_UNIT, (case.deliveries * demand.body_bytes / GB).max(1.0));
    add("addresses", p::ADDRESS, (2.0 + tasks) * HOURS_OF_MONTH);
    with
}

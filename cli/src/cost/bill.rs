//! What is charged for a month.

use crate::cost::demand::{Demand, ROUNDS, Work};
use crate::cost::fixed;
use crate::cost::kinds::COPIES;
use crate::cost::prices::{self as p, Price};
use crate::cost::running::{WEBHOOK_MB, WORKER_MB, looked_at_ms};
use serde::Serialize;

/// Days of a month.
pub const DAYS_OF_MONTH: f64 = 365.0 / 12.0;
const GB: f64 = 1_000_000_000.0;
const MB_OF_GB: f64 = 1_024.0;
/// The gateway's line of a request, as infra/modules/http_api/main.tf has it.
const ACCESS_LINE: &str = r#"{"function_status":"200","integration_latency":"21","latency_ms":"24","request_id":"ABCDEFGHIJKLMNO=","response_bytes":"151","route":"ANY /webhook","status":"200","time":"01/Jul/2026:09:12:33 +0000"}"#;
/// The headers of an answer, about.
const ANSWER_HEADERS: f64 = 250.0;
/// What is left of lines where CloudWatch keeps them, by AWS's own examples of prices.
const LINES_KEPT: f64 = 0.15;
/// Requests to a queue for a job: sent, received, removed.
const REQUESTS_OF_JOB: f64 = 3.0;
/// After so many days an object goes to the cheaper tier: infra/modules/log_bucket/main.tf. S3 leaves smaller ones alone,
/// and charges for so many days there.
const COLD_AFTER_DAYS: f64 = 30.0;
const COLD_FROM_BYTES: f64 = 128.0 * 1_024.0;
const COLD_AT_LEAST_DAYS: f64 = 90.0;
/// Keys of a page of a listing, and bytes of a page of a scan.
const LISTED: f64 = 1_000.0;
const PAGE_BYTES: f64 = 1_048_576.0;
/// What reading a page of a scan takes the worker, in milliseconds: assumed.
const PAGE_MS: f64 = 50.0;
/// What DynamoDB reads of a scan with one unit, where the latest writes are not asked for, as the daily round does.
const READ_BYTES: f64 = 8_192.0;
/// What it adds to an item where it charges for storage, and not where it reads.
const ITEM_OVERHEAD: f64 = 100.0;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Case {
    /// Deliveries a month.
    pub deliveries: f64,
    /// Users they come from.
    pub users: f64,
    /// For how many days deliveries stay in the log.
    pub log_days: f64,
    /// How many days of deliveries there are by now.
    pub days: f64,
}

/// What a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Charged by the delivery.
    Requests,
    /// The daily round.
    Round,
    /// Charged by what is kept.
    Storage,
    /// Charged whether anything comes or not.
    Fixed,
}

/// A line of the bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Of what it is.
    pub group: Group,
    /// What for.
    pub what: &'static str,
    /// At what price.
    pub price: Price,
    /// How much of it.
    pub quantity: f64,
}

impl Line {
    /// What it costs.
    pub fn dollars(&self) -> f64 {
        self.price.of(self.quantity)
    }
}

/// A bill.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill(pub Vec<Line>);

impl Bill {
    /// What all of a group costs.
    pub fn of(&self, group: Group) -> f64 {
        self.0.iter().filter(|line| line.group == group).map(Line::dollars).sum()
    }

    /// What all of it costs.
    pub fn total(&self) -> f64 {
        self.0.iter().map(Line::dollars).sum()
    }

    /// What the always-free part of each price takes off, where nothing else in the account uses it.
    pub fn free(&self) -> f64 {
        p::ALL
            .into_iter()
            .map(|price| {
                let used: f64 =
                    self.0.iter().filter(|line| line.price.what == price.what).map(|line| line.quantity).sum();
                price.of(used.min(price.free))
            })
            .sum()
    }

    /// Adds a line.
    pub fn add(&mut self, group: Group, what: &'static str, price: Price, quantity: f64) {
        self.0.push(Line { group, what, price, quantity });
    }
}

/// What is there after so many days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stock {
    /// Deliveries in the log.
    pub logged: f64,
    /// Records.
    pub records: f64,
    /// Thereof, of deliveries that are no longer in the log.
    pub outlived: f64,
}

impl Stock {
    /// The stock of a case.
    pub fn of(demand: &Demand, case: &Case) -> Self {
        let daily = case.deliveries / DAYS_OF_MONTH;
        let new = demand.kept.new_records.unwrap_or(1.0 / COPIES);
        let held = case.log_days.min(case.days);
        Self { logged: daily * held, records: daily * case.days * new, outlived: daily * (case.days - held) * new }
    }
}

/// Terrace's bill of a month.
pub fn bill(demand: &Demand, case: &Case) -> Bill {
    let mut bill = Bill::default();
    requests(&mut bill, demand, case.deliveries);
    let stock = Stock::of(demand, case);
    let table = table_bytes(demand, case);
    let objects = demand.kept.objects * stock.logged + demand.kept.objects_of_record * stock.outlived;
    let read = table - ITEM_OVERHEAD * (stock.logged + stock.records + case.users);
    round(&mut bill, demand, case, read, objects);
    bill.add(Group::Storage, "deliveries in the table", p::TABLE_GB, demand.kept.log_bytes * stock.logged / GB);
    let view = demand.kept.record_bytes * stock.records + demand.kept.connection_bytes * case.users;
    bill.add(Group::Storage, "records and connections, for good", p::TABLE_GB, view / GB);
    bill.add(Group::Storage, "the table, restorable", p::RESTORABLE_GB, table / GB);
    objects_kept(&mut bill, demand, case, &stock);
    lines_kept(&mut bill, demand, case);
    fixed::lines(&mut bill);
    bill
}

/// The charges of each delivery.
pub fn requests(bill: &mut Bill, demand: &Demand, deliveries: f64) {
    let mut add = |what, price, each: f64| bill.add(Group::Requests, what, price, each * deliveries);
    add("API Gateway", p::API_REQUEST, demand.gateway_requests);
    add("answers", p::OUT_GB, (demand.answer_bytes + ANSWER_HEADERS) / GB);
    for (work, memory) in [(&demand.webhook, WEBHOOK_MB), (&demand.worker, WORKER_MB)] {
        add("Lambda", p::LAMBDA_REQUEST, work.runs);
        add("Lambda", p::LAMBDA_GB_SECOND, memory / MB_OF_GB * work.billed_ms / 1_000.0);
        add("DynamoDB", p::WRITE_UNIT, work.write_units);
        add("DynamoDB", p::READ_UNIT, work.read_units);
        add("S3", p::S3_PUT, work.puts);
        add("S3", p::S3_GET, work.gets);
    }
    add("SQS", p::SQS_REQUEST, REQUESTS_OF_JOB * demand.jobs);
    add("CloudWatch Logs", p::LOG_INGESTED_GB, line_bytes(demand) / GB);
}

fn line_bytes(demand: &Demand) -> f64 {
    demand.line_bytes + ACCESS_LINE.len() as f64
}

/// Milliseconds that the daily round takes.
pub fn round_ms(demand: &Demand, case: &Case, table_bytes: f64) -> f64 {
    let looked = case.deliveries / DAYS_OF_MONTH * ROUNDS;
    let Work { calls, gets, .. } = demand.round;
    looked * looked_at_ms(calls, gets) + table_bytes / PAGE_BYTES * PAGE_MS
}

/// The bytes of the table of a case.
pub fn table_bytes(demand: &Demand, case: &Case) -> f64 {
    let stock = Stock::of(demand, case);
    demand.kept.log_bytes * stock.logged
        + demand.kept.record_bytes * stock.records
        + demand.kept.connection_bytes * case.users
}

fn round(bill: &mut Bill, demand: &Demand, case: &Case, table: f64, objects: f64) {
    let looked = case.deliveries * ROUNDS;
    let mut add = |what, price, quantity: f64| bill.add(Group::Round, what, price, quantity);
    add("the whole table read", p::READ_UNIT, table / READ_BYTES * DAYS_OF_MONTH);
    add("deliveries looked at", p::READ_UNIT, looked * demand.round.read_units);
    add("deliveries looked at", p::S3_GET, looked * demand.round.gets);
    add("objects listed", p::S3_PUT, objects / LISTED * DAYS_OF_MONTH);
    let seconds = round_ms(demand, case, table) / 1_000.0 * DAYS_OF_MONTH;
    add("Lambda", p::LAMBDA_GB_SECOND, WORKER_MB / MB_OF_GB * seconds);
}

fn objects_kept(bill: &mut Bill, demand: &Demand, case: &Case, stock: &Stock) {
    let each = demand.kept.object_bytes / GB;
    let moved = demand.kept.object_bytes >= COLD_FROM_BYTES;
    let daily = case.deliveries / DAYS_OF_MONTH * demand.kept.objects;
    let (held, outlived) = (case.log_days.min(case.days), demand.kept.objects_of_record * stock.outlived);
    let warm_days = if moved { held.min(COLD_AFTER_DAYS) } else { held };
    let cold_days = held - warm_days;
    let mut add = |what, price, quantity: f64| bill.add(Group::Storage, what, price, quantity);
    add("objects of the log", p::S3_GB, daily * warm_days * each);
    let place = if moved { p::S3_COLD_GB } else { p::S3_GB };
    add("objects of the log", place, daily * cold_days * each);
    add("objects that records lie in, for good", place, outlived * each);
    if moved && case.log_days > COLD_AFTER_DAYS {
        add("objects moved to the cheaper tier", p::S3_MOVE, daily * DAYS_OF_MONTH);
        let short = (COLD_AT_LEAST_DAYS - (case.log_days - COLD_AFTER_DAYS)).max(0.0);
        add("objects removed from it early", p::S3_COLD_GB, daily * short * each);
    }
}

fn lines_kept(bill: &mut Bill, demand: &Demand, case: &Case) {
    let kept = case.deliveries / DAYS_OF_MONTH * case.log_days.min(case.days) * line_bytes(demand) * LINES_KEPT;
    bill.add(Group::Storage, "lines", p::LOG_KEPT_GB, kept / GB);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::demand::Kept;

    const CASE: Case = Case { deliveries: 1_000_000.0, users: 1.0, log_days: 90.0, days: 365.0 };

    fn with_objects(object_bytes: f64) -> Demand {
        Demand { kept: Kept { objects: 1.0, object_bytes, ..Kept::default() }, ..Demand::default() }
    }

    #[test]
    fn objects_go_to_the_cheaper_tier_from_128_kib() {
        let moved = |bill: &Bill| bill.0.iter().find(|line| line.price == p::S3_MOVE).map(|line| line.quantity.round());
        let large = bill(&with_objects(COLD_FROM_BYTES), &CASE);
        assert_eq!(moved(&large), Some(CASE.deliveries));
        assert_eq!(moved(&bill(&with_objects(COLD_FROM_BYTES - 1.0), &CASE)), None);
        assert_eq!(moved(&bill(&with_objects(COLD_FROM_BYTES), &Case { log_days: 30.0, ..CASE })), None);
        // Of ninety days thirty are dear, sixty cheap, and thirty more are charged because ninety are the least.
        let days = |price: Price| -> f64 {
            let lines = large.0.iter().filter(|line| line.price == price);
            lines.map(|line| line.quantity).sum::<f64>() * GB / COLD_FROM_BYTES / (CASE.deliveries / DAYS_OF_MONTH)
        };
        assert_eq!((days(p::S3_GB).round(), days(p::S3_COLD_GB).round()), (30.0, 60.0 + 30.0));
    }

    #[test]
    fn what_is_free_is_taken_off_once() {
        let mut bill = Bill::default();
        bill.add(Group::Storage, "a", p::TABLE_GB, 20.0);
        bill.add(Group::Storage, "b", p::TABLE_GB, 20.0);
        bill.add(Group::Fixed, "c", p::METRIC, 4.0);
        assert_eq!((bill.total(), bill.free()), (10.0 + 1.2, 25.0 * 0.25 + 1.2));
    }

    #[test]
    fn what_is_kept_stops_growing_with_the_log_and_grows_with_records() {
        let demand =
            Demand { kept: Kept { log_bytes: 1_000.0, record_bytes: 1_000.0, ..Kept::default() }, ..Demand::default() };
        let [one, ten] = [365.0, 3_650.0].map(|days| Stock::of(&demand, &Case { days, ..CASE }));
        assert_eq!(one.logged, ten.logged);
        assert!((ten.records / one.records - 10.0).abs() < 1e-9);
    }
}

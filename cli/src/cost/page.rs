//! The tables of docs/COST.md.

use crate::cost::assumed;
use crate::cost::bill::{Bill, Case, Group, bill, round_ms, table_bytes};
use crate::cost::fixed::{KEY_REQUESTS, METRICS_OF_ALARMS, POLLS, SIMPLE_ALARMS};
use crate::cost::kinds::{Measured, history, mix, pings, sizes};
use crate::cost::one_case::{GROUPS, beside};
use crate::cost::prices;
use crate::cost::show::{bytes, deliveries, dollars, exactly, mean, table, thousands, words};
use crate::cost::{DAYS, LOG_DAYS, summary, users};
use crate::error::CommandError;

/// Deliveries a month.
const VOLUMES: [f64; 3] = [1e4, 1e6, 1e8];
const MILLION: f64 = 1e6;

/// All of it.
///
/// # Errors
///
/// When a delivery is not taken.
pub async fn page() -> Result<String, CommandError> {
    let [small, medium, large] = sizes().await?;
    let mix = mix(&[]).await?;
    let months = [mix, small, medium, large];
    let every: Vec<Measured> = months.iter().cloned().chain([history().await?, pings().await?]).collect();
    let parts = [
        ("In short", summary::sentences(&months, |measured| case(measured, MILLION))),
        ("A month", a_month(&months)),
        ("A million deliveries, each service", a_million(&every)),
        ("What is kept", kept(&months)),
        ("The daily round", round(&months)),
        ("Whether anything comes or not", fixed(&months)),
        ("By how long the log is kept", log_days(&months)),
        ("Beside other designs", other_designs(&months)),
        ("What one delivery asks for", demands(&every)),
        ("What is assumed", assumed::list()),
        ("The prices", price_list()),
    ];
    let parts = parts.map(|(title, text)| format!("## {title}\n\n{text}"));
    Ok(parts.join("\n\n") + "\n")
}

fn case(measured: &Measured, deliveries: f64) -> Case {
    let users = users(measured, deliveries);
    Case { deliveries, users, log_days: f64::from(LOG_DAYS), days: f64::from(DAYS) }
}

fn cases(months: &[Measured]) -> impl Iterator<Item = (&Measured, Case, Bill)> {
    VOLUMES.into_iter().flat_map(move |volume| {
        months.iter().map(move |measured| {
            let case = case(measured, volume);
            (measured, case, bill(&measured.demand, &case))
        })
    })
}

fn called(measured: &Measured, case: &Case) -> String {
    format!("{}, {}", deliveries(case.deliveries), measured.name)
}

fn a_month(months: &[Measured]) -> String {
    let rows = cases(months).map(|(measured, case, bill)| {
        let groups = GROUPS.map(|(group, _)| dollars(bill.of(group)));
        [called(measured, &case), thousands(case.users)]
            .into_iter()
            .chain(groups)
            .chain([dollars(bill.total()), dollars(bill.free())])
            .collect()
    });
    let groups = GROUPS.map(|(_, name)| name);
    let headings: Vec<_> =
        ["deliveries", "users"].into_iter().chain(groups).chain(["in all", "free tier takes off"]).collect();
    table(&headings, rows)
}

fn a_million(every: &[Measured]) -> String {
    let services = ["API Gateway", "answers", "Lambda", "DynamoDB", "S3", "SQS", "CloudWatch Logs"];
    let rows = every.iter().map(|measured| {
        let mut bill = Bill::default();
        crate::cost::bill::requests(&mut bill, &measured.demand, MILLION);
        let of = |service: &str| bill.0.iter().filter(|line| line.what == service).map(|line| line.dollars()).sum();
        let each = services.map(|service| dollars(of(service)));
        [measured.name.clone()].into_iter().chain(each).chain([dollars(bill.total())]).collect()
    });
    let headings: Vec<_> = ["a million of"].into_iter().chain(services).chain(["in all"]).collect();
    table(&headings, rows)
}

fn kept(months: &[Measured]) -> String {
    by_line(months, Group::Storage, &format!("a million a month, after {DAYS} days"))
}

/// The lines of a group, for a million deliveries a month of each kind.
fn by_line(months: &[Measured], group: Group, heading: &str) -> String {
    let bills: Vec<_> = months.iter().map(|measured| bill(&measured.demand, &case(measured, MILLION))).collect();
    let lines = bills.iter().flat_map(|bill| &bill.0).filter(|line| line.group == group && line.quantity > 0.0);
    let mut names: Vec<&str> = Vec::new();
    for line in lines {
        if !names.contains(&line.what) {
            names.push(line.what);
        }
    }
    let rows = names.into_iter().map(|name| {
        let of = |bill: &Bill| {
            bill.0.iter().filter(|line| line.group == group && line.what == name).map(|line| line.dollars()).sum()
        };
        [name.to_owned()].into_iter().chain(bills.iter().map(|bill| dollars(of(bill)))).collect()
    });
    let names = months.iter().map(|measured| measured.name.as_str());
    table(&[heading].into_iter().chain(names).collect::<Vec<_>>(), rows)
}

fn round(months: &[Measured]) -> String {
    let hours = cases(months).map(|(measured, case, _)| {
        let bytes_there = table_bytes(&measured.demand, &case);
        let hours = round_ms(&measured.demand, &case, bytes_there) / 3_600_000.0;
        vec![called(measured, &case), bytes(bytes_there), format!("{hours:.2} h")]
    });
    let hours = table(&["deliveries", "table", "one round takes about"], hours);
    format!("{}\n\n{hours}", by_line(months, Group::Round, "a million a month"))
}

fn fixed(months: &[Measured]) -> String {
    let Some(first) = months.first() else { return String::new() };
    let bill = bill(&first.demand, &case(first, MILLION));
    let rows = bill.0.iter().filter(|line| line.group == Group::Fixed).map(|line| {
        let what = match line.what {
            "alarms" => format!("alarms: {SIMPLE_ALARMS} of one metric, {} of several", METRICS_OF_ALARMS.len()),
            "idle queues" => format!("two idle queues that Lambda asks, {} times each", thousands(POLLS)),
            "requests to the key" => format!("{} requests to the key, an estimate", thousands(KEY_REQUESTS)),
            what => what.to_owned(),
        };
        vec![what, thousands(line.quantity), dollars(line.dollars())]
    });
    table(&["for", "number", "a month"], rows)
}

fn log_days(months: &[Measured]) -> String {
    const LOGS: [f64; 4] = [14.0, 30.0, 90.0, 365.0];
    let rows = months.iter().map(|measured| {
        let of = |log_days| {
            let bill = bill(&measured.demand, &Case { log_days, ..case(measured, MILLION) });
            dollars(bill.of(Group::Storage) + bill.of(Group::Round))
        };
        [measured.name.clone()].into_iter().chain(LOGS.map(of)).collect()
    });
    let headings = LOGS.map(|days| format!("{days} days"));
    let what = "a million a month: the round and what is kept";
    table(&[what].into_iter().chain(headings.iter().map(String::as_str)).collect::<Vec<_>>(), rows)
}

fn other_designs(months: &[Measured]) -> String {
    let requests: fn(&Bill) -> f64 = |bill| bill.of(Group::Requests);
    let million = months.iter().map(|measured| {
        let case = case(measured, MILLION);
        (measured, case, bill(&measured.demand, &case))
    });
    // A container is not charged by the delivery.
    let by_delivery = compared("a million, each delivery", million, requests, 2);
    let whole: fn(&Bill) -> f64 = Bill::total;
    let months = cases(months).map(|(measured, case, own)| {
        let varying = own.0.into_iter().filter(|line| line.group != Group::Fixed);
        (measured, case, Bill(varying.collect()))
    });
    format!("{by_delivery}\n\n{}", compared("a month, all that varies", months, whole, 3))
}

/// Terrace beside the first so many of the other designs.
fn compared<'m>(
    heading: &str,
    cases: impl Iterator<Item = (&'m Measured, Case, Bill)>,
    of: fn(&Bill) -> f64,
    number: usize,
) -> String {
    let mut names = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (measured, case, own) in cases {
        let others = beside(measured, &case, &own);
        names = others.iter().map(|(name, _)| *name).take(number).collect();
        let terrace = of(&own);
        let times = |bill: &Bill| format!("{} ({:.1}x)", dollars(of(bill)), of(bill) / terrace);
        let each = others.iter().take(number).map(|(_, bill)| times(bill));
        rows.push([called(measured, &case), dollars(terrace)].into_iter().chain(each).collect());
    }
    table(&[heading, "Terrace"].into_iter().chain(names).collect::<Vec<_>>(), rows)
}

fn demands(every: &[Measured]) -> String {
    type Figure = (&'static str, fn(&Measured) -> String);
    let figures: [Figure; 21] = [
        ("deliveries measured", |of| thousands(of.demand.measured as f64)),
        ("body", |of| bytes(of.demand.body_bytes)),
        ("requests at the gateway", |of| mean(of.demand.gateway_requests)),
        ("webhook: calls to the table", |of| mean(of.demand.webhook.calls)),
        ("webhook: write units", |of| mean(of.demand.webhook.write_units)),
        ("webhook: read units", |of| mean(of.demand.webhook.read_units)),
        ("webhook: objects put", |of| mean(of.demand.webhook.puts)),
        ("webhook: ms of Lambda, reckoned", |of| mean(of.demand.webhook.billed_ms.round())),
        ("jobs", |of| mean(of.demand.jobs)),
        ("worker: write units", |of| mean(of.demand.worker.write_units)),
        ("worker: read units", |of| mean(of.demand.worker.read_units)),
        ("worker: objects read", |of| mean(of.demand.worker.gets)),
        ("worker: ms of Lambda, reckoned", |of| mean(of.demand.worker.billed_ms.round())),
        ("lines of the functions", |of| bytes(of.demand.line_bytes)),
        ("a round: calls for each delivery", |of| mean(of.demand.round.calls)),
        ("a round: read units for each", |of| mean(of.demand.round.read_units)),
        ("kept: a delivery's item", |of| bytes(of.demand.kept.log_bytes)),
        ("kept: an object", |of| bytes(of.demand.kept.object_bytes)),
        ("kept: a record", |of| bytes(of.demand.kept.record_bytes)),
        ("kept: a connection", |of| bytes(of.demand.kept.connection_bytes)),
        ("new records", |of| of.demand.kept.new_records.map_or_else(|| "0.1, assumed".to_owned(), mean)),
    ];
    let rows = figures
        .into_iter()
        .map(|(name, figure)| [name.to_owned()].into_iter().chain(every.iter().map(figure)).collect());
    let names = every.iter().map(|measured| measured.name.as_str());
    table(&["the mean of"].into_iter().chain(names).collect::<Vec<_>>(), rows)
}

fn price_list() -> String {
    let rows = prices::ALL.into_iter().map(|price| {
        let per = if price.per > 1.0 { format!(" for {}", deliveries(price.per)) } else { String::new() };
        let then = price
            .then
            .map(|(above, then)| format!(", {} above {}", exactly(then), deliveries(above)))
            .unwrap_or_default();
        let free =
            if price.free > 0.0 { format!("{} {}", thousands(price.free), price.unit) } else { "none".to_owned() };
        let page = format!("aws.amazon.com/{}", price.page);
        vec![
            price.what.to_owned(),
            format!("{}{per}{then}", exactly(price.dollars)),
            free,
            page,
            price.compared.to_owned(),
        ]
    });
    words(&["what", "price", "always free, a month", "page of AWS", "compared with"], rows)
}

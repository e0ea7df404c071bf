//! What is charged by the month, whether anything comes or not.

use crate::cost::bill::{Bill, Group};
use crate::cost::prices as p;

/// Metrics of the code's own: shared/runtime/src/telemetry/metrics.rs. One that nothing is said to in an hour is not
/// charged for that hour, so this is the most it can be; while the gateway refuses deliveries there is one more.
pub const METRICS: f64 = 20.0;
/// Alarms of one metric: infra/modules/observability/alarms.tf, with three functions and two queues.
pub const SIMPLE_ALARMS: u32 = 21;
/// Metrics that the other two alarms look at: 5xx by all requests, silence.
pub const METRICS_OF_ALARMS: [u32; 2] = [2, 4];
/// Queues that Lambda asks, and how: five at a time, each for 20 seconds (AWS: "Why are my Amazon SQS charges higher than
/// expected?", and what people find on their bills).
pub const POLLED_QUEUES: f64 = 2.0;
/// Requests of one idle queue in a month.
pub const POLLS: f64 = 5.0 * 3.0 * 60.0 * 24.0 * 365.0 / 12.0;
/// Requests to the key in a month, an estimate that nothing measured: three functions that DynamoDB asks for every five
/// minutes (26,000), two queues with keys of an hour (4,000), a bucket's key now and then, the signing secrets every five
/// minutes (9,000 for each sandbox that stays warm).
pub const KEY_REQUESTS: f64 = 60_000.0;

/// The lines of a bill.
pub fn lines(bill: &mut Bill) {
    let mut add = |what, price, quantity: f64| bill.add(Group::Fixed, what, price, quantity);
    let alarms = SIMPLE_ALARMS + METRICS_OF_ALARMS.iter().sum::<u32>();
    add("key", p::KEY, 1.0);
    add("requests to the key", p::KEY_REQUEST, KEY_REQUESTS);
    add("metrics", p::METRIC, METRICS);
    add("alarms", p::ALARM, f64::from(alarms));
    add("dashboard", p::DASHBOARD, 1.0);
    add("idle queues", p::SQS_REQUEST, POLLED_QUEUES * POLLS);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALARMS: &str = include_str!("../../../infra/modules/observability/alarms.tf");
    const FUNCTIONS: &str = include_str!("../../../infra/functions.tf");

    fn count(text: &str, what: &str) -> usize {
        text.matches(what).count()
    }

    #[test]
    fn alarms_and_metrics_are_as_many_as_terraform_and_the_code_have() {
        let listed: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../../infra/modules/observability/metrics.json")).unwrap();
        assert_eq!(listed.len() as f64, METRICS);
        let simple = ALARMS.split("resource ").next().unwrap();
        let of = |each: &str| count(simple, &format!("in var.{each} :"));
        let every = of("functions") + of("dead_letters") + of("queues");
        let entries = simple.lines().filter(|line| line.trim_start().starts_with("what ")).count();
        let alone = entries - every;
        assert_eq!(alone + 3 * of("functions") + 2 * (of("dead_letters") + of("queues")), SIMPLE_ALARMS as usize);
        let queried = |resource: &str| {
            let block =
                ALARMS.split(&format!("\"{resource}\" {{")).nth(1).unwrap().split("\nresource ").next().unwrap();
            let metrics = block.split("dynamic \"metric_query\"").nth(1).unwrap();
            count(metrics.split("content {").next().unwrap(), "= \"")
        };
        let queried = ["share_5xx", "silence"].map(|resource| queried(resource) as u32);
        assert_eq!(queried, METRICS_OF_ALARMS);
        assert_eq!(count(FUNCTIONS, "resource \"aws_lambda_event_source_mapping\"") as f64, POLLED_QUEUES);
    }
}

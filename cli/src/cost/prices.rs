//! The prices of AWS, in dollars: list prices of us-east-1, on arm64 where that makes a difference.
//!
//! The one place where they stand. Each names the page of AWS that it stands on. Those pages could not be read when the
//! prices were written down, in November 2026: each says what it was compared with instead, or that it was not.

/// A price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// What is paid for.
    pub what: &'static str,
    /// Dollars for so many of it.
    pub dollars: f64,
    /// How many.
    pub per: f64,
    /// Of what.
    pub unit: &'static str,
    /// From how many in a month each further one costs something else, and what; for `per` of them.
    pub then: Option<(f64, f64)>,
    /// How many a month are free for every account, always.
    pub free: f64,
    /// The page of AWS, below `aws.amazon.com/`.
    pub page: &'static str,
    /// What it was compared with.
    pub compared: &'static str,
}

impl Price {
    /// What so much of it costs.
    pub fn of(&self, quantity: f64) -> f64 {
        let (cheaper, dollars) = match self.then {
            Some((above, dollars)) => ((quantity - above).max(0.0), dollars),
            None => (0.0, 0.0),
        };
        (self.dollars * (quantity - cheaper) + dollars * cheaper) / self.per
    }
}

const MILLION: f64 = 1_000_000.0;
const NOTHING: &str = "nothing";
const SQS: &str = "cloudburn.io, March 2026";
const S3: &str = "usage.ai, May 2026";
const LAMBDA: &str = "wring.co, March 2026";
const CLOUDWATCH: &str = "api-evangelist/cloudwatch, May 2026";
const DYNAMODB: &str = "airbyte.com, July 2025";
const GATEWAY: &str = "amnic.com, 2026";
const S3_REQUESTS: &str = "c3x.dev, 2026";
const KMS: &str = "the page itself, a copy without a date";
const ITSELF_ONCE: &str = "the page itself, an old copy";
const BACKUP: &str = "finops.com.py, 2025 or later";

const fn price(what: &'static str, dollars: f64, per: f64, unit: &'static str, page: &'static str) -> Price {
    Price { what, dollars, per, unit, then: None, free: 0.0, page, compared: NOTHING }
}

impl Price {
    const fn compared(self, compared: &'static str) -> Self {
        Self { compared, ..self }
    }

    const fn free(self, free: f64) -> Self {
        Self { free, ..self }
    }

    const fn then(self, above: f64, dollars: f64) -> Self {
        Self { then: Some((above, dollars)), ..self }
    }
}

/// A request to an HTTP API; a body counts as one for each 512 KB of it.
pub const API_REQUEST: Price = price("HTTP API, each 512 KB", 1.00, MILLION, "requests", "api-gateway/pricing")
    .then(300.0 * MILLION, 0.90)
    .compared(GATEWAY);
/// A GB of answers.
pub const OUT_GB: Price =
    price("data out to the internet", 0.09, 1.0, "GB", "ec2/pricing/on-demand").free(100.0).compared(GATEWAY);
/// A run of a function.
pub const LAMBDA_REQUEST: Price =
    price("Lambda, a request", 0.20, MILLION, "requests", "lambda/pricing").free(MILLION).compared(LAMBDA);
/// A GB of a function's memory for a second.
pub const LAMBDA_GB_SECOND: Price =
    price("Lambda on arm64, a GB-second", 0.000_013_333_4, 1.0, "GB-seconds", "lambda/pricing")
        .free(400_000.0)
        .compared(LAMBDA);
/// A write unit of a table on demand.
pub const WRITE_UNIT: Price =
    price("DynamoDB on demand, a write unit", 0.625, MILLION, "write units", "dynamodb/pricing/on-demand")
        .compared(DYNAMODB);
/// A read unit of a table on demand.
pub const READ_UNIT: Price =
    price("DynamoDB on demand, a read unit", 0.125, MILLION, "read units", "dynamodb/pricing/on-demand")
        .compared(DYNAMODB);
/// A GB in a table or its indexes for a month.
pub const TABLE_GB: Price =
    price("DynamoDB, storage", 0.25, 1.0, "GB-months", "dynamodb/pricing/on-demand").free(25.0).compared(ITSELF_ONCE);
/// A GB of a table that can be restored to any moment, for a month.
pub const RESTORABLE_GB: Price =
    price("DynamoDB, point-in-time recovery", 0.20, 1.0, "GB-months", "dynamodb/pricing/on-demand").compared(BACKUP);
/// A PUT or LIST of S3.
pub const S3_PUT: Price = price("S3, PUT and LIST", 0.005, 1_000.0, "requests", "s3/pricing").compared(S3_REQUESTS);
/// A GET of S3.
pub const S3_GET: Price = price("S3, GET", 0.000_4, 1_000.0, "requests", "s3/pricing").compared(S3_REQUESTS);
/// An object's move to Glacier Instant Retrieval.
pub const S3_MOVE: Price =
    price("S3, move to Glacier Instant Retrieval", 0.02, 1_000.0, "objects", "s3/pricing").compared(S3_REQUESTS);
/// A GB in S3 for a month.
pub const S3_GB: Price = price("S3 Standard", 0.023, 1.0, "GB-months", "s3/pricing").then(50_000.0, 0.022).compared(S3);
/// A GB in S3's cheaper tier for a month.
pub const S3_COLD_GB: Price = price("S3 Glacier Instant Retrieval", 0.004, 1.0, "GB-months", "s3/pricing").compared(S3);
/// A request to a queue.
pub const SQS_REQUEST: Price =
    price("SQS, a request", 0.40, MILLION, "requests", "sqs/pricing").free(MILLION).compared(SQS);
/// A GB of lines taken in.
pub const LOG_INGESTED_GB: Price =
    price("CloudWatch Logs, taken in", 0.50, 1.0, "GB", "cloudwatch/pricing").free(5.0).compared(CLOUDWATCH);
/// A GB of lines kept for a month.
pub const LOG_KEPT_GB: Price =
    price("CloudWatch Logs, kept", 0.03, 1.0, "GB-months", "cloudwatch/pricing").compared(CLOUDWATCH);
/// A custom metric for a month.
pub const METRIC: Price =
    price("CloudWatch, a custom metric", 0.30, 1.0, "metrics", "cloudwatch/pricing").free(10.0).compared(CLOUDWATCH);
/// A metric that an alarm looks at, for a month.
pub const ALARM: Price =
    price("CloudWatch, a metric of an alarm", 0.10, 1.0, "metrics of alarms", "cloudwatch/pricing")
        .free(10.0)
        .compared(CLOUDWATCH);
/// A dashboard for a month.
pub const DASHBOARD: Price =
    price("CloudWatch, a dashboard", 3.00, 1.0, "dashboards", "cloudwatch/pricing").free(3.0).compared(CLOUDWATCH);
/// A key for a month.
pub const KEY: Price = price("KMS, a key", 1.00, 1.0, "keys", "kms/pricing").compared(KMS);
/// A request to a key.
pub const KEY_REQUEST: Price =
    price("KMS, a request", 0.03, 10_000.0, "requests", "kms/pricing").free(20_000.0).compared(KMS);
/// An hour of a vCPU of a container.
pub const FARGATE_CPU: Price = price("Fargate on arm64, a vCPU", 0.032_38, 1.0, "hours", "fargate/pricing");
/// An hour of a GB of a container's memory.
pub const FARGATE_GB: Price = price("Fargate on arm64, a GB", 0.003_56, 1.0, "hours", "fargate/pricing");
/// An hour of a load balancer.
pub const BALANCER: Price = price("Application Load Balancer", 0.022_5, 1.0, "hours", "elasticloadbalancing/pricing");
/// An hour of a load balancer's capacity unit: a GB an hour, 25 new connections a second.
pub const BALANCER_UNIT: Price =
    price("Application Load Balancer, a capacity unit", 0.008, 1.0, "hours", "elasticloadbalancing/pricing");
/// An hour of a public address.
pub const ADDRESS: Price = price("a public IPv4 address", 0.005, 1.0, "hours", "vpc/pricing");

/// All of them, in the order of the page.
pub const ALL: [&Price; 26] = [
    &API_REQUEST,
    &OUT_GB,
    &LAMBDA_REQUEST,
    &LAMBDA_GB_SECOND,
    &WRITE_UNIT,
    &READ_UNIT,
    &TABLE_GB,
    &RESTORABLE_GB,
    &S3_PUT,
    &S3_GET,
    &S3_MOVE,
    &S3_GB,
    &S3_COLD_GB,
    &SQS_REQUEST,
    &LOG_INGESTED_GB,
    &LOG_KEPT_GB,
    &METRIC,
    &ALARM,
    &DASHBOARD,
    &KEY,
    &KEY_REQUEST,
    &FARGATE_CPU,
    &FARGATE_GB,
    &BALANCER,
    &BALANCER_UNIT,
    &ADDRESS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_threshold_costs_less() {
        assert_eq!(API_REQUEST.of(2.0 * MILLION), 2.0);
        assert_eq!(API_REQUEST.of(400.0 * MILLION), 390.0);
        assert_eq!(S3_PUT.of(MILLION), 5.0);
    }
}

//! The names of the metrics, all of them.
//!
//! CloudWatch charges by the number of names times the number of values of their dimensions, so there are twenty names
//! and no dimensions: what differs by event is a property of the line, which Logs Insights counts as well.

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// What CloudWatch calls it.
    pub name: &'static str,
    /// CloudWatch's unit.
    pub unit: &'static str,
}

/// The namespace of them all, unless the environment says another.
pub const NAMESPACE: &str = "Terrace";

macro_rules! metrics {
    ($($(#[$doc:meta])* $constant:ident = $name:literal $unit:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $constant: Metric = Metric { name: $name, unit: $unit };)+
        /// Every metric there is.
        pub const ALL: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    /// Deliveries whose records were applied.
    DELIVERIES_STORED = "DeliveriesStored" "Count",
    /// Deliveries that were handed to a job.
    DELIVERIES_QUEUED = "DeliveriesQueued" "Count",
    /// Deliveries of which nothing is kept but the log.
    DELIVERIES_IGNORED = "DeliveriesIgnored" "Count",
    /// Deliveries marked for quarantine, wholly or for one of their records.
    DELIVERIES_QUARANTINED = "DeliveriesQuarantined" "Count",
    /// Deliveries that were given back to Terra.
    DELIVERIES_UNAVAILABLE = "DeliveriesUnavailable" "Count",
    /// Deliveries over the limit.
    DELIVERIES_TOO_LARGE = "DeliveriesTooLarge" "Count",
    /// Requests without a signature, or with one that is none; the line's outcome says which.
    SIGNATURE_MISSING = "SignatureMissing" "Count",
    /// Requests signed too long ago, or in the future; the line's outcome says which.
    SIGNATURE_OUT_OF_TIME = "SignatureOutOfTime" "Count",
    /// Requests signed with another secret.
    SIGNATURE_MISMATCH = "SignatureMismatch" "Count",
    /// How old the signature of a verified delivery was.
    SIGNATURE_AGE = "SignatureAge" "Seconds",
    /// Copies that became the record.
    RECORDS_STORED = "RecordsStored" "Count",
    /// Copies that already were the record.
    RECORDS_UNCHANGED = "RecordsUnchanged" "Count",
    /// Copies that lost to a greater one.
    RECORDS_STALE = "RecordsStale" "Count",
    /// Elements that are no record.
    RECORDS_REJECTED = "RecordsRejected" "Count",
    /// Claimed emission times that were not credible.
    ORDERING_DISCARDED = "OrderingTimesDiscarded" "Count",
    /// Copies without the ordering header that lost to one that had it.
    STALE_WITHOUT_HEADER = "StaleWithoutHeader" "Count",
    /// Copies much thinner than the one they replaced.
    COVERAGE_FELL = "CoverageFellSharply" "Count",
    /// Jobs that were not done, and are tried again or set aside.
    JOBS_FAILED = "JobsFailed" "Count",
    /// Pings that did not lead to a body: their data has to be asked for again.
    PINGS_LOST = "PingsLost" "Count",
    /// How long a delivery took, from its arrival to its answer.
    DURATION = "Duration" "Milliseconds",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn there_are_at_most_twenty_names_each_its_own() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.len() <= 20, "{}", ALL.len());
    }

    #[test]
    fn the_dashboard_has_them_all() {
        const LISTED: &str = include_str!("../../../../infra/modules/observability/metrics.json");
        let listed: Vec<BTreeMap<String, String>> = serde_json::from_str(LISTED).unwrap();
        let listed = listed.iter().map(|metric| (metric["name"].as_str(), metric["unit"].as_str()));
        assert!(listed.eq(ALL.iter().map(|metric| (metric.name, metric.unit))), "write the list anew, in this order");
    }

    #[test]
    fn alarms_are_on_metrics_that_there_are() {
        const ALARMS: &str = include_str!("../../../../infra/modules/observability/alarms.tf");
        let words: BTreeSet<_> = ALARMS.split(|character: char| !character.is_alphanumeric()).collect();
        let own = ["Deliveries", "Signature", "Records", "Jobs", "Pings"];
        for word in
            words.iter().filter(|word| own.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix)))
        {
            assert!(ALL.iter().any(|metric| metric.name == *word), "{word}");
        }
        assert!(words.contains("PingsLost"));
    }
}

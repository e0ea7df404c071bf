//! `data_enrichment`: scores that come, change and are null again.

use crate::simulate::json::{Json, object};
use crate::simulate::random::{happens, measured};
use fastrand::Rng;
use terrace_terra::EventType;

/// What the models call their scores.
fn names(event_type: EventType) -> &'static [&'static str] {
    match event_type {
        EventType::Daily => &["total_stress_score", "immune_index", "resilience_score", "strain_index"],
        EventType::Sleep => &["sleep_score", "readiness_score", "respiratory_score_v2"],
        EventType::Activity => &["efficiency", "strain", "trimp"],
        _ => &[],
    }
}

/// The scores of one copy: each is there or null, whatever earlier copies said. Sometimes the whole is null or missing.
pub fn enrich(rng: &mut Rng, event_type: EventType, record: &mut Json) {
    let names = names(event_type);
    if names.is_empty() || happens(rng, 0.15) {
        return;
    }
    if happens(rng, 0.15) {
        record.set("data_enrichment", Json::Null);
        return;
    }
    let mut enrichment = object([]);
    for name in names {
        let there = happens(rng, 0.6);
        enrichment.set(name, if there { measured(rng, 1.0, 100.0) } else { Json::Null });
        let contributors = object([("duration", measured(rng, 0.0, 1.0)), ("hr_dip", measured(rng, -1.0, 1.0))]);
        let there = there && happens(rng, 0.7);
        enrichment.set(&format!("{name}_contributors"), if there { contributors } else { Json::Null });
    }
    record.set("data_enrichment", enrichment);
}

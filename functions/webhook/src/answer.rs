//! What a delivery is answered.

use serde::Serialize;
use terrace_ingest::Receipt;
use terrace_runtime::http::Answer;

/// Acknowledged: durable, and applied or about to be.
pub(crate) fn acknowledged(receipt: &Receipt) -> Answer {
    #[derive(Serialize)]
    struct Records {
        stored: usize,
        unchanged: usize,
        stale: usize,
        rejected: usize,
    }
    #[derive(Serialize)]
    struct Acknowledged<'a> {
        status: &'static str,
        event: &'static str,
        delivery: &'a str,
        records: Records,
    }
    let counts = receipt.counts;
    Answer::json(
        200,
        &Acknowledged {
            status: receipt.status.name(),
            event: receipt.event_type.name(),
            delivery: &receipt.delivery,
            records: Records {
                stored: counts.stored,
                unchanged: counts.unchanged,
                stale: counts.stale,
                rejected: counts.rejected,
            },
        },
    )
}

/// Not let in. The answer does not say why: whoever may know reads the log line.
pub(crate) fn not_let_in() -> Answer {
    let message = "the signature is missing, malformed, wrong or outside the tolerance; compare the signing secret and \
                   the clocks";
    Answer::error(401, "invalid_signature", message)
}

/// Over the limit.
pub(crate) fn too_large(limit: usize) -> Answer {
    let message = format!("the body is longer than {limit} bytes; have Terra send large payloads in ping mode");
    Answer::error(413, "too_large", &message)
}

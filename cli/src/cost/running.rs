//! How long functions run, which nothing here can measure: the released binary's time is `make bench`'s to take.

/// The webhook's memory, in MB: infra/functions.tf.
pub const WEBHOOK_MB: f64 = 512.0;
/// The worker's.
pub const WORKER_MB: f64 = 1_024.0;
/// With so much memory a function has one CPU, and with less of it less (AWS: "Configure Lambda function memory").
const WHOLE_CPU_MB: f64 = 1_769.0;

/// What `make bench` said in November 2026 on a virtual machine with two cores of an Intel Xeon: bytes of a body, and
/// milliseconds of CPU of the webhook for one delivery of it.
pub const CPU: [(f64, f64); 3] = [(700.0, 0.69), (300_000.0, 3.79), (4_000_000.0, 39.5)];
/// Milliseconds of CPU of each call beyond the three of a small delivery; a third of what a small delivery takes.
const CPU_OF_CALL_MS: f64 = 0.23;
/// What a call to the table takes, there and back, in milliseconds: assumed.
pub const CALL_MS: f64 = 5.0;
/// What putting an object takes: assumed.
pub const PUT_MS: f64 = 30.0;
/// What reading one takes: assumed.
pub const GET_MS: f64 = 20.0;
/// How many records are written at once, and how many deliveries a round looks at: shared/ingest/src/apply.rs,
/// functions/worker/src/sweep.rs.
const AT_ONCE: u64 = 16;
/// The log and the connection are written one after the other; what a small delivery asks for besides is its record.
const SINGLE: u64 = 2;

/// Milliseconds of a whole CPU for a body of so many bytes and so many calls to the table.
pub fn cpu_ms(bytes: usize, calls: u64) -> f64 {
    let [small, medium, large] = CPU;
    let (from, to) = if (bytes as f64) < medium.0 { (small, medium) } else { (medium, large) };
    let slope = (to.1 - from.1) / (to.0 - from.0);
    (from.1 + slope * (bytes as f64 - from.0)).max(0.0) + CPU_OF_CALL_MS * calls.saturating_sub(SINGLE + 1) as f64
}

/// Milliseconds that the worker takes for one of many deliveries that a round looks at, several at once: it waits for calls
/// and objects, or its share of a CPU is used up.
pub fn looked_at_ms(calls: f64, gets: f64) -> f64 {
    let waiting = (CALL_MS * calls + GET_MS * gets) / AT_ONCE as f64;
    waiting.max(CPU_OF_CALL_MS * (calls + gets) / (WORKER_MB / WHOLE_CPU_MB))
}

/// What Lambda charges for one run, in milliseconds begun.
pub fn billed_ms(memory_mb: f64, cpu_ms: f64, calls: u64, puts: u64, gets: u64) -> f64 {
    let rounds = calls.min(SINGLE) + calls.saturating_sub(SINGLE).div_ceil(AT_ONCE);
    let waiting = CALL_MS * rounds as f64 + PUT_MS * puts as f64 + GET_MS * gets as f64;
    (cpu_ms / (memory_mb / WHOLE_CPU_MB).min(1.0) + waiting).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_delivery_waits_for_three_calls_one_after_the_other() {
        assert_eq!(cpu_ms(700, 3), 0.69);
        assert_eq!(billed_ms(WHOLE_CPU_MB, 1.0, 3, 0, 0), 16.0);
        assert_eq!(billed_ms(WHOLE_CPU_MB, 1.0, 3, 1, 0), 46.0);
        // Thirty-three records take three rounds.
        assert_eq!(billed_ms(WHOLE_CPU_MB, 0.0, 35, 0, 0), 25.0);
        assert!((cpu_ms(4_000_000, 3) - 39.5).abs() < 1e-9);
    }
}

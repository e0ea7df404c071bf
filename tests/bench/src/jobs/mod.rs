//! What is measured of the worker: the memory of a ping, and the write units of a re-key.

mod host;
pub mod ping;
pub mod place;
pub mod rekey;
pub mod worker;

use crate::error::BenchError;
use crate::histories::Kind;
use ping::PingFigures;
use rekey::RekeyFigures;

/// What was measured of the worker.
#[derive(Debug, Clone, Copy)]
pub struct JobFigures {
    /// A ping of 64 MB, in each of [`ping::SHAPES`].
    pub pings: [PingFigures; 2],
    /// A re-key, of days.
    pub days: RekeyFigures,
    /// A re-key, of sessions.
    pub sessions: RekeyFigures,
}

/// Measures the worker.
///
/// # Errors
///
/// When a job is not done, or not as it should be.
pub async fn measure() -> Result<JobFigures, BenchError> {
    let [one, many] = ping::SHAPES;
    Ok(JobFigures {
        pings: [ping::measure(one).await?, ping::measure(many).await?],
        days: rekey::measure(Kind::Days).await?,
        sessions: rekey::measure(Kind::Sessions).await?,
    })
}

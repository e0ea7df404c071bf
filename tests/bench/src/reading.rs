//! What reading costs: a user's days, as the query function lists them.

use crate::error::BenchError;
use crate::function::{Answer, Function, Program};
use crate::histories::{Kind, history};
use crate::jobs::place::Place;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How many days are listed.
pub const DAYS: u64 = 1_000;
/// How many in one delivery.
const IN_A_DELIVERY: u64 = 100;
/// How long a day is as sent, in bytes: with a heart rate every few minutes, so that its item has a summary.
const BYTES: usize = 20_000;
/// How many a page has.
pub const PAGE: u64 = 100;
/// How often a page is read.
const PAGES: u32 = 40;

const USER: &str = "0c3f2b1e-89e2-43ac-a5b8-000000000077";

/// What reading came to.
#[derive(Debug, Clone, Copy)]
pub struct ReadingFigures {
    /// Read units of listing [`DAYS`] summaries in one page.
    pub whole: f64,
    /// The same in pages of [`PAGE`].
    pub in_pages: f64,
    /// CPU of one page of [`PAGE`].
    pub cpu: Duration,
    /// How long it takes.
    pub took: Duration,
    /// Peak memory after all that, in bytes.
    pub memory: u64,
}

/// Has a user's days listed by the query function of this binary.
///
/// # Errors
///
/// When it does not answer, or not with all of them.
pub async fn measure(binary: PathBuf) -> Result<ReadingFigures, BenchError> {
    let place = Place::empty().await?;
    for first in (0..DAYS).step_by(usize::try_from(IN_A_DELIVERY).unwrap_or(1)) {
        let body = history(Kind::Days, USER, first..first + IN_A_DELIVERY, BYTES);
        place.fill(&body, &format!("00000000-0000-4000-8000-{first:012x}")).await?;
    }
    let program = Program { command: binary, arguments: Vec::new() };
    let mut query = Function::start(&program, &place.endpoints.environment()).await?;
    place.endpoints.take();
    let whole = list(&mut query, DAYS).await?;
    let whole_units = place.endpoints.take().0.read_units;
    let pages = list(&mut query, PAGE).await?;
    let in_pages = place.endpoints.take().0.read_units;
    if whole != pages {
        return Err(BenchError::NoFigure("pages of different sizes list different days".to_owned()));
    }
    let before = query.cpu().await?;
    let mut took = Duration::ZERO;
    for _ in 0..PAGES {
        took += page(&mut query, PAGE, None).await?.took;
    }
    let cpu = query.cpu().await?.since(&before) / PAGES;
    let memory = query.peak_memory()?;
    query.finish().await?;
    Ok(ReadingFigures { whole: whole_units, in_pages, cpu, took: took / PAGES, memory })
}

async fn page(query: &mut Function, limit: u64, cursor: Option<&str>) -> Result<Answer, BenchError> {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let answer = query.ask(&format!("/users/{USER}/records"), &format!("type=daily&limit={limit}{cursor}")).await?;
    if answer.status == 200 { Ok(answer) } else { Err(answer.unexpected("200")) }
}

/// The days as pages of this size list them, all of them with a summary.
async fn list(query: &mut Function, limit: u64) -> Result<Vec<String>, BenchError> {
    let (mut days, mut cursor) = (Vec::new(), None);
    loop {
        let answer: Value =
            serde_json::from_str(&page(query, limit, cursor.as_deref()).await?.body).unwrap_or_default();
        let records = answer.get("records").and_then(Value::as_array).into_iter().flatten();
        let summed = records.filter(|record| record.pointer("/summary/distance_data/steps").is_some());
        days.extend(summed.filter_map(|record| record.get("id")?.as_str().map(str::to_owned)));
        cursor = answer.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if days.len() as u64 == DAYS {
        Ok(days)
    } else {
        Err(BenchError::NoFigure(format!("{} of {DAYS} days were listed with their summaries", days.len())))
    }
}

//! Large requests: history that comes in chunks.

use crate::simulate::draft::{Chunk, Content, Draft, Part, Whom};
use crate::simulate::json::{Json, text, whole};
use crate::simulate::life::Life;
use crate::simulate::random::uuid;
use crate::simulate::shapes::{days, scores, sessions};
use jiff::civil::Date;
use terrace_terra::EventType;

/// The fewest days that a request is for: fewer would come in one chunk.
const MIN_DAYS: u32 = 2;
/// The most chunks that a request comes in.
const MAX_CHUNKS: usize = 5;

/// A person's n-th large request, for so many days from `start`, with everything that comes of it: two notices and the
/// chunks. Of some a chunk never comes; of some nobody says how many chunks there will be.
pub fn large_request(life: &mut Life<'_>, start: Date, number: u32, nth: usize) {
    let reference = uuid(life.rng);
    let begins = 5 + u32::try_from(nth).unwrap_or(0) * 4;
    let (event_type, records) = history(life, start, number.max(MIN_DAYS), nth);
    let wanted = life.rng.usize(2..=MAX_CHUNKS);
    let chunks: Vec<_> = records.chunks(records.len().div_ceil(wanted).max(1)).map(<[_]>::to_vec).collect();

    let turn = life.person.index + nth;
    tell(life, begins, "large_request_processing", &reference, processing(&reference));
    if turn % 8 != 6 {
        tell(life, begins + 1, "large_request_sending", &reference, sending(&reference, chunks.len()));
    }
    let lost = match turn % 8 {
        1 => Some(chunks.len()),
        5 => Some(life.rng.usize(1..=chunks.len().max(1))),
        _ => None,
    };
    // The trace ids of the chunks of one request have one beginning: its reference, or one of its own.
    let trace_id = if turn.is_multiple_of(2) { reference.clone() } else { uuid(life.rng) };
    let in_reference = life.person.index % 3 == 2;
    for (at, records) in chunks.into_iter().enumerate() {
        let number = at + 1;
        if lost == Some(number) {
            continue;
        }
        let chunk = match in_reference {
            true => Chunk::InReference(number),
            false => Chunk::InTraceId(trace_id.clone(), number),
        };
        let mut draft = Draft::new(begins + 2, event_type.name(), Content::Data(records));
        draft.part = Some(Part { reference: reference.clone(), chunk: Some(chunk) });
        life.drafts.push(draft);
    }
}

/// The records of a request: days and nights in turn.
fn history(life: &mut Life<'_>, start: Date, number: u32, nth: usize) -> (EventType, Vec<Json>) {
    let event_type = if nth.is_multiple_of(2) { EventType::Daily } else { EventType::Sleep };
    let mut date = start;
    let mut records = Vec::new();
    for _ in 0..number {
        let mut record = match event_type {
            EventType::Daily => days::daily(life.rng, life.person, date, 7_200, 12),
            _ => sessions::sleep(life.rng, life.person, date, false),
        };
        scores::enrich(life.rng, event_type, &mut record);
        records.push(record);
        date = date.tomorrow().unwrap_or(date);
    }
    (event_type, records)
}

fn tell(life: &mut Life<'_>, minute: u32, name: &'static str, reference: &str, members: Vec<(&'static str, Json)>) {
    let mut draft = Draft::new(minute, name, Content::Notice(members, Whom::User));
    draft.part = Some(Part { reference: reference.to_owned(), chunk: None });
    life.drafts.push(draft);
}

fn processing(reference: &str) -> Vec<(&'static str, Json)> {
    vec![
        ("status", text("processing")),
        ("reference", text(reference)),
        ("message", text("Large request is being processed; payloads will be delivered when ready")),
    ]
}

fn sending(reference: &str, payloads: usize) -> Vec<(&'static str, Json)> {
    vec![
        ("reference", text(reference)),
        ("message", text("Large request payloads are being sent")),
        ("expected_payloads", whole(payloads)),
    ]
}

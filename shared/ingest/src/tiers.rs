//! How a body is packed, and where each record of it lies.

use crate::plan::Plan;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ops::Range;
use terrace_records::summary::summarise;
use terrace_records::{Partition, RecordCopy};
use terrace_store::frames::{Packer, frames_of};
use terrace_store::{LogBody, RecordBody, Source, StoreError};

/// A body that packs into this lies in its item: one to four write units, where an object costs as much as eight.
const MAX_INLINE: usize = 4 * 1_024;
/// A body longer than this is not tried: JSON does not pack twelve to one at the fastest level.
const MAX_TRIED: usize = 48 * 1_024;
/// A record that packs into this lies in its item whole, even where it lies in an object as well.
const MAX_WHOLE: usize = 1_024;

/// A body, packed.
#[derive(Debug)]
pub struct Packed {
    /// The tier it lies in.
    pub body: LogBody,
    /// The object to put, where it is the larger one.
    pub object: Option<Bytes>,
    /// Its length, in bytes.
    pub length: usize,
}

impl Packed {
    /// Where its records lie.
    pub fn frames(&self) -> Result<Frames<'_>, StoreError> {
        match (&self.body, &self.object) {
            (LogBody::Object(key), Some(chain)) => Frames::of(key, chain),
            _ => Ok(Frames::none()),
        }
    }
}

/// Packs a body for the log.
pub fn pack(packer: &mut Packer, plan: &Plan<'_>, body: &[u8]) -> Result<Packed, StoreError> {
    if body.len() <= MAX_TRIED {
        let frame = packer.pack(body)?;
        if frame.len() <= MAX_INLINE {
            return Ok(Packed { length: frame.len(), body: LogBody::Inline(frame), object: None });
        }
    }
    let mut places: Vec<_> = copies_of(plan).filter_map(|copy| place_in(body, copy)).collect();
    places.sort_unstable_by_key(|place| place.start);
    let chain = packer.chain(body, &places)?.bytes;
    let key = object_key(&plan.partition, &chain);
    Ok(Packed { length: chain.len(), body: LogBody::Object(key), object: Some(chain.into()) })
}

fn copies_of<'p, 'a: 'p>(plan: &'p Plan<'a>) -> impl Iterator<Item = &'p RecordCopy<'a>> {
    plan.records.iter().flat_map(|repeats| repeats.all())
}

/// `log/<SHA-256 of the partition>/<SHA-256 of the object>`.
fn object_key(partition: &Partition, chain: &[u8]) -> String {
    format!("log/{}/{}", partition.folder(), HEXLOWER.encode(&Sha256::digest(chain)))
}

/// Where a copy stands in the body it borrows from; `None` for an empty one or one that borrows from elsewhere.
fn place_in(body: &[u8], copy: &RecordCopy<'_>) -> Option<Range<usize>> {
    let raw = copy.element.raw.get();
    let start = (raw.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let end = start.checked_add(raw.len())?;
    (end <= body.len() && start < end).then_some(start..end)
}

/// Where records lie: found from the log's body, as it was packed or as it was read.
#[derive(Debug)]
pub struct Frames<'o> {
    object: Option<(&'o str, &'o [u8])>,
    /// By where a record stands in the body: where its frame lies in the object.
    by_place: HashMap<Range<u64>, Range<u64>>,
}

impl<'o> Frames<'o> {
    /// No object: records lie whole in their items.
    pub fn none() -> Self {
        Self { object: None, by_place: HashMap::new() }
    }

    /// The frames of an object.
    pub fn of(key: &'o str, chain: &'o [u8]) -> Result<Self, StoreError> {
        let by_place = frames_of(chain)?.into_iter().map(|frame| (frame.unpacked, frame.packed)).collect();
        Ok(Self { object: Some((key, chain)), by_place })
    }

    /// The object they are in, by its key.
    pub fn object(&self) -> Option<(&'o str, &'o [u8])> {
        self.object
    }

    /// Whether each of a plan's records that is written has a frame of its own.
    pub fn hold(&self, plan: &Plan<'_>, body: &[u8]) -> bool {
        let kept = plan.records.iter().map(|repeats| &repeats.greatest).filter(|copy| !copy.element.deleted);
        self.object.is_none() || kept.into_iter().all(|copy| self.frame_of(body, copy).is_some())
    }

    fn frame_of(&self, body: &[u8], copy: &RecordCopy<'_>) -> Option<Range<u64>> {
        let place = place_in(body, copy)?;
        self.by_place.get(&(place.start as u64..place.end as u64)).cloned()
    }

    /// What of a copy is written.
    pub fn record_body(
        &self,
        packer: &mut Packer,
        body: &[u8],
        copy: &RecordCopy<'_>,
    ) -> Result<RecordBody, StoreError> {
        if copy.element.deleted {
            return Ok(RecordBody::Deleted);
        }
        let raw = copy.element.raw.get();
        let Some((key, chain)) = self.object else { return packer.pack(raw.as_bytes()).map(RecordBody::Whole) };
        let frame = self.frame_of(body, copy);
        let frame = frame.ok_or_else(|| StoreError::corrupt("find a record", "its object has no frame for it"))?;
        let bytes = usize::try_from(frame.start).ok().zip(usize::try_from(frame.end).ok());
        let bytes = bytes.and_then(|(start, end)| chain.get(start..end));
        match bytes {
            Some(bytes) if bytes.len() <= MAX_WHOLE => Ok(RecordBody::Whole(bytes.to_vec())),
            _ => {
                let summary = packer.pack(summarise(raw).as_bytes())?;
                let source = Source { object: key.to_owned(), start: frame.start, end: frame.end };
                Ok(RecordBody::Summary { summary, source })
            }
        }
    }
}

//! Bodies as zstd frames.
//!
//! An object of the log is a chain of frames: what stands before the first record, the record, what stands between, the
//! next record … So the whole chain decompresses to the exact body, and one ranged read returns one record. The frame
//! of a small record is also what lies in its item.

use crate::error::StoreError;
use std::io::Read;
use std::ops::Range;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

/// The fastest level: bodies are compressed on the way to an answer, and JSON packs well at any level.
const LEVEL: i32 = 1;
/// The longest text that is ever unpacked; ping mode delivers bodies of up to this.
pub const MAX_UNPACKED: u64 = 256 * 1_024 * 1_024;

/// The most memory set aside on a frame's word before it is read.
const MAX_RESERVED: u64 = 16 * 1_024 * 1_024;

/// Packs bytes. Holds zstd's working memory, so that packing many records costs one allocation.
pub struct Packer(Compressor<'static>);

/// A body packed as a chain of frames.
#[derive(Debug)]
pub struct Chain {
    /// The frames, one after the other.
    pub bytes: Vec<u8>,
    /// Where the frame of each record lies in it.
    pub records: Vec<Range<u64>>,
}

impl Packer {
    /// A packer with its working memory.
    pub fn new() -> Result<Self, StoreError> {
        Compressor::new(LEVEL).map(Self).map_err(|error| StoreError::refused("set up compression", error))
    }

    /// One frame.
    pub fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.0.compress(bytes).map_err(|error| StoreError::refused("compress", error))
    }

    /// A chain with a frame for each of `records`, which are places in `body`, in order and apart.
    pub fn chain(&mut self, body: &[u8], records: &[Range<usize>]) -> Result<Chain, StoreError> {
        let mut chain = Chain { bytes: Vec::with_capacity(body.len() / 4), records: Vec::with_capacity(records.len()) };
        let mut from = 0;
        for record in records {
            self.append(&mut chain.bytes, body.get(from..record.start))?;
            let start = chain.bytes.len() as u64;
            self.append(&mut chain.bytes, body.get(record.clone()))?;
            chain.records.push(start..chain.bytes.len() as u64);
            from = record.end;
        }
        self.append(&mut chain.bytes, body.get(from..))?;
        if chain.bytes.is_empty() {
            chain.bytes = self.pack(&[])?;
        }
        Ok(chain)
    }

    fn append(&mut self, chain: &mut Vec<u8>, part: Option<&[u8]>) -> Result<(), StoreError> {
        let part = part.ok_or_else(|| StoreError::refused("compress", "the records of a body overlap"))?;
        if !part.is_empty() {
            chain.extend(self.pack(part)?);
        }
        Ok(())
    }
}

/// Unpacks one frame or a chain of them.
pub fn unpack(frames: &[u8]) -> Result<Vec<u8>, StoreError> {
    let expected = get_frame_content_size(frames).ok().flatten().unwrap_or(0).min(MAX_RESERVED);
    let decoder = zstd::Decoder::new(frames).map_err(|error| StoreError::corrupt("decompress", error))?;
    let mut unpacked = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    let read = decoder.take(MAX_UNPACKED + 1).read_to_end(&mut unpacked);
    read.map_err(|error| StoreError::corrupt("decompress", error))?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        return Err(StoreError::corrupt("decompress", "the text is longer than any delivery"));
    }
    Ok(unpacked)
}

/// Where a frame of a chain lies: in the chain, and what it holds in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the chain, in bytes.
    pub packed: Range<u64>,
    /// The place of what it holds in the body, in bytes.
    pub unpacked: Range<u64>,
}

/// Finds the frames of a chain as it lies in the log, whichever version of zstd packed it, without unpacking it.
pub fn frames_of(chain: &[u8]) -> Result<Vec<Frame>, StoreError> {
    const DOING: &str = "find the frames of an object";
    let (mut frames, mut rest, mut at, mut body_at) = (Vec::new(), chain, 0, 0);
    while !rest.is_empty() {
        let length = find_frame_compressed_size(rest).map_err(|_| StoreError::corrupt(DOING, "no frame"))?;
        let content = get_frame_content_size(rest).ok().flatten();
        let content = content.ok_or_else(|| StoreError::corrupt(DOING, "a frame does not say its length"))?;
        let (packed_to, unpacked_to) = (at + length as u64, u64::saturating_add(body_at, content));
        frames.push(Frame { packed: at..packed_to, unpacked: body_at..unpacked_to });
        rest = rest.get(length.max(1)..).unwrap_or_default();
        (at, body_at) = (packed_to, unpacked_to);
    }
    Ok(frames)
}

/// Unpacks a text.
pub fn unpack_text(frames: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(unpack(frames)?).map_err(|error| StoreError::corrupt("decompress", error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_chain_is_the_body_and_each_frame_its_record(parts in proptest::collection::vec("\\PC{0,40}", 1..9)) {
            let body = parts.concat();
            let mut at = 0;
            let mut records = Vec::new();
            for (number, part) in parts.iter().enumerate() {
                if number % 2 == 1 {
                    records.push(at..at + part.len());
                }
                at += part.len();
            }
            let chain = Packer::new().unwrap().chain(body.as_bytes(), &records).unwrap();
            prop_assert_eq!(unpack_text(&chain.bytes).unwrap(), body.clone());
            let found = frames_of(&chain.bytes).unwrap();
            for (record, frame) in records.iter().zip(&chain.records).filter(|(record, _)| !record.is_empty()) {
                let place = Frame { packed: frame.clone(), unpacked: record.start as u64..record.end as u64 };
                prop_assert!(found.contains(&place));
                let frame = &chain.bytes[frame.start as usize..frame.end as usize];
                prop_assert_eq!(unpack(frame).unwrap(), body.as_bytes()[record.clone()].to_vec());
            }
        }

        #[test]
        fn what_is_no_frame_is_said_to_be_corrupt(bytes in proptest::collection::vec(any::<u8>(), 1..60)) {
            prop_assume!(zstd::decode_all(bytes.as_slice()).is_err());
            prop_assert!(!unpack(&bytes).unwrap_err().is_transient());
        }
    }
}

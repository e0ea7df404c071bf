//! Which records a delivery has copies of, and in which version: kept with the delivery, so that what became of it can
//! be told later by a look at the records, without a write per delivery and without reading its body.

use crate::error::StoreError;
use crate::frames::{Packer, unpack};
use terrace_records::{RecordKey, Version};

/// A delivery with more copies than this keeps no list; its body tells.
pub const MAX_LISTED: usize = 4_000;

/// A copy that a delivery has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOf {
    /// The record.
    pub record: RecordKey,
    /// Which copy of it.
    pub version: Version,
}

const EMPTY: &[u8] = &[];
/// How a list begins: plain, or packed.
const PLAIN: u8 = 0;
const PACKED: u8 = 1;
/// Lists longer than this are packed.
const PACK_FROM: usize = 256;

/// The list as stored: per copy the length of its key in two bytes, the key, the version. `None` for a list that is
/// too long to keep.
pub(crate) fn encode(copies: &[CopyOf]) -> Result<Option<Vec<u8>>, StoreError> {
    if copies.len() > MAX_LISTED {
        return Ok(None);
    }
    let mut list = vec![PLAIN];
    for copy in copies {
        let key = copy.record.sort_key().as_bytes();
        let length =
            u16::try_from(key.len()).map_err(|error| StoreError::refused("list a delivery's copies", error))?;
        list.extend_from_slice(&length.to_be_bytes());
        list.extend_from_slice(key);
        list.extend_from_slice(copy.version.as_bytes());
    }
    if list.len() <= PACK_FROM {
        return Ok(Some(list));
    }
    let packed = Packer::new()?.pack(list.get(1..).unwrap_or(EMPTY))?;
    Ok(Some([&[PACKED], packed.as_slice()].concat()))
}

/// Reads a list as stored.
pub(crate) fn decode(stored: &[u8]) -> Result<Vec<CopyOf>, StoreError> {
    let damaged = || StoreError::corrupt("read a delivery's copies", "the list is damaged");
    let (kind, list) = stored.split_first().ok_or_else(damaged)?;
    let list = if *kind == PACKED { unpack(list)? } else { list.to_vec() };
    let mut rest = list.as_slice();
    let mut copies = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (key, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(damaged)?;
        let (version, after) = after.split_at_checked(Version::BYTES).ok_or_else(damaged)?;
        let key = std::str::from_utf8(key).ok().and_then(RecordKey::from_sort_key).ok_or_else(damaged)?;
        copies.push(CopyOf { record: key, version: Version::from_bytes(version).ok_or_else(damaged)? });
        rest = after;
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_records::Emission;
    use terrace_terra::DataType;
    use terrace_terra::ids::Identifier;

    fn list(length: usize) -> Vec<CopyOf> {
        let copy = |number: usize| CopyOf {
            record: RecordKey::new(DataType::Daily, &Identifier::new(format!("2026-07-{number}")).unwrap()),
            version: Version::new(Emission { emitted_ms: 7, signed_at: 0, discarded: 0 }, 1, number as u64),
        };
        (0..length).map(copy).collect()
    }

    #[test]
    fn a_list_of_any_length_comes_back() {
        for length in [0, 1, 5, 300, MAX_LISTED] {
            let stored = encode(&list(length)).unwrap().unwrap();
            assert_eq!(decode(&stored).unwrap(), list(length));
        }
        assert!(encode(&list(1)).unwrap().unwrap().len() < 50, "one copy is worth no packing");
        assert_eq!(encode(&list(MAX_LISTED + 1)).unwrap(), None);
    }

    #[test]
    fn a_damaged_list_is_said_to_be_so() {
        let mut stored = encode(&list(2)).unwrap().unwrap();
        stored.pop();
        assert!(decode(&stored).is_err());
        assert!(decode(&[]).is_err());
        assert!(decode(&[PACKED, 1, 2]).is_err());
    }
}

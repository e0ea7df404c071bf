//! A record as one delivery tells it, and what repeats within a delivery come to.

use crate::coverage::coverage;
use crate::key::RecordKey;
use crate::version::{Emission, Version};
use std::collections::BTreeMap;
use terrace_terra::{DataType, Element};
use xxhash_rust::xxh3::xxh3_64;

/// A copy of a record: what one delivery says of it, and its place in the order.
#[derive(Debug)]
pub struct RecordCopy<'a> {
    /// Which record it is a copy of.
    pub key: RecordKey,
    /// What the delivery says.
    pub element: Element<'a>,
    /// Its place among the copies of this record.
    pub version: Version,
}

impl<'a> RecordCopy<'a> {
    /// The copy that an element of a delivery made at `emission` is.
    pub fn new(data_type: DataType, element: Element<'a>, emission: Emission) -> Self {
        let bytes = element.raw.get();
        let version = Version::new(emission, coverage(bytes), xxh3_64(bytes.as_bytes()));
        Self { key: RecordKey::new(data_type, &element.identifier), element, version }
    }
}

/// The copies of one record within one delivery, the greatest apart.
#[derive(Debug)]
pub struct Repeats<'a> {
    /// The copy that is written.
    pub greatest: RecordCopy<'a>,
    /// The others. Their scores count too.
    pub rest: Vec<RecordCopy<'a>>,
}

impl<'a> Repeats<'a> {
    /// Groups the copies of a delivery by record, in the order of keys.
    pub fn group(copies: impl IntoIterator<Item = RecordCopy<'a>>) -> Vec<Self> {
        let mut groups: BTreeMap<RecordKey, Self> = BTreeMap::new();
        for copy in copies {
            let Some(group) = groups.get_mut(&copy.key) else {
                groups.insert(copy.key.clone(), Self { greatest: copy, rest: Vec::new() });
                continue;
            };
            let lesser =
                if copy.version > group.greatest.version { std::mem::replace(&mut group.greatest, copy) } else { copy };
            group.rest.push(lesser);
        }
        groups.into_values().collect()
    }

    /// Every copy, the greatest first.
    pub fn all(&self) -> impl Iterator<Item = &RecordCopy<'a>> {
        std::iter::once(&self.greatest).chain(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[test]
    fn the_greatest_of_repeats_is_found_wherever_it_stands() {
        let emission = Emission { emitted_ms: 1, signed_at: 0, discarded: 0 };
        let element = |n: usize, id: &str| {
            let filler: Vec<String> = (0..n).map(|at| format!(r#","x{at}":1"#)).collect();
            RawValue::from_string(format!(r#"{{"metadata":{{"summary_id":"{id}"}}{}}}"#, filler.concat())).unwrap()
        };
        let raws = [element(1, "a"), element(3, "b"), element(3, "a"), element(2, "a")];
        let copies = raws
            .iter()
            .map(|raw| RecordCopy::new(DataType::Sleep, Element::read(DataType::Sleep, raw).unwrap(), emission));
        let groups = Repeats::group(copies);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].greatest.version.coverage(), 4);
        assert_eq!(groups[0].rest.iter().map(|copy| copy.version.coverage()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(groups[1].rest.len(), 0);
        assert_eq!(groups[0].all().count(), 3);
    }
}

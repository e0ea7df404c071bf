//! What the view has to be: a pure function of the set of deliveries, written from the promises alone and slow on
//! purpose. It shares no code with what it judges.

use crate::sent::{Enrichment, Kind, SentCopy, SentDelivery};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// 2020-01-01 in milliseconds.
const YEAR_2020: u64 = 1_577_836_800_000;

/// Where a copy stands: when it was made, how full it is, when it was signed, its digest.
pub type Place = (u64, u32, u32, u64);

/// A record as it has to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The place of the copy that is kept.
    pub place: Place,
    /// Nothing is to be read of it.
    pub deleted: bool,
    /// The record with its scores. The order of scores that the copy does not name is left open.
    pub data: String,
    /// Whether `data` is the copy as it was sent, and so has to be read back byte for byte.
    pub as_sent: bool,
    /// The providers of the deliveries that sent this very copy.
    pub providers: Vec<&'static str>,
    /// More than one delivery sent this very copy, with the same place.
    pub tied: bool,
}

/// Records by user, type and identifier.
pub type View = BTreeMap<(String, &'static str, String), Expected>;

/// The view that these deliveries make, in whatever order and however often they came.
pub fn view(deliveries: &[SentDelivery]) -> View {
    let mut copies: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for delivery in deliveries {
        for copy in &delivery.copies {
            let key = (delivery.user.clone(), delivery.kind.name(), copy.id(delivery.kind));
            copies.entry(key).or_default().push((place(delivery, copy), delivery, copy));
        }
    }
    copies.into_iter().map(|(key, copies)| (key, of_record(&copies))).collect()
}

/// The record that these copies make.
fn of_record(copies: &[(Place, &SentDelivery, &SentCopy)]) -> Expected {
    let greatest = copies.iter().map(|(place, ..)| *place).max().unwrap_or_default();
    let kept: Vec<_> = copies.iter().filter(|(place, ..)| *place == greatest).collect();
    let mut scores: BTreeMap<&'static str, (Place, &'static str)> = BTreeMap::new();
    for (place, _, copy) in copies {
        let Enrichment::Scores(own) = &copy.enrichment else { continue };
        for (name, value) in own.iter().filter(|(_, value)| *value != "null") {
            let newest = scores.entry(name).or_insert((*place, value));
            if *place > newest.0 {
                *newest = (*place, value);
            }
        }
    }
    let Some((_, delivery, copy)) = kept.first() else {
        return Expected::default();
    };
    let data = copy.text(delivery.kind, &merged(&copy.enrichment, &scores));
    Expected {
        place: greatest,
        deleted: copy.deleted && matches!(delivery.kind, Kind::Activity | Kind::HealthObservation),
        as_sent: data == copy.text(delivery.kind, &copy.enrichment),
        data,
        providers: kept.iter().map(|(_, delivery, _)| delivery.provider).collect(),
        tied: kept.iter().any(|(_, other, _)| (&other.trace, other.body()) != (&delivery.trace, delivery.body())),
    }
}

/// A copy's scores, each with its newest value.
fn merged(own: &Enrichment, newest: &BTreeMap<&'static str, (Place, &'static str)>) -> Enrichment {
    if newest.is_empty() {
        return own.clone();
    }
    let named = if let Enrichment::Scores(named) = own { named.as_slice() } else { &[] };
    let mut scores: Vec<_> =
        named.iter().map(|(name, value)| (*name, newest.get(name).map_or(*value, |(_, newest)| *newest))).collect();
    for (name, (_, value)) in newest {
        if !named.iter().any(|(known, _)| known == name) {
            scores.push((name, value));
        }
    }
    Enrichment::Scores(scores)
}

/// The place of a copy among the copies of its record.
pub fn place(delivery: &SentDelivery, copy: &SentCopy) -> Place {
    let text = copy.text(delivery.kind, &copy.enrichment);
    let coverage = coverage(&serde_json::from_str(&text).unwrap_or_default());
    let (emitted, signed) = emitted(delivery);
    (emitted, coverage, signed, xxh3_64(text.as_bytes()))
}

/// When a delivery's copies were made, as far as it can be believed; and when it was signed, where the header does not
/// say.
fn emitted(delivery: &SentDelivery) -> (u64, u32) {
    let credible = |time: &u64| (YEAR_2020..=delivery.signed_at * 1_000 + 60_000).contains(time);
    let header = delivery.ordering.as_deref().map(str::trim);
    let header = header.filter(|text| !text.is_empty() && text.chars().all(|one| one.is_ascii_digit()));
    if let Some(time) = header.and_then(|text| text.parse().ok()).filter(credible) {
        return (time, 0);
    }
    let in_body = delivery.updated.as_ref().and_then(|(_, time)| *time).filter(credible);
    (in_body.unwrap_or(0), u32::try_from(delivery.signed_at).unwrap_or(u32::MAX))
}

/// The scalar leaves of a record that are not null.
fn coverage(record: &Value) -> u32 {
    fn leaves(value: &Value) -> u32 {
        match value {
            Value::Null => 0,
            Value::Array(list) => list.iter().map(leaves).sum(),
            Value::Object(members) => members.values().map(leaves).sum(),
            _ => 1,
        }
    }
    let members = record.as_object().into_iter().flatten();
    members.filter(|(name, _)| *name != "data_enrichment").map(|(_, value)| leaves(value)).sum()
}

/// JSON with its members sorted and its numbers digit for digit, to compare what may differ in order alone.
#[derive(Debug, PartialEq, Eq)]
pub enum Digits {
    /// Members by name.
    Object(BTreeMap<String, Self>),
    /// Elements.
    Array(Vec<Self>),
    /// Anything else, as written.
    Scalar(String),
}

impl Digits {
    /// Reads JSON.
    #[expect(clippy::unwrap_used, reason = "a test fails where what it compares is no JSON")]
    pub fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap();
                Self::Object(members.into_iter().map(|(name, value)| (name, Self::of(value.get()))).collect())
            }
            Some(b'[') => {
                let elements: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
                Self::Array(elements.iter().map(|value| Self::of(value.get())).collect())
            }
            _ => Self::Scalar(text.to_owned()),
        }
    }
}

//! Where things lie in the table: partition keys and sort keys.
//!
//! Identifiers come from outside and may be anything. Two rules keep them from meaning what they should not: a text
//! that is too long for a key, or that begins like one of our own markers, is replaced by its SHA-256 (never cut), and
//! a sort key is always read from the front by a type name that holds no `#`.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fmt;
use terrace_terra::event::Owner;
use terrace_terra::ids::{DeliveryId, Identifier, ReferenceId, UserId};
use terrace_terra::types::DataType;
use xxhash_rust::xxh3::xxh3_64;

/// The longest identifier that stands in a key as it is, in bytes. DynamoDB takes sort keys of 1,024 bytes; the rest
/// is for the type, times and digests around it.
pub const MAX_KEY_TEXT: usize = 900;

/// What a hashed text begins with, so that no text is taken for another's hash.
const HASHED: &str = "sha256:";
const REFERENCE: &str = "reference:";
const SESSION: &str = "session:";
const DELIVERY: &str = "delivery:";
const JOB: &str = "job:";

/// The sort key of a connection.
pub const CONNECTION: &str = "connection";
/// What the sort key of a delivery begins with.
pub const LOG: &str = "log#";

/// `text` as it may stand in a key: itself, or `sha256:` and its digest where it is too long or begins with one of
/// `reserved`.
fn key_text(text: &str, reserved: &[&str]) -> String {
    let taken = reserved.iter().chain([&HASHED]).any(|marker| text.starts_with(marker));
    if taken || text.len() > MAX_KEY_TEXT { hashed(text) } else { text.to_owned() }
}

fn hashed(text: &str) -> String {
    format!("{HASHED}{}", HEXLOWER.encode(&Sha256::digest(text.as_bytes())))
}

/// A reference as it stands in a key that goes on after it with a `#`: one that has a `#` itself is hashed, so that none
/// is taken for another and what follows it.
pub fn enclosed_text(reference: &ReferenceId<'_>) -> String {
    if reference.as_str().contains('#') { hashed(reference.as_str()) } else { reference_text(reference) }
}

/// A partition key: whose life an item belongs to. `Debug` hides it: it names a person or leads to one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(String);

impl Partition {
    /// A connection's partition.
    pub fn of_user(user: &UserId<'_>) -> Self {
        Self(key_text(user.as_str(), &[REFERENCE, SESSION, DELIVERY, JOB]))
    }

    /// The partition of what names a reference and no user.
    pub fn of_reference(reference: &ReferenceId<'_>) -> Self {
        Self(format!("{REFERENCE}{}", reference_text(reference)))
    }

    /// The partition an event belongs to; a delivery that names nobody has one for itself.
    pub fn of(owner: &Owner<'_>, delivery: &DeliveryId<'_>) -> Self {
        match owner {
            Owner::User(user) => Self::of_user(user),
            Owner::Reference(reference) => Self::of_reference(reference),
            Owner::Session(session) => Self(format!("{SESSION}{}", key_text(session.as_str(), &[]))),
            Owner::Nobody => Self(format!("{DELIVERY}{}", delivery_text(delivery))),
        }
    }

    /// The partition of a job's item.
    pub fn of_job(id: &str) -> Self {
        Self(format!("{JOB}{}", key_text(id, &[])))
    }

    /// Whose it is.
    pub fn kind(&self) -> PartitionKind {
        let kinds = [
            (REFERENCE, PartitionKind::Reference),
            (SESSION, PartitionKind::Session),
            (DELIVERY, PartitionKind::Delivery),
            (JOB, PartitionKind::Job),
        ];
        let found = kinds.into_iter().find(|(marker, _)| self.0.starts_with(marker));
        found.map_or(PartitionKind::User, |(_, kind)| kind)
    }

    /// A partition key as read from the table or from a job.
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of the partition's objects: the SHA-256 of its key, so that no identifier stands in a path.
    pub fn folder(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()))
    }
}

/// Whose a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionKind {
    /// A connection's.
    User,
    /// An end user's, by the customer's name for them.
    Reference,
    /// That of a lab report which names nobody.
    Session,
    /// That of a delivery which names nobody.
    Delivery,
    /// A job's.
    Job,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partition({} bytes)", self.0.len())
    }
}

/// A reference as it stands in keys and in the index of references.
pub fn reference_text(reference: &ReferenceId<'_>) -> String {
    key_text(reference.as_str(), &[])
}

/// A delivery id as it stands in keys, paths and answers: itself where it is made of letters, digits and `-_.:`, which
/// Terra's ids are; else its hash. A hash stays what it is, since the log keeps no other name of such a delivery.
fn delivery_text(delivery: &DeliveryId<'_>) -> String {
    let text = delivery.as_str();
    if is_hash(text) {
        return text.to_owned();
    }
    let plain = text.len() <= 200
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'));
    if plain { key_text(text, &[]) } else { hashed(text) }
}

fn is_hash(text: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.strip_prefix(HASHED).is_some_and(|digest| digest.len() == 64 && digest.bytes().all(hex))
}

/// What a record is called within its partition. `Debug` hides the identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    data_type: DataType,
    sort_key: String,
    hashed: bool,
}

impl RecordKey {
    /// The key of a record.
    pub fn new(data_type: DataType, identifier: &Identifier<'_>) -> Self {
        let text = key_text(identifier.as_str(), &[]);
        let hashed = text != identifier.as_str();
        Self { data_type, sort_key: format!("{data_type}#{text}"), hashed }
    }

    /// Reads a sort key; `None` if it is not a record's.
    pub fn from_sort_key(sort_key: &str) -> Option<Self> {
        let (data_type, text) = sort_key.split_once('#')?;
        let data_type = DataType::from_name(data_type)?;
        Some(Self { data_type, sort_key: sort_key.to_owned(), hashed: text.starts_with(HASHED) })
    }

    /// The sort key, `<type>#<identifier>`.
    pub fn sort_key(&self) -> &str {
        &self.sort_key
    }

    /// The kind of record.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Whether the identifier stands in the key only as its hash, and has to be kept beside it.
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// The identifier as it stands in the key.
    pub fn identifier_text(&self) -> &str {
        self.sort_key.split_once('#').map_or("", |(_, text)| text)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({}#…)", self.data_type)
    }
}

/// What a delivery is called in the log of its partition: when it was made, its id, and a digest of its body, since
/// the headers that hold the id are not signed and two bodies under one id are two deliveries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    time_ms: u64,
    id: String,
    digest: u64,
}

impl LogKey {
    /// The log key of a body that came under this id.
    pub fn new(time_ms: u64, id: &DeliveryId<'_>, body: &[u8]) -> Self {
        Self { time_ms, id: delivery_text(id), digest: xxh3_64(body) }
    }

    /// The delivery's id, as it stands in keys.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The delivery's time in milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// `log#<time>#<delivery id>#<digest>`; the time has thirteen digits, so that keys sort by it until 2286.
    pub fn sort_key(&self) -> String {
        format!("{LOG}{:013}#{}#{:016x}", self.time_ms, self.id, self.digest)
    }

    /// Reads a sort key; `None` if it is not a delivery's.
    pub fn from_sort_key(sort_key: &str) -> Option<Self> {
        let (time, rest) = sort_key.strip_prefix(LOG)?.split_once('#')?;
        let (id, digest) = rest.rsplit_once('#')?;
        Self::from_parts(time, digest, id)
    }

    /// The name of a delivery in answers and paths: `<time>.<digest>.<delivery id>`.
    pub fn name(&self) -> String {
        format!("{:013}.{:016x}.{}", self.time_ms, self.digest, self.id)
    }

    /// Reads a name; `None` if it is none.
    pub fn from_name(name: &str) -> Option<Self> {
        let (time, rest) = name.split_once('.')?;
        let (digest, id) = rest.split_once('.')?;
        Self::from_parts(time, digest, id)
    }

    fn from_parts(time: &str, digest: &str, id: &str) -> Option<Self> {
        let digits = time.len() >= 13 && time.bytes().all(|byte| byte.is_ascii_digit());
        let hex = digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key =
            Self { time_ms: time.parse().ok()?, id: id.to_owned(), digest: u64::from_str_radix(digest, 16).ok()? };
        (digits && hex && !id.is_empty() && !id.contains('#')).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(text: &str) -> UserId<'_> {
        UserId::new(text).unwrap()
    }

    fn id(text: &str) -> DeliveryId<'_> {
        DeliveryId::new(text).unwrap()
    }

    #[test]
    fn no_user_reads_what_is_not_theirs_by_their_name() {
        let reference = ReferenceId::new("r").unwrap();
        let nobody = Partition::of(&Owner::Nobody, &id("d"));
        for (partition, name) in [(Partition::of_reference(&reference), "reference:r"), (nobody, "delivery:d")] {
            assert_eq!(partition.as_str(), name);
            assert_ne!(Partition::of_user(&user(name)), partition);
        }
        let long = "x".repeat(901);
        let hashed = Partition::of_user(&user(&long));
        assert!(hashed.as_str().starts_with("sha256:") && hashed.as_str().len() == 71);
        assert_ne!(Partition::of_user(&user(hashed.as_str())), hashed);
    }

    #[test]
    fn keys_fit_what_dynamodb_takes() {
        for length in [1, 899, 900, 901, 1_000, 100_000] {
            let text = "é".repeat(length);
            let key = RecordKey::new(DataType::HealthObservation, &Identifier::new(text.as_str()).unwrap());
            assert!(key.sort_key().len() <= 1_024, "{length}");
            assert_eq!(key.is_hashed(), text.len() > 900);
            assert!(LogKey::new(1, &id(&text), b"").sort_key().len() <= 1_024);
            assert!(Partition::of_user(&user(&text)).as_str().len() <= 2_048);
        }
    }

    #[test]
    fn golden_keys() {
        let key = LogKey::new(1_782_897_153_891, &id("7243c4e7:chunk:3"), b"body");
        assert_eq!(key.sort_key(), "log#1782897153891#7243c4e7:chunk:3#84f2c8ee187fe1fa");
        assert_eq!(key.name(), "1782897153891.84f2c8ee187fe1fa.7243c4e7:chunk:3");
        assert_ne!(key, LogKey::new(1_782_897_153_891, &id("7243c4e7:chunk:3"), b"other body"));
        let odd = LogKey::new(1, &id("an odd/id"), b"body");
        assert!(odd.id().starts_with("sha256:"));
        assert_eq!(LogKey::new(1, &id(odd.id()), b"body"), odd, "a hash stays what it is");
        let of_body = DeliveryId::of_body(b"");
        assert_eq!(of_body.as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for odd in ["", "log#", "log#1#a#b", "log#1782897153891##84f2c8ee187fe1fa", "daily#2026-07-01"] {
            assert_eq!(LogKey::from_sort_key(odd), None, "{odd}");
            assert_eq!(LogKey::from_name(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn different_texts_have_different_keys(a in "(sha256:|reference:|session:)?\\PC{1,8}", b in "(sha256:|delivery:)?\\PC{1,8}") {
            prop_assert_eq!(Partition::of_user(&user(&a)) == Partition::of_user(&user(&b)), a == b);
            let (a, b) = (Identifier::new(a).unwrap(), Identifier::new(b).unwrap());
            prop_assert_eq!(RecordKey::new(DataType::Daily, &a) == RecordKey::new(DataType::Daily, &b), a == b);
        }

        #[test]
        fn keys_lead_back_to_themselves(text in "[\\PC\u{0}]{1,40}", time in 0_u64..10_000_000_000_000) {
            let key = RecordKey::new(DataType::Sleep, &Identifier::new(text.as_str()).unwrap());
            prop_assert_eq!(RecordKey::from_sort_key(key.sort_key()), Some(key));
            let key = LogKey::new(time, &id(&text), text.as_bytes());
            prop_assert_eq!(LogKey::from_sort_key(&key.sort_key()), Some(key.clone()));
            prop_assert_eq!(LogKey::from_name(&key.name()), Some(key));
        }
    }
}

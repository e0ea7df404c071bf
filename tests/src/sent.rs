//! Data deliveries as their parts, so that a model can work from what was meant and never has to read a body.

use crate::delivery::Delivery;

/// What kind of record, and so where its identifier and its delete mark stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Known by its date.
    Daily,
    /// Known by its `summary_id`.
    Sleep,
    /// Known by its `summary_id`; deleted by an `upload_type` of 4.
    Activity,
    /// Known by its `summary_id`; deleted by a `status` of 3.
    HealthObservation,
}

impl Kind {
    /// The event's `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Sleep => "sleep",
            Self::Activity => "activity",
            Self::HealthObservation => "health_observation",
        }
    }
}

/// What a copy says of its scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrichment {
    /// There is no `data_enrichment`.
    Absent,
    /// It is null.
    Null,
    /// Names and values as JSON, null among them.
    Scores(Vec<(&'static str, &'static str)>),
}

/// A copy of a record as it is sent.
#[derive(Debug, Clone)]
pub struct SentCopy {
    /// Which one of its kind.
    pub number: u8,
    /// Names and values as JSON.
    pub members: Vec<(&'static str, &'static str)>,
    /// How many samples, which do not compress, make it large.
    pub samples: u32,
    /// What it says of its scores.
    pub enrichment: Enrichment,
    /// Whether it says that the record is to be deleted.
    pub deleted: bool,
    /// Whether there are spaces between its members.
    pub spaced: bool,
}

impl SentCopy {
    /// The identifier by which it is read back.
    pub fn id(&self, kind: Kind) -> String {
        match kind {
            Kind::Daily => format!("2026-07-0{}", self.number + 1),
            _ => format!("{}-{}", kind.name(), self.number),
        }
    }

    /// The element, with these scores in place of its own; those it does not name come last.
    pub fn text(&self, kind: Kind, enrichment: &Enrichment) -> String {
        let mut parts = vec![format!(r#""metadata":{}"#, self.metadata(kind))];
        if kind == Kind::HealthObservation {
            parts.push(format!(r#""observation_data":{{"status":{}}}"#, if self.deleted { 3 } else { 1 }));
        }
        parts.extend(self.members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)));
        match enrichment {
            Enrichment::Absent => {}
            Enrichment::Null => parts.push(r#""data_enrichment":null"#.to_owned()),
            Enrichment::Scores(scores) => {
                let scores: Vec<_> = scores.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
                parts.push(format!(r#""data_enrichment":{{{}}}"#, scores.join(",")));
            }
        }
        if self.samples > 0 {
            parts.push(format!(r#""samples":[{}]"#, samples(self.samples).join(",")));
        }
        let (open, comma) = if self.spaced { ("{ ", " ,\n") } else { ("{", ",") };
        format!("{open}{}}}", parts.join(comma))
    }

    fn metadata(&self, kind: Kind) -> String {
        let id = self.id(kind);
        let day = self.number + 1;
        match kind {
            Kind::Daily => format!(r#"{{"start_time":"{id}T00:00:00.000000+01:00"}}"#),
            Kind::Activity => {
                let upload_type = if self.deleted { 4 } else { 1 };
                format!(
                    r#"{{"summary_id":"{id}","start_time":"2026-07-0{day}T07:04:11Z","upload_type":{upload_type}}}"#
                )
            }
            // For a sleep these numbers delete nothing.
            Kind::Sleep => {
                let upload_type = if self.deleted { 4 } else { 1 };
                format!(
                    r#"{{"upload_type":{upload_type},"summary_id":"{id}","start_time":"2026-07-0{day}T22:00:00Z"}}"#
                )
            }
            Kind::HealthObservation => format!(r#"{{"summary_id":"{id}"}}"#),
        }
    }
}

/// So many numbers without a pattern.
fn samples(count: u32) -> Vec<String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(count);
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{}.{:04}", state >> 33, state >> 51)
    };
    (0..count).map(next).collect()
}

/// A data delivery as it is sent.
#[derive(Debug, Clone)]
pub struct SentDelivery {
    /// The connection.
    pub user: String,
    /// Where its data comes from.
    pub provider: &'static str,
    /// What is sent.
    pub kind: Kind,
    /// The copies.
    pub copies: Vec<SentCopy>,
    /// The ordering header, which may be odd.
    pub ordering: Option<String>,
    /// `user.last_webhook_update` as text, and in milliseconds since 1970 where it is a time.
    pub updated: Option<(String, Option<u64>)>,
    /// The signature's `t`.
    pub signed_at: u64,
    /// The trace id.
    pub trace: String,
}

impl SentDelivery {
    /// The body.
    pub fn body(&self) -> String {
        let copies: Vec<_> = self.copies.iter().map(|copy| copy.text(self.kind, &copy.enrichment)).collect();
        let updated = self.updated.as_ref();
        let updated = updated.map_or(String::new(), |(text, _)| format!(r#","last_webhook_update":"{text}""#));
        let (kind, user, provider) = (self.kind.name(), &self.user, self.provider);
        let copies = copies.join(",");
        format!(
            r#"{{"type":"{kind}","user":{{"user_id":"{user}","provider":"{provider}"{updated}}},"data":[{copies}]}}"#
        )
    }

    /// The delivery to post.
    pub fn delivery(&self) -> Delivery {
        let mut delivery = Delivery::new(self.body()).signed(self.signed_at).trace(&self.trace);
        delivery.ordering = self.ordering.clone();
        delivery
    }
}

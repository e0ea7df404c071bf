//! How a diagnosis is told. Dates and types, and nothing that was measured.

use crate::connections::ConnectionAnswer;
use crate::diagnosis::case::{Case, Damaged, Neighbour, RefusalsKnown, Trouble, TypeCase, counted};
use crate::diagnosis::findings::{self, Finding};
use crate::diagnosis::witness::{Ask, TerraUser};
use crate::times::instant;
use serde::Serialize;
use std::collections::BTreeSet;
use terrace_records::connection::register;
use terrace_records::{Connection, Register};
use terrace_store::StoredConnection;
use terrace_terra::DataType;

/// How many deliveries that went wrong are told one by one.
const MAX_TROUBLES: usize = 20;
/// How many moments of a life are told from the log.
const MAX_MOMENTS: usize = 50;

/// The diagnosis of a connection.
#[derive(Debug, Serialize)]
pub struct DiagnosisAnswer {
    user_id: String,
    as_of: String,
    summary: String,
    findings: Vec<Finding>,
    connection: Option<ConnectionAnswer>,
    life: Vec<Moment>,
    types: Vec<TypeAnswer>,
    quarantined: Troubles,
    unapplied: Troubles,
    unfinished_requests: Vec<RequestAnswer>,
    replaced_by: Option<ConnectionAnswer>,
    same_reference: Vec<ConnectionAnswer>,
    witness: WitnessAnswer,
    looked_at: LookedAt,
}

/// A moment in the life of a connection.
#[derive(Debug, Serialize)]
struct Moment {
    at: String,
    what: String,
}

#[derive(Debug, Serialize)]
struct TypeAnswer {
    #[serde(rename = "type")]
    data_type: &'static str,
    last_record: Option<LastRecord>,
    last_delivery: Option<String>,
    usual_interval_seconds: Option<u64>,
    deliveries: usize,
}

#[derive(Debug, Serialize)]
struct LastRecord {
    start_time: Option<String>,
    updated_at: String,
}

#[derive(Debug, Serialize)]
struct Troubles {
    count: usize,
    newest: Vec<TroubleAnswer>,
}

#[derive(Debug, Serialize)]
struct TroubleAnswer {
    delivery: String,
    event: String,
    received_at: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct RequestAnswer {
    reference: String,
    expected: Option<u32>,
    seen: usize,
}

/// What Terra says, or why it says nothing.
#[derive(Debug, Serialize)]
struct WitnessAnswer {
    asked: &'static str,
    reason: Option<&'static str>,
    says: Option<Said>,
}

#[derive(Debug, Serialize)]
struct Said {
    active: Option<bool>,
    provider: Option<String>,
    reference_id: Option<String>,
    scopes: Option<Vec<String>>,
    created_at: Option<String>,
    last_webhook_update: Option<String>,
    provider_user_id: Option<String>,
    most_recent_data_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct LookedAt {
    deliveries: usize,
    since: Option<String>,
    cut_off: bool,
    requests_cut_off: bool,
    /// What lies there and cannot be read.
    damaged: DamagedAnswer,
    signature_failures: SignatureFailures,
}

#[derive(Debug, Serialize)]
struct DamagedAnswer {
    deliveries: usize,
    records: usize,
    marks: usize,
}

#[derive(Debug, Serialize)]
struct SignatureFailures {
    count: Option<u64>,
    metric: &'static str,
}

impl DiagnosisAnswer {
    /// What is told of a case.
    pub fn of(case: &Case) -> Self {
        let findings = findings::findings(case);
        let troubles = |list: &[Trouble]| Troubles {
            count: list.len(),
            newest: list.iter().take(MAX_TROUBLES).map(TroubleAnswer::from).collect(),
        };
        let open = case.requests.iter().filter(|request| !request.complete);
        Self {
            user_id: case.user_id.clone(),
            as_of: instant(case.now),
            summary: summary(&findings, case),
            findings,
            connection: case.connection.as_ref().map(|connection| told(&case.user_id, connection)),
            life: life(case),
            types: case.types.iter().map(TypeAnswer::from).collect(),
            quarantined: troubles(&case.deliveries.quarantined),
            unapplied: troubles(&case.deliveries.unapplied),
            unfinished_requests: open
                .map(|request| RequestAnswer {
                    reference: request.reference.clone(),
                    expected: request.expected,
                    seen: request.seen,
                })
                .collect(),
            replaced_by: case.successor.as_ref().map(neighbour),
            same_reference: case.others.iter().map(neighbour).collect(),
            witness: WitnessAnswer::from(&case.terra),
            looked_at: LookedAt {
                deliveries: case.deliveries.looked_at,
                since: case.deliveries.since.map(instant),
                cut_off: case.deliveries.cut_off,
                requests_cut_off: case.requests_cut_off,
                damaged: DamagedAnswer::from(&case.damaged),
                signature_failures: SignatureFailures {
                    count: match case.refusals {
                        RefusalsKnown::Here(refusals) => Some(refusals.count),
                        RefusalsKnown::ByMetric => None,
                    },
                    metric: "SignatureMismatch",
                },
            },
        }
    }
}

/// A diagnosis of what nothing is known of: an error that says what is known nearby.
#[derive(Debug, Serialize)]
pub struct Unknown<T> {
    error: &'static str,
    message: String,
    #[serde(flatten)]
    diagnosis: T,
}

/// Something that has findings.
pub trait Findings {
    /// Them.
    fn findings(&self) -> &[Finding];
}

impl Findings for DiagnosisAnswer {
    fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl<T: Findings> Unknown<T> {
    /// The error with the first finding in its message, for who reads no more.
    pub fn new(what: &str, diagnosis: T) -> Self {
        let first = diagnosis.findings().first();
        let more = first.map(|first| format!(". {} {} {}", first.seen, first.means, first.next_step));
        Self { error: "not_found", message: format!("{what}{}", more.unwrap_or_default()), diagnosis }
    }
}

/// What is told where no connection has a reference.
#[derive(Debug, Serialize)]
pub struct UnknownReference {
    reference_id: String,
    as_of: String,
    findings: Vec<Finding>,
    failed_attempts: Vec<String>,
    user_id: Option<String>,
}

impl UnknownReference {
    /// `failed` are the times at which an attempt to connect failed, newest first; `user` is the user of that id, where
    /// there is one.
    pub fn new(reference: &str, now: u64, failed: &[u64], user: Option<String>) -> Self {
        let finding = findings::unknown_reference(failed, user.as_deref());
        Self {
            reference_id: reference.to_owned(),
            as_of: instant(now),
            findings: vec![finding],
            failed_attempts: failed.iter().take(MAX_TROUBLES).map(|at| instant(*at)).collect(),
            user_id: user,
        }
    }
}

impl Findings for UnknownReference {
    fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// The diagnoses of an end user's connections.
#[derive(Debug, Serialize)]
pub struct ReferenceDiagnosis {
    reference_id: String,
    as_of: String,
    connections: Vec<DiagnosisAnswer>,
    cut_off: bool,
}

impl ReferenceDiagnosis {
    /// Them; `cut_off` says that there are more.
    pub fn new(reference: &str, now: u64, connections: Vec<DiagnosisAnswer>, cut_off: bool) -> Self {
        Self { reference_id: reference.to_owned(), as_of: instant(now), connections, cut_off }
    }
}

fn summary(findings: &[Finding], case: &Case) -> String {
    let Some(first) = findings.first() else {
        let last =
            case.last_data().map_or_else(String::new, |last| format!(" The last data came at {}.", instant(last)));
        return format!("Nothing explains missing data: the connection is active and data comes as usual.{last}");
    };
    let others = match findings.len() {
        1 => String::new(),
        more => format!(" ({})", counted(more - 1, "other possible cause", "other possible causes")),
    };
    format!("Most likely: {}{others}. {}", first.code, first.seen)
}

/// What happened to it, oldest first: each thing when it last did, and what the log still has of before.
fn life(case: &Case) -> Vec<Moment> {
    let named = |name: &str, set: &Register| match name {
        register::AUTH => Some("auth".to_owned()),
        register::DATA => Some("data".to_owned()),
        register::REVOKED => Some(set.value().to_owned()),
        register::ERROR => Some("connection_error".to_owned()),
        register::REPLACED => Some(format!("replaced by {}", set.value())),
        register::RENEWED => Some("user_reauth".to_owned()),
        register::ERASED => Some("erased".to_owned()),
        _ => None,
    };
    let registers = case.connection.iter().flat_map(|connection| connection.registers());
    let registers = registers.filter_map(|(name, set)| Some((set.time_ms(), named(name, set)?)));
    let moments = registers.chain(case.deliveries.happened.iter().take(MAX_MOMENTS).cloned());
    let moments: BTreeSet<(u64, String)> = moments.collect();
    moments.into_iter().map(|(at, what)| Moment { at: instant(at), what }).collect()
}

fn told(user_id: &str, connection: &Connection) -> ConnectionAnswer {
    let (user_id, connection) = (user_id.to_owned(), connection.clone());
    // How much of it cannot be read stands beside what else cannot.
    ConnectionAnswer::from(&StoredConnection { user_id, connection, unreadable: Vec::new() })
}

fn neighbour(neighbour: &Neighbour) -> ConnectionAnswer {
    told(&neighbour.user_id, &neighbour.connection)
}

impl From<(&DataType, &TypeCase)> for TypeAnswer {
    fn from((data_type, known): (&DataType, &TypeCase)) -> Self {
        Self {
            data_type: data_type.name(),
            last_record: known.latest_updated_at.map(|updated_at| LastRecord {
                start_time: known.latest_start.clone(),
                updated_at: instant(updated_at),
            }),
            last_delivery: known.last_delivery.map(instant),
            usual_interval_seconds: known.usual_ms().map(|usual| usual / 1_000),
            deliveries: known.times.len(),
        }
    }
}

impl From<&Damaged> for DamagedAnswer {
    fn from(damaged: &Damaged) -> Self {
        Self { deliveries: damaged.deliveries.len(), records: damaged.records, marks: damaged.marks }
    }
}

impl From<&Trouble> for TroubleAnswer {
    fn from(trouble: &Trouble) -> Self {
        Self {
            delivery: trouble.delivery.clone(),
            event: trouble.event.clone(),
            received_at: instant(trouble.received_at),
            reason: trouble.reason.clone(),
        }
    }
}

impl From<&Ask> for WitnessAnswer {
    fn from(ask: &Ask) -> Self {
        match ask {
            Ask::Known(user) => Self { asked: "known", reason: None, says: Some(Said::from(user)) },
            Ask::Unknown => Self { asked: "unknown", reason: None, says: None },
            Ask::CouldNotAsk(reason) => Self { asked: "could_not_ask", reason: Some(reason), says: None },
        }
    }
}

impl From<&TerraUser> for Said {
    fn from(user: &TerraUser) -> Self {
        Self {
            active: user.active,
            provider: user.provider.clone(),
            reference_id: user.reference_id.clone(),
            scopes: user.scopes.clone(),
            created_at: user.created_at.map(instant),
            last_webhook_update: user.last_webhook_update.map(instant),
            provider_user_id: user.provider_user_id.clone(),
            most_recent_data_at: user.most_recent_data_at.map(instant),
        }
    }
}

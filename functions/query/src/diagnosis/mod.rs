//! Why data may be missing: what is known of a connection, and what explains it, most likely first.
//!
//! * [`gather`]: reads the store and asks the witness. Nothing else here does I/O.
//! * [`case`]: what is known, as plain data.
//! * [`findings`]: the rules, each a pure function of a case.
//! * [`providers`]: what is known of providers.
//! * [`terra`]: Terra's API as the witness.
//! * [`terra_parameter`]: the same, as whom a parameter says.
//! * [`witness`]: what Terra itself says, where somebody can ask it.
//! * [`answer`]: how it is told.

pub mod answer;
pub mod case;
pub mod findings;
pub mod gather;
pub mod providers;
pub mod terra;
pub mod terra_parameter;
pub mod witness;

use crate::error::QueryError;
use crate::nearby::NO_SUCH_USER;
use answer::{DiagnosisAnswer, ReferenceDiagnosis, Unknown};
use case::Damaged;
use gather::Gather;
use terrace_runtime::http::Answer;
use terrace_terra::DataType;
use terrace_terra::ids::{ReferenceId, UserId};

/// What is said where no connection has a reference.
const NO_SUCH_REFERENCE: &str = "no connection has this reference";

/// Why data of a user, or of one of their types, may be missing. Where nothing is known of them: 404, with what is known
/// nearby.
///
/// # Errors
///
/// When the store does not answer.
pub async fn of_user(gather: &Gather<'_>, user: &UserId<'_>, asked: Option<DataType>) -> Result<Answer, QueryError> {
    let case = gather.user(user, asked, gather::MAX_DELIVERIES).await?;
    let nothing = case.deliveries.looked_at == 0 && case.damaged == Damaged::default() && case.requests.is_empty();
    let unknown = case.connection.is_none() && nothing;
    let diagnosis = DiagnosisAnswer::of(&case);
    Ok(match unknown {
        true => Answer::json(404, &Unknown::new(NO_SUCH_USER, diagnosis)),
        false => Answer::json(200, &diagnosis),
    })
}

/// The same for each connection of an end user, by the customer's name for them.
///
/// # Errors
///
/// When the store does not answer.
pub async fn of_reference(
    gather: &Gather<'_>,
    reference: &ReferenceId<'_>,
    asked: Option<DataType>,
) -> Result<Answer, QueryError> {
    let (users, cut_off) = gather.users_of(reference).await?;
    if users.is_empty() {
        let unknown = gather.unknown_reference(reference).await?;
        return Ok(Answer::json(404, &Unknown::new(NO_SUCH_REFERENCE, unknown)));
    }
    let each = gather::MAX_DELIVERIES / users.len();
    let mut connections = Vec::new();
    for user in &users {
        connections.push(DiagnosisAnswer::of(&gather.user(user, asked, each).await?));
    }
    Ok(Answer::json(200, &ReferenceDiagnosis::new(reference.as_str(), gather.now, connections, cut_off)))
}

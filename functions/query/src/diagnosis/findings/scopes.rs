//! What the user did not allow, and what the provider does not have.

use super::Finding;
use crate::diagnosis::case::Case;
use crate::diagnosis::providers::INTEGRATIONS;
use crate::times::instant;
use terrace_records::connection::register;
use terrace_terra::DataType;

/// The types whose absence is worth a word though nobody asked for them.
const EXPECTED: [DataType; 3] = [DataType::Activity, DataType::Daily, DataType::Sleep];

/// The user did not grant what a type needs.
pub fn scope_missing(case: &Case) -> Option<Finding> {
    let connection = case.active()?;
    case.time_of(register::SCOPES)?;
    let granted_at = case.permissions_at();
    let scopes = connection.scopes();
    let wanted = |data_type: DataType| match case.asked {
        Some(asked) => asked == data_type,
        None => EXPECTED.contains(&data_type) || case.types.contains_key(&data_type),
    };
    // What came after the permissions were told was allowed after all.
    let came = |data_type: DataType| {
        let last = case.types.get(&data_type).and_then(|known| known.last_delivery);
        last.is_some() && last >= granted_at
    };
    let missing = DataType::ALL.into_iter().filter(|data_type| {
        wanted(*data_type) && !came(*data_type) && case.provider().grants(&scopes, *data_type) == Some(false)
    });
    let missing: Vec<&str> = missing.map(DataType::name).collect();
    if missing.is_empty() {
        return None;
    }
    let granted = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
    let since = granted_at.map_or_else(String::new, |at| format!(" since {}", instant(at)));
    Some(Finding::new(
        "scope_missing",
        format!("The permissions{since} are {granted}: not what {} needs.", missing.join(", ")),
        "The user left a box unticked when they connected, or took a permission back since.",
        format!(
            "Have the user grant it in the settings of their {} account, or connect again and leave every box ticked.",
            case.provider().label
        ),
    ))
}

/// What is asked for never comes from there.
pub fn type_not_delivered(case: &Case) -> Option<Finding> {
    let asked = case.asked?;
    let provider = case.provider();
    if case.types.contains_key(&asked) {
        return None;
    }
    let (means, next) = match asked {
        DataType::LabReport | DataType::LabReportFailure => (
            "Lab reports come from Terra's lab reports, not from a connection: they are kept under the end user's \
             reference_id."
                .to_owned(),
            "Look with GET /references/{reference_id}/records?type=lab_report.".to_owned(),
        ),
        _ if provider.never.contains(&asked) => (
            format!("{} has no {asked}: what it measures is something else.", provider.label),
            "Have the user connect a provider that has it. Terra lists what each delivers: GET /integrations/detailed \
             with your dev-id."
                .to_owned(),
        ),
        _ => return None,
    };
    let seen = format!("No {asked} has ever come from this connection.");
    Some(Finding::new("type_not_delivered", seen, means, next).with_link(INTEGRATIONS))
}

/// What is asked for has never come, while other data does.
pub fn type_never_came(case: &Case) -> Option<Finding> {
    let asked = case.asked.filter(|asked| !case.types.contains_key(asked))?;
    case.active()?;
    if case.types.is_empty() || type_not_delivered(case).is_some() {
        return None;
    }
    let finding = Finding::new(
        "type_never_came",
        format!("No {asked} has ever come from this connection, while other data has."),
        "The type is not among the data types of your Terra environment, the provider has none of it, or the user has \
         recorded none.",
        format!(
            "See that {asked} is turned on in Terra's dashboard, and that {} has it (GET /integrations/detailed with \
             your dev-id). Then ask Terra directly: GET /{asked}?user_id=…&to_webhook=false.",
            case.provider().label
        ),
    );
    Some(finding.with_link(INTEGRATIONS))
}

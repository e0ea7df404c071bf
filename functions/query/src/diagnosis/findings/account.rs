//! The user connected, but not the account they use.

use super::Finding;
use crate::diagnosis::case::{Case, DAY, HOUR, is_measured};
use crate::diagnosis::providers::{INTEGRATIONS, TROUBLESHOOTING};
use crate::times::instant;
use jiff::civil::Date;

/// The latest data of an account in use is not this much older than its connection, in days.
const OLD_DAYS: i32 = 30;

/// The provider has ended.
pub fn provider_retired(case: &Case) -> Option<Finding> {
    let connection = case.active()?;
    let (day, _, instead) = case.provider().retired.filter(|(_, at, _)| case.now >= *at)?;
    let name = connection.provider().unwrap_or_default();
    let finding = Finding::new(
        "provider_retired",
        format!("The connection is to {name}, whose API was turned off on {day}."),
        "No data comes from it any more, whatever the user does.",
        instead,
    );
    Some(finding.with_link(INTEGRATIONS))
}

/// The account has no data, or only old data.
pub fn wrong_account(case: &Case) -> Option<Finding> {
    case.active()?;
    let provider = case.provider();
    let id = case.provider_user_id.as_deref();
    let seen = no_data(case).or_else(|| old_data(case)).or_else(|| diary_silent(case))?;
    let by_email = provider.label == "MyFitnessPal" && id.is_some_and(|id| id.contains('@'));
    let (seen, means) = match by_email {
        true => (
            format!("{seen} The account is named by an email."),
            "MyFitnessPal knows accounts by username: the user typed their email in its place.",
        ),
        false => (
            seen,
            "The most frequent cause: the user logged in to another account than the one their device fills, with \
             little, old or no data.",
        ),
    };
    let Some(account) = provider.account else {
        let next = "Ask the user which account (email) they connected, and to see in the provider's web dashboard that \
                    it has the data. If not, have them connect the right one.";
        return Some(Finding::new("wrong_account", seen, means, next).with_link(TROUBLESHOOTING));
    };
    let next = match id {
        Some(id) if by_email => format!(
            "Have the user log in again with the username in place of {id}, as the login screen's how-to says. The link \
             shows that the username is invalid."
        ),
        Some(id) => format!("The account that was connected is {id}. {}", account.steps),
        None => format!(
            "Ask Terra for the athlete (GET /athlete?user_id=…), whose provider_user_id is the account.{} {}",
            account
                .page
                .map(|(before, after)| format!(" Its page is {before}{{provider_user_id}}{after}."))
                .unwrap_or_default(),
            account.steps
        ),
    };
    let finding = Finding::new("wrong_account", seen, means, next);
    Some(match id.and_then(|id| provider.account_page(id)) {
        Some(page) => finding.with_link(page),
        None => finding.with_link(TROUBLESHOOTING),
    })
}

/// Nothing but the athlete came since the user connected, for longer than a first sync takes.
fn no_data(case: &Case) -> Option<String> {
    let connected = case.connected_at()?;
    let patience = if case.provider().account.is_some() { HOUR } else { DAY };
    let data = case.types.iter().any(|(data_type, known)| is_measured(*data_type) && known.brought);
    let waited = case.now.saturating_sub(connected) > patience;
    (waited && !data).then(|| format!("The user connected at {}, and no data has come since.", instant(connected)))
}

/// The latest record is of long before the user connected.
fn old_data(case: &Case) -> Option<String> {
    let connected = case.connected_at().filter(|connected| case.now.saturating_sub(*connected) > HOUR)?;
    let starts = case.types.values().filter_map(|known| known.latest_start.as_deref()).filter_map(day_of);
    let latest = starts.max()?;
    let day = day_of(&instant(connected))?;
    let age = day.since(latest).ok()?.get_days();
    (age > OLD_DAYS).then(|| format!("The latest record is of {latest}, {age} days before the user connected."))
}

/// MyFitnessPal's diary can be closed at any time, which looks the same from here.
fn diary_silent(case: &Case) -> Option<String> {
    let last = case.last_data().filter(|_| case.provider().label == "MyFitnessPal" && case.is_silent())?;
    Some(format!("Nothing has come since {}.", instant(last)))
}

fn day_of(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

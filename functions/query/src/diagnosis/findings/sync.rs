//! Data that has not got from the device to Terra.

use super::Finding;
use crate::diagnosis::case::{Case, HOUR, silent_after_ms, span};
use crate::diagnosis::providers::Way;
use crate::times::instant;
use terrace_terra::DataType;

/// Nothing is said before nothing has come for this long: people sleep, and devices wait for a phone.
const QUIET: u64 = 3 * HOUR;
/// A phone may be locked for a night.
const PHONE_QUIET: u64 = 12 * HOUR;
/// The types that come by themselves where a device is worn: of others it says nothing that none comes.
const STEADY: [DataType; 2] = [DataType::Daily, DataType::Sleep];

/// Apple Health: iOS does not let the app work in the background.
pub fn apple_background_delivery(case: &Case) -> Option<Finding> {
    let seen = phone_is_quiet(case, Way::Apple)?;
    let finding = Finding::new(
        "apple_background_delivery",
        seen,
        "Apple Health has no server to ask: the SDK in your app sends, when iOS lets it. iOS does so only while the phone \
         is unlocked and online, and seldom where the app was killed.",
        "Test first: in Terra's dashboard, Tools > Debug > Users, request a backfill for this user_id (needs TerraiOS \
         1.6.12 or newer). If data comes, background delivery is at fault: have the user turn Low Power Mode off \
         (Settings > Battery), turn Background App Refresh on for your app (Settings > General), and not force-quit it; \
         see that the app has HealthKit's Background Delivery, calls setUpBackgroundDelivery() in didFinishLaunching, and \
         lists co.tryterra.data.post.request among its permitted background tasks. If no data comes, see that the user \
         granted the types in Apple Health.",
    );
    Some(finding.with_link(case.provider().page))
}

/// Health Connect: Android does not let the app work in the background.
pub fn health_connect_background(case: &Case) -> Option<Finding> {
    let seen = phone_is_quiet(case, Way::Android)?;
    let finding = Finding::new(
        "health_connect_background",
        seen,
        "The SDK in your app sends, at most every 8 hours for each type, and only after the app was opened again; the \
         first time at least 8 hours after connecting. Battery savers, Samsung's above all, kill it silently.",
        "Have the user set both your app and Health Connect to unrestricted battery use, and open your app. Only the 30 \
         days before the permission was granted can be read.",
    );
    Some(finding.with_link(case.provider().page))
}

/// Data used to come, and for longer than usual none has.
pub fn silent(case: &Case) -> Option<Finding> {
    case.active()?;
    let whole = case.is_silent().then(|| {
        let last = case.last_data().map(instant).unwrap_or_default();
        let what = case.asked.map_or("data", DataType::name);
        let usual =
            case.usual_ms().map_or_else(String::new, |usual| format!("; usually some comes every {}", span(usual)));
        format!("No {what} has come since {last}, {} ago{usual}.", span(case.quiet_ms().unwrap_or(0)))
    });
    let seen = whole.or_else(|| silent_types(case).filter(|_| case.asked.is_none()))?;
    let finding = Finding::new(
        "silent",
        seen,
        "The device is not worn, charged or synced, the user moved to another account, or Terra cannot reach this \
         destination any more.",
        format!(
            "{} If other users are silent too, look at Terra's payload history and at the metrics SignatureMismatch and \
             DeliveriesUnavailable: after 24 hours of failures Terra turns a destination off.",
            case.provider().sync
        ),
    );
    Some(finding.with_link(case.provider().page))
}

/// Nothing has come for a while, which may be no more than a sync that is due.
pub fn not_synced_yet(case: &Case) -> Option<Finding> {
    case.active()?;
    let provider = case.provider();
    let quiet = case.quiet_ms().filter(|_| provider.way == Way::Cloud && !case.is_silent())?;
    let seen = match (case.last_data(), case.asked) {
        (Some(last), _) => {
            let due = QUIET.max(provider.delay_ms).max(case.usual_ms().unwrap_or(0).saturating_mul(2));
            if quiet <= due {
                return None;
            }
            format!("The last data came at {}, {} ago.", instant(last), span(quiet))
        }
        (None, Some(_)) if !case.types.is_empty() => return None,
        (None, _) => format!("The user connected {} ago, and no data has come yet.", span(quiet)),
    };
    let finding = Finding::new(
        "not_synced_yet",
        seen,
        format!(
            "Data goes from the device to {0}'s app, from there to {0}'s cloud, and only then to Terra, which may take {1} \
             more.",
            provider.label,
            span(provider.delay_ms)
        ),
        format!("Wait a little. {}", provider.sync),
    );
    Some(finding.with_link(provider.page))
}

fn phone_is_quiet(case: &Case, way: Way) -> Option<String> {
    case.active().filter(|_| case.provider().way == way)?;
    let quiet = case.quiet_ms()?;
    match case.last_data() {
        Some(last) => (quiet > PHONE_QUIET.max(case.usual_ms().unwrap_or(0).saturating_mul(2)))
            .then(|| format!("The last data came at {}, {} ago.", instant(last), span(quiet))),
        None => (quiet > HOUR.max(case.provider().delay_ms))
            .then(|| format!("The user connected {} ago, and no data has come.", span(quiet))),
    }
}

fn silent_types(case: &Case) -> Option<String> {
    let types = STEADY.into_iter().filter_map(|data_type| {
        let known = case.types.get(&data_type)?;
        let (last, usual) = (known.last_delivery?, known.usual_ms()?);
        let quiet = case.now.saturating_sub(last);
        (quiet > silent_after_ms(Some(usual)))
            .then(|| format!("no {data_type} since {} (usually every {})", instant(last), span(usual)))
    });
    let types: Vec<String> = types.collect();
    (!types.is_empty()).then(|| format!("Data comes, but {}.", types.join(", and ")))
}

//! What is known of providers, each with the page of Terra's that says so.

use terrace_terra::DataType;

/// Terra's page of what goes wrong most often.
pub const TROUBLESHOOTING: &str = "https://docs.tryterra.co/unified-api/debugging-faq";
/// Terra's list of providers and how each of them syncs.
pub const INTEGRATIONS: &str = "https://docs.tryterra.co/unified-api/supported-integrations";

const MINUTE: u64 = 60 * 1_000;

/// How a provider's data gets to Terra.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the provider's cloud.
    Cloud,
    /// From HealthKit on the phone, through the SDK.
    Apple,
    /// From Health Connect or Samsung Health on the phone, through the SDK.
    Android,
}

/// How to see which account a user logged in to.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// The page of an account, before and after the provider's id of it; none where only the app shows it.
    pub page: Option<(&'static str, &'static str)>,
    /// What to do there.
    pub steps: &'static str,
}

/// What is known of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// What Terra calls it.
    pub names: &'static [&'static str],
    /// What people call it.
    pub label: &'static str,
    /// How its data gets to Terra.
    pub way: Way,
    /// How long the provider may take from its cloud to Terra, in milliseconds.
    pub delay_ms: u64,
    /// How to make it sync.
    pub sync: &'static str,
    /// How to see which account it is.
    pub account: Option<Account>,
    /// Which words in a permission grant which type.
    pub scopes: &'static [(DataType, &'static [&'static str])],
    /// What it has none of.
    pub never: &'static [DataType],
    /// When it ended: the day as people write it, and its beginning in milliseconds since 1970; and what takes its
    /// place.
    pub retired: Option<(&'static str, u64, &'static str)>,
    /// Where this is from.
    pub page: &'static str,
}

/// What holds for providers of which nothing else is known. Terra asks most of them every 15 minutes.
///
/// Terra page: Unified API, "Supported integrations".
const ANY: Provider = Provider {
    names: &[],
    label: "the provider",
    way: Way::Cloud,
    delay_ms: 15 * MINUTE,
    sync: "Have the user open the provider's app and pull down to sync, then look whether the data shows in the \
           provider's web dashboard: Terra sees only what is in the provider's cloud.",
    account: None,
    scopes: &[],
    never: &[],
    retired: None,
    page: TROUBLESHOOTING,
};

/// Terra pages: "Receive data updates", "Troubleshooting", "Supported integrations"; of the phones, "How reliable is iOS
/// background data delivery?" and "Why isn't Health Connect background sync firing?".
const PROVIDERS: &[Provider] = &[
    Provider {
        names: &["GARMIN"],
        label: "Garmin",
        delay_ms: 2 * MINUTE,
        sync: "Look whether the data shows in the Garmin Connect web dashboard. If not, have the user pull down in the \
               Garmin Connect app and tap the circle arrows until everything is refreshed. If it shows there and is not \
               here 2 minutes later, ask Terra's support.",
        scopes: &[
            (DataType::Activity, &["activity_export"]),
            (DataType::Body, &["health_export", "body_export"]),
            (DataType::Daily, &["health_export"]),
            (DataType::Sleep, &["health_export"]),
            (DataType::PlannedWorkout, &["workout_import"]),
        ],
        ..ANY
    },
    Provider {
        names: &["GOOGLE", "GOOGLEFIT"],
        label: "Google Fit",
        delay_ms: 60 * MINUTE,
        sync: "Have the user open Google Fit, see that it shows the data, and pull down from the top to sync. Google's API \
               may then take 30 to 60 minutes. Background app refresh has to be on for Google Fit.",
        scopes: &[
            (DataType::Activity, &["fitness.activity"]),
            (DataType::Body, &["fitness.body"]),
            (DataType::Daily, &["fitness.activity"]),
            (DataType::Nutrition, &["fitness.nutrition"]),
            (DataType::Sleep, &["fitness.sleep"]),
        ],
        ..ANY
    },
    Provider {
        names: &["FITBIT"],
        label: "Fitbit",
        account: Some(Account {
            page: None,
            steps: "Have the user open the newest Fitbit app, tap the avatar, then the display name, then Personal: the \
                    user id is at the bottom.",
        }),
        scopes: &[
            (DataType::Activity, &["activity"]),
            (DataType::Body, &["weight"]),
            (DataType::Daily, &["activity"]),
            (DataType::Nutrition, &["nutrition"]),
            (DataType::Sleep, &["sleep"]),
        ],
        retired: Some((
            "2 November 2026",
            1_793_577_600_000,
            "Have the user connect Google Health (GOOGLE_HEALTH) in its place; it is a new connection with a new user_id.",
        )),
        ..ANY
    },
    Provider {
        names: &["FREESTYLELIBRE"],
        label: "FreeStyle Libre",
        account: Some(Account {
            page: Some(("https://www.libreview.com/patient/", "/profile")),
            steps: "Open the link, which works where the user is linked to your LibreView practice: it shows the account's \
                    email and name, and under \"Glucose History\" what data it has. Show the user a screenshot, so that \
                    they find the account they use. In Germany, Austria and France LibreView asks for proof of a medical \
                    practice.",
        }),
        never: &[DataType::Sleep, DataType::Menstruation, DataType::PlannedWorkout],
        ..ANY
    },
    Provider {
        names: &["MYFITNESSPAL"],
        label: "MyFitnessPal",
        account: Some(Account {
            page: Some(("https://www.myfitnesspal.com/food/diary/", "")),
            steps: "Open the link. A page that says the username is invalid means the user typed something else, often \
                    their email: have them log in again as the login screen's how-to says. A page that says the diary is \
                    not shared means that sharing is off: have them turn diary sharing on again with the same password as \
                    when they connected, or connect again after turning it on.",
        }),
        never: &[DataType::Sleep, DataType::Menstruation],
        ..ANY
    },
    Provider {
        names: &["APPLE"],
        label: "Apple Health",
        way: Way::Apple,
        sync: "Have the user open your app, which syncs at once.",
        scopes: &[
            (DataType::Activity, &["workout_type"]),
            (DataType::Body, &["bmi", "heart_rate"]),
            (DataType::Daily, &["steps"]),
            (DataType::Nutrition, &["nutrition_calories"]),
            (DataType::Sleep, &["sleep_analysis"]),
        ],
        page: "https://docs.tryterra.co/help-center/help-topics/data-api-sdk/webhooks-dedup-and-sync-reliability/\
               ios-background-delivery-reliability-setup",
        ..ANY
    },
    Provider {
        names: &["HEALTH_CONNECT", "HEALTHCONNECT", "SAMSUNG"],
        label: "Health Connect",
        way: Way::Android,
        delay_ms: 8 * 60 * MINUTE,
        sync: "Have the user open your app, at least 8 hours after they connected.",
        page: "https://docs.tryterra.co/faq/help-topics/data-api-sdk/mobile-sdk-setup-permissions-and-crashes/\
               health-connect-background-sync-not-firing",
        ..ANY
    },
];

impl Provider {
    /// What is known of the provider of this name.
    pub fn of(name: Option<&str>) -> &'static Self {
        let known = name.and_then(|name| {
            PROVIDERS.iter().find(|provider| provider.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        });
        known.unwrap_or(&ANY)
    }

    /// Whether these permissions grant a type; `None` where this provider's words are not known.
    pub fn grants(&self, scopes: &[String], data_type: DataType) -> Option<bool> {
        let has = |words: &[&str]| {
            scopes.iter().any(|scope| words.iter().any(|word| scope.to_ascii_lowercase().contains(word)))
        };
        let understood = scopes.is_empty() || self.scopes.iter().any(|(_, words)| has(words));
        let (_, words) = self.scopes.iter().find(|(known, _)| *known == data_type).filter(|_| understood)?;
        Some(has(words))
    }

    /// The page of an account. `None` where there is none, or where the id is not one that an address can carry.
    pub fn account_page(&self, id: &str) -> Option<String> {
        let (before, after) = self.account.and_then(|account| account.page)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte);
        (!id.is_empty() && id.bytes().all(plain)).then(|| format!("{before}{id}{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_judged_where_their_words_are_known() {
        let scopes = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let garmin = Provider::of(Some("garmin"));
        assert_eq!(garmin.grants(&scopes("ACTIVITY_EXPORT"), DataType::Sleep), Some(false));
        assert_eq!(garmin.grants(&scopes("ACTIVITY_EXPORT,HEALTH_EXPORT"), DataType::Sleep), Some(true));
        assert_eq!(garmin.grants(&[], DataType::Sleep), Some(false));
        assert_eq!(garmin.grants(&scopes("all"), DataType::Sleep), None);
        assert_eq!(Provider::of(Some("OURA")).grants(&[], DataType::Sleep), None);
        assert_eq!(Provider::of(None).label, "the provider");
    }

    #[test]
    fn an_id_that_an_address_cannot_carry_makes_no_link() {
        let libre = Provider::of(Some("FREESTYLELIBRE"));
        assert_eq!(libre.account_page("a-1").unwrap(), "https://www.libreview.com/patient/a-1/profile");
        for odd in ["", "../x", "a b", "a?b", "ü"] {
            assert_eq!(libre.account_page(odd), None);
        }
        assert_eq!(Provider::of(Some("FITBIT")).account_page("A1"), None);
    }

    #[test]
    fn the_day_of_an_end_is_the_one_that_is_written() {
        for provider in PROVIDERS {
            let Some((written, ms, _)) = provider.retired else { continue };
            assert_eq!((written, crate::times::instant(ms).as_str()), ("2 November 2026", "2026-11-02T00:00:00.000Z"));
        }
    }
}

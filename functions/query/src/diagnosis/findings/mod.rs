//! The rules: each looks at a case and finds one thing, or nothing. The order of the table is the order of the answer,
//! most likely first.

mod account;
mod failing;
mod life;
mod scopes;
mod sync;
mod terra;

pub use self::life::unknown_reference;
use crate::diagnosis::case::Case;
use serde::Serialize;
use std::borrow::Cow;

/// Something that explains missing data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is called, for programs.
    pub code: &'static str,
    /// What was seen.
    pub seen: String,
    /// What that means.
    pub means: Cow<'static, str>,
    /// What to do next.
    pub next_step: Cow<'static, str>,
    /// A page that helps.
    pub link: Option<Cow<'static, str>>,
}

impl Finding {
    fn new(
        code: &'static str,
        seen: impl Into<String>,
        means: impl Into<Cow<'static, str>>,
        next_step: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, seen: seen.into(), means: means.into(), next_step: next_step.into(), link: None }
    }

    fn with_link(mut self, link: impl Into<Cow<'static, str>>) -> Self {
        self.link = Some(link.into());
        self
    }
}

/// A rule.
type Rule = fn(&Case) -> Option<Finding>;

/// Every rule: first what ends a connection for certain, then what keeps deliveries from arriving or being applied,
/// then what keeps them from being sent.
const RULES: &[Rule] = &[
    life::erased,
    life::replaced,
    terra::known_to_terra_alone,
    life::never_connected,
    life::revoked,
    life::connection_error,
    terra::terra_says_active,
    terra::terra_says_inactive,
    terra::terra_does_not_know,
    failing::signature_failures,
    failing::retry_window_closing,
    terra::sent_but_never_came,
    failing::job_failed,
    failing::damaged,
    failing::ping_lost,
    failing::quarantined,
    failing::large_request_unfinished,
    scopes::type_not_delivered,
    scopes::scope_missing,
    account::provider_retired,
    account::wrong_account,
    sync::apple_background_delivery,
    sync::health_connect_background,
    terra::terra_has_newer_data,
    sync::silent,
    sync::not_synced_yet,
    failing::ping_lost_before,
    failing::quarantined_before,
    failing::damaged_before,
    terra::other_reference,
    terra::other_scopes,
    scopes::type_never_came,
];

/// What explains missing data, most likely first.
pub fn findings(case: &Case) -> Vec<Finding> {
    RULES.iter().filter_map(|rule| rule(case)).collect()
}

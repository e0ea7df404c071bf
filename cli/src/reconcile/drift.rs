//! How Terra's view of a connection and ours differ, and which missed event would explain it. Pure.

use crate::reconcile::ours::Ours;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use terrace_terra_api::TerraUser;

/// How long Terra may take to deliver what it holds. What is of later than that is on its way, or is the end of a day that
/// is not over.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(30);

/// What Terra says of a user, and who it is.
#[derive(Debug, Clone)]
pub struct Theirs {
    /// Terra's `user_id`.
    pub user_id: String,
    /// What Terra says; nothing where it knows no such user.
    pub user: Option<TerraUser>,
    /// Whether the user was asked for by name.
    pub named: bool,
}

/// How two views differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Active at Terra, never heard of here.
    UnknownHere,
    /// Active at Terra, ended here.
    RevokedHere,
    /// Active at Terra, erased here.
    ErasedHere,
    /// Active at Terra, gone on under another id here.
    ReplacedHere,
    /// Inactive at Terra, live here.
    InactiveThere,
    /// Unknown to Terra, live here.
    UnknownThere,
    /// Another reference.
    OtherReference,
    /// Other permissions.
    OtherScopes,
    /// Terra has data of later than the last delivery.
    NewerData,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnknownHere => "unknown here",
            Self::RevokedHere => "revoked here",
            Self::ErasedHere => "erased here",
            Self::ReplacedHere => "replaced here",
            Self::InactiveThere => "inactive at Terra",
            Self::UnknownThere => "unknown to Terra",
            Self::OtherReference => "other reference",
            Self::OtherScopes => "other scopes",
            Self::NewerData => "newer data at Terra",
        }
    }

    /// The event that was missed, where one would explain it.
    pub fn missed(self) -> Option<Missed> {
        match self {
            Self::UnknownHere | Self::RevokedHere | Self::ErasedHere => Some(Missed::Auth),
            Self::InactiveThere | Self::UnknownThere => Some(Missed::Deauth),
            Self::OtherReference | Self::OtherScopes => Some(Missed::PermissionChange),
            Self::ReplacedHere | Self::NewerData => None,
        }
    }
}

/// The event that was missed. What an earlier one of these says, a later one says too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The permissions or the reference changed.
    PermissionChange,
    /// The connection was made.
    Auth,
    /// It was ended.
    Deauth,
}

impl Missed {
    /// The event's type.
    pub fn name(self) -> &'static str {
        match self {
            Self::PermissionChange => "permission_change",
            Self::Auth => "auth",
            Self::Deauth => "deauth",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Which.
    pub kind: Kind,
    /// What Terra says.
    pub terra: String,
    /// What Terrace says.
    pub here: String,
    /// Why no event mends it, where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_event: Option<&'static str>,
}

impl Drift {
    fn new(kind: Kind, terra: impl Into<String>, here: impl Into<String>) -> Self {
        let no_event = match kind {
            Kind::ReplacedHere => Some(
                "a user_reauth named another id in its place; if this one is right, deauthenticate the other at Terra and let the user connect again",
            ),
            Kind::NewerData => Some("ask for it with `terrace backfill`"),
            _ => None,
        };
        Self { kind, terra: terra.into(), here: here.into(), no_event }
    }

    /// The event that would mend it.
    pub fn missed(&self) -> Option<Missed> {
        self.kind.missed().filter(|_| self.no_event.is_none())
    }
}

/// Compares the two views of one user, as of a moment.
pub fn compare(theirs: &Theirs, ours: Option<&Ours>, as_of: Timestamp) -> Vec<Drift> {
    let here = ours.map_or("unknown", |ours| ours.status.as_str());
    let Some(terra) = &theirs.user else {
        let live = ours.is_some_and(Ours::is_live);
        return if live { vec![Drift::new(Kind::UnknownThere, "unknown", here)] } else { Vec::new() };
    };
    // Where Terra does not say, it is taken for what the list of users is of: connections.
    let active = terra.active.unwrap_or(true);
    let kind = match (active, ours.map(|ours| ours.status.as_str())) {
        (true, None) => Kind::UnknownHere,
        (true, Some("revoked")) => Kind::RevokedHere,
        (true, Some("erased")) => Kind::ErasedHere,
        (true, Some("replaced")) => Kind::ReplacedHere,
        (false, Some("active" | "error")) => Kind::InactiveThere,
        (true, Some(_)) => return ours.map(|ours| details(terra, ours, as_of)).unwrap_or_default(),
        (false, _) => return Vec::new(),
    };
    vec![Drift::new(kind, if active { "active" } else { "inactive" }, here)]
}

/// What may differ of a connection that is live in both views.
fn details(terra: &TerraUser, ours: &Ours, as_of: Timestamp) -> Vec<Drift> {
    let mut drifts = Vec::new();
    if terra.reference_id != ours.reference_id {
        let shown = |reference: &Option<String>| reference.clone().unwrap_or_else(|| "none".to_owned());
        let mut drift = Drift::new(Kind::OtherReference, shown(&terra.reference_id), shown(&ours.reference_id));
        if terra.reference_id.is_none() {
            drift.no_event = Some("an event without a reference takes none away");
        }
        drifts.push(drift);
    }
    if let Some(scopes) = terra.scopes.as_ref().map(|scopes| scopes.names()).filter(|names| *names != ours.scopes) {
        drifts.push(Drift::new(Kind::OtherScopes, scopes.join(","), ours.scopes.join(",")));
    }
    let is_missed = |newest: &Timestamp| {
        as_of.duration_since(*newest) > ON_ITS_WAY && ours.last().is_none_or(|last| *newest > last)
    };
    if let Some(newest) = terra.most_recent_data_at.filter(is_missed) {
        let last = ours.last().map_or_else(|| "no delivery".to_owned(), |last| format!("last delivery {last:.0}"));
        drifts.push(Drift::new(Kind::NewerData, format!("{newest:.0}"), last));
    }
    drifts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The kinds of drift between a user at Terra and one here, at noon.
    fn kinds(terra: Option<serde_json::Value>, here: Option<serde_json::Value>) -> Vec<Kind> {
        let member = |mut value: serde_json::Value| {
            value["user_id"] = json!("u");
            value
        };
        let user = terra.map(|terra| TerraUser::from_json(&member(terra)).unwrap());
        let ours: Option<Ours> = here.map(|here| serde_json::from_value(member(here)).unwrap());
        let theirs = Theirs { user_id: "u".to_owned(), user, named: false };
        let noon = "2026-07-01T12:00:00Z".parse().unwrap();
        compare(&theirs, ours.as_ref(), noon).into_iter().map(|drift| drift.kind).collect()
    }

    #[test]
    fn every_pair_of_states_is_told() {
        use Kind::{ErasedHere, InactiveThere, ReplacedHere, RevokedHere, UnknownHere, UnknownThere};
        let table = [
            (None, [vec![], vec![UnknownThere], vec![UnknownThere], vec![], vec![], vec![]]),
            (Some(false), [vec![], vec![InactiveThere], vec![InactiveThere], vec![], vec![], vec![]]),
            (Some(true), [vec![UnknownHere], vec![], vec![], vec![RevokedHere], vec![ReplacedHere], vec![ErasedHere]]),
        ];
        for (active, expected) in table {
            let here = [None, Some("active"), Some("error"), Some("revoked"), Some("replaced"), Some("erased")];
            for (status, expected) in here.into_iter().zip(expected) {
                let terra = active.map(|active| json!({"active": active}));
                let found = kinds(terra, status.map(|status| json!({"status": status})));
                assert_eq!(found, expected, "{active:?} there, {status:?} here");
            }
        }
        assert_eq!(kinds(Some(json!({"active": null})), None), [UnknownHere], "Terra does not always say");
    }

    #[test]
    fn what_terra_does_not_say_is_no_drift() {
        let here = json!({"status": "active", "reference_id": "r", "scopes": ["A", "B"],
            "last_delivery": {"daily": "2026-07-01T10:00:00.000Z", "sleep": "2026-06-30T10:00:00.000Z"}});
        let found = |terra| kinds(Some(terra), Some(here.clone()));
        assert_eq!(found(json!({"reference_id": "r", "scopes": "B,A"})), []);
        assert_eq!(found(json!({"reference_id": "r", "scopes": null})), []);
        assert_eq!(found(json!({"reference_id": "other", "scopes": "A"})), [Kind::OtherReference, Kind::OtherScopes]);
        let newest = |moment: &str| found(json!({"reference_id": "r", "most_recent_data_at": moment}));
        assert_eq!(newest("2026-07-01T11:00:00Z"), [Kind::NewerData]);
        assert_eq!(newest("2026-07-01T10:00:00Z"), []);
        assert_eq!(newest("2026-07-01T11:45:00Z"), [], "it may be on its way");
        assert_eq!(newest("2026-07-02T00:00:00Z"), [], "the end of today");
    }

    #[test]
    fn a_reference_that_terra_does_not_have_is_told_and_no_event_sent() {
        let theirs =
            Theirs { user_id: "u".to_owned(), user: TerraUser::from_json(&json!({"user_id": "u"})), named: false };
        let ours = Ours { status: "active".to_owned(), reference_id: Some("r".to_owned()), ..Ours::default() };
        let drifts = compare(&theirs, Some(&ours), Timestamp::UNIX_EPOCH);
        assert_eq!(
            drifts.iter().map(|drift| (drift.kind, drift.missed())).collect::<Vec<_>>(),
            [(Kind::OtherReference, None)]
        );
    }
}

//! How Terra's view of a connection and ours differ, and which missed event would explain it. Pure.

use crate::reconcile::ours::Ours;
use serde::Serialize;
use terrace_terra_api::TerraUser;

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

/// Compares the two views of one user.
pub fn compare(theirs: &Theirs, ours: Option<&Ours>) -> Vec<Drift> {
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
        (true, Some(_)) => return ours.map(|ours| details(terra, ours)).unwrap_or_default(),
        (false, _) => return Vec::new(),
    };
    vec![Drift::new(kind, if active { "active" } else { "inactive" }, here)]
}

/// What may differ of a connection that is live in both views.
fn details(terra: &TerraUser, ours: &Ours) -> Vec<Drift> {
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
    if let Some(newest) = terra.most_recent_data_at.filter(|newest| ours.last().is_none_or(|last| *newest > last)) {
        let last = ours.last().map_or_else(|| "no delivery".to_owned(), |last| format!("last delivery {last:.0}"));
        drifts.push(Drift::new(Kind::NewerData, format!("{newest:.0}"), last));
    }
    drifts
}

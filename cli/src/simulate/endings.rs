//! What becomes of connections that keep their id.

use crate::simulate::draft::{Content, Whom};
use crate::simulate::json::{Json, text};
use crate::simulate::life::Life;
use crate::simulate::notices::{auth, warning};

/// The scope that a change of permissions adds.
pub const ADDED_SCOPE: &str = "BODY_EXPORT";

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It is given a further scope, half-way.
    Widened,
    /// The provider refuses for a while; data comes again.
    Recovered,
    /// The provider refuses in the end.
    Broken,
    /// The user removes it in the end.
    Deauthenticated,
    /// The user removes it half-way and makes it again, under the same id.
    Returned,
    /// Access is revoked in the end.
    Revoked,
    /// Access is revoked half-way; data that was under way comes all the same.
    RevokedAhead,
    /// Access is revoked and given again.
    Restored,
    /// Data came before the event that announces the connection.
    AnnouncedLate,
    /// Nothing.
    Quiet,
}

impl Ending {
    /// All of them. People take them in turn.
    pub const ALL: [Self; 10] = [
        Self::Widened,
        Self::Revoked,
        Self::Deauthenticated,
        Self::RevokedAhead,
        Self::Restored,
        Self::Recovered,
        Self::Broken,
        Self::Returned,
        Self::AnnouncedLate,
        Self::Quiet,
    ];

    /// Drafts how the connection is made, and what becomes of it. Its data ends at `ends`.
    pub fn draft(self, life: &mut Life<'_>, ends: u32) {
        let (half, last) = (ends / 2, ends + 3_000);
        auth(life, if self == Self::AnnouncedLate { ends / 4 } else { 0 });
        match self {
            Self::Widened => {
                let mut members = warning("User permissions have been modified");
                members.push(("scopes_added", text(ADDED_SCOPE)));
                members.push(("scopes_removed", text("")));
                life.add(half, "permission_change", Content::Notice(members, Whom::User));
            }
            Self::Recovered => connection_error(life, half),
            Self::Broken => connection_error(life, last),
            Self::Deauthenticated => deauth(life, last),
            Self::Returned => {
                deauth(life, half);
                auth(life, half + 400);
            }
            Self::Revoked => access_revoked(life, last),
            Self::RevokedAhead => access_revoked(life, half),
            Self::Restored => {
                access_revoked(life, last);
                auth(life, last + 100);
            }
            Self::AnnouncedLate | Self::Quiet => {}
        }
    }
}

fn connection_error(life: &mut Life<'_>, minute: u32) {
    let members = warning("Connection degraded: the provider rejected Terra's access token");
    life.add(minute, "connection_error", Content::Notice(members, Whom::User));
}

fn access_revoked(life: &mut Life<'_>, minute: u32) {
    life.add(minute, "access_revoked", Content::Notice(warning("User revoked access"), Whom::FormerUser));
}

fn deauth(life: &mut Life<'_>, minute: u32) {
    let members: Vec<(&str, Json)> = vec![("status", text("success")), ("message", text("User has deauthenticated"))];
    life.add(minute, "deauth", Content::Notice(members, Whom::FormerUser));
}

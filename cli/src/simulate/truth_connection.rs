//! The truth about one connection: all that was ever said of it, and what that comes to.

use crate::simulate::json::Json;
use std::collections::BTreeMap;

/// Something an event says about a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Where the data comes from.
    Provider(String),
    /// Whose it is.
    Reference(String),
    /// What is granted, sorted.
    Scopes(Vec<String>),
    /// It was made.
    Auth,
    /// Data came.
    Data(&'static str),
    /// It was removed.
    Revoked,
    /// The provider refuses.
    Error,
    /// It goes on under another id.
    Replaced(String),
    /// It goes on for another id.
    Renewed(Option<String>),
}

/// A connection that has to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedConnection {
    /// Where the data comes from.
    pub provider: Option<String>,
    /// Whose it is.
    pub reference_id: Option<String>,
    /// `active`, `error`, `revoked` or `replaced`.
    pub status: &'static str,
    /// What is granted, sorted.
    pub scopes: Vec<String>,
    /// When data last came, by type, in milliseconds since 1970.
    pub last_delivery: BTreeMap<String, u64>,
    /// The id it goes on under.
    pub replaced_by: Option<String>,
    /// The ids it goes on for, sorted.
    pub replaces: Vec<String>,
}

/// All facts about a connection, with their times in milliseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Facts(Vec<(u64, Fact)>);

impl Fact {
    /// What an event says, and about whom.
    pub fn read(event: &Json, name: &str) -> Vec<(String, Self)> {
        let user = if name == "user_reauth" { event.get("new_user") } else { event.get("user") };
        let id =
            |user: Option<&Json>| user.and_then(|user| user.get("user_id")).and_then(Json::as_text).map(str::to_owned);
        let Some(user_id) = id(user) else { return Vec::new() };
        let status = event.get("status").and_then(Json::as_text);
        let mut facts = match name {
            "auth" if status == Some("error") => return Vec::new(),
            "auth" => vec![Self::Auth],
            "deauth" | "access_revoked" => vec![Self::Revoked],
            "connection_error" => vec![Self::Error],
            "permission_change" => Vec::new(),
            "user_reauth" => vec![Self::Renewed(id(event.get("old_user")))],
            _ => match DATA.into_iter().find(|known| *known == name) {
                Some(data_type) => vec![Self::Data(data_type)],
                None => return Vec::new(),
            },
        };
        let field = |field: &str| user.and_then(|user| user.get(field)).and_then(Json::as_text).map(str::to_owned);
        facts.extend(field("provider").map(Self::Provider));
        facts.extend(field("reference_id").map(Self::Reference));
        if let Some(Json::Text(list)) = user.and_then(|user| user.get("scopes")) {
            let mut scopes: Vec<_> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            scopes.sort_unstable();
            facts.push(Self::Scopes(scopes.into_iter().map(str::to_owned).collect()));
        }
        let mut told: Vec<_> = facts.into_iter().map(|fact| (user_id.clone(), fact)).collect();
        if name == "user_reauth" {
            told.extend(id(event.get("old_user")).map(|old| (old, Self::Replaced(user_id))));
        }
        told
    }
}

const DATA: [&str; 10] = [
    "activity",
    "athlete",
    "body",
    "daily",
    "health_observation",
    "hormone",
    "menstruation",
    "nutrition",
    "planned_workout",
    "sleep",
];

impl Facts {
    /// Adds what was said at a time.
    pub fn add(&mut self, time_ms: u64, fact: Fact) {
        self.0.push((time_ms, fact));
    }

    /// The latest of the facts that `pick` picks; of several at one time, the greatest.
    fn latest<T: Ord>(&self, pick: impl Fn(&Fact) -> Option<T>) -> Option<(u64, T)> {
        self.0.iter().filter_map(|(time, fact)| pick(fact).map(|value| (*time, value))).max()
    }

    fn time(&self, is: impl Fn(&Fact) -> bool) -> Option<u64> {
        self.latest(|fact| is(fact).then_some(())).map(|(time, ())| time)
    }

    /// What has to be read; `None` where nothing is known.
    pub fn connection(&self) -> Option<ExpectedConnection> {
        if self.0.is_empty() {
            return None;
        }
        let auth = self.time(|fact| *fact == Fact::Auth);
        let data = self.time(|fact| matches!(fact, Fact::Data(_)));
        let renewed = self.time(|fact| matches!(fact, Fact::Renewed(_)));
        let replaced = self.latest(|fact| if let Fact::Replaced(by) = fact { Some(by.clone()) } else { None });
        // A mark stands until something greater lifts it; `None` is less than every time.
        let stands = |mark: Option<u64>, lifted: Option<u64>| mark.is_some() && mark >= lifted;
        let status = if stands(replaced.as_ref().map(|(time, _)| *time), renewed) {
            "replaced"
        } else if stands(self.time(|fact| *fact == Fact::Revoked), auth) {
            "revoked"
        } else if stands(self.time(|fact| *fact == Fact::Error), auth.max(data)) {
            "error"
        } else {
            "active"
        };
        let mut last_delivery = BTreeMap::new();
        let mut replaces = Vec::new();
        for (time, fact) in &self.0 {
            match fact {
                Fact::Data(data_type) => {
                    let last: &mut u64 = last_delivery.entry((*data_type).to_owned()).or_default();
                    *last = (*last).max(*time);
                }
                Fact::Renewed(Some(old)) => replaces.push(old.clone()),
                _ => {}
            }
        }
        replaces.sort();
        replaces.dedup();
        let value = |latest: Option<(u64, String)>| latest.map(|(_, value)| value);
        let scopes = self.latest(|fact| match fact {
            // Lists compare as they are written.
            Fact::Scopes(scopes) => Some((format!("{scopes:?}"), scopes.clone())),
            _ => None,
        });
        Some(ExpectedConnection {
            provider: value(
                self.latest(|fact| if let Fact::Provider(name) = fact { Some(name.clone()) } else { None }),
            ),
            reference_id: value(
                self.latest(|fact| if let Fact::Reference(id) = fact { Some(id.clone()) } else { None }),
            ),
            status,
            scopes: scopes.map(|(_, (_, scopes))| scopes).unwrap_or_default(),
            last_delivery,
            replaced_by: value(replaced).filter(|_| status == "replaced"),
            replaces,
        })
    }
}

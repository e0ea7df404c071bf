//! What is known of a Terra user: a handful of registers that any order of arrival leaves the same.
//!
//! A register is a value and the time that set it, as bytes that compare: eight of time, big-endian, then the value.
//! The greater bytes are kept, so the later event wins and a tie is broken by the value itself, never by arrival. The
//! time is a delivery's own (the ordering header, else the signature's `t`). The status is derived when read.

use crate::erasure::Erasure;
use crate::key::PartitionKind;
use std::collections::BTreeMap;
use terrace_terra::event::Lifecycle;
use terrace_terra::ids::UserId;
use terrace_terra::{DataType, EventType, User};

/// The longest text kept in a register; what is longer is not a provider or a name anyone gave on purpose.
const MAX_TEXT: usize = 1_024;
const MAX_SCOPES_TEXT: usize = 8 * 1_024;

/// The names of the registers, which are also their attributes in the table.
pub mod register {
    /// Where the data comes from.
    pub const PROVIDER: &str = "provider";
    /// The customer's name for the end user.
    pub const REFERENCE_ID: &str = "reference_id";
    /// The newest list of permissions, as a JSON array.
    pub const SCOPES: &str = "scopes";
    /// The last `auth`.
    pub const AUTH: &str = "auth";
    /// The last data event.
    pub const DATA: &str = "data";
    /// The last `deauth` or `access_revoked`.
    pub const REVOKED: &str = "revoked";
    /// The last `connection_error`.
    pub const ERROR: &str = "error";
    /// The id that goes on in this one's place.
    pub const REPLACED: &str = "replaced";
    /// The last re-authentication that named this id as the new one.
    pub const RENEWED: &str = "renewed";
    /// When the user was erased.
    pub const ERASED: &str = "erased";
    /// What the register of a type's last delivery begins with.
    pub const LAST: &str = "last:";
    /// What the register of an id that this one replaced begins with.
    pub const REPLACES: &str = "replaces:";
    /// What the register of an id that its records were ever to go on under begins with.
    pub const GOES_ON: &str = "goes_on:";
}

/// A value and the time that set it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register(Vec<u8>);

impl Register {
    /// A value set at this time, in milliseconds since 1970.
    pub fn new(time_ms: u64, value: &str) -> Self {
        Self([time_ms.to_be_bytes().as_slice(), value.as_bytes()].concat())
    }

    /// Reads a register as stored; `None` if it is none.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let value = bytes.get(8..)?;
        std::str::from_utf8(value).is_ok().then_some(Self(bytes))
    }

    /// The bytes as stored and compared.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The time that set it.
    pub fn time_ms(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The value.
    pub fn value(&self) -> &str {
        self.0.get(8..).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
    }
}

/// Registers by name.
pub type Registers = BTreeMap<String, Register>;

/// What an event sets on one connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionUpdate {
    /// The registers, each kept if it is greater than what is there.
    pub registers: Registers,
}

impl ConnectionUpdate {
    /// What a data event sets.
    pub fn of_data(event_type: EventType, user: &User<'_>, time_ms: u64) -> Self {
        let mut update = Self::of_user(user, time_ms);
        update.set(register::DATA, time_ms, "");
        if let Some(data_type) = event_type.data_type() {
            update.set(&format!("{}{data_type}", register::LAST), time_ms, "");
        }
        update
    }

    /// What a lifecycle event sets on the connection it is about.
    pub fn of_lifecycle(lifecycle: &Lifecycle<'_>, event_type: EventType, user: &User<'_>, time_ms: u64) -> Self {
        let mut update = Self::of_user(user, time_ms);
        match lifecycle {
            Lifecycle::Auth => update.set(register::AUTH, time_ms, ""),
            Lifecycle::Deauth | Lifecycle::AccessRevoked => update.set(register::REVOKED, time_ms, event_type.name()),
            Lifecycle::ConnectionError => update.set(register::ERROR, time_ms, ""),
            Lifecycle::PermissionChange => {}
            Lifecycle::Reauth { old } => {
                update.set(register::RENEWED, time_ms, "");
                if let Some(old) = old.as_ref().filter(|old| Some(*old) != user.user_id.as_ref()) {
                    update.set(&format!("{}{}", register::REPLACES, old.as_str()), time_ms, "");
                }
            }
        }
        update
    }

    /// What an erase sets.
    pub fn of_erased(at_ms: u64) -> Self {
        let mut update = Self::default();
        update.set(register::ERASED, at_ms, "");
        update
    }

    /// What settles a ring of re-authentications that all bear one time: this id goes on.
    pub fn of_renewed(time_ms: u64) -> Self {
        let mut update = Self::default();
        update.set(register::RENEWED, time_ms, "");
        update
    }

    /// What a re-authentication sets on the id that it replaces.
    pub fn of_replaced(new: &UserId<'_>, time_ms: u64) -> Self {
        let mut update = Self::default();
        update.set(register::REPLACED, time_ms, new.as_str());
        update.set(&format!("{}{}", register::GOES_ON, new.as_str()), time_ms, "");
        update
    }

    fn of_user(user: &User<'_>, time_ms: u64) -> Self {
        let mut update = Self::default();
        if let Some(provider) = user.provider.as_deref().filter(|text| text.len() <= MAX_TEXT) {
            update.set(register::PROVIDER, time_ms, provider);
        }
        if let Some(reference) = user.reference_id.as_ref().filter(|reference| reference.as_str().len() <= MAX_TEXT) {
            update.set(register::REFERENCE_ID, time_ms, reference.as_str());
        }
        if let Some(scopes) = &user.scopes {
            let list = serde_json::Value::from(scopes.names()).to_string();
            if list.len() <= MAX_SCOPES_TEXT {
                update.set(register::SCOPES, time_ms, &list);
            }
        }
        update
    }

    fn set(&mut self, name: &str, time_ms: u64, value: &str) {
        self.registers.insert(name.to_owned(), Register::new(time_ms, value));
    }

    /// Those of its registers that are greater than what is stored.
    pub fn newer_than(mut self, stored: &Registers) -> Self {
        self.registers.retain(|name, register| stored.get(name).is_none_or(|in_place| in_place < register));
        self
    }
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Data may come.
    Active,
    /// The provider refuses Terra's token; the user may have to connect again.
    Error,
    /// The user, the customer or the provider ended it.
    Revoked,
    /// It goes on under another id.
    Replaced,
    /// Its data was erased.
    Erased,
}

impl Status {
    /// The name used in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Error => "error",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Erased => "erased",
        }
    }
}

/// A connection as its registers tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connection {
    registers: Registers,
}

impl Connection {
    /// The connection these registers make.
    pub fn new(registers: Registers) -> Self {
        Self { registers }
    }

    /// The registers.
    pub fn registers(&self) -> &Registers {
        &self.registers
    }

    /// The same after an update: each register keeps the greater value.
    pub fn after(mut self, update: ConnectionUpdate) -> Self {
        self.registers.extend(update.newer_than(&self.registers).registers);
        self
    }

    fn time(&self, name: &str) -> Option<u64> {
        self.registers.get(name).map(Register::time_ms)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.registers.get(name).map(Register::value).filter(|value| !value.is_empty())
    }

    /// How it stands: the gravest mark that nothing greater lifts.
    pub fn status(&self) -> Status {
        let stands = |mark: &str, lifted_by: &[&str]| {
            let Some(since) = self.time(mark) else { return false };
            !lifted_by.iter().filter_map(|name| self.time(name)).any(|lifted| lifted > since)
        };
        if stands(register::ERASED, &[register::AUTH]) {
            Status::Erased
        } else if stands(register::REPLACED, &[register::RENEWED]) {
            Status::Replaced
        } else if stands(register::REVOKED, &[register::AUTH]) {
            Status::Revoked
        } else if stands(register::ERROR, &[register::AUTH, register::DATA]) {
            Status::Error
        } else {
            Status::Active
        }
    }

    /// The erase that it bears the mark of, lifted or not. `kind` says whose partition it lies in: an end user's own has
    /// no `auth` that could lift an erase, so that of it only what was made before the mark goes.
    pub fn erasure(&self, kind: PartitionKind) -> Option<Erasure> {
        let at_ms = self.time(register::ERASED)?;
        Some(Erasure { at_ms, lifted: kind == PartitionKind::Reference || self.status() != Status::Erased })
    }

    /// The names of the registers that an erase takes: everything but what says that it was erased, why, and where the
    /// rest of it may lie.
    pub fn erased_registers(&self, erasure: Erasure) -> Vec<&str> {
        const KEPT: [&str; 5] =
            [register::AUTH, register::REVOKED, register::REPLACED, register::RENEWED, register::ERASED];
        let stays = |name: &str| {
            KEPT.contains(&name) || [register::REPLACES, register::GOES_ON].iter().any(|kept| name.starts_with(kept))
        };
        let taken = self.registers.iter().filter(|(name, set)| !stays(name) && erasure.takes(set.time_ms()));
        taken.map(|(name, _)| name.as_str()).collect()
    }

    /// What of it may be shown: without what its erase takes, however far that is.
    pub fn shown(&self, kind: PartitionKind) -> Self {
        let mut registers = self.registers.clone();
        for name in self.erasure(kind).map(|erasure| self.erased_registers(erasure)).unwrap_or_default() {
            registers.remove(name);
        }
        Self { registers }
    }

    /// Where its data comes from.
    pub fn provider(&self) -> Option<&str> {
        self.value(register::PROVIDER)
    }

    /// The customer's name for the end user.
    pub fn reference_id(&self) -> Option<&str> {
        self.value(register::REFERENCE_ID)
    }

    /// The newest list of permissions; empty where none was ever seen.
    pub fn scopes(&self) -> Vec<String> {
        self.value(register::SCOPES).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
    }

    /// When each type was last delivered, in milliseconds since 1970, by type.
    pub fn last_delivery(&self) -> impl Iterator<Item = (DataType, u64)> {
        DataType::ALL
            .into_iter()
            .filter_map(|data_type| self.time(&format!("{}{data_type}", register::LAST)).map(|time| (data_type, time)))
    }

    /// The id that goes on in its place, while it stands replaced.
    pub fn replaced_by(&self) -> Option<&str> {
        self.value(register::REPLACED).filter(|_| self.status() == Status::Replaced)
    }

    /// When it was replaced, in milliseconds since 1970, unless it was named as a new one since. What an erase says does
    /// not count.
    pub fn replaced_at_ms(&self) -> Option<u64> {
        let replaced = self.registers.get(register::REPLACED).filter(|replaced| !replaced.value().is_empty())?;
        let renewed = self.time(register::RENEWED).is_some_and(|renewed| renewed > replaced.time_ms());
        (!renewed).then(|| replaced.time_ms())
    }

    /// The id that its records go on under: that which goes on in its place, also where it was erased since, for by then
    /// they were the other's.
    pub fn passes_on_to(&self) -> Option<&str> {
        let replaced_ms = self.replaced_at_ms()?;
        let erased_before = self.time(register::ERASED).is_some_and(|erased| replaced_ms > erased);
        let kept = self.status() == Status::Erased && erased_before;
        self.value(register::REPLACED).filter(|_| !kept)
    }

    /// The erase that takes its records before they go on under another id: one as of a time when they were its own.
    pub fn erasure_of_records(&self, kind: PartitionKind) -> Option<Erasure> {
        let replaced_ms = self.replaced_at_ms();
        self.erasure(kind).filter(|erasure| replaced_ms.is_none_or(|replaced_ms| replaced_ms > erasure.at_ms))
    }

    /// Every id that its records were ever to go on under, sorted; also where it is replaced no more.
    pub fn goes_on_under(&self) -> impl Iterator<Item = &str> {
        self.registers.keys().filter_map(|name| name.strip_prefix(register::GOES_ON))
    }

    /// The ids whose place it took, sorted.
    pub fn replaces(&self) -> impl Iterator<Item = &str> {
        self.registers.keys().filter_map(|name| name.strip_prefix(register::REPLACES))
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;

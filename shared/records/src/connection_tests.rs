use super::*;
use proptest::prelude::*;
use serde_json::value::RawValue;

fn user(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// A life in which every kind of event comes, some at the same instant.
fn life() -> Vec<ConnectionUpdate> {
    let json = user(r#"{"user_id":"u","provider":"GARMIN","reference_id":"r","scopes":"B,A"}"#);
    let later = user(r#"{"user_id":"u","provider":"GARMIN","reference_id":"r2","scopes":["C"]}"#);
    let (user, later) = (User::read(Some(&json)).unwrap(), User::read(Some(&later)).unwrap());
    let old = Lifecycle::Reauth { old: UserId::new("old") };
    vec![
        ConnectionUpdate::of_lifecycle(&Lifecycle::Auth, EventType::Auth, &user, 10),
        ConnectionUpdate::of_data(EventType::Daily, &user, 20),
        ConnectionUpdate::of_lifecycle(&Lifecycle::ConnectionError, EventType::ConnectionError, &user, 30),
        ConnectionUpdate::of_data(EventType::Sleep, &later, 40),
        ConnectionUpdate::of_data(EventType::Daily, &user, 40),
        ConnectionUpdate::of_lifecycle(&old, EventType::UserReauth, &user, 50),
        ConnectionUpdate::of_lifecycle(&Lifecycle::Deauth, EventType::Deauth, &user, 60),
    ]
}

fn after(updates: impl IntoIterator<Item = ConnectionUpdate>) -> Connection {
    updates.into_iter().fold(Connection::default(), Connection::after)
}

#[test]
fn a_life_reads_as_it_was_lived() {
    let connection = after(life());
    assert_eq!(connection.status(), Status::Revoked);
    assert_eq!(connection.provider(), Some("GARMIN"));
    assert_eq!(connection.reference_id(), Some("r"));
    assert_eq!(after(life().drain(3..5)).reference_id(), Some("r2"), "a tie is broken by the value");
    assert_eq!(connection.scopes(), ["A", "B"]);
    assert_eq!(connection.replaces().collect::<Vec<_>>(), ["old"]);
    assert_eq!(connection.last_delivery().collect::<Vec<_>>(), [(DataType::Daily, 40), (DataType::Sleep, 40)]);
}

#[test]
fn each_mark_yields_only_to_what_the_design_names() {
    let status = |registers: &[(&str, u64)]| {
        let registers = registers.iter().map(|(name, time)| ((*name).to_owned(), Register::new(*time, "x"))).collect();
        Connection::new(registers).status()
    };
    use register::{AUTH, DATA, ERASED, ERROR, RENEWED, REPLACED, REVOKED};
    assert_eq!(status(&[]), Status::Active);
    assert_eq!(status(&[(ERROR, 5), (DATA, 5), (AUTH, 5)]), Status::Error);
    assert_eq!(status(&[(ERROR, 5), (DATA, 6)]), Status::Active);
    assert_eq!(status(&[(ERROR, 5), (AUTH, 6)]), Status::Active);
    assert_eq!(status(&[(REVOKED, 5), (DATA, 9), (AUTH, 5)]), Status::Revoked);
    assert_eq!(status(&[(REVOKED, 5), (AUTH, 6)]), Status::Active);
    assert_eq!(status(&[(REPLACED, 5), (AUTH, 9), (DATA, 9)]), Status::Replaced);
    assert_eq!(status(&[(REPLACED, 5), (RENEWED, 6), (REVOKED, 7)]), Status::Revoked);
    assert_eq!(status(&[(ERASED, 5), (RENEWED, 9), (DATA, 9)]), Status::Erased);
    assert_eq!(status(&[(ERASED, 5), (AUTH, 6)]), Status::Active);
}

#[test]
fn a_reauth_to_itself_replaces_nothing() {
    let json = user(r#"{"user_id":"u"}"#);
    let user = User::read(Some(&json)).unwrap();
    let itself = Lifecycle::Reauth { old: UserId::new("u") };
    let update = ConnectionUpdate::of_lifecycle(&itself, EventType::UserReauth, &user, 1);
    assert_eq!(Connection::default().after(update).replaces().count(), 0);
}

#[test]
fn what_is_absurdly_long_is_not_kept() {
    let json = user(&format!(r#"{{"user_id":"u","provider":"{}","reference_id":"r"}}"#, "p".repeat(2_000)));
    let user = User::read(Some(&json)).unwrap();
    let connection = Connection::default().after(ConnectionUpdate::of_data(EventType::Body, &user, 1));
    assert_eq!((connection.provider(), connection.reference_id()), (None, Some("r")));
}

proptest! {
    #[test]
    fn any_order_and_any_repeat_reads_the_same(order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(), again in proptest::collection::vec(0_usize..7, 0..9)) {
        let life = life();
        let shuffled = order.iter().chain(&again).map(|at| life[*at].clone());
        prop_assert_eq!(after(shuffled), after(life.clone()));
    }
}

#[test]
fn the_records_of_an_erased_id_are_the_others_where_it_was_replaced_before() {
    use register::{AUTH, ERASED, RENEWED, REPLACED};
    let of = |registers: &[(&str, u64)]| {
        let registers =
            registers.iter().map(|(name, time)| ((*name).to_owned(), Register::new(*time, "new"))).collect();
        let connection = Connection::new(registers);
        let erasure = connection.erasure_of_records(PartitionKind::User);
        (connection.passes_on_to().map(str::to_owned), erasure.map(|erasure| (erasure.at_ms, erasure.lifted)))
    };
    let new = || Some("new".to_owned());
    assert_eq!(of(&[(REPLACED, 5)]), (new(), None));
    assert_eq!(of(&[(REPLACED, 5), (RENEWED, 6)]), (None, None));
    assert_eq!(of(&[(REPLACED, 5), (RENEWED, 5)]), (new(), None));
    assert_eq!(of(&[(REPLACED, 5), (ERASED, 5)]), (new(), None));
    assert_eq!(of(&[(REPLACED, 6), (ERASED, 5)]), (None, Some((5, false))));
    // Lifted before it was replaced: what was made before the erase goes, the rest goes on.
    assert_eq!(of(&[(REPLACED, 7), (ERASED, 5), (AUTH, 6)]), (new(), Some((5, true))));
    assert_eq!(of(&[(ERASED, 5)]), (None, Some((5, false))));
}

#[test]
fn an_erased_connection_shows_its_mark_alone() {
    let erased = |at_ms| ConnectionUpdate::of_erased(at_ms);
    let shown = after(life().into_iter().chain([erased(70)])).shown(PartitionKind::User);
    assert_eq!((shown.status(), shown.provider(), shown.reference_id()), (Status::Erased, None, None));
    assert_eq!((shown.scopes().len(), shown.last_delivery().count()), (0, 0));
    assert_eq!(shown.replaces().collect::<Vec<_>>(), ["old"], "where the rest of it may lie");
    // Lifted at 10: what was set later stays.
    let shown = after(life().into_iter().chain([erased(9)])).shown(PartitionKind::User);
    assert_eq!((shown.status(), shown.provider()), (Status::Revoked, Some("GARMIN")));
    // An end user's own partition has no `auth`.
    let reference = after([erased(9)]);
    assert_eq!(reference.erasure(PartitionKind::Reference), Some(Erasure { at_ms: 9, lifted: true }));
}

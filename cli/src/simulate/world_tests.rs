use super::*;
use crate::args::{Cli, Command};
use crate::simulate::draft::{Content, Draft, Whom};
use crate::simulate::plan::{Sending, plan};
use crate::simulate::truth::{Acknowledged, Called, Owner, Truth};
use crate::simulate::truth_record::ExpectedRecord;
use clap::Parser;
use std::collections::{BTreeMap, HashSet};

fn world(given: &[&str]) -> World {
    let Command::Simulate(args) = Cli::try_parse_from([&["terrace", "simulate"], given].concat()).unwrap().command
    else {
        panic!()
    };
    args.world("2026-07-02T09:12:33Z".parse().unwrap()).unwrap()
}

/// What is true once all of this was acknowledged.
fn truth<'s>(sendings: impl Iterator<Item = &'s Sending>) -> Truth {
    let mut truth = Truth::default();
    for sending in sendings {
        let acknowledged = Acknowledged {
            body: sending.event.body.clone(),
            ordering_ms: sending.ordering_ms,
            signed_at: sending.signed_at,
            trace_id: sending.event.trace_id.clone(),
            reference: sending.event.reference.clone(),
            delivery: Called::Fetched,
        };
        truth.take_in(&acknowledged).unwrap();
    }
    truth
}

#[test]
fn the_default_people_have_every_fate() {
    let default = world(&["--seed", "1"]);
    let fates: Vec<Fate> = (0..default.users).map(|index| default.fate(index)).collect();
    let has = |fate| fates.contains(&fate);
    assert!(Ending::ALL.into_iter().all(|ending| has(Fate::Stays(ending))), "{fates:?}");
    assert!(Renewal::ALL.into_iter().all(|renewal| has(Fate::Renewed(renewal))), "{fates:?}");
    let renewed = |share: &str| {
        let world = world(&["--seed", "1", "--reauths", share]);
        (0..100).filter(|index| matches!(world.fate(*index), Fate::Renewed(_))).count()
    };
    assert_eq!([renewed("0"), renewed("0.25"), renewed("1")], [0, 25, 100]);
}

#[test]
fn statuses_and_moves_are_those_of_the_fates() {
    let world = world(&["--seed", "5", "--users", "20", "--days", "3", "--large", "0"]);
    let truth = truth(plan(&world, world.events()).iter());
    let settled: BTreeMap<_, _> = truth.settled().into_iter().map(|settled| (settled.owner.clone(), settled)).collect();
    let stands = |person: &Person| {
        let settled = settled.get(&Owner::User(person.user_id.clone()));
        settled.map(|settled| (settled.known.facts.connection().unwrap().status, settled.moved))
    };
    let run = world.run();
    for a in people(run, world.users) {
        let [b, c] = [1, 2].map(|time| reconnected(run, &a, time));
        let found = [&a, &b, &c].map(&stands);
        let (moved, active) = (Some(("replaced", true)), Some(("active", false)));
        let wanted = match world.fate(a.index) {
            Fate::Renewed(Renewal::Once | Renewal::GoesOn) => [moved, active, None],
            Fate::Renewed(Renewal::Chain) => [moved, moved, active],
            Fate::Renewed(Renewal::Cycle) => [active, moved, None],
            Fate::Renewed(Renewal::OldNull | Renewal::OldMissing) => [active, active, None],
            Fate::Stays(Ending::Deauthenticated | Ending::Revoked | Ending::RevokedAhead) => {
                [Some(("revoked", false)), None, None]
            }
            Fate::Stays(Ending::Broken) => [Some(("error", false)), None, None],
            Fate::Stays(_) => [active, None, None],
        };
        // An error that the next delivery lifts may bear the same second as it where one of them has no header.
        if world.fate(a.index) != Fate::Stays(Ending::Recovered) {
            assert_eq!(found, wanted, "{:?}", world.fate(a.index));
        }
    }
}

#[test]
fn data_goes_on_for_ids_that_were_replaced_and_for_connections_that_were_revoked() {
    let world = world(&["--seed", "5", "--users", "20", "--days", "6", "--large", "0"]);
    let (run, events) = (world.run(), world.events());
    for person in people(run, world.users) {
        let mark = match world.fate(person.index) {
            Fate::Renewed(Renewal::GoesOn | Renewal::Chain | Renewal::Cycle) => "user_reauth",
            Fate::Stays(Ending::RevokedAhead) => "access_revoked",
            _ => continue,
        };
        let own = person.user_id.as_str();
        let names = |event: &&Event| String::from_utf8_lossy(&event.body).contains(own);
        let marked = events.iter().filter(|event| event.name == mark).find(names).unwrap().emitted_ms;
        let of_it = events.iter().filter(|event| event.is_data && event.user_id.as_deref() == Some(own));
        assert!(of_it.filter(|event| event.emitted_ms > marked).count() > 5, "{:?}", world.fate(person.index));
    }
}

#[test]
fn what_bears_the_end_of_a_chain_or_cycle_is_later_than_what_came_before_it() {
    for seed in ["1", "2", "3", "4"] {
        let world = world(&["--seed", seed, "--users", "20", "--days", "1", "--large", "0", "--without-ordering", "1"]);
        let events = world.events();
        let dated: Vec<_> = events.iter().filter(|event| event.dated).map(|event| event.emitted_ms).collect();
        assert_eq!(dated.len(), 4);
        assert_eq!(dated.iter().collect::<HashSet<_>>().len(), dated.len());
        let sendings = plan(&world, events);
        assert!(sendings.iter().all(|one| one.ordering_ms.is_some() == one.event.dated));
        assert!(sendings.iter().any(|one| one.event.name == "user_reauth" && one.ordering_ms.is_none()));
    }
}

#[test]
fn what_is_dated_is_later_than_what_was_told_before_it() {
    let world = world(&["--seed", "1"]);
    let person = Rc::new(people(1, 1).remove(0));
    let draft = |minute: u32, dated: bool| {
        let mut draft = Draft::new(minute, "auth", Content::Notice(Vec::new(), Whom::User));
        draft.dated = dated;
        (Rc::clone(&person), draft)
    };
    let moments = |dated: bool| {
        let mut events = Vec::new();
        world.emit(&mut rng(1, "test", 0), (0..2_000).map(|minute| draft(minute, dated)).collect(), &mut events);
        events.iter().map(|event| event.emitted_ms).collect::<HashSet<_>>().len()
    };
    assert_eq!(moments(true), 2_000);
    assert!(moments(false) < 2_000);
}

/// The records of everybody, as JSON.
fn records(truth: &Truth) -> BTreeMap<(Owner, &'static str, String), String> {
    let mut records = BTreeMap::new();
    for settled in truth.settled() {
        for ExpectedRecord { data_type, id, data, .. } in settled.records().unwrap() {
            records.insert((settled.owner.clone(), data_type, id), data.write());
        }
    }
    records
}

#[test]
fn ids_share_records_of_which_now_the_one_has_the_greater_copy_and_now_the_other() {
    let world = world(&["--seed", "5", "--users", "20", "--days", "10", "--large", "0"]);
    let sendings = plan(&world, world.events());
    let merged = records(&truth(sendings.iter()));
    let apart = records(&truth(sendings.iter().filter(|one| one.event.name != "user_reauth")));
    let mut shared = Vec::new();
    for a in people(world.run(), world.users) {
        let b = Owner::User(reconnected(world.run(), &a, 1).user_id);
        let a = Owner::User(a.user_id);
        let of_b = apart.iter().filter(|((owner, ..), _)| *owner == b);
        let both = of_b.filter(|((_, data_type, id), _)| apart.contains_key(&(a.clone(), *data_type, id.clone())));
        shared.extend(both.filter_map(|(key, apart)| Some((apart, merged.get(key)?))));
    }
    let as_it_came = shared.iter().filter(|(apart, merged)| apart == merged).count();
    assert!(as_it_came > 3 && shared.len() - as_it_came > 3, "{as_it_came} of {}", shared.len());
    assert!(apart.len() > merged.len());
}

#[test]
fn large_requests_come_in_every_way() {
    let world = world(&["--seed", "5", "--days", "12", "--large", "0"]);
    let sendings = plan(&world, world.events());
    let truth = truth(sendings.iter());
    let requests: Vec<_> = truth.owners().flat_map(|(_, known)| known.requests.expected()).collect();
    assert_eq!(requests.len(), 40);
    assert!(requests.iter().filter(|request| request.complete && request.seen > 1).count() > 20);
    let lacks_last = |request: &&_| {
        let crate::simulate::truth_request::ExpectedRequest { expected, missing, .. } = request;
        missing.first().copied() == *expected && missing.len() == 1
    };
    assert!(requests.iter().filter(lacks_last).count() >= 6);
    assert!(requests.iter().any(|request| request.expected.is_none() && request.seen > 1));
    let with_mark = |in_reference: bool| {
        let of = sendings.iter().filter(|one| one.event.reference.contains(":chunk:") == in_reference);
        of.filter(|one| in_reference || one.event.trace_id.as_ref().is_some_and(|id| id.contains(":chunk:"))).count()
    };
    assert!(with_mark(true) > 20 && with_mark(false) > 20);
    let both = |one: &&Sending| {
        one.event.reference.contains(":chunk:") && one.event.trace_id.as_ref().is_some_and(|id| id.contains(":chunk:"))
    };
    assert_eq!(sendings.iter().filter(both).count(), 0);
    // What is told of a request has the reference of its chunks in the header too.
    for sending in sendings.iter().filter(|one| one.event.name.starts_with("large_request")) {
        assert!(String::from_utf8_lossy(&sending.event.body).contains(&sending.event.reference));
    }
    let none = self::world(&["--seed", "5", "--requests", "0", "--days", "3", "--large", "0"]).events();
    assert!(none.iter().all(|event| !event.name.starts_with("large_request") && !event.reference.contains("chunk")));
}

use super::*;

const T: u64 = 1_782_897_153;
const MS: u64 = T * 1_000;

fn user(extra: &str) -> String {
    format!(r#"{{"user_id":"u","provider":"GARMIN","reference_id":"r","scopes":"b,a"{extra}}}"#)
}

fn daily(record: &str) -> String {
    let metadata = r#""metadata":{"start_time":"2026-07-01T00:00:00+01:00","end_time":"e"}"#;
    format!(r#"{{"type":"daily","user":{},"data":[{{{metadata}{record}}}]}}"#, user(""))
}

/// The truth after these deliveries: body, ordering header, `t`.
fn after(deliveries: &[(&str, Option<u64>, u64)]) -> Truth {
    let mut truth = Truth::default();
    for (at, (body, ordering_ms, signed_at)) in deliveries.iter().enumerate() {
        let body = Bytes::from((*body).to_owned());
        let delivery = Called::Answered(format!("d{at}"));
        let (ordering_ms, signed_at, trace_id, reference) = (*ordering_ms, *signed_at, None, "r".to_owned());
        truth.take_in(&Acknowledged { body, ordering_ms, signed_at, trace_id, reference, delivery }).unwrap();
    }
    truth
}

fn known(truth: &Truth) -> &Known {
    truth.owners.get(&Owner::User("u".to_owned())).unwrap()
}

/// What is expected of the only record; `None` where there is none.
fn kept(truth: &Truth) -> Option<String> {
    let settled = truth.settled();
    let user = settled.iter().find(|settled| *settled.owner == Owner::User("u".to_owned())).unwrap();
    user.records().unwrap().pop().map(|record| record.data.write())
}

/// What is kept of these deliveries in this order and in the other.
fn kept_either_way(deliveries: &mut [(&str, Option<u64>, u64)]) -> String {
    let kept_first = kept(&after(deliveries)).unwrap();
    deliveries.reverse();
    assert_eq!(kept(&after(deliveries)).unwrap(), kept_first, "the order of arrival counts for nothing");
    kept_first
}

#[test]
fn an_older_fuller_copy_that_comes_after_a_newer_one_is_not_kept() {
    let (newer, older) = (daily(r#","steps":2"#), daily(r#","steps":1,"more":[1,2,3]"#));
    let kept = kept_either_way(&mut [(&newer, Some(MS + 1), T), (&older, Some(MS), T)]);
    assert!(kept.contains(r#""steps":2"#));
}

#[test]
fn of_one_moment_the_fuller_is_kept_then_the_later_signed() {
    let (thin, full) = (daily(r#","steps":9,"x":null"#), daily(r#","steps":1,"x":0"#));
    let kept = kept_either_way(&mut [(&full, Some(MS), T), (&thin, Some(MS), T)]);
    assert!(kept.contains(r#""steps":1"#));
    // Without the header the time in the body counts, and a signature that is later.
    let in_body = |steps: &str| {
        daily(steps).replace(r#""scopes""#, r#""last_webhook_update":"2026-07-01T09:12:33.000437+00:00","scopes""#)
    };
    let (early, late) = (in_body(r#","steps":1"#), in_body(r#","steps":2"#));
    let kept = kept_either_way(&mut [(&late, None, T + 5), (&early, None, T)]);
    assert!(kept.contains(r#""steps":2"#));
}

#[test]
fn a_future_that_is_not_signed_for_counts_as_absent() {
    let (forged, real) = (daily(r#","steps":1"#), daily(r#","steps":2"#));
    let kept = kept_either_way(&mut [(&forged, Some(MS + 60_001), T), (&real, Some(MS), T)]);
    assert!(kept.contains(r#""steps":2"#));
    let kept = kept_either_way(&mut [(&forged, Some(MS + 60_000), T), (&real, Some(MS), T)]);
    assert!(kept.contains(r#""steps":1"#));
}

#[test]
fn a_score_is_the_newest_that_was_not_null() {
    let first = daily(r#","data_enrichment":{"a":1.10,"b":5}"#);
    let second = daily(r#","data_enrichment":{"a":null,"b":6,"c":null}"#);
    let kept = kept_either_way(&mut [(&first, Some(MS), T), (&second, Some(MS + 1), T)]);
    assert!(kept.contains(r#""data_enrichment":{"a":1.10,"b":6,"c":null}"#), "{kept}");
    let without = daily(r#","data_enrichment":null"#);
    let kept = kept_either_way(&mut [(&first, Some(MS), T), (&without, Some(MS + 1), T)]);
    assert!(kept.contains(r#""data_enrichment":{"a":1.10,"b":5}"#), "{kept}");
}

#[test]
fn scores_do_not_count_as_coverage() {
    let scored = daily(r#","data_enrichment":{"a":1,"b":2,"c":3}"#);
    let fuller = daily(r#","steps":7,"x":1"#);
    let kept = kept_either_way(&mut [(&scored, Some(MS), T), (&fuller, Some(MS), T)]);
    assert!(kept.contains(r#""steps":7"#) && kept.contains(r#""c":3"#), "{kept}");
}

#[test]
fn what_was_deleted_comes_back_by_a_newer_copy_alone() {
    let activity = |upload_type: u8| {
        let user = user("");
        format!(
            r#"{{"type":"activity","user":{user},"data":[{{"metadata":{{"summary_id":"s","upload_type":{upload_type}}}}}]}}"#
        )
    };
    let (sent, gone, again) = (activity(1), activity(4), activity(3));
    let deliveries = [(gone.as_str(), Some(MS + 1), T), (sent.as_str(), Some(MS), T)];
    assert_eq!(kept(&after(&deliveries)), None);
    let deliveries = [(again.as_str(), Some(MS + 2), T), deliveries[0], deliveries[1]];
    assert!(kept(&after(&deliveries)).unwrap().contains(r#""upload_type":3"#));
    assert_eq!(known(&after(&deliveries)).deliveries.len(), 3);
}

#[test]
fn identifiers_are_those_of_the_data_models() {
    for (event, element, id) in [
        ("daily", r#"{"metadata":{"start_time":"2026-07-01T23:30:00-11:00"}}"#, Some("2026-07-01")),
        ("sleep", r#"{"metadata":{"summary_id":null,"start_time":"a","end_time":"b"}}"#, Some("a--b")),
        ("sleep", r#"{"metadata":{"summary_id":" ","start_time":"a","end_time":"b"}}"#, Some(" ")),
        ("planned_workout", r#"{"metadata":{"id":"i","summary_id":"s"}}"#, Some("i")),
        ("planned_workout", r#"{"planned_workout_id":"p","metadata":{"id":"i"}}"#, Some("p")),
        ("hormone", r#"{"timestamp":"t"}"#, Some("t")),
        ("lab_report.failed", r#"{"session_id":"1"}"#, Some("1")),
        ("activity", r#"{"metadata":{"start_time":"2026-07-01"}}"#, None),
        ("healthcheck", r#"{"session_id":"1"}"#, None),
    ] {
        let found = identify::record(event, &Json::read(element).unwrap()).map(|(_, id)| id);
        assert_eq!(found.as_deref(), id, "{event} {element}");
    }
}

fn lifecycle(name: &str) -> String {
    format!(r#"{{"type":"{name}","user":{}}}"#, user(""))
}

#[test]
fn a_connection_stands_as_its_latest_events_say() {
    let (auth, deauth, error) = (lifecycle("auth"), lifecycle("deauth"), lifecycle("connection_error"));
    let data = daily("");
    let reauth = r#"{"type":"user_reauth","new_user":{"user_id":"v"},"old_user":{"user_id":"u"}}"#;
    for (deliveries, status) in [
        (vec![(auth.as_str(), Some(MS), T)], "active"),
        (vec![(&deauth, Some(MS + 1), T), (&auth, Some(MS), T)], "revoked"),
        (vec![(&deauth, Some(MS), T), (&data, Some(MS + 1), T)], "revoked"),
        (vec![(&auth, Some(MS + 1), T), (&deauth, Some(MS), T)], "active"),
        (vec![(&auth, Some(MS), T), (&deauth, Some(MS), T)], "revoked"),
        (vec![(&error, Some(MS + 1), T), (&data, Some(MS), T)], "error"),
        (vec![(&error, Some(MS), T), (&data, Some(MS + 1), T)], "active"),
        // Without the header the signature's time counts.
        (vec![(&error, Some(MS + 1), T), (&data, None, T + 1)], "active"),
        (vec![(reauth, Some(MS + 1), T), (&data, Some(MS), T), (&deauth, Some(MS + 2), T)], "replaced"),
    ] {
        let truth = after(&deliveries);
        let connection = known(&truth).facts.connection().unwrap();
        assert_eq!(connection.status, status, "{deliveries:?}");
        assert_eq!(connection.scopes, ["a", "b"]);
        assert_eq!(connection.replaced_by.as_deref(), (status == "replaced").then_some("v"));
    }
    let operational = lifecycle("large_request_sending");
    assert_eq!(known(&after(&[(&operational, None, T)])).facts.connection(), None);
}

#[test]
fn a_delivery_belongs_to_whom_it_names() {
    let lab = r#"{"type":"lab_report.completed","data":{"session_id":"1","reference_id":"r"}}"#;
    let reauth = r#"{"type":"user_reauth","new_user":{"user_id":"v"},"old_user":{"user_id":"u"}}"#;
    let truth = after(&[(lab, None, T), (reauth, None, T), (r#"{"type":"healthcheck"}"#, None, T)]);
    let listed: Vec<_> = truth.owners().map(|(owner, known)| (owner.clone(), known.deliveries.len())).collect();
    let user = |id: &str| Owner::User(id.to_owned());
    assert_eq!(listed, [(user("u"), 0), (user("v"), 1), (Owner::Reference("r".to_owned()), 1)]);
}

#[test]
fn what_was_fetched_has_the_name_that_its_ping_gives_it() {
    let body = Bytes::from(daily(r#","steps":1"#));
    let mut truth = Truth::default();
    let delivered = |signed_at, ordering_ms| Acknowledged {
        body: body.clone(),
        ordering_ms,
        signed_at,
        trace_id: Some("t".to_owned()),
        reference: "r".to_owned(),
        delivery: Called::Fetched,
    };
    // A duplicate has the same name; a retry that was signed anew only where no header gives the time.
    for (signed_at, ordering_ms) in
        [(T, Some(MS + 7)), (T, Some(MS + 7)), (T + 90, Some(MS + 7)), (T, None), (T + 90, None)]
    {
        truth.take_in(&delivered(signed_at, ordering_ms)).unwrap();
    }
    let digest = xxhash_rust::xxh3::xxh3_64(&body);
    let names: Vec<_> = known(&truth).deliveries.keys().cloned().collect();
    assert_eq!(names, [MS, MS + 7, MS + 90_000].map(|time| format!("{time}.{digest:016x}.t")));
    assert!(known(&truth).deliveries.values().all(|delivered| delivered.fetched && delivered.body == body));
}

#[test]
fn chunks_count_for_the_user_they_name_even_once_it_is_replaced() {
    let chunk = |trace_id: &str| Acknowledged {
        body: Bytes::from(daily("")),
        ordering_ms: Some(MS),
        signed_at: T,
        trace_id: Some(trace_id.to_owned()),
        reference: "large".to_owned(),
        delivery: Called::Answered(trace_id.to_owned()),
    };
    let reauth = r#"{"type":"user_reauth","new_user":{"user_id":"v"},"old_user":{"user_id":"u"}}"#;
    let mut truth = after(&[(reauth, Some(MS + 1), T)]);
    for trace_id in ["t:chunk:2", "t:chunk:1", "t:chunk:2"] {
        truth.take_in(&chunk(trace_id)).unwrap();
    }
    let requests = known(&truth).requests.expected();
    assert_eq!((requests.len(), requests[0].reference.as_str(), requests[0].seen), (1, "large", 2));
    let v = truth.find(&Owner::User("v".to_owned())).unwrap().1;
    assert_eq!(v.requests.expected(), []);
}

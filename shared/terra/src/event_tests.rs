use super::*;
use crate::time::UnixSeconds;

fn read(body: &[u8]) -> Event<'_> {
    Event::read(VerifiedBody::from_log(body, UnixSeconds(0)))
}

fn reason(body: &[u8]) -> Option<NotUnderstood> {
    match read(body).content {
        Content::NotUnderstood(reason) => Some(reason),
        _ => None,
    }
}

fn user() -> &'static str {
    r#""user":{"user_id":"u-1","provider":"GARMIN","reference_id":"r-1","scopes":"A,B"}"#
}

#[test]
fn a_data_event_lends_its_elements_as_sent() {
    let body = format!(r#"{{"type":"daily",{},"data":[ {{"a" : 1.50}},7 ,null]}}"#, user());
    let event = read(body.as_bytes());
    assert_eq!(event.event_type, EventType::Daily);
    assert_eq!(event.owner, Owner::User(UserId::new("u-1").unwrap()));
    let Content::Records { data_type: DataType::Daily, elements } = event.content else {
        panic!("{:?}", event.content)
    };
    assert_eq!(elements.iter().map(|element| element.get()).collect::<Vec<_>>(), [r#"{"a" : 1.50}"#, "7", "null"]);
}

#[test]
fn what_cannot_be_understood_says_why() {
    let cases: &[(&[u8], NotUnderstood)] = &[
        (b"\xff{}", NotUnderstood::NotUtf8),
        (b"", NotUnderstood::NotJson),
        (b"{", NotUnderstood::NotJson),
        (b"{} {}", NotUnderstood::NotJson),
        (b"\xef\xbb\xbf{}", NotUnderstood::NotJson),
        (br#"{"type":"daily","type":"sleep"}"#, NotUnderstood::NotJson),
        (b"[]", NotUnderstood::NotObject),
        (br#"["daily",{"user_id":"u"}]"#, NotUnderstood::NotObject),
        (b"\"daily\"", NotUnderstood::NotObject),
        (b"{}", NotUnderstood::NoType),
        (br#"{"type":7}"#, NotUnderstood::NoType),
        (br#"{"type":""}"#, NotUnderstood::NoType),
        (br#"{"type":"route"}"#, NotUnderstood::UnknownType),
        (br#"{"type":"daily","data":[]}"#, NotUnderstood::NoUser),
        (br#"{"type":"daily","user":{"user_id":""},"data":[]}"#, NotUnderstood::NoUser),
        (br#"{"type":"daily","user":"u","data":[]}"#, NotUnderstood::NoUser),
        (br#"{"type":"deauth","user":null}"#, NotUnderstood::NoUser),
        (br#"{"type":"daily","user":{"user_id":"u"}}"#, NotUnderstood::NoData),
        (br#"{"type":"daily","user":{"user_id":"u"},"data":null}"#, NotUnderstood::NoData),
        (br#"{"type":"daily","user":{"user_id":"u"},"data":"x"}"#, NotUnderstood::NoData),
        (br#"{"type":"athlete","user":{"user_id":"u"}}"#, NotUnderstood::NoData),
        (br#"{"type":"lab_report.completed"}"#, NotUnderstood::NoData),
        (br#"{"type":"s3_payload","url":""}"#, NotUnderstood::NoUrl),
        (br#"{"type":"s3_payload","url":null,"expires_in":300}"#, NotUnderstood::NoUrl),
    ];
    for (body, expected) in cases {
        assert_eq!(reason(body), Some(*expected), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn five_thousand_levels_are_only_as_deep_as_they_look() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(reason(deep.as_bytes()), Some(NotUnderstood::NotObject));
    assert_eq!(reason("[".repeat(5_000).as_bytes()), Some(NotUnderstood::NotJson));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    assert_eq!(reason(objects.as_bytes()), Some(NotUnderstood::NoType));
    let body = format!(r#"{{"type":"daily",{},"data":[{objects}],"user2":{deep}}}"#, user());
    let Content::Records { elements, .. } = read(body.as_bytes()).content else { panic!() };
    assert_eq!(elements[0].get(), objects);
    for field in ["type", "user", "data", "athlete", "status", "scopes"] {
        let body = format!(r#"{{"{field}":{deep}}}"#);
        assert!(reason(body.as_bytes()).is_some());
    }
}

#[test]
fn athletes_come_under_either_name_alone_or_listed() {
    for part in [r#""athlete":{"sex":"x"}"#, r#""data":{"sex":"x"}"#, r#""data":[{"sex":"x"}]"#] {
        let body = format!(r#"{{"type":"athlete",{},{part}}}"#, user());
        let Content::Records { data_type: DataType::Athlete, elements } = read(body.as_bytes()).content else {
            panic!()
        };
        assert_eq!(elements.len(), 1);
        assert_eq!(elements[0].get(), r#"{"sex":"x"}"#);
    }
}

#[test]
fn lab_reports_belong_to_a_reference_or_else_a_session() {
    let event = |data: &str| {
        format!(
            r#"{{"type":"lab_report.completed","event_id":"e","occurred_at":"2026-07-01T09:12:33Z","data":{data}}}"#
        )
    };
    let body = event(r#"{"session_id":"s","reference_id":"r"}"#);
    let report = read(body.as_bytes());
    assert_eq!(report.owner, Owner::Reference(ReferenceId::new("r").unwrap()));
    assert_eq!(report.event_id.unwrap().as_str(), "e");
    assert_eq!(report.occurred_at_ms, Some(1_782_897_153_000));
    let body = event(r#"{"session_id":"s","reference_id":""}"#);
    assert_eq!(read(body.as_bytes()).owner, Owner::Session(SessionId::new("s").unwrap()));
    assert_eq!(read(event("{}").as_bytes()).owner, Owner::Nobody);
    let flat = r#"{"type":"lab_report","session_id":"s","results":[]}"#;
    let report = read(flat.as_bytes());
    assert_eq!(report.owner, Owner::Session(SessionId::new("s").unwrap()));
    let Content::Records { data_type: DataType::LabReport, elements } = report.content else { panic!() };
    assert_eq!(elements[0].get(), flat);
}

#[test]
fn every_lifecycle_event_is_told_from_the_others() {
    for name in
        ["auth", "auth_success", "deauth", "access_revoked", "connection_error", "connexion_error", "permission_change"]
    {
        let body = format!(r#"{{"type":"{name}","status":"success",{}}}"#, user());
        assert!(matches!(read(body.as_bytes()).content, Content::Connection(_)), "{name}");
    }
    let failed = format!(r#"{{"type":"auth","status":"error",{}}}"#, user());
    assert!(matches!(read(failed.as_bytes()).content, Content::Operational));
    for name in
        ["auth_cancelled", "auth_failed", "healthcheck", "large_request_sending", "rate_limit_hit", "processing"]
    {
        let body = format!(r#"{{"type":"{name}","reference_id":"r"}}"#);
        let event = read(body.as_bytes());
        assert!(matches!(event.content, Content::Operational), "{name}");
        assert_eq!(event.owner, Owner::Reference(ReferenceId::new("r").unwrap()));
    }
}

#[test]
fn a_reauth_is_about_the_new_user_and_may_forget_the_old() {
    let old = |part: &str| format!(r#"{{"type":"user_reauth","new_user":{{"user_id":"n"}}{part}}}"#);
    for (part, expected) in [
        (r#","old_user":{"user_id":"o"}"#, Some("o")),
        (r#","old_user_id":"o""#, Some("o")),
        (r#","old_user":null"#, None),
        ("", None),
    ] {
        let body = old(part);
        let event = read(body.as_bytes());
        assert_eq!(event.owner, Owner::User(UserId::new("n").unwrap()));
        let Content::Connection(Lifecycle::Reauth { old }) = event.content else { panic!("{part}") };
        assert_eq!(old.as_ref().map(UserId::as_str), expected);
    }
    assert_eq!(reason(br#"{"type":"user_reauth","old_user":{"user_id":"o"}}"#), Some(NotUnderstood::NoUser));
}

#[test]
fn a_ping_says_where_the_body_lies_and_for_how_long() {
    for (rest, expected) in [(r#","expires_in":300"#, Some(300)), ("", None), (r#","expires_in":-1"#, None)] {
        let body = format!(r#"{{"type":"s3_payload","status":"success","url":"https://example.com/a?b=c"{rest}}}"#);
        let event = read(body.as_bytes());
        let Content::Ping(ping) = event.content else { panic!("{rest}") };
        assert_eq!((ping.url.as_ref(), ping.expires_in), ("https://example.com/a?b=c", expected));
        assert!(!format!("{ping:?}").contains("example"));
        assert_eq!(event.owner, Owner::Nobody);
    }
}

#[test]
fn a_large_request_is_known_by_its_reference() {
    for (rest, expected) in [
        (r#","reference":"r","expected_payloads":3"#, Some(("r", Some(3)))),
        (r#","reference":"r","expected_payloads":"3""#, Some(("r", None))),
        (r#","reference":"r""#, Some(("r", None))),
        (r#","expected_payloads":3"#, None),
    ] {
        for name in ["large_request_processing", "large_request_sending", "request_completed"] {
            let body = format!(r#"{{"type":"{name}",{}{rest}}}"#, user());
            let found = match read(body.as_bytes()).content {
                Content::Request(request) => Some((request.reference.into_owned(), request.expected)),
                Content::Operational => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected.map(|(reference, number)| (reference.to_owned(), number)), "{body}");
        }
    }
}

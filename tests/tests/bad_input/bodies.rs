//! Bodies that are not what they should be, as a whole or in one of their records.

use crate::kept::ends;
use serde_json::json;
use terrace_terra::EventType;

#[tokio::test]
async fn what_is_not_utf8_is_quarantined() {
    let cut: &[u8] = b"{\"type\":\"daily\",\"x\":\"\xf0\x9f\x98\"}";
    for body in [cut, b"\xff\xfe{\x00}\x00", b"{\"type\":\"daily\"}\xc0\x80", b"\xed\xa0\x80", &[0x80; 5_000]] {
        ends(body, "quarantined", Some("not_utf8")).await;
    }
}

#[tokio::test]
async fn what_is_not_json_is_quarantined() {
    let cut = r#"{"type":"daily","user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}"#;
    for body in [
        "",
        " ",
        "\u{0}",
        "hello",
        "<html></html>",
        "type=daily&user=u",
        "{",
        cut,
        "{\"type\":\"daily\",}",
        "{'type':'daily'}",
        "{\"type\":\"daily\",\"n\":NaN}",
        "{\"type\":\"daily\",\"n\":01}",
        "{\"type\":\"daily\",\"s\":\"a\nb\"}",
        "{\"type\":\"daily\"} {\"type\":\"daily\"}",
        "{\"type\":\"daily\",\"type\":\"sleep\"}",
        "\u{feff}{\"type\":\"daily\"}",
    ] {
        ends(body, "quarantined", Some("not_json")).await;
    }
}

#[tokio::test]
async fn what_is_no_object_is_quarantined() {
    for body in ["[]", "null", "7", "true", "\"daily\"", r#"[{"type":"daily"}]"#, " \n[1]"] {
        ends(body, "quarantined", Some("not_object")).await;
    }
}

#[tokio::test]
async fn what_has_no_type_is_quarantined() {
    let user = r#""user":{"user_id":"u"},"data":[{"metadata":{"start_time":"2026-07-01"}}]"#;
    for of_type in
        ["", r#""type":null,"#, r#""type":7,"#, r#""type":"","#, r#""type":["daily"],"#, r#""type":"\ud800","#]
    {
        let (terrace, answer) = ends(format!("{{{of_type}{user}}}"), "quarantined", Some("no_type")).await;
        assert_eq!(answer["event"], "unknown");
        let deliveries = terrace.read("/users/u/deliveries", &[]).await;
        assert_eq!(deliveries["deliveries"][0]["status"], "quarantined", "it lies with the user it names");
    }
    ends("{}", "quarantined", Some("no_type")).await;
}

#[tokio::test]
async fn an_unknown_type_is_ignored_and_marked() {
    for of_type in ["route", "Daily", "daily ", "unknown", "../daily", "😀", "daily\u{0}"] {
        let body =
            json!({"type": of_type, "user": {"user_id": "u"}, "data": [{"metadata": {"start_time": "2026-07-01"}}]});
        let (terrace, answer) = ends(body.to_string(), "ignored", Some("unknown_type")).await;
        assert_eq!(answer["event"], "unknown");
        let name = answer["delivery"].as_str().unwrap();
        assert_eq!(terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await.body, body.to_string());
        assert_eq!(terrace.get("/users/u", &[]).await.status, 404, "nothing but the log");
    }
}

#[tokio::test]
async fn operational_events_are_ignored() {
    let operational = EventType::ALL.iter().filter(|one| one.data_type().is_none());
    let lifecycle = ["auth", "deauth", "user_reauth", "access_revoked", "connection_error", "permission_change"];
    for one in operational.filter(|one| !lifecycle.contains(&one.name()) && one.name() != "s3_payload") {
        let (terrace, answer) = ends(json!({"type": one.name()}).to_string(), "ignored", None).await;
        assert_eq!((answer["event"].as_str(), terrace.items().await.len()), (Some(one.name()), 1));
    }
}

#[tokio::test]
async fn a_ping_that_leads_nowhere_is_quarantined() {
    for url in [json!({}), json!({"url": null}), json!({"url": 7})] {
        let mut body = json!({"type": "s3_payload", "expires_in": 600});
        body.as_object_mut().unwrap().extend(url.as_object().unwrap().clone());
        ends(body.to_string(), "quarantined", Some("no_url")).await;
    }
}

#[tokio::test]
async fn what_has_no_user_is_quarantined() {
    let data = EventType::ALL.iter().filter(|one| one.data_type().is_some() && !one.is_lab_report());
    let types: Vec<_> =
        data.map(|one| one.name()).chain(["auth", "deauth", "user_reauth", "permission_change"]).collect();
    for of_type in types {
        for user in ["", r#","user":null"#, r#","user":"u""#, r#","user":["u"]"#, r#","user":{}"#] {
            let body = format!(r#"{{"type":"{of_type}","data":[{{"metadata":{{"summary_id":"s"}}}}]{user}}}"#);
            ends(body, "quarantined", Some("no_user")).await;
        }
    }
    for id in ["null", "7", "\"\"", "[\"u\"]", "\"\\ud800\"", "{}"] {
        let body = format!(r#"{{"type":"sleep","user":{{"user_id":{id},"reference_id":"r"}},"data":[]}}"#);
        ends(body, "quarantined", Some("no_user")).await;
    }
}

#[tokio::test]
async fn what_has_no_data_is_quarantined_and_an_empty_list_is_not() {
    for data in ["", r#","data":null"#, r#","data":7"#, r#","data":"x""#, r#","data":false"#] {
        let body = format!(r#"{{"type":"daily","user":{{"user_id":"u"}}{data}}}"#);
        let (terrace, answer) = ends(&body, "quarantined", Some("no_data")).await;
        let name = answer["delivery"].as_str().unwrap();
        assert_eq!(terrace.get(&format!("/users/u/deliveries/{name}"), &[]).await.body, body);
    }
    let (terrace, answer) = ends(r#"{"type":"daily","user":{"user_id":"u"},"data":[]}"#, "stored", None).await;
    assert_eq!(answer["records"], json!({"stored": 0, "unchanged": 0, "stale": 0, "rejected": 0}));
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"], json!([]));
    for body in [r#"{"type":"athlete","user":{"user_id":"u"}}"#, r#"{"type":"lab_report.completed","data":null}"#] {
        ends(body, "quarantined", Some("no_data")).await;
    }
}

#[tokio::test]
async fn the_good_neighbours_of_what_is_no_record_are_stored() {
    let bad = r#"1,"x",null,[],[[]],true,{},{"metadata":null},{"metadata":[]},{"metadata":{"summary_id":null}},
        {"metadata":{"summary_id":7}},{"metadata":{"summary_id":""}},{"metadata":{"summary_id":"\udc00"}},
        {"metadata":{"summary_id":"a"},"metadata":{"summary_id":"b"}},{"summary_id":"s"}"#;
    let body = format!(
        r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{{"metadata":{{"summary_id":"first"}}}},{bad},
           {{"metadata":{{"summary_id":" "}}}},{{"n":1.50,"metadata":{{"summary_id":"last"}}}}]}}"#
    );
    let (terrace, answer) = ends(&body, "stored", Some("unidentified")).await;
    assert_eq!(answer["records"], json!({"stored": 3, "unchanged": 0, "stale": 0, "rejected": 15}));
    assert_eq!(terrace.lines.last()["RecordsRejected"], 15);
    let record = terrace.get("/users/u/records/activity/last", &[]).await;
    assert!(String::from_utf8_lossy(&record.body).contains(r#"{"n":1.50,"metadata":{"summary_id":"last"}}"#));
    assert_eq!(terrace.read("/users/u/records", &[]).await["records"].as_array().unwrap().len(), 3);

    let body = format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{bad}]}}"#);
    let (terrace, _) = ends(&body, "quarantined", Some("unidentified")).await;
    let listed = terrace.read("/users/u/deliveries", &[]).await;
    assert_eq!(listed["deliveries"][0]["status"], "quarantined");
}

/// Each type's element without what identifies it.
#[tokio::test]
async fn a_record_without_its_identifier_is_rejected() {
    let event =
        |of_type: &str, element: &str| format!(r#"{{"type":"{of_type}","user":{{"user_id":"u"}},"data":[{element}]}}"#);
    for of_type in ["activity", "health_observation"] {
        let element =
            r#"{"metadata":{"id":"x","start_time":"2026-07-01T00:00:00Z","end_time":"2026-07-02T00:00:00Z"}}"#;
        ends(event(of_type, element), "quarantined", Some("unidentified")).await;
    }
    for half in ["start_time", "end_time"] {
        let element = format!(r#"{{"metadata":{{"{half}":"2026-07-01T00:00:00Z"}}}}"#);
        ends(event("sleep", &element), "quarantined", Some("unidentified")).await;
    }
    for of_type in ["body", "daily", "nutrition", "menstruation"] {
        for start in ["", "2026-07-1", "2026-02-30T00:00:00Z", "01/07/2026 00:00", "yesterday, or so", "２０２６-07-01"]
        {
            let element = json!({"metadata": {"start_time": start, "summary_id": "s"}}).to_string();
            ends(event(of_type, &element), "quarantined", Some("unidentified")).await;
        }
    }
    ends(event("hormone", r#"{"metadata":{"summary_id":"s"}}"#), "quarantined", Some("unidentified")).await;
    ends(
        event("planned_workout", r#"{"metadata":{},"planned_date":"2026-07-01"}"#),
        "quarantined",
        Some("unidentified"),
    )
    .await;
    ends(r#"{"type":"lab_report.completed","data":{"x":1}}"#, "quarantined", Some("unidentified")).await;
    ends(r#"{"type":"athlete","user":{"user_id":"u"},"athlete":7}"#, "quarantined", Some("unidentified")).await;
}

/// Lists and objects within each other.
fn nest(depth: usize) -> String {
    format!("{}1{}", r#"[{"a":"#.repeat(depth / 2), "}]".repeat(depth / 2))
}

#[tokio::test]
async fn any_depth_is_kept() {
    for depth in [5_000, 100_000] {
        let deep = nest(depth);
        let record =
            format!(r#"{{"metadata":{{"summary_id":"s","start_time":"2026-07-01T00:00:00Z"}},"x":{deep},"n":1.0}}"#);
        let body = format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[{record}]}}"#);
        let (terrace, _) = ends(&body, "stored", None).await;
        let answer = terrace.get("/users/u/records/activity/s", &[]).await;
        assert_eq!(answer.status, 200);
        assert!(String::from_utf8_lossy(&answer.body).contains(&record), "{depth}");
        let listed = terrace.get("/users/u/records", &[]).await;
        assert!(String::from_utf8_lossy(&listed.body).contains(r#""n":1.0"#), "{depth}");

        for (at, status, mark) in [
            (format!(r#"{{"type":"activity","user":{{"user_id":"u","x":{deep}}},"data":[]}}"#), "stored", None),
            (format!(r#"{{"type":"activity","user":{{"user_id":"u"}},"data":[],"x":{deep}}}"#), "stored", None),
            (format!(r#"{{"type":"activity","user":{deep},"data":[]}}"#), "quarantined", Some("no_user")),
            (format!(r#"{{"type":{deep},"user":{{"user_id":"u"}}}}"#), "quarantined", Some("no_type")),
            (
                format!(r#"{{"type":"daily","user":{{"user_id":"u"}},"data":{deep}}}"#),
                "quarantined",
                Some("unidentified"),
            ),
            (deep.clone(), "quarantined", Some("not_object")),
            ("[".repeat(depth), "quarantined", Some("not_json")),
            (r#"{"type":"#.repeat(depth), "quarantined", Some("not_json")),
        ] {
            ends(at, status, mark).await;
        }
    }
}

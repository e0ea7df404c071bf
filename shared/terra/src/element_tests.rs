use super::*;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn id(data_type: DataType, json: &str) -> Result<String, Unidentified> {
    Element::read(data_type, &raw(json)).map(|element| element.identifier.as_str().to_owned())
}

#[test]
fn each_type_is_named_by_its_own_identifier() {
    use DataType as T;
    let cases = [
        (T::Activity, r#"{"metadata":{"summary_id":"s"}}"#, "s"),
        (T::Sleep, r#"{"metadata":{"summary_id":"s","start_time":"a","end_time":"b"}}"#, "s"),
        (T::Sleep, r#"{"metadata":{"summary_id":null,"start_time":"a","end_time":"b"}}"#, "a--b"),
        (T::HealthObservation, r#"{"metadata":{"summary_id":"s"}}"#, "s"),
        (T::PlannedWorkout, r#"{"planned_workout_id":"p","metadata":{"id":"i","summary_id":"s"}}"#, "p"),
        (T::PlannedWorkout, r#"{"planned_workout_id":"","metadata":{"id":"i","summary_id":"s"}}"#, "i"),
        (T::PlannedWorkout, r#"{"metadata":{"summary_id":"s"}}"#, "s"),
        (T::Daily, r#"{"metadata":{"start_time":"2026-07-01T00:00:00.000000+13:00"}}"#, "2026-07-01"),
        (T::Body, r#"{"metadata":{"start_time":"2026-07-01"}}"#, "2026-07-01"),
        (T::Nutrition, r#"{"metadata":{"start_time":"2026-07-01T23:59:59-11:00"}}"#, "2026-07-01"),
        (T::Menstruation, r#"{"metadata":{"start_time":"2026-07-01T"}}"#, "2026-07-01"),
        (T::Hormone, r#"{"timestamp":"2026-05-07T08:00:00+02:00"}"#, "2026-05-07T08:00:00+02:00"),
        (T::Athlete, "{}", "athlete"),
        (T::LabReport, r#"{"session_id":"297405620317847552"}"#, "297405620317847552"),
        (T::Activity, r#"{"metadata":{"summary_id":" "}}"#, " "),
        (T::Activity, r#"{"metadata":{"summary_id":"\u0000#/../é"}}"#, "\u{0}#/../é"),
    ];
    for (data_type, json, expected) in cases {
        assert_eq!(id(data_type, json).as_deref(), Ok(expected), "{data_type} {json}");
    }
}

#[test]
fn what_nothing_identifies_is_said_to_be_so() {
    for data_type in DataType::ALL {
        for json in ["null", "7", r#""x""#, "[]", r#"[{"metadata":{}}]"#, r#"{"metadata":{},"metadata":{}}"#] {
            assert_eq!(id(data_type, json), Err(Unidentified::NotAnObject), "{data_type} {json}");
        }
        if data_type == DataType::Athlete {
            continue;
        }
        for json in [
            "{}",
            r#"{"metadata":null}"#,
            r#"{"metadata":{"summary_id":"","start_time":"2026-02-30"}}"#,
            r#"{"metadata":{"summary_id":7,"start_time":7,"end_time":"x"},"timestamp":7,"session_id":7}"#,
            r#"{"metadata":{"summary_id":"\ud800"}}"#,
        ] {
            assert_eq!(id(data_type, json), Err(Unidentified::NoIdentifier), "{data_type} {json}");
        }
    }
}

#[test]
fn only_the_documented_marks_delete() {
    let deleted = |data_type, json: &str| Element::read(data_type, &raw(json)).unwrap().deleted;
    let upload = |n: i64| format!(r#"{{"metadata":{{"summary_id":"s","upload_type":{n}}}}}"#);
    let status = |n: i64| format!(r#"{{"metadata":{{"summary_id":"s"}},"observation_data":{{"status":{n}}}}}"#);
    for n in 0..=6 {
        assert_eq!(deleted(DataType::Activity, &upload(n)), n == 4);
        assert!(!deleted(DataType::Sleep, &upload(n)));
        assert_eq!(deleted(DataType::HealthObservation, &status(n)), n == 3);
        assert!(!deleted(DataType::Activity, &status(n)));
    }
}

#[test]
fn scores_that_are_null_or_odd_are_not_kept_apart() {
    let element =
        raw(r#"{"metadata":{"summary_id":"s"},"data_enrichment":{"sleep_score":81.50,"sleep_contributors":{"a":1},
            "readiness_score":null,"bad name":1,"":2,"naïve":3,"sleep_score_v2":0}}"#);
    let element = Element::read(DataType::Sleep, &element).unwrap();
    let kept: Vec<_> = element.scores.iter().map(|score| (score.name.as_ref(), score.value.get())).collect();
    assert_eq!(kept, [("sleep_score", "81.50"), ("sleep_contributors", r#"{"a":1}"#), ("sleep_score_v2", "0")]);
    let many: Vec<String> = (0..1_000).map(|n| format!(r#""s{n}":{n}"#)).collect();
    assert_eq!(scores(&raw(&format!("{{{}}}", many.join(",")))).len(), MAX_SCORES);
    assert_eq!(scores(&raw(&format!(r#"{{"s":"{}"}}"#, "x".repeat(MAX_SCORE_BYTES)))).len(), 0);
    assert_eq!(scores(&raw("[1,2]")).len(), 0);
}

#[test]
fn times_are_kept_as_sent() {
    let element = raw(r#"{"timestamp":"2026-05-07T08:00:00+02:00","metadata":{}}"#);
    let element = Element::read(DataType::Hormone, &element).unwrap();
    assert_eq!(element.start_time.as_deref(), Some("2026-05-07T08:00:00+02:00"));
    assert_eq!(element.end_time, None);
}

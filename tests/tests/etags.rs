//! Who has a record already is told so, without a look into the log; and whatever changes in it changes its tag.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use serde_json::{Value, json};
use terrace_runtime::http::Answer;
use terrace_tests::{Delivery, Terrace};

const ONE: &str = "/users/u/records/activity/a";
const LIST: &str = "/users/u/records";

fn activity(id: &str, steps: u64, strain: Value) -> Delivery {
    let samples: Vec<u64> = (0..9_000).map(|at| at * at * 7 % 99_991).collect();
    let record = json!({"metadata": {"summary_id": id}, "steps": steps, "samples": samples, "data_enrichment": {"strain": strain}});
    Delivery::new(json!({"type": "activity", "user": {"user_id": "u"}, "data": [record]}).to_string())
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

fn tag(answer: &Answer) -> String {
    header(answer, "etag").unwrap().to_owned()
}

/// Has a record look as if it had been written at one moment, whenever it was.
async fn written_at_once(terrace: &Terrace, record: &str) {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};
    let update = terrace.client.update_item().table_name(terrace_tests::terrace::TABLE);
    let update = update.key("user_id", S("u".to_owned())).key("record", S(record.to_owned()));
    let update = update.update_expression("SET updated_at = :at").expression_attribute_values(":at", N(AT.to_string()));
    update.send().await.unwrap();
}

const AT: u64 = 1_750_000_000_000;

#[tokio::test]
async fn a_record_that_is_as_it_was_is_not_sent_again() {
    let terrace = Terrace::new().await;
    terrace.accept(&activity("a", 1, json!(3)).ordered(AT)).await;
    for (path, asked) in [(ONE, &[][..]), (LIST, &[("id", "a")]), (LIST, &[("id", "a"), ("detail", "full")])] {
        let first = terrace.get(path, asked).await;
        let tag = tag(&first);
        assert!(tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'), "{tag} is a strong tag");
        assert_eq!(header(&first, "cache-control"), Some("private, no-cache"));
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
            let again = terrace.get_knowing(path, asked, &known).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path} {known}");
            assert_eq!(
                (header(&again, "etag"), header(&again, "cache-control")),
                (Some(tag.as_str()), Some("private, no-cache"))
            );
        }
        let other = terrace.get_knowing(path, asked, "\"other\"").await;
        assert_eq!((other.status, &other.body), (200, &first.body));
    }
    // Nothing was read from the bucket for it.
    let objects = terrace.objects("log/").await;
    assert_eq!(objects.len(), 1);
    let known = tag(&terrace.get(ONE, &[]).await);
    terrace.log.objects().remove(&objects[0]).await.unwrap();
    assert_eq!(terrace.get(ONE, &[]).await.status, 500, "the whole of it lay there");
    assert_eq!(terrace.get_knowing(ONE, &[], &known).await.status, 304);
}

#[tokio::test]
async fn whatever_changes_changes_the_tag() {
    let terrace = Terrace::new().await;
    terrace.accept(&activity("a", 1, json!(3)).ordered(AT + 9)).await;
    let mut tags = vec![tag(&terrace.get(ONE, &[]).await)];
    let steps = [
        ("a newer copy", activity("a", 2, json!(3)).ordered(AT + 20)),
        ("a score alone, from a copy that loses", activity("a", 1, json!(4)).ordered(AT + 10)),
    ];
    for (what, delivery) in steps {
        terrace.accept(&delivery).await;
        let answer = terrace.get_knowing(ONE, &[], tags.last().unwrap()).await;
        let fresh = if what.starts_with("a newer") { 200 } else { 304 };
        assert_eq!(answer.status, fresh, "{what}");
        tags.push(tag(&answer));
    }
    // The winning copy had no score: the older one's is written, apart.
    terrace.accept(&activity("b", 1, Value::Null).ordered(AT + 9)).await;
    let without = tag(&terrace.get("/users/u/records/activity/b", &[]).await);
    terrace.accept(&activity("b", 1, json!(7)).ordered(AT + 1)).await;
    let with = terrace.get_knowing("/users/u/records/activity/b", &[], &without).await;
    assert_eq!(with.status, 200, "a score is part of the record");
    assert_ne!(tag(&with), without);
    written_at_once(&terrace, "activity#b").await;
    let before = tag(&terrace.get("/users/u/records/activity/b", &[]).await);
    assert_ne!(before, tag(&with), "the time of writing stands in the answer");
    terrace.accept(&activity("b", 1, json!(8)).ordered(AT + 5)).await;
    written_at_once(&terrace, "activity#b").await;
    let after = terrace.get_knowing("/users/u/records/activity/b", &[], &before).await;
    assert_eq!(after.status, 200, "so is a newer value of one");
    // The same delivery again is the same record.
    let before = tag(&terrace.get(ONE, &[]).await);
    terrace.accept(&activity("a", 2, json!(3)).ordered(AT + 20)).await;
    assert_eq!(tag(&terrace.get(ONE, &[]).await), before);
}

#[tokio::test]
async fn different_answers_have_different_tags() {
    let terrace = Terrace::new().await;
    terrace.accept(&activity("a", 1, json!(3)).ordered(AT)).await;
    terrace.accept(&activity("b", 1, json!(3)).ordered(AT)).await;
    let mut tags = vec![
        tag(&terrace.get(ONE, &[]).await),
        tag(&terrace.get("/users/u/records/activity/b", &[]).await),
        tag(&terrace.get(LIST, &[("id", "a")]).await),
        tag(&terrace.get(LIST, &[("id", "none")]).await),
    ];
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    assert_eq!(terrace.get_knowing(LIST, &[("id", "none")], "*").await.status, 200, "there is nothing to have");
}

#[tokio::test]
async fn health_data_is_kept_by_nobody_on_the_way() {
    let terrace = Terrace::new().await;
    let stored = terrace.accept(&activity("a", 1, json!(3)).ordered(AT)).await;
    let body = format!("/users/u/deliveries/{}", stored["delivery"].as_str().unwrap());
    for path in ["/users", "/users/u", LIST, "/users/u/deliveries", &body, "/users/u/requests", "/users/nobody"] {
        assert_eq!(header(&terrace.get(path, &[]).await, "cache-control"), Some("private, no-store"), "{path}");
        assert_eq!(header(&terrace.get(path, &[]).await, "etag"), None, "{path}");
    }
    for gone in ["/users/u/records/activity/none", "/users/none/records/activity/a"] {
        assert_eq!(terrace.get_knowing(gone, &[], "*").await.status, 404);
    }
}

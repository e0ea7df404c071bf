//! What settings are taken for, and which stop the start.

use super::*;

const ALL: [(&str, &str); 5] = [
    (name::TABLE, "terrace"),
    (name::BUCKET, "terrace-log"),
    (name::QUEUE_URL, "https://sqs/terrace"),
    (name::PING_QUEUE_URL, "https://sqs/terrace-pings"),
    (name::SIGNING_SECRET, "s3cr3t-one, s3cr3t-two"),
];

fn read(changes: &[(&str, &str)]) -> Result<WebhookSettings, SettingError> {
    let find = |list: &[(&str, &str)], name: &str| {
        list.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    WebhookSettings::read(&|name| find(changes, name).or_else(|| find(&ALL, name)))
}

#[test]
fn defaults_stand_where_nothing_is_said() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.intake.tolerance, Tolerance::default());
    assert_eq!((settings.intake.log_days, settings.intake.max_body_bytes), (90, 10_485_760));
    assert!(matches!(settings.secrets, SecretsFrom::Given(list) if list.len() == 2));
    assert!(
        matches!(read(&[(name::SIGNING_SECRET, ""), (name::SECRETS_PARAMETER, "/terrace/secrets")]).unwrap().secrets,
        SecretsFrom::Parameter(name) if name == "/terrace/secrets")
    );
}

#[test]
fn no_secret_no_service() {
    assert_eq!(read(&[(name::SIGNING_SECRET, " ")]).unwrap_err(), SettingError::NoSecret);
    assert_eq!(read(&[(name::SIGNING_SECRET, "good-one,,")]).unwrap_err(), SettingError::EmptySecret);
    for known in [LOCAL_SECRET, "good-one, CHANGEME", "secret"] {
        assert_eq!(read(&[(name::SIGNING_SECRET, known)]).unwrap_err(), SettingError::PlaceholderSecret);
    }
    assert_eq!(given_secrets(LOCAL_SECRET, Placeholders::Accepted).unwrap().len(), 1);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for variable in [name::TABLE, name::BUCKET, name::QUEUE_URL, name::PING_QUEUE_URL] {
        assert!(read(&[(variable, "")]).unwrap_err().to_string().starts_with(variable));
    }
    for variable in [name::TOLERANCE_PAST, name::TOLERANCE_FUTURE, name::LOG_DAYS, name::MAX_BODY_BYTES] {
        for wrong in ["-1", "1.5", "soon", "99999999999999999999", "9999999999"] {
            let said = read(&[(variable, wrong)]).unwrap_err().to_string();
            assert!(said.starts_with(variable) && said.contains(" to "), "{said}");
        }
    }
    let said = read(&[(name::RETENTION, "forget")]).unwrap_err().to_string();
    assert_eq!(said, "TERRACE_RETENTION is neither keep nor erase");
    assert_eq!(read(&[(name::RETENTION, "Erase")]).unwrap().intake.retention, Retention::Erase);
    assert!(!format!("{:?}", read(&[]).unwrap()).contains("s3cr3t"));
    assert_eq!(read(&[]).unwrap().metrics_namespace, "Terrace");
    assert_eq!(read(&[(name::METRICS_NAMESPACE, "Terrace/dev")]).unwrap().metrics_namespace, "Terrace/dev");
    for wrong in [":dev", "AWS/{}", "a b", &"x".repeat(256)] {
        let said = read(&[(name::METRICS_NAMESPACE, wrong)]).unwrap_err().to_string();
        assert!(said.starts_with(name::METRICS_NAMESPACE), "{said}");
    }
}

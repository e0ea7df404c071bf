//! The client of Terra's API against what Terra's own OpenAPI document says: mock servers made from it, which refuse what
//! it does not allow to be asked. `make test-terra-api` starts them.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it has to be")]

use std::collections::BTreeSet;
use std::time::Duration;
use terrace_terra_api::{CachedTerra, HistoryType, Limits, Sent, Settings, TerraApi, TerraApiError};

/// How often each question is asked of the server that makes its answers up.
const ROUNDS: usize = 40;

fn terra(variable: &str) -> TerraApi {
    let url = std::env::var(variable).unwrap();
    let environment = |name: &str| match name {
        "TERRA_API_URL" => Some(url.clone()),
        _ => Some("of-the-tests".to_owned()),
    };
    let limits = Limits { per_second: 500, attempts: 1, ..Limits::default() };
    TerraApi::new(&Settings::read(&environment).unwrap().unwrap(), limits).unwrap()
}

async fn history(terra: &TerraApi, of: HistoryType) -> Sent {
    let (from, to) = ("2026-01-01".parse().unwrap(), "2026-03-01".parse().unwrap());
    terra.send_history("u", of, from, to).await.unwrap()
}

#[tokio::test]
async fn the_examples_of_the_document_are_understood() {
    let terra = terra("TERRA_API_EXAMPLES");
    let user = terra.user("u").await.unwrap();
    assert_eq!((user.provider.as_deref(), user.active), (Some("FITBIT"), Some(true)));
    assert_eq!(user.most_recent_data_at.unwrap().to_string(), "2024-01-19T23:00:00Z");
    let of_reference = terra.users_of_reference("r").await.unwrap();
    let all = terra.users().await.unwrap();
    assert_eq!((&of_reference[..], all.len()), (&[user.clone()][..], 1));
    assert!(terra.provider_user_id("u").await.unwrap().is_some());
    let view = CachedTerra::new(terra, Duration::from_secs(10)).user("u").await.known().unwrap();
    assert_eq!((&view.user, &view.athlete_error), (&user, &None));
}

#[tokio::test]
async fn whatever_the_document_allows_is_understood() {
    let terra = terra("TERRA_API_ANYTHING");
    let mut sent = BTreeSet::new();
    for _ in 0..ROUNDS {
        // The document allows a list here too, of anybody.
        match terra.user("u").await {
            Ok(user) => assert!(!user.user_id.is_empty()),
            Err(error) => assert_eq!(error.code(), "unreadable"),
        }
        match terra.users_of_reference("r").await {
            Ok(users) => assert!(!users.is_empty()),
            Err(error) => assert_eq!(error, TerraApiError::UnknownUser),
        }
        assert_eq!(terra.users_page(0).await.unwrap().unreadable, 0);
        drop(terra.provider_user_id("u").await.unwrap());
        for of in HistoryType::ALL {
            sent.insert(matches!(history(&terra, of).await, Sent::Inline { .. }));
        }
    }
    assert_eq!(sent.len(), 2, "both answers that the document has were seen");
}

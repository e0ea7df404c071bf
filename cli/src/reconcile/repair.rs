//! The event that was missed, as Terra would have sent it: signed, to the webhook, and so into the log.

use crate::client::{Client, refusal};
use crate::error::CommandError;
use crate::reconcile::drift::{Missed, Theirs};
use crate::reconcile::ours::Ours;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::time::Duration;
use terrace_runtime::settings::{Placeholders, given_secrets};
use terrace_terra::headers::{ORDERING, SIGNATURE, TRACE_ID};
use terrace_terra::signature::sign;
use terrace_terra::{SigningSecret, UnixSeconds};
use tokio::time::sleep;

/// How often a delivery is tried while the webhook asks to come again.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What the deliveries of repairs are called, so that nobody takes them for Terra's own.
pub const TRACE_PREFIX: &str = "terrace-reconcile-";

/// Sends what was missed.
#[derive(Debug)]
pub struct Mender<'c> {
    client: &'c Client,
    url: String,
    secret: SigningSecret,
    as_of: Timestamp,
}

impl<'c> Mender<'c> {
    /// One that says what was so at `as_of`: whatever happened since is newer, and stays.
    ///
    /// # Errors
    ///
    /// When the secret is none.
    pub fn new(client: &'c Client, secrets: &str, as_of: Timestamp) -> Result<Self, CommandError> {
        let secrets = given_secrets(secrets, Placeholders::Accepted);
        let secrets = secrets.map_err(|error| CommandError::Usage(error.to_string()))?;
        // Any of several is accepted.
        let secret = secrets.into_iter().next();
        let secret = secret.ok_or_else(|| CommandError::Usage("TERRA_SIGNING_SECRET is empty".to_owned()))?;
        Ok(Self { client, url: client.url(&["webhook"], &[])?, secret, as_of })
    }

    /// Sends the event that was missed.
    ///
    /// # Errors
    ///
    /// When the webhook does not take it.
    pub async fn send(&self, missed: Missed, theirs: &Theirs, ours: Option<&Ours>) -> Result<(), CommandError> {
        let body = body(missed, theirs, ours).to_string();
        let trace_id = format!("{TRACE_PREFIX}{:016x}", fastrand::u64(..));
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match self.post(&body, &trace_id).await {
                Err(CommandError::Refused { status: 429 | 503, .. } | CommandError::Unreachable { .. }) => {}
                done => return done,
            }
            sleep(wait).await;
            wait *= 2;
        }
        self.post(&body, &trace_id).await
    }

    async fn post(&self, body: &str, trace_id: &str) -> Result<(), CommandError> {
        let request = self.client.http().post(&self.url).header(CONTENT_TYPE, "application/json");
        let request = request.header(SIGNATURE, sign(&self.secret, UnixSeconds::now(), body.as_bytes()));
        let request = request.header(TRACE_ID, trace_id).header(ORDERING, self.as_of.as_millisecond());
        let response = request.body(body.to_owned()).send().await;
        let response = response.map_err(|cause| CommandError::Unreachable { url: self.url.clone(), cause })?;
        match response.status() {
            StatusCode::OK => Ok(()),
            StatusCode::UNAUTHORIZED => Err(CommandError::Refused {
                status: 401,
                code: "invalid_signature".to_owned(),
                message: "set TERRA_SIGNING_SECRET to the signing secret of this environment".to_owned(),
                body: Bytes::new(),
            }),
            _ => Err(refusal(response).await),
        }
    }
}

/// The body of an event, shaped as Terra's.
fn body(missed: Missed, theirs: &Theirs, ours: Option<&Ours>) -> Value {
    let terra = theirs.user.as_ref();
    let scopes = terra.and_then(|user| user.scopes.as_ref()).map(|scopes| scopes.names());
    let user = json!({
        "user_id": theirs.user_id,
        "provider": terra.and_then(|user| user.provider.as_deref()).or(ours.and_then(|ours| ours.provider.as_deref())),
        "reference_id": terra.and_then(|user| user.reference_id.as_deref()),
        "scopes": scopes.map(|names| names.join(",")),
        "active": missed != Missed::Deauth,
        "created_at": terra.and_then(|user| user.created_at).map(|moment| moment.to_string()),
        "last_webhook_update": terra.and_then(|user| user.last_webhook_update).map(|moment| moment.to_string()),
    });
    let message = "Sent by terrace reconcile: Terra's API says so, and its own event did not come";
    let status = if missed == Missed::PermissionChange { "warning" } else { "success" };
    let mut body = json!({
        "type": missed.name(), "status": status, "message": message, "version": "2022-03-16", "user": user,
    });
    if let (Missed::PermissionChange, Some(there), Some(members)) = (missed, scopes, body.as_object_mut()) {
        let held = ours.map(|ours| ours.scopes.as_slice()).unwrap_or_default();
        let without = |all: &[String], some: &[String]| {
            all.iter().filter(|name| !some.contains(name)).cloned().collect::<Vec<_>>().join(",")
        };
        members.insert("scopes_added".to_owned(), without(there, held).into());
        members.insert("scopes_removed".to_owned(), without(held, there).into());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_scopes_says_what_came_and_what_went() {
        let theirs = Theirs {
            user_id: "u".to_owned(),
            user: Some(terra_user(r#"{"user_id": "u", "provider": "GARMIN", "scopes": "B,C", "reference_id": "r"}"#)),
            named: false,
        };
        let ours = Ours { scopes: vec!["A".to_owned(), "B".to_owned()], ..Ours::default() };
        let body = body(Missed::PermissionChange, &theirs, Some(&ours));
        assert_eq!((&body["scopes_added"], &body["scopes_removed"]), (&json!("C"), &json!("A")));
        assert_eq!((&body["user"]["scopes"], &body["user"]["reference_id"]), (&json!("B,C"), &json!("r")));
    }

    fn terra_user(text: &str) -> terrace_terra_api::TerraUser {
        terrace_terra_api::TerraUser::from_json(&serde_json::from_str(text).unwrap()).unwrap()
    }
}

//! History that Terra is asked to send to the webhook.

use crate::client::TerraApi;
use crate::error::{TerraApiError, Unreadable};
use crate::users::{said_error, text};
use jiff::civil::Date;
use serde_json::Value;
use terrace_terra::DataType;

/// How many days one request may ask for. Terra page: Rate Limits.
pub const MAX_SPAN_DAYS: u32 = 1_825;
/// How many days may be asked for of one user within an hour, all requests together. Terra page: Rate Limits.
pub const MAX_DAYS_AN_HOUR: u32 = 6_000;
/// The longest acknowledgement, in bytes. A host that answers the data itself is let speak for a while.
const MAX_BYTES: usize = 64 * 1_024 * 1_024;

/// A type of data that Terra has history of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HistoryType(DataType);

impl HistoryType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self(DataType::Activity),
        Self(DataType::Body),
        Self(DataType::Daily),
        Self(DataType::Menstruation),
        Self(DataType::Nutrition),
        Self(DataType::Sleep),
    ];

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its name, which is its path too.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// What Terra says when it is asked for history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// It will send it to the webhook.
    ToWebhook {
        /// What the deliveries bear, so that they can be told.
        reference: Option<String>,
        /// Whether it comes in chunks, announced by `large_request_sending`.
        large: bool,
    },
    /// It answered the data itself, and sends nothing.
    Inline {
        /// How many records.
        records: usize,
    },
}

impl TerraApi {
    /// Asks Terra to send a user's history of one type to the webhook, from one day to another.
    ///
    /// # Errors
    ///
    /// [`TerraApiError::UnknownUser`] where there is no such user, and why Terra could not be asked.
    pub async fn send_history(
        &self,
        user_id: &str,
        of: HistoryType,
        from: Date,
        to: Date,
    ) -> Result<Sent, TerraApiError> {
        // Plain dates: Terra refuses moments.
        let (from, to) = (from.to_string(), to.to_string());
        let query = [
            ("user_id", user_id),
            ("start_date", &from),
            ("end_date", &to),
            ("to_webhook", "true"),
            // A copy without them would be the newer one, and take the place of one that has them.
            ("with_samples", "true"),
        ];
        let answer = self.ask(of.name(), &query, MAX_BYTES).await?;
        read(&answer.body, answer.reference)
    }
}

fn read(body: &Value, header: Option<String>) -> Result<Sent, TerraApiError> {
    if let Some(error) = said_error(body) {
        return Err(error);
    }
    if let Some(data) = body.get("data").and_then(Value::as_array) {
        return Ok(Sent::Inline { records: data.len() });
    }
    let reference = text(body, "reference").or_else(|| text(body, "trace_id")).map(str::to_owned).or(header);
    let kind = text(body, "type").unwrap_or_default();
    if reference.is_none() && text(body, "status").is_none() && kind.is_empty() {
        return Err(TerraApiError::Unreadable(Unreadable::Shape));
    }
    // The present host says so in a message that others lack, the old one by the type.
    let large = kind.starts_with("large_request")
        || text(body, "message").is_some_and(|said| {
            let said = said.to_ascii_lowercase();
            said.contains("large request") || said.contains("chunk")
        });
    Ok(Sent::ToWebhook { reference, large })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn acknowledgements_of_both_hosts() {
        let sent = |body: Value| read(&body, Some("from-the-header".to_owned())).unwrap();
        let to_webhook = |reference: &str, large| Sent::ToWebhook { reference: Some(reference.to_owned()), large };
        let present = json!({"status": "success", "type": "daily", "reference": "r", "trace_id": "r", "user": {}});
        assert_eq!(sent(present), to_webhook("r", false));
        let large = json!({"status": "success", "type": "daily", "reference": "r",
            "message": "Large request submitted. The data is being processed and will be sent in chunks"});
        assert_eq!(sent(large), to_webhook("r", true));
        let old = json!({"type": "large_request_processing", "status": "processing", "reference": "r"});
        assert_eq!(sent(old), to_webhook("r", true));
        assert_eq!(sent(json!({"status": "success"})), to_webhook("from-the-header", false));
        assert_eq!(sent(json!({"type": "daily", "data": [{}, {}], "user": {}})), Sent::Inline { records: 2 });
        let error = read(&json!({"status": "error", "message": "no"}), None).unwrap_err();
        assert_eq!(error, TerraApiError::Refused { status: 200, said: "no".to_owned() });
        assert_eq!(read(&json!([]), None).unwrap_err(), TerraApiError::Unreadable(Unreadable::Shape));
    }

    #[test]
    fn every_type_has_its_own_name() {
        assert!(HistoryType::ALL.into_iter().all(|one| HistoryType::from_name(one.name()) == Some(one)));
        assert_eq!(HistoryType::from_name("hormone"), None);
    }
}

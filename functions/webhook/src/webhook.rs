//! The handler.

use crate::{answer, report};
use http::Method;
use std::sync::Arc;
use terrace_ingest::plan::Envelope;
use terrace_ingest::{Ingest, Moment};
use terrace_runtime::http::{Answer, Request};
use terrace_runtime::settings::IntakeSettings;
use terrace_runtime::telemetry::{DeliveryLine, Outcome, Telemetry};
use terrace_store::{Secrets, StoreError};
use terrace_terra::signature::{Refusal, verify};
use terrace_terra::{DeliveryHeaders, VerifiedBody};

/// Where deliveries are posted.
const PATH: &str = "/webhook";

/// What receives deliveries.
#[derive(Debug)]
pub struct Webhook {
    secrets: Secrets,
    ingest: Ingest,
    intake: IntakeSettings,
    telemetry: Arc<Telemetry>,
}

/// Why a body was not verified.
enum NotVerified {
    /// It is not Terra's.
    Refused(Refusal),
    /// It may be, but the secrets that would tell cannot be read.
    Unknown(StoreError),
}

impl Webhook {
    /// A webhook that verifies with `secrets` and hands what is verified to `ingest`.
    pub fn new(secrets: Secrets, ingest: Ingest, intake: IntakeSettings, telemetry: Arc<Telemetry>) -> Self {
        Self { secrets, ingest, intake, telemetry }
    }

    /// The longest body it takes, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.intake.max_body_bytes
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request) -> Answer {
        self.handle_at(request, Moment::now()).await
    }

    /// The same, as of this moment.
    pub async fn handle_at(&self, request: &Request, moment: Moment) -> Answer {
        match (request.path.as_str(), &request.method) {
            (PATH, &Method::POST) => self.receive(request, moment).await,
            (PATH, _) => Answer::method_not_allowed("POST"),
            _ => Answer::no_such_path(),
        }
    }

    /// Says that a body of this length was over the limit. For servers that stop keeping a body there.
    pub fn too_large(&self, bytes: usize, moment: Moment) -> Answer {
        let line = DeliveryLine::new(Outcome::TooLarge, bytes, moment.came.elapsed());
        self.telemetry.delivery(&line, moment.now_ms);
        answer::too_large(self.intake.max_body_bytes)
    }

    async fn receive(&self, request: &Request, moment: Moment) -> Answer {
        let bytes = request.body.len();
        if bytes > self.intake.max_body_bytes {
            return self.too_large(bytes, moment);
        }
        let headers = DeliveryHeaders::read(|name| request.header(name));
        let body = match self.verified(&headers, &request.body, moment).await {
            Ok(body) => body,
            Err(NotVerified::Refused(refusal)) => {
                let line = DeliveryLine::new(Outcome::Refused(refusal), bytes, moment.came.elapsed());
                self.telemetry.delivery(&line, moment.now_ms);
                return answer::not_let_in();
            }
            Err(NotVerified::Unknown(error)) => {
                return self.given_back(None, &headers, bytes, moment, error.to_string());
            }
        };
        let age = Some(moment.seconds().0.saturating_sub(body.signed_at().0));
        match self.ingest.receive(Envelope::from(&headers), body, moment).await {
            Ok(receipt) => {
                let line = report::taken_in(&receipt, bytes, moment.came.elapsed());
                let line = DeliveryLine { signature_age: age, delivery: shown(&headers), ..line };
                self.telemetry.delivery(&line, moment.now_ms);
                answer::acknowledged(&receipt)
            }
            Err(error) => self.given_back(age, &headers, bytes, moment, error.to_string()),
        }
    }

    fn given_back(
        &self,
        signature_age: Option<u64>,
        headers: &DeliveryHeaders<'_>,
        bytes: usize,
        moment: Moment,
        error: String,
    ) -> Answer {
        let line = DeliveryLine::new(Outcome::Unavailable, bytes, moment.came.elapsed());
        let line = DeliveryLine { signature_age, delivery: shown(headers), error: Some(error), ..line };
        self.telemetry.delivery(&line, moment.now_ms);
        Answer::unavailable()
    }

    /// Verifies a body. A mismatch is believed only by secrets that were just read: there may be new ones.
    async fn verified<'b>(
        &self,
        headers: &DeliveryHeaders<'_>,
        body: &'b [u8],
        moment: Moment,
    ) -> Result<VerifiedBody<'b>, NotVerified> {
        let check = |secrets: &[_]| verify(headers.signature, body, secrets, moment.seconds(), self.intake.tolerance);
        match check(&self.secrets.current().await) {
            Ok(body) => Ok(body),
            Err(Refusal::Mismatch) => {
                let secrets = self.secrets.fresh().await.map_err(NotVerified::Unknown)?;
                check(&secrets).map_err(NotVerified::Refused)
            }
            Err(refusal) => Err(NotVerified::Refused(refusal)),
        }
    }
}

fn shown<'h>(headers: &'h DeliveryHeaders<'_>) -> Option<&'h str> {
    headers.trace_id.as_ref().map(|id| id.as_str())
}

//! The function that receives deliveries.

use std::process::ExitCode;
use std::sync::Arc;
use terrace_ingest::{Ingest, Policy};
use terrace_runtime::settings::{WebhookSettings, process_environment};
use terrace_runtime::telemetry::Telemetry;
use terrace_runtime::{lambda, parts};
use terrace_store::clients::Clients;
use terrace_webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let telemetry = Arc::new(Telemetry::stdout());
    match run(Arc::clone(&telemetry)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry.failure("start the webhook", &error);
            ExitCode::FAILURE
        }
    }
}

async fn run(telemetry: Arc<Telemetry>) -> Result<(), lambda::Error> {
    let settings = WebhookSettings::read(&process_environment)?;
    telemetry.count_in(settings.metrics_namespace);
    let clients = Clients::from_env(None).await?;
    let (table, log) = parts::view_and_log(&clients, &settings.places);
    let queue = parts::queues(&clients, &settings.queues);
    let secrets = parts::secrets(&clients, settings.secrets).await?;
    let policy = Policy { log_days: settings.intake.log_days, retention: settings.intake.retention };
    let ingest = Ingest::new(table, log, queue, policy);
    let webhook = Webhook::new(secrets, ingest, settings.intake, telemetry);
    let webhook = &webhook;
    lambda::serve(move |request| async move { webhook.handle(&request).await }).await
}

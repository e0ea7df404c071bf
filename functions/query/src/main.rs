//! The function that answers questions.

use std::process::ExitCode;
use std::sync::Arc;
use terrace_query::diagnosis::terra::Terra;
use terrace_query::diagnosis::terra_parameter::TerraOfParameter;
use terrace_query::{LargeAnswers, Query};
use terrace_runtime::settings::{QuerySettings, process_environment};
use terrace_runtime::telemetry::Telemetry;
use terrace_runtime::{lambda, parts};
use terrace_store::clients::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let telemetry = Arc::new(Telemetry::stdout());
    match run(Arc::clone(&telemetry)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry.failure("start the query function", &error);
            ExitCode::FAILURE
        }
    }
}

async fn run(telemetry: Arc<Telemetry>) -> Result<(), lambda::Error> {
    let settings = QuerySettings::read(&process_environment)?;
    let clients = Clients::from_env(None).await?;
    let (table, log) = parts::view_and_log(&clients, &settings.places);
    let queue = parts::queues(&clients, &settings.queues);
    let mut query = Query::new(table, log, queue, LargeAnswers::Redirected, telemetry);
    let given = Terra::configured(&process_environment)?;
    if let Some(witness) = given {
        query = query.with_witness(witness);
    } else if let Some(parameter) = &settings.terra_api_parameter {
        let parameter = parts::terra_api(&clients, parameter);
        query = query.with_witness(Arc::new(TerraOfParameter::new(parameter, &process_environment)?));
    }
    let query = &query;
    lambda::serve(move |request| async move { query.handle(&request).await }).await
}

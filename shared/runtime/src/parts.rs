//! The parts of a function, built for a fast start: the table's client at once, every other when first needed.

use crate::settings::{Places, QueueUrls, SecretsFrom};
use std::sync::Arc;
use terrace_store::clients::Clients;
use terrace_store::parameter::{Holds, SsmParameter};
use terrace_store::queue::{JobQueue, Queues, SqsQueue};
use terrace_store::receipts::Receipts;
use terrace_store::{KeptParameter, Log, Objects, Secrets, StoreError, Table};

/// The view and the log.
pub fn view_and_log(clients: &Clients, places: &Places) -> (Table, Log) {
    let table = Table::new(clients.dynamodb(), places.table.as_str());
    let log = Log::new(table.clone(), Arc::new(objects(clients, places)));
    (table, log)
}

/// The objects of the log.
pub fn objects(clients: &Clients, places: &Places) -> Objects {
    let (clients, bucket) = (clients.clone(), places.bucket.clone());
    Objects::new(move || clients.bucket(&bucket))
}

/// The queues of jobs and of pings, as one.
pub fn queues(clients: &Clients, urls: &QueueUrls) -> Arc<dyn JobQueue> {
    let queue = |url: &str| -> Arc<dyn JobQueue> {
        let clients = clients.clone();
        Arc::new(SqsQueue::new(url, move || clients.sqs()))
    };
    Arc::new(Queues { jobs: queue(&urls.jobs), pings: queue(&urls.pings) })
}

/// What was handed out of these queues.
pub fn receipts(clients: &Clients, urls: QueueUrls) -> Receipts {
    let clients = clients.clone();
    Receipts::new([urls.jobs, urls.pings], move || clients.sqs())
}

/// The signing secrets. Fails where there is none: no secret, no service.
///
/// # Errors
///
/// When the parameter cannot be read or holds no secret.
pub async fn secrets(clients: &Clients, from: SecretsFrom) -> Result<Secrets, StoreError> {
    match from {
        SecretsFrom::Given(list) => Ok(Secrets::fixed(list)),
        SecretsFrom::Parameter(name) => {
            let parameter = SsmParameter::new(clients.clone(), name, Holds::SigningSecrets);
            Secrets::read_from(Box::new(parameter)).await
        }
    }
}

/// As whom Terra's API is asked, read when it is first needed.
pub fn terra_api(clients: &Clients, parameter: &str) -> KeptParameter {
    KeptParameter::new(Box::new(SsmParameter::new(clients.clone(), parameter, Holds::TerraApi)))
}

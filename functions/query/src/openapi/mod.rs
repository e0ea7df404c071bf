//! The document of all that can be asked, OpenAPI 3.1: made from the types that are answered, and held to the routes by a
//! test.
//!
//! * [`paths`]: every path, with what it takes and answers.
//! * [`takes`]: the parameters.
//! * [`shapes`]: bodies whose types know nothing of documents.

pub mod paths;
pub mod shapes;
pub mod takes;

use utoipa::OpenApi;
use utoipa::openapi::{RefOr, Required};

/// Made of what the paths and the answers say.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Terrace",
        description = "Health data that Terra API sent, in your own account. In the cloud everything but /webhook and \
                       /health is asked with AWS signatures (SigV4); on a laptop it is open to that machine alone."
    ),
    paths(
        paths::webhook,
        paths::health,
        paths::openapi,
        paths::users,
        paths::user,
        paths::erase_user,
        paths::user_records,
        paths::user_record,
        paths::user_requests,
        paths::user_diagnosis,
        paths::user_deliveries,
        paths::user_delivery,
        paths::reference,
        paths::erase_reference,
        paths::reference_diagnosis,
        paths::reference_records,
        paths::reference_record,
        paths::replay,
        paths::job,
    ),
    tags(
        (name = "reading", description = "Connections, records and deliveries"),
        (name = "orders", description = "Erases and replays, and how far they are"),
        (name = "receiving", description = "What Terra calls"),
        (name = "self", description = "About the service"),
    )
)]
struct Document;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    // An order without a body is one too, which no type says.
    let replays = document.paths.paths.get_mut("/replays").and_then(|path| path.post.as_mut());
    if let Some(RefOr::T(body)) = replays.and_then(|replay| replay.request_body.as_mut()) {
        body.required = Some(Required::False);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{PATTERNS, Route};
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// The methods of each path, as the document has them.
    fn documented() -> BTreeMap<String, Vec<String>> {
        let document = serde_json::to_value(document()).unwrap();
        let methods = |item: &Value| item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else_is() {
        let mut routes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pattern in PATTERNS {
            let path = pattern.replace("{type}", "daily").replace(['{', '}'], "");
            let route = Route::read(&path).unwrap();
            let mut methods: Vec<_> = route.methods().split(", ").filter(|method| *method != "HEAD").collect();
            methods.sort_unstable_by_key(|method| ["DELETE", "GET", "POST"].iter().position(|one| one == method));
            routes.insert(pattern.to_owned(), methods.into_iter().map(str::to_owned).collect());
        }
        // The other function's.
        routes.insert("/webhook".to_owned(), vec!["POST".to_owned()]);
        let mut documented = documented();
        documented.values_mut().for_each(|methods| methods.sort());
        assert_eq!(documented, routes);
    }

    #[test]
    fn the_document_is_of_the_version_it_says() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
    }

    #[test]
    fn whatever_is_referred_to_is_there() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|member| references(member, found));
                }
                Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
                _ => {}
            }
        }
        let document = serde_json::to_value(document()).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
        }
    }
}

//! Combines the REST routes of all modules and their OpenAPI description.

mod completion;

use std::sync::Arc;

use axum::{Extension, Json, Router};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AppState, docs, health};
use crate::http::ErrorBody;
use crate::{accounts, admin, benchmark, history, jobs, prompts, providers};

const DESCRIPTION: &str = "Benchmarks for language models: speed, quality and cost.

Requests and responses are JSON. Send `Authorization: Bearer` with an access token or an API token. The body of an \
error is `{\"error\", \"detail\"}`: the same sentence twice. Times are Unix milliseconds.";

#[derive(OpenApi)]
#[openapi(
    info(title = "LLM Benchmark Studio", description = DESCRIPTION),
    servers((url = "/", description = "This server")),
    modifiers(&Bearer),
    security(("bearer" = [])),
    components(schemas(ErrorBody)),
    tags(
        (name = "accounts", description = "Signing in, sessions and tokens"),
        (name = "benchmark", description = "Measuring models"),
        (name = "history", description = "Finished benchmarks"),
        (name = "configuration", description = "Providers and models by key and id"),
        (name = "providers", description = "Providers by row"),
        (name = "models", description = "Models by row"),
        (name = "keys", description = "API keys, which can be saved but not read"),
        (name = "discovery", description = "Model lists and health of providers"),
        (name = "parameters", description = "Parameters that each provider supports"),
        (name = "prompts", description = "Prompt templates"),
        (name = "jobs", description = "Running, queued and finished jobs"),
        (name = "admin", description = "Administration, for admins only"),
        (name = "server", description = "Server"),
    )
)]
struct Description;

/// Adds the bearer authentication scheme.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The published description. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Published(pub Arc<Value>);

/// Returns all REST routes with their descriptions. Each module is added here.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(accounts::rest::routes())
        .merge(admin::rest::routes())
        .merge(jobs::rest::routes())
        .merge(benchmark::rest::routes())
        .merge(history::rest::routes())
        .merge(providers::rest::routes())
        .merge(prompts::rest::routes())
        .routes(routes!(health::health))
        .routes(routes!(description))
        .routes(routes!(docs::page))
}

/// Returns the routes and publishes the description.
pub fn routes() -> Router<AppState> {
    let (routes, description) = api().split_for_parts();
    routes.layer(Extension(Published(Arc::new(completion::complete(description)))))
}

/// OpenAPI description
///
/// The API in OpenAPI 3.1. See `/api/docs` for a readable page.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "server", security(()),
    responses((status = 200, description = "The description", body = Value))
)]
async fn description(Extension(Published(description)): Extension<Published>) -> Json<Arc<Value>> {
    Json(description)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn published() -> Value {
        completion::complete(api().into_openapi())
    }

    fn operations(description: &Value) -> impl Iterator<Item = (String, &Value)> {
        description["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            item.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
    }

    #[test]
    fn every_operation_has_a_summary_a_known_tag_and_a_unique_id() {
        let description = published();
        let tags: Vec<&Value> =
            description["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        let mut ids = HashSet::new();
        for (name, operation) in operations(&description) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{name}: `{id}` is another operation's too");
            assert!(operation["summary"].is_string(), "{name} has no summary");
            let own = operation["tags"].as_array().unwrap();
            assert!(own.len() == 1 && tags.contains(&&own[0]), "{name}: {own:?} is not among {tags:?}");
        }
    }

    #[test]
    fn every_reference_resolves() {
        fn check(part: &Value, description: &Value) {
            if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(description.pointer(pointer).is_some(), "{reference} is described nowhere");
            }
            match part {
                Value::Object(fields) => fields.values().for_each(|field| check(field, description)),
                Value::Array(items) => items.iter().for_each(|item| check(item, description)),
                _ => {}
            }
        }
        let description = published();
        check(&description, &description);
    }
}

//! Providers, models, keys and parameter rules over HTTP. `/api/config` and `/api/v2` are two views of the same
//! rows: the first identifies providers and models by their keys and ids, the second by row.

mod config;
mod config_models;
mod discovery;
mod environment;
mod fields;
mod keys;
mod models;
mod params;
mod providers;
#[cfg(test)]
mod tests;

use crate::providers::service::ProviderService;
use axum::extract::FromRef;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this module.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    ProviderService: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(config::get))
        .routes(routes!(config_models::add_model, config_models::change_model, config_models::delete_model))
        .routes(routes!(config::add_provider, config::change_provider, config::delete_provider))
        .routes(routes!(providers::list, providers::add))
        .routes(routes!(providers::get, providers::change, providers::delete))
        .routes(routes!(models::of_provider, models::add))
        .routes(routes!(models::list))
        .routes(routes!(models::change, models::delete))
        .routes(routes!(keys::list, keys::save, keys::delete))
        .routes(routes!(
            environment::list_environment,
            environment::set_environment,
            environment::unset_environment
        ))
        .routes(routes!(discovery::discover))
        .routes(routes!(discovery::lm_studio))
        .routes(routes!(discovery::health))
        .routes(routes!(params::registry))
        .routes(routes!(params::validate))
        .routes(routes!(params::seed))
}

/// Errors of these requests.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "describes the responses of `AppError`")]
enum Refusals {
    #[response(status = 400, description = "Understood, but it cannot be done; the body says why")]
    BadRequest,
    #[response(status = 401, description = "Not signed in")]
    Unauthenticated,
    #[response(status = 403, description = "Only admins, or only the provider's owner, may do this")]
    Forbidden,
    #[response(status = 404, description = "The user has no such provider or model")]
    NotFound,
    #[response(status = 409, description = "There is one of this name already")]
    Conflict,
    #[response(status = 422, description = "A field is missing, malformed or out of bounds")]
    Invalid,
}

/// Confirmation of a change, with the provider's key.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderDone {
    #[schema(example = "ok")]
    status: &'static str,
    provider_key: String,
}

impl ProviderDone {
    fn to(provider_key: impl Into<String>) -> Self {
        Self { status: "ok", provider_key: provider_key.into() }
    }
}

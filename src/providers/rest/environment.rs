//! `/api/env`: the API keys in the server's environment, read-only and for admins.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::AdminSession;
use crate::http::AppError;
use crate::providers::service::ProviderService;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Environment {
    keys: Vec<Variable>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Variable {
    #[schema(example = "OPENAI_API_KEY")]
    name: &'static str,
    /// An ellipsis and its last four characters; empty if it is not set.
    masked_value: String,
    is_set: bool,
}

/// List the server's keys
///
/// The environment variables that can contain an API key. Such a key is used only for a provider that an admin
/// shares, at its kind's default URL.
#[utoipa::path(
    get, path = "/api/env", tag = "keys",
    responses(
        (status = 200, body = Environment),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins can do this")
    )
)]
pub(super) async fn list_environment(
    State(service): State<ProviderService>,
    _: AdminSession,
) -> Json<Environment> {
    let found = service.environment().into_iter();
    let keys = found.map(|(name, masked)| Variable {
        name,
        is_set: masked.is_some(),
        masked_value: masked.unwrap_or_default(),
    });
    Json(Environment { keys: keys.collect() })
}

/// Change the server's environment (not supported)
///
/// Always rejected: changing the environment of a running server could expose all users' keys.
#[utoipa::path(
    put, path = "/api/env", tag = "keys",
    responses(
        (status = 400, description = "Always, with the reason"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins can do this")
    )
)]
pub(super) async fn set_environment(_: AdminSession) -> AppError {
    read_only()
}

/// Remove a variable from the server's environment (not supported)
#[utoipa::path(
    delete, path = "/api/env", tag = "keys",
    responses(
        (status = 400, description = "Always, with the reason"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins can do this")
    )
)]
pub(super) async fn unset_environment(_: AdminSession) -> AppError {
    read_only()
}

fn read_only() -> AppError {
    AppError::BadRequest(
        "The server's environment can't be changed here. Set the variable where the server is started and restart it, or save \
         the key for a provider with PUT /api/keys."
            .into(),
    )
}

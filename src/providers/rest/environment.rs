//! `/api/env`: which API keys the server's environment holds. Admins may look; what is in it is set
//! where the server is started.

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
    /// Its last four characters behind an ellipsis.
    masked_value: Option<String>,
    is_set: bool,
}

/// List the server's keys
///
/// The variables of the environment that can hold an API key. Such a key is used for a provider that an
/// admin shares, at its kind's own address, and nowhere else.
#[utoipa::path(
    get, path = "/api/env", tag = "keys",
    responses(
        (status = 200, body = Environment),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins may do this")
    )
)]
pub(super) async fn list_environment(
    State(service): State<ProviderService>,
    _: AdminSession,
) -> Json<Environment> {
    let found = service.environment().into_iter();
    let keys =
        found.map(|(name, masked_value)| Variable { name, is_set: masked_value.is_some(), masked_value });
    Json(Environment { keys: keys.collect() })
}

/// DetailBody: change the server's environment
///
/// A running program that rewrites its own environment opens a way to everybody's keys.
#[utoipa::path(
    put, path = "/api/env", tag = "keys",
    responses(
        (status = 400, description = "Always, with the reason"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins may do this")
    )
)]
pub(super) async fn set_environment(_: AdminSession) -> AppError {
    read_only()
}

/// DetailBody: remove from the server's environment
#[utoipa::path(
    delete, path = "/api/env", tag = "keys",
    responses(
        (status = 400, description = "Always, with the reason"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Only admins may do this")
    )
)]
pub(super) async fn unset_environment(_: AdminSession) -> AppError {
    read_only()
}

fn read_only() -> AppError {
    AppError::BadRequest(
        "The server's environment is set where it is started. Set the variable there and restart, or save \
         the key for one provider with PUT /api/keys."
            .into(),
    )
}

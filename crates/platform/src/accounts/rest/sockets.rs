//! `/api/auth/ws-ticket`: tickets for WebSockets.

use axum::Json;
use axum::extract::{FromRef, State};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::TAG;
use crate::accounts::service::{Accounts, TICKET_SECONDS};
use crate::accounts::session::Session;
use crate::http::{AppError, DetailBody};

pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::default().routes(routes!(create_ticket))
}

#[derive(Serialize, ToSchema)]
struct Ticket {
    /// Opens one WebSocket, at `/ws?ticket=…`.
    ticket: String,
    #[schema(example = 30)]
    expires_in_seconds: i64,
}

/// Create a ticket for a WebSocket
///
/// For clients that cannot send headers with a WebSocket. A ticket opens one connection within 30 seconds, if
/// the session or API token that requested it is still valid.
#[utoipa::path(
    post, path = "/api/auth/ws-ticket", tag = TAG,
    responses(
        (status = 200, description = "The ticket, shown only once", body = Ticket),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 429, description = "More than 60 within a minute; see Retry-After", body = DetailBody),
    )
)]
async fn create_ticket(State(accounts): State<Accounts>, session: Session) -> Result<Json<Ticket>, AppError> {
    let ticket = accounts.create_ticket(&session).await?.expose_secret().to_owned();
    Ok(Json(Ticket { ticket, expires_in_seconds: TICKET_SECONDS }))
}

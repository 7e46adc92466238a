//! `/api/auth/forgot-password` and `/api/auth/reset-password`.

use axum::Json;
use axum::extract::{FromRef, State};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::TAG;
use crate::accounts::Accounts;
use crate::http::client_ip::ClientInfo;
use crate::http::{AppError, Body};
use crate::http::{DetailBody, ErrorBody};

/// The routes of this file.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::default().routes(routes!(forgot_password)).routes(routes!(reset_password))
}

/// The outcome, as a sentence.
#[derive(Serialize, ToSchema)]
struct Message {
    message: &'static str,
}

#[derive(Deserialize, ToSchema)]
struct Forgotten {
    #[schema(format = "email", max_length = 254)]
    email: String,
}

/// Request a password reset link
///
/// It is mailed to the address if it has an account; the response does not disclose that. If email is not
/// configured, an admin can create a link.
#[utoipa::path(
    post, path = "/api/auth/forgot-password", tag = TAG, security(()),
    request_body = Forgotten,
    responses(
        (status = 200, description = "The next step; the same whether there is an account or not", body = Message),
        (status = 400, description = "The email address is invalid", body = ErrorBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many requests; see Retry-After", body = DetailBody),
    )
)]
async fn forgot_password(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    Body(body): Body<Forgotten>,
) -> Result<Json<Message>, AppError> {
    accounts.forgot_password(&body.email, peer.address).await?;
    let message = if accounts.sends_mail() {
        "If an account with this email address exists, we’ve sent it a reset link."
    } else {
        "Email isn’t set up on this server. Ask an admin for a reset link."
    };
    Ok(Json(Message { message }))
}

#[derive(Deserialize, ToSchema)]
struct NewPassword {
    /// The token of the link.
    #[schema(value_type = String)]
    token: SecretString,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    password: SecretString,
}

/// Reset the password
///
/// Ends all sessions and revokes all API tokens of the account.
#[utoipa::path(
    post, path = "/api/auth/reset-password", tag = TAG, security(()),
    request_body = NewPassword,
    responses(
        (status = 200, description = "The password was changed", body = Message),
        (status = 400, description = "The link has been used or has expired, or the password is invalid", body = ErrorBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many people are signing in; see Retry-After", body = DetailBody),
    )
)]
async fn reset_password(
    State(accounts): State<Accounts>,
    Body(body): Body<NewPassword>,
) -> Result<Json<Message>, AppError> {
    accounts.reset_password(body.token.expose_secret(), &body.password).await?;
    Ok(Json(Message { message: "Password changed. Sign in with the new password." }))
}

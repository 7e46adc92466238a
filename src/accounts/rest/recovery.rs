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

/// What has been done, in a sentence.
#[derive(Serialize, ToSchema)]
struct Message {
    message: &'static str,
}

#[derive(Deserialize, ToSchema)]
struct Forgotten {
    #[schema(format = "email", max_length = 254)]
    email: String,
}

/// Ask for a link to a new password
///
/// It is mailed to the address, if there is an account with it; the answer does not tell. Where the
/// server sends no mail an admin makes a link.
#[utoipa::path(
    post, path = "/api/auth/forgot-password", tag = TAG, security(()),
    request_body = Forgotten,
    responses(
        (status = 200, description = "What happens now; the same whether there is an account or not", body = Message),
        (status = 400, description = "It is no e-mail address", body = ErrorBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Asked too often; see Retry-After", body = DetailBody),
    )
)]
async fn forgot_password(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    Body(body): Body<Forgotten>,
) -> Result<Json<Message>, AppError> {
    accounts.forgot_password(&body.email, peer.address).await?;
    let message = if accounts.sends_mail() {
        "If there is an account with this e-mail address, a link to a new password is on its way to it."
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

/// Set a new password with a link's token
///
/// Ends all sessions and personal access tokens of the account.
#[utoipa::path(
    post, path = "/api/auth/reset-password", tag = TAG, security(()),
    request_body = NewPassword,
    responses(
        (status = 200, description = "The password is set: sign in with it", body = Message),
        (status = 400, description = "The link is used up or expired, or the password cannot be used", body = ErrorBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many people are signing in at this moment; see Retry-After", body = DetailBody),
    )
)]
async fn reset_password(
    State(accounts): State<Accounts>,
    Body(body): Body<NewPassword>,
) -> Result<Json<Message>, AppError> {
    accounts.reset_password(body.token.expose_secret(), &body.password).await?;
    Ok(Json(Message { message: "Password changed. Sign in with the new password." }))
}

//! `/api/admin/*` for users, their limits, invitations and the installation's settings.

use axum::Json;
use axum::extract::{FromRef, State};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{AdminService, invitation_path};
use super::types::{InstallationSettings, UserPage};
use crate::accounts::rest::Done;
use crate::accounts::{AdminSession, Invitation, NewInvitationRequest, Role, UserId};
use crate::http::{AppError, Body, BodyOr400, Path, Query};
use crate::http::{DetailBody, ErrorBody};
use crate::limits::RateLimit;
use crate::times;

const TAG: &str = "admin";
const DEFAULT_PAGE: i64 = 100;
const INVITATION_DAYS: i64 = 7;

/// The routes of this file.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AdminService: FromRef<S>,
{
    OpenApiRouter::default()
        .routes(routes!(list_users))
        .routes(routes!(set_role))
        .routes(routes!(delete_user))
        .routes(routes!(password_link))
        .routes(routes!(rate_limit_of, set_rate_limit))
        .routes(routes!(settings, set_settings))
        .routes(routes!(list_invitations, invite))
        .routes(routes!(withdraw_invitation))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UserQuery {
    /// Page size, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 100)]
    limit: Option<i64>,
    /// The id of the last user of the previous page.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
}

/// List users
#[utoipa::path(
    get, path = "/api/admin/users", tag = TAG, params(UserQuery),
    responses(
        (status = 200, description = "Oldest first", body = UserPage),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 422, description = "The limit is out of bounds", body = DetailBody),
    )
)]
async fn list_users(
    State(admin): State<AdminService>,
    _: AdminSession,
    Query(query): Query<UserQuery>,
) -> Result<Json<UserPage>, AppError> {
    Ok(Json(admin.users(query.after.as_ref(), query.limit.unwrap_or(DEFAULT_PAGE)).await?))
}

#[derive(Deserialize, ToSchema)]
struct NewRole {
    role: Role,
}

/// Change a user's role
///
/// Ends the user's sessions, unless they have this role already.
#[utoipa::path(
    put, path = "/api/admin/users/{id}/role", tag = TAG,
    params(("id" = String, Path, description = "The user's id")), request_body = NewRole,
    responses(
        (status = 200, description = "Given", body = Done),
        (status = 400, description = "It is your own account, or there is no such role", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such user", body = ErrorBody),
    )
)]
async fn set_role(
    State(admin): State<AdminService>,
    AdminSession(session): AdminSession,
    Path(user): Path<UserId>,
    BodyOr400(NewRole { role }): BodyOr400<NewRole>,
) -> Result<Json<Done>, AppError> {
    admin.accounts().set_role(session.user_id(), &user, role).await?;
    Ok(Done::ok())
}

/// Delete a user and all their data
#[utoipa::path(
    delete, path = "/api/admin/users/{id}", tag = TAG,
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, description = "Deleted", body = Done),
        (status = 400, description = "It is your own account", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such user", body = ErrorBody),
    )
)]
async fn delete_user(
    State(admin): State<AdminService>,
    AdminSession(session): AdminSession,
    Path(user): Path<UserId>,
) -> Result<Json<Done>, AppError> {
    admin.accounts().delete_other(session.user_id(), &user).await?;
    Ok(Done::ok())
}

/// A password reset link.
#[derive(Serialize, ToSchema)]
struct CreatedPasswordLink {
    /// Shown only once.
    token: String,
    /// The page for the token, as a path on this server.
    #[schema(example = "/reset-password?token=…")]
    path: String,
    #[serde(flatten, with = "times::expires_at")]
    #[schema(value_type = times::expires_at::ExpiresAt)]
    expires_at: i64,
}

/// Create a password reset link for a user
///
/// For users who forgot their password, if the server sends no mail. It is valid for 24 hours and one use, and
/// replaces an older one.
#[utoipa::path(
    post, path = "/api/admin/users/{id}/password-link", tag = TAG,
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The link; its token is shown only once", body = CreatedPasswordLink),
        (status = 400, description = "It is your own account", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such user", body = ErrorBody),
    )
)]
async fn password_link(
    State(admin): State<AdminService>,
    AdminSession(session): AdminSession,
    Path(user): Path<UserId>,
) -> Result<Json<CreatedPasswordLink>, AppError> {
    let link = admin.accounts().password_link(session.user_id(), &user).await?;
    let (path, expires_at) = (link.path(), link.expires_at);
    Ok(Json(CreatedPasswordLink { token: link.token.expose_secret().to_owned(), path, expires_at }))
}

/// Get a user's limits
#[utoipa::path(
    get, path = "/api/admin/users/{id}/rate-limit", tag = TAG,
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The limits that were set, or the defaults", body = RateLimit),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such user", body = ErrorBody),
    )
)]
async fn rate_limit_of(
    State(admin): State<AdminService>,
    _: AdminSession,
    Path(user): Path<UserId>,
) -> Result<Json<RateLimit>, AppError> {
    Ok(Json(admin.rate_limit(&user).await?))
}

#[derive(Deserialize, ToSchema)]
struct NewRateLimit {
    /// Benchmarks started in any hour.
    #[schema(minimum = 1, maximum = 100_000)]
    benchmarks_per_hour: Option<i64>,
    /// Jobs that run at once.
    #[schema(minimum = 1, maximum = 50)]
    max_concurrent: Option<i64>,
    /// Runs of one model and tier in a benchmark.
    #[schema(minimum = 1, maximum = 100)]
    max_runs_per_benchmark: Option<i64>,
}

/// Set a user's limits
///
/// Missing numbers are set to their defaults.
#[utoipa::path(
    put, path = "/api/admin/users/{id}/rate-limit", tag = TAG,
    params(("id" = String, Path, description = "The user's id")), request_body = NewRateLimit,
    responses(
        (status = 200, description = "Set", body = Done),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such user", body = ErrorBody),
        (status = 422, description = "A number is out of bounds", body = DetailBody),
    )
)]
async fn set_rate_limit(
    State(admin): State<AdminService>,
    _: AdminSession,
    Path(user): Path<UserId>,
    Body(new): Body<NewRateLimit>,
) -> Result<Json<Done>, AppError> {
    let usual = admin.default_rate_limit();
    let limit = RateLimit {
        benchmarks_per_hour: new.benchmarks_per_hour.unwrap_or(usual.benchmarks_per_hour),
        max_concurrent: new.max_concurrent.unwrap_or(usual.max_concurrent),
        max_runs_per_benchmark: new.max_runs_per_benchmark.unwrap_or(usual.max_runs_per_benchmark),
    };
    admin.set_rate_limit(&user, &limit).await?;
    Ok(Done::ok())
}

/// Get the installation's settings
#[utoipa::path(
    get, path = "/api/admin/settings", tag = TAG,
    responses(
        (status = 200, description = "Current settings", body = InstallationSettings),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
    )
)]
async fn settings(
    State(admin): State<AdminService>,
    _: AdminSession,
) -> Result<Json<InstallationSettings>, AppError> {
    Ok(Json(admin.settings().await?))
}

/// Change the installation's settings
#[utoipa::path(
    put, path = "/api/admin/settings", tag = TAG, request_body = InstallationSettings,
    responses(
        (status = 200, description = "Changed", body = Done),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 422, description = "A field is missing or unknown", body = DetailBody),
    )
)]
async fn set_settings(
    State(admin): State<AdminService>,
    _: AdminSession,
    Body(new): Body<InstallationSettings>,
) -> Result<Json<Done>, AppError> {
    admin.set_settings(new).await?;
    Ok(Done::ok())
}

#[derive(Serialize, ToSchema)]
struct Invitations {
    invitations: Vec<Invitation>,
}

/// List pending invitations
#[utoipa::path(
    get, path = "/api/admin/invitations", tag = TAG,
    responses(
        (status = 200, description = "The newest 100", body = Invitations),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
    )
)]
async fn list_invitations(
    State(admin): State<AdminService>,
    _: AdminSession,
) -> Result<Json<Invitations>, AppError> {
    Ok(Json(Invitations { invitations: admin.accounts().open_invitations().await? }))
}

#[derive(Deserialize, ToSchema)]
struct NewInvitation {
    /// Email address of the only user who may use it.
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    #[schema(minimum = 1, maximum = 30, default = 7)]
    expires_in_days: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct CreatedInvitation {
    /// Shown only once.
    token: String,
    /// The page for the token, as a path on this server.
    #[schema(example = "/register?invitation=…")]
    path: String,
    #[serde(flatten)]
    invitation: Invitation,
}

/// Create an invitation
#[utoipa::path(
    post, path = "/api/admin/invitations", tag = TAG, request_body = NewInvitation,
    responses(
        (status = 200, description = "The invitation; its token is shown only once", body = CreatedInvitation),
        (status = 400, description = "The email address is invalid", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 422, description = "A field is out of bounds", body = DetailBody),
    )
)]
async fn invite(
    State(admin): State<AdminService>,
    AdminSession(session): AdminSession,
    Body(new): Body<NewInvitation>,
) -> Result<Json<CreatedInvitation>, AppError> {
    let days = new.expires_in_days.unwrap_or(INVITATION_DAYS);
    let request = NewInvitationRequest { email: new.email, days };
    let (token, invitation) = admin.accounts().invite(session.user_id(), &request).await?;
    let token = token.expose_secret().to_owned();
    Ok(Json(CreatedInvitation { path: invitation_path(&token), token, invitation }))
}

/// Revoke an invitation
#[utoipa::path(
    delete, path = "/api/admin/invitations/{id}", tag = TAG,
    params(("id" = String, Path, description = "The invitation's id")),
    responses(
        (status = 200, description = "Withdrawn", body = Done),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "Not an admin", body = DetailBody),
        (status = 404, description = "There is no such invitation", body = ErrorBody),
    )
)]
async fn withdraw_invitation(
    State(admin): State<AdminService>,
    _: AdminSession,
    Path(id): Path<String>,
) -> Result<Json<Done>, AppError> {
    admin.accounts().withdraw_invitation(&id).await?;
    Ok(Done::ok())
}

//! `/api/auth/*`: accounts for scripts and browsers.

mod oidc;
mod recovery;
mod sockets;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cookies;
use super::next_page::next_page;
use super::service::{Accounts, NewAccount, SignedIn};
use super::session::Session;
use super::types::{AccessToken, User};
use crate::http::client_ip::ClientInfo;
use crate::http::{AppError, Body, Path, Query};
use crate::http::{DetailBody, ErrorBody};

const TAG: &str = "accounts";
const CLI_TOKEN_DAYS: i64 = 30;
const CLI_TOKEN_NAME: &str = "Command line";

/// The routes of this file.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(renew))
        .routes(routes!(logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(delete_account))
        .routes(routes!(create_cli_token))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
        .routes(routes!(onboarding_status))
        .routes(routes!(complete_onboarding))
        .merge(oidc::routes())
        .merge(recovery::routes())
        .merge(sockets::routes())
}

#[derive(Deserialize, ToSchema)]
struct RegistrationRequest {
    /// At most 254 characters; case does not count.
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    password: SecretString,
    /// The token of an invitation link, where registration is by invitation.
    #[schema(value_type = Option<String>)]
    invitation: Option<SecretString>,
    /// The token that the server printed at its start, for the first admin; see `docs/serving.md`.
    #[schema(value_type = Option<String>, max_length = 100)]
    setup_token: Option<SecretString>,
}

#[derive(Deserialize, ToSchema)]
struct Credentials {
    #[schema(format = "email")]
    email: String,
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

/// The user and an access token, valid for 24 hours.
#[derive(Serialize, ToSchema)]
struct SignedInBody {
    user: User,
    access_token: String,
}

#[derive(Serialize, ToSchema)]
struct Me {
    user: User,
}

/// Confirmation of a change.
#[derive(Serialize, ToSchema)]
pub struct Done {
    #[schema(example = "ok")]
    status: &'static str,
}

impl Done {
    pub fn ok() -> Json<Self> {
        Json(Self { status: "ok" })
    }
}

fn kept(
    accounts: &Accounts,
    signed_in: SignedIn,
    headers: &HeaderMap,
    peer: ClientInfo,
) -> impl IntoResponse + use<> {
    let cookies = set_cookies(accounts.cookies().after_sign_in(&signed_in, headers, peer.secure));
    let access_token = signed_in.access_token.expose_secret().to_owned();
    (cookies, Json(SignedInBody { user: signed_in.user, access_token }))
}

fn set_cookies(cookies: Vec<HeaderValue>) -> AppendHeaders<Vec<(http::HeaderName, HeaderValue)>> {
    AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect())
}

/// Create an account
///
/// The first account of an installation becomes admin. If the server can be reached from other machines, or
/// `ADMIN_EMAIL` is set, it needs the setup token. Also sets the session cookies.
#[utoipa::path(
    post, path = "/api/auth/register", tag = TAG, security(()),
    request_body = RegistrationRequest,
    responses(
        (status = 200, description = "The account was created and is signed in", body = SignedInBody),
        (status = 400, description = "The email address, the password or the invitation is invalid", body = ErrorBody),
        (status = 403, description = "Registration is closed or by invitation, or the setup token is missing or wrong", body = DetailBody),
        (status = 409, description = "The email address is already in use", body = ErrorBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many attempts; see Retry-After", body = DetailBody),
    )
)]
async fn register(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    headers: HeaderMap,
    Body(body): Body<RegistrationRequest>,
) -> Result<impl IntoResponse, AppError> {
    let RegistrationRequest { email, password, invitation, setup_token } = body;
    let new = NewAccount { email, password, invitation, setup_token, local: peer.local };
    let signed_in = accounts.register(new, peer.address).await?;
    Ok(kept(&accounts, signed_in, &headers, peer))
}

/// Sign in
///
/// Also sets the session cookies.
#[utoipa::path(
    post, path = "/api/auth/login", tag = TAG, security(()),
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = SignedInBody),
        (status = 401, description = "Wrong email or password", body = DetailBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many attempts; see Retry-After", body = DetailBody),
    )
)]
async fn login(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    headers: HeaderMap,
    Body(body): Body<Credentials>,
) -> Result<impl IntoResponse, AppError> {
    let devices = accounts.cookies().devices(&headers, peer.secure);
    let signed_in = accounts.sign_in_on(&devices, &body.email, &body.password, peer.address).await?;
    Ok(kept(&accounts, signed_in, &headers, peer))
}

/// Get a new access token
///
/// Takes the refresh token from its cookie and replaces it: each can be used once.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = TAG, security(()),
    responses(
        (status = 200, description = "A new access token", body = SignedInBody),
        (status = 401, description = "The session has ended", body = DetailBody),
    )
)]
async fn refresh(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    headers: HeaderMap,
) -> Result<impl IntoResponse, AppError> {
    let token = cookies::refresh_token(&headers, peer.secure).ok_or(AppError::Unauthenticated)?;
    let signed_in = accounts.refresh(token.expose_secret()).await?;
    Ok(kept(&accounts, signed_in, &headers, peer))
}

#[derive(Deserialize, IntoParams)]
struct Renewal {
    /// The page to redirect to afterwards; a path on this server.
    next: Option<String>,
}

/// Get a new access token and redirect to a page
///
/// Browsers that request a page without a valid access token are redirected here.
#[utoipa::path(
    get, path = "/api/auth/renew", tag = TAG, security(()),
    params(Renewal),
    responses((status = 303, description = "Redirect to the page, or to the sign-in page"))
)]
async fn renew(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    headers: HeaderMap,
    Query(Renewal { next }): Query<Renewal>,
) -> Result<Response, AppError> {
    let next = next_page(next.as_deref());
    if let Some(token) = cookies::refresh_token(&headers, peer.secure) {
        match accounts.refresh(token.expose_secret()).await.map_err(AppError::from) {
            Ok(signed_in) => {
                let cookies = accounts.cookies().after_sign_in(&signed_in, &headers, peer.secure);
                let cookies = set_cookies(cookies);
                return Ok((cookies, Redirect::to(next)).into_response());
            }
            Err(AppError::SignInFailed(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let login = Redirect::to(&format!("/login?{query}"));
    Ok((set_cookies(cookies::forget(peer.secure)), login).into_response())
}

/// Sign out
///
/// Ends the session of the request's token or cookies.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = TAG,
    responses((status = 200, description = "Signed out", body = Done))
)]
async fn logout(
    State(accounts): State<Accounts>,
    peer: ClientInfo,
    session: Option<Session>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, AppError> {
    let refresh_token = cookies::refresh_token(&headers, peer.secure);
    accounts.sign_out(session.as_ref(), refresh_token.as_ref()).await?;
    Ok((set_cookies(cookies::forget(peer.secure)), Done::ok()))
}

/// Get the current user
#[utoipa::path(
    get, path = "/api/auth/me", tag = TAG,
    responses(
        (status = 200, description = "The account of this request", body = Me),
        (status = 401, description = "Not signed in", body = DetailBody),
    )
)]
async fn me(session: Session) -> Json<Me> {
    Json(Me { user: session.user })
}

#[derive(Deserialize, ToSchema)]
struct PasswordChange {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256)]
    new_password: SecretString,
}

/// Change the password
///
/// Ends all sessions and revokes all API tokens of the account; the response starts a new session. An API token
/// cannot do this.
#[utoipa::path(
    post, path = "/api/auth/change-password", tag = TAG,
    request_body = PasswordChange,
    responses(
        (status = 200, description = "Changed; a new session", body = SignedInBody),
        (status = 400, description = "The current password is wrong, or the new one is invalid", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "With an API token", body = DetailBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many attempts; see Retry-After", body = DetailBody),
    )
)]
async fn change_password(
    State(accounts): State<Accounts>,
    session: Session,
    peer: ClientInfo,
    headers: HeaderMap,
    Body(body): Body<PasswordChange>,
) -> Result<impl IntoResponse, AppError> {
    let changed = accounts.change_password(&session, &body.current_password, &body.new_password).await?;
    Ok(kept(&accounts, changed, &headers, peer))
}

#[derive(Deserialize, ToSchema)]
struct AccountDeletion {
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

/// Delete your account
///
/// An API token cannot do this.
#[utoipa::path(
    delete, path = "/api/auth/account", tag = TAG,
    request_body = AccountDeletion,
    responses(
        (status = 200, description = "The account was deleted", body = Done),
        (status = 400, description = "The password is wrong, or you are the only admin", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "With an API token", body = DetailBody),
        (status = 422, description = "A field is missing or malformed", body = DetailBody),
        (status = 429, description = "Too many attempts; see Retry-After", body = DetailBody),
    )
)]
async fn delete_account(
    State(accounts): State<Accounts>,
    session: Session,
    peer: ClientInfo,
    Body(body): Body<AccountDeletion>,
) -> Result<impl IntoResponse, AppError> {
    accounts.delete_own(&session, &body.password).await?;
    Ok((set_cookies(cookies::forget(peer.secure)), Done::ok()))
}

#[derive(Serialize, ToSchema)]
struct CliToken {
    /// Shown only once.
    token: String,
    #[schema(example = 30)]
    expires_in_days: i64,
}

/// Create an API token for the command line
///
/// Needs a session with a recent sign-in. An API token cannot create another.
#[utoipa::path(
    post, path = "/api/auth/cli-token", tag = TAG,
    responses(
        (status = 200, description = "A token valid for 30 days", body = CliToken),
        (status = 400, description = "The limit of tokens is reached", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "With an API token, or the last sign-in was more than 15 minutes ago", body = DetailBody),
    )
)]
async fn create_cli_token(
    State(accounts): State<Accounts>,
    session: Session,
) -> Result<Json<CliToken>, AppError> {
    let (token, _) = accounts.create_token(&session, CLI_TOKEN_NAME, CLI_TOKEN_DAYS).await?;
    Ok(Json(CliToken { token: token.expose_secret().to_owned(), expires_in_days: CLI_TOKEN_DAYS }))
}

#[derive(Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<AccessToken>,
}

#[derive(Deserialize, ToSchema)]
struct NewToken {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(minimum = 1, maximum = 365, default = 30)]
    #[serde(default = "NewToken::default_days")]
    expires_in_days: i64,
}

impl NewToken {
    fn default_days() -> i64 {
        CLI_TOKEN_DAYS
    }
}

#[derive(Serialize, ToSchema)]
struct CreatedToken {
    /// Shown only once.
    token: String,
    #[serde(flatten)]
    listed: AccessToken,
}

/// List your API tokens
#[utoipa::path(
    get, path = "/api/auth/tokens", tag = TAG,
    responses(
        (status = 200, description = "Newest first", body = Tokens),
        (status = 401, description = "Not signed in", body = DetailBody),
    )
)]
async fn list_tokens(State(accounts): State<Accounts>, session: Session) -> Result<Json<Tokens>, AppError> {
    Ok(Json(Tokens { tokens: accounts.list_tokens(session.user_id()).await? }))
}

/// Create an API token
///
/// Needs a session with a recent sign-in. An API token cannot create another.
#[utoipa::path(
    post, path = "/api/auth/tokens", tag = TAG,
    request_body = NewToken,
    responses(
        (status = 200, description = "The token, shown only once", body = CreatedToken),
        (status = 400, description = "The limit of tokens is reached", body = ErrorBody),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 403, description = "With an API token, or the last sign-in was more than 15 minutes ago", body = DetailBody),
        (status = 422, description = "A field is missing or out of bounds", body = DetailBody),
    )
)]
async fn create_token(
    State(accounts): State<Accounts>,
    session: Session,
    Body(new): Body<NewToken>,
) -> Result<Json<CreatedToken>, AppError> {
    let (token, listed) = accounts.create_token(&session, &new.name, new.expires_in_days).await?;
    Ok(Json(CreatedToken { token: token.expose_secret().to_owned(), listed }))
}

/// Revoke an API token
#[utoipa::path(
    delete, path = "/api/auth/tokens/{id}", tag = TAG,
    params(("id" = String, Path, description = "The token's id, as listed")),
    responses(
        (status = 200, description = "Revoked", body = Done),
        (status = 401, description = "Not signed in", body = DetailBody),
        (status = 404, description = "You have no such token", body = ErrorBody),
    )
)]
async fn revoke_token(
    State(accounts): State<Accounts>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<Done>, AppError> {
    accounts.revoke_token(session.user_id(), &id).await?;
    Ok(Done::ok())
}

#[derive(Serialize, ToSchema)]
struct Onboarding {
    completed: bool,
}

/// Get the onboarding status
#[utoipa::path(
    get, path = "/api/onboarding/status", tag = TAG,
    responses(
        (status = 200, description = "Whether onboarding is done", body = Onboarding),
        (status = 401, description = "Not signed in", body = DetailBody),
    )
)]
async fn onboarding_status(session: Session) -> Json<Onboarding> {
    Json(Onboarding { completed: session.user.onboarding_completed })
}

/// Mark onboarding as done
#[utoipa::path(
    post, path = "/api/onboarding/complete", tag = TAG,
    responses(
        (status = 200, description = "Noted", body = Done),
        (status = 401, description = "Not signed in", body = DetailBody),
    )
)]
async fn complete_onboarding(
    State(accounts): State<Accounts>,
    session: Session,
) -> Result<Json<Done>, AppError> {
    accounts.complete_onboarding(session.user_id()).await?;
    Ok(Done::ok())
}

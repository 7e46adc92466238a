//! Authenticates requests and redirects anonymous users to the sign-in page.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName, LOCATION};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use leptos::prelude::{FromServerFnError, ServerFnError};
use leptos::server_fn::ServerFn;
use secrecy::ExposeSecret;

use super::cookies;
use super::error::AccountError;
use super::service::Accounts;
use super::session::{Proof, Session};
use crate::http::client_ip::ClientInfo;
use crate::http::{AppError, into_server_fn_error, wants_page};
use ui::theme::SetTheme;

/// Header that tells the client of a server function to go to the page in `Location`.
const REDIRECT: HeaderName = HeaderName::from_static("serverfnredirect");

/// Adds the [`Session`] to authenticated requests: by `Authorization: Bearer`, otherwise by cookie.
pub async fn authenticate(State(accounts): State<Accounts>, mut request: Request, next: Next) -> Response {
    let secure = ClientInfo::of(request.extensions()).secure;
    match session_of(&accounts, request.headers(), secure).await {
        Ok(Some(session)) => {
            request.extensions_mut().insert(session);
        }
        Ok(None) => {}
        Err(error) => return AppError::from(error).into_response(),
    }
    next.run(request).await
}

/// Returns the session of a request. With an invalid bearer token the cookie is ignored.
async fn session_of(
    accounts: &Accounts,
    headers: &HeaderMap,
    secure: bool,
) -> Result<Option<Session>, AccountError> {
    if let Some(token) = bearer_token(headers) {
        return accounts.session_of_bearer(token).await;
    }
    match cookies::access_token(headers, secure) {
        Some(token) => accounts.session_of(token.expose_secret(), Proof::Cookie).await,
        None => Ok(None),
    }
}

/// Returns the token in `Authorization: Bearer`.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Restricts pages and server functions to signed-in users. Redirects others to `/api/auth/renew`, which renews
/// the session with the refresh token or redirects to the sign-in page. Redirects signed-in users away from the
/// sign-in page.
pub async fn guard_pages(mut request: Request, next: Next) -> Response {
    let signed_in = request.extensions().get::<Session>().is_some();
    match request.uri().path() {
        "/login" | "/register" if signed_in && request.method().is_safe() => {
            Redirect::to("/").into_response()
        }
        "/login" | "/register" => next.run(request).await,
        // A user who follows a reset link may be signed in, even as another user.
        "/forgot-password" | "/reset-password" => {
            request.extensions_mut().remove::<Session>();
            next.run(request).await
        }
        path if signed_in || is_public(path) => next.run(request).await,
        path if path.starts_with("/api/") => signed_out(request.headers()),
        _ => Redirect::to(&with_next("/api/auth/renew", request.uri().path_and_query())).into_response(),
    }
}

/// Returns whether anonymous users may call the server function at `path`. Those of accounts check the session
/// themselves.
fn is_public(path: &str) -> bool {
    path.starts_with("/api/auth/") || path == SetTheme::PATH
}

/// Returns `path` with the page to go to after signing in.
fn with_next(path: &str, page: Option<&http::uri::PathAndQuery>) -> String {
    let page = page.map_or("/", http::uri::PathAndQuery::as_str);
    format!("{path}?next={}", url::form_urlencoded::byte_serialize(page.as_bytes()).collect::<String>())
}

/// Responds to a server function call without a session: redirects a form, or the page's script, to the sign-in
/// page.
fn signed_out(headers: &HeaderMap) -> Response {
    let page = headers
        .get(http::header::REFERER)
        .and_then(|referer| url::Url::parse(referer.to_str().ok()?).ok())
        .and_then(|referer| referer[url::Position::BeforePath..url::Position::AfterQuery].parse().ok());
    let sign_in = with_next("/login", page.as_ref());
    if wants_page(headers) {
        return Redirect::to(&sign_in).into_response();
    }
    let location = HeaderValue::from_str(&sign_in).unwrap_or(HeaderValue::from_static("/login"));
    let error: ServerFnError = into_server_fn_error(AccountError::SessionEnded);
    let headers = [(REDIRECT, HeaderValue::from_static("")), (LOCATION, location)];
    (StatusCode::UNAUTHORIZED, headers, error.ser()).into_response()
}

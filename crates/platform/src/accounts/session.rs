//! The session of a request. The authentication middleware adds it to the request's extensions; handlers,
//! server functions and pages read it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use futures::future::BoxFuture;
use http::request::Parts;
use leptos::prelude::{ServerFnError, expect_context, use_context};

use super::types::{Role, User, UserId};
use crate::http::{AppError, into_server_fn_error};

/// The session of an authenticated request. As an extractor it rejects other requests with 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: User,
    /// Id of the session or API token.
    pub id: String,
    pub proof: Proof,
}

/// How a request was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The browser's cookie; needs CSRF protection.
    Cookie,
    /// `Authorization: Bearer` with an access token of a session.
    Bearer,
    /// `Authorization: Bearer` with an API token.
    PersonalToken,
}

impl Session {
    pub fn user_id(&self) -> &UserId {
        &self.user.id
    }

    /// Returns the session of the current request of a server function or page.
    pub fn of_request() -> Option<Self> {
        use_context::<Parts>()?.extensions.get::<Self>().cloned()
    }

    /// Returns the session of the current server function, and the service `S`.
    ///
    /// # Errors
    /// If the request is not authenticated.
    pub fn with<S: Clone + 'static>() -> Result<(Self, S), ServerFnError> {
        Ok((Self::require().map_err(into_server_fn_error)?, expect_context()))
    }

    fn require() -> Result<Self, AppError> {
        let signed_out = || AppError::SignInFailed("You are signed out. Sign in and try again.".to_owned());
        Self::of_request().ok_or_else(signed_out)
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or(AppError::Unauthenticated)
    }
}

/// For handlers that also serve anonymous users.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// A [`Session`] of an admin; rejects other users with 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSession(pub Session);

impl<S: Sync> FromRequestParts<S> for AdminSession {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Self::of(session)
    }
}

impl AdminSession {
    /// Returns the session of the current server function, and the service `S`.
    ///
    /// # Errors
    /// If the user is not signed in or not an admin.
    pub fn with<S: Clone + 'static>() -> Result<(Session, S), ServerFnError> {
        let Self(session) = Session::require().and_then(Self::of).map_err(into_server_fn_error)?;
        Ok((session, expect_context()))
    }

    fn of(session: Session) -> Result<Self, AppError> {
        if session.user.role == Role::Admin { Ok(Self(session)) } else { Err(AppError::AdminsOnly) }
    }
}

/// Finds and checks the sessions of WebSockets.
pub trait SessionCheck: Send + Sync + 'static {
    /// Returns the session of a token as in `Authorization: Bearer`; `None` if it is not valid.
    fn session_of_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>>;

    /// Uses up a ticket and returns the session that it was given to; `None` if it is not valid any more.
    fn session_of_ticket<'a>(&'a self, ticket: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>>;

    /// Returns false after the user signed out or was deleted, or the role or password changed.
    fn still_signed_in<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>>;
}

/// Is notified when sessions have ended, for example to close their sockets. Its functions must not block.
pub trait SessionsEnded: Send + Sync + 'static {
    /// All sessions of the user have ended.
    fn sessions_ended(&self, user: &UserId);

    /// One session of the user has ended, or an API token was revoked; `id` is that of [`Session`].
    fn session_ended(&self, user: &UserId, id: &str);
}

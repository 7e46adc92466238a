//! Who makes the request: put into its extensions by the authentication middleware, taken out by
//! handlers, server functions and pages.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use futures::future::BoxFuture;
use http::request::Parts;
use leptos::prelude::{ServerFnError, expect_context, use_context};

use super::types::{Role, User, UserId};
use crate::http::{AppError, into_server_fn_error};

/// A request that proved whose it is. As an extractor it refuses all others with 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: User,
    /// The session or personal access token behind the request.
    pub id: String,
    pub proof: Proof,
}

/// How a request proved whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The browser's cookie: changes need protection against other sites.
    Cookie,
    /// `Authorization: Bearer` with an access token of a session.
    Bearer,
    /// `Authorization: Bearer` with a personal access token.
    PersonalToken,
}

impl Session {
    pub fn user_id(&self) -> &UserId {
        &self.user.id
    }

    /// The session of the request that a server function or a page answers.
    pub fn of_request() -> Option<Self> {
        use_context::<Parts>()?.extensions.get::<Self>().cloned()
    }

    /// The session of the request that a server function answers, and the service `S` that it calls.
    ///
    /// # Errors
    /// When nobody is signed in.
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

/// For handlers that serve others too.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// A [`Session`] of an admin; refuses other users with 403.
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
    /// The session of the request that a server function answers, and the service `S` that it calls.
    ///
    /// # Errors
    /// When nobody is signed in, or no admin.
    pub fn with<S: Clone + 'static>() -> Result<(Session, S), ServerFnError> {
        let Self(session) = Session::require().and_then(Self::of).map_err(into_server_fn_error)?;
        Ok((session, expect_context()))
    }

    fn of(session: Session) -> Result<Self, AppError> {
        if session.user.role == Role::Admin { Ok(Self(session)) } else { Err(AppError::AdminsOnly) }
    }
}

/// Tells whether a session that was valid when it was looked up still is.
pub trait SessionCheck: Send + Sync + 'static {
    /// False once the user signed out, was deleted, or has another role or password.
    fn still_signed_in<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>>;
}

/// Is told when all sessions of a user have ended, for example to close their sockets.
pub trait SessionsEnded: Send + Sync + 'static {
    /// Must not block.
    fn sessions_ended(&self, user: &UserId);
}

//! Errors as HTTP responses. The body has the sentence twice, as `error` and as `detail`: scripts for the Python
//! product read one or the other, which depends on the route there.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{ServerFnError, use_context};
use leptos_axum::ResponseOptions;
use serde_json::json;

use crate::database::retry::{has_transient_cause, has_unstorable_text};

/// Maximum size of a request body, in bytes.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// An error response. Messages are sentences for the user and never contain a secret.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("You are not signed in. Sign in, or send `Authorization: Bearer` with a token.")]
    Unauthenticated,
    /// 401 with a specific reason.
    #[error("{0}")]
    SignInFailed(String),
    #[error("Only admins may do this.")]
    AdminsOnly,
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 400: valid, but it cannot be done.
    #[error("{0}")]
    BadRequest(String),
    /// 404. Also for other users' data, whose existence is not disclosed.
    #[error("{0}")]
    NotFound(String),
    /// 405: the path exists, but not with this method.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 409.
    #[error("{0}")]
    Conflict(String),
    /// 413.
    #[error("{0}")]
    TooLarge(String),
    /// 421: the request is for another server.
    #[error("{0}")]
    Misdirected(String),
    /// 422: a field is missing, malformed or out of bounds.
    #[error("{0}")]
    Invalid(String),
    #[error("{detail}")]
    TooMany { detail: String, retry_after_s: u64 },
    /// 502: an endpoint that the request depends on failed.
    #[error("{0}")]
    Upstream(String),
    /// 503: the handler exceeded its time limit.
    #[error("This took too long and was stopped. Try again later.")]
    TimedOut,
    /// 500: logged in full; the message is generic. 503 while the database is busy or cannot be reached, 422 for text
    /// that it cannot store.
    #[error("{}", message_for(.0))]
    Internal(#[source] anyhow::Error),
}

impl AppError {
    /// Creates an error for a fault of this program or its database.
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::Internal(error.into())
    }

    /// Creates an error for a body over the size limit.
    pub fn too_large() -> Self {
        Self::TooLarge(format!("The request body is too large; the limit is {} MB.", MAX_BODY_BYTES >> 20))
    }

    /// Logs a fault with its cause. Called once, where the message is sent to the user.
    pub fn log(&self) {
        if let Self::Internal(error) = self
            && !has_unstorable_text(error.as_ref())
        {
            tracing::error!("{error:#}");
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::SignInFailed(_) => StatusCode::UNAUTHORIZED,
            Self::AdminsOnly | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(error) if has_transient_cause(error.as_ref()) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(error) if has_unstorable_text(error.as_ref()) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Returns the message for users; the cause is only logged.
fn message_for(fault: &anyhow::Error) -> &'static str {
    if has_transient_cause(fault.as_ref()) {
        "The database is busy or cannot be reached. Try again in a moment."
    } else if has_unstorable_text(fault.as_ref()) {
        "A text contains a NUL character (U+0000), which cannot be stored. Remove it."
    } else {
        "Something went wrong on the server. It has been logged; try again."
    }
}

/// Converts the error of a service for the caller of a server function. Every server function uses it: it logs
/// faults and hides their cause from the caller, who gets the message. Scripts also get the status; a form
/// without a script is redirected back to its page.
#[expect(clippy::disallowed_methods, reason = "the only place that creates errors of server functions")]
pub fn into_server_fn_error(error: impl Into<AppError>) -> ServerFnError {
    let error = error.into();
    error.log();
    let by_script = use_context::<Parts>().is_some_and(|parts| !wants_page(&parts.headers));
    if let Some(response) = use_context::<ResponseOptions>().filter(|_| by_script) {
        response.set_status(error.status());
    }
    ServerFnError::new(error)
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        self.log();
        let sentence = self.to_string();
        let body = json!({ "error": sentence, "detail": sentence });
        let mut response = (self.status(), Json(body)).into_response();
        if let Self::TooMany { retry_after_s, .. } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

impl From<BytesRejection> for AppError {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            _ => Self::BadRequest(rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for AppError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<PathRejection> for AppError {
    fn from(rejection: PathRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

/// Returns whether the response has to be a page: the browser itself navigates, not a script.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The query string; an invalid one is rejected with 422.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(AppError))]
pub struct Query<T>(pub T);

/// The path's parameters; invalid ones are rejected with 422.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(AppError))]
pub struct Path<T>(pub T);

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The captured log.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_fault_is_logged_and_its_cause_hidden_from_the_caller() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let (page, rest) = tracing::subscriber::with_default(subscriber, || {
            let page = into_server_fn_error(sqlx::Error::Protocol("from a page".to_owned()));
            (page, AppError::from(sqlx::Error::Protocol("from REST".to_owned())).into_response())
        });
        let ServerFnError::ServerError(sentence) = page else { panic!("{page}") };
        assert_eq!(sentence, "Something went wrong on the server. It has been logged; try again.");
        assert_eq!(rest.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("from a page") && log.contains("from REST"), "{log}");
    }
    #[test]
    fn a_busy_database_is_told_from_a_fault() {
        let busy = AppError::from(sqlx::Error::PoolTimedOut);
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.to_string(), "The database is busy or cannot be reached. Try again in a moment.");
    }
}

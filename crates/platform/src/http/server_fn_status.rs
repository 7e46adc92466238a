//! The status of server function calls whose arguments cannot be read.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::prelude::{FromServerFnError, ServerFnError};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use super::error::{AppError, MAX_BODY_BYTES};

/// Responds with 422 where Leptos responds with 500 because the caller's arguments cannot be read.
pub async fn reject_unreadable_arguments(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_fault = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
    if !is_fault || !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return AppError::internal(error).into_response(),
    };
    if is_unreadable(&ServerFnError::de(body.clone())) {
        parts.status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Response::from_parts(parts, Body::from(body))
}

fn is_unreadable(error: &ServerFnError) -> bool {
    matches!(error, ServerFnError::Args(_) | ServerFnError::MissingArg(_) | ServerFnError::Deserialization(_))
}

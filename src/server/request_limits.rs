//! Middleware for all requests: request id, body size limit, timeouts; panics become 500 responses.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::anyhow;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http_body_util::Limited;
use tower_http::timeout::TimeoutBody;

use crate::database::new_id;
use crate::http::{AppError, MAX_BODY_BYTES};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Reading a body fails if no data arrives for this time.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Prefixes of paths whose handlers call providers, possibly many of them.
const CALLING_PROVIDERS: [&str; 7] = [
    "/api/models/discover",
    "/api/lm-studio/detect",
    "/api/health/providers",
    // Server functions, followed by a hash.
    "/api/refresh_models",
    "/api/check_health",
    "/api/discover_models",
    "/api/add_provider",
];

/// Time limits of handlers.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    pub handler: Duration,
    pub calling_providers: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { handler: Duration::from_secs(30), calling_providers: Duration::from_secs(120) }
    }
}

/// The id of a request in the log and in its response.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// Returns the id assigned by [`assign_request_id`].
    pub fn of(request: &Request) -> Option<&str> {
        request.extensions().get::<Self>().map(|id| id.0.as_str())
    }
}

/// Assigns an id to the request and returns it in `X-Request-ID`. A client's own id is ignored, because it
/// would be written to the log.
pub async fn assign_request_id(mut request: Request, next: Next) -> Response {
    let id = new_id();
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    response
}

/// Rejects a body that is too long with 413: immediately if the length is declared, otherwise when the limit is
/// reached. Reading a body fails if no data arrives for [`BODY_READ_TIMEOUT`].
pub async fn limit_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return AppError::too_large().into_response();
    }
    next.run(request.map(|body| with_limits(body, BODY_READ_TIMEOUT))).await
}

/// Limits a body: reading fails beyond the size limit, or if no data arrives for `timeout`.
fn with_limits(body: Body, timeout: Duration) -> Body {
    Body::new(Limited::new(TimeoutBody::new(timeout, body), MAX_BODY_BYTES))
}

/// Drops a handler that exceeds its time limit and responds with 503. The limit does not include sending the
/// body, because exports are streamed, nor a WebSocket, which is served after the response.
pub async fn limit_time(State(limits): State<TimeLimits>, request: Request, next: Next) -> Response {
    let limit = if calls_providers(request.uri().path()) { limits.calling_providers } else { limits.handler };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::TimedOut.into_response(),
    }
}

/// Returns whether the handler of this path calls providers, which have time limits of their own.
fn calls_providers(path: &str) -> bool {
    CALLING_PROVIDERS.iter().any(|prefix| path.starts_with(prefix))
}

/// Responds with 500 if a handler panics. The panic message is in the log, not in the response.
pub async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => AppError::internal(anyhow!("a handler panicked")).into_response(),
    }
}

/// Responds to a method that a path does not support.
pub async fn method_not_allowed(request: Request) -> AppError {
    AppError::MethodNotAllowed(format!(
        "Method {} is not allowed for {}.",
        request.method(),
        request.uri().path()
    ))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::{get, post};
    use axum::{Router, middleware};
    use http_body_util::BodyExt;
    use tower::{ServiceBuilder, ServiceExt};

    use super::*;
    use crate::http;

    async fn panics() {
        panic!("a secret")
    }

    async fn answer(request: Request) -> (Response<()>, String) {
        let layers = ServiceBuilder::new()
            .layer(middleware::from_fn(assign_request_id))
            .layer(middleware::from_fn(catch_panic))
            .layer(middleware::from_fn(limit_body))
            .layer(axum::extract::DefaultBodyLimit::disable());
        let app = Router::new()
            .route("/panic", get(panics))
            .route("/length", post(async |http::Body(text): http::Body<String>| text.len().to_string()))
            .method_not_allowed_fallback(method_not_allowed)
            .layer(layers);
        let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.into()).unwrap())
    }

    #[test]
    fn every_path_that_calls_providers_exists() {
        let description = crate::server::openapi::api().into_openapi();
        let routes = description.paths.paths.keys().map(String::as_str);
        let functions = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path);
        let paths: Vec<&str> = routes.chain(functions).collect();
        for prefix in CALLING_PROVIDERS {
            assert!(paths.iter().any(|path| path.starts_with(prefix)), "no path begins with {prefix}");
        }
    }

    #[tokio::test]
    async fn a_handler_that_does_not_end_becomes_503() {
        let limits = TimeLimits { handler: Duration::ZERO, calling_providers: Duration::from_secs(86_400) };
        let app = Router::new()
            .route("/never", get(std::future::pending::<()>))
            .route("/api/models/discover", get(async || tokio::task::yield_now().await))
            .layer(middleware::from_fn_with_state(limits, limit_time));
        let get = |path: &str| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(get("/never").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get("/api/models/discover").await.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_incomplete_body_times_out() {
        use futures::{StreamExt, stream};
        let half = stream::iter([Ok::<_, std::io::Error>("half")]).chain(stream::pending());
        let body = with_limits(Body::from_stream(half), Duration::from_millis(1));
        assert!(body.collect().await.is_err());
    }

    fn text_of(length: usize) -> Body {
        // Sent as a stream, so that its length is not declared.
        let text = format!("\"{}\"", "a".repeat(length));
        Body::from_stream(futures::stream::once(async move { Ok::<_, std::io::Error>(text) }))
    }

    #[tokio::test]
    async fn a_panic_becomes_500_without_its_message() {
        let (response, body) = answer(Request::get("/panic").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("error") && !body.contains("secret"), "{body}");
        assert!(response.headers().contains_key(REQUEST_ID));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_rejected_with_and_without_a_length() {
        let json =
            |body| Request::post("/length").header("content-type", "application/json").body(body).unwrap();
        let mut told = json(Body::empty());
        told.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(MAX_BODY_BYTES + 1));
        for request in [told, json(text_of(MAX_BODY_BYTES))] {
            let (response, body) = answer(request).await;
            assert_eq!(
                (response.status(), body.as_str()),
                (
                    StatusCode::PAYLOAD_TOO_LARGE,
                    r#"{"error":"The request body is too large; the limit is 8 MB.","detail":"The request body is too large; the limit is 8 MB."}"#,
                )
            );
        }
        let (response, body) = answer(json(text_of(MAX_BODY_BYTES - 2))).await;
        assert_eq!((response.status(), body), (StatusCode::OK, (MAX_BODY_BYTES - 2).to_string()));
    }

    #[tokio::test]
    async fn a_clients_request_id_is_ignored() {
        let request = Request::get("/none").header(REQUEST_ID, "forged").body(Body::empty()).unwrap();
        let (response, _) = answer(request).await;
        assert_ne!(response.headers()[REQUEST_ID], "forged");
    }

    #[tokio::test]
    async fn a_wrong_method_returns_the_allowed_ones() {
        let (response, body) = answer(Request::delete("/length").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[axum::http::header::ALLOW], "POST");
        assert!(body.contains(r#""error":"Method DELETE is not allowed for /length.""#), "{body}");
    }
}

//! What holds for every request whatever it asks for: it has an id, its body has an end, and a panic
//! while it is answered is an answer too.

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

/// A body of which nothing comes for so long is not waited for any more.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Paths of requests that ask providers, and may ask many of them.
const ASKING_PROVIDERS: [&str; 7] = [
    "/api/models/discover",
    "/api/lm-studio/detect",
    "/api/health/providers",
    // Server functions; a hash follows.
    "/api/look_again",
    "/api/check_health",
    "/api/discover_models",
    "/api/add_provider",
];

/// How long handlers may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    pub handler: Duration,
    pub asking_providers: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { handler: Duration::from_secs(30), asking_providers: Duration::from_secs(120) }
    }
}

/// Names a request in its log lines and in its answer.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// The id that [`assign_request_id`] gave.
    pub fn of(request: &Request) -> Option<&str> {
        request.extensions().get::<Self>().map(|id| id.0.as_str())
    }
}

/// Gives the request an id and tells it in `X-Request-ID`. One that comes along is not taken over: it
/// would be written into the log.
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

/// Answers a body that is too long with 413: at once where its length is told, else when it gets there.
/// Reading a body fails when nothing of it comes for [`BODY_READ_TIMEOUT`].
pub async fn bound_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return AppError::too_large().into_response();
    }
    next.run(request.map(|body| bounded(body, BODY_READ_TIMEOUT))).await
}

/// The same body, which fails where it is too long and when nothing of it comes for `timeout`.
fn bounded(body: Body, timeout: Duration) -> Body {
    Body::new(Limited::new(TimeoutBody::new(timeout, body), MAX_BODY_BYTES))
}

/// Answers with 503 when a handler takes longer than the limit, and drops it. The body of an answer may
/// take longer: exports are streamed. A WebSocket is served after its answer, so this does not limit it.
pub async fn bound_time(State(limits): State<TimeLimits>, request: Request, next: Next) -> Response {
    let limit = if asks_providers(request.uri().path()) { limits.asking_providers } else { limits.handler };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::TimedOut.into_response(),
    }
}

/// Whether a request waits for answers of providers, each of which has limits of its own.
fn asks_providers(path: &str) -> bool {
    ASKING_PROVIDERS.iter().any(|prefix| path.starts_with(prefix))
}

/// Answers with 500 where a handler panics. What it panicked with is in the log, not in the answer.
pub async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => AppError::internal(anyhow!("a handler panicked")).into_response(),
    }
}

/// The answer to a method that an address does not know.
pub async fn no_such_method(request: Request) -> AppError {
    AppError::MethodNotAllowed(format!("{} cannot be asked for {}.", request.uri().path(), request.method()))
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
            .layer(middleware::from_fn(bound_body))
            .layer(axum::extract::DefaultBodyLimit::disable());
        let app = Router::new()
            .route("/panic", get(panics))
            .route("/length", post(async |http::Body(text): http::Body<String>| text.len().to_string()))
            .method_not_allowed_fallback(no_such_method)
            .layer(layers);
        let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.into()).unwrap())
    }

    #[tokio::test]
    async fn a_handler_that_does_not_end_is_answered_for() {
        let limits = TimeLimits { handler: Duration::ZERO, asking_providers: Duration::from_secs(86_400) };
        let app = Router::new()
            .route("/never", get(std::future::pending::<()>))
            .route("/api/models/discover", get(async || tokio::task::yield_now().await))
            .layer(middleware::from_fn_with_state(limits, bound_time));
        let get = |path: &str| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(get("/never").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get("/api/models/discover").await.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn half_a_body_is_not_waited_for() {
        use futures::{StreamExt, stream};
        let half = stream::iter([Ok::<_, std::io::Error>("half")]).chain(stream::pending());
        let body = bounded(Body::from_stream(half), Duration::from_millis(1));
        assert!(body.collect().await.is_err());
    }

    fn text_of(length: usize) -> Body {
        // Through a stream, so that nothing tells its length beforehand.
        let text = format!("\"{}\"", "a".repeat(length));
        Body::from_stream(futures::stream::once(async move { Ok::<_, std::io::Error>(text) }))
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_words() {
        let (response, body) = answer(Request::get("/panic").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("error") && !body.contains("secret"), "{body}");
        assert!(response.headers().contains_key(REQUEST_ID));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_with_and_without_a_length() {
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
                    r#"{"error":"The body is too long; at most 8 MB are read."}"#,
                )
            );
        }
        let (response, body) = answer(json(text_of(MAX_BODY_BYTES - 2))).await;
        assert_eq!((response.status(), body), (StatusCode::OK, (MAX_BODY_BYTES - 2).to_string()));
    }

    #[tokio::test]
    async fn an_id_that_comes_along_is_not_taken_over() {
        let request = Request::get("/none").header(REQUEST_ID, "forged").body(Body::empty()).unwrap();
        let (response, _) = answer(request).await;
        assert_ne!(response.headers()[REQUEST_ID], "forged");
    }

    #[tokio::test]
    async fn a_wrong_method_is_told_which_ones_there_are() {
        let (response, body) = answer(Request::delete("/length").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[axum::http::header::ALLOW], "POST");
        assert_eq!(body, r#"{"error":"/length cannot be asked for DELETE."}"#);
    }
}

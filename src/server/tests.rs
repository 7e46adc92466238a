//! Tests of the router without a network connection.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures::StreamExt;
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower::ServiceExt;

use super::{AppState, router};
use crate::accounts::session::Proof;
use crate::accounts::{Role, Session, User, UserId};
use crate::database::testing;
use crate::jobs::{self, NewJob};
use endpoint::{Model, Provider, ProviderKind};

async fn state() -> AppState {
    let (state, database) = super::testing::state().await;
    testing::add_user(&database, "anna").await;
    state
}

fn anna() -> Session {
    let user = User {
        id: UserId::new("anna"),
        email: "anna@example.org".into(),
        role: Role::User,
        onboarding_completed: true,
    };
    Session { user, id: "session".into(), proof: Proof::Cookie }
}

async fn answer(state: AppState, request: Request<Body>) -> Response {
    router(state).oneshot(request).await.unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).extension(anna()).body(Body::empty()).unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn health_returns_the_version() {
    let body = text(answer(state().await, get("/healthz")).await).await;
    assert_eq!(body, format!(r#"{{"status":"ok","version":"{}"}}"#, env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn the_page_lists_stored_prompts() {
    let state = state().await;
    let provider = Provider::of_kind(ProviderKind::Ollama, "http://127.0.0.1:11434/v1");
    let models = [Model::named("smollm2:135m")];
    state.providers.put(anna().user_id(), &provider, &models).await.unwrap();
    let page = text(answer(state, get("/providers")).await).await;
    assert!(page.contains("Ollama") && page.contains("smollm2:135m"), "{page}");
}

#[tokio::test]
async fn the_page_shows_what_to_do_if_nothing_is_stored() {
    let page = text(answer(state().await, get("/providers?q=nothing-like-this")).await).await;
    assert!(page.contains("Try fewer words"), "{page}");
}

#[tokio::test]
async fn a_page_only_runs_scripts_with_its_nonce() {
    let response = answer(state().await, get("/providers")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let page = text(response).await;
    assert!(page.contains(&format!("nonce=\"{nonce}\"")), "{policy}");
    let scripts = page.matches("<script").count();
    assert_eq!(page.matches(&format!("nonce=\"{nonce}\"")).count(), scripts);
}

#[tokio::test]
async fn every_response_has_security_headers() {
    for path in ["/providers", "/healthz", "/api/none", "/no/such/page"] {
        let headers = answer(state().await, get(path)).await.headers().clone();
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
    }
}

#[tokio::test]
async fn data_loads_nothing_when_it_is_shown_as_a_page() {
    for path in ["/healthz", "/api/auth/me", "/api/none"] {
        let headers = answer(state().await, get(path)).await.headers().clone();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_a_page_and_an_unknown_api_is_json() {
    let page = answer(state().await, get("/no/such/page")).await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(text(page).await.contains("Page not found"));
    let api = answer(state().await, get("/api/none")).await;
    assert_eq!(api.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        text(api).await,
        r#"{"error":"Not found: GET /api/none.","detail":"Not found: GET /api/none."}"#
    );
}

#[tokio::test]
async fn the_root_redirects_to_the_benchmark() {
    let mut request = get("/");
    request.headers_mut().insert(header::ACCEPT, "text/html".parse().unwrap());
    let response = answer(state().await, request).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()[header::LOCATION], "/benchmark");
}

#[tokio::test]
async fn signed_out_users_are_redirected_to_sign_in() {
    let state = state().await;
    let page = Request::get("/providers?q=a").body(Body::empty()).unwrap();
    let response = answer(state.clone(), page).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/api/auth/renew?next=%2Fproviders%3Fq%3Da");
    let renew = Request::get("/api/auth/renew?next=%2Fproviders%3Fq%3Da").body(Body::empty()).unwrap();
    let response = answer(state.clone(), renew).await;
    assert_eq!(response.headers()[header::LOCATION], "/login?next=%2Fproviders%3Fq%3Da");
    let login = Request::get("/login?next=%2Fproviders%3Fq%3Da").body(Body::empty()).unwrap();
    let page = text(answer(state, login).await).await;
    assert!(page.contains(r#"name="next" value="/providers?q=a""#), "{page}");
}

#[tokio::test]
async fn the_theme_of_the_cookie_is_rendered() {
    let mut request = get("/providers");
    request.headers_mut().insert(header::COOKIE, "theme=dark".parse().unwrap());
    let page = text(answer(state().await, request).await).await;
    assert!(page.contains(r#"data-theme="dark""#), "{page}");
}

#[tokio::test]
async fn another_site_cannot_change_anything() {
    let request =
        Request::post("/api/anything").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(answer(state().await, request).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_api_is_described_as_json_and_as_a_page() {
    let description = text(answer(state().await, get("/api/openapi.json")).await).await;
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(description["servers"][0]["url"], "/");
    let response = answer(state().await, get("/api/docs")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = text(response).await;
    assert!(page.starts_with("<!DOCTYPE html><html") && page.contains("/healthz"), "{page}");
    assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
}

#[tokio::test]
async fn an_unsupported_method_is_answered_in_json() {
    let request = Request::delete("/api/openapi.json").body(Body::empty()).unwrap();
    let response = answer(state().await, request).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let body = text(response).await;
    assert!(body.contains(r#""error":"Method DELETE is not allowed for /api/openapi.json.""#), "{body}");
}

#[tokio::test]
async fn job_responses_have_the_fields_that_scripts_expect() {
    let state = state().await;
    let new = jobs::NewJob {
        job_type: "benchmark",
        params: serde_json::json!({ "runs": 2 }),
        detail: "2 runs".into(),
        limit: Some(jobs::HourlyLimit::Benchmarks),
    };
    let job = state.jobs.submit(anna().user_id(), new).await.unwrap();
    let post = |path: String| Request::post(path).extension(anna()).body(Body::empty()).unwrap();
    let cases = [
        (get("/api/jobs?status=queued,running"), 200, r#""status":"queued""#),
        (get("/api/jobs?status=done"), 200, r#"{"jobs":[],"next":null}"#),
        (get("/api/jobs?status=completed"), 200, r#"{"jobs":[],"next":null}"#),
        (get("/api/jobs?status=completed,queued"), 200, r#""status":"queued""#),
        (get("/api/jobs?limit=0"), 200, r#""status":"queued""#),
        (get("/api/jobs?limit=500"), 200, r#""status":"queued""#),
        (get("/api/jobs?limit=abc"), 422, "detail"),
        (get(&format!("/api/jobs/{}", job.id)), 200, r#""params":{"runs":2}"#),
        (get("/api/jobs/none"), 404, "There is no such job."),
        (get("/api/user/rate-limit"), 200, r#"{"limit":2000,"remaining":1999,"window":"1 hour"}"#),
        (get("/api/admin/jobs"), 403, "Only admins"),
        (post(format!("/api/admin/jobs/{}/cancel", job.id)), 403, "Only admins"),
        (post("/api/jobs/none/cancel".into()), 404, "There is no such job."),
        (post(format!("/api/jobs/{}/cancel", job.id)), 200, r#""status":"ok","state":"cancelled""#),
        (post(format!("/api/jobs/{}/cancel", job.id)), 200, r#""status":"ok","state":"cancelled""#),
    ];
    for (request, status, part) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        let response = answer(state.clone(), request).await;
        assert_eq!(response.status(), status, "{what}");
        let body = text(response).await;
        assert!(body.contains(part), "{what}: {body}");
    }
    let stranger = Request::get("/api/jobs").body(Body::empty()).unwrap();
    assert_eq!(answer(state, stranger).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_jobs_menu_shows_queued_jobs_without_a_script() {
    let state = state().await;
    let new = NewJob {
        job_type: "benchmark",
        params: json!({}),
        detail: "4 models, 2 context sizes".into(),
        limit: None,
    };
    let job = state.jobs.submit(anna().user_id(), new).await.unwrap();
    let page = text(answer(state, get("/providers")).await).await;
    for part in ["Jobs: 1 active, 0 %", "4 models, 2 context sizes", &format!("value=\"{}\"", job.id)] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

/// Serves the app, opens the WebSocket with this token and returns the first message.
async fn first_message(state: AppState, token: &str) -> Message {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut request = format!("ws://{}/ws", listener.local_addr().unwrap()).into_client_request().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    tokio::spawn(axum::serve(listener, router(state)).into_future());
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.next().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_token_opens_the_socket_which_sends_the_current_state_first() {
    let state = state().await;
    let token = state.accounts.user_for_test("ben@example.org").await.access_token;
    let message = first_message(state, token.expose_secret()).await;
    let sync = json!({ "type": "sync", "active_jobs": [], "recent_jobs": [] });
    assert_eq!(serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap(), sync);
}

#[tokio::test]
async fn an_invalid_token_is_rejected_before_the_upgrade() {
    let Message::Close(Some(close)) = first_message(state().await, "nonsense").await else {
        panic!("not closed")
    };
    assert_eq!(u16::from(close.code), 4001);
}

//! Tests the page of a finished benchmark through the whole router.

use axum::body::Body;
use axum::http::{Request, StatusCode, header, request};
use http_body_util::BodyExt;
use leptos::server_fn::ServerFn;
use tower::ServiceExt;

use crate::accounts::session::Proof;
use crate::accounts::{Role, Session, User, UserId};
use crate::benchmark::api::{LoadBenchmark, LoadRuns};
use crate::benchmark::report::testing::{failed, row, run};
use crate::benchmark::store::BenchmarkStore;
use crate::database::testing;
use crate::server::{AppState, router};
use bench::types::{Parameters, ResultRow, Run, TokenSource};

const ID: &str = "0198a000-0000-7000-8000-000000000001";
const ROWS: u64 = 200;
const RUNS: u64 = 14;

/// More than the page needs, and less than with its 2,800 runs.
const MAX_BYTES: usize = 700_000;

fn session(name: &str) -> Session {
    let user = User {
        id: UserId::new(name),
        email: format!("{name}@example.org"),
        role: Role::User,
        onboarding_completed: true,
    };
    Session { user, id: "session".into(), proof: Proof::Cookie }
}

/// Returns a run with realistic numbers of digits.
fn measured(number: u64) -> Run {
    let part = number as f64 / 7.0;
    Run {
        response_id: Some(format!("chatcmpl-0123456789abcdef{number}")),
        started_at: 1_800_000_000_000,
        ttft_ms: Some(100.0 + part),
        ttfa_ms: Some(120.0 + part),
        total_time_s: Some(2.0 + part),
        tokens_per_second: Some(50.0 + part),
        output_speed_tps: Some(60.0 + part),
        itl_ms: Some(20.0 + part),
        input_tokens_per_second: Some(200.0 + part),
        tokens_per_chunk: Some(1.0 + part),
        ..run(number)
    }
}

fn rows() -> Vec<ResultRow> {
    let runs = || (1..=RUNS).map(measured);
    let mut rows: Vec<ResultRow> =
        (0..ROWS).map(|place| row("openai", &format!("model-{place}"), 0, runs().collect())).collect();
    let estimated = |run: Run| Run { token_source: Some(TokenSource::Estimated), ..run };
    rows[1] = row("openai", "model-1", 0, runs().map(estimated).collect());
    rows[2] = row("openai", "model-2", 0, runs().take(12).chain([failed(13), failed(14)]).collect());
    rows
}

/// Returns the app with the benchmark, which belongs to Anna.
async fn finished() -> AppState {
    let (state, database) = crate::server::testing::state().await;
    let anna = testing::add_user(&database, "anna").await;
    testing::add_user(&database, "ben").await;
    let parameters = Parameters { runs: RUNS as u32, warmup: false, ..Parameters::default() };
    BenchmarkStore::new(database).insert_complete(&anna, ID, &parameters, &[], &rows()).await.unwrap();
    state
}

/// Sends a request as this user.
async fn send(state: &AppState, user: &str, request: request::Builder, body: String) -> (StatusCode, String) {
    let request = request.extension(session(user)).body(Body::from(body)).unwrap();
    let response = router(state.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

/// Calls a server function as this user.
async fn call<F: ServerFn>(state: &AppState, user: &str, arguments: &str) -> (StatusCode, String) {
    let request = Request::post(F::PATH).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(state, user, request, arguments.to_owned()).await
}

#[tokio::test]
async fn the_page_of_a_finished_benchmark_contains_no_runs() {
    let state = finished().await;
    let path = format!("/benchmark/{ID}");
    let (_, page) = send(&state, "anna", Request::get(path), String::new()).await;
    for shown in ["model-199", "2 of 14 runs failed: [rate_limited] slow down", "Estimated: the endpoint"] {
        assert!(page.contains(shown), "the page does not show {shown:?}");
    }
    assert!(!page.contains("run_number"), "the page holds runs");
    assert!(page.len() < MAX_BYTES, "the page has {} bytes", page.len());
    let (_, loaded) = call::<LoadBenchmark>(&state, "anna", &format!("id={ID}")).await;
    assert!(loaded.contains("model-199") && !loaded.contains("run_number"), "{loaded:.1000}");
}

#[tokio::test]
async fn only_the_owner_can_load_the_runs_of_a_row() {
    let state = finished().await;
    let row =
        |model: &str| format!("id={ID}&model[provider_key]=openai&model[model_id]={model}&context_tokens=0");
    let (status, runs) = call::<LoadRuns>(&state, "anna", &row("model-2")).await;
    assert_eq!(status, StatusCode::OK, "{runs}");
    let runs: Vec<Run> = serde_json::from_str(&runs).unwrap();
    let stored = state.benchmarks.view(&UserId::new("anna"), ID).await.unwrap().rows.swap_remove(2).runs;
    assert_eq!((runs.len() as u64, &runs), (RUNS, &stored));
    let (status, answer) = call::<LoadRuns>(&state, "ben", &row("model-2")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    assert!(!answer.contains("run_number"), "{answer}");
    let (status, answer) = call::<LoadRuns>(&state, "anna", &row("another")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
}

//! Tests the routes of benchmarks and the history through the whole router, with real jobs against the mock.

use std::num::NonZeroUsize;

use axum::body::Body as HttpBody;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use leptos::config::LeptosOptions;
use leptos::server_fn::ServerFn;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::accounts::session::Proof;
use crate::accounts::{self, Accounts, Role, User, UserId, Vault};
use crate::admin::AdminService;
use crate::benchmark::api::StartBenchmark;
use crate::benchmark::service::{BenchmarkError, Unavailable};
use crate::benchmark::snapshot::TargetSnapshot;
use crate::benchmark::store::BenchmarkStore;
use crate::benchmark::view::BenchmarkStatus;
use crate::database::{Database, new_id, testing};
use crate::jobs::{Cluster, JobService, Settings};
use crate::live::hub::Subscription;
use crate::live::{Broadcaster, Hub};
use bench::types::Parameters;

use crate::http::client_ip::Proxies;
use crate::prompts::service::PromptService;
use crate::providers::service::{ProviderError, ProviderService};
use crate::server::{AppState, router};
use endpoint::{Model, Provider, ProviderKind};

const FAST: &str = "mock/ttft=1,gap=1,tokens=4";
const SLOW: &str = "mock/ttft=20,gap=20,tokens=100";

struct Fixture {
    state: AppState,
    database: Database,
    _mock: mock::Handle,
}

impl Fixture {
    async fn new() -> Self {
        let database = testing::sqlite().await;
        let mock = mock::start_demo().unwrap();
        let hub = Hub::default();
        let relay = Broadcaster::local(hub.clone());
        let jobs = JobService::new(database.clone(), relay, Settings::new(Cluster::SingleProcess));
        let providers = ProviderService::new(database.clone(), Vault::random());
        let base_url = mock::base_url(&mock.base_url(), ProviderKind::Custom.facts().protocol);
        let models = [FAST, SLOW].map(Model::named);
        for name in ["anna", "ben"] {
            let user = testing::add_user(&database, name).await;
            let provider = Provider::of_kind(ProviderKind::Custom, &base_url);
            providers.put(&user, &provider, &models).await.unwrap();
        }
        // Local networks are off by default if there are two users.
        accounts::Settings::new(database.clone()).set_local_networks(Some(true)).await.unwrap();
        let benchmarks =
            BenchmarkService::new(database.clone(), providers.clone(), jobs.clone(), NonZeroUsize::MIN);
        let options =
            LeptosOptions::builder().output_name("llm-studio").site_root("no-such-directory").build();
        let accounts = Accounts::quick(database.clone(), std::sync::Arc::new(hub.clone()));
        let admin = AdminService::new(database.clone(), accounts.clone(), 2000);
        let proxies = Proxies::default();
        let prompts = PromptService::new(database.clone());
        let state = AppState {
            options,
            hub,
            connection_limiter: crate::live::ConnectionLimiter::default(),
            accounts,
            admin,
            proxies,
            hosts: crate::server::Hosts::default(),
            jobs,
            prompts,
            providers,
            benchmarks,
        };
        Self { state, database, _mock: mock }
    }

    /// Creates a fixture with running jobs, and a subscription of Anna's.
    async fn running() -> (Self, Subscription) {
        let fixture = Self::new().await;
        let tab = fixture.state.hub.join(&anna()).unwrap();
        fixture.state.jobs.start();
        (fixture, tab)
    }

    async fn send(&self, request: Request<HttpBody>) -> Response {
        router(self.state.clone()).oneshot(request).await.unwrap()
    }

    async fn call(&self, user: &str, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).extension(session(user));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let response = self.send(request.body(HttpBody::from(body.to_string())).unwrap()).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn get(&self, user: &str, path: &str) -> (StatusCode, Value) {
        self.call(user, Method::GET, path, &Value::Null).await
    }

    async fn start(&self, body: &Value) -> String {
        let (status, answer) = self.call("anna", Method::POST, "/api/benchmark", body).await;
        assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("submitted")), "{answer}");
        answer["job_id"].as_str().unwrap().to_owned()
    }
}

fn anna() -> UserId {
    UserId::new("anna")
}

fn session(user: &str) -> Session {
    let user = User {
        id: UserId::new(user),
        email: format!("{user}@example.org"),
        role: Role::User,
        onboarding_completed: true,
    };
    Session { user, id: "session".into(), proof: Proof::Bearer }
}

fn usual(model: &str) -> Value {
    json!({ "models": [model], "runs": 2, "warmup": false, "prompt": "Hello?" })
}

/// Waits until the tab receives a message of this type.
async fn wait_for(tab: &mut Subscription, name: &str) -> Value {
    loop {
        let frame: Value = serde_json::from_str(&tab.frames.recv().await.unwrap()).unwrap();
        assert_ne!(frame["type"], "job_failed", "{frame}");
        if frame["type"] == name {
            return frame;
        }
    }
}

#[tokio::test]
async fn starts_reads_and_deletes_a_benchmark() {
    let (fixture, mut tab) = Fixture::running().await;
    let id = fixture.start(&usual(FAST)).await;
    assert_eq!(wait_for(&mut tab, "job_completed").await["result_ref"], json!(id));

    let (status, page) = fixture.get("anna", "/api/history").await;
    assert_eq!((status, &page["next"]), (StatusCode::OK, &Value::Null));
    let run = &page["runs"][0];
    assert_eq!(
        (&run["id"], &run["status"], &run["prompt"]),
        (&json!(id), &json!("complete"), &json!("Hello?"))
    );
    assert!(run["timestamp"].as_str().unwrap().ends_with('Z'));
    let result = &run["results"][0];
    assert_eq!((&result["model_id"], &result["provider"]), (&json!(FAST), &json!("Custom")));
    assert_eq!((&result["runs"], &result["success_count"]), (&json!(2), &json!(2)));
    for name in ["avg_tokens_per_second", "avg_ttft_ms", "avg_total_time_s", "avg_itl_ms", "std_dev_tps"] {
        assert!(result[name].is_number(), "{name}: {result}");
    }

    let (status, detail) = fixture.get("anna", &format!("/api/history/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(detail["results"], run["results"]);
    let runs = detail["rows"][0]["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["chunk_deltas_us"]), (2, &Value::Null));
    let phases = ["connect_ms", "dns_ms", "tcp_ms", "tls_ms"].map(|name| runs[0][name].is_number());
    assert_eq!(phases, [true, false, true, false], "over HTTP to an address: {}", runs[0]);
    assert!(detail["rows"][0]["summary"]["gap_ms"].is_object());

    let place = format!("provider_key=custom&model_id={}&run_number=2", FAST.replace('=', "%3D"));
    let (status, timeline) = fixture.get("anna", &format!("/api/benchmark/{id}/timeline?{place}")).await;
    assert_eq!((status, timeline["chunk_deltas_us"].as_array().unwrap().len()), (StatusCode::OK, 4));

    let (status, _) = fixture.call("anna", Method::DELETE, &format!("/api/history/{id}"), &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let (status, answer) = fixture.get("anna", &format!("/api/benchmark/{id}/timeline?{place}")).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::NOT_FOUND, &json!("There is no such run in this benchmark."))
    );
    let (_, page) = fixture.get("anna", "/api/history").await;
    assert_eq!(page["runs"], json!([]));
    // The job still exists, without any data of the benchmark.
    assert_eq!(fixture.get("anna", &format!("/api/history/{id}")).await.0, StatusCode::NOT_FOUND);
    let like = fixture.state.benchmarks.asked(&anna(), Some(&id)).await;
    assert!(matches!(like, Err(BenchmarkError::NotFound)));
    let (status, job) = fixture.get("anna", &format!("/api/jobs/{id}")).await;
    assert_eq!((status, &job["params"], &job["result_ref"]), (StatusCode::OK, &Value::Null, &Value::Null));
}

#[tokio::test]
async fn stores_reported_results_and_marks_them() {
    let fixture = Fixture::new().await;
    let run = |number: u64, model: &str| {
        json!({
            "provider": "custom", "model_id": model, "run_number": number, "ttft_ms": 100.0,
            "total_time_s": 1.1, "output_tokens": 51, "success": true,
        })
    };
    let body = json!({ "results": [run(1, FAST), run(2, FAST), run(1, "nobody's")], "prompt": "Hello?" });
    let (status, answer) = fixture.call("anna", Method::POST, "/api/benchmark/direct-results", &body).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("ok")), "{answer}");
    assert_eq!((&answer["saved"], &answer["skipped"]), (&json!(2), &json!(1)));

    let (_, page) = fixture.get("anna", "/api/history").await;
    let listed = &page["runs"][0];
    assert_eq!((&listed["id"], &listed["status"]), (&answer["run_id"], &json!("complete")));
    let result = &listed["results"][0];
    assert_eq!((&result["reported"], &result["avg_output_speed_tps"]), (&json!(true), &json!(50.0)));
    let id = answer["run_id"].as_str().unwrap();
    let (_, detail) = fixture.get("anna", &format!("/api/history/{id}")).await;
    assert_eq!(detail["rows"][0]["runs"][1]["clock"], "reported");
    assert_eq!(detail["client"], Value::Null);
    assert_eq!(fixture.get("ben", &format!("/api/history/{id}")).await.0, StatusCode::NOT_FOUND);

    let strange = json!({ "results": [run(1, "nobody's")] });
    let (_, answer) = fixture.call("anna", Method::POST, "/api/benchmark/direct-results", &strange).await;
    assert_eq!((&answer["run_id"], &answer["saved"]), (&Value::Null, &json!(0)));
    let twice = json!({ "results": [run(1, FAST), run(1, FAST)] });
    let (status, answer) = fixture.call("anna", Method::POST, "/api/benchmark/direct-results", &twice).await;
    assert_eq!((status, answer["detail"].is_string()), (StatusCode::UNPROCESSABLE_ENTITY, true));
}

#[tokio::test]
async fn rejects_invalid_requests_with_a_reason() {
    let fixture = Fixture::new().await;
    let target = |provider: &str| json!([{ "provider_key": provider, "model_id": FAST }]);
    sqlx::query(
        "insert into rate_limits (user_id, benchmarks_per_hour, max_concurrent, max_runs_per_benchmark, updated_at)
         values ('anna', 9, 1, 10, 0)",
    )
    .execute(fixture.database.writer())
    .await
    .unwrap();
    for (body, expected) in [
        (json!({}), "No model is named"),
        (json!({"models": ["gpt-9"]}), "None of your models is called \"gpt-9\""),
        (json!({"targets": target("nobody")}), "There is no provider \"nobody\""),
        (json!({"models": [FAST], "runs": 21}), "runs must be 1 to 20, not 21"),
        (json!({"models": [FAST], "runs": 11}), "may make 10 runs"),
        (json!({"models": [FAST], "profiles": {"m": "p"}}), "profiles are not offered"),
        (
            json!({"models": [FAST], "provider_params": {"passthrough": {"base_url": "x"}}}),
            "base_url belongs",
        ),
    ] {
        for path in ["/api/benchmark", "/api/benchmark/estimate"] {
            let (status, answer) = fixture.call("anna", Method::POST, path, &body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(expected), "{body}: {detail}");
        }
    }
}

#[tokio::test]
async fn leaves_out_what_cannot_be_measured() {
    let fixture = Fixture::new().await;
    let body = json!({
        "models": [FAST, FAST, "gpt-9", format!("custom/{FAST}")], "note": "a field of another version",
    });
    let expected = json!([{
        "model": "gpt-9",
        "reason": "None of your models is called \"gpt-9\". Add it in Providers & models, or check the name.",
    }]);
    for path in ["/api/benchmark", "/api/benchmark/estimate"] {
        let (status, answer) = fixture.call("anna", Method::POST, path, &body).await;
        assert_eq!((status, &answer["skipped"]), (StatusCode::OK, &expected), "{path}: {answer}");
    }
    let (_, answer) = fixture.call("anna", Method::POST, "/api/benchmark", &body).await;
    assert_eq!(answer["warnings"], json!(["`note` is not known and was ignored."]));
    let id = answer["job_id"].as_str().unwrap();
    let view = fixture.state.benchmarks.view(&anna(), id).await.unwrap();
    // Each model once, and one run unless more are asked for.
    assert_eq!((view.targets.len(), view.parameters.runs), (1, 1));
    let (_, answer) = fixture
        .call(
            "anna",
            Method::POST,
            "/api/benchmark",
            &json!({
                "models": ["gpt-9"], "targets": [{ "provider_key": "custom", "model_id": FAST }],
            }),
        )
        .await;
    assert_eq!(answer["skipped"], json!([]), "targets take precedence: {answer}");
}

#[tokio::test]
async fn a_form_starts_nothing_if_a_model_is_gone() {
    let fixture = Fixture::new().await;
    let request =
        BenchmarkRequest { models: vec![FAST.to_owned(), "gpt-9".to_owned()], ..BenchmarkRequest::default() };
    let submitted = fixture.state.benchmarks.submit(&anna(), &request, Unavailable::Refuse).await;
    assert!(submitted.unwrap_err().to_string().contains("gpt-9"));
}

#[tokio::test]
async fn decrypts_keys_only_when_the_job_starts() {
    let fixture = Fixture::new().await;
    let (providers, id) = (&fixture.state.providers, anna());
    let provider = providers.by_key(&id, "custom").await.unwrap().id;
    providers.save_key(&id, &provider, &"sk-a-key-of-anna".to_owned().into()).await.unwrap();
    let sql = "update provider_keys set sealed = 'no ciphertext'";
    sqlx::query(sql).execute(fixture.database.writer()).await.unwrap();
    for path in ["/api/benchmark/estimate", "/api/benchmark"] {
        let (status, answer) = fixture.call("anna", Method::POST, path, &usual(FAST)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    }
    let chosen = [ModelRef { provider_key: "custom".into(), model_id: FAST.into() }];
    assert_eq!(providers.named(&id, &[FAST.to_owned()]).await.unwrap(), chosen);
    assert!(matches!(providers.targets(&id, &chosen).await, Err(ProviderError::Vault(_))));
}

#[tokio::test]
async fn estimates_without_sending_requests() {
    let (fixture, mut tab) = Fixture::running().await;
    let body = json!({ "models": [FAST], "runs": 3, "context_tiers": [0, 1000] });
    let (status, first) = fixture.call("anna", Method::POST, "/api/benchmark/estimate", &body).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_eq!((&first["total_requests"], first["rows"].as_array().unwrap().len()), (&json!(8), 2));
    assert_eq!((&first["cost_at_most"], &first["rows_without_cost"]), (&Value::Null, &json!(2)));
    assert_eq!(first["duration_s"], Value::Null);
    fixture.start(&usual(FAST)).await;
    wait_for(&mut tab, "job_completed").await;
    let (_, second) = fixture.call("anna", Method::POST, "/api/benchmark/estimate", &body).await;
    assert!(second["duration_s"].as_f64().unwrap() > 0.0, "{second}");
}

#[tokio::test]
async fn cancelled_benchmarks_are_not_in_the_history() {
    let (fixture, mut tab) = Fixture::running().await;
    let id = fixture.start(&usual(SLOW)).await;
    wait_for(&mut tab, "benchmark_init").await;
    let (status, detail) = fixture.get("anna", &format!("/api/history/{id}")).await;
    assert_eq!((status, &detail["status"]), (StatusCode::OK, &json!("running")));
    let (status, answer) =
        fixture.call("anna", Method::DELETE, &format!("/api/history/{id}"), &Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    let (status, answer) =
        fixture.call("anna", Method::POST, "/api/benchmark/cancel", &json!({ "job_id": id })).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("ok")));
    wait_for(&mut tab, "job_cancelled").await;
    let (_, page) = fixture.get("anna", "/api/history").await;
    assert_eq!(page["runs"], json!([]));
    assert_eq!(fixture.get("anna", &format!("/api/history/{id}")).await.0, StatusCode::NOT_FOUND);
    let view = fixture.state.benchmarks.view(&anna(), &id).await.unwrap();
    assert_eq!((view.status, view.rows.len()), (BenchmarkStatus::Cancelled, 0));
    assert_eq!((view.targets.len(), &*view.parameters.prompt), (0, ""));
}

#[tokio::test]
async fn without_an_id_one_benchmark_is_cancelled() {
    let fixture = Fixture::new().await;
    let (older, newer) = (fixture.start(&usual(FAST)).await, fixture.start(&usual(FAST)).await);
    for (id, other) in [(&newer, Some(&older)), (&older, None)] {
        let request =
            Request::post("/api/benchmark/cancel").extension(session("anna")).body(HttpBody::empty());
        let response = fixture.send(request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let active = fixture.state.jobs.active(&anna()).await.unwrap();
        let active: Vec<_> = active.iter().map(|job| &job.id).collect();
        assert_eq!(active, other.into_iter().collect::<Vec<_>>(), "{id} is cancelled");
    }
    let (_, answer) = fixture.call("anna", Method::POST, "/api/benchmark/cancel", &json!({})).await;
    assert_eq!(answer["message"], "No benchmark is waiting or running.");
}

#[tokio::test]
async fn returns_queued_benchmarks() {
    let fixture = Fixture::new().await;
    let id = fixture.start(&usual(FAST)).await;
    let view = fixture.state.benchmarks.view(&anna(), &id).await.unwrap();
    assert_eq!((view.status, view.targets.len(), view.parameters.runs), (BenchmarkStatus::Running, 1, 2));
    assert_eq!(view.job.unwrap().progress_detail, format!("{FAST}, 2 runs"));
}

/// Waits until the job has failed; returns the error.
async fn wait_for_failure(tab: &mut Subscription) -> Value {
    loop {
        let mut frame: Value = serde_json::from_str(&tab.frames.recv().await.unwrap()).unwrap();
        if frame["type"] == "job_failed" {
            return frame["error"].take();
        }
    }
}

/// Returns the stored status, error and end of the only benchmark and of its job.
async fn stored_ends(fixture: &Fixture) -> [(String, String, i64); 2] {
    let benchmark = sqlx::query_as("select status, error, finished_at from benchmarks");
    let job = sqlx::query_as("select status, error, finished_at from jobs");
    let pool = fixture.database.reader();
    [benchmark.fetch_one(pool).await.unwrap(), job.fetch_one(pool).await.unwrap()]
}

#[tokio::test]
async fn marks_a_benchmark_as_failed_with_its_job() {
    for give_up in [false, true] {
        let fixture = Fixture::new().await;
        let mut tab = fixture.state.hub.join(&anna()).unwrap();
        let id = fixture.start(&usual(FAST)).await;
        // The benchmark was started with another address of the provider.
        let store = BenchmarkStore::new(fixture.database.clone());
        let provider = Provider::of_kind(ProviderKind::Custom, "http://127.0.0.1:1");
        let target = TargetSnapshot::of_parts(&provider, &Model::named(FAST));
        store.begin(&anna(), &id, &Parameters::default(), &[target]).await.unwrap();
        if give_up {
            sqlx::query("update jobs set status = 'interrupted', crashes = 5")
                .execute(fixture.database.writer())
                .await
                .unwrap();
        }
        fixture.state.jobs.start();
        let error = wait_for_failure(&mut tab).await;
        let expected = if give_up { "The server ended 5 times" } else { "Custom has another address" };
        assert!(error.as_str().unwrap().starts_with(expected), "{error}");
        let [benchmark, job] = stored_ends(&fixture).await;
        assert_eq!(benchmark, job);
        assert_eq!((&*benchmark.0, Some(&*benchmark.1)), ("failed", error.as_str()));
    }
}

#[tokio::test]
async fn reading_benchmarks_writes_nothing() {
    let fixture = Fixture::new().await;
    let (store, id) = (BenchmarkStore::new(fixture.database.clone()), new_id());
    store.begin(&anna(), &id, &Parameters::default(), &[]).await.unwrap();
    sqlx::query("pragma query_only = on").execute(fixture.database.writer()).await.unwrap();
    for path in ["/api/history".to_owned(), format!("/api/history/{id}"), "/history".to_owned()] {
        let request = Request::get(&path).extension(session("anna")).body(HttpBody::empty()).unwrap();
        assert_eq!(fixture.send(request).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn users_cannot_access_each_others_benchmarks() {
    let (fixture, mut tab) = Fixture::running().await;
    let id = fixture.start(&usual(FAST)).await;
    wait_for(&mut tab, "job_completed").await;
    let place = format!("provider_key=custom&model_id={}&run_number=1", FAST.replace('=', "%3D"));
    for (method, path, body) in [
        (Method::GET, format!("/api/history/{id}"), Value::Null),
        (Method::DELETE, format!("/api/history/{id}"), Value::Null),
        (Method::GET, format!("/api/benchmark/{id}/timeline?{place}"), Value::Null),
        (Method::POST, "/api/benchmark/cancel".into(), json!({ "job_id": id })),
    ] {
        let (status, answer) = fixture.call("ben", method, &path, &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {answer}");
    }
    assert_eq!(fixture.get("ben", "/api/history").await.1["runs"], json!([]));
    assert_eq!(fixture.get("anna", &format!("/api/history/{id}")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn rejects_requests_without_a_session() {
    let fixture = Fixture::new().await;
    for (method, path) in [
        (Method::POST, "/api/benchmark"),
        (Method::POST, "/api/benchmark/estimate"),
        (Method::POST, "/api/benchmark/cancel"),
        (Method::GET, "/api/benchmark/x/timeline"),
        (Method::GET, "/api/history"),
        (Method::GET, "/api/history/x"),
        (Method::DELETE, "/api/history/x"),
    ] {
        let request = Request::builder().method(method).uri(path).body(HttpBody::empty()).unwrap();
        assert_eq!(fixture.send(request).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn starts_a_benchmark_from_a_plain_form() {
    let fixture = Fixture::new().await;
    let form = "models[]=custom%2Fmock%2Fttft%3D1%2Cgap%3D1%2Ctokens%3D4&runs=1\
                &max_tokens=20&temperature=0.5&tiers[]=0&warmup=true";
    let request = Request::post(StartBenchmark::PATH)
        .extension(session("anna"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .body(HttpBody::from(form))
        .unwrap();
    let response = fixture.send(request).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    let address = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let id = address.strip_prefix("/benchmark/").unwrap();
    let view = fixture.state.benchmarks.view(&anna(), id).await.unwrap();
    assert_eq!((view.parameters.runs, view.parameters.warmup), (1, true));
}

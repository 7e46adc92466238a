//! Tests of deleting a user with many stored runs while other users run benchmarks and load pages.

use std::slice;
use std::time::{Duration, Instant};

use bench::summary;
use bench::types::{Parameters, RowHead, Run};
use endpoint::{Model, Provider, ProviderKind};
use llm_benchmark_studio::accounts::UserId;
use llm_benchmark_studio::benchmark::snapshot::TargetSnapshot;
use llm_benchmark_studio::benchmark::store::BenchmarkStore;
use llm_benchmark_studio::database::{Database, Location, new_id};
use serde_json::json;
use tokio::time::sleep;

use super::client::Client;
use super::mock::Mock;
use super::process::{Installation, Server};
use super::several::on_postgres;
use super::whole::{assert_complete, wait_until_done};

const MODEL: &str = "mock/ttft=150,gap=5,tokens=20";
const RUNS: u32 = 20;
/// Number of benchmarks that run during the deletion.
const WRITERS: usize = 20;
/// Number of chunks of each stored run: a response of about 300 tokens.
const CHUNKS: usize = 300;
/// Number of runs of each model in a stored benchmark.
const STORED_RUNS: usize = 100;
/// Maximum number of stored benchmarks of the user who loads pages.
const READ: usize = 200;

/// Pages that are loaded during the deletion.
const PAGES: [&str; 3] = ["/history", "/benchmark", "/api/jobs"];

/// Latencies of each page.
type Times = [Vec<Duration>; PAGES.len()];

fn stored_run(number: usize) -> Run {
    let deltas: Vec<usize> = (0..CHUNKS).map(|chunk| 9_000 + (chunk * 7919 + number) % 4_000).collect();
    let run = json!({
        "run_number": number, "success": true, "started_at": 7, "ttft_ms": 300.0, "chunks": CHUNKS,
        "tokens_per_second": 100.0, "clock": "kernel", "chunk_deltas_us": deltas,
        "response_id": "chatcmpl-0198a0000000700080000000000000",
    });
    serde_json::from_value(run).unwrap()
}

/// Returns the number of runs of the deleted user: `STUDIO_TEST_RUNS`, for example 100000; by default fewer.
fn runs() -> usize {
    std::env::var("STUDIO_TEST_RUNS").map_or(2_000, |runs| runs.parse().unwrap())
}

/// Stores `count` complete benchmarks of `runs` runs.
async fn store_benchmarks(store: &BenchmarkStore, user: &UserId, count: usize, runs: usize) {
    let provider = Provider::of_kind(ProviderKind::Custom, "http://127.0.0.1:1/v1");
    let model = Model::named("old");
    let head = json!({
        "provider": provider.display_name, "provider_key": provider.key, "model": model.display_name,
        "model_id": model.id, "protocol": provider.protocol, "context_tokens": 0, "simulated": false,
    });
    let head: RowHead = serde_json::from_value(head).unwrap();
    let target = TargetSnapshot::of_parts(&provider, &model);
    let row = summary::row(head, None, (1..=runs).map(stored_run).collect());
    for _ in 0..count {
        let (parameters, rows) = (Parameters::default(), [row.clone()]);
        store.insert_complete(user, &new_id(), &parameters, slice::from_ref(&target), &rows).await.unwrap();
    }
}

/// The server, its database and the users of a test.
struct Fixture {
    server: Server,
    location: Location,
    database: Database,
    admin: Client,
    writer: Client,
    reader: Client,
    /// The user to delete.
    deleted_user: UserId,
    _mock: Mock,
}

impl Fixture {
    async fn new(installation: &Installation, runs: usize) -> Self {
        let (server, mock) = (installation.start(), Mock::start());
        let admin = Client::register(&server, "anna").await;
        let writer = Client::register(&server, "ben").await;
        let reader = Client::register(&server, "carl").await;
        let deleted_user = Client::register(&server, "dora").await.user_id().await;
        admin.put("/api/admin/settings", json!({ "registration": "open", "local_networks": true })).await;
        let limit = json!({
            "benchmarks_per_hour": 100_000, "max_concurrent": WRITERS, "max_runs_per_benchmark": RUNS,
        });
        admin.put(&format!("/api/admin/users/{}/rate-limit", writer.user_id().await), limit).await;
        let provider = writer.add_provider("local", &mock.base_url).await;
        writer.add_model(&provider, MODEL).await;
        let database = Database::open(installation.database()).await.unwrap();
        let store = BenchmarkStore::new(database.clone());
        store_benchmarks(&store, &deleted_user, runs.div_ceil(STORED_RUNS), STORED_RUNS).await;
        store_benchmarks(&store, &reader.user_id().await, READ.min(runs / 10), 1).await;
        let location = installation.database();
        Self { server, location, database, admin, writer, reader, deleted_user, _mock: mock }
    }

    async fn start_writers(&self) -> Vec<String> {
        let mut started = Vec::new();
        for _ in 0..WRITERS {
            started.push(self.writer.start("local", &[MODEL], RUNS).await);
        }
        started
    }

    /// Deletes the user and asserts that the list of users does not contain them afterwards.
    fn delete(&self) -> impl Future<Output = ()> + use<> {
        let (admin, path) = (self.admin.clone(), format!("/api/admin/users/{}", self.deleted_user));
        async move {
            let (status, answer) = admin.call("DELETE", &path, None).await;
            assert!(status.is_success(), "{status} {answer}");
            let users = admin.get("/api/admin/users").await;
            assert!(!users.to_string().contains("dora@example.org"), "{users}");
        }
    }

    /// Returns whether the user's row is deleted.
    async fn is_deleted(&self) -> bool {
        let left: Option<(String,)> = sqlx::query_as("select id from users where id = $1")
            .bind(self.deleted_user.as_str())
            .fetch_optional(self.database.reader())
            .await
            .unwrap();
        left.is_none()
    }

    async fn assert_no_rows_left(&self) {
        for table in ["benchmark_runs", "benchmark_rows", "benchmarks", "jobs", "providers"] {
            let sql = format!("select cast(count(*) as bigint) from {table} where user_id = $1");
            let (left,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(self.deleted_user.as_str())
                .fetch_one(self.database.reader())
                .await
                .unwrap();
            assert_eq!(left, 0, "{table}");
        }
    }

    async fn load_pages(&self, times: &mut Times) {
        for (path, times) in PAGES.iter().zip(times) {
            let start = Instant::now();
            let (status, answer) = self.reader.call("GET", path, None).await;
            times.push(start.elapsed());
            assert!(status.is_success(), "{path}: {status} {answer}");
        }
    }

    /// Deletes the user while benchmarks run, and loads pages until the deletion is complete. Prints the
    /// duration of the deletion and the latencies of the pages before and during it.
    async fn delete_under_load(&self) {
        let mut benchmarks = self.start_writers().await;
        let (mut before, mut during) = (Times::default(), Times::default());
        for _ in 0..20 {
            self.load_pages(&mut before).await;
        }
        let start = Instant::now();
        let deletion = tokio::spawn(self.delete());
        loop {
            self.load_pages(&mut during).await;
            if self.is_deleted().await {
                break;
            }
            // Benchmarks run until the end of the deletion.
            let active =
                self.writer.get("/api/jobs?status=running,queued,pending,interrupted&limit=100").await;
            if active["jobs"].as_array().unwrap().len() < WRITERS {
                benchmarks.extend(self.start_writers().await);
            }
        }
        eprintln!("{:?}: {} runs deleted in {:.1?}", self.location, runs(), start.elapsed());
        for (page, (before, during)) in PAGES.iter().zip(before.iter_mut().zip(&mut during)) {
            eprintln!("{page}: before {}; during {}", percentiles(before), percentiles(during));
        }
        deletion.await.unwrap();
        for benchmark in &benchmarks {
            wait_until_done(&self.writer, benchmark).await;
        }
        self.assert_no_rows_left().await;
        let writer = self.writer.user_id().await;
        let benchmarks: Vec<_> = benchmarks.into_iter().map(|id| (writer.clone(), id)).collect();
        eprintln!("{} benchmarks ran during the deletion", benchmarks.len());
        self.database.close().await;
        assert_complete(self.location.clone(), &benchmarks, 1, RUNS.into()).await;
    }
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() * share).div_ceil(100).max(1) - 1].as_secs_f64() * 1e3;
    format!("p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms of {}", at(50), at(99), at(100), times.len())
}

fn with_concurrency(installation: Installation) -> Installation {
    installation.with("STUDIO_CONCURRENT_BENCHMARKS", WRITERS.to_string())
}

async fn installations() -> Vec<Installation> {
    let on_sqlite = Installation::new();
    [Some(on_sqlite), on_postgres().await].into_iter().flatten().map(with_concurrency).collect()
}

#[tokio::test]
async fn a_user_is_deleted_while_others_run_benchmarks_and_load_pages() {
    for installation in installations().await {
        Fixture::new(&installation, runs()).await.delete_under_load().await;
    }
}

#[tokio::test]
async fn a_deletion_resumes_after_the_server_was_killed() {
    for installation in installations().await {
        let mut fixture = Fixture::new(&installation, runs()).await;
        fixture.delete().await;
        fixture.server.kill();
        fixture.server = installation.start();
        while !fixture.is_deleted().await {
            sleep(Duration::from_millis(20)).await;
        }
        fixture.assert_no_rows_left().await;
    }
}

//! Checks that benchmarks are complete in the database after crashes or outages.

use std::time::Duration;

use bench::summary;
use llm_benchmark_studio::accounts::UserId;
use llm_benchmark_studio::benchmark::store::{BenchmarkStore, RowKey};
use llm_benchmark_studio::benchmark::view::BenchmarkStatus;
use llm_benchmark_studio::database::{Database, Location};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::Client;

/// Timeout for the end of a job.
const TIMEOUT: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Waits until a job is done. Ignores error responses, for example while the database is unavailable.
pub async fn wait_until_done(client: &Client, job: &str) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let (status, answer) = client.call("GET", &format!("/api/jobs/{job}"), None).await;
        if status.is_success() {
            let job: Value = serde_json::from_str(&answer).unwrap();
            match job["status"].as_str().unwrap() {
                "done" => return,
                "failed" | "cancelled" => panic!("{job}"),
                _ => {}
            }
        }
        assert!(Instant::now() < deadline, "timeout: {answer}");
        sleep(POLL_INTERVAL).await;
    }
}

/// Asserts that each benchmark is complete: it has each run of each of its `models` once, and its summaries
/// equal those of the stored runs. Asserts that all jobs have ended.
pub async fn assert_complete(location: Location, benchmarks: &[(UserId, String)], models: usize, runs: u64) {
    let database = Database::open(location).await.unwrap();
    let store = BenchmarkStore::new(database.clone());
    for (user, id) in benchmarks {
        let benchmark = store.find(user, id).await.unwrap().unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!((benchmark.status, benchmark.error), (BenchmarkStatus::Complete, None), "{id}");
        let rows = store.rows(user, id).await.unwrap();
        assert_eq!(rows.len(), models, "{id}");
        let mut finished = store.finished(user, id).await.unwrap();
        for row in rows {
            let of_row = finished.iter().position(|of| of.model == row.key.model).unwrap();
            let mut of_row = finished.swap_remove(of_row);
            of_row.runs.sort_by_key(|run| run.run_number);
            let numbers: Vec<u64> = of_row.runs.iter().map(|run| run.run_number).collect();
            assert_eq!(numbers, (1..=runs).collect::<Vec<_>>(), "{id} {:?}", row.key);
            assert!(of_row.runs.iter().all(|run| run.success), "{id}: {:?}", of_row.runs);
            for run in &mut of_row.runs {
                let times = store.timeline(user, id, &row.key, run.run_number).await.unwrap();
                run.chunk_deltas_us =
                    times.unwrap_or_else(|| panic!("{id}: run {} has no chunk times", run.run_number));
            }
            let again = summary::row(row.head, row.warmup, of_row.runs).summary;
            let (again, stored) = (serde_json::to_value(again), serde_json::to_value(row.summary));
            assert_close(&stored.unwrap(), &again.unwrap(), id, &row.key);
        }
    }
    let (active,): (i64,) =
        sqlx::query_as("select cast(count(*) as bigint) from jobs where finished_at is null")
            .fetch_one(database.reader())
            .await
            .unwrap();
    assert_eq!(active, 0, "jobs that have not ended");
    database.close().await;
}

/// Asserts equality up to rounding errors: a floating-point sum depends on the order of its terms.
#[track_caller]
fn assert_close(stored: &Value, again: &Value, id: &str, key: &RowKey) {
    let differ = || panic!("{id} {key:?}: the summary has {stored}, of the stored runs it is {again}");
    match (stored, again) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            if (one - other).abs() > 1e-9 * one.abs().max(other.abs()) {
                differ();
            }
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            for (name, value) in one {
                assert_close(value, other.get(name).unwrap_or(&Value::Null), id, key);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).for_each(|(one, other)| assert_close(one, other, id, key));
        }
        _ if stored == again => {}
        _ => differ(),
    }
}

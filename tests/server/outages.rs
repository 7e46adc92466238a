//! Tests of restarting the database while a benchmark runs.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::client::Client;
use super::cluster::Cluster;
use super::mock::Mock;
use super::process::Installation;
use super::whole::{assert_complete, wait_until_done};

const MODELS: [&str; 4] = [
    "mock/ttft=100,gap=1,tokens=4",
    "mock/ttft=101,gap=1,tokens=4",
    "mock/ttft=102,gap=1,tokens=4",
    "mock/ttft=103,gap=1,tokens=4",
];
const RUNS: u32 = 20;

/// Returns the number of stored runs; `None` while the database is unavailable.
async fn stored_runs(client: &Client, benchmark: &str) -> Option<usize> {
    let (status, answer) = client.call("GET", &format!("/api/history/{benchmark}"), None).await;
    if !status.is_success() {
        return None;
    }
    let detail: Value = serde_json::from_str(&answer).unwrap();
    assert_ne!(detail["status"], "failed", "{detail}");
    let rows = detail["rows"].as_array().unwrap();
    Some(rows.iter().map(|row| row["runs"].as_array().unwrap().len()).sum())
}

#[tokio::test]
async fn a_benchmark_completes_despite_restarts_of_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let mock = Mock::start();
    let installation = Installation::new().with("DATABASE_URL", cluster.url());
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let provider = anna.add_provider("local", &mock.base_url).await;
    let all = ["immediate", "fast", "fast", "fast", "fast"];
    let many = std::env::var_os("STUDIO_TEST_KILLS").is_some();
    let (restarts, models) = if many { (&all[..], &MODELS[..]) } else { (&all[..1], &MODELS[..1]) };
    for model in models {
        anna.add_model(&provider, model).await;
    }
    let benchmark = anna.start("local", models, RUNS).await;
    let mut seen = 0;
    for mode in restarts {
        while stored_runs(&anna, &benchmark).await.is_none_or(|stored| stored < seen + 3) {
            sleep(Duration::from_millis(20)).await;
        }
        cluster.restart(mode);
        seen = stored_runs(&anna, &benchmark).await.unwrap_or(seen + 3);
        assert!(seen < models.len() * RUNS as usize, "the benchmark ended before the restart");
    }
    wait_until_done(&anna, &benchmark).await;
    let benchmarks = [(anna.user_id().await, benchmark)];
    assert_complete(installation.database(), &benchmarks, models.len(), RUNS.into()).await;
}

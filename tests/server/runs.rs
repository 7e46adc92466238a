//! Runs read from frames and from the history, for comparison.

use serde_json::Value;

use super::client::Client;

/// One measured request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub provider_key: String,
    pub model_id: String,
    pub tier: u64,
    pub number: u64,
    /// The endpoint's id of the response: a repeated run has a different one.
    pub response_id: String,
}

/// Reads the run in `run` with the model and tier of `row`.
pub fn run_of(row: &Value, run: &Value) -> Run {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(run["success"], true, "{run}");
    Run {
        provider_key: text(&row["provider_key"]),
        model_id: text(&row["model_id"]),
        tier: row["context_tokens"].as_u64().unwrap(),
        number: run["run_number"].as_u64().unwrap(),
        response_id: text(&run["response_id"]),
    }
}

/// Returns the runs of a finished benchmark in the history, sorted.
pub async fn runs_in_history(client: &Client, benchmark: &str) -> Vec<Run> {
    let detail = client.get(&format!("/api/history/{benchmark}")).await;
    assert_eq!(detail["status"], "complete", "{detail}");
    let rows = detail["rows"].as_array().unwrap();
    let runs_of = |row: &Value| -> Vec<Run> {
        row["runs"].as_array().unwrap().iter().map(|run| run_of(row, run)).collect()
    };
    sorted(rows.iter().flat_map(runs_of).collect())
}

pub fn sorted(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort();
    runs
}

/// Returns the benchmarks in the history, newest first.
pub async fn history(client: &Client) -> Vec<Value> {
    client.get("/api/history").await["runs"].as_array().unwrap().clone()
}

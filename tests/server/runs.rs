//! Runs as tests tell them apart, wherever they are told of.

use serde_json::Value;

use super::client::Client;

/// One measured request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub provider_key: String,
    pub model_id: String,
    pub tier: u64,
    pub number: u64,
    /// The endpoint's own id of the answer: a run that is made again has another.
    pub response_id: String,
}

/// The run in `run`, of the model and tier that `row` names.
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

/// The runs of a finished benchmark as the history has them, sorted.
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

/// The benchmarks in the history, newest first.
pub async fn history(client: &Client) -> Vec<Value> {
    client.get("/api/history").await["runs"].as_array().unwrap().clone()
}

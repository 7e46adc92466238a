//! Finished benchmarks as plain data, under the names that scripts of the Python product know.

use serde::{Deserialize, Serialize};

use crate::benchmark::view::{BenchmarkStatus, HistoryResult};
use bench::types::{ClientHealth, Parameters, ResultRow};

/// One page of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    pub runs: Vec<HistoryRun>,
    /// What to send as `before` for the next page; null when this is the last.
    pub next: Option<String>,
}

/// One benchmark, its rows in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryRun {
    pub id: String,
    /// `failed` where it ended before its time: then the results are what was measured until then.
    pub status: BenchmarkStatus,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    /// When it was started: RFC 3339, UTC.
    pub timestamp: String,
    /// The same in Unix milliseconds.
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// In lists its first 200 characters.
    pub prompt: String,
    pub context_tiers: Vec<u64>,
    /// Runs of each model and tier.
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    pub warmup: bool,
    pub results: Vec<HistoryResult>,
}

/// One benchmark with every run and every summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryDetail {
    #[serde(flatten)]
    pub run: HistoryRun,
    pub parameters: Parameters,
    /// The measuring client's own condition.
    pub client: Option<ClientHealth>,
    /// Runs come without the arrivals of their chunks: see `/api/benchmark/{id}/timeline`.
    pub rows: Vec<ResultRow>,
}

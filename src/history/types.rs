//! Finished benchmarks as plain data, with the field names of the Python product, which scripts use.

use serde::{Deserialize, Serialize};

use crate::benchmark::view::{BenchmarkStatus, HistoryResult};
use bench::types::{ClientHealth, Parameters, ResultRow};

/// One page of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    pub runs: Vec<HistoryRun>,
    /// Value of `before` for the next page; null on the last page.
    pub next: Option<String>,
}

/// One benchmark with the figures of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryRun {
    pub id: String,
    /// `failed` if it ended early; the results are then partial.
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

/// One benchmark with all runs and summaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryDetail {
    #[serde(flatten)]
    pub run: HistoryRun,
    pub parameters: Parameters,
    /// The measuring client's own error and load.
    pub client: Option<ClientHealth>,
    /// Runs without their per-chunk timings: see `/api/benchmark/{id}/timeline`.
    pub rows: Vec<ResultRow>,
}

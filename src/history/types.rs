//! Finished benchmarks as plain data, with the field names of the Python product, which scripts use.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::benchmark::view::{BenchmarkStatus, HistoryResult};
use crate::times;
use bench::types::{ClientHealth, Parameters, ResultRow};
use endpoint::ModelRef;

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
    #[serde(flatten, with = "times::created_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::created_at::CreatedAt))]
    pub created_at: i64,
    #[serde(flatten, with = "times::finished_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::finished_at::FinishedAt))]
    pub finished_at: Option<i64>,
    /// In lists its first 200 characters.
    pub prompt: String,
    pub context_tiers: Vec<u64>,
    /// Runs of each model and tier.
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    pub warmup: bool,
    /// The fastest first.
    pub results: Vec<HistoryResult>,
}

/// One benchmark with all runs and summaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryDetail {
    #[serde(flatten)]
    pub run: HistoryRun,
    pub parameters: Parameters,
    /// What a script needs to start the same benchmark again, under the names of a request.
    pub config: HistoryConfig,
    /// Always empty.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
    /// The measuring client's own error and load.
    pub client: Option<ClientHealth>,
    /// Runs without their per-chunk timings: see `/api/benchmark/{id}/timeline`.
    pub rows: Vec<ResultRow>,
}

/// The request of a benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryConfig {
    pub models: Vec<String>,
    pub targets: Vec<ModelRef>,
    pub context_tiers: Vec<u64>,
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    pub warmup: bool,
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub provider_params: Map<String, Value>,
}

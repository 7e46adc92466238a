//! The events of a running benchmark.

use serde::{Deserialize, Serialize};

use endpoint::{ModelRef, registry::Adjustment};

use super::{ResultRow, RowHead, Run, Skip, WarmupOutcome};

/// An event of a running benchmark; the WebSocket uses the same names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Sent once, before anything runs.
    BenchmarkInit {
        /// The contents of the benchmark.
        data: Init,
    },
    /// Parameters that the registry changed, per model; only when there are any.
    ParamAdjustments {
        /// One entry per model with changes.
        models: Vec<ModelAdjustments>,
    },
    /// Sent before each run and, in load mode, a few times a second.
    BenchmarkProgress {
        /// The progress.
        data: Progress,
    },
    /// The discarded run of one model at one tier has ended.
    BenchmarkWarmup {
        /// The warm-up.
        data: Box<WarmupResult>,
    },
    /// One finished run, or a tier that was skipped.
    BenchmarkResult {
        /// The run or the skipped tier.
        data: Box<RunResult>,
    },
    /// All runs of one model at one tier are done, or the tier was skipped. A row that was cancelled,
    /// interrupted or finished by an earlier start is in the report only.
    BenchmarkRow {
        /// The finished row.
        data: Box<ResultRow>,
    },
}

/// The contents of a benchmark, sent before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Init {
    /// The models to measure.
    pub targets: Vec<ModelRef>,
    /// Number of measured runs per model and tier.
    pub runs: u32,
    /// The context tiers, in tokens.
    pub context_tiers: Vec<u64>,
    /// Limit of output tokens per run.
    pub max_tokens: u32,
    /// Requests of the whole benchmark, warm-up runs included, skipped tiers left out.
    pub total_requests: u64,
    /// Number of these requests that earlier starts have made.
    #[serde(default)]
    pub done_requests: u64,
    /// Every row to come, in the order of the report, those of earlier starts included.
    #[serde(default)]
    pub rows: Vec<RowHead>,
}

/// The parameters that the registry changed for one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelAdjustments {
    /// The model.
    #[serde(flatten)]
    pub model: ModelRef,
    /// The changes.
    pub adjustments: Vec<Adjustment>,
}

/// The progress of one provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The provider's display name.
    pub provider: String,
    /// The provider's key.
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    /// The model's id at the provider.
    pub model_id: String,
    /// The run that is about to start; 0 is the warm-up. In load mode: requests finished.
    pub run: u64,
    /// Number of measured runs per model and tier. In load mode: requests in total.
    pub runs: u64,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// Number of this provider's requests that are done.
    pub provider_done: u64,
    /// Number of this provider's requests in total.
    pub provider_total: u64,
    /// Load mode: output tokens per second since the last progress event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_tps: Option<f64>,
}

/// The warm-up of one model at one tier, sent when it has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarmupResult {
    /// The provider's display name.
    pub provider: String,
    /// The provider's key.
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    /// The model's id at the provider.
    pub model_id: String,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// The outcome of the warm-up.
    #[serde(flatten)]
    pub outcome: WarmupOutcome,
}

/// One finished run, or a skipped tier, which has no run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The provider's display name.
    pub provider: String,
    /// The provider's key.
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    /// The model's id at the provider.
    pub model_id: String,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// Number of measured runs per model and tier.
    #[serde(default)]
    pub runs: u32,
    /// Set if the tier is not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    /// The run; `None` for a skipped tier.
    #[serde(flatten)]
    pub run: Option<Run>,
}

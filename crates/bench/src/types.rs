//! Requests, results and events of speed benchmarks, as every screen, export and the terminal see
//! them. Names and units are those of the measurement page (`docs/measurement.md`).

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use endpoint::{ApiError, ModelRef, Price, PriceSource, Protocol, registry::Adjustment};
use stats::Summary;

/// Version of the results file's shape; raised when a reader of the old shape would misread it.
pub const SCHEMA_VERSION: u32 = 1;

pub const RUNS_RANGE: RangeInclusive<u32> = 1..=20;
pub const MAX_TOKENS_RANGE: RangeInclusive<u32> = 1..=16_384;
pub const TEMPERATURE_RANGE: RangeInclusive<f64> = 0.0..=2.0;
/// Of each timeout, in seconds: up to a day.
pub const TIMEOUT_RANGE: RangeInclusive<f64> = 0.001..=86_400.0;
pub const CONCURRENCY_RANGE: RangeInclusive<u32> = 1..=4096;
/// Tokens; the largest context that any model offers, with room to spare.
pub const MAX_TIER: u64 = 2_000_000;

/// What is sent when nobody says otherwise.
pub const DEFAULT_PROMPT: &str = "Explain recursion to someone who has just learned what a function is. \
Use one everyday comparison and one short code example, and say when recursion is the wrong tool.";

/// What a benchmark measures with; the same for all its models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Parameters {
    pub prompt: String,
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    /// Tokens of context before the prompt; 0 is the bare prompt.
    pub context_tiers: Vec<u64>,
    /// One discarded run per model and tier.
    pub warmup: bool,
    /// Further parameters under the registry's names, provider-specific ones included.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    pub timeouts: Timeouts,
    /// Load mode; `None` is the usual one request at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadParameters>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            prompt: DEFAULT_PROMPT.to_owned(),
            runs: 3,
            max_tokens: 512,
            temperature: 0.7,
            context_tiers: vec![0],
            warmup: true,
            params: Map::new(),
            timeouts: Timeouts::default(),
            load: None,
        }
    }
}

/// Closed-loop load: exactly `concurrency` requests in flight until `requests` have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoadParameters {
    pub concurrency: u32,
    pub requests: u64,
}

/// Limits of one run, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Timeouts {
    pub connect_s: f64,
    pub first_token_s: f64,
    pub total_s: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_s: 10.0, first_token_s: 120.0, total_s: 300.0 }
    }
}

impl Timeouts {
    pub fn connect(&self) -> Duration {
        Duration::from_secs_f64(self.connect_s)
    }
    pub fn first_token(&self) -> Duration {
        Duration::from_secs_f64(self.first_token_s)
    }
    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.total_s)
    }
}

/// Which clock stamped the arrivals of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The kernel's receive time (`SO_TIMESTAMPNS`).
    Kernel,
    /// The moment when bytes came off the socket, in user space.
    User,
    /// That of another program, which reported the run.
    Reported,
}

/// Where token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    Reported,
    Estimated,
}

/// One measured request. Metrics are `None` where they do not exist; a failed run keeps what was
/// measured until it failed and counts in no average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Run {
    /// 1-based.
    pub run_number: u64,
    pub success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    /// The provider's id of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// Unix milliseconds UTC at which the request was handed over.
    pub started_at: i64,
    /// DNS + TCP + TLS when a new connection was opened; part of no other number.
    pub connect_ms: Option<f64>,
    pub ttft_ms: Option<f64>,
    pub ttfa_ms: Option<f64>,
    pub total_time_s: Option<f64>,
    pub output_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    pub input_tokens: Option<u64>,
    pub cached_input_tokens: Option<u64>,
    pub token_source: Option<TokenSource>,
    pub tokens_per_second: Option<f64>,
    pub output_speed_tps: Option<f64>,
    pub itl_ms: Option<f64>,
    pub itl_p50_ms: Option<f64>,
    pub itl_p95_ms: Option<f64>,
    pub itl_p99_ms: Option<f64>,
    pub input_tokens_per_second: Option<f64>,
    /// Content chunks that arrived.
    pub chunks: u64,
    pub tokens_per_chunk: Option<f64>,
    /// USD.
    pub cost: Option<f64>,
    pub cost_source: Option<PriceSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    pub clock: Clock,
    /// User-space stamp minus kernel stamp over this run's reads; `None` on the user clock.
    pub lateness_mean_ms: Option<f64>,
    pub lateness_max_ms: Option<f64>,
    /// Arrivals of the content chunks in µs: the first since the request, each further one since
    /// the one before. Empty in load mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunk_deltas_us: Vec<u32>,
}

impl Run {
    /// Gaps between the content chunks, ms.
    pub fn gaps_ms(&self) -> impl Iterator<Item = f64> + '_ {
        self.chunk_deltas_us.iter().skip(1).map(|&delta| f64::from(delta) / 1e3)
    }
}

/// Many runs of one model at one tier, successes only.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RunSummary {
    pub success_count: u64,
    pub error_count: u64,
    pub ttft_ms: Option<Summary>,
    pub ttfa_ms: Option<Summary>,
    pub total_time_s: Option<Summary>,
    pub tokens_per_second: Option<Summary>,
    pub output_speed_tps: Option<Summary>,
    pub input_tokens_per_second: Option<Summary>,
    /// Over the runs' means.
    pub itl_ms: Option<Summary>,
    /// Over every gap of every run.
    pub gap_ms: Option<Summary>,
    pub tokens_per_chunk: Option<Summary>,
    pub output_tokens: Option<Summary>,
    pub reasoning_tokens: Option<Summary>,
    pub input_tokens: Option<Summary>,
    pub cached_input_tokens: Option<Summary>,
    pub connect_ms: Option<Summary>,
    /// USD for one run.
    pub cost: Option<Summary>,
    /// Over the runs' means.
    pub lateness_ms: Option<Summary>,
    /// USD over all successful runs.
    pub total_cost: Option<f64>,
}

/// What load mode adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoadSummary {
    pub concurrency: u32,
    pub requests: u64,
    /// Wall time of the whole load, s.
    pub duration_s: f64,
    /// The steady part: from the moment when all slots were busy to the moment when the first slot
    /// found no more work, s.
    pub steady_s: f64,
    /// Over the steady part; over the whole where the load was too short to have one. Successful
    /// requests only; one that ended after the steady part gives it the share that fell into it.
    pub output_tokens_per_second: Option<f64>,
    pub requests_per_second: Option<f64>,
    /// Most requests that were in flight at once.
    pub max_in_flight: u32,
    pub connections_opened: u64,
    /// Runs left out of `runs` to keep memory flat; the summary counts them all.
    pub runs_omitted: u64,
}

/// The measuring client's own condition, so that a reader can tell whether the client was the
/// bottleneck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ClientHealth {
    pub clock: Clock,
    pub lateness_p50_ms: Option<f64>,
    pub lateness_p99_ms: Option<f64>,
    pub lateness_max_ms: Option<f64>,
    /// Of the whole process since the benchmark began.
    pub cpu_s: f64,
    pub cpu_us_per_token: Option<f64>,
    pub peak_rss_mb: f64,
    /// Set when the client, not the endpoint, may be the bottleneck: says why.
    pub warning: Option<String>,
}

/// Why a tier was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Skip {
    pub reason: String,
}

/// What is known of a [`ResultRow`] before anything is measured: a snapshot of names and prices, so
/// that later edits cannot change it. Which row it is say `provider_key`, `model_id` and
/// `context_tokens`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowHead {
    /// The provider's display name.
    pub provider: String,
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    pub model_id: String,
    pub protocol: Protocol,
    pub simulated: bool,
    /// Measured by another program and reported by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported: bool,
    pub context_tokens: u64,
    /// `Estimated` where the tier is measured out with a tokenizer that is not the model's own.
    pub context_token_source: Option<TokenSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Set when the tier is not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
}

/// Everything known about one model at one tier. Holds a snapshot of names and prices, so that
/// later edits cannot change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ResultRow {
    /// The provider's display name.
    pub provider: String,
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    pub model_id: String,
    pub protocol: Protocol,
    pub simulated: bool,
    /// Measured by another program and reported by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported: bool,
    pub context_tokens: u64,
    /// `Estimated` where the tier was measured out with a tokenizer that is not the model's own.
    pub context_token_source: Option<TokenSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    /// What became of the discarded run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<WarmupOutcome>,
    pub runs: Vec<Run>,
    pub summary: RunSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadSummary>,
}

/// The discarded run, kept apart from the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WarmupOutcome {
    pub success: bool,
    pub ttft_ms: Option<f64>,
    pub connect_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// How a benchmark ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Complete,
    /// Given up on: nobody wants the rest.
    Cancelled,
    /// Stopped between two runs, to be gone on with later.
    Interrupted,
}

/// A whole benchmark: the shape of the results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema_version: u32,
    pub tool: String,
    pub tool_version: String,
    pub status: Status,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub finished_at: String,
    pub parameters: Parameters,
    pub client: ClientHealth,
    pub results: Vec<ResultRow>,
}

/// What the engine says while it works; the same names go over the WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Sent once, before anything runs.
    BenchmarkInit { data: Init },
    /// Parameters that the registry changed, per model; only when there are any.
    ParamAdjustments { models: Vec<ModelAdjustments> },
    /// Sent before each run and, in load mode, a few times a second.
    BenchmarkProgress { data: Progress },
    /// The discarded run of one model at one tier has ended.
    BenchmarkWarmup { data: Box<WarmupResult> },
    /// One finished run, or a tier that was skipped.
    BenchmarkResult { data: Box<RunResult> },
    /// All runs of one model at one tier are done, or the tier was skipped. A row that was cancelled,
    /// interrupted or finished by an earlier start is in the report only.
    BenchmarkRow { data: Box<ResultRow> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Init {
    pub targets: Vec<ModelRef>,
    pub runs: u32,
    pub context_tiers: Vec<u64>,
    pub max_tokens: u32,
    /// Requests of the whole benchmark, warm-up runs included, skipped tiers left out.
    pub total_requests: u64,
    /// How many of them an earlier start has made.
    #[serde(default)]
    pub done_requests: u64,
    /// Every row to come, in the order of the report, those of earlier starts included.
    #[serde(default)]
    pub rows: Vec<RowHead>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelAdjustments {
    #[serde(flatten)]
    pub model: ModelRef,
    pub adjustments: Vec<Adjustment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub provider: String,
    pub provider_key: String,
    pub model: String,
    pub model_id: String,
    /// The run that is about to start; 0 is the warm-up. In load mode: requests finished.
    pub run: u64,
    pub runs: u64,
    pub context_tokens: u64,
    /// Requests of this provider that are done and that there are in all.
    pub provider_done: u64,
    pub provider_total: u64,
    /// Load mode: output tokens per second just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_tps: Option<f64>,
}

/// The discarded run as it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarmupResult {
    pub provider: String,
    pub provider_key: String,
    pub model: String,
    pub model_id: String,
    pub context_tokens: u64,
    #[serde(flatten)]
    pub outcome: WarmupOutcome,
}

/// One run as it happens. `skipped` rows carry no run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub provider: String,
    pub provider_key: String,
    pub model: String,
    pub model_id: String,
    pub context_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(flatten)]
    pub run: Option<Run>,
}

/// What a benchmark would do with one model at one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Preview {
    /// The provider's display name.
    pub provider: String,
    pub model: ModelRef,
    pub context_tokens: u64,
    /// Set when the tier would not be run.
    pub skip: Option<String>,
    /// Warm-up included; 0 for a skipped tier.
    pub requests: u64,
    /// Of one request, without what chat templates add.
    pub input_tokens: u64,
    /// Of one request.
    pub max_output_tokens: u64,
    /// USD for all requests if every answer is as long as it may be and nothing is cached; `None`
    /// where nobody knows the price, or none holds for so long an input.
    pub cost_at_most: Option<f64>,
    /// What the registry would change of the parameters; the same at every tier.
    pub adjustments: Vec<Adjustment>,
}

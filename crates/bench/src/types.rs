//! Requests, results and events of speed benchmarks, shared by every screen, every export and the terminal.
//! Names and units are those of the measurement page (`docs/measurement.md`).

mod events;
mod load;
mod summary;

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use endpoint::{ApiError, ModelRef, Price, PriceSource, Protocol, registry::Adjustment};

pub use events::{Event, Init, ModelAdjustments, Progress, RunResult, WarmupResult};
pub use load::{
    Arrivals, CONCURRENCY_RANGE, DEFAULT_MAX_IN_FLIGHT, LoadParameters, LoadSummary,
    OPEN_LOOP_DURATION_RANGE, OPEN_LOOP_REQUESTS_RANGE, OpenLoop, OpenLoopSummary, RATE_RANGE,
};
pub use summary::{RUN_SUMMARIES, RunSummary};

/// Version of the results file's shape; raised when a reader of the old shape would misread it.
pub const SCHEMA_VERSION: u32 = 1;

/// Allowed number of runs per model and tier.
pub const RUNS_RANGE: RangeInclusive<u32> = 1..=20;
/// Runs of each model and tier of a REST request that does not say how many, as in the Python product. Forms and
/// the terminal start with more: one run has no spread.
pub const DEFAULT_RUNS_OF_REQUESTS: u32 = 1;
/// Allowed limit of output tokens per run.
pub const MAX_TOKENS_RANGE: RangeInclusive<u32> = 1..=128_000;
/// Allowed sampling temperature.
pub const TEMPERATURE_RANGE: RangeInclusive<f64> = 0.0..=2.0;
/// Allowed value of each timeout, in seconds: up to a day.
pub const TIMEOUT_RANGE: RangeInclusive<f64> = 0.001..=86_400.0;
/// Largest context tier, in tokens; larger than the context window of any current model.
pub const MAX_TIER: u64 = 2_000_000;

/// The prompt that is sent by default.
pub const DEFAULT_PROMPT: &str = "Explain recursion to someone who has just learned what a function is. \
Use one everyday comparison and one short code example, and say when recursion is the wrong tool.";

/// The parameters of a benchmark, the same for all its models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Parameters {
    /// The user message that every run sends.
    pub prompt: String,
    /// Number of measured runs per model and tier.
    pub runs: u32,
    /// Limit of output tokens per run.
    pub max_tokens: u32,
    /// Sampling temperature.
    pub temperature: f64,
    /// Tokens of context before the prompt; 0 is the bare prompt.
    pub context_tiers: Vec<u64>,
    /// Whether to make one discarded run per model and tier first.
    pub warmup: bool,
    /// Further parameters under the registry's names, provider-specific ones included.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// Time limits of each run.
    pub timeouts: Timeouts,
    /// Load mode; `None` sends one request at a time.
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

/// Limits of one run, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Timeouts {
    /// Limit of DNS, TCP and TLS together.
    pub connect_s: f64,
    /// Limit from sending the request to the first content chunk.
    pub first_token_s: f64,
    /// Limit from sending the request to the end of the response.
    pub total_s: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_s: 10.0, first_token_s: 120.0, total_s: 300.0 }
    }
}

impl Timeouts {
    /// Returns [`connect_s`](Self::connect_s) as a duration.
    pub fn connect(&self) -> Duration {
        Duration::from_secs_f64(self.connect_s)
    }
    /// Returns [`first_token_s`](Self::first_token_s) as a duration.
    pub fn first_token(&self) -> Duration {
        Duration::from_secs_f64(self.first_token_s)
    }
    /// Returns [`total_s`](Self::total_s) as a duration.
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
    /// The clock of another program, which reported the run.
    Reported,
}

/// The source of token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The server's usage report.
    Reported,
    /// Counted with a tokenizer.
    Estimated,
}

/// One measured request. Metrics are `None` where they do not exist; a failed run keeps what was
/// measured until it failed and counts in no average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Run {
    /// Number of the run, 1-based.
    pub run_number: u64,
    /// Whether the run succeeded.
    pub success: bool,
    /// Why the run failed; `None` if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    /// The provider's id of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// Unix milliseconds UTC at which the request was handed over.
    pub started_at: i64,
    /// From the intended start of the request to the actual one, ms; open loop only. Part of no other number of the
    /// run: the others count from the actual start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_delay_ms: Option<f64>,
    /// Time for DNS, TCP and TLS, ms, if this run opened a connection; part of no other number.
    pub connect_ms: Option<f64>,
    /// Name resolution, ms; part of `connect_ms`. `None` for an address literal or if no connection was opened.
    pub dns_ms: Option<f64>,
    /// TCP connect, ms; part of `connect_ms`. `None` if no connection was opened.
    pub tcp_ms: Option<f64>,
    /// TLS handshake, ms; part of `connect_ms`. `None` over plain HTTP or if no connection was opened.
    pub tls_ms: Option<f64>,
    /// Time to first token, ms: from handing the request to an open connection to the first content chunk (text,
    /// reasoning or tool call).
    pub ttft_ms: Option<f64>,
    /// Time to first answer, ms: the same to the first visible text.
    pub ttfa_ms: Option<f64>,
    /// Time to the last content chunk, s.
    pub total_time_s: Option<f64>,
    /// Output tokens, reasoning included.
    pub output_tokens: Option<u64>,
    /// Reasoning tokens; part of `output_tokens`.
    pub reasoning_tokens: Option<u64>,
    /// Input tokens, cached ones included.
    pub input_tokens: Option<u64>,
    /// Input tokens read from the provider's prompt cache; part of `input_tokens`.
    pub cached_input_tokens: Option<u64>,
    /// Source of the token counts.
    pub token_source: Option<TokenSource>,
    /// `output_tokens / total_time_s`.
    pub tokens_per_second: Option<f64>,
    /// Output speed, tokens/s: `(output_tokens − tokens of the first chunk) / (last − first content arrival)`;
    /// `None` below two chunks.
    pub output_speed_tps: Option<f64>,
    /// Mean gap between the arrivals of content chunks, ms (inter-token latency).
    pub itl_ms: Option<f64>,
    /// Median gap between chunks, ms.
    pub itl_p50_ms: Option<f64>,
    /// 95th percentile of the gaps between chunks, ms.
    pub itl_p95_ms: Option<f64>,
    /// 99th percentile of the gaps between chunks, ms.
    pub itl_p99_ms: Option<f64>,
    /// Prompt processing speed, tokens/s: `(input_tokens − cached_input_tokens) / ttft`.
    pub input_tokens_per_second: Option<f64>,
    /// Content chunks that arrived.
    pub chunks: u64,
    /// Mean number of streamed output tokens per content chunk.
    pub tokens_per_chunk: Option<f64>,
    /// Cost of the run, USD; `None` if price or token counts are unknown.
    pub cost: Option<f64>,
    /// Source of the price behind `cost`.
    pub cost_source: Option<PriceSource>,
    /// Why generation stopped, as the provider reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Which clock stamped the arrivals.
    pub clock: Clock,
    /// Mean of user-space stamp minus kernel stamp over this run's reads, ms; `None` on the user clock.
    pub lateness_mean_ms: Option<f64>,
    /// Maximum of the same difference, ms.
    pub lateness_max_ms: Option<f64>,
    /// Arrivals of the content chunks in µs: the first since the request, each further one since
    /// the one before. Empty in load mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunk_deltas_us: Vec<u32>,
}

impl Run {
    /// Returns the gaps between the content chunks, ms, to the microsecond.
    pub fn gaps_ms(&self) -> impl Iterator<Item = f64> + '_ {
        self.chunk_deltas_us.iter().skip(1).map(|&delta| f64::from(delta) / 1e3)
    }
}

/// Condition of the measuring client: shows whether the client was the bottleneck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ClientHealth {
    /// The kernel clock if every successful run was stamped by it.
    pub clock: Clock,
    /// Median lateness of the reads, ms: user-space stamp minus kernel stamp; `None` on the user clock.
    pub lateness_p50_ms: Option<f64>,
    /// 99th percentile of the lateness, ms.
    pub lateness_p99_ms: Option<f64>,
    /// Maximum lateness, ms.
    pub lateness_max_ms: Option<f64>,
    /// CPU time of the whole process since the benchmark began, s.
    pub cpu_s: f64,
    /// CPU time per output token, µs; `None` if there were no output tokens.
    pub cpu_us_per_token: Option<f64>,
    /// Peak resident memory of the process, MiB.
    pub peak_rss_mb: f64,
    /// Set if the client, not the endpoint, may be the bottleneck; a sentence that says why.
    pub warning: Option<String>,
}

/// Why a tier was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Skip {
    /// The reason, as a sentence.
    pub reason: String,
}

/// The part of a [`ResultRow`] that is known before anything is measured: a snapshot of names and prices, so
/// that later edits cannot change it. `provider_key`, `model_id` and `context_tokens` identify the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowHead {
    /// The provider's display name.
    pub provider: String,
    /// The provider's key.
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    /// The model's id at the provider.
    pub model_id: String,
    /// The wire protocol.
    pub protocol: Protocol,
    /// Whether the mock server generated the answers, so that the numbers are simulated.
    pub simulated: bool,
    /// Measured by another program and reported by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported: bool,
    /// The context tier, in tokens; 0 is the bare prompt.
    pub context_tokens: u64,
    /// `Estimated` if the tokens of the tier are counted with a tokenizer that is not the model's own.
    pub context_token_source: Option<TokenSource>,
    /// The model's price at that time; `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Parameters that the registry changed for this model.
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
    /// The provider's key.
    pub provider_key: String,
    /// The model's display name.
    pub model: String,
    /// The model's id at the provider.
    pub model_id: String,
    /// The wire protocol.
    pub protocol: Protocol,
    /// Whether the mock server generated the answers, so that the numbers are simulated.
    pub simulated: bool,
    /// Measured by another program and reported by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported: bool,
    /// The context tier, in tokens; 0 is the bare prompt.
    pub context_tokens: u64,
    /// `Estimated` if the tokens of the tier were counted with a tokenizer that is not the model's own.
    pub context_token_source: Option<TokenSource>,
    /// The model's price at that time; `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Parameters that the registry changed for this model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Set if the tier was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    /// Outcome of the warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<WarmupOutcome>,
    /// The runs in order of their number, failed ones included.
    pub runs: Vec<Run>,
    /// Summary of the runs.
    pub summary: RunSummary,
    /// Summary of the load; load mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadSummary>,
}

/// Outcome of the warm-up, the discarded run; kept apart from the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WarmupOutcome {
    /// Whether the warm-up succeeded.
    pub success: bool,
    /// Time to first token, ms.
    pub ttft_ms: Option<f64>,
    /// Time to open the connection, ms, if this run opened one.
    pub connect_ms: Option<f64>,
    /// Name resolution, ms; part of `connect_ms`. `None` for an address literal or if no connection was opened.
    pub dns_ms: Option<f64>,
    /// TCP connect, ms; part of `connect_ms`. `None` if no connection was opened.
    pub tcp_ms: Option<f64>,
    /// TLS handshake, ms; part of `connect_ms`. `None` over plain HTTP or if no connection was opened.
    pub tls_ms: Option<f64>,
    /// Why the warm-up failed; `None` if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// How a benchmark ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All runs were made.
    Complete,
    /// Cancelled by the user; it will not be resumed.
    Cancelled,
    /// Stopped between two runs; it can be resumed.
    Interrupted,
}

/// A whole benchmark: the shape of the results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the program that wrote the report.
    pub schema_version: u32,
    /// Name of the program that wrote the report.
    pub tool: String,
    /// Version of that program.
    pub tool_version: String,
    /// How the benchmark ended.
    pub status: Status,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// The parameters of the benchmark.
    pub parameters: Parameters,
    /// Condition of the measuring client.
    pub client: ClientHealth,
    /// One row per model and tier, in the order of the plan.
    pub results: Vec<ResultRow>,
}

/// A preview of what a benchmark does with one model at one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Preview {
    /// The provider's display name.
    pub provider: String,
    /// The model.
    pub model: ModelRef,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// Set when the tier would not be run.
    pub skip: Option<String>,
    /// Number of requests, warm-up included; 0 for a skipped tier.
    pub requests: u64,
    /// Input tokens of one request, without those that chat templates add.
    pub input_tokens: u64,
    /// Limit of output tokens of one request.
    pub max_output_tokens: u64,
    /// Upper bound of the cost of all requests, USD: every response reaches the limit and nothing is cached.
    /// `None` if no price is known for an input of this length.
    pub cost_at_most: Option<f64>,
    /// Parameters that the registry changes; the same at every tier.
    pub adjustments: Vec<Adjustment>,
}

//! The summary of a row's runs, and its parts by name.

use serde::{Deserialize, Serialize};

use stats::Summary;

/// Summary of the runs of one model at one tier; the statistics cover successful runs only.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RunSummary {
    /// Number of successful runs.
    pub success_count: u64,
    /// Number of failed runs.
    pub error_count: u64,
    /// Time to first token, ms.
    pub ttft_ms: Option<Summary>,
    /// Time to first answer (visible text), ms.
    pub ttfa_ms: Option<Summary>,
    /// Time to the last content chunk, s.
    pub total_time_s: Option<Summary>,
    /// End-to-end throughput, output tokens/s.
    pub tokens_per_second: Option<Summary>,
    /// Output speed after the first chunk, tokens/s.
    pub output_speed_tps: Option<Summary>,
    /// Prompt processing speed, input tokens/s.
    pub input_tokens_per_second: Option<Summary>,
    /// Mean gap between content chunks, ms; over the runs' means.
    pub itl_ms: Option<Summary>,
    /// Gap between content chunks, ms; over every gap of every run.
    pub gap_ms: Option<Summary>,
    /// Output tokens per content chunk.
    pub tokens_per_chunk: Option<Summary>,
    /// Output tokens per run, reasoning included.
    pub output_tokens: Option<Summary>,
    /// Reasoning tokens per run.
    pub reasoning_tokens: Option<Summary>,
    /// Input tokens per run.
    pub input_tokens: Option<Summary>,
    /// Cached input tokens per run.
    pub cached_input_tokens: Option<Summary>,
    /// Time to open a connection, ms; over the runs that opened one.
    pub connect_ms: Option<Summary>,
    /// Name resolution, ms; over the runs that opened a connection to a name.
    pub dns_ms: Option<Summary>,
    /// TCP connect, ms; over the runs that opened a connection.
    pub tcp_ms: Option<Summary>,
    /// TLS handshake, ms; over the runs that opened a connection with TLS.
    pub tls_ms: Option<Summary>,
    /// Cost of one run, USD.
    pub cost: Option<Summary>,
    /// Lateness of the reads, ms; over the runs' means.
    pub lateness_ms: Option<Summary>,
    /// Cost of all successful runs, USD.
    pub total_cost: Option<f64>,
}

/// Lists the fields of [`RunSummary`] that are summaries; a field that is missing here does not compile.
macro_rules! summaries {
    ($count:literal: $($name:ident),+ $(,)?) => {
        /// Name of each summary of a [`RunSummary`], in the order of its fields, and where it is.
        pub const RUN_SUMMARIES: [(&str, fn(&RunSummary) -> Option<&Summary>); $count] =
            [$((stringify!($name), |runs| runs.$name.as_ref())),+];

        impl RunSummary {
            /// Returns the summaries in the order of [`RUN_SUMMARIES`].
            pub fn summaries(&self) -> [Option<&Summary>; $count] {
                let Self { success_count: _, error_count: _, total_cost: _, $($name),+ } = self;
                [$($name.as_ref()),+]
            }

            /// Returns the same counts and costs with other summaries, in the order of [`RUN_SUMMARIES`].
            #[must_use]
            pub fn with_summaries(self, summaries: [Option<Summary>; $count]) -> Self {
                let [$($name),+] = summaries;
                Self { $($name,)+ ..self }
            }
        }
    };
}

summaries! {
    19:
    ttft_ms,
    ttfa_ms,
    total_time_s,
    tokens_per_second,
    output_speed_tps,
    input_tokens_per_second,
    itl_ms,
    gap_ms,
    tokens_per_chunk,
    output_tokens,
    reasoning_tokens,
    input_tokens,
    cached_input_tokens,
    connect_ms,
    dns_ms,
    tcp_ms,
    tls_ms,
    cost,
    lateness_ms,
}

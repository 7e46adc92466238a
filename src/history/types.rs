//! Finished benchmarks as plain data, with the field names of the Python product, which scripts use.

use serde::{Deserialize, Serialize};

use crate::benchmark::view::{BenchmarkStatus, RowFigures};
use bench::types::{ClientHealth, Parameters, ResultRow, Skip};

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

/// One model at one context size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryResult {
    /// The key at the time of the benchmark.
    pub provider_key: String,
    pub provider: String,
    pub model_id: String,
    pub model: String,
    pub simulated: bool,
    /// Whether another program measured and reported it.
    pub reported: bool,
    pub context_tokens: u64,
    /// Number of runs.
    pub runs: u64,
    /// Confidence in the mean of the tokens per second: half the width of its 95 % interval is at most 5 % of
    /// it (`high`), at most 15 % (`medium`), or more or unknown (`low`).
    pub confidence_level: Confidence,
    /// Set if the context size was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(flatten)]
    pub figures: RowFigures,
}

/// Confidence in a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    High,
    Medium,
    Low,
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

impl Confidence {
    /// Maximum half widths of the interval, as shares of the mean.
    const HIGH: f64 = 0.05;
    const MEDIUM: f64 = 0.15;

    /// Returns the confidence in these figures' mean of the tokens per second.
    pub fn of(figures: &RowFigures) -> Self {
        let RowFigures { avg_tokens_per_second, tps_ci_low, tps_ci_high, .. } = figures;
        let (Some(mean), Some(low), Some(high)) = (avg_tokens_per_second, tps_ci_low, tps_ci_high) else {
            return Self::Low;
        };
        match (high - low) / 2.0 / mean {
            share if share <= Self::HIGH => Self::High,
            share if share <= Self::MEDIUM => Self::Medium,
            _ => Self::Low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_depends_on_the_width_of_the_interval() {
        let figures = |half: f64| RowFigures {
            avg_tokens_per_second: Some(100.0),
            tps_ci_low: Some(100.0 - half),
            tps_ci_high: Some(100.0 + half),
            ..RowFigures::default()
        };
        assert_eq!(Confidence::of(&figures(5.0)), Confidence::High);
        assert_eq!(Confidence::of(&figures(14.0)), Confidence::Medium);
        assert_eq!(Confidence::of(&figures(16.0)), Confidence::Low);
        assert_eq!(Confidence::of(&RowFigures::default()), Confidence::Low);
    }
}

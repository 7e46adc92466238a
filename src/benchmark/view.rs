//! A benchmark as its page and the REST API return it: finished, running, or an entry of the history. Times
//! are Unix milliseconds.

use serde::{Deserialize, Serialize};

use crate::jobs::Job;
use bench::types::{ClientHealth, Parameters, Preview, ResultRow, RowHead, Skip};
use endpoint::ModelRef;
use stats::Summary;

/// The status of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BenchmarkStatus {
    /// Running or queued.
    Running,
    Complete,
    /// Ended before all runs were made; the results so far are kept.
    Failed,
    /// Cancelled; only the fact is stored.
    Cancelled,
}

/// A benchmark with all its rows: with their runs for REST, or as its page shows them
/// ([`PageRow`](super::page_row::PageRow)). Runs do not contain the arrival times of their chunks, which are
/// loaded per run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkView<Row = ResultRow> {
    /// Also the id of its job.
    pub id: String,
    pub status: BenchmarkStatus,
    /// The reason of the failure, as a sentence.
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub targets: Vec<ModelRef>,
    pub parameters: Parameters,
    /// The health of the measuring client, available when the benchmark has finished.
    pub client: Option<ClientHealth>,
    /// Empty until the benchmark starts.
    pub rows: Vec<Row>,
    /// The benchmark's job; `None` if it no longer exists.
    pub job: Option<Job>,
}

/// The arrival times of the content chunks of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Timeline {
    /// µs: the first value since the request, each further value since the chunk before.
    pub chunk_deltas_us: Vec<u32>,
}

/// The estimate for a benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Estimate {
    /// One row for each model and tier, with the parameters that the registry changes and the reason for a
    /// skipped tier.
    pub rows: Vec<Preview>,
    pub total_requests: u64,
    /// Maximum cost in USD of the rows with a known price; `None` if there are none.
    pub cost_at_most: Option<f64>,
    /// Number of rows with requests and an unknown price.
    pub rows_without_cost: u64,
    /// Seconds, based on the user's latest benchmarks; `None` if one of the rows was never measured.
    pub duration_s: Option<f64>,
    /// Models of the request that are left out.
    #[serde(default)]
    pub skipped: Vec<SkippedModel>,
}

/// A model of a request that cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SkippedModel {
    /// As it was named, or its provider and id.
    pub model: String,
    pub reason: String,
}

impl Estimate {
    /// Adds up `rows`, without the duration.
    pub fn of(rows: Vec<Preview>) -> Self {
        let measured = || rows.iter().filter(|row| row.requests > 0);
        let costs: Vec<f64> = measured().filter_map(|row| row.cost_at_most).collect();
        Self {
            total_requests: measured().map(|row| row.requests).sum(),
            cost_at_most: (!costs.is_empty()).then(|| costs.iter().sum()),
            rows_without_cost: measured().filter(|row| row.cost_at_most.is_none()).count() as u64,
            duration_s: None,
            skipped: Vec::new(),
            rows,
        }
    }
}

/// A benchmark as an entry of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryItem {
    pub id: String,
    pub status: BenchmarkStatus,
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// The first characters of the prompt.
    pub prompt: String,
    pub context_tiers: Vec<u64>,
    /// Runs of each model and tier.
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    pub warmup: bool,
    pub headline: Headline,
}

/// The results of a benchmark, summarised for lists.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Headline {
    /// Distinct names of the first models.
    pub models: Vec<String>,
    /// Number of distinct names.
    pub model_count: u64,
    /// The model with the highest output speed, and its speed in tokens per second.
    pub fastest: Option<(String, f64)>,
    /// Whether another program reported a part of the results.
    pub reported: bool,
}

impl Headline {
    /// Maximum number of models that a list names.
    const NAMED_MODELS: usize = 3;

    /// Summarises these results.
    pub fn of(results: &[HistoryResult]) -> Self {
        let mut names: Vec<&String> = Vec::new();
        for result in results {
            if !names.contains(&&result.model) {
                names.push(&result.model);
            }
        }
        let known = results.iter().filter_map(|result| Some((result, result.figures.avg_output_speed_tps?)));
        let fastest = known.max_by(|(_, a), (_, b)| a.total_cmp(b));
        Self {
            model_count: names.len() as u64,
            models: names.into_iter().take(Self::NAMED_MODELS).cloned().collect(),
            fastest: fastest.map(|(result, speed)| (result.model.clone(), speed)),
            reported: results.iter().any(|result| result.reported),
        }
    }
}

/// The statistics of one row. They are empty if no run succeeded or the row is not finished.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RowFigures {
    pub success_count: u64,
    pub error_count: u64,
    /// The error of the first failed run.
    pub error: Option<String>,
    pub avg_tokens_per_second: Option<f64>,
    /// Sample standard deviation of the tokens per second.
    pub std_dev_tps: Option<f64>,
    /// 95 % confidence interval of their mean.
    pub tps_ci_low: Option<f64>,
    pub tps_ci_high: Option<f64>,
    pub avg_ttft_ms: Option<f64>,
    pub avg_total_time_s: Option<f64>,
    pub avg_input_tokens_per_second: Option<f64>,
    pub avg_output_speed_tps: Option<f64>,
    pub avg_itl_ms: Option<f64>,
    /// USD for all successful runs.
    pub total_cost: Option<f64>,
}

impl RowFigures {
    /// Calculates the statistics of a row with its runs.
    pub fn of(row: &ResultRow) -> Self {
        let summary = &row.summary;
        let mean = |of: Option<Summary>| of.map(|figures| figures.mean);
        let speed = summary.tokens_per_second;
        Self {
            success_count: summary.success_count,
            error_count: summary.error_count,
            error: row.runs.iter().find_map(|run| run.error.as_ref()).map(ToString::to_string),
            avg_tokens_per_second: mean(speed),
            std_dev_tps: speed.and_then(|figures| figures.sd),
            tps_ci_low: speed.and_then(|figures| figures.ci_low),
            tps_ci_high: speed.and_then(|figures| figures.ci_high),
            avg_ttft_ms: mean(summary.ttft_ms),
            avg_total_time_s: mean(summary.total_time_s),
            avg_input_tokens_per_second: mean(summary.input_tokens_per_second),
            avg_output_speed_tps: mean(summary.output_speed_tps),
            avg_itl_ms: mean(summary.itl_ms),
            total_cost: summary.total_cost,
        }
    }
}

/// One model at one tier, as lists show it. `benchmark_results` stores it as JSON: a migration that changes
/// fields must set the column `headline` to null, so that the rows are created again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryResult {
    /// Names at the time of the measurement.
    pub provider_key: String,
    pub provider: String,
    pub model_id: String,
    pub model: String,
    pub simulated: bool,
    /// Whether another program measured and reported it.
    pub reported: bool,
    pub context_tokens: u64,
    /// Number of finished runs.
    pub runs: u64,
    /// Confidence in the mean of the tokens per second: half the width of its 95 % interval is at most 5 % of
    /// it (`high`), at most 15 % (`medium`), or more or unknown (`low`).
    pub confidence_level: Confidence,
    /// The reason why the tier was skipped.
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

impl HistoryResult {
    /// Sorts by the tokens per second, the fastest first and those without last.
    pub fn sort_by_speed(results: &mut [Self]) {
        let speed = |result: &Self| result.figures.avg_tokens_per_second.unwrap_or(f64::NEG_INFINITY);
        results.sort_by(|a, b| speed(b).total_cmp(&speed(a)));
    }

    /// Combines a row's head and statistics.
    pub fn of(head: RowHead, figures: RowFigures) -> Self {
        Self {
            provider_key: head.provider_key,
            provider: head.provider,
            model_id: head.model_id,
            model: head.model,
            simulated: head.simulated,
            reported: head.reported,
            context_tokens: head.context_tokens,
            runs: figures.success_count + figures.error_count,
            confidence_level: Confidence::of(&figures),
            skipped: head.skipped,
            figures,
        }
    }
}

impl Confidence {
    /// Maximum half widths of the interval, as fractions of the mean.
    const HIGH: f64 = 0.05;
    const MEDIUM: f64 = 0.15;

    /// Classifies the mean of the tokens per second.
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
    fn confidence_depends_on_the_interval_width() {
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

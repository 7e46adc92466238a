//! A benchmark as its page and REST show it: finished, under way, or a line of the history. Times are
//! Unix milliseconds.

use serde::{Deserialize, Serialize};

use crate::jobs::Job;
use bench::types::{ClientHealth, Parameters, Preview, ResultRow, RowHead, Skip};
use endpoint::ModelRef;
use stats::Summary;

/// How far a benchmark got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BenchmarkStatus {
    /// Measures, or waits for its turn.
    Running,
    Complete,
    /// Ended before its time; what was measured until then is kept.
    Failed,
    /// Nothing of it is kept but that it was.
    Cancelled,
}

/// One benchmark with all its rows: as REST gives them, with their runs, or as its page shows them
/// ([`PageRow`](super::page_row::PageRow)). Runs come without the arrivals of their chunks, which are asked
/// for run by run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkView<Row = ResultRow> {
    /// Also the id of its job.
    pub id: String,
    pub status: BenchmarkStatus,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub targets: Vec<ModelRef>,
    pub parameters: Parameters,
    /// The measuring client's own condition, once it has finished.
    pub client: Option<ClientHealth>,
    /// Empty until it begins.
    pub rows: Vec<Row>,
    /// Where its job stands; `None` when that is no longer known.
    pub job: Option<Job>,
}

/// When the content chunks of one run arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Timeline {
    /// µs: the first since the request, each further one since the one before.
    pub chunk_deltas_us: Vec<u32>,
}

/// What a benchmark would come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Estimate {
    /// One for each model and tier, with what the registry would change and why a tier is skipped.
    pub rows: Vec<Preview>,
    pub total_requests: u64,
    /// USD at most, over the rows whose cost is known; `None` where none is.
    pub cost_at_most: Option<f64>,
    /// Rows with requests whose cost nobody knows.
    pub rows_without_cost: u64,
    /// Seconds, after the user's latest benchmarks; `None` where one of the rows was never measured.
    pub duration_s: Option<f64>,
}

impl Estimate {
    /// Sums up `rows`; how long they take is another question.
    pub fn of(rows: Vec<Preview>) -> Self {
        let measured = || rows.iter().filter(|row| row.requests > 0);
        let costs: Vec<f64> = measured().filter_map(|row| row.cost_at_most).collect();
        Self {
            total_requests: measured().map(|row| row.requests).sum(),
            cost_at_most: (!costs.is_empty()).then(|| costs.iter().sum()),
            rows_without_cost: measured().filter(|row| row.cost_at_most.is_none()).count() as u64,
            duration_s: None,
            rows,
        }
    }
}

/// A benchmark as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryItem {
    pub id: String,
    pub status: BenchmarkStatus,
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// The beginning of the prompt.
    pub prompt: String,
    pub context_tiers: Vec<u64>,
    /// Runs of each model and tier.
    pub runs: u32,
    pub max_tokens: u32,
    pub temperature: f64,
    pub warmup: bool,
    pub headline: Headline,
}

/// What lists say about the results of a benchmark as a whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Headline {
    /// Names of the first models, each once.
    pub models: Vec<String>,
    /// How many different names there are.
    pub model_count: u64,
    /// The model with the highest output speed, and that speed in tokens per second.
    pub fastest: Option<(String, f64)>,
    /// Whether another program measured a part of it.
    pub reported: bool,
}

impl Headline {
    /// Models that a list names.
    const NAMED_MODELS: usize = 3;

    /// The headline of these results.
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

/// One row of a benchmark in figures, which are empty where nothing succeeded or the row did not end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RowFigures {
    pub success_count: u64,
    pub error_count: u64,
    /// Of the first run that failed.
    pub error: Option<String>,
    pub avg_tokens_per_second: Option<f64>,
    /// Sample standard deviation of the tokens per second.
    pub std_dev_tps: Option<f64>,
    /// 95 % interval of their mean.
    pub tps_ci_low: Option<f64>,
    pub tps_ci_high: Option<f64>,
    pub avg_ttft_ms: Option<f64>,
    pub avg_total_time_s: Option<f64>,
    pub avg_input_tokens_per_second: Option<f64>,
    pub avg_output_speed_tps: Option<f64>,
    pub avg_itl_ms: Option<f64>,
    /// USD over all successful runs.
    pub total_cost: Option<f64>,
}

impl RowFigures {
    /// The figures of a row whose runs are known.
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

/// One model at one tier, as a list of benchmarks shows it. `benchmark_results` keeps it as JSON: a migration
/// that changes fields empties the column `headline`, so that the rows are made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryResult {
    /// Names as they were when it was measured.
    pub provider_key: String,
    pub provider: String,
    pub model_id: String,
    pub model: String,
    pub simulated: bool,
    /// Measured by another program and reported by it.
    pub reported: bool,
    pub context_tokens: u64,
    /// Runs that were made.
    pub runs: u64,
    /// How sure the mean of the tokens per second is: half the width of its 95 % interval is at most
    /// 5 % of it (`high`), at most 15 % (`medium`), or more or unknown (`low`).
    pub confidence_level: Confidence,
    /// Set where the tier was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(flatten)]
    pub figures: RowFigures,
}

/// How sure a mean is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    High,
    Medium,
    Low,
}

impl HistoryResult {
    /// The row with this head and these figures.
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
    /// Half widths of the interval, as shares of the mean.
    const HIGH: f64 = 0.05;
    const MEDIUM: f64 = 0.15;

    /// How sure these figures' mean of the tokens per second is.
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
    fn a_mean_is_as_sure_as_its_interval_is_narrow() {
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

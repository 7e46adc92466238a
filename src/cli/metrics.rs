//! The metrics of a result by name, for conditions and comparisons.

use bench::types::{OpenLoopSummary, RUN_SUMMARIES, ResultRow, RunSummary};
use stats::Summary;

/// Returns the figures of a row's open loop; `None` if it was measured otherwise.
pub fn open_loop(row: &ResultRow) -> Option<&OpenLoopSummary> {
    row.load.as_ref()?.open_loop.as_ref()
}

/// One metric of a row that has statistics.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name in the results file; `load.` is part of it.
    pub name: &'static str,
    place: Place,
}

/// Where in a row a metric is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Runs(fn(&RunSummary) -> Option<&Summary>),
    OpenLoop(fn(&OpenLoopSummary) -> Option<&Summary>),
}

impl Metric {
    const fn of_open_loop(name: &'static str, get: fn(&OpenLoopSummary) -> Option<&Summary>) -> Self {
        Self { name, place: Place::OpenLoop(get) }
    }

    /// Returns the row's statistics of this metric.
    pub fn of(self, row: &ResultRow) -> Option<&Summary> {
        match self.place {
            Place::Runs(get) => get(&row.summary),
            Place::OpenLoop(get) => get(open_loop(row)?),
        }
    }
}

/// Metrics that exist in the rows of an open loop only.
const OPEN_LOOP_METRICS: [Metric; 3] = [
    Metric::of_open_loop("load.open_loop.ttft_ms", |load| load.ttft_ms.as_ref()),
    Metric::of_open_loop("load.open_loop.total_time_s", |load| load.total_time_s.as_ref()),
    Metric::of_open_loop("load.open_loop.start_delay_ms", |load| load.start_delay_ms.as_ref()),
];

/// Returns every metric with statistics, in the order of the results file.
pub fn metrics() -> impl Iterator<Item = Metric> {
    let of_runs = RUN_SUMMARIES.map(|(name, get)| Metric { name, place: Place::Runs(get) });
    of_runs.into_iter().chain(OPEN_LOOP_METRICS)
}

/// One figure of [`Summary`].
#[derive(Debug)]
pub struct Statistic {
    pub name: &'static str,
    pub of: fn(&Summary) -> Option<f64>,
}

/// Every statistic; `median` is a second name of `p50`.
pub const STATISTICS: &[Statistic] = &[
    Statistic { name: "mean", of: |s| Some(s.mean) },
    Statistic { name: "sd", of: |s| s.sd },
    Statistic { name: "min", of: |s| Some(s.min) },
    Statistic { name: "max", of: |s| Some(s.max) },
    Statistic { name: "p5", of: |s| Some(s.p5) },
    Statistic { name: "p50", of: |s| Some(s.p50) },
    Statistic { name: "median", of: |s| Some(s.p50) },
    Statistic { name: "p95", of: |s| Some(s.p95) },
    Statistic { name: "p99", of: |s| Some(s.p99) },
    Statistic { name: "ci_low", of: |s| s.ci_low },
    Statistic { name: "ci_high", of: |s| s.ci_high },
    Statistic { name: "median_ci_low", of: |s| s.median_ci_low },
    Statistic { name: "median_ci_high", of: |s| s.median_ci_high },
    Statistic { name: "outliers", of: |s| s.outliers.map(|n| n as f64) },
    Statistic { name: "n", of: |s| Some(s.n as f64) },
];

/// A figure of a row without statistics.
#[derive(Debug)]
pub struct Scalar {
    pub name: &'static str,
    pub of: fn(&ResultRow) -> Option<f64>,
}

/// Every figure without statistics; those of the load mode exist only there.
pub const SCALARS: &[Scalar] = &[
    Scalar { name: "success_count", of: |row| Some(row.summary.success_count as f64) },
    Scalar { name: "error_count", of: |row| Some(row.summary.error_count as f64) },
    Scalar { name: "total_cost", of: |row| row.summary.total_cost },
    Scalar {
        name: "load.output_tokens_per_second",
        of: |row| row.load.as_ref().and_then(|load| load.output_tokens_per_second),
    },
    Scalar {
        name: "load.requests_per_second",
        of: |row| row.load.as_ref().and_then(|load| load.requests_per_second),
    },
    Scalar { name: "load.duration_s", of: |row| row.load.as_ref().map(|load| load.duration_s) },
];

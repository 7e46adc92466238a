//! The metrics of a result by name, for conditions and comparisons.

use bench::types::{OpenLoopSummary, ResultRow};
use stats::Summary;

/// One metric of a row that has statistics.
#[derive(Debug)]
pub struct Metric {
    /// The name in the results file; `load.` is part of it.
    pub name: &'static str,
    pub of: fn(&ResultRow) -> Option<&Summary>,
}

macro_rules! metrics {
    ($($name:ident),* $(,)?) => {
        &[
            $(Metric { name: stringify!($name), of: |row| row.summary.$name.as_ref() },)*
            Metric { name: "load.open_loop.ttft_ms", of: |row| open_loop(row)?.ttft_ms.as_ref() },
            Metric { name: "load.open_loop.total_time_s", of: |row| open_loop(row)?.total_time_s.as_ref() },
            Metric { name: "load.open_loop.start_delay_ms", of: |row| open_loop(row)?.start_delay_ms.as_ref() },
        ]
    };
}

/// The figures of a row's open loop; `None` if it was measured otherwise.
pub fn open_loop(row: &ResultRow) -> Option<&OpenLoopSummary> {
    row.load.as_ref()?.open_loop.as_ref()
}

/// Every metric with statistics, in the order of the results file; those of an open loop exist only there.
pub const METRICS: &[Metric] = metrics![
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
];

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

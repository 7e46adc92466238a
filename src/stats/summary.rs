use serde::{Deserialize, Serialize};

/// A sample in figures. Units are those of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub n: u64,
    pub mean: f64,
    /// Sample standard deviation (n − 1); `None` for n = 1.
    pub sd: Option<f64>,
    pub min: f64,
    pub max: f64,
    /// Percentiles: Hyndman and Fan type 7.
    pub p5: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    /// 95 % interval of the mean (Student's t); `None` for n = 1.
    pub ci_low: Option<f64>,
    pub ci_high: Option<f64>,
    /// 95 % interval of the median (order statistics); `None` where n is too small for one.
    pub median_ci_low: Option<f64>,
    pub median_ci_high: Option<f64>,
    /// Values beyond 1.5 IQR, flagged and never dropped; `None` below n = 8: too few to tell.
    pub outliers: Option<u64>,
}

/// Summarises `values`; `None` when there is none. Order does not matter; NaN must not occur.
pub fn summarize(values: &[f64]) -> Option<Summary> {
    let _ = values;
    None
}

//! Descriptive statistics of one sample.

use serde::{Deserialize, Serialize};

use super::{
    interval,
    moments::Moments,
    order::{Ascending, OrderStatistics},
};

/// Descriptive statistics of a sample, in the unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Summary {
    /// Number of values.
    pub n: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); `None` for n = 1.
    pub sd: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// 5th percentile (Hyndman and Fan 1996, type 7, like the other percentiles).
    pub p5: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Lower end of the 95 % interval of the mean (Student's t); `None` for n = 1.
    pub ci_low: Option<f64>,
    /// Upper end of the 95 % interval of the mean; `None` for n = 1.
    pub ci_high: Option<f64>,
    /// Lower end of the 95 % interval of the median (order statistics); `None` below n = 6.
    pub median_ci_low: Option<f64>,
    /// Upper end of the 95 % interval of the median; `None` below n = 6.
    pub median_ci_high: Option<f64>,
    /// Number of values more than 1.5 interquartile ranges outside the quartiles (Tukey's rule). They are
    /// counted and never dropped; `None` below n = 8.
    pub outliers: Option<u64>,
}

impl Summary {
    /// Builds the summary; both arguments describe the same sample of at least one value.
    pub(super) fn of(moments: &Moments, sample: &impl OrderStatistics) -> Self {
        let mean_interval = interval::of_mean(moments);
        let median_interval = interval::of_median(sample);
        Self {
            n: moments.n,
            mean: moments.mean,
            sd: moments.sd(),
            min: moments.min,
            max: moments.max,
            p5: sample.percentile(5.0),
            p50: sample.percentile(50.0),
            p95: sample.percentile(95.0),
            p99: sample.percentile(99.0),
            ci_low: mean_interval.map(|(low, _)| low),
            ci_high: mean_interval.map(|(_, high)| high),
            median_ci_low: median_interval.map(|(low, _)| low),
            median_ci_high: median_interval.map(|(_, high)| high),
            outliers: sample.outliers(),
        }
    }
}

/// A collection of values that can be summarised at any time.
pub trait Collect: Default {
    /// Adds one value; NaN must not occur.
    fn push(&mut self, value: f64);

    /// Summarises the values so far; `None` if there are none.
    fn summary(&self) -> Option<Summary>;
}

/// Keeps every value, so the summary is exact; for samples of known size.
impl Collect for Vec<f64> {
    fn push(&mut self, value: f64) {
        Vec::push(self, value);
    }

    fn summary(&self) -> Option<Summary> {
        summarize(self)
    }
}

/// Summarises `values`; `None` if there are none. Their order does not matter; NaN must not occur.
pub fn summarize(values: &[f64]) -> Option<Summary> {
    if values.is_empty() {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let moments = sorted.iter().copied().collect();
    Some(Summary::of(&moments, &Ascending(&sorted)))
}

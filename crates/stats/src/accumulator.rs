//! Streaming summaries in constant memory, for the load mode.

use hdrhistogram::Histogram;

use super::{
    moments::Moments,
    order::OrderStatistics,
    summary::{Collect, Summary, summarize},
};

/// Up to this number of values, all are kept and the summary is exact.
const MAX_KEPT: usize = 16_384;

/// Significant decimal digits of the histogram. A bucket is at most 1/16,384 of its value wide and reports its
/// middle, so the error is at most 0.004 %.
const DIGITS: u8 = 4;

/// The smallest integer from which the histogram has that precision.
const PRECISE_FROM: f64 = 32_768.0;

/// The largest integer that the histogram distinguishes from larger ones; 10^13 times the smallest precise one.
const LARGEST: u64 = 1 << 60;

/// A collector that summarises any number of non-negative values in constant memory (about 1 MB).
///
/// Exact up to 16,384 values. Above, percentiles, the interval of the median and the outlier count
/// come from a histogram with a relative error of at most 0.004 % (values a million times smaller
/// than the median excepted); n, mean, standard deviation, minimum, maximum and the interval of the
/// mean stay exact.
#[derive(Debug, Clone)]
pub struct Accumulator {
    moments: Moments,
    sample: Sample,
}

#[derive(Debug, Clone)]
enum Sample {
    Kept(Vec<f64>),
    Binned(Bins),
}

impl Accumulator {
    /// Creates an empty accumulator.
    pub fn new() -> Self {
        Self { moments: Moments::EMPTY, sample: Sample::Kept(Vec::new()) }
    }

    /// Adds one value; NaN must not occur.
    pub fn push(&mut self, value: f64) {
        self.moments.push(value);
        match &mut self.sample {
            Sample::Kept(values) if values.len() == MAX_KEPT => {
                let mut bins = Bins::fitting(values);
                bins.record(value);
                self.sample = Sample::Binned(bins);
            }
            Sample::Kept(values) => values.push(value),
            Sample::Binned(bins) => bins.record(value),
        }
    }

    /// Returns the number of values pushed.
    pub fn len(&self) -> u64 {
        self.moments.n
    }

    /// Returns whether no value was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.moments.n == 0
    }

    /// Summarises the values so far; `None` if there are none.
    pub fn summary(&self) -> Option<Summary> {
        match &self.sample {
            Sample::Kept(values) => summarize(values),
            Sample::Binned(bins) => Some(Summary::of(&self.moments, &bins.ranked(&self.moments))),
        }
    }
}

impl Collect for Accumulator {
    fn push(&mut self, value: f64) {
        Self::push(self, value);
    }

    fn summary(&self) -> Option<Summary> {
        Self::summary(self)
    }
}

impl Default for Accumulator {
    fn default() -> Self {
        Self::new()
    }
}

/// A histogram of integers and the size of its unit.
#[derive(Debug, Clone)]
struct Bins {
    histogram: Histogram<u32>,
    unit: f64,
}

impl Bins {
    /// Creates bins that fit these values and records the values in them. The unit is chosen so that the
    /// smallest value has full precision, unless it is below a millionth of the median.
    fn fitting(values: &[f64]) -> Self {
        let mut positive: Vec<f64> = values.iter().copied().filter(|&value| value > 0.0).collect();
        positive.sort_unstable_by(f64::total_cmp);
        let smallest = positive.first().copied().unwrap_or(1.0);
        let median = positive.get(positive.len() / 2).copied().unwrap_or(1.0);
        let unit = smallest.max(median * 1e-6) / PRECISE_FROM;
        let mut bins = Self { histogram: resizing_histogram(), unit };
        values.iter().for_each(|&value| bins.record(value));
        bins
    }

    fn record(&mut self, value: f64) {
        // The cast saturates, so no value is out of range.
        let units = ((value / self.unit).round() as u64).min(LARGEST);
        if self.histogram.record(units).is_err() {
            self.histogram.saturating_record(units);
        }
    }

    /// Returns the bins as (value, values up to and with this bin), values within the true extremes.
    fn ranked(&self, moments: &Moments) -> Ranked {
        let mut cumulated = 0;
        let bins = self
            .histogram
            .iter_recorded()
            .map(|bin| {
                cumulated += bin.count_since_last_iteration();
                let middle = self.histogram.median_equivalent(bin.value_iterated_to()) as f64;
                ((middle * self.unit).clamp(moments.min, moments.max), cumulated)
            })
            .collect();
        Ranked { bins, n: moments.n }
    }
}

fn resizing_histogram() -> Histogram<u32> {
    let mut histogram =
        Histogram::new(DIGITS).expect("four digits are within the histogram's range of 0 to 5");
    histogram.auto(true);
    histogram
}

/// Bins in ascending order, each with its cumulative count.
struct Ranked {
    bins: Vec<(f64, u64)>,
    n: u64,
}

impl OrderStatistics for Ranked {
    fn len(&self) -> u64 {
        self.n
    }

    fn at(&self, rank: u64) -> f64 {
        let bin = self.bins.partition_point(|&(_, cumulated)| cumulated <= rank);
        self.bins[bin.min(self.bins.len() - 1)].0
    }

    fn count_outside(&self, low: f64, high: f64) -> u64 {
        self.n - (self.count_up_to(|value| value <= high) - self.count_up_to(|value| value < low))
    }
}

impl Ranked {
    fn count_up_to(&self, belongs: impl Fn(f64) -> bool) -> u64 {
        let bins = self.bins.partition_point(|&(value, _)| belongs(value));
        if bins == 0 { 0 } else { self.bins[bins - 1].1 }
    }
}

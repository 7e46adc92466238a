//! Mean, spread and extremes in one pass.

/// Running moments by Welford's method. Unlike the sum of squares it does not lose digits if the spread is
/// small compared with the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    squared_deviations: f64,
}

impl Moments {
    pub(super) const EMPTY: Self =
        Self { n: 0, mean: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, squared_deviations: 0.0 };

    pub(super) fn push(&mut self, value: f64) {
        self.n += 1;
        let from_old_mean = value - self.mean;
        self.mean += from_old_mean / self.n as f64;
        self.squared_deviations += from_old_mean * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Sample standard deviation (n − 1); `None` below two values.
    pub(super) fn sd(&self) -> Option<f64> {
        (self.n >= 2).then(|| (self.squared_deviations / (self.n - 1) as f64).sqrt())
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::EMPTY;
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

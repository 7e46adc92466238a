//! Order statistics: percentiles and outliers.

/// A sample whose values can be read by rank.
pub(super) trait OrderStatistics {
    /// Returns the number of values; at least one.
    fn len(&self) -> u64;
    /// Returns the value at this 0-based rank, `rank < len()`.
    fn at(&self, rank: u64) -> f64;
    /// Counts the values below `low` or above `high`.
    fn count_outside(&self, low: f64, high: f64) -> u64;

    /// Returns the percentile `p` (0 to 100) by linear interpolation between order statistics: Hyndman and Fan
    /// (1996) type 7, the default of NumPy and R. The result lies within the data.
    fn percentile(&self, p: f64) -> f64 {
        let last = self.len() - 1;
        let position = last as f64 * p.clamp(0.0, 100.0) / 100.0;
        let rank = (position.floor() as u64).min(last);
        let (below, above) = (self.at(rank), self.at((rank + 1).min(last)));
        (below + (above - below) * position.fract()).max(below).min(above)
    }

    /// Counts the outliers by Tukey's rule: values more than 1.5 interquartile ranges outside the
    /// quartiles. `None` below n = 8: in a smaller sample one extreme value widens the quartiles so far
    /// that the rule cannot flag it.
    fn outliers(&self) -> Option<u64> {
        let (q1, q3) = (self.percentile(25.0), self.percentile(75.0));
        let reach = 1.5 * (q3 - q1);
        (self.len() >= 8).then(|| self.count_outside(q1 - reach, q3 + reach))
    }
}

/// Values in ascending order, at least one.
pub(super) struct Ascending<'a>(pub(super) &'a [f64]);

impl OrderStatistics for Ascending<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn at(&self, rank: u64) -> f64 {
        self.0[rank as usize]
    }

    fn count_outside(&self, low: f64, high: f64) -> u64 {
        let below = self.0.partition_point(|&value| value < low);
        let not_above = self.0.partition_point(|&value| value <= high);
        (below + self.0.len() - not_above) as u64
    }
}

/// Returns the percentile `p` (0 to 100, so 95.0 and not 0.95) of values in ascending order, in their unit, by
/// linear interpolation (Hyndman and Fan 1996, type 7); `None` if `sorted` is empty.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    (!sorted.is_empty()).then(|| Ascending(sorted).percentile(p))
}

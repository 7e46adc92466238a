//! 95 % confidence intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{moments::Moments, order::OrderStatistics};

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Above this number of values normal approximations replace the exact distributions: the difference is
/// negligible and the exact series is slow.
const EXACT_UP_TO: u64 = 1000;

/// Returns the 95 % interval of the mean by Student's t; `None` below two values.
pub(super) fn of_mean(moments: &Moments) -> Option<(f64, f64)> {
    let standard_error = moments.sd()? / (moments.n as f64).sqrt();
    let half = t_quantile((moments.n - 1) as f64) * standard_error;
    Some((moments.mean - half, moments.mean + half))
}

/// Returns the 95 % interval of the median by order statistics: the k-th value from either end, with the largest k for which
/// the interval covers the median with 95 % probability for every distribution. `None`
/// below n = 6, where even minimum and maximum do not.
pub(super) fn of_median(sample: &impl OrderStatistics) -> Option<(f64, f64)> {
    let n = sample.len();
    let k = median_rank(n)?;
    Some((sample.at(k - 1), sample.at(n - k)))
}

/// Returns the 97.5 % quantile of Student's t.
pub(super) fn t_quantile(degrees_of_freedom: f64) -> f64 {
    if degrees_of_freedom > EXACT_UP_TO as f64 {
        // First terms of the Cornish-Fisher expansion; correct to eight digits here.
        let first = (Z.powi(3) + Z) / 4.0;
        let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
        return Z + first / degrees_of_freedom + second / degrees_of_freedom.powi(2);
    }
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(Z, |t| t.inverse_cdf(0.975))
}

/// Returns the largest 1-based k with P(B < k) ≤ 2.5 % for B ~ Binomial(n, ½), the number of values below the
/// median.
fn median_rank(n: u64) -> Option<u64> {
    let k = if n > EXACT_UP_TO { median_rank_normal(n) } else { median_rank_binomial(n) };
    (k > 0).then_some(k)
}

fn median_rank_binomial(n: u64) -> u64 {
    let n = n as f64;
    let mut probability = 0.5_f64.powf(n);
    let mut cumulated = probability;
    let mut k = 0.0;
    while cumulated <= 0.025 {
        k += 1.0;
        probability *= (n - k + 1.0) / k;
        cumulated += probability;
    }
    k as u64
}

/// Normal limit of [`median_rank_binomial`] with continuity correction.
fn median_rank_normal(n: u64) -> u64 {
    let n = n as f64;
    ((n + 1.0) / 2.0 - Z * n.sqrt() / 2.0).floor() as u64
}

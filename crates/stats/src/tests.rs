use proptest::prelude::*;

use super::{Accumulator, Summary, percentile, summarize};

fn summary(values: &[f64]) -> Summary {
    summarize(values).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

#[track_caller]
fn assert_close(actual: f64, expected: f64) {
    assert!(close(actual, expected), "{actual} is not {expected}");
}

/// Figures computed with NumPy 2 and SciPy.
#[test]
fn agrees_with_numpy_and_scipy() {
    let s = summary(&[12.1, 15.3, 11.8, 13.9, 14.2, 12.7, 13.3, 40.0, 12.9, 13.1]);
    assert_eq!(s.n, 10);
    assert_close(s.mean, 15.93);
    assert_close(s.sd.unwrap(), 8.51887446921377);
    assert_eq!((s.min, s.max), (11.8, 40.0));
    assert_close(s.p5, 11.935);
    assert_close(s.p50, 13.2);
    assert_close(s.p95, 28.885);
    assert_close(s.p99, 37.777);
    assert_close(s.ci_low.unwrap(), 9.835964317350747);
    assert_close(s.ci_high.unwrap(), 22.02403568264925);
    assert_eq!((s.median_ci_low, s.median_ci_high), (Some(12.1), Some(15.3)));
    assert_eq!(s.outliers, Some(1));
}

#[test]
fn an_empty_sample_has_no_summary() {
    assert_eq!(summarize(&[]), None);
    assert_eq!(percentile(&[], 50.0), None);
    assert_eq!(Accumulator::new().summary(), None);
}

#[test]
fn one_value_has_no_spread() {
    let s = summary(&[7.0]);
    assert_eq!((s.mean, s.min, s.max, s.p5, s.p99), (7.0, 7.0, 7.0, 7.0, 7.0));
    assert_eq!((s.sd, s.ci_low, s.median_ci_low, s.outliers), (None, None, None, None));
}

/// Exclusive quantiles would exceed the largest value: 287.5 for the first sample, 1846 for the second.
#[test]
fn percentiles_stay_within_the_data() {
    let s = summary(&[100.0, 150.0, 200.0, 250.0]);
    assert_close(s.p95, 242.5);
    assert_close(s.p99, 248.5);
    assert_close(s.p5, 107.5);
    let s = summary(&[100.0, 100.0, 100.0, 100.0, 1000.0]);
    assert_close(s.p95, 820.0);
    assert_close(s.p99, 964.0);
}

/// The population's standard deviation of this sample would be 55.9.
#[test]
fn the_standard_deviation_is_that_of_a_sample() {
    assert_close(summary(&[100.0, 150.0, 200.0, 250.0]).sd.unwrap(), 64.54972243679029);
}

/// 1.5 IQR cannot flag anything here, so the count is `None` and not 0.
#[test]
fn outliers_need_eight_values() {
    assert_eq!(summary(&[50.0, 51.0, 52.0, 53.0, 500.0]).outliers, None);
    assert_eq!(summary(&[50.0, 51.0, 52.0, 53.0, 50.5, 51.5, 500.0]).outliers, None);
    assert_eq!(summary(&[50.0, 51.0, 52.0, 53.0, 50.5, 51.5, 52.5, 500.0]).outliers, Some(1));
    assert_eq!(summary(&[50.0, 51.0, 52.0, 53.0, 50.5, 51.5, 52.5, 0.0, 500.0]).outliers, Some(2));
    assert_eq!(summary(&[50.0; 8]).outliers, Some(0));
}

#[test]
fn percentile_takes_0_to_100() {
    let sorted = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(percentile(&sorted, 0.0), Some(1.0));
    assert_eq!(percentile(&sorted, 25.0), Some(2.0));
    assert_eq!(percentile(&sorted, 50.0), Some(3.0));
    assert_eq!(percentile(&sorted, 100.0), Some(5.0));
    assert_eq!(percentile(&sorted, 90.0), Some(4.6));
    assert_eq!(percentile(&sorted, 250.0), Some(5.0));
}

#[test]
fn a_large_mean_does_not_lose_the_spread() {
    let s = summary(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
    assert_close(s.mean, 1e9 + 10.0);
    assert_close(s.sd.unwrap(), 30_f64.sqrt());
}

/// Half widths in standard errors, from SciPy's `t.ppf(0.975, n - 1)`.
#[test]
fn the_interval_of_the_mean_uses_students_t() {
    for (n, t) in [
        (2, 12.706204736174694),
        (3, 4.302652729749462),
        (5, 2.7764451051977934),
        (20, 2.0930240544083087),
        (101, 1.9839715185235518),
        (1000, 1.9623414611334493),
        (1002, 1.9623367052808798),
        (10_001, 1.960201239890626),
    ] {
        let values: Vec<f64> = (0..n).map(f64::from).collect();
        let s = summary(&values);
        let standard_error = s.sd.unwrap() / f64::from(n).sqrt();
        let half = (s.ci_high.unwrap() - s.ci_low.unwrap()) / 2.0;
        assert!((half / standard_error - t).abs() < 1e-8, "n = {n}: {}", half / standard_error);
    }
}

/// Ranks from SciPy: the largest k with `binom.cdf(k - 1, n, 0.5) <= 0.025`.
#[test]
fn the_interval_of_the_median_is_binomial() {
    for (n, k) in [(6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (30, 10), (100, 40), (999, 469), (1000, 469)] {
        let values: Vec<f64> = (1..=n).map(f64::from).collect();
        let s = summary(&values);
        let interval = (s.median_ci_low, s.median_ci_high);
        assert_eq!(interval, (Some(f64::from(k)), Some(f64::from(n + 1 - k))), "n = {n}");
    }
    assert_eq!(summary(&[1.0, 2.0, 3.0, 4.0, 5.0]).median_ci_low, None);
}

/// Above 1,000 values the normal limit may be wider than the binomial by one rank, never narrower.
#[test]
fn the_normal_approximation_of_the_median_interval_is_within_one_rank() {
    for (n, k) in [(1001, 470), (1002, 470), (5000, 2431), (10_000, 4902), (100_001, 49_691)] {
        let values: Vec<f64> = (1..=n).map(f64::from).collect();
        let low = summary(&values).median_ci_low.unwrap();
        assert!((f64::from(k) - 1.0..=f64::from(k)).contains(&low), "n = {n}: {low} instead of {k}");
    }
}

fn pushed(values: &[f64]) -> Accumulator {
    let mut accumulator = Accumulator::new();
    values.iter().for_each(|&value| accumulator.push(value));
    accumulator
}

/// Returns a deterministic long-tailed sample: exponential quantiles in a scrambled order.
fn long_tailed(n: usize, scale: f64) -> Vec<f64> {
    let quantile = |i: usize| -scale * (1.0 - (i as f64 + 0.5) / n as f64).ln();
    (0..n).map(|i| quantile(i * 7_919 % n)).collect()
}

#[test]
fn the_accumulator_is_exact_while_it_keeps_values() {
    let values = long_tailed(16_384, 20.0);
    assert_eq!(pushed(&values).summary(), summarize(&values));
}

#[test]
fn the_accumulator_stays_within_its_tolerance_above_that() {
    for scale in [0.000_02, 20.0, 3e7] {
        let values = long_tailed(100_000, scale);
        let accumulator = pushed(&values);
        let (binned, exact) = (accumulator.summary().unwrap(), summary(&values));
        assert_eq!(accumulator.len(), 100_000);
        assert_eq!((binned.n, binned.min, binned.max), (exact.n, exact.min, exact.max));
        assert_close(binned.mean, exact.mean);
        assert_close(binned.sd.unwrap(), exact.sd.unwrap());
        for (a, b) in [
            (binned.p5, exact.p5),
            (binned.p50, exact.p50),
            (binned.p95, exact.p95),
            (binned.p99, exact.p99),
            (binned.median_ci_low.unwrap(), exact.median_ci_low.unwrap()),
            (binned.median_ci_high.unwrap(), exact.median_ci_high.unwrap()),
        ] {
            assert!((a / b - 1.0).abs() < 4e-5, "{a} instead of {b} at scale {scale}");
        }
        let (a, b) = (binned.outliers.unwrap() as f64, exact.outliers.unwrap() as f64);
        assert!((a / b - 1.0).abs() < 0.01, "{a} outliers instead of {b}");
    }
}

#[test]
fn the_accumulator_accepts_zeros_and_infinite_values() {
    let mut accumulator = pushed(&vec![0.0; 20_000]);
    accumulator.push(f64::INFINITY);
    let s = accumulator.summary().unwrap();
    assert_eq!((s.min, s.p50, s.p99, s.max), (0.0, 0.0, 0.0, f64::INFINITY));
}

fn sample() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..1e6, 1..200)
}

proptest! {
    #[test]
    fn figures_are_in_order(values in sample()) {
        let s = summary(&values);
        let ascending = [s.min, s.p5, s.p50, s.p95, s.p99, s.max];
        prop_assert!(ascending.is_sorted(), "{ascending:?}");
        prop_assert!((s.min..=s.max).contains(&s.mean) || close(s.min, s.mean) || close(s.max, s.mean));
    }

    #[test]
    fn intervals_contain_their_centre(values in prop::collection::vec(0.0..1e6, 6..200)) {
        let s = summary(&values);
        prop_assert!(s.ci_low.unwrap() <= s.mean && s.mean <= s.ci_high.unwrap());
        prop_assert!(s.median_ci_low.unwrap() <= s.p50 && s.p50 <= s.median_ci_high.unwrap());
        prop_assert!(s.min <= s.median_ci_low.unwrap() && s.median_ci_high.unwrap() <= s.max);
    }

    #[test]
    fn order_does_not_matter(values in sample().prop_shuffle(), seed in sample()) {
        let mut reversed = values.clone();
        reversed.reverse();
        prop_assert_eq!(summarize(&values), summarize(&reversed));
        let (mut before, mut after) = (seed.clone(), values.clone());
        before.extend(&values);
        after.extend(&seed);
        prop_assert_eq!(summarize(&before), summarize(&after));
    }

    #[test]
    fn equal_values_have_no_spread(value in 0.0..1e9, n in 2_usize..50) {
        let s = summary(&vec![value; n]);
        prop_assert_eq!((s.mean, s.sd, s.p5, s.p99), (value, Some(0.0), value, value));
        prop_assert_eq!((s.ci_low, s.ci_high), (Some(value), Some(value)));
    }

    #[test]
    fn the_accumulator_agrees_with_the_slice(values in sample()) {
        prop_assert_eq!(pushed(&values).summary(), summarize(&values));
    }
}

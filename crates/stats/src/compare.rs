//! Comparison of two samples by their summaries.

use serde::{Deserialize, Serialize};

use super::{interval::t_quantile, summary::Summary};

/// The difference between the means of two samples, `a` and `b`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `b − a`, in the unit of the samples.
    pub absolute: f64,
    /// `b − a` in percent of the mean of `a`; `None` if that mean is 0.
    pub percent: Option<f64>,
    /// Lower end of the 95 % interval of `percent`; `None` if either sample has fewer than two values.
    pub percent_ci_low: Option<f64>,
    /// Upper end of the 95 % interval of `percent`.
    pub percent_ci_high: Option<f64>,
    /// Conclusion from the interval.
    pub verdict: Verdict,
}

/// The conclusion that the 95 % interval of a difference allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// `b` is higher: the whole interval lies above 0.
    Higher,
    /// `b` is lower: the whole interval lies below 0.
    Lower,
    /// The interval contains 0.
    NoClearDifference,
    /// There is no interval: a sample has fewer than two values.
    TooFewRuns,
}

/// Compares two means by Welch's t (unequal variances, degrees of freedom after Welch and
/// Satterthwaite). The interval in percent treats the mean of `a` as known without error.
pub fn compare(a: &Summary, b: &Summary) -> Difference {
    let absolute = b.mean - a.mean;
    let percent_of_a = |value: f64| (a.mean != 0.0).then(|| 100.0 * value / a.mean.abs());
    let interval = half_width(a, b).map(|half| (absolute - half, absolute + half));
    Difference {
        absolute,
        percent: percent_of_a(absolute),
        percent_ci_low: interval.and_then(|(low, _)| percent_of_a(low)),
        percent_ci_high: interval.and_then(|(_, high)| percent_of_a(high)),
        verdict: match interval {
            None => Verdict::TooFewRuns,
            Some((low, _)) if low > 0.0 => Verdict::Higher,
            Some((_, high)) if high < 0.0 => Verdict::Lower,
            Some(_) => Verdict::NoClearDifference,
        },
    }
}

/// Returns half of the width of the 95 % interval of the difference of the means; `None` if a sample has
/// fewer than two values.
fn half_width(a: &Summary, b: &Summary) -> Option<f64> {
    let variance_of_mean = |s: &Summary| Some((s.sd?.powi(2) / s.n as f64, s.n as f64 - 1.0));
    let ((variance_a, df_a), (variance_b, df_b)) = (variance_of_mean(a)?, variance_of_mean(b)?);
    let variance = variance_a + variance_b;
    if variance == 0.0 {
        return Some(0.0);
    }
    let degrees_of_freedom = variance.powi(2) / (variance_a.powi(2) / df_a + variance_b.powi(2) / df_b);
    Some(t_quantile(degrees_of_freedom) * variance.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::summarize;

    fn of(a: &[f64], b: &[f64]) -> Difference {
        compare(&summarize(a).unwrap(), &summarize(b).unwrap())
    }

    /// Against R 4: `t.test(b, a)$conf.int`, i.e. Welch, for the two samples of Student's sleep data.
    #[test]
    fn the_interval_equals_that_of_r() {
        let a = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let b = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let found = of(&a, &b);
        assert!((found.absolute - 1.58).abs() < 1e-9);
        assert!((found.percent_ci_low.unwrap() - 100.0 * -0.205_483_2 / 0.75).abs() < 1e-4);
        assert!((found.percent_ci_high.unwrap() - 100.0 * 3.365_483_2 / 0.75).abs() < 1e-4);
        assert_eq!(found.verdict, Verdict::NoClearDifference);
    }

    #[test]
    fn a_clear_difference_has_a_direction() {
        assert_eq!(of(&[1.0, 1.1, 0.9], &[2.0, 2.1, 1.9]).verdict, Verdict::Higher);
        assert_eq!(of(&[2.0, 2.1, 1.9], &[1.0, 1.1, 0.9]).verdict, Verdict::Lower);
        assert_eq!(of(&[100.0, 100.0], &[101.0, 101.0]).verdict, Verdict::Higher, "no spread at all");
        assert_eq!(of(&[100.0, 100.0], &[100.0, 100.0]).verdict, Verdict::NoClearDifference);
    }

    #[test]
    fn one_run_is_too_few() {
        let found = of(&[100.0], &[119.0, 121.0]);
        assert_eq!((found.percent, found.percent_ci_low), (Some(20.0), None));
        assert_eq!(found.verdict, Verdict::TooFewRuns);
    }

    #[test]
    fn a_difference_from_zero_has_no_percentage() {
        assert_eq!(of(&[0.0, 0.0], &[1.0, 1.0]).percent, None);
    }

    proptest! {
        #[test]
        fn the_interval_contains_the_difference_and_swapping_the_samples_negates_it(
            a in prop::collection::vec(1.0..1e6_f64, 2..20),
            b in prop::collection::vec(1.0..1e6_f64, 2..20),
        ) {
            let (there, back) = (of(&a, &b), of(&b, &a));
            let slack = 1e-6;
            prop_assert!(there.percent_ci_low.unwrap() <= there.percent.unwrap() + slack);
            prop_assert!(there.percent.unwrap() <= there.percent_ci_high.unwrap() + slack);
            let opposite = match there.verdict {
                Verdict::Higher => Verdict::Lower,
                Verdict::Lower => Verdict::Higher,
                same => same,
            };
            prop_assert_eq!(back.verdict, opposite);
        }
    }
}

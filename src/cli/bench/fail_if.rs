//! `--fail-if "ttft_ms.p95 > 800"`: conditions under which the command exits with an error, for CI.
//!
//! Each condition is checked against every measured row; a row that matches is a breach. A row whose metric has
//! no value (every run failed, or the endpoint does not report it) is a breach too: a check must not pass
//! because nothing was measured. Skipped context sizes are ignored.

use std::{fmt, str::FromStr};

use crate::cli::{
    metrics::{Metric, SCALARS, STATISTICS, Scalar, Statistic, metrics},
    output::row_label,
};
use bench::types::{Report, ResultRow};

/// `figure operator limit`.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    figure: Figure,
    operator: Operator,
    limit: f64,
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    OfMetric(Metric, &'static Statistic),
    Alone(&'static Scalar),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

/// Longer operators first, so that `>=` is not parsed as `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

/// Returns the breaches of all conditions, one sentence each, in the order of the report.
pub fn breaches(conditions: &[Condition], report: &Report) -> Vec<String> {
    let measured = || report.results.iter().filter(|row| row.skipped.is_none());
    conditions.iter().flat_map(|condition| measured().filter_map(|row| condition.breach(row))).collect()
}

impl Condition {
    fn breach(&self, row: &ResultRow) -> Option<String> {
        let label = row_label(row);
        match self.figure.of(row) {
            None => Some(format!("{label}: {self} cannot be ruled out, there is no {}", self.figure)),
            Some(value) if self.operator.holds(value, self.limit) => {
                Some(format!("{label}: {self} (it is {})", plain(value)))
            }
            Some(_) => None,
        }
    }
}

impl Figure {
    fn of(self, row: &ResultRow) -> Option<f64> {
        match self {
            Self::OfMetric(metric, statistic) => metric.of(row).and_then(statistic.of),
            Self::Alone(scalar) => (scalar.of)(row),
        }
    }
}

impl Operator {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Equal => value == limit,
            Self::NotEqual => value != limit,
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (figure, operator, limit) = split(text).ok_or(
            "a condition is a metric, an operator (> >= < <= == !=) and a number, such as \
             \"ttft_ms.p95 > 800\"",
        )?;
        let number = limit.parse().ok().filter(|number: &f64| number.is_finite());
        let limit = number.ok_or_else(|| format!("\"{limit}\" is not a number"))?;
        Ok(Self { figure: figure.parse()?, operator, limit })
    }
}

fn split(text: &str) -> Option<(&str, Operator, &str)> {
    let at = text.find(['>', '<', '=', '!'])?;
    let (figure, rest) = text.split_at(at);
    let (operator, limit) =
        OPERATORS.into_iter().find_map(|(symbol, operator)| Some((operator, rest.strip_prefix(symbol)?)))?;
    Some((figure.trim(), operator, limit.trim()))
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(scalar) = SCALARS.iter().find(|scalar| scalar.name == text) {
            return Ok(Self::Alone(scalar));
        }
        let (metric, statistic_name) = metrics().find_map(|metric| named(metric, text)).ok_or_else(|| {
            let name =
                text.split_once('.').filter(|(name, _)| *name != "load").map_or(text, |(name, _)| name);
            format!(
                "there is no metric \"{name}\"; with a statistic: {}; without one: {}",
                metric_names(),
                scalar_names()
            )
        })?;
        let metric_name = metric.name;
        let statistic =
            STATISTICS.iter().find(|statistic| statistic.name == statistic_name).ok_or_else(|| {
                format!(
                    "{metric_name} needs a statistic, such as {metric_name}.p95; there are: {}",
                    statistic_names()
                )
            })?;
        Ok(Self::OfMetric(metric, statistic))
    }
}

/// The metric and the statistic's name, if `text` begins with the metric's name.
fn named(metric: Metric, text: &str) -> Option<(Metric, &str)> {
    let rest = text.strip_prefix(metric.name)?;
    let statistic = if rest.is_empty() { Some("") } else { rest.strip_prefix('.') };
    Some((metric, statistic?))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.figure, self.operator, plain(self.limit))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfMetric(metric, statistic) => write!(f, "{}.{}", metric.name, statistic.name),
            Self::Alone(scalar) => f.write_str(scalar.name),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbol = OPERATORS.iter().find(|(_, operator)| operator == self).map_or("", |(symbol, _)| symbol);
        f.write_str(symbol)
    }
}

/// Formats a number with at most six decimals and no trailing zeros.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if matches!(text, "0" | "-0") && value != 0.0 { format!("{value:e}") } else { text.to_owned() }
}

fn metric_names() -> String {
    metrics().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
}

fn scalar_names() -> String {
    SCALARS.iter().map(|scalar| scalar.name).collect::<Vec<_>>().join(", ")
}

fn statistic_names() -> String {
    STATISTICS.iter().map(|statistic| statistic.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::fixture;

    fn condition(text: &str) -> Condition {
        text.parse().unwrap()
    }

    fn error(text: &str) -> String {
        text.parse::<Condition>().unwrap_err()
    }

    #[test]
    fn spaces_are_ignored() {
        for text in ["ttft_ms.p95>=800", " ttft_ms.p95 >= 800 ", "ttft_ms.p95>= 8e2"] {
            assert_eq!(condition(text).to_string(), "ttft_ms.p95 >= 800");
        }
    }

    #[test]
    fn an_invalid_condition_lists_the_valid_names() {
        assert!(error("ttft_ms.p95").contains("operator"));
        assert!(error("ttft_ms.p95 > fast").contains("fast"));
        assert!(error("ttft_ms.p95 > inf").contains("not a number"));
        assert!(error("ttft.p95 > 1").contains("ttft_ms"), "{}", error("ttft.p95 > 1"));
        assert!(error("ttft_ms.p90 > 1").contains("p95"));
        assert!(error("ttft_ms > 1").contains("ttft_ms.p95"));
        assert!(error("error_count.mean > 1").contains("error_count"));
        assert!(error("ttft_ms.p95 = 1").contains("operator"));
        assert!(error("").contains("operator"));
    }

    #[test]
    fn a_breach_names_its_row_and_its_value() {
        let report = fixture::report();
        let found = breaches(&[condition("ttft_ms.mean > 250")], &report);
        assert_eq!(found[0], "openai/gpt-4o: ttft_ms.mean > 250 (it is 310)");
        assert!(found.iter().all(|breach| !breach.starts_with("local/fast")), "{found:?}");
    }

    #[test]
    fn a_row_without_a_value_is_a_breach_and_a_skipped_one_is_not() {
        let found = breaches(&[condition("output_speed_tps.mean < 1")], &fixture::report());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("local/dead") && found[0].contains("cannot be ruled out"), "{found:?}");
    }

    #[test]
    fn counts_need_no_statistic() {
        let found = breaches(&[condition("error_count > 0")], &fixture::report());
        assert_eq!(found.len(), 2, "{found:?}");
    }

    proptest! {
        #[test]
        fn a_printed_condition_parses_to_the_same(
            metric in proptest::sample::select(metrics().collect::<Vec<_>>()),
            statistic in 0..STATISTICS.len(),
            operator in 0..OPERATORS.len(),
            limit in -1e9..1e9_f64,
        ) {
            let limit = (limit * 1e3).round() / 1e3;
            let text = format!(
                "{}.{} {} {limit}",
                metric.name, STATISTICS[statistic].name, OPERATORS[operator].0
            );
            let printed = condition(&text).to_string();
            prop_assert_eq!(&condition(&printed).to_string(), &printed);
            prop_assert!((condition(&printed).limit - limit).abs() < 1e-6);
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in ".*") {
            let _ = text.parse::<Condition>();
        }

        #[test]
        fn an_operator_and_its_opposite_never_agree(value in any::<f64>(), limit in any::<f64>()) {
            prop_assume!(!value.is_nan() && !limit.is_nan());
            for (one, other) in [
                (Operator::Greater, Operator::LessOrEqual),
                (Operator::Less, Operator::GreaterOrEqual),
                (Operator::Equal, Operator::NotEqual),
            ] {
                prop_assert_ne!(one.holds(value, limit), other.holds(value, limit));
            }
        }
    }
}

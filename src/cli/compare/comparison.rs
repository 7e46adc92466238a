//! The comparison of two reports, as data.

use serde::Serialize;

use crate::cli::metrics::metrics;
use bench::types::{Parameters, Report, ResultRow, SCHEMA_VERSION};
use stats::{Difference, Summary, compare};

/// The compared metrics, and which direction is better.
const COMPARED: [(&str, Better); 10] = [
    ("output_speed_tps", Better::Higher),
    ("tokens_per_second", Better::Higher),
    ("ttft_ms", Better::Lower),
    ("ttfa_ms", Better::Lower),
    ("itl_ms", Better::Lower),
    ("total_time_s", Better::Lower),
    ("output_tokens", Better::Neither),
    ("cost", Better::Lower),
    ("load.open_loop.ttft_ms", Better::Lower),
    ("load.open_loop.total_time_s", Better::Lower),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Higher,
    Lower,
    Neither,
}

/// The output of `compare --format json`.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub schema_version: u32,
    pub a: Side,
    pub b: Side,
    /// Differing conditions, because of which the figures may not be comparable.
    pub differing_conditions: Vec<String>,
    pub rows: Vec<Row>,
    pub only_in_a: Vec<RowKey>,
    pub only_in_b: Vec<RowKey>,
}

#[derive(Debug, Serialize)]
pub struct Side {
    pub started_at: String,
    pub tool_version: String,
}

/// The key that rows are matched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowKey {
    pub provider_key: String,
    pub model_id: String,
    pub context_tokens: u64,
}

#[derive(Debug, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub key: RowKey,
    pub error_count: [u64; 2],
    /// Metrics that both sides have.
    pub metrics: Vec<MetricPair>,
    /// Figures of the load mode that both sides have; one value each, so without an interval.
    pub load: Vec<ValuePair>,
}

#[derive(Debug, Serialize)]
pub struct MetricPair {
    pub metric: &'static str,
    pub better: Better,
    pub a: Summary,
    pub b: Summary,
    pub difference: Difference,
}

#[derive(Debug, Serialize)]
pub struct ValuePair {
    pub metric: &'static str,
    pub better: Better,
    pub a: f64,
    pub b: f64,
    /// In percent of `a`; `None` if that is 0.
    pub percent: Option<f64>,
}

impl Comparison {
    /// Matches the rows of both reports and compares the common metrics.
    pub fn of(a: &Report, b: &Report) -> Self {
        let pairs = a
            .results
            .iter()
            .filter_map(|row| Some((row, b.results.iter().find(|other| key(other) == key(row))?)));
        Self {
            schema_version: SCHEMA_VERSION,
            a: side(a),
            b: side(b),
            differing_conditions: differing_conditions(&a.parameters, &b.parameters),
            rows: pairs.map(|(row_a, row_b)| pair(row_a, row_b)).collect(),
            only_in_a: unmatched(a, b),
            only_in_b: unmatched(b, a),
        }
    }
}

fn side(report: &Report) -> Side {
    Side { started_at: report.started_at.clone(), tool_version: report.tool_version.clone() }
}

fn key(row: &ResultRow) -> RowKey {
    RowKey {
        provider_key: row.provider_key.clone(),
        model_id: row.model_id.clone(),
        context_tokens: row.context_tokens,
    }
}

fn unmatched(of: &Report, other: &Report) -> Vec<RowKey> {
    of.results.iter().map(key).filter(|wanted| other.results.iter().all(|row| key(row) != *wanted)).collect()
}

fn pair(a: &ResultRow, b: &ResultRow) -> Row {
    let metrics = COMPARED.iter().filter_map(|&(name, better)| {
        let metric = metrics().find(|metric| metric.name == name)?;
        let (of_a, of_b) = (*metric.of(a)?, *metric.of(b)?);
        Some(MetricPair { metric: metric.name, better, a: of_a, b: of_b, difference: compare(&of_a, &of_b) })
    });
    Row {
        key: key(a),
        error_count: [a.summary.error_count, b.summary.error_count],
        metrics: metrics.collect(),
        load: load_pairs(a, b),
    }
}

fn load_pairs(a: &ResultRow, b: &ResultRow) -> Vec<ValuePair> {
    let (Some(a), Some(b)) = (&a.load, &b.load) else { return Vec::new() };
    let value_pair = |metric, a: Option<f64>, b: Option<f64>| {
        let (a, b) = (a?, b?);
        let percent = (a != 0.0).then(|| 100.0 * (b - a) / a.abs());
        Some(ValuePair { metric, better: Better::Higher, a, b, percent })
    };
    [
        value_pair("load.output_tokens_per_second", a.output_tokens_per_second, b.output_tokens_per_second),
        value_pair("load.requests_per_second", a.requests_per_second, b.requests_per_second),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn differing_conditions(a: &Parameters, b: &Parameters) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |name: &str, a: String, b: String| {
        if a != b {
            found.push(format!("{name}: {a} and {b}"));
        }
    };
    note("max_tokens", a.max_tokens.to_string(), b.max_tokens.to_string());
    note("temperature", a.temperature.to_string(), b.temperature.to_string());
    note("warmup", a.warmup.to_string(), b.warmup.to_string());
    note("in flight", in_flight(a), in_flight(b));
    note("rate", rate(a), rate(b));
    note("params", shown_params(a), shown_params(b));
    if a.prompt != b.prompt {
        found.push("the prompt".to_owned());
    }
    found
}

fn in_flight(parameters: &Parameters) -> String {
    parameters.load.map_or(1, |load| load.concurrency).to_string()
}

fn rate(parameters: &Parameters) -> String {
    let open = parameters.load.and_then(|load| load.open_loop);
    open.map_or("none".into(), |open| format!("{} per second, {}", open.rate, open.arrivals.as_str()))
}

fn shown_params(parameters: &Parameters) -> String {
    serde_json::Value::from(parameters.params.clone()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;
    use stats::Verdict;

    #[test]
    fn rows_are_matched_by_provider_model_and_tier() {
        let a = fixture::report();
        let mut b = fixture::report();
        b.results.remove(0);
        b.results[0].provider_key = "other".into();
        let comparison = Comparison::of(&a, &b);
        let names = |keys: &[RowKey]| -> Vec<String> {
            keys.iter()
                .map(|key| format!("{}/{}@{}", key.provider_key, key.model_id, key.context_tokens))
                .collect()
        };
        assert_eq!(names(&comparison.only_in_a), ["openai/gpt-4o@0", "local/fast@0"]);
        assert_eq!(names(&comparison.only_in_b), ["other/fast@0"]);
        assert_eq!(comparison.rows.len(), 2);
    }

    #[test]
    fn a_report_equals_itself() {
        let report = fixture::report();
        let comparison = Comparison::of(&report, &report);
        assert!(comparison.differing_conditions.is_empty());
        for metric in comparison.rows.iter().flat_map(|row| &row.metrics) {
            assert_eq!(metric.difference.verdict, Verdict::NoClearDifference, "{}", metric.metric);
        }
    }

    #[test]
    fn differing_conditions_are_listed() {
        let a = fixture::report();
        let mut b = fixture::report();
        b.parameters.max_tokens = 64;
        b.parameters.prompt = "x".into();
        assert_eq!(Comparison::of(&a, &b).differing_conditions, ["max_tokens: 512 and 64", "the prompt"]);
    }
}

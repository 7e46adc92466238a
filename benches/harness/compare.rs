//! Joins the client's report with the mock's log by response id.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, ensure};
use bench::types::{Clock, Report, Run};
use serde::{Deserialize, Serialize};
use stats::summarize;

/// The mock's log entry of one request.
#[derive(Debug, Deserialize)]
struct Truth {
    id: String,
    received_ns: u64,
    write_ns: Vec<u64>,
    output_tokens: u64,
}

/// Absolute errors over all requests.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ErrorOf {
    pub mean: f64,
    pub p99: f64,
    pub max: f64,
}

/// The result of one case.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub requests: u64,
    pub failed: u64,
    pub output_tokens: u64,
    /// Number of requests whose tokens or chunks differ from the mock's log.
    pub inexact: u64,
    pub ttft_ms: Option<ErrorOf>,
    pub itl_percent: Option<ErrorOf>,
    pub speed_percent: Option<ErrorOf>,
    pub tokens_per_second: f64,
    pub cpu_us_per_token: f64,
    pub peak_rss_mb: f64,
    pub kernel_clock_runs: u64,
    pub lateness_p99_ms: Option<f64>,
    pub warning: Option<String>,
}

impl Figures {
    pub fn all_exact(&self) -> bool {
        self.inexact == 0 && self.failed == 0
    }

    pub fn tokens_verdict(&self) -> String {
        let verdict = if self.all_exact() { "exact" } else { "NOT exact" };
        format!("{} {verdict}", self.output_tokens)
    }

    pub fn clock_verdict(&self) -> String {
        let clock = if self.kernel_clock_runs == self.requests { "kernel" } else { "mixed" };
        let lateness = self.lateness_p99_ms.map_or_else(|| "–".into(), |ms| format!("{ms:.2} ms"));
        format!("{clock}, {lateness}")
    }
}

/// Compares report and log; `cpu_s` is the total CPU time of the client's process.
pub fn figures(report: &Path, log: &Path, cpu_s: f64) -> anyhow::Result<Figures> {
    let report: Report = serde_json::from_slice(&fs::read(report)?).context("reading the client's report")?;
    let truths = truths(log)?;
    ensure!(report.results.len() == 1, "expected one row, found {}", report.results.len());
    let row = &report.results[0];
    let pairs: Vec<(&Run, &Truth)> =
        row.runs.iter().filter_map(|run| Some((run, truths.get(run.response_id.as_deref()?)?))).collect();
    ensure!(
        pairs.len() == row.runs.len(),
        "{} of {} runs are in the mock's log",
        pairs.len(),
        row.runs.len()
    );
    let output_tokens = pairs.iter().filter_map(|(run, _)| run.output_tokens).sum::<u64>();
    let load = row.load.as_ref().context("the report has no load")?;
    Ok(Figures {
        requests: row.runs.len() as u64,
        failed: row.summary.error_count,
        output_tokens,
        inexact: pairs.iter().filter(|(run, truth)| !exact(run, truth)).count() as u64,
        ttft_ms: errors(&pairs, |run, truth| Some((run.ttft_ms? - true_ttft_ms(truth)?).abs())),
        itl_percent: errors(&pairs, |run, truth| relative(run.itl_ms?, true_itl_ms(truth)?)),
        speed_percent: errors(&pairs, |run, truth| {
            relative(run.output_speed_tps?, 1e3 / true_itl_ms(truth)?)
        }),
        tokens_per_second: load.output_tokens_per_second.unwrap_or(0.0),
        cpu_us_per_token: cpu_s * 1e6 / output_tokens.max(1) as f64,
        peak_rss_mb: report.client.peak_rss_mb,
        kernel_clock_runs: row.runs.iter().filter(|run| run.clock == Clock::Kernel).count() as u64,
        lateness_p99_ms: report.client.lateness_p99_ms,
        warning: report.client.warning,
    })
}

/// Returns the TTFT errors of runs that were measured in different ways, each against the same log, ms.
///
/// # Errors
/// When a run failed or is not in the log.
pub fn ttft_errors(log: &Path, ways: &[&[Run]]) -> anyhow::Result<Vec<ErrorOf>> {
    let truths = truths(log)?;
    let error_of = |runs: &&[Run]| {
        let pairs: Vec<(&Run, &Truth)> =
            runs.iter().filter_map(|run| Some((run, truths.get(run.response_id.as_deref()?)?))).collect();
        ensure!(pairs.len() == runs.len(), "{} of {} runs are in the mock's log", pairs.len(), runs.len());
        errors(&pairs, |run, truth| Some((run.ttft_ms? - true_ttft_ms(truth)?).abs()))
            .context("no run succeeded")
    };
    ways.iter().map(error_of).collect()
}

fn truths(log: &Path) -> anyhow::Result<HashMap<String, Truth>> {
    fs::read_to_string(log)?
        .lines()
        .map(|line| {
            let truth: Truth = serde_json::from_str(line).with_context(|| format!("reading {line}"))?;
            Ok((truth.id.clone(), truth))
        })
        .collect()
}

fn exact(run: &Run, truth: &Truth) -> bool {
    run.success && run.output_tokens == Some(truth.output_tokens) && run.chunks == truth.write_ns.len() as u64
}

fn true_ttft_ms(truth: &Truth) -> Option<f64> {
    Some((truth.write_ns.first()? - truth.received_ns) as f64 / 1e6)
}

/// Returns the mean gap between chunks; `None` if all were written at the same time.
fn true_itl_ms(truth: &Truth) -> Option<f64> {
    let (first, last) = (truth.write_ns.first()?, truth.write_ns.last()?);
    (last > first).then(|| (last - first) as f64 / 1e6 / (truth.write_ns.len() - 1) as f64)
}

fn relative(actual: f64, truth: f64) -> Option<f64> {
    Some((actual / truth - 1.0).abs() * 100.0)
}

fn errors(pairs: &[(&Run, &Truth)], error: impl Fn(&Run, &Truth) -> Option<f64>) -> Option<ErrorOf> {
    let errors: Vec<f64> = pairs.iter().filter_map(|(run, truth)| error(run, truth)).collect();
    summarize(&errors).map(|summary| ErrorOf { mean: summary.mean, p99: summary.p99, max: summary.max })
}

//! Starts mock and client as separate processes, joins their records of each request, and prints the
//! differences as tables.

pub mod blocking;
pub mod compare;
pub mod processes;
pub mod ratio;
pub mod studio;

use std::{fs, path::Path};

use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;
use serde_json::json;

pub use compare::{ErrorOf, Figures};
use ratio::RatioVerdict;

/// A load and the conditions under which the client is measured.
#[derive(Debug, Serialize)]
pub struct Case {
    pub name: &'static str,
    pub what: &'static str,
    /// The mock's scenario, in the grammar of its model names.
    pub scenario: &'static str,
    pub concurrency: u32,
    pub requests: u64,
    /// Whether other processes keep both cores busy. The mock then runs with real-time priority, so that its
    /// own delay is not attributed to the client.
    pub contended: bool,
    pub limits: Limits,
}

impl Case {
    /// Returns whether the mock paces its tokens. Without pacing, latency errors are meaningless.
    fn is_paced(&self) -> bool {
        !self.scenario.contains("gap=0")
    }
}

/// The limits to keep; `None` where there is none.
#[derive(Debug, Serialize)]
pub struct Limits {
    /// Maximum mean error of TTFT, ms.
    pub ttft_ms: Option<f64>,
    /// Maximum mean error of the mean inter-token latency, %.
    pub itl_percent: Option<f64>,
    /// Maximum client CPU time per output token, µs.
    pub cpu_us: Option<f64>,
    /// Maximum client peak memory, MB.
    pub rss_mb: Option<f64>,
    /// Minimum system throughput.
    pub tokens_per_second: Option<f64>,
}

impl Limits {
    pub const NONE: Self =
        Self { ttft_ms: None, itl_percent: None, cpu_us: None, rss_mb: None, tokens_per_second: None };
}

/// A case and its result.
#[derive(Debug, Serialize)]
pub struct Verdict<'a> {
    pub case: &'a Case,
    pub figures: Figures,
}

/// Runs one case.
pub fn run(case: &Case) -> anyhow::Result<Figures> {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("truth.jsonl");
    let output = directory.path().join("report.json");
    let mut mock = processes::Mock::start("127.0.0.1", &log, case.contended)?;
    let noise = case.contended.then(processes::Noise::start).transpose()?;
    let cpu_s = processes::run_client(case, mock.port, &output)?;
    drop(noise);
    mock.stop()?;
    compare::figures(&output, &log, cpu_s)
}

/// Prints the tables and writes tables and figures to `benches/results/`.
pub fn publish(verdicts: &[Verdict<'_>], ratios: &[RatioVerdict<'_>]) -> anyhow::Result<()> {
    let mut tables = Vec::new();
    if !verdicts.is_empty() {
        tables.push(table(verdicts).to_string());
    }
    if !ratios.is_empty() {
        tables.push(ratio::table(ratios).to_string());
    }
    let tables = tables.join("\n\n");
    println!("{tables}");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    fs::create_dir_all(&directory)?;
    let stem = format!("client-{}", jiff::Zoned::now().strftime("%Y%m%d-%H%M%S"));
    fs::write(directory.join(format!("{stem}.txt")), format!("{tables}\n"))?;
    let figures = serde_json::to_vec_pretty(&json!({ "accuracy": verdicts, "ratios": ratios }))?;
    fs::write(directory.join(format!("{stem}.json")), figures).context("writing the figures")?;
    println!("written to benches/results/{stem}.{{txt,json}}");
    Ok(())
}

fn table(verdicts: &[Verdict<'_>]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header([
        "case",
        "TTFT error\nmean / p99, ms",
        "ITL error\nmean / p99, %",
        "speed error\nmean / p99, %",
        "tokens",
        "tok/s",
        "CPU\nµs/token",
        "peak\nMB",
        "clock,\nlateness p99",
        "promise",
    ]);
    for Verdict { case, figures } in verdicts {
        let pair = |error, digits| if case.is_paced() { pair(error, digits) } else { "–".into() };
        table.add_row([
            case.name.to_owned(),
            pair(&figures.ttft_ms, 3),
            pair(&figures.itl_percent, 4),
            pair(&figures.speed_percent, 4),
            figures.tokens_verdict(),
            format!("{:.0}", figures.tokens_per_second),
            format!("{:.1}", figures.cpu_us_per_token),
            format!("{:.0}", figures.peak_rss_mb),
            figures.clock_verdict(),
            promise(case, figures),
        ]);
    }
    for column in 1..=8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn pair(error: &Option<ErrorOf>, digits: usize) -> String {
    error
        .as_ref()
        .map_or_else(|| "–".into(), |error| format!("{:.digits$} / {:.digits$}", error.mean, error.p99))
}

/// Returns "kept", or the list of missed limits.
fn promise(case: &Case, figures: &Figures) -> String {
    let limits = &case.limits;
    let mean = |error: &Option<ErrorOf>| error.as_ref().map_or(f64::INFINITY, |error| error.mean);
    let at_most = [
        ("TTFT", limits.ttft_ms, mean(&figures.ttft_ms)),
        ("ITL", limits.itl_percent, mean(&figures.itl_percent)),
        ("CPU", limits.cpu_us, figures.cpu_us_per_token),
        ("memory", limits.rss_mb, figures.peak_rss_mb),
    ];
    let mut missed: Vec<String> = at_most
        .into_iter()
        .filter_map(|(name, limit, actual)| Some((name, limit?, actual)))
        .filter(|(_, limit, actual)| actual > limit)
        .map(|(name, limit, _)| format!("{name} > {limit}"))
        .collect();
    if let Some(least) = limits.tokens_per_second.filter(|&least| figures.tokens_per_second < least) {
        missed.push(format!("tok/s < {least}"));
    }
    if !figures.all_exact() {
        missed.push("tokens differ".into());
    }
    if figures.requests != case.requests {
        missed.push(format!("{} of {} requests", figures.requests, case.requests));
    }
    if missed.is_empty() { "kept".into() } else { missed.join(", ") }
}

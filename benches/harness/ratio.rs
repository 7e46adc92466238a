//! Compares the measuring client with plain blocking sockets ([`super::blocking`]). Both send the same load
//! to the same mock, alternating within the same minute, so that the ratio does not depend on the machine.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};
use bench::types::Report;
use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use super::{
    Case,
    blocking::{self, Counted},
    processes::{Mock, children_cpu_s, run_client},
};

/// Number of events per response without a token: role, finish reason, usage and end mark.
const EVENTS_WITHOUT_TOKEN: u64 = 4;

/// A load that both clients send.
#[derive(Debug, Serialize)]
pub struct RatioCase {
    pub load: Case,
    /// Number of times each client sends the whole load.
    pub rounds: usize,
    pub promise: RatioPromise,
}

/// Limits of the ratios, measuring client ÷ blocking sockets.
#[derive(Debug, Serialize)]
pub struct RatioPromise {
    pub cpu_at_most: f64,
    pub tokens_per_second_at_least: Option<f64>,
}

/// The cost of the whole load for one client in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    pub output_tokens: u64,
    /// Time from the first request to the last response.
    pub duration_s: f64,
    /// CPU time of the client's process, from start to exit.
    pub cpu_s: f64,
}

/// The result of one case.
#[derive(Debug, Serialize)]
pub struct RatioFigures {
    pub measuring: Vec<Cost>,
    pub blocking: Vec<Cost>,
    /// CPU time per token, measuring ÷ blocking, over all rounds.
    pub cpu_ratio: f64,
    /// Output tokens per second, measuring ÷ blocking, over all rounds.
    pub tokens_per_second_ratio: f64,
}

/// A case and its result.
#[derive(Debug, Serialize)]
pub struct RatioVerdict<'a> {
    pub case: &'a RatioCase,
    pub figures: RatioFigures,
}

/// Runs one case. The clients alternate in starting a round.
pub fn run(case: &RatioCase) -> anyhow::Result<RatioFigures> {
    let directory = tempfile::tempdir()?;
    let output = directory.path().join("report.json");
    let mut mock = Mock::start("127.0.0.1", Path::new("/dev/null"), false)?;
    let (mut measuring, mut blocking) = (Vec::new(), Vec::new());
    for round in 0..case.rounds {
        if round % 2 == 0 {
            measuring.push(run_measuring(&case.load, mock.port, &output)?);
            blocking.push(run_blocking(&case.load, mock.port)?);
        } else {
            blocking.push(run_blocking(&case.load, mock.port)?);
            measuring.push(run_measuring(&case.load, mock.port, &output)?);
        }
    }
    mock.stop()?;
    let tokens = |costs: &[Cost]| costs.iter().map(|cost| cost.output_tokens).sum::<u64>();
    ensure!(tokens(&measuring) == tokens(&blocking), "the clients received different numbers of tokens");
    Ok(RatioFigures {
        cpu_ratio: cpu_us_per_token(&measuring) / cpu_us_per_token(&blocking),
        tokens_per_second_ratio: tokens_per_second(&measuring) / tokens_per_second(&blocking),
        measuring,
        blocking,
    })
}

fn run_measuring(load: &Case, port: u16, output: &Path) -> anyhow::Result<Cost> {
    let cpu_s = run_client(load, port, output)?;
    let report: Report = serde_json::from_slice(&fs::read(output)?).context("reading the client's report")?;
    let [row] = &report.results[..] else { anyhow::bail!("expected one row") };
    ensure!(row.summary.error_count == 0, "{} requests failed", row.summary.error_count);
    ensure!(row.runs.len() as u64 == load.requests, "{} of {} requests", row.runs.len(), load.requests);
    Ok(Cost {
        output_tokens: row.runs.iter().filter_map(|run| run.output_tokens).sum(),
        duration_s: row.load.as_ref().context("the report has no load")?.duration_s,
        cpu_s,
    })
}

/// Starts the binary of this bench a second time, as the blocking client.
fn run_blocking(load: &Case, port: u16) -> anyhow::Result<Cost> {
    let before = children_cpu_s()?;
    let output = Command::new(std::env::current_exe()?).args(blocking::arguments(load, port)).output()?;
    let cpu_s = children_cpu_s()? - before;
    ensure!(output.status.success(), "the blocking client: {}", String::from_utf8_lossy(&output.stderr));
    let counted: Counted = serde_json::from_slice(&output.stdout)?;
    Ok(Cost {
        output_tokens: counted.events - counted.requests * EVENTS_WITHOUT_TOKEN,
        duration_s: counted.duration_s,
        cpu_s,
    })
}

fn cpu_us_per_token(costs: &[Cost]) -> f64 {
    total(costs, |cost| cost.cpu_s) * 1e6 / total(costs, |cost| cost.output_tokens as f64)
}

fn tokens_per_second(costs: &[Cost]) -> f64 {
    total(costs, |cost| cost.output_tokens as f64) / total(costs, |cost| cost.duration_s)
}

fn total(costs: &[Cost], value: impl Fn(&Cost) -> f64) -> f64 {
    costs.iter().map(value).sum()
}

/// Returns the table of all results.
pub fn table(verdicts: &[RatioVerdict<'_>]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header([
        "case",
        "rounds",
        "CPU, µs/token\nclient / sockets",
        "CPU\nratio",
        "ratio of\neach round",
        "tok/s\nclient / sockets",
        "tok/s\nratio",
        "promise",
    ]);
    for RatioVerdict { case, figures } in verdicts {
        let (measuring, blocking) = (&figures.measuring, &figures.blocking);
        table.add_row([
            case.load.name.to_owned(),
            case.rounds.to_string(),
            format!("{:.2} / {:.2}", cpu_us_per_token(measuring), cpu_us_per_token(blocking)),
            format!("{:.2}", figures.cpu_ratio),
            cpu_ratio_of_each_round(figures),
            format!("{:.0} / {:.0}", tokens_per_second(measuring), tokens_per_second(blocking)),
            format!("{:.2}", figures.tokens_per_second_ratio),
            promise(&case.promise, figures),
        ]);
    }
    for column in 1..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn cpu_ratio_of_each_round(figures: &RatioFigures) -> String {
    let ratios = figures.measuring.iter().zip(&figures.blocking).map(|(measuring, blocking)| {
        format!("{:.2}", cpu_us_per_token(&[*measuring]) / cpu_us_per_token(&[*blocking]))
    });
    ratios.collect::<Vec<_>>().join(" ")
}

/// Returns each limit and whether it was kept.
fn promise(promise: &RatioPromise, figures: &RatioFigures) -> String {
    let verdict = |is_kept: bool| if is_kept { "kept" } else { "MISSED" };
    let most = promise.cpu_at_most;
    let cpu = format!("CPU ≤ {most} x: {}", verdict(figures.cpu_ratio <= most));
    let speed = promise
        .tokens_per_second_at_least
        .map(|least| format!("tok/s ≥ {least} x: {}", verdict(figures.tokens_per_second_ratio >= least)));
    [Some(cpu), speed].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

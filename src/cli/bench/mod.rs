//! `llm-studio bench`: benchmarks models.

mod args;
mod fail_if;
mod list;
mod progress;
mod save;
mod select;
mod sources;

use std::process::ExitCode;

use anyhow::{Context, ensure};
use tokio::signal::unix::{SignalKind, signal};

pub use args::Args;

use super::{
    EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_THRESHOLD, config,
    output::{Canvas, Format, render, whole},
    terminal::{self, line_to_stderr, to_stdout},
};
use bench::{
    Plan, Running, Stop,
    types::{Report, Status},
};
use endpoint::egress::AddressPolicy;
use progress::Reporter;

/// The command may connect to any address that the user's machine can reach.
const POLICY: AddressPolicy = AddressPolicy::PUBLIC_AND_LOCAL;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    log_to_stderr(args.verbose);
    check_output(&args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench(&args))
}

async fn bench(args: &Args) -> anyhow::Result<ExitCode> {
    let config = config::load(args.config.as_deref())?;
    let defaults = config.as_ref().map(|loaded| loaded.file.defaults.clone()).unwrap_or_default();
    let parameters = args.parameters(&defaults)?;
    let found = sources::find(args, config.as_ref()).await?;
    let selection = select::select(&found.sources, &args.model)?;
    for remark in found.remarks.iter().chain(&selection.remarks) {
        line_to_stderr(remark);
    }
    // The results file holds the chunk times.
    let plan = Plan { targets: selection.targets, parameters, finished: Vec::new(), keep_chunk_times: true };
    if args.list {
        to_stdout(&list::show(&plan, Canvas::of_stdout()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = measure(args, plan).await?;
    drop(found.demo);
    conclude(args, &report)
}

/// Runs the benchmark to its end or to Ctrl-C.
async fn measure(args: &Args, plan: Plan) -> anyhow::Result<Report> {
    ensure!(
        plan.parameters.load.is_none() || plan.targets.len() == 1,
        "load mode supports one model, but several match: {}",
        select::some_of(
            plan.targets.iter().map(|target| format!("{}/{}", target.provider.key, target.model.id))
        )
    );
    // Registered first, so that Ctrl-C is not missed while an event is handled.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let stop = Stop::default();
    let Running { mut events, report } = bench::start(plan, stop.clone())?;
    let mut reporter = Reporter::new(args.verbose, args.format() != Format::Table);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => reporter.on(&event),
                None => break,
            },
            _ = interrupts.recv() => {
                if stop.cancel.is_cancelled() {
                    std::process::exit(EXIT_INTERRUPTED.into());
                }
                reporter.print("Stopping… press Ctrl-C again to quit immediately.");
                stop.cancel.cancel();
            }
        }
    }
    reporter.finish();
    report.await.context("the engine ended without a report; this is a bug")
}

/// Prints the report, saves it and determines the exit code. It is saved even if printing fails.
fn conclude(args: &Args, report: &Report) -> anyhow::Result<ExitCode> {
    let lost: Vec<_> =
        [print(args, report), keep(args, report)].into_iter().filter_map(Result::err).collect();
    for error in &lost {
        line_to_stderr(format_args!("error: {error:#}"));
    }
    if report.status != Status::Complete {
        return Ok(ExitCode::from(EXIT_INTERRUPTED));
    }
    let breaches = fail_if::breaches(&args.fail_if, report);
    for breach in &breaches {
        line_to_stderr(format_args!("failed: {breach}"));
    }
    Ok(match () {
        () if !breaches.is_empty() => ExitCode::from(EXIT_THRESHOLD),
        () if !lost.is_empty() || successes(report) == 0 => ExitCode::from(EXIT_FAILURE),
        () => ExitCode::SUCCESS,
    })
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    match &args.output {
        None => {
            let text = render(report, args.format(), Canvas::of_stdout())?;
            to_stdout(&text).context("cannot write the result to stdout")
        }
        Some(path) => {
            save::replace(path, &render(report, args.format(), Canvas::plain())?)?;
            line_to_stderr(format_args!("Wrote {}", path.display()));
            Ok(())
        }
    }
}

fn keep(args: &Args, report: &Report) -> anyhow::Result<()> {
    let runs = finished_runs(report);
    let stopped = report.status != Status::Complete;
    if args.no_save || runs == 0 {
        if stopped {
            line_to_stderr(format_args!("Stopped with {} finished; no results file was saved.", count(runs)));
        }
        return Ok(());
    }
    let path = save::save(report)?;
    if stopped {
        line_to_stderr(format_args!("Stopped with {} finished, saved to {}", count(runs), path.display()));
    } else {
        line_to_stderr(format_args!("Saved {}", path.display()));
    }
    Ok(())
}

fn count(runs: u64) -> String {
    format!("{} {}", whole(runs), if runs == 1 { "run" } else { "runs" })
}

fn successes(report: &Report) -> u64 {
    report.results.iter().map(|row| row.summary.success_count).sum()
}

fn finished_runs(report: &Report) -> u64 {
    report.results.iter().map(|row| row.summary.success_count + row.summary.error_count).sum()
}

/// Checks before the benchmark that the output file can be written.
fn check_output(args: &Args) -> anyhow::Result<()> {
    let Some(path) = &args.output else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    ensure!(folder.is_none_or(|folder| folder.is_dir()), "--output {}: no such directory", path.display());
    ensure!(!path.is_dir(), "--output {}: is a directory, not a file", path.display());
    Ok(())
}

fn log_to_stderr(verbose: bool) {
    use tracing_subscriber::EnvFilter;

    let usual = if verbose { "warn,llm_benchmark_studio=debug" } else { "error" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(terminal::log_to_stderr)
        .without_time()
        .init();
}

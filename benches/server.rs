//! Cost of the server in a separate process: its idle memory, the latency of the benchmark page with many
//! models, and the TTFT error that it adds compared with the terminal.
//!
//! Run by `make bench`; alone with `make bench CASE=server`, or `idle`, `page`, `added`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a bench prints its figures")]

#[allow(dead_code, reason = "shared with the bench of the client")]
mod harness;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench::types::{Report, ResultRow, Run};
use futures::{StreamExt, TryStreamExt, future, stream};
use harness::compare::ttft_errors;
use harness::processes::{Mock, STUDIO};
use harness::studio::{Studio, Tab, User};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const IDLE_PROMISE_MB: f64 = 60.0;
/// Time after which memory is read: the allocator returns unused memory within about ten seconds.
const IDLE_TIME: Duration = Duration::from_secs(30);

const MODELS: usize = 200;
const PAGES_PER_SECOND: u32 = 50;
const PAGES: usize = 1000;
const PAGE_PROMISE_MS: [(f64, f64); 2] = [(0.5, 15.0), (0.99, 40.0)];

const STREAMS: u16 = 64;
const RUNS: u32 = 16;
const MODEL: &str = "mock/ttft=50,ttft_max=250,gap=10,tokens=50";
/// The first user runs the benchmark; the others only have open tabs.
const USERS: [&str; 4] = ["anna", "ben", "carla", "dora"];
const TABS_EACH: usize = 5;
/// Rounds of each of the two ways, alternating, so that a drift of the machine affects both.
const ROUNDS: usize = 2;
const ADDED_PROMISE_MS: f64 = 0.2;

fn main() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let is_wanted = |case: &str| wanted == "server" || case.contains(&wanted);
    let runtime = Runtime::new()?;
    let mut missed = Vec::new();
    if is_wanted("idle") {
        missed.extend(runtime.block_on(idle())?);
    }
    if is_wanted("page") {
        missed.extend(runtime.block_on(page())?);
    }
    if is_wanted("added") {
        missed.extend(runtime.block_on(added())?);
    }
    ensure!(missed.is_empty(), "promises missed: {}", missed.join("; "));
    Ok(())
}

/// Prints a figure and whether it is within its limit; returns a description of a missed limit.
fn check(what: &str, figure: f64, promise: f64, unit: &str) -> Option<String> {
    let verdict = if figure <= promise { "promise kept" } else { "promise MISSED" };
    println!("{what}: {figure:.2} {unit}; {verdict}: at most {promise} {unit}");
    (figure > promise).then(|| format!("{what} over {promise} {unit}"))
}

/// Measures the memory of an idle server, after the start and after a user has registered and loaded a page.
async fn idle() -> anyhow::Result<Vec<String>> {
    let studio = Studio::start().await?;
    tokio::time::sleep(IDLE_TIME).await;
    let fresh = check("memory after the start", studio.resident_mb()?, IDLE_PROMISE_MB, "MB");
    let user = studio.register(USERS[0]).await?;
    studio.page(&user, "/benchmark").await?;
    tokio::time::sleep(IDLE_TIME).await;
    let used = check("memory after a sign-in and a page", studio.resident_mb()?, IDLE_PROMISE_MB, "MB");
    Ok([fresh, used].into_iter().flatten().collect())
}

/// Measures the benchmark page with many models in an open loop at a constant rate. Times are counted from
/// the intended start of each request.
async fn page() -> anyhow::Result<Vec<String>> {
    let studio = Arc::new(Studio::start().await?);
    let user = Arc::new(studio.register(USERS[0]).await?);
    let models = (0..MODELS).map(|n| format!("vendor/model-{n}-instruct"));
    studio.add_provider(&user, "many", "https://models.example/v1", models).await?;
    let bytes = studio.page(&user, "/benchmark").await?;
    println!("page with {MODELS} models: {} kB; {PAGES} at {PAGES_PER_SECOND} a second", bytes / 1000);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PAGES_PER_SECOND);
    let mut pages = Vec::with_capacity(PAGES);
    for _ in 0..PAGES {
        let due = pace.tick().await.into_std();
        let (studio, user) = (studio.clone(), user.clone());
        pages.push(tokio::spawn(async move {
            studio.page(&user, "/benchmark").await?;
            anyhow::Ok(Instant::now() - due)
        }));
    }
    let mut times = Histogram::<u64>::new(3)?;
    for time in future::try_join_all(pages).await? {
        times.record(u64::try_from(time?.as_micros())?)?;
    }
    let verdicts = PAGE_PROMISE_MS.map(|(quantile, promise)| {
        let figure = times.value_at_quantile(quantile) as f64 / 1000.0;
        check(&format!("page, p{:.0}", quantile * 100.0), figure, promise, "ms")
    });
    Ok(verdicts.into_iter().flatten().collect())
}

/// Measures the same streams in the terminal and as a job of the server with open tabs, and compares both
/// with the mock's log.
async fn added() -> anyhow::Result<Option<String>> {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("truth.jsonl");
    // Real-time priority, so that the mock's delay under the server's load is not attributed to the client.
    let mut mock = Mock::start("0.0.0.0", &log, true)?;
    let studio = Studio::start().await?;
    // Sequentially: the first one becomes admin.
    let users: Vec<User> = stream::iter(USERS).then(|name| studio.register(name)).try_collect().await?;
    let anna = &users[0];
    // Local networks are off by default when there are several users.
    studio
        .put(anna, "/api/admin/settings", json!({ "registration": "open", "local_networks": true }))
        .await?;
    for (key, url) in base_urls(mock.port) {
        studio.add_provider(anna, &key, &url, [MODEL.to_owned()]).await?;
    }
    let (mut by_terminal, mut by_server) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_terminal.extend(run_in_terminal(directory.path(), mock.port)?);
        by_server.extend(run_on_server(&studio, &users).await?);
    }
    mock.stop()?;
    compare(&log, &by_terminal, &by_server)
}

/// Returns one address for each stream, so that each is a separate group.
fn base_urls(port: u16) -> impl Iterator<Item = (String, String)> {
    (1..=STREAMS).map(move |n| (format!("p{n}"), format!("http://127.0.0.{n}:{port}/v1")))
}

fn run_in_terminal(directory: &Path, port: u16) -> anyhow::Result<Vec<Run>> {
    let entry = |url: String| json!({ "kind": "custom", "base_url": url, "models": [MODEL] });
    let providers: serde_json::Map<_, _> = base_urls(port).map(|(key, url)| (key, entry(url))).collect();
    let (config, output) = (directory.join("config.yaml"), directory.join("report.json"));
    // JSON is YAML.
    std::fs::write(&config, json!({ "providers": providers }).to_string())?;
    let status = Command::new(STUDIO)
        .args(["bench", "--no-save", "--no-warmup", "--format", "json", "--max-tokens", "1000"])
        .args(["--runs", &RUNS.to_string(), "--config"])
        .arg(&config)
        .arg("--output")
        .arg(&output)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "the terminal's benchmark ended with {status}");
    let report: Report = serde_json::from_slice(&std::fs::read(output)?)?;
    Ok(report.results.into_iter().flat_map(|row| row.runs).collect())
}

async fn run_on_server(studio: &Studio, users: &[User]) -> anyhow::Result<Vec<Run>> {
    #[derive(Deserialize)]
    struct StoredBenchmark {
        rows: Vec<ResultRow>,
    }

    let tabs = users.iter().flat_map(|user| [user; TABS_EACH]).map(|user| studio.open_tab(user));
    let tabs = future::try_join_all(tabs).await?;
    let targets = (1..=STREAMS).map(|n| json!({ "provider_key": format!("p{n}"), "model_id": MODEL }));
    let benchmark = json!({
        "targets": targets.collect::<Vec<_>>(), "runs": RUNS, "max_tokens": 1000, "warmup": false,
        "context_tiers": [0],
    });
    let job = studio.post(&users[0], "/api/benchmark", benchmark).await?;
    wait_for_completion(tabs).await?;
    let id = job["job_id"].as_str().context("no job")?;
    let stored: StoredBenchmark = studio.get(&users[0], &format!("/api/history/{id}")).await?;
    Ok(stored.rows.into_iter().flat_map(|row| row.runs).collect())
}

/// Reads all tabs until the first receives `job_completed`, then closes them.
async fn wait_for_completion(tabs: Vec<Tab>) -> anyhow::Result<()> {
    let mut frames = stream::select_all(tabs);
    loop {
        let message = frames.next().await.context("all tabs were closed")??;
        let Ok(frame) = serde_json::from_slice::<Value>(&message.into_data()) else { continue };
        ensure!(frame["type"] != "job_failed", "{frame}");
        if frame["type"] == "job_completed" {
            return Ok(());
        }
    }
}

fn compare(log: &Path, by_terminal: &[Run], by_server: &[Run]) -> anyhow::Result<Option<String>> {
    let runs = usize::from(STREAMS) * RUNS as usize * ROUNDS;
    ensure!(by_terminal.len() == runs && by_server.len() == runs, "runs are missing");
    let errors = ttft_errors(log, &[by_terminal, by_server])?;
    let [terminal, server] = &errors[..] else { anyhow::bail!("there are two ways") };
    println!(
        "TTFT error over {runs} runs each: terminal {:.3} ms (p99 {:.3}), server {:.3} ms (p99 {:.3})",
        terminal.mean, terminal.p99, server.mean, server.p99
    );
    Ok(check("TTFT error that the server adds", server.mean - terminal.mean, ADDED_PROMISE_MS, "ms"))
}

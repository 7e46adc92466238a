//! Latency of pages and lists of a user with a million runs: 365 daily benchmarks of 200 models with 14 runs
//! each, on SQLite and, if `TEST_DATABASE_URL` is set, on PostgreSQL. The program runs one benchmark against
//! its mock; the others are copies of it. Run by `make bench CASE=million`; takes some minutes and 6 GB of
//! disk. `KEEP_MILLION=directory` keeps the SQLite database in that directory and reuses it.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a bench prints its figures")]

#[allow(dead_code, reason = "shared with the bench of the client")]
mod harness;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::StreamExt;
use harness::processes::Mock;
use harness::studio::{Studio, User};
use hdrhistogram::Histogram;
use llm_benchmark_studio::database::{Database, Location, now_ms};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Executor};

const MODELS: usize = 200;
const RUNS: u32 = 14;
const DAYS: i64 = 365;
const DAY_MS: i64 = 24 * 3_600_000;
/// Retention of finished jobs.
const DAYS_OF_JOBS: i64 = 30;
const REQUESTS: usize = 200;
const PROMISE_MS: f64 = 50.0;
/// A scenario without delays, so that the first benchmark takes only a minute.
const SCENARIO: &str = "ttft=1,gap=0,tokens=100";

/// Statements that copy the benchmark $3 to the id $1, started at $2. They run on both databases.
const COPY: [&str; 5] = [
    "insert into benchmarks (id, user_id, status, error, created_at, finished_at, prompt_preview, client,
                             context_tiers, runs, max_tokens, temperature, warmup, headline)
     select cast($1 as text), user_id, status, error, cast($2 as bigint),
            cast($2 as bigint) + finished_at - created_at, prompt_preview, client, context_tiers, runs,
            max_tokens, temperature, warmup, headline
     from benchmarks where id = $3",
    "insert into benchmark_inputs (benchmark_id, user_id, parameters, targets)
     select cast($1 as text), user_id, parameters, targets from benchmark_inputs where benchmark_id = $3",
    "insert into benchmark_results (benchmark_id, user_id, results)
     select cast($1 as text), user_id, results from benchmark_results where benchmark_id = $3",
    "insert into benchmark_rows (benchmark_id, user_id, provider_key, model_id, context_tokens, position, head,
                                 warmup, summary, run_notes, success_count, error_count, error, avg_tokens_per_second,
                                 std_dev_tps, tps_ci_low, tps_ci_high, avg_ttft_ms, avg_total_time_s,
                                 avg_input_tokens_per_second, avg_output_speed_tps, avg_itl_ms, total_cost)
     select cast($1 as text), user_id, provider_key, model_id, context_tokens, position, head, warmup, summary,
            run_notes, success_count, error_count, error, avg_tokens_per_second, std_dev_tps, tps_ci_low, tps_ci_high,
            avg_ttft_ms, avg_total_time_s, avg_input_tokens_per_second, avg_output_speed_tps, avg_itl_ms,
            total_cost
     from benchmark_rows where benchmark_id = $3",
    "insert into benchmark_runs (benchmark_id, user_id, provider_key, model_id, context_tokens, run_number, run,
                                 chunk_deltas)
     select cast($1 as text), user_id, provider_key, model_id, context_tokens, run_number, run, chunk_deltas
     from benchmark_runs where benchmark_id = $3",
];

const COPY_JOB: &str = "
    insert into jobs (id, user_id, job_type, status, progress_pct, progress_detail, result_ref, created_at,
                      started_at, finished_at)
    select cast($1 as text), user_id, job_type, status, progress_pct, progress_detail, cast($1 as text),
           cast($2 as bigint), cast($2 as bigint), cast($2 as bigint)
    from jobs where id = $3";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if wanted != "million" {
        return Ok(());
    }
    let mut missed = sqlite().await.context("SQLite")?;
    match std::env::var("TEST_DATABASE_URL") {
        Ok(server) => missed.extend(postgres(&server).await.context("PostgreSQL")?),
        Err(_) => eprintln!("no PostgreSQL: TEST_DATABASE_URL is not set"),
    }
    ensure!(missed.is_empty(), "promises missed: {}", missed.join("; "));
    Ok(())
}

async fn sqlite() -> anyhow::Result<Vec<String>> {
    let temporary = tempfile::tempdir()?;
    let kept = std::env::var_os("KEEP_MILLION").map(PathBuf::from);
    let directory = kept.as_deref().unwrap_or(temporary.path());
    let setup = Setup { name: "SQLite", directory, url: None };
    let user = setup.prepare(Location::Sqlite(directory.to_owned())).await?;
    setup.measure(&user).await
}

/// Measures PostgreSQL in a new schema, which is dropped afterwards.
async fn postgres(server: &str) -> anyhow::Result<Vec<String>> {
    sqlx::any::install_default_drivers();
    let schema = format!("million_{}", now_ms());
    let mut connection = AnyConnection::connect(server).await?;
    connection.execute(sqlx::AssertSqlSafe(format!("create schema {schema}"))).await?;
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    let temporary = tempfile::tempdir()?;
    let setup = Setup { name: "PostgreSQL", directory: temporary.path(), url: Some(&url) };
    let user = setup.prepare(Location::Postgres(url.as_str().into())).await?;
    let missed = setup.measure(&user).await;
    connection.execute(sqlx::AssertSqlSafe(format!("drop schema {schema} cascade"))).await?;
    missed
}

/// A database to measure.
struct Setup<'a> {
    name: &'static str,
    directory: &'a Path,
    /// The URL of PostgreSQL; `None` for SQLite.
    url: Option<&'a str>,
}

impl Setup<'_> {
    /// Runs one benchmark, copies it to each day of a year and returns the user.
    async fn prepare(&self, location: Location) -> anyhow::Result<User> {
        let studio = Studio::start_on(self.directory, self.url).await?;
        if self.directory.join("filled").exists() {
            return studio.sign_in("anna").await;
        }
        let user = studio.register("anna").await?;
        let began = Instant::now();
        let id = measure_one(&studio, &user, self.directory).await?;
        println!("{}: {MODELS} x {RUNS} runs measured in {:.0} s", self.name, began.elapsed().as_secs_f64());
        drop(studio);
        let began = Instant::now();
        let database = Database::open(location).await?;
        for day in (1..DAYS).rev() {
            copy(&database, &id, now_ms() - day * DAY_MS, day < DAYS_OF_JOBS).await?;
        }
        if self.url.is_some() {
            sqlx::query("analyze").execute(database.writer()).await?;
        }
        let runs: i64 =
            sqlx::query_scalar("select count(*) from benchmark_runs").fetch_one(database.reader()).await?;
        database.close().await;
        println!("{}: filled with {runs} runs in {:.0} s", self.name, began.elapsed().as_secs_f64());
        std::fs::write(self.directory.join("filled"), "")?;
        Ok(user)
    }

    /// Measures all pages and lists and returns the missed limits.
    async fn measure(&self, user: &User) -> anyhow::Result<Vec<String>> {
        let studio = Studio::start_on(self.directory, self.url).await?;
        let ids = ids(&studio, user).await?;
        let (middle, last) = (&ids[ids.len() / 2], &ids[ids.len() - 21]);
        let models = |count: usize| {
            let targets = (0..count).map(|n| json!({ "provider_key": "many", "model_id": model(n) }));
            json!({ "targets": targets.collect::<Vec<_>>(), "runs": RUNS, "context_tiers": [0] })
        };
        let mut missed = Vec::new();
        for (what, path) in [
            ("history, first page", "/history".to_owned()),
            ("history, a page in the middle", format!("/history?before={middle}")),
            ("history, last page", format!("/history?before={last}")),
            ("benchmark form", "/benchmark".to_owned()),
            ("benchmark page", format!("/benchmark/{middle}")),
        ] {
            missed.extend(self.check(what, async || studio.page(user, &path).await).await?);
        }
        for (what, path) in [
            ("REST history of 20, first page", "/api/history?limit=20".to_owned()),
            ("REST history of 20, middle", format!("/api/history?limit=20&before={middle}")),
            ("REST history of 20, last page", format!("/api/history?limit=20&before={last}")),
        ] {
            missed.extend(self.check(what, async || studio.bytes(user, &path).await).await?);
        }
        for (what, count) in [("estimate of one model", 1), ("estimate of all models", MODELS)] {
            let request = models(count);
            let call = async || {
                let estimate = studio.post(user, "/api/benchmark/estimate", request.clone()).await?;
                ensure!(estimate["duration_s"].is_number(), "{estimate}");
                Ok(estimate.to_string().len())
            };
            missed.extend(self.check(what, call).await?);
        }
        missed.extend(
            self.check("tab, until its first state is there", async || first_state(&studio, user).await)
                .await?,
        );
        Ok(missed)
    }

    /// Measures many sequential calls and returns a missed limit; `call` returns the bytes of a response.
    async fn check(
        &self,
        what: &str,
        call: impl AsyncFn() -> anyhow::Result<usize>,
    ) -> anyhow::Result<Option<String>> {
        let mut times = Histogram::<u64>::new(3)?;
        let mut bytes = 0;
        for _ in 0..REQUESTS {
            let began = Instant::now();
            bytes = call().await.with_context(|| what.to_owned())?;
            times.record(u64::try_from(began.elapsed().as_micros())?)?;
        }
        let [p50, p99] = [0.5, 0.99].map(|quantile| times.value_at_quantile(quantile) as f64 / 1000.0);
        let verdict = if p99 <= PROMISE_MS { "promise kept" } else { "promise MISSED" };
        println!("{}: {what}: p50 {p50:.1} ms, p99 {p99:.1} ms, {} kB; {verdict}", self.name, bytes / 1000);
        Ok((p99 > PROMISE_MS).then(|| format!("{}: {what} over {PROMISE_MS} ms", self.name)))
    }
}

fn model(n: usize) -> String {
    format!("mock/{SCENARIO},seed={n}")
}

/// Runs a benchmark of all models and returns its id.
async fn measure_one(studio: &Studio, user: &User, directory: &Path) -> anyhow::Result<String> {
    let mut mock = Mock::start("127.0.0.1", &directory.join("mock.jsonl"), false)?;
    let url = format!("http://127.0.0.1:{}/v1", mock.port);
    studio.add_provider(user, "many", &url, (0..MODELS).map(model)).await?;
    let targets = (0..MODELS).map(|n| json!({ "provider_key": "many", "model_id": model(n) }));
    let benchmark = json!({
        "targets": targets.collect::<Vec<_>>(), "runs": RUNS, "max_tokens": 1000, "warmup": false,
        "context_tiers": [0],
    });
    let job = studio.post(user, "/api/benchmark", benchmark).await?;
    let id = job["job_id"].as_str().context("no job")?.to_owned();
    loop {
        let job: Value = studio.get(user, &format!("/api/jobs/{id}")).await?;
        match job["status"].as_str() {
            Some("done") => break,
            Some("failed" | "cancelled") => anyhow::bail!("{job}"),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    mock.stop()?;
    Ok(id)
}

async fn copy(database: &Database, id: &str, at_ms: i64, with_job: bool) -> anyhow::Result<()> {
    let seconds = u64::try_from(at_ms / 1000)?;
    let copy = uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0)).to_string();
    let mut transaction = database.begin().await?;
    for sql in COPY.into_iter().chain(with_job.then_some(COPY_JOB)) {
        sqlx::query(sql).bind(&copy).bind(at_ms).bind(id).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Returns the ids of all benchmarks of the user, newest first.
async fn ids(studio: &Studio, user: &User) -> anyhow::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let before = ids.last().map(|id| format!("&before={id}")).unwrap_or_default();
        let page: Value = studio.get(user, &format!("/api/history?limit=50{before}")).await?;
        let runs = page["runs"].as_array().context("no list")?;
        ids.extend(runs.iter().filter_map(|run| run["id"].as_str().map(ToOwned::to_owned)));
        if page["next"].is_null() {
            return Ok(ids);
        }
    }
}

/// Connects a tab, reads until its initial state (`sync`) and returns its length in bytes.
async fn first_state(studio: &Studio, user: &User) -> anyhow::Result<usize> {
    let mut tab = studio.open_tab(user).await?;
    loop {
        let message = tab.next().await.context("the tab was closed")??;
        let bytes = message.into_data();
        let Ok(frame) = serde_json::from_slice::<Value>(&bytes) else { continue };
        if frame["type"] == "sync" {
            tab.close(None).await?;
            // The server counts the tab until it has read the close frame.
            while tab.next().await.is_some() {}
            return Ok(bytes.len());
        }
    }
}

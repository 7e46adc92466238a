//! Sends the stored results of running benchmarks as messages, to tabs that connect later and after a resume.
//!
//! The results are read in batches of rows, so that memory use does not grow with the number of runs.

use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::store::{BEFORE_FIRST_ROW, BenchmarkStore, StoreError, StoredRow};
use crate::accounts::UserId;
use crate::live::InitialState;
use crate::messages::{BenchmarkInit, ServerMessage};
use bench::types::{Event, Init, ModelAdjustments, Run, RunResult, WarmupOutcome, WarmupResult};

/// Number of rows per batch; each has at most as many runs as a benchmark may have of a model.
const ROWS_AT_A_TIME: i64 = 16;

/// Sends the models, the progress and all results so far of each running benchmark.
#[derive(Debug)]
pub struct RunningBenchmarks(pub BenchmarkStore);

impl InitialState for RunningBenchmarks {
    fn messages(&self, user: &UserId) -> BoxStream<'static, anyhow::Result<ServerMessage>> {
        let (store, user) = (self.0.clone(), user.clone());
        let benchmarks = async move {
            let running = store.running(&user).await?;
            let ids = running.into_iter().map(|benchmark| benchmark.id).collect();
            let messages_of = move |id| state_of(store.clone(), user.clone(), id);
            Ok::<_, StoreError>(ready(ids).map_ok(messages_of).try_flatten())
        };
        stream::once(benchmarks).try_flatten().map_err(anyhow::Error::from).boxed()
    }
}

/// Streams the messages of one benchmark; none if it was deleted meanwhile. The results are read after
/// `benchmark_init` is sent, so events published before it are included.
fn state_of(
    store: BenchmarkStore,
    user: UserId,
    id: String,
) -> impl Stream<Item = Result<ServerMessage, StoreError>> + Send {
    let first = {
        let (store, user, id) = (store.clone(), user.clone(), id.clone());
        async move { Ok::<_, StoreError>(ready(init(&store, &user, &id).await?)) }
    };
    let results = stream::try_unfold(BEFORE_FIRST_ROW, move |after| {
        let (store, user, id) = (store.clone(), user.clone(), id.clone());
        async move {
            let batch = results_after(&store, &user, &id, after).await?;
            Ok::<_, StoreError>(batch.map(|(messages, last)| (ready(messages), last)))
        }
    });
    stream::once(first).try_flatten().chain(results.try_flatten())
}

fn ready<T>(items: Vec<T>) -> impl Stream<Item = Result<T, StoreError>> {
    stream::iter(items.into_iter().map(Ok))
}

/// Returns the models, the progress and the changed parameters of a benchmark; empty if the user has no such
/// benchmark.
async fn init(store: &BenchmarkStore, user: &UserId, id: &str) -> Result<Vec<ServerMessage>, StoreError> {
    let Some(benchmark) = store.find(user, id).await? else { return Ok(Vec::new()) };
    let rows = store.rows(user, id).await?;
    let warmups = rows.iter().filter(|row| row.warmup.is_some()).count() as u64;
    let parameters = &benchmark.parameters;
    let requests_per_row = u64::from(parameters.runs) + u64::from(parameters.warmup);
    let measured = rows.iter().filter(|row| row.head.skipped.is_none()).count() as u64;
    let adjusted = adjustments(&rows);
    let init = Init {
        targets: benchmark.targets.iter().map(|target| target.model_ref()).collect(),
        runs: parameters.runs,
        context_tiers: parameters.context_tiers.clone(),
        max_tokens: parameters.max_tokens,
        total_requests: measured * requests_per_row,
        done_requests: store.count_runs(user, id).await? + warmups,
        rows: rows.into_iter().map(|row| row.head).collect(),
    };
    let progress_pct = Some(percent(init.done_requests, init.total_requests));
    let data = Box::new(BenchmarkInit { init, reconnect: true, progress_pct });
    let mut messages = vec![ServerMessage::BenchmarkInit { job_id: id.to_owned(), data }];
    if !adjusted.is_empty() {
        messages.push(ServerMessage::ParamAdjustments { job_id: id.to_owned(), models: adjusted });
    }
    Ok(messages)
}

fn adjustments(rows: &[StoredRow]) -> Vec<ModelAdjustments> {
    let mut models: Vec<ModelAdjustments> = Vec::new();
    for row in rows.iter().filter(|row| !row.head.adjustments.is_empty()) {
        if models.iter().all(|known| known.model != row.key.model) {
            let adjustments = row.head.adjustments.clone();
            models.push(ModelAdjustments { model: row.key.model.clone(), adjustments });
        }
    }
    models
}

/// Reads the results of the next rows after position `after`; returns them and the position of the last of
/// these rows, or `None` after the last row.
pub(super) async fn results_after(
    store: &BenchmarkStore,
    user: &UserId,
    id: &str,
    after: i64,
) -> Result<Option<(Vec<ServerMessage>, i64)>, StoreError> {
    let rows = store.rows_after(user, id, after, ROWS_AT_A_TIME).await?;
    let Some(&(last, _)) = rows.last() else { return Ok(None) };
    let mut runs = store.runs_of_rows(user, id, after, last).await?;
    let runs_per_row = store.runs_per_row(user, id).await?;
    let events = rows.into_iter().flat_map(|(_, row)| {
        let runs = runs.remove(&row.key).unwrap_or_default();
        events_of(row, runs, runs_per_row)
    });
    Ok(Some((events.map(|event| ServerMessage::of_event(id, event)).collect(), last)))
}

/// Returns the events of a row so far. Each run has its own event although the row may contain it, because
/// scripts count results.
fn events_of(row: StoredRow, runs: Vec<Run>, runs_per_row: u32) -> Vec<Event> {
    let mut events = Vec::with_capacity(runs.len() + 2);
    if let Some(outcome) = row.warmup.clone() {
        events.push(Event::BenchmarkWarmup { data: Box::new(warmup_result(&row, outcome)) });
    }
    if row.head.skipped.is_some() {
        events.push(Event::BenchmarkResult { data: Box::new(run_result(&row, runs_per_row, None)) });
    }
    let result = |run: &Run| Event::BenchmarkResult {
        data: Box::new(run_result(&row, runs_per_row, Some(run.clone()))),
    };
    events.extend(runs.iter().map(result));
    if row.summary.is_some() {
        events.push(Event::BenchmarkRow { data: Box::new(row.with_runs(runs)) });
    }
    events
}

/// Progress of a benchmark, 0 to 100.
pub(super) fn percent(done: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { 100.0 * done.min(total) as f64 / total as f64 }
}

fn run_result(row: &StoredRow, runs: u32, run: Option<Run>) -> RunResult {
    let head = &row.head;
    RunResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        runs,
        skipped: head.skipped.clone(),
        run,
    }
}

fn warmup_result(row: &StoredRow, outcome: WarmupOutcome) -> WarmupResult {
    let head = &row.head;
    WarmupResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        outcome,
    }
}

#[cfg(test)]
mod tests;

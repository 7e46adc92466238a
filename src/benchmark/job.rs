//! The job handler of benchmarks: finds the targets, runs the engine for the missing runs, and stores each
//! event before it publishes it.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::catch_up::{percent, results_after};
use super::snapshot::{Moved, TargetSnapshot};
use super::store::{self, BEFORE_FIRST_ROW, BenchmarkStore, RowKey, StoreError, StoredBenchmark};
use super::view::BenchmarkStatus;
use crate::accounts::UserId;
use crate::database::retry::retry;
use crate::jobs::{JobContext, JobEnd, JobFailure, JobHandler};
use crate::messages::ServerMessage;
use bench::types::{Event, Init, Parameters, Progress, Report, ResultRow, RunResult, Status};
use bench::{Plan, PlanError, Stop, Target, start};
use endpoint::ModelRef;

/// Time during which statements are retried after transient database errors; then the job is interrupted.
const RETRY_LIMIT: Duration = Duration::from_mins(2);

/// The job type.
pub const JOB_TYPE: &str = "benchmark";

/// The payload of the job: a validated request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkJob {
    pub targets: Vec<ModelRef>,
    pub parameters: Parameters,
}

/// The reason why models cannot be measured now, as a sentence about the first of them.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct TargetError {
    pub sentence: String,
    /// Whether the error is transient, e.g. of the database.
    pub is_transient: bool,
}

/// Finds models with everything that is needed to measure them.
pub trait FindTargets: Send + Sync + 'static {
    /// Returns a target for each of `models`, in their order, with the current key.
    ///
    /// # Errors
    /// Fails if one of them cannot be measured.
    fn find<'a>(
        &'a self,
        user: &'a UserId,
        models: &'a [ModelRef],
    ) -> BoxFuture<'a, Result<Vec<Target>, TargetError>>;
}

/// The job handler of benchmarks.
pub struct BenchmarkHandler {
    store: BenchmarkStore,
    targets: Arc<dyn FindTargets>,
    /// Maximum number of benchmarks that run at the same time in this process.
    max_concurrent: NonZeroUsize,
    /// Time during which statements are retried after transient errors; then the job is interrupted.
    retry_limit: Duration,
}

/// The reason why a benchmark cannot continue, as a sentence for its user.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("This benchmark was submitted by another version of this program. Start it again.")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Moved(#[from] Moved),
    #[error("This benchmark cannot be run: {0}.")]
    Plan(#[from] PlanError),
    #[error("A result could not be stored, so the benchmark was stopped. What was stored before is kept.")]
    Store(#[from] StoreError),
    #[error("Another server process measured a part of this benchmark; it is continued from what is stored.")]
    StoredByAnother,
    #[error("This benchmark was deleted.")]
    Deleted,
    #[error("The engine ended before the benchmark did. What was measured is kept; the log says more.")]
    EngineEnded,
}

impl Problem {
    fn is_transient(&self) -> bool {
        match self {
            Self::Target(error) => error.is_transient,
            Self::Store(error) => error.is_transient(),
            Self::StoredByAnother => true,
            _ => false,
        }
    }
}

impl JobHandler for BenchmarkHandler {
    fn job_type(&self) -> &'static str {
        JOB_TYPE
    }

    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd> {
        Box::pin(async move {
            match self.measure(&context).await {
                Ok(end) => end,
                Err(problem) if problem.is_transient() => JobEnd::Interrupted(problem.to_string()),
                Err(problem) => {
                    let cause = problem.source().map(ToString::to_string);
                    tracing::warn!(job = context.job_id, cause, "a benchmark failed: {problem}");
                    JobEnd::Failed(problem.to_string())
                }
            }
        })
    }

    /// Each benchmark measures on its own thread. More threads than cores would delay each other and distort
    /// the times.
    fn max_concurrent(&self) -> Option<NonZeroUsize> {
        Some(self.max_concurrent)
    }

    fn record_failure<'a>(
        &'a self,
        connection: &'a mut AnyConnection,
        failure: &'a JobFailure,
    ) -> BoxFuture<'a, sqlx::Result<()>> {
        let JobFailure { job_id, user, error, finished_at } = failure;
        Box::pin(async move {
            store::fail(connection, user, job_id, error, *finished_at).await.map_err(|error| match error {
                StoreError::Database(error) => error,
                StoreError::Value(error) => sqlx::Error::Encode(error.into()),
            })
        })
    }

    fn discard<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            self.store.delete(user, job_id).await?;
            Ok(())
        })
    }
}

impl BenchmarkHandler {
    /// Creates a handler that runs at most `max_concurrent` benchmarks at the same time in this process.
    pub fn new(store: BenchmarkStore, targets: Arc<dyn FindTargets>, max_concurrent: NonZeroUsize) -> Self {
        Self { store, targets, max_concurrent, retry_limit: RETRY_LIMIT }
    }

    /// Retries a statement after transient errors, until the time limit or until the job is cancelled.
    async fn persist<T, F>(&self, context: &JobContext, statement: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        retry(context.cancel.cancelled(), Some(self.retry_limit), StoreError::is_transient, statement).await
    }

    async fn measure(&self, context: &JobContext) -> Result<JobEnd, Problem> {
        let done = || JobEnd::Done { result_ref: Some(context.job_id.clone()) };
        let job: BenchmarkJob = serde_json::from_value(context.params.clone())?;
        let find = || self.targets.find(&context.user, &job.targets);
        let is_transient = |error: &TargetError| error.is_transient;
        let now = retry(context.cancel.cancelled(), Some(self.retry_limit), is_transient, find).await?;
        let benchmark = self.begin(context, &job, &now).await?;
        if benchmark.status == BenchmarkStatus::Complete {
            return Ok(done());
        }
        let plan = self.plan(context, benchmark, now).await?;
        let status = self.run_plan(context, plan).await?;
        Ok(if status == Status::Complete { done() } else { JobEnd::Stopped })
    }

    /// Returns the benchmark as its first start stored it.
    async fn begin(
        &self,
        context: &JobContext,
        job: &BenchmarkJob,
        now: &[Target],
    ) -> Result<StoredBenchmark, Problem> {
        let JobContext { user, job_id, .. } = context;
        let snapshots: Vec<_> = now.iter().map(TargetSnapshot::of).collect();
        let began = self.persist(context, || self.store.begin(user, job_id, &job.parameters, &snapshots));
        began.await?.ok_or(Problem::Deleted)
    }

    async fn plan(
        &self,
        context: &JobContext,
        benchmark: StoredBenchmark,
        now: Vec<Target>,
    ) -> Result<Plan, Problem> {
        let began = benchmark.targets.iter();
        let targets = began.zip(now).map(|(began, now)| began.restore(now)).collect::<Result<_, _>>()?;
        let finished = self.persist(context, || self.store.finished(&context.user, &context.job_id)).await?;
        Ok(Plan { targets, parameters: benchmark.parameters, finished, keep_chunk_times: false })
    }

    /// Runs the plan. The drop guard stops the engine when this future ends or is dropped.
    async fn run_plan(&self, context: &JobContext, plan: Plan) -> Result<Status, Problem> {
        let cancel = context.cancel.child_token();
        let _ends_the_engine = cancel.clone().drop_guard();
        let mut running = start(plan, Stop { cancel, drain: context.drain.clone() })?;
        let mut recorder = Recorder::new(self, context);
        while let Some(event) = running.events.recv().await {
            recorder.record(event).await?;
        }
        let report = running.report.await.map_err(|_| Problem::EngineEnded)?;
        recorder.close(&report).await?;
        Ok(report.status)
    }
}

/// Stores each event of the engine, then publishes it.
struct Recorder<'a> {
    handler: &'a BenchmarkHandler,
    context: &'a JobContext,
    /// The numbers of finished requests and of all requests.
    done: u64,
    total: u64,
    rows: usize,
    /// Runs of each row.
    runs: u32,
}

impl<'a> Recorder<'a> {
    fn new(handler: &'a BenchmarkHandler, context: &'a JobContext) -> Self {
        Self { handler, context, done: 0, total: 0, rows: 0, runs: 0 }
    }

    /// Runs a statement with [`BenchmarkHandler::persist`].
    async fn persist<T, F>(&self, mut statement: impl FnMut(&'a BenchmarkStore) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let store = &self.handler.store;
        self.handler.persist(self.context, || statement(store)).await
    }

    async fn record(&mut self, event: Event) -> Result<(), Problem> {
        let JobContext { user, job_id, events, .. } = self.context;
        match &event {
            Event::BenchmarkInit { data } => return Ok(self.begin(data).await?),
            Event::ParamAdjustments { .. } => {}
            Event::BenchmarkProgress { data } => {
                self.publish_progress(&step_detail(data));
                let topic = data.provider_key.clone();
                events.publish_latest(&topic, ServerMessage::of_event(job_id, event));
                return Ok(());
            }
            Event::BenchmarkWarmup { data } => {
                self.persist(|store| store.save_warmup(user, job_id, data)).await?;
                self.done += 1;
            }
            Event::BenchmarkResult { data } => self.save_result(data).await?,
            Event::BenchmarkRow { data } => {
                self.persist(|store| store.save_summary(user, job_id, data)).await?;
            }
        }
        events.publish(ServerMessage::of_event(job_id, event));
        Ok(())
    }

    /// Publishes the rows of the benchmark and, if it is resumed, its results so far, because a tab resets
    /// its state on `benchmark_init`.
    async fn begin(&mut self, init: &Init) -> Result<(), StoreError> {
        let JobContext { user, job_id, events, .. } = self.context;
        (self.done, self.total) = (init.done_requests, init.total_requests);
        (self.rows, self.runs) = (init.rows.len(), init.runs);
        self.persist(|store| store.add_rows(user, job_id, &init.rows)).await?;
        events.publish(ServerMessage::of_event(job_id, Event::BenchmarkInit { data: init.clone() }));
        if init.done_requests > 0 {
            let mut after = BEFORE_FIRST_ROW;
            while let Some((messages, last)) =
                self.persist(|store| results_after(store, user, job_id, after)).await?
            {
                messages.into_iter().for_each(|message| events.publish(message));
                after = last;
            }
        }
        Ok(())
    }

    /// Stores a run. If another worker has stored the same run after a takeover that this worker has not
    /// noticed yet, the job ends here: otherwise the summary would not match the stored runs.
    async fn save_result(&mut self, result: &RunResult) -> Result<(), Problem> {
        let Some(run) = &result.run else { return Ok(()) };
        let JobContext { user, job_id, .. } = self.context;
        let row = row_of(result);
        if !self.persist(|store| store.save_run(user, job_id, &row, run)).await? {
            return Err(Problem::StoredByAnother);
        }
        self.done += 1;
        self.publish_progress(&format!("{}, Run {}/{}", result.model, run.run_number, self.runs));
        Ok(())
    }

    fn publish_progress(&self, detail: &str) {
        self.context.events.progress(percent(self.done, self.total), detail);
    }

    /// Marks the benchmark as finished if all runs were made.
    async fn close(&self, report: &Report) -> Result<(), Problem> {
        if report.status != Status::Complete {
            return Ok(());
        }
        let whole = |row: &ResultRow| row.skipped.is_some() || row.runs.len() == self.runs as usize;
        if report.results.len() != self.rows || !report.results.iter().all(whole) {
            return Err(Problem::EngineEnded);
        }
        let JobContext { user, job_id, .. } = self.context;
        let client = Some(&report.client);
        Ok(self.persist(|store| store.finish(user, job_id, &report.results, client)).await?)
    }
}

/// Describes the next request.
fn step_detail(progress: &Progress) -> String {
    match progress.run {
        0 => format!("{}, warm-up", progress.model),
        run => format!("{}, Run {run}/{}", progress.model, progress.runs),
    }
}

fn row_of(result: &RunResult) -> RowKey {
    let RunResult { provider_key, model_id, context_tokens, .. } = result;
    let model = ModelRef { provider_key: provider_key.clone(), model_id: model_id.clone() };
    RowKey { model, context_tokens: *context_tokens }
}

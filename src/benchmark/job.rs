//! A benchmark as a job: finds its targets, lets the engine measure what is missing, and for each
//! event writes first and speaks afterwards.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::frames::{percent, wire};
use super::snapshot::{Moved, TargetSnapshot};
use super::store::{BenchmarkStore, RowKey, StoreError, StoredBenchmark};
use super::view::BenchmarkStatus;
use crate::accounts::UserId;
use crate::jobs::{JobContext, JobEnd, JobHandler};
use bench::types::{Event, Init, Parameters, Progress, Report, ResultRow, RunResult, Status};
use bench::{Plan, PlanError, Stop, Target, start};
use endpoint::ModelRef;

/// The kind of these jobs.
pub const JOB_TYPE: &str = "benchmark";

/// What such a job is to do: a request that was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkJob {
    pub targets: Vec<ModelRef>,
    pub parameters: Parameters,
}

/// Where models are found with all that is needed to measure them.
pub trait FindTargets: Send + Sync + 'static {
    /// Each of `models` in their order, with the key of now.
    ///
    /// # Errors
    /// A sentence about the first that cannot be measured.
    fn find<'a>(
        &'a self,
        user: &'a UserId,
        models: &'a [ModelRef],
    ) -> BoxFuture<'a, Result<Vec<Target>, String>>;
}

/// Runs benchmarks.
pub struct BenchmarkHandler {
    store: BenchmarkStore,
    targets: Arc<dyn FindTargets>,
}

/// Why a benchmark cannot go on, as a sentence for its user.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("This benchmark was submitted by another version of this program. Start it again.")]
    Unreadable(#[from] serde_json::Error),
    #[error("{0}")]
    NoTarget(String),
    #[error(transparent)]
    Moved(#[from] Moved),
    #[error("This benchmark cannot be run: {0}.")]
    Plan(#[from] PlanError),
    #[error("A result could not be stored, so the benchmark was stopped. {0}")]
    Store(#[from] StoreError),
    #[error("The engine ended before the benchmark did. What was measured is kept; the log says more.")]
    EngineEnded,
}

impl JobHandler for BenchmarkHandler {
    fn job_type(&self) -> &'static str {
        JOB_TYPE
    }

    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd> {
        Box::pin(async move {
            match self.measure(&context).await {
                Ok(end) => end,
                Err(problem) => {
                    tracing::warn!(job = context.job_id, "a benchmark failed: {problem}");
                    JobEnd::Failed(problem.to_string())
                }
            }
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
    pub fn new(store: BenchmarkStore, targets: Arc<dyn FindTargets>) -> Self {
        Self { store, targets }
    }

    async fn measure(&self, context: &JobContext) -> Result<JobEnd, Problem> {
        let done = || JobEnd::Done { result_ref: Some(context.job_id.clone()) };
        let job: BenchmarkJob = serde_json::from_value(context.params.clone())?;
        let now = self.targets.find(&context.user, &job.targets).await.map_err(Problem::NoTarget)?;
        let benchmark = self.begin(context, &job, &now).await?;
        if benchmark.status == BenchmarkStatus::Complete {
            return Ok(done());
        }
        let plan = self.plan(context, benchmark, now).await?;
        let status = self.watch(context, plan).await?;
        Ok(if status == Status::Complete { done() } else { JobEnd::Stopped })
    }

    /// The benchmark as its first start laid it down.
    async fn begin(
        &self,
        context: &JobContext,
        job: &BenchmarkJob,
        now: &[Target],
    ) -> Result<StoredBenchmark, Problem> {
        let JobContext { user, job_id, .. } = context;
        let snapshots: Vec<_> = now.iter().map(TargetSnapshot::of).collect();
        self.store.begin(user, job_id, &job.parameters, &snapshots).await?;
        self.store.find(user, job_id).await?.ok_or(Problem::EngineEnded)
    }

    async fn plan(
        &self,
        context: &JobContext,
        benchmark: StoredBenchmark,
        now: Vec<Target>,
    ) -> Result<Plan, Problem> {
        let began = benchmark.targets.iter();
        let targets = began.zip(now).map(|(began, now)| began.restore(now)).collect::<Result<_, _>>()?;
        let finished = self.store.finished(&context.user, &context.job_id).await?;
        Ok(Plan { targets, parameters: benchmark.parameters, finished })
    }

    /// Runs the plan. The engine ends with this future, whichever way that ends.
    async fn watch(&self, context: &JobContext, plan: Plan) -> Result<Status, Problem> {
        let cancel = context.cancel.child_token();
        let _ends_the_engine = cancel.clone().drop_guard();
        let mut running = start(plan, Stop { cancel, drain: context.drain.clone() })?;
        let mut scribe = Scribe::new(&self.store, context);
        while let Some(event) = running.events.recv().await {
            scribe.take(event).await?;
        }
        let report = running.report.await.map_err(|_| Problem::EngineEnded)?;
        scribe.close(&report).await?;
        Ok(report.status)
    }
}

/// Writes down what the engine says, then passes it on.
struct Scribe<'a> {
    store: &'a BenchmarkStore,
    context: &'a JobContext,
    /// Requests that have been made, and that there are in all.
    done: u64,
    total: u64,
    rows: usize,
    /// Of each row.
    runs: u32,
}

impl<'a> Scribe<'a> {
    fn new(store: &'a BenchmarkStore, context: &'a JobContext) -> Self {
        Self { store, context, done: 0, total: 0, rows: 0, runs: 0 }
    }

    async fn take(&mut self, event: Event) -> Result<(), StoreError> {
        let JobContext { user, job_id, events, .. } = self.context;
        match &event {
            Event::BenchmarkInit { data } => return self.begin(data).await,
            Event::ParamAdjustments { .. } => {}
            Event::BenchmarkProgress { data } => {
                self.tell_progress(&step(data));
                events.publish_latest(&data.provider_key.clone(), wire(event));
                return Ok(());
            }
            Event::BenchmarkWarmup { data } => {
                self.store.save_warmup(user, job_id, data).await?;
                self.done += 1;
            }
            Event::BenchmarkResult { data } => self.keep(data).await?,
            Event::BenchmarkRow { data } => self.store.save_summary(user, job_id, data).await?,
        }
        events.publish(wire(event));
        Ok(())
    }

    /// Says what is to come and, when the benchmark goes on, what there is of it: whoever hears a
    /// `benchmark_init` begins anew.
    async fn begin(&mut self, init: &Init) -> Result<(), StoreError> {
        let JobContext { user, job_id, events, .. } = self.context;
        (self.done, self.total) = (init.done_requests, init.total_requests);
        (self.rows, self.runs) = (init.rows.len(), init.runs);
        self.store.lay_out(user, job_id, &init.rows).await?;
        events.publish(wire(Event::BenchmarkInit { data: init.clone() }));
        if init.done_requests > 0
            && let Some(present) = self.store.present(user, job_id).await?
        {
            present.results().into_iter().for_each(|result| events.publish(result));
        }
        Ok(())
    }

    async fn keep(&mut self, result: &RunResult) -> Result<(), StoreError> {
        let Some(run) = &result.run else { return Ok(()) };
        let JobContext { user, job_id, .. } = self.context;
        self.store.save_run(user, job_id, &row_of(result), run).await?;
        self.done += 1;
        self.tell_progress(&format!("{}, Run {}/{}", result.model, run.run_number, self.runs));
        Ok(())
    }

    fn tell_progress(&self, detail: &str) {
        self.context.events.progress(percent(self.done, self.total), detail);
    }

    /// Makes the benchmark part of the history, if it is whole.
    async fn close(&self, report: &Report) -> Result<(), Problem> {
        if report.status != Status::Complete {
            return Ok(());
        }
        let whole = |row: &ResultRow| row.skipped.is_some() || row.runs.len() == self.runs as usize;
        if report.results.len() != self.rows || !report.results.iter().all(whole) {
            return Err(Problem::EngineEnded);
        }
        let JobContext { user, job_id, .. } = self.context;
        Ok(self.store.finish(user, job_id, &report.results, Some(&report.client)).await?)
    }
}

/// What is about to be done, in a few words.
fn step(progress: &Progress) -> String {
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

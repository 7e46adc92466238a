//! What users do with benchmarks: estimate, start, cancel, look at, delete.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::value::RawValue;

use super::catch_up::RunningBenchmarks;
use super::choice::{ChoiceError, choose};
use super::estimate::duration_s;
use super::job::{BenchmarkHandler, BenchmarkJob, FindTargets, JOB_TYPE, TargetError};
use super::page_row::PageRow;
use super::reported::{Kept, ReportedBenchmark};
use super::snapshot::TargetSnapshot;
use super::store::{BenchmarkStore, RowKey, StoreError, StoredBenchmark};
use super::submission::{BenchmarkRequest, check_size};
use super::view::{BenchmarkStatus, BenchmarkView, Estimate, HistoryItem, Timeline};
use crate::accounts::{UserData, UserId};
use crate::database::retry::has_transient_cause;
use crate::database::{Database, new_id, now_ms};
use crate::http::AppError;
use crate::jobs::service::JobService;
use crate::jobs::{HourlyLimit, Job, JobError, JobState, NewJob};
use crate::limits::RateLimits;
use crate::providers::service::{ProviderError, ProviderService, measurable};
use bench::types::{Parameters, Run};
use bench::{PlanError, Target, preview};
use endpoint::{Model, ModelRef, Provider};

/// The benchmarks of all users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BenchmarkService {
    store: BenchmarkStore,
    limits: RateLimits,
    providers: ProviderService,
    jobs: JobService,
}

/// What is kept of a benchmark that somebody looks at.
enum Found {
    Begun(StoredBenchmark, Option<Job>),
    /// With what was submitted, as long as its job keeps that.
    NotBegun(Job, Option<BenchmarkJob>),
}

/// A request that could be run now.
struct Checked {
    models: Vec<(Provider, Model)>,
    parameters: Parameters,
}

/// Why something cannot be done with a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    #[error("There is no such benchmark.")]
    NotFound,
    #[error("There is no such run in this benchmark.")]
    NoSuchRun,
    #[error("This benchmark did not measure this model at this context size.")]
    NoSuchRow,
    #[error("This benchmark is still running. Cancel it first, or wait for its end.")]
    StillRunning,
    #[error("Your account may make {limit} runs of each model, not {asked}. Choose fewer, or ask an admin.")]
    TooManyRuns { limit: u64, asked: u32 },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BenchmarkError> for AppError {
    fn from(error: BenchmarkError) -> Self {
        let text = error.to_string();
        match error {
            BenchmarkError::NotFound | BenchmarkError::NoSuchRun | BenchmarkError::NoSuchRow => {
                Self::NotFound(text)
            }
            BenchmarkError::StillRunning => Self::Conflict(text),
            BenchmarkError::TooManyRuns { .. } | BenchmarkError::Plan(_) | BenchmarkError::Choice(_) => {
                Self::Invalid(text)
            }
            BenchmarkError::Provider(error) => match error.into() {
                internal @ Self::Internal(_) => internal,
                // Whatever stands in the way is in what was asked for.
                _ => Self::Invalid(text),
            },
            BenchmarkError::Job(error) => error.into(),
            BenchmarkError::Store(error) => Self::internal(error),
        }
    }
}

impl FindTargets for ProviderService {
    fn find<'a>(
        &'a self,
        user: &'a UserId,
        models: &'a [ModelRef],
    ) -> BoxFuture<'a, Result<Vec<Target>, TargetError>> {
        Box::pin(async { self.targets(user, models).await.map_err(target_error) })
    }
}

fn target_error(error: ProviderError) -> TargetError {
    let is_transient = has_transient_cause(&error);
    let sentence = match AppError::from(error) {
        AppError::Internal(cause) => {
            tracing::error!("cannot read the targets of a benchmark: {cause:#}");
            "The providers of this benchmark could not be read.".to_owned()
        }
        refused => refused.to_string(),
    };
    TargetError { sentence, is_transient }
}

impl UserData for BenchmarkService {
    fn delete_all<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(self.store.delete_all(user).await?) })
    }
}

impl BenchmarkService {
    /// The service, whose benchmarks `jobs` will run, at most `max_concurrent` at once in this process.
    pub fn new(
        database: Database,
        providers: ProviderService,
        jobs: JobService,
        max_concurrent: NonZeroUsize,
    ) -> Self {
        let limits = RateLimits::new(database.clone());
        let store = BenchmarkStore::new(database);
        let targets = Arc::new(providers.clone());
        jobs.register(Arc::new(BenchmarkHandler::new(store.clone(), targets, max_concurrent)));
        Self { store, limits, providers, jobs }
    }

    /// Records the end of benchmarks that still count as running although their jobs have ended, and
    /// returns how many there were. Jobs record this themselves, in the transaction in which they fail; an
    /// earlier version of this program did not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_missing_ends(&self) -> Result<u64, StoreError> {
        self.store.record_missing_ends(now_ms()).await
    }

    /// What a tab that has just connected is sent of the user's running benchmarks.
    pub fn initial_state(&self) -> RunningBenchmarks {
        RunningBenchmarks(self.store.clone())
    }

    /// Starts a benchmark, or queues it behind the user's other jobs. Its job's id is its own.
    ///
    /// # Errors
    /// When it cannot be run as it is asked for, or a limit of the user leaves no room for it.
    pub async fn submit(&self, user: &UserId, request: &BenchmarkRequest) -> Result<Job, BenchmarkError> {
        let Checked { models, parameters } = self.check(user, request).await?;
        let detail = in_short(&models, &parameters);
        let job = BenchmarkJob { targets: models.iter().map(model_ref).collect(), parameters };
        let params = serde_json::to_value(job).map_err(StoreError::from)?;
        let new = NewJob { job_type: JOB_TYPE, params, detail, limit: Some(HourlyLimit::Benchmarks) };
        Ok(self.jobs.submit(user, new).await?)
    }

    /// What a benchmark would come to, without starting it.
    ///
    /// # Errors
    /// As [`Self::submit`], limits of the hour apart.
    pub async fn estimate(
        &self,
        user: &UserId,
        request: &BenchmarkRequest,
    ) -> Result<Estimate, BenchmarkError> {
        let Checked { models, parameters } = self.check(user, request).await?;
        // Long prompts take their time to count.
        let rows = tokio::task::spawn_blocking(move || preview(models, &parameters)).await;
        let rows = rows.map_err(|error| PlanError(format!("the estimate failed: {error}")))?;
        let measured = rows.iter().filter(|row| row.requests > 0);
        let wanted = measured.map(|row| (row.model.clone(), row.context_tokens));
        let times = self.store.recent_times(user, wanted).await?;
        Ok(Estimate { duration_s: duration_s(&rows, &times), ..Estimate::of(rows) })
    }

    /// Checks that the request could be run now. No key is decrypted before the job starts.
    async fn check(&self, user: &UserId, request: &BenchmarkRequest) -> Result<Checked, BenchmarkError> {
        let parameters = request.parameters()?;
        self.check_runs(user, parameters.runs).await?;
        let known = self.providers.list(user).await?;
        let chosen = choose(request, &known)?;
        check_size(chosen.len(), &parameters)?;
        let described =
            |wanted| measurable(&known, wanted).map(|(provider, model)| (provider.clone(), model.clone()));
        Ok(Checked { models: chosen.iter().map(described).collect::<Result<_, _>>()?, parameters })
    }

    async fn check_runs(&self, user: &UserId, asked: u32) -> Result<(), BenchmarkError> {
        let set = self.limits.get(user).await.map_err(StoreError::from)?;
        match set.and_then(|set| u64::try_from(set.max_runs_per_benchmark).ok()) {
            Some(limit) if u64::from(asked) > limit => Err(BenchmarkError::TooManyRuns { limit, asked }),
            _ => Ok(()),
        }
    }

    /// Keeps what another program measured; returns the benchmark's id, unless the user has none of the
    /// models, how many runs were kept and how many were not.
    ///
    /// # Errors
    /// When a value is out of bounds or contradicts another.
    pub async fn keep_reported(
        &self,
        user: &UserId,
        reported: ReportedBenchmark,
    ) -> Result<(Option<String>, usize, usize), BenchmarkError> {
        let known = self.providers.list(user).await?;
        let Kept { parameters, targets, rows, skipped } = reported.rows(&known, now_ms())?;
        if rows.is_empty() {
            return Ok((None, 0, skipped));
        }
        let id = new_id();
        self.store.insert_complete(user, &id, &parameters, &targets, &rows).await?;
        Ok((Some(id), rows.iter().map(|row| row.runs.len()).sum(), skipped))
    }

    /// Cancels one benchmark, or all of the user's that wait or run; tells how many.
    ///
    /// # Errors
    /// When the user has no such benchmark, or it has ended.
    pub async fn cancel(&self, user: &UserId, id: Option<&str>) -> Result<usize, BenchmarkError> {
        if let Some(id) = id {
            self.job(user, id).await?.ok_or(BenchmarkError::NotFound)?;
            self.jobs.cancel(user, id).await?;
            return Ok(1);
        }
        let mut cancelled = 0;
        for job in self.jobs.active(user).await?.into_iter().filter(|job| job.job_type == JOB_TYPE) {
            match self.jobs.cancel(user, &job.id).await {
                Ok(_) => cancelled += 1,
                // It ended on its own meanwhile.
                Err(JobError::Finished | JobError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(cancelled)
    }

    /// One benchmark as it stands with all its runs, from the moment when it was submitted.
    ///
    /// # Errors
    /// When the user has none with this id.
    pub async fn view(&self, user: &UserId, id: &str) -> Result<BenchmarkView, BenchmarkError> {
        match self.look_up(user, id).await? {
            Found::Begun(benchmark, job) => {
                let rows = self.store.result_rows(user, id).await?;
                Ok(view_of(benchmark, rows, job))
            }
            Found::NotBegun(job, asked) => before_it_began(job, asked).ok_or(BenchmarkError::NotFound),
        }
    }

    /// The same for the benchmark's page. Its rows hold their runs only while it runs, because events add to
    /// them then.
    ///
    /// # Errors
    /// When the user has none with this id.
    pub async fn page(&self, user: &UserId, id: &str) -> Result<BenchmarkView<PageRow>, BenchmarkError> {
        match self.look_up(user, id).await? {
            Found::Begun(benchmark, job) => {
                let rows = if benchmark.status == BenchmarkStatus::Running {
                    let rows = self.store.result_rows(user, id).await?;
                    rows.into_iter().map(PageRow::with_runs).collect::<Vec<_>>()
                } else {
                    self.store.rows_without_runs(user, id).await?
                };
                Ok(view_of(benchmark, rows.into_iter().map(PageRow::rounded).collect(), job))
            }
            Found::NotBegun(job, asked) => before_it_began(job, asked).ok_or(BenchmarkError::NotFound),
        }
    }

    async fn look_up(&self, user: &UserId, id: &str) -> Result<Found, BenchmarkError> {
        let job = self.job(user, id).await?;
        match (self.store.find(user, id).await?, job) {
            (Some(benchmark), job) => Ok(Found::Begun(benchmark, job.map(|(job, _)| job))),
            // It was measured, and deleted since.
            (None, Some((Job { status: JobState::Done, .. }, _)) | None) => Err(BenchmarkError::NotFound),
            (None, Some((job, asked))) => Ok(Found::NotBegun(job, asked)),
        }
    }

    /// The runs of one row in the order of their numbers, without their chunk times.
    ///
    /// # Errors
    /// When the user has no such row.
    pub async fn runs_of_row(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
    ) -> Result<Vec<Run>, BenchmarkError> {
        self.store.runs_of_row(user, id, row).await?.ok_or(BenchmarkError::NoSuchRow)
    }

    /// Returns what the benchmark `like` was to measure or, where that is `None`, what the user's latest
    /// one was; `None` where there is no latest one.
    ///
    /// # Errors
    /// When the user has no benchmark `like`.
    pub async fn asked(
        &self,
        user: &UserId,
        like: Option<&str>,
    ) -> Result<Option<(Vec<ModelRef>, Parameters)>, BenchmarkError> {
        if let Some(id) = like
            && let Some((_, Some(asked))) = self.job(user, id).await?
        {
            return Ok(Some((asked.targets, asked.parameters)));
        }
        let stored = match like {
            Some(id) => Some(self.store.find(user, id).await?.ok_or(BenchmarkError::NotFound)?),
            None => self.store.latest(user).await?,
        };
        Ok(stored.map(|stored| {
            (stored.targets.iter().map(TargetSnapshot::model_ref).collect(), stored.parameters)
        }))
    }

    /// The arrivals of one run's chunks.
    ///
    /// # Errors
    /// When the user has no such run.
    pub async fn timeline(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
        run_number: u64,
    ) -> Result<Timeline, BenchmarkError> {
        let deltas = self.store.timeline(user, id, row, run_number).await?;
        deltas.map(|chunk_deltas_us| Timeline { chunk_deltas_us }).ok_or(BenchmarkError::NoSuchRun)
    }

    /// At most `limit` benchmarks that have ended, newest first, older than `before`.
    pub async fn history(
        &self,
        user: &UserId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HistoryItem>, BenchmarkError> {
        Ok(self.store.history(user, before, limit).await?)
    }

    /// The results of each benchmark of this page of [`Self::history`], by its id: an array of
    /// [`HistoryResult`](super::view::HistoryResult) as JSON.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn history_results(
        &self,
        user: &UserId,
        page: &[HistoryItem],
    ) -> Result<HashMap<String, Box<RawValue>>, BenchmarkError> {
        Ok(self.store.history_results(user, page).await?)
    }

    /// Fills in what lists show of benchmarks that an older version measured. To be called before requests
    /// are answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fill_in_lists(&self) -> Result<(), BenchmarkError> {
        Ok(self.store.fill_in_lists().await?)
    }

    /// Deletes a benchmark that has ended.
    ///
    /// # Errors
    /// When the user has none with this id, or it is not over.
    pub async fn delete(&self, user: &UserId, id: &str) -> Result<(), BenchmarkError> {
        let job = self.job(user, id).await?;
        let stored = self.store.find(user, id).await?;
        let has_failed_early = matches!(&job, Some((Job { status: JobState::Failed, .. }, Some(_))));
        match stored {
            Some(stored) if stored.status == BenchmarkStatus::Running => {
                return Err(BenchmarkError::StillRunning);
            }
            None if !has_failed_early => return Err(BenchmarkError::NotFound),
            _ => {}
        }
        // The payload holds the prompt too. It goes first: whatever happens in between, nothing is left of a
        // benchmark that is no longer listed.
        self.jobs.forget(user, id).await?;
        self.store.delete(user, id).await?;
        Ok(())
    }

    /// The benchmark's job with what was submitted, as long as the job keeps that; `None` when the user
    /// has no such job.
    async fn job(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<Option<(Job, Option<BenchmarkJob>)>, BenchmarkError> {
        let (job, params) = match self.jobs.get(user, id).await {
            Ok(found) => found,
            Err(JobError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if job.job_type != JOB_TYPE {
            return Ok(None);
        }
        // A payload that another version wrote is as good as none.
        Ok(Some((job, serde_json::from_value(params).ok())))
    }
}

fn view_of<Row>(benchmark: StoredBenchmark, rows: Vec<Row>, job: Option<Job>) -> BenchmarkView<Row> {
    BenchmarkView {
        id: benchmark.id,
        status: benchmark.status,
        error: benchmark.error,
        created_at: benchmark.created_at,
        finished_at: benchmark.finished_at,
        targets: benchmark.targets.iter().map(TargetSnapshot::model_ref).collect(),
        parameters: benchmark.parameters,
        client: benchmark.client,
        rows,
        job,
    }
}

/// Returns what there is to see of a benchmark that waits, that ended before it began or that was
/// cancelled; `None` when it was deleted.
fn before_it_began<Row>(job: Job, asked: Option<BenchmarkJob>) -> Option<BenchmarkView<Row>> {
    let asked = match asked {
        Some(asked) => asked,
        // Of what was cancelled nothing is kept but the fact.
        None if job.status == JobState::Cancelled => BenchmarkJob {
            targets: Vec::new(),
            parameters: Parameters { prompt: String::new(), ..Parameters::default() },
        },
        None => return None,
    };
    Some(BenchmarkView {
        id: job.id.clone(),
        status: match job.status {
            JobState::Cancelled => BenchmarkStatus::Cancelled,
            JobState::Failed | JobState::Done => BenchmarkStatus::Failed,
            _ => BenchmarkStatus::Running,
        },
        error: job.error.clone(),
        created_at: job.created_at,
        finished_at: job.finished_at,
        targets: asked.targets,
        parameters: asked.parameters,
        client: None,
        rows: Vec::new(),
        job: Some(job),
    })
}

fn model_ref((provider, model): &(Provider, Model)) -> ModelRef {
    ModelRef { provider_key: provider.key.clone(), model_id: model.id.clone() }
}

/// What the job is about, in one line.
fn in_short(models: &[(Provider, Model)], parameters: &Parameters) -> String {
    let first = models.first().map_or("", |(_, model)| &model.display_name);
    let models = match models.len() {
        0 | 1 => first.to_owned(),
        several => format!("{first} and {} more", several - 1),
    };
    let tiers = match parameters.context_tiers.len() {
        0 | 1 => String::new(),
        several => format!(", {several} tiers"),
    };
    let runs = if parameters.runs == 1 { "1 run".to_owned() } else { format!("{} runs", parameters.runs) };
    format!("{models}{tiers}, {runs}")
}

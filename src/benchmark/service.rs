//! The benchmark service: estimate, start, cancel, read and delete benchmarks.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::value::RawValue;

use super::catch_up::RunningBenchmarks;
use super::choice::{ChoiceError, Named, choose};
use super::estimate::duration_s;
use super::job::{BenchmarkHandler, BenchmarkJob, FindTargets, JOB_TYPE, TargetError};
use super::page_row::PageRow;
use super::reported::{ConvertedReport, ReportedBenchmark};
use super::snapshot::TargetSnapshot;
use super::store::{BenchmarkStore, RowKey, StoreError, StoredBenchmark};
use super::submission::{BenchmarkRequest, check_size};
use super::view::{BenchmarkStatus, BenchmarkView, Estimate, HistoryItem, SkippedModel, Timeline};
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

/// A benchmark that was found for its page.
enum Found {
    Begun(StoredBenchmark, Option<Job>),
    /// Not started yet; with the job's payload, if the job still has it.
    NotStarted(Job, Option<BenchmarkJob>),
}

/// A validated request.
struct Checked {
    models: Vec<(Provider, Model)>,
    parameters: Parameters,
    skipped: Vec<SkippedModel>,
}

/// The models of a request that can be measured, and the others.
struct Selected {
    models: Vec<(Provider, Model)>,
    skipped: Vec<SkippedModel>,
}

/// What to do if some models of a request cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// Start nothing: who fills in a form sees the reason and can change the choice.
    Refuse,
    /// Measure the others, if there are any: a script that names all its models should not fail because one is
    /// gone.
    Skip,
}

/// A benchmark that was started.
#[derive(Debug)]
pub struct Submission {
    pub job: Job,
    pub skipped: Vec<SkippedModel>,
}

/// The reason why an operation on a benchmark failed.
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
                // Every remaining error is caused by the request.
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
    /// Creates the service and registers its handler with `jobs`, which runs at most `max_concurrent`
    /// benchmarks at the same time in this process.
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

    /// Marks benchmarks as failed that are still running although their jobs have ended, and returns their
    /// number. A job does this itself in the transaction in which it fails; an earlier version of this
    /// program did not.
    ///
    /// # Errors
    /// Fails if the database does.
    pub async fn record_missing_ends(&self) -> Result<u64, StoreError> {
        self.store.record_missing_ends(now_ms()).await
    }

    /// Returns the source of the messages for a newly connected tab about the user's running benchmarks.
    pub fn initial_state(&self) -> RunningBenchmarks {
        RunningBenchmarks(self.store.clone())
    }

    /// Starts a benchmark, or queues it behind the user's other jobs. The job's id is also the benchmark's.
    ///
    /// # Errors
    /// Fails if the request is invalid or exceeds a limit of the user.
    pub async fn submit(
        &self,
        user: &UserId,
        request: &BenchmarkRequest,
        unavailable: Unavailable,
    ) -> Result<Submission, BenchmarkError> {
        let Checked { models, parameters, skipped } = self.check(user, request, unavailable).await?;
        let detail = job_detail(&models, &parameters);
        let job = BenchmarkJob { targets: models.iter().map(model_ref).collect(), parameters };
        let params = serde_json::to_value(job).map_err(StoreError::from)?;
        let new = NewJob { job_type: JOB_TYPE, params, detail, limit: Some(HourlyLimit::Benchmarks) };
        let job = self.jobs.submit(user, new).await?;
        Ok(Submission { job, skipped })
    }

    /// Estimates a benchmark without starting it.
    ///
    /// # Errors
    /// Fails like [`Self::submit`], except for the hourly limit.
    pub async fn estimate(
        &self,
        user: &UserId,
        request: &BenchmarkRequest,
        unavailable: Unavailable,
    ) -> Result<Estimate, BenchmarkError> {
        let Checked { models, parameters, skipped } = self.check(user, request, unavailable).await?;
        // Counting the tokens of a long prompt is slow.
        let rows = tokio::task::spawn_blocking(move || preview(models, &parameters)).await;
        let rows = rows.map_err(|error| PlanError(format!("the estimate failed: {error}")))?;
        let measured = rows.iter().filter(|row| row.requests > 0);
        let wanted = measured.map(|row| (row.model.clone(), row.context_tokens));
        let times = self.store.recent_times(user, wanted).await?;
        Ok(Estimate { duration_s: duration_s(&rows, &times), skipped, ..Estimate::of(rows) })
    }

    /// Validates the request. No key is decrypted before the job starts.
    async fn check(
        &self,
        user: &UserId,
        request: &BenchmarkRequest,
        unavailable: Unavailable,
    ) -> Result<Checked, BenchmarkError> {
        let parameters = request.parameters()?;
        self.check_runs(user, parameters.runs).await?;
        let known = self.providers.list(user).await?;
        let check_address = self.providers.address_check().await?;
        let available = |wanted: &ModelRef| -> Result<(Provider, Model), ProviderError> {
            let (provider, model) = measurable(&known, wanted)?;
            check_address(provider)?;
            Ok((provider.clone(), model.clone()))
        };
        let Selected { models, skipped } = select(choose(request, &known)?, available, unavailable)?;
        check_size(models.len(), &parameters)?;
        Ok(Checked { models, parameters, skipped })
    }

    async fn check_runs(&self, user: &UserId, asked: u32) -> Result<(), BenchmarkError> {
        let set = self.limits.get(user).await.map_err(StoreError::from)?;
        match set.and_then(|set| u64::try_from(set.max_runs_per_benchmark).ok()) {
            Some(limit) if u64::from(asked) > limit => Err(BenchmarkError::TooManyRuns { limit, asked }),
            _ => Ok(()),
        }
    }

    /// Stores results that another program measured; returns the benchmark's id (`None` if the user has none
    /// of the models), the number of stored runs and the number of skipped runs.
    ///
    /// # Errors
    /// Fails if a value is out of bounds or contradicts another.
    pub async fn keep_reported(
        &self,
        user: &UserId,
        reported: ReportedBenchmark,
    ) -> Result<(Option<String>, usize, usize), BenchmarkError> {
        let known = self.providers.list(user).await?;
        let ConvertedReport { parameters, targets, rows, skipped } = reported.rows(&known, now_ms())?;
        if rows.is_empty() {
            return Ok((None, 0, skipped));
        }
        let id = new_id();
        self.store.insert_complete(user, &id, &parameters, &targets, &rows).await?;
        Ok((Some(id), rows.iter().map(|row| row.runs.len()).sum(), skipped))
    }

    /// Cancels one benchmark: the one with this id or, without an id, the user's running one, or the newest that
    /// waits. Returns whether there was one.
    ///
    /// # Errors
    /// Fails if the user has no such benchmark, or it has ended.
    pub async fn cancel(&self, user: &UserId, id: Option<&str>) -> Result<bool, BenchmarkError> {
        if let Some(id) = id {
            self.job(user, id).await?.ok_or(BenchmarkError::NotFound)?;
            self.jobs.cancel(user, id).await?;
            return Ok(true);
        }
        let mut active = self.jobs.active(user).await?;
        active.retain(|job| job.job_type == JOB_TYPE);
        let running = active.iter().position(|job| job.status == JobState::Running);
        let Some(job) = active.get(running.unwrap_or(0)) else { return Ok(false) };
        match self.jobs.cancel(user, &job.id).await {
            Ok(_) => Ok(true),
            // It has ended meanwhile.
            Err(JobError::Finished | JobError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a benchmark with all runs so far; also one that has not started.
    ///
    /// # Errors
    /// Fails if the user has no benchmark with this id.
    pub async fn view(&self, user: &UserId, id: &str) -> Result<BenchmarkView, BenchmarkError> {
        match self.look_up(user, id).await? {
            Found::Begun(benchmark, job) => {
                let rows = self.store.result_rows(user, id).await?;
                Ok(view_of(benchmark, rows, job))
            }
            Found::NotStarted(job, asked) => view_of_job(job, asked).ok_or(BenchmarkError::NotFound),
        }
    }

    /// Returns the same for the benchmark's page. Rows contain their runs only while the benchmark is
    /// running, because events add runs to them then.
    ///
    /// # Errors
    /// Fails if the user has no benchmark with this id.
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
            Found::NotStarted(job, asked) => view_of_job(job, asked).ok_or(BenchmarkError::NotFound),
        }
    }

    async fn look_up(&self, user: &UserId, id: &str) -> Result<Found, BenchmarkError> {
        let job = self.job(user, id).await?;
        match (self.store.find(user, id).await?, job) {
            (Some(benchmark), job) => Ok(Found::Begun(benchmark, job.map(|(job, _)| job))),
            // It has started and was deleted since.
            (None, Some((Job { status: JobState::Done, .. }, _)) | None) => Err(BenchmarkError::NotFound),
            (None, Some((job, asked))) => Ok(Found::NotStarted(job, asked)),
        }
    }

    /// Returns the runs of one row in the order of their numbers, without their chunk times.
    ///
    /// # Errors
    /// Fails if the user has no such row.
    pub async fn runs_of_row(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
    ) -> Result<Vec<Run>, BenchmarkError> {
        self.store.runs_of_row(user, id, row).await?.ok_or(BenchmarkError::NoSuchRow)
    }

    /// Returns the request of the benchmark `like` or, if that is `None`, of the user's latest benchmark;
    /// `None` if there is no latest one.
    ///
    /// # Errors
    /// Fails if the user has no benchmark `like`.
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

    /// Returns the arrival times of one run's chunks.
    ///
    /// # Errors
    /// Fails if the user has no such run.
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

    /// Returns at most `limit` ended benchmarks, newest first, older than `before`.
    pub async fn history(
        &self,
        user: &UserId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HistoryItem>, BenchmarkError> {
        Ok(self.store.history(user, before, limit).await?)
    }

    /// Returns the results of each benchmark of this page of [`Self::history`], by its id: an array of
    /// [`HistoryResult`](super::view::HistoryResult) as JSON.
    ///
    /// # Errors
    /// Fails if the database does.
    pub async fn history_results(
        &self,
        user: &UserId,
        page: &[HistoryItem],
    ) -> Result<HashMap<String, Box<RawValue>>, BenchmarkError> {
        Ok(self.store.history_results(user, page).await?)
    }

    /// Fills in the list columns of benchmarks that an older version measured. Must be called before the
    /// server accepts requests.
    ///
    /// # Errors
    /// Fails if the database does.
    pub async fn fill_in_lists(&self) -> Result<(), BenchmarkError> {
        Ok(self.store.fill_in_lists().await?)
    }

    /// Deletes an ended benchmark.
    ///
    /// # Errors
    /// Fails if the user has no benchmark with this id, or it has not ended.
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
        // The job's payload contains the prompt too. It is deleted first, so that a crash in between leaves
        // no data of a benchmark that is no longer listed.
        self.jobs.forget(user, id).await?;
        self.store.delete(user, id).await?;
        Ok(())
    }

    /// Returns the benchmark's job and its payload, if the job still has it; `None` if the user has no such
    /// job.
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
        // The payload of another version is treated like a missing one.
        Ok(Some((job, serde_json::from_value(params).ok())))
    }
}

/// Returns the models that can be measured, each once, and the others with the reason.
///
/// # Errors
/// Fails if none can be measured, or if one cannot and that is refused.
fn select(
    names: Vec<Named>,
    available: impl Fn(&ModelRef) -> Result<(Provider, Model), ProviderError>,
    unavailable: Unavailable,
) -> Result<Selected, BenchmarkError> {
    let (mut models, mut skipped, mut first_error) = (Vec::new(), Vec::new(), None);
    let mut seen = HashSet::new();
    for Named { name, models: wanted } in names {
        let found = match wanted {
            Ok(wanted) => wanted
                .into_iter()
                .map(|wanted| (wanted.to_string(), available(&wanted).map_err(BenchmarkError::from)))
                .collect(),
            Err(error) => vec![(name, Err(error.into()))],
        };
        for (model, found) in found {
            match found {
                Ok(found) => {
                    if seen.insert(model) {
                        models.push(found);
                    }
                }
                Err(error) if unavailable == Unavailable::Refuse => return Err(error),
                Err(error) => {
                    skipped.push(SkippedModel { model, reason: error.to_string() });
                    first_error.get_or_insert(error);
                }
            }
        }
    }
    match first_error {
        Some(error) if models.is_empty() => Err(error),
        _ => Ok(Selected { models, skipped }),
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

/// Returns the view of a benchmark that is queued, that ended before it started or that was cancelled; `None`
/// if it was deleted.
fn view_of_job<Row>(job: Job, asked: Option<BenchmarkJob>) -> Option<BenchmarkView<Row>> {
    let asked = match asked {
        Some(asked) => asked,
        // Only the fact that it was cancelled is stored.
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

/// Describes the job in one line.
fn job_detail(models: &[(Provider, Model)], parameters: &Parameters) -> String {
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

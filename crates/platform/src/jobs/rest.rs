//! Jobs over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::limits::{Allowance, HourlyLimit};
use super::service::JobService;
use super::store::Selection;
use crate::accounts::{AdminSession, Session};
use crate::http::{AppError, Path, Query};
use crate::messages::{Job, JobState};

const DEFAULT_LIMIT: i64 = 20;
const LONGEST_PAGE: i64 = 200;

pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    JobService: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(rate_limit))
        .routes(routes!(list_all))
        .routes(routes!(cancel_any))
}

/// Which page of jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Only jobs in these states, separated by commas: `pending`, `queued`, `running`, `done`,
    /// `failed`, `cancelled`, `interrupted`. Other states match no job.
    #[param(example = "queued,running")]
    status: Option<String>,
    /// How many; more than 200 are 200.
    #[param(default = 20)]
    limit: Option<i64>,
    /// The id of the last job of the page before.
    before: Option<String>,
}

impl PageQuery {
    /// `None` if no job is in any of the states.
    fn selection(self) -> Option<Selection> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LONGEST_PAGE);
        let names = self.status.as_deref().unwrap_or_default();
        let names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let states: Vec<_> = names.iter().copied().filter_map(JobState::from_name).collect();
        let is_possible = names.is_empty() || !states.is_empty();
        is_possible.then_some(Selection { states, before: self.before, limit })
    }
}

/// One page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct JobPage<T> {
    jobs: Vec<T>,
    /// What to send as `before` for the next page; null when this is the last.
    next: Option<String>,
}

impl<T> JobPage<T> {
    fn empty() -> Self {
        Self { jobs: Vec::new(), next: None }
    }

    fn new(jobs: Vec<T>, limit: i64, id: fn(&T) -> &str) -> Self {
        let is_full = i64::try_from(jobs.len()).is_ok_and(|length| length >= limit);
        let next = jobs.last().filter(|_| is_full).map(|job| id(job).to_owned());
        Self { jobs, next }
    }
}

/// A job with what was submitted.
#[derive(Debug, Serialize, ToSchema)]
struct JobDetail {
    #[serde(flatten)]
    job: Job,
    /// Null once the job is done or cancelled.
    #[schema(value_type = Option<Object>)]
    params: Value,
    /// The same as a text of JSON.
    params_json: Option<String>,
}

/// A job and whose it is.
#[derive(Debug, Serialize, ToSchema)]
struct OwnedJob {
    #[serde(flatten)]
    job: Job,
    user_email: String,
}

/// What a cancel came to.
#[derive(Debug, Serialize, ToSchema)]
struct CancelAnswer {
    #[schema(example = "ok")]
    status: &'static str,
    /// `cancelled`, or `cancelling` while the job still stops.
    #[schema(example = "cancelled")]
    state: &'static str,
    message: &'static str,
}

impl From<Job> for CancelAnswer {
    fn from(job: Job) -> Self {
        match job.status {
            JobState::Cancelled => {
                Self { status: "ok", state: "cancelled", message: "The job is cancelled." }
            }
            _ => Self { status: "ok", state: "cancelling", message: "The job is being stopped." },
        }
    }
}

/// List jobs
///
/// The user's own jobs, newest first.
#[utoipa::path(
    get,
    path = "/api/jobs",
    tag = "jobs",
    params(PageQuery),
    responses(
        (status = 200, body = JobPage<Job>),
        (status = 401, description = "Not signed in"),
        (status = 422, description = "A parameter is malformed"),
    )
)]
async fn list(
    State(jobs): State<JobService>,
    session: Session,
    Query(query): Query<PageQuery>,
) -> Result<Json<JobPage<Job>>, AppError> {
    let Some(selection) = query.selection() else { return Ok(Json(JobPage::empty())) };
    let found = jobs.list(session.user_id(), &selection).await?;
    Ok(Json(JobPage::new(found, selection.limit, |job| &job.id)))
}

/// Get a job
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = JobDetail),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such job"),
    )
)]
async fn get(
    State(jobs): State<JobService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<JobDetail>, AppError> {
    let (job, params) = jobs.get(session.user_id(), &id).await?;
    let params_json = Some(&params).filter(|params| !params.is_null()).map(Value::to_string);
    Ok(Json(JobDetail { job, params, params_json }))
}

/// Cancel a job
///
/// A job that waits is cancelled at once; one that runs is stopped. Nothing of it is kept. Doing so again
/// changes nothing.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = CancelAnswer),
        (status = 400, description = "The job is already finished"),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such job"),
    )
)]
async fn cancel(
    State(jobs): State<JobService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<CancelAnswer>, AppError> {
    Ok(Json(jobs.cancel(session.user_id(), &id).await?.into()))
}

/// Ask for the hourly limit
///
/// How many benchmarks the user may start in an hour, and how many of them are left.
#[utoipa::path(
    get,
    path = "/api/user/rate-limit",
    tag = "jobs",
    responses((status = 200, body = Allowance), (status = 401, description = "Not signed in"))
)]
async fn rate_limit(State(jobs): State<JobService>, session: Session) -> Result<Json<Allowance>, AppError> {
    Ok(Json(jobs.allowance(session.user_id(), HourlyLimit::Benchmarks).await?))
}

/// List everybody's jobs
///
/// Without `status` those that wait or run.
#[utoipa::path(
    get,
    path = "/api/admin/jobs",
    tag = "admin",
    params(PageQuery),
    responses(
        (status = 200, body = JobPage<OwnedJob>),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an admin"),
        (status = 422, description = "A parameter is malformed"),
    )
)]
async fn list_all(
    State(jobs): State<JobService>,
    _: AdminSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<JobPage<OwnedJob>>, AppError> {
    let Some(mut selection) = query.selection() else { return Ok(Json(JobPage::empty())) };
    if selection.states.is_empty() {
        selection.states = JobState::ALL.into_iter().filter(|state| state.is_active()).collect();
    }
    let found = jobs.list_all(&selection).await?;
    let found = found.into_iter().map(|(job, user_email)| OwnedJob { job, user_email }).collect();
    Ok(Json(JobPage::new(found, selection.limit, |owned: &OwnedJob| &owned.job.id)))
}

/// Cancel anybody's job
#[utoipa::path(
    post,
    path = "/api/admin/jobs/{id}/cancel",
    tag = "admin",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = CancelAnswer),
        (status = 400, description = "The job is already finished"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an admin"),
        (status = 404, description = "There is no such job"),
    )
)]
async fn cancel_any(
    State(jobs): State<JobService>,
    _: AdminSession,
    Path(id): Path<String>,
) -> Result<Json<CancelAnswer>, AppError> {
    Ok(Json(jobs.cancel_any(&id).await?.into()))
}

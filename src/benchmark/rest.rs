//! REST routes for benchmarks. Results are returned by the routes of the history.

#[cfg(test)]
mod tests;

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reported::ReportedBenchmark;
use super::service::{BenchmarkService, Submission, Unavailable};
use super::store::RowKey;
use super::submission::BenchmarkRequest;
use super::view::{Estimate, SkippedModel, Timeline};
use crate::accounts::Session;
use crate::http::{AppError, Body, Path, Query};
use endpoint::ModelRef;

pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    BenchmarkService: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(estimate))
        .routes(routes!(cancel))
        .routes(routes!(timeline))
        .routes(routes!(keep_reported))
}

/// A benchmark that was accepted.
#[derive(Debug, Serialize, ToSchema)]
struct Submitted {
    /// Also the benchmark's id: its results are at `/api/history/{job_id}`.
    job_id: String,
    #[schema(example = "submitted")]
    status: &'static str,
    /// Models of the request that are left out, with the reason.
    skipped: Vec<SkippedModel>,
    /// Fields of the request that were ignored.
    warnings: Vec<String>,
}

/// Start a benchmark
///
/// The benchmark runs in the background. Its events are sent over the WebSocket, and its job is available at
/// `/api/jobs/{job_id}`. It is queued while another job of the user is running. Models that cannot be measured are
/// left out; if none is left, nothing is started.
#[utoipa::path(
    post,
    path = "/api/benchmark",
    tag = "benchmark",
    request_body = BenchmarkRequest,
    responses(
        (status = 200, body = Submitted),
        (status = 401, description = "Not signed in"),
        (status = 409, description = "Too many jobs of the user are waiting"),
        (status = 422, description = "A field is out of bounds, or no model can be measured"),
        (status = 429, description = "The hourly limit is used up; `Retry-After` says for how long"),
    )
)]
async fn start(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Body(request): Body<BenchmarkRequest>,
) -> Result<Json<Submitted>, AppError> {
    let Submission { job, skipped } =
        benchmarks.submit(session.user_id(), &request, Unavailable::Skip).await?;
    Ok(Json(Submitted { job_id: job.id, status: "submitted", skipped, warnings: request.warnings() }))
}

/// Estimate a benchmark
///
/// Returns the requests and the maximum cost of each row, without starting the benchmark.
#[utoipa::path(
    post,
    path = "/api/benchmark/estimate",
    tag = "benchmark",
    request_body = BenchmarkRequest,
    responses(
        (status = 200, body = Estimate),
        (status = 401, description = "Not signed in"),
        (status = 422, description = "A field is out of bounds, or no model can be measured"),
    )
)]
async fn estimate(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Body(request): Body<BenchmarkRequest>,
) -> Result<Json<Estimate>, AppError> {
    Ok(Json(benchmarks.estimate(session.user_id(), &request, Unavailable::Skip).await?))
}

/// The benchmark to cancel.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct CancelBenchmark {
    /// If it is missing, the user's running benchmark is cancelled, or the newest that waits.
    job_id: Option<String>,
}

/// The result of a cancel.
#[derive(Debug, Serialize, ToSchema)]
struct BenchmarkCancelled {
    #[schema(example = "ok")]
    status: &'static str,
    message: &'static str,
}

/// Cancel a benchmark
///
/// The results of a cancelled benchmark are deleted. The event `job_cancelled` is sent when it has stopped.
#[utoipa::path(
    post,
    path = "/api/benchmark/cancel",
    tag = "benchmark",
    request_body = Option<CancelBenchmark>,
    responses(
        (status = 200, body = BenchmarkCancelled),
        (status = 400, description = "The benchmark is already finished"),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such benchmark"),
        (status = 422, description = "The body is not what it should be"),
    )
)]
async fn cancel(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    body: Option<Body<CancelBenchmark>>,
) -> Result<Json<BenchmarkCancelled>, AppError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let cancelled = benchmarks.cancel(session.user_id(), request.job_id.as_deref()).await?;
    let message =
        if cancelled { "The benchmark is being cancelled." } else { "No benchmark is waiting or running." };
    Ok(Json(BenchmarkCancelled { status: "ok", message }))
}

/// Identifies one run of a benchmark.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    #[param(example = "openai")]
    provider_key: String,
    #[param(example = "gpt-4o")]
    model_id: String,
    /// The context size in tokens.
    #[serde(default)]
    context_tokens: u64,
    /// Starts at 1.
    #[param(minimum = 1)]
    run_number: u64,
}

/// Get the timeline of one run
///
/// Returns the arrival times of the content chunks.
#[utoipa::path(
    get,
    path = "/api/benchmark/{id}/timeline",
    tag = "benchmark",
    params(("id" = String, Path), RunQuery),
    responses(
        (status = 200, body = Timeline),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such run"),
        (status = 422, description = "A parameter is missing or malformed"),
    )
)]
async fn timeline(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Path(id): Path<String>,
    Query(run): Query<RunQuery>,
) -> Result<Json<Timeline>, AppError> {
    let model = ModelRef { provider_key: run.provider_key, model_id: run.model_id };
    let row = RowKey { model, context_tokens: run.context_tokens };
    Ok(Json(benchmarks.timeline(session.user_id(), &id, &row, run.run_number).await?))
}

/// The result of a report.
#[derive(Debug, Serialize, ToSchema)]
struct Reported {
    #[schema(example = "ok")]
    status: &'static str,
    /// The benchmark's id; null if no result was stored.
    run_id: Option<String>,
    saved: usize,
    /// Number of results for models that the user does not have.
    skipped: usize,
}

/// Store results that another program measured
///
/// For programs that measure models which this server cannot reach. The benchmark is listed in the history
/// like any other and is marked as reported.
#[utoipa::path(
    post,
    path = "/api/benchmark/direct-results",
    tag = "benchmark",
    request_body = ReportedBenchmark,
    responses(
        (status = 200, body = Reported),
        (status = 401, description = "Not signed in"),
        (status = 422, description = "A field is missing or out of bounds, or a run is there twice"),
    )
)]
async fn keep_reported(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Body(report): Body<ReportedBenchmark>,
) -> Result<Json<Reported>, AppError> {
    let (run_id, saved, skipped) = benchmarks.keep_reported(session.user_id(), report).await?;
    Ok(Json(Reported { status: "ok", run_id, saved, skipped }))
}

//! The history over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::record::StoredPage;
use super::types::{HistoryDetail, HistoryPage};
use crate::accounts::Session;
use crate::benchmark::service::{BenchmarkError, BenchmarkService};
use crate::benchmark::view::BenchmarkStatus;
use crate::http::{AppError, Path, Query};

const DEFAULT_LIMIT: u32 = 50;
const MAX_PAGE: u32 = 200;

pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    BenchmarkService: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(delete))
}

/// The requested page of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Page size, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The id of the last benchmark of the previous page.
    before: Option<String>,
}

/// List finished benchmarks
///
/// The user's own, newest first, without cancelled ones.
#[utoipa::path(
    get,
    path = "/api/history",
    tag = "history",
    params(PageQuery),
    responses(
        (status = 200, body = HistoryPage),
        (status = 401, description = "Not signed in"),
        (status = 422, description = "A limit out of bounds"),
    )
)]
async fn list(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Query(PageQuery { limit, before }): Query<PageQuery>,
) -> Result<Json<StoredPage>, AppError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(AppError::Invalid(format!("limit is 1 to {MAX_PAGE}, not {limit}.")));
    }
    let items = benchmarks.history(session.user_id(), before.as_deref(), limit).await?;
    let results = benchmarks.history_results(session.user_id(), &items).await?;
    let full = items.len() >= limit as usize;
    let next = items.last().filter(|_| full).map(|item| item.id.clone());
    Ok(Json(StoredPage::new(items, results, next)))
}

/// Get a benchmark
///
/// With all runs and summaries. A running benchmark has its results so far.
#[utoipa::path(
    get,
    path = "/api/history/{id}",
    tag = "history",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = HistoryDetail),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such benchmark"),
    )
)]
async fn get(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<HistoryDetail>, AppError> {
    let view = benchmarks.view(session.user_id(), &id).await?;
    if view.status == BenchmarkStatus::Cancelled {
        return Err(BenchmarkError::NotFound.into());
    }
    Ok(Json(view.into()))
}

/// Confirmation of a deletion.
#[derive(Debug, Serialize, ToSchema)]
struct BenchmarkDeleted {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Delete a benchmark
///
/// With all its runs. This cannot be undone.
#[utoipa::path(
    delete,
    path = "/api/history/{id}",
    tag = "history",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = BenchmarkDeleted),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such benchmark"),
        (status = 409, description = "It is still running"),
    )
)]
async fn delete(
    State(benchmarks): State<BenchmarkService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<BenchmarkDeleted>, AppError> {
    benchmarks.delete(session.user_id(), &id).await?;
    Ok(Json(BenchmarkDeleted { status: "ok" }))
}

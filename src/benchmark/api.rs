//! Server functions for the benchmark pages.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::page_row::PageRow;
#[cfg(feature = "ssr")]
use super::service::{BenchmarkService, Unavailable};
use super::set_up::SetUpFields;
use super::submission::BenchmarkRequest;
use super::view::{BenchmarkView, Estimate, Timeline};
#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::http::{AppError, into_server_fn_error};
use bench::types::Run;
use endpoint::ModelRef;

/// The estimate for the form's current input.
#[server(input = Json)]
pub async fn estimate_benchmark(request: BenchmarkRequest) -> Result<Estimate, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    benchmarks.estimate(session.user_id(), &request, Unavailable::Refuse).await.map_err(into_server_fn_error)
}

/// Starts the benchmark of the form and redirects to its page.
#[server]
pub async fn start_benchmark(#[server(flatten)] fields: SetUpFields) -> Result<String, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    let fields = with_template(session.user_id(), fields).await?;
    let request = fields.request().map_err(|complaints| into_server_fn_error(invalid(complaints)))?;
    let submitted = benchmarks.submit(session.user_id(), &request, Unavailable::Refuse).await;
    let job = submitted.map_err(into_server_fn_error)?.job;
    crate::http::redirect(&format!("/benchmark/{}", job.id));
    Ok(job.id)
}

/// Cancels a queued or running benchmark.
#[server]
pub async fn cancel_benchmark(id: String) -> Result<(), ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    benchmarks.cancel(session.user_id(), Some(&id)).await.map_err(into_server_fn_error)?;
    Ok(())
}

/// Loads a benchmark; without its runs once it has ended.
#[server]
pub async fn load_benchmark(id: String) -> Result<BenchmarkView<PageRow>, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    benchmarks.page(session.user_id(), &id).await.map_err(into_server_fn_error)
}

/// Loads the runs of one row in the order of their numbers, without their chunk times.
#[server]
pub async fn load_runs(id: String, model: ModelRef, context_tokens: u64) -> Result<Vec<Run>, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    let row = super::store::RowKey { model, context_tokens };
    benchmarks.runs_of_row(session.user_id(), &id, &row).await.map_err(into_server_fn_error)
}

/// Loads the arrival times of one run's chunks.
#[server]
pub async fn load_timeline(
    id: String,
    model: ModelRef,
    context_tokens: u64,
    run_number: u64,
) -> Result<Timeline, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    let row = super::store::RowKey { model, context_tokens };
    benchmarks.timeline(session.user_id(), &id, &row, run_number).await.map_err(into_server_fn_error)
}

/// Adds the text of the form's template if the form has no prompt of its own.
#[cfg(feature = "ssr")]
async fn with_template(
    user: &crate::accounts::UserId,
    fields: SetUpFields,
) -> Result<SetUpFields, ServerFnError> {
    if fields.template.is_empty() || !fields.prompt.trim().is_empty() {
        return Ok(fields);
    }
    let prompts = expect_context::<crate::prompts::service::PromptService>();
    let templates = prompts.list(user).await.map_err(into_server_fn_error)?;
    let chosen = templates.into_iter().find(|template| template.key == fields.template);
    let prompt = chosen.map(|template| template.prompt).unwrap_or_default();
    Ok(SetUpFields { prompt, ..fields })
}

/// Joins all complaints about the form to one error, for callers that cannot show them per field.
#[cfg(feature = "ssr")]
fn invalid(complaints: Vec<super::set_up::Complaint>) -> AppError {
    let sentences: Vec<_> = complaints.into_iter().map(|complaint| complaint.sentence).collect();
    AppError::Invalid(sentences.join(" "))
}

//! What the benchmark's pages call.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::set_up::SetUpFields;
use super::submission::BenchmarkRequest;
use super::view::{BenchmarkView, Estimate, Timeline};
use endpoint::ModelRef;

/// What the form would come to.
#[server(input = Json)]
pub async fn estimate_benchmark(request: BenchmarkRequest) -> Result<Estimate, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<super::service::BenchmarkService>();
    benchmarks.estimate(session.user_id(), &request).await.map_err(failed)
}

/// Starts the benchmark that the form asks for and leads to its page.
#[server]
pub async fn start_benchmark(#[server(flatten)] fields: SetUpFields) -> Result<String, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<super::service::BenchmarkService>();
    let fields = with_template(session.user_id(), fields).await?;
    let request = fields.request().map_err(refused)?;
    let job = benchmarks.submit(session.user_id(), &request).await.map_err(failed)?;
    leptos_axum::redirect(&format!("/benchmark/{}", job.id));
    Ok(job.id)
}

/// Cancels a benchmark that waits or runs.
#[server]
pub async fn cancel_benchmark(id: String) -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<super::service::BenchmarkService>();
    benchmarks.cancel(session.user_id(), Some(&id)).await.map_err(failed)?;
    Ok(())
}

/// One benchmark as it stands.
#[server]
pub async fn load_benchmark(id: String) -> Result<BenchmarkView, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<super::service::BenchmarkService>();
    benchmarks.view(session.user_id(), &id).await.map_err(failed)
}

/// When the chunks of one run arrived.
#[server]
pub async fn load_timeline(
    id: String,
    model: ModelRef,
    context_tokens: u64,
    run_number: u64,
) -> Result<Timeline, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<super::service::BenchmarkService>();
    let row = super::store::RowKey { model, context_tokens };
    benchmarks.timeline(session.user_id(), &id, &row, run_number).await.map_err(failed)
}

/// The form with the text of its template where it has none of its own.
#[cfg(feature = "ssr")]
async fn with_template(
    user: &crate::accounts::UserId,
    fields: SetUpFields,
) -> Result<SetUpFields, ServerFnError> {
    if fields.template.is_empty() || !fields.prompt.trim().is_empty() {
        return Ok(fields);
    }
    let prompts = expect_context::<crate::prompts::service::PromptService>();
    let templates = prompts.list(user).await.map_err(ServerFnError::new)?;
    let chosen = templates.into_iter().find(|template| template.key == fields.template);
    let prompt = chosen.map(|template| template.prompt).unwrap_or_default();
    Ok(SetUpFields { prompt, ..fields })
}

/// What is wrong with the form, for whoever could not be told field by field.
#[cfg(feature = "ssr")]
fn refused(complaints: Vec<super::set_up::Complaint>) -> ServerFnError {
    let sentences: Vec<_> = complaints.into_iter().map(|complaint| complaint.sentence).collect();
    ServerFnError::new(sentences.join(" "))
}

/// The same words as over REST; what is the server's own fault is logged and told in general.
#[cfg(feature = "ssr")]
pub(crate) fn failed(error: super::service::BenchmarkError) -> ServerFnError {
    let failure = crate::http::AppError::from(error);
    if let crate::http::AppError::Internal(cause) = &failure {
        tracing::error!("{cause:#}");
    }
    ServerFnError::new(failure)
}

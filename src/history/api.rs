//! What the pages call to list and delete finished benchmarks.

use leptos::prelude::*;

use super::types::HistoryRun;

/// Benchmarks of one page.
pub const PAGE: u32 = 50;

/// The finished benchmarks that are older than the one with the id `before`, newest first.
#[server]
pub async fn list_history(before: Option<String>) -> Result<Vec<HistoryRun>, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<crate::benchmark::service::BenchmarkService>();
    let items = benchmarks.history(session.user_id(), before.as_deref(), PAGE).await;
    Ok(items.map_err(crate::benchmark::api::failed)?.into_iter().map(HistoryRun::from).collect())
}

/// Deletes a finished benchmark with all its runs.
#[server]
pub async fn delete_benchmark(id: String) -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let benchmarks = expect_context::<crate::benchmark::service::BenchmarkService>();
    benchmarks.delete(session.user_id(), &id).await.map_err(crate::benchmark::api::failed)
}

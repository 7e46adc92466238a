//! Server functions for listing and deleting finished benchmarks.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::benchmark::service::BenchmarkService;
use crate::benchmark::view::HistoryItem;
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;

/// Number of benchmarks per page.
pub const PAGE: u32 = 50;

/// Returns the finished benchmarks older than the one with the id `before`, newest first.
#[server]
pub async fn list_history(before: Option<String>) -> Result<Vec<HistoryItem>, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    benchmarks.history(session.user_id(), before.as_deref(), PAGE).await.map_err(into_server_fn_error)
}

/// Deletes a finished benchmark with all its runs.
#[server]
pub async fn delete_benchmark(id: String) -> Result<(), ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    benchmarks.delete(session.user_id(), &id).await.map_err(into_server_fn_error)
}

//! Ended benchmarks with pagination.

use std::collections::HashMap;

use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{BenchmarkStore, StoreError, status};
use crate::accounts::UserId;
use crate::benchmark::view::HistoryItem;
use crate::database::AFTER_EVERY_ID;

/// Selects small columns only: see `0011_large_columns.sql`.
pub(super) const PAGE: &str = "
    select id, status, error, created_at, finished_at, prompt_preview, context_tiers, runs, max_tokens,
           temperature, warmup, headline
    from benchmarks
    where user_id = $1 and status <> 'running' and status <> 'deleted' and id < $2
    order by id desc limit $3";

/// Selects the results of a page of benchmarks, whose last and first ids are $2 and $3.
pub(super) const RESULTS_OF_A_PAGE: &str = "
    select benchmark_id, results from benchmark_results
    where user_id = $1 and benchmark_id in (
        select id from benchmarks
        where user_id = $1 and status <> 'running' and status <> 'deleted' and id >= $2 and id <= $3
    )";

impl BenchmarkStore {
    /// Returns at most `limit` ended benchmarks, newest first, older than `before`.
    pub async fn history(
        &self,
        user: &UserId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HistoryItem>, StoreError> {
        let before = before.unwrap_or(AFTER_EVERY_ID);
        let benchmarks = sqlx::query(PAGE)
            .bind(user.as_str())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.database.reader())
            .await?;
        benchmarks.iter().map(item).collect()
    }

    /// Returns the results of each benchmark of this page of [`Self::history`], by its id: an array of
    /// [`HistoryResult`](crate::benchmark::view::HistoryResult) as JSON.
    pub async fn history_results(
        &self,
        user: &UserId,
        page: &[HistoryItem],
    ) -> Result<HashMap<String, Box<RawValue>>, StoreError> {
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(HashMap::new()) };
        let rows: Vec<(String, String)> = sqlx::query_as(RESULTS_OF_A_PAGE)
            .bind(user.as_str())
            .bind(&last.id)
            .bind(&first.id)
            .fetch_all(self.database.reader())
            .await?;
        rows.into_iter().map(|(id, results)| Ok((id, RawValue::from_string(results)?))).collect()
    }
}

fn item(row: &AnyRow) -> Result<HistoryItem, StoreError> {
    let number = |name| row.try_get::<Option<i64>, _>(name).map(Option::unwrap_or_default);
    let small = |name| number(name).map(|value| u32::try_from(value).unwrap_or_default());
    let tiers: Option<&str> = row.try_get("context_tiers")?;
    let headline: Option<&str> = row.try_get("headline")?;
    Ok(HistoryItem {
        id: row.try_get("id")?,
        status: status(row)?,
        error: row.try_get("error")?,
        created_at: row.try_get("created_at")?,
        finished_at: row.try_get("finished_at")?,
        prompt: row.try_get("prompt_preview")?,
        context_tiers: tiers.map(serde_json::from_str).transpose()?.unwrap_or_default(),
        runs: small("runs")?,
        max_tokens: small("max_tokens")?,
        temperature: row.try_get::<Option<f64>, _>("temperature")?.unwrap_or_default(),
        warmup: number("warmup")? != 0,
        headline: headline.map(serde_json::from_str).transpose()?.unwrap_or_default(),
    })
}

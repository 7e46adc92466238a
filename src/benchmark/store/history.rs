//! Finished benchmarks, page by page.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{BenchmarkStore, StoreError, status, unsigned};
use crate::accounts::UserId;
use crate::benchmark::view::{HistoryItem, RowFigures};
use crate::database::AFTER_EVERY_ID;
use endpoint::ModelRef;

/// Benchmarks that are looked at for how long things take.
const RECENT: i64 = 20;

pub(super) const PAGE: &str = "
    select id, status, error, created_at, finished_at, prompt_preview, parameters from benchmarks
    where user_id = $1 and status <> 'running' and status <> 'deleted' and id < $2
    order by id desc limit $3";

/// The same benchmarks as the page itself has.
pub(super) const ROWS_OF_A_PAGE: &str = "
    select benchmark_id, head, success_count, error_count, error, avg_tokens_per_second, std_dev_tps,
           tps_ci_low, tps_ci_high, avg_ttft_ms, avg_total_time_s, avg_input_tokens_per_second,
           avg_output_speed_tps, avg_itl_ms, total_cost
    from benchmark_rows
    where user_id = $1 and benchmark_id in (
        select id from benchmarks
        where user_id = $1 and status <> 'running' and status <> 'deleted' and id < $2
        order by id desc limit $3
    )
    order by benchmark_id, position";

/// Within a benchmark the order does not matter: each model and tier is there once.
pub(super) const RECENT_TIMES: &str = "
    select provider_key, model_id, context_tokens, avg_total_time_s from benchmark_rows
    where user_id = $1 and avg_total_time_s is not null and benchmark_id in (
        select id from benchmarks where user_id = $1 and status = 'complete'
        order by id desc limit $2
    )
    order by benchmark_id desc, position desc";

impl BenchmarkStore {
    /// At most `limit` benchmarks that have ended, newest first, older than `before`.
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
        let mut items = benchmarks.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query(ROWS_OF_A_PAGE)
            .bind(user.as_str())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.database.reader())
            .await?;
        for row in &rows {
            let id: &str = row.try_get("benchmark_id")?;
            if let Some(item) = items.iter_mut().find(|item| item.id == id) {
                item.rows.push((serde_json::from_str(row.try_get("head")?)?, figures(row)?));
            }
        }
        Ok(items)
    }

    /// How long a run took on average, s: of each model and tier in the user's latest benchmarks,
    /// newest first.
    pub async fn recent_times(&self, user: &UserId) -> Result<Vec<(ModelRef, u64, f64)>, StoreError> {
        let rows: Vec<(String, String, i64, f64)> = sqlx::query_as(RECENT_TIMES)
            .bind(user.as_str())
            .bind(RECENT)
            .fetch_all(self.database.reader())
            .await?;
        let times = rows.into_iter().map(|(provider_key, model_id, tier, seconds)| {
            (ModelRef { provider_key, model_id }, unsigned(tier), seconds)
        });
        Ok(times.collect())
    }
}

fn item(row: &AnyRow) -> Result<HistoryItem, StoreError> {
    Ok(HistoryItem {
        id: row.try_get("id")?,
        status: status(row)?,
        error: row.try_get("error")?,
        created_at: row.try_get("created_at")?,
        finished_at: row.try_get("finished_at")?,
        prompt: row.try_get("prompt_preview")?,
        parameters: serde_json::from_str(row.try_get("parameters")?)?,
        rows: Vec::new(),
    })
}

fn figures(row: &AnyRow) -> sqlx::Result<RowFigures> {
    let count = |name| row.try_get::<Option<i64>, _>(name).map(|count| unsigned(count.unwrap_or(0)));
    Ok(RowFigures {
        success_count: count("success_count")?,
        error_count: count("error_count")?,
        error: row.try_get("error")?,
        avg_tokens_per_second: row.try_get("avg_tokens_per_second")?,
        std_dev_tps: row.try_get("std_dev_tps")?,
        tps_ci_low: row.try_get("tps_ci_low")?,
        tps_ci_high: row.try_get("tps_ci_high")?,
        avg_ttft_ms: row.try_get("avg_ttft_ms")?,
        avg_total_time_s: row.try_get("avg_total_time_s")?,
        avg_input_tokens_per_second: row.try_get("avg_input_tokens_per_second")?,
        avg_output_speed_tps: row.try_get("avg_output_speed_tps")?,
        avg_itl_ms: row.try_get("avg_itl_ms")?,
        total_cost: row.try_get("total_cost")?,
    })
}

//! Finished benchmarks, page by page.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{BenchmarkStore, RowKey, StoreError, row_key, status, unsigned};
use crate::accounts::UserId;
use crate::benchmark::types::{Parameters, RowHead};
use crate::benchmark::view::BenchmarkStatus;

/// A benchmark as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryItem {
    pub id: String,
    pub status: BenchmarkStatus,
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub parameters: Parameters,
    pub rows: Vec<RowFigures>,
}

/// One of its rows in figures, which are empty where nothing succeeded or the row did not end.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFigures {
    pub key: RowKey,
    pub head: RowHead,
    pub success_count: u64,
    pub error_count: u64,
    pub error: Option<String>,
    pub avg_tokens_per_second: Option<f64>,
    pub std_dev_tps: Option<f64>,
    pub avg_ttft_ms: Option<f64>,
    pub avg_total_time_s: Option<f64>,
    pub avg_input_tokens_per_second: Option<f64>,
    pub avg_output_speed_tps: Option<f64>,
    pub avg_itl_ms: Option<f64>,
    pub total_cost: Option<f64>,
}

/// The same benchmarks as the page itself has.
const ROWS_OF_A_PAGE: &str = "
    select benchmark_id, provider_key, model_id, context_tokens, head, success_count, error_count, error,
           avg_tokens_per_second, std_dev_tps, avg_ttft_ms, avg_total_time_s, avg_input_tokens_per_second,
           avg_output_speed_tps, avg_itl_ms, total_cost
    from benchmark_rows
    where user_id = $1 and benchmark_id in (
        select id from benchmarks
        where user_id = $1 and status <> 'running' and (cast($2 as text) is null or id < $2)
        order by id desc limit $3
    )
    order by benchmark_id, position";

impl BenchmarkStore {
    /// At most `limit` benchmarks that have ended, newest first, older than `before`.
    pub async fn history(
        &self,
        user: &UserId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HistoryItem>, StoreError> {
        let benchmarks = sqlx::query(
            "select id, status, error, created_at, finished_at, parameters from benchmarks
             where user_id = $1 and status <> 'running' and (cast($2 as text) is null or id < $2)
             order by id desc limit $3",
        )
        .bind(user.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(self.database.pool())
        .await?;
        let mut items = benchmarks.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query(ROWS_OF_A_PAGE)
            .bind(user.as_str())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.database.pool())
            .await?;
        for row in &rows {
            let id: &str = row.try_get("benchmark_id")?;
            if let Some(item) = items.iter_mut().find(|item| item.id == id) {
                item.rows.push(figures(row)?);
            }
        }
        Ok(items)
    }
}

fn item(row: &AnyRow) -> Result<HistoryItem, StoreError> {
    Ok(HistoryItem {
        id: row.try_get("id")?,
        status: status(row)?,
        error: row.try_get("error")?,
        created_at: row.try_get("created_at")?,
        finished_at: row.try_get("finished_at")?,
        parameters: serde_json::from_str(row.try_get("parameters")?)?,
        rows: Vec::new(),
    })
}

fn figures(row: &AnyRow) -> Result<RowFigures, StoreError> {
    let count = |name| Ok::<_, sqlx::Error>(unsigned(row.try_get::<Option<i64>, _>(name)?.unwrap_or(0)));
    Ok(RowFigures {
        key: row_key(row)?,
        head: serde_json::from_str(row.try_get("head")?)?,
        success_count: count("success_count")?,
        error_count: count("error_count")?,
        error: row.try_get("error")?,
        avg_tokens_per_second: row.try_get("avg_tokens_per_second")?,
        std_dev_tps: row.try_get("std_dev_tps")?,
        avg_ttft_ms: row.try_get("avg_ttft_ms")?,
        avg_total_time_s: row.try_get("avg_total_time_s")?,
        avg_input_tokens_per_second: row.try_get("avg_input_tokens_per_second")?,
        avg_output_speed_tps: row.try_get("avg_output_speed_tps")?,
        avg_itl_ms: row.try_get("avg_itl_ms")?,
        total_cost: row.try_get("total_cost")?,
    })
}

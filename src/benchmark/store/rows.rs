//! The rows of a benchmark: inserted when it starts, updated with a summary when their runs are finished.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{BenchmarkStore, RowKey, StoreError, row_key, signed};
use crate::accounts::UserId;
use crate::benchmark::page_row::{PageRow, RunNotes};
use crate::benchmark::view::RowFigures;
use bench::summary::summarize;
use bench::types::{ResultRow, RowHead, Run, RunSummary, WarmupOutcome, WarmupResult};
use endpoint::ModelRef;

pub(super) const ROWS: &str = "
    select provider_key, model_id, context_tokens, head, warmup, summary, run_notes
    from benchmark_rows where user_id = $1 and benchmark_id = $2 order by position";

/// Like [`ROWS`], limited to a few rows.
pub(super) const ROWS_AFTER: &str = "
    select provider_key, model_id, context_tokens, head, warmup, summary, run_notes, position
    from benchmark_rows where user_id = $1 and benchmark_id = $2 and position > $3
    order by position limit $4";

/// A position before all rows of a benchmark.
pub const BEFORE_FIRST_ROW: i64 = -1;

/// A stored row, without its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    pub key: RowKey,
    pub head: RowHead,
    pub warmup: Option<WarmupOutcome>,
    /// Set when all runs are finished.
    pub summary: Option<RunSummary>,
    /// Set together with the summary, but not by older versions of this program.
    pub run_notes: Option<RunNotes>,
}

impl StoredRow {
    /// Adds the runs to the row. Until all of them are finished, the summary is calculated from these.
    pub fn with_runs(self, runs: Vec<Run>) -> ResultRow {
        let summary = self.summary.unwrap_or_else(|| summarize(&runs));
        ResultRow { warmup: self.warmup, summary, runs, ..self.head.into() }
    }

    /// Converts the row for a page without runs. `runs` are needed if the summary or the notes are not
    /// stored.
    fn without_runs(self, runs: Vec<Run>) -> PageRow {
        match self.run_notes.clone() {
            Some(notes) if self.summary.is_some() => PageRow { row: self.with_runs(Vec::new()), notes },
            _ => PageRow::with_runs(self.with_runs(runs)).without_runs(),
        }
    }
}

impl BenchmarkStore {
    /// Inserts the rows of a benchmark that starts. Existing rows are not changed.
    pub async fn add_rows(&self, user: &UserId, id: &str, heads: &[RowHead]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        insert_rows(&mut transaction, user, id, heads).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Returns the rows of a benchmark in their order.
    pub async fn rows(&self, user: &UserId, id: &str) -> Result<Vec<StoredRow>, StoreError> {
        let rows = sqlx::query(ROWS).bind(user.as_str()).bind(id).fetch_all(self.database.reader()).await?;
        rows.iter().map(stored_row).collect()
    }

    /// Returns all rows with their runs.
    pub async fn result_rows(&self, user: &UserId, id: &str) -> Result<Vec<ResultRow>, StoreError> {
        // Rows are read first, so that the runs include all that a row's summary counts.
        let rows = self.rows(user, id).await?;
        let mut runs = self.runs(user, id).await?;
        let with_runs = rows.into_iter().map(|row| {
            let own = runs.remove(&row.key).unwrap_or_default();
            row.with_runs(own)
        });
        Ok(with_runs.collect())
    }

    /// Returns all rows of an ended benchmark, without their runs. Reads only the runs of rows without a
    /// stored summary or stored notes.
    pub async fn rows_without_runs(&self, user: &UserId, id: &str) -> Result<Vec<PageRow>, StoreError> {
        let rows = self.rows(user, id).await?;
        let mut runs = match rows.iter().all(|row| row.summary.is_some() && row.run_notes.is_some()) {
            true => HashMap::new(),
            false => self.runs_without_summary(user, id).await?,
        };
        let without_runs = rows.into_iter().map(|row| {
            let own = runs.remove(&row.key).unwrap_or_default();
            row.without_runs(own)
        });
        Ok(without_runs.collect())
    }

    /// Returns at most `limit` rows after position `after`, in their order, each with its position.
    pub async fn rows_after(
        &self,
        user: &UserId,
        id: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, StoredRow)>, StoreError> {
        let rows = sqlx::query(ROWS_AFTER)
            .bind(user.as_str())
            .bind(id)
            .bind(after)
            .bind(limit)
            .fetch_all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok((row.try_get("position")?, stored_row(row)?))).collect()
    }

    /// Stores the outcome of a row's warm-up.
    pub async fn save_warmup(
        &self,
        user: &UserId,
        id: &str,
        warmup: &WarmupResult,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update benchmark_rows set warmup = $6
             where user_id = $1 and benchmark_id = $2
               and provider_key = $3 and model_id = $4 and context_tokens = $5",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(&warmup.provider_key)
        .bind(&warmup.model_id)
        .bind(signed(warmup.context_tokens))
        .bind(serde_json::to_string(&warmup.outcome)?)
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Stores the summary of a row whose runs are finished.
    pub async fn save_summary(&self, user: &UserId, id: &str, row: &ResultRow) -> Result<(), StoreError> {
        let mut connection = self.database.writer().acquire().await?;
        write_summary(&mut connection, user, id, row).await
    }
}

fn stored_row(row: &AnyRow) -> Result<StoredRow, StoreError> {
    let warmup: Option<String> = row.try_get("warmup")?;
    let summary: Option<String> = row.try_get("summary")?;
    let run_notes: Option<String> = row.try_get("run_notes")?;
    Ok(StoredRow {
        key: row_key(row)?,
        head: serde_json::from_str(row.try_get("head")?)?,
        warmup: warmup.as_deref().map(serde_json::from_str).transpose()?,
        summary: summary.as_deref().map(serde_json::from_str).transpose()?,
        run_notes: run_notes.as_deref().map(serde_json::from_str).transpose()?,
    })
}

pub(super) async fn insert_rows(
    connection: &mut AnyConnection,
    user: &UserId,
    id: &str,
    heads: &[RowHead],
) -> Result<(), StoreError> {
    for (position, head) in (0_i64..).zip(heads) {
        sqlx::query(
            "insert into benchmark_rows
                     (benchmark_id, user_id, provider_key, model_id, context_tokens, position, head)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (benchmark_id, provider_key, model_id, context_tokens) do nothing",
        )
        .bind(id)
        .bind(user.as_str())
        .bind(&head.provider_key)
        .bind(&head.model_id)
        .bind(signed(head.context_tokens))
        .bind(position)
        .bind(serde_json::to_string(head)?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes a row's summary, the notes on its runs and its list columns.
pub(super) async fn write_summary(
    connection: &mut AnyConnection,
    user: &UserId,
    id: &str,
    row: &ResultRow,
) -> Result<(), StoreError> {
    let figures = RowFigures::of(row);
    sqlx::query(
        "update benchmark_rows set
             summary = $6, success_count = $7, error_count = $8, error = $9,
             avg_tokens_per_second = $10, std_dev_tps = $11, tps_ci_low = $12, tps_ci_high = $13,
             avg_ttft_ms = $14, avg_total_time_s = $15, avg_input_tokens_per_second = $16,
             avg_output_speed_tps = $17, avg_itl_ms = $18, total_cost = $19, run_notes = $20
         where user_id = $1 and benchmark_id = $2
           and provider_key = $3 and model_id = $4 and context_tokens = $5",
    )
    .bind(user.as_str())
    .bind(id)
    .bind(&row.provider_key)
    .bind(&row.model_id)
    .bind(signed(row.context_tokens))
    .bind(serde_json::to_string(&row.summary)?)
    .bind(signed(figures.success_count))
    .bind(signed(figures.error_count))
    .bind(figures.error)
    .bind(figures.avg_tokens_per_second)
    .bind(figures.std_dev_tps)
    .bind(figures.tps_ci_low)
    .bind(figures.tps_ci_high)
    .bind(figures.avg_ttft_ms)
    .bind(figures.avg_total_time_s)
    .bind(figures.avg_input_tokens_per_second)
    .bind(figures.avg_output_speed_tps)
    .bind(figures.avg_itl_ms)
    .bind(figures.total_cost)
    .bind(serde_json::to_string(&RunNotes::of(&row.runs))?)
    .execute(connection)
    .await?;
    Ok(())
}

impl RowKey {
    /// Returns the key of the row with this head.
    pub fn of(head: &RowHead) -> Self {
        let RowHead { provider_key, model_id, context_tokens, .. } = head;
        let model = ModelRef { provider_key: provider_key.clone(), model_id: model_id.clone() };
        Self { model, context_tokens: *context_tokens }
    }
}

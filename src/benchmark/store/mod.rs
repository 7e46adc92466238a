//! The SQL of benchmarks, their rows and their runs.

mod history;
mod listing;
#[cfg(test)]
mod query_plans;
mod rows;
mod runs;
#[cfg(test)]
mod tests;
mod times;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::snapshot::TargetSnapshot;
use super::view::BenchmarkStatus;
use crate::accounts::UserId;
use crate::database::retry::is_transient;
use crate::database::{Database, now_ms};
use bench::types::{ClientHealth, Parameters, ResultRow, RowHead};
use endpoint::ModelRef;

use listing::Listing;
pub use rows::{BEFORE_FIRST_ROW, StoredRow};

/// Number of characters of a prompt that lists show.
const PREVIEW_CHARS: usize = 200;

/// The columns of a [`StoredBenchmark`].
macro_rules! select_benchmarks {
    () => {
        "select b.id, b.status, b.error, b.created_at, b.finished_at, b.client, i.parameters, i.targets
         from benchmarks b join benchmark_inputs i on i.benchmark_id = b.id "
    };
}

const ONE: &str =
    concat!(select_benchmarks!(), "where b.user_id = $1 and b.id = $2 and b.status <> 'deleted'");

const LATEST: &str = concat!(
    select_benchmarks!(),
    "where b.user_id = $1 and b.status <> 'deleted' order by b.id desc limit 1"
);

const RUNNING: &str =
    concat!(select_benchmarks!(), "where b.user_id = $1 and b.status = 'running' order by b.id");

/// The error of a failed benchmark whose job has none.
const ENDED_EARLY: &str = "It ended before all runs were made.";

/// Number of runs that one statement deletes; small, so that SQLite's write lock is held for a short time.
const RUNS_PER_DELETE: i64 = 500;
/// Number of benchmarks of a deleted user whose ids one statement reads.
const BENCHMARKS_AT_ONCE: i64 = 100;

/// The reason why a row could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("The database failed: {0}. Is the disk full, or the file in use by another program?")]
    Database(#[from] sqlx::Error),
    #[error("The database holds a value that this version does not understand: {0}")]
    Value(#[from] serde_json::Error),
}

impl StoreError {
    /// Returns whether a retry of the statement may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if is_transient(error))
    }
}

/// Identifies one row of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub model: ModelRef,
    pub context_tokens: u64,
}

/// A benchmark without its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredBenchmark {
    pub id: String,
    pub status: BenchmarkStatus,
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub parameters: Parameters,
    pub targets: Vec<TargetSnapshot>,
    pub client: Option<ClientHealth>,
}

impl StoredBenchmark {
    /// Creates a benchmark that starts now.
    fn new(id: &str, parameters: &Parameters, targets: &[TargetSnapshot]) -> Self {
        Self {
            id: id.to_owned(),
            status: BenchmarkStatus::Running,
            error: None,
            created_at: now_ms(),
            finished_at: None,
            parameters: parameters.clone(),
            targets: targets.to_vec(),
            client: None,
        }
    }
}

/// The tables whose names begin with `benchmark`.
#[derive(Debug, Clone)]
pub struct BenchmarkStore {
    database: Database,
}

impl BenchmarkStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a benchmark that starts, and returns it. One that exists already is not changed; returns `None`
    /// if it was deleted meanwhile, or belongs to another user.
    pub async fn begin(
        &self,
        user: &UserId,
        id: &str,
        parameters: &Parameters,
        targets: &[TargetSnapshot],
    ) -> Result<Option<StoredBenchmark>, StoreError> {
        let benchmark = StoredBenchmark::new(id, parameters, targets);
        let mut transaction = self.database.begin().await?;
        let is_new = insert(&mut transaction, user, &benchmark).await?;
        transaction.commit().await?;
        if is_new { Ok(Some(benchmark)) } else { self.find(user, id).await }
    }

    /// Stores a benchmark that another program measured, in one transaction.
    pub async fn insert_complete(
        &self,
        user: &UserId,
        id: &str,
        parameters: &Parameters,
        targets: &[TargetSnapshot],
        rows: &[ResultRow],
    ) -> Result<(), StoreError> {
        let heads: Vec<RowHead> = rows.iter().map(ResultRow::head).collect();
        let benchmark = StoredBenchmark::new(id, parameters, targets);
        let mut transaction = self.database.begin().await?;
        insert(&mut transaction, user, &benchmark).await?;
        rows::insert_rows(&mut transaction, user, id, &heads).await?;
        for (row, head) in rows.iter().zip(&heads) {
            let key = RowKey::of(head);
            for run in &row.runs {
                runs::insert_run(&mut transaction, user, id, &key, run).await?;
            }
        }
        finish(&mut transaction, user, id, rows, None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Returns the benchmark with this id; `None` if the user has no such benchmark.
    pub async fn find(&self, user: &UserId, id: &str) -> Result<Option<StoredBenchmark>, StoreError> {
        let row =
            sqlx::query(ONE).bind(user.as_str()).bind(id).fetch_optional(self.database.reader()).await?;
        row.as_ref().map(stored_benchmark).transpose()
    }

    /// Returns the latest benchmark; `None` if the user has none.
    pub async fn latest(&self, user: &UserId) -> Result<Option<StoredBenchmark>, StoreError> {
        let row = sqlx::query(LATEST).bind(user.as_str()).fetch_optional(self.database.reader()).await?;
        row.as_ref().map(stored_benchmark).transpose()
    }

    /// Returns the running benchmarks, oldest first.
    pub async fn running(&self, user: &UserId) -> Result<Vec<StoredBenchmark>, StoreError> {
        let rows = sqlx::query(RUNNING).bind(user.as_str()).fetch_all(self.database.reader()).await?;
        rows.iter().map(stored_benchmark).collect()
    }

    /// Updates the summaries of all rows and marks the benchmark as complete, in one transaction.
    pub async fn finish(
        &self,
        user: &UserId,
        id: &str,
        rows: &[ResultRow],
        client: Option<&ClientHealth>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        finish(&mut transaction, user, id, rows, client).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Marks benchmarks as failed whose jobs ended without doing so, with the time and the error of the job;
    /// `now_ms` is used if the job no longer exists. Returns their number.
    pub async fn record_missing_ends(&self, now_ms: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "update benchmarks set
                 status = 'failed',
                 error = coalesce((select error from jobs where jobs.id = benchmarks.id), $1),
                 finished_at = coalesce((select finished_at from jobs where jobs.id = benchmarks.id), $2)
             where status = 'running'
                   and not exists (select 1 from jobs where jobs.id = benchmarks.id and finished_at is null)",
        )
        .bind(ENDED_EARLY)
        .bind(now_ms)
        .execute(self.database.writer())
        .await?;
        Ok(done.rows_affected())
    }

    /// Deletes a benchmark with its rows and runs; returns whether it existed. It disappears from all lists
    /// immediately; its runs are deleted in batches, so that other writes can happen in between. If the
    /// process stops during a deletion, the user's next deletion removes the rest.
    pub async fn delete(&self, user: &UserId, id: &str) -> Result<bool, StoreError> {
        let marked = sqlx::query(
            "update benchmarks set status = 'deleted'
             where user_id = $1 and id = $2 and status <> 'deleted'",
        )
        .bind(user.as_str())
        .bind(id)
        .execute(self.database.writer())
        .await?;
        let deleted: Vec<(String,)> =
            sqlx::query_as("select id from benchmarks where user_id = $1 and status = 'deleted'")
                .bind(user.as_str())
                .fetch_all(self.database.reader())
                .await?;
        for (id,) in deleted {
            self.delete_runs(&id).await?;
            sqlx::query("delete from benchmarks where id = $1 and status = 'deleted'")
                .bind(id)
                .execute(self.database.writer())
                .await?;
        }
        Ok(marked.rows_affected() > 0)
    }

    /// Deletes all benchmarks of a user whose account is deleted, in batches. They are no longer visible, so
    /// they need not be marked first.
    pub async fn delete_all(&self, user: &UserId) -> Result<(), StoreError> {
        loop {
            let next: Vec<(String,)> =
                sqlx::query_as("select id from benchmarks where user_id = $1 order by id limit $2")
                    .bind(user.as_str())
                    .bind(BENCHMARKS_AT_ONCE)
                    .fetch_all(self.database.reader())
                    .await?;
            if next.is_empty() {
                return Ok(());
            }
            for (id,) in next {
                self.delete_runs(&id).await?;
                sqlx::query("delete from benchmarks where user_id = $1 and id = $2")
                    .bind(user.as_str())
                    .bind(id)
                    .execute(self.database.writer())
                    .await?;
            }
        }
    }

    async fn delete_runs(&self, id: &str) -> Result<(), StoreError> {
        loop {
            let done = sqlx::query(
                "delete from benchmark_runs
                 where benchmark_id = $1 and (provider_key, model_id, context_tokens, run_number) in (
                     select provider_key, model_id, context_tokens, run_number
                     from benchmark_runs where benchmark_id = $1 limit $2
                 )",
            )
            .bind(id)
            .bind(RUNS_PER_DELETE)
            .execute(self.database.writer())
            .await?;
            if done.rows_affected() < RUNS_PER_DELETE.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

/// Stores a running benchmark; returns false if its id exists already.
async fn insert(
    connection: &mut AnyConnection,
    user: &UserId,
    benchmark: &StoredBenchmark,
) -> Result<bool, StoreError> {
    let StoredBenchmark { id, created_at, parameters, targets, .. } = benchmark;
    let preview: String = parameters.prompt.chars().take(PREVIEW_CHARS).collect();
    let done = sqlx::query(
        "insert into benchmarks (id, user_id, status, created_at, prompt_preview, context_tiers, runs,
                                 max_tokens, temperature, warmup)
         values ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing",
    )
    .bind(id)
    .bind(user.as_str())
    .bind(*created_at)
    .bind(preview)
    .bind(serde_json::to_string(&parameters.context_tiers)?)
    .bind(i64::from(parameters.runs))
    .bind(i64::from(parameters.max_tokens))
    .bind(parameters.temperature)
    .bind(i64::from(parameters.warmup))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into benchmark_inputs (benchmark_id, user_id, parameters, targets) values ($1, $2, $3, $4)
         on conflict (benchmark_id) do nothing",
    )
    .bind(id)
    .bind(user.as_str())
    .bind(serde_json::to_string(parameters)?)
    .bind(serde_json::to_string(targets)?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Marks the benchmark as failed, at `finished_at`, and writes its list columns. The results so far are kept.
/// A benchmark that has ended is not changed.
pub(super) async fn fail(
    connection: &mut AnyConnection,
    user: &UserId,
    id: &str,
    error: &str,
    finished_at: i64,
) -> Result<(), StoreError> {
    let listing = Listing::read_or_empty(connection, user, id).await?;
    let done = sqlx::query(
        "update benchmarks set status = 'failed', error = $3, finished_at = $4, headline = $5
         where user_id = $1 and id = $2 and status = 'running'",
    )
    .bind(user.as_str())
    .bind(id)
    .bind(error)
    .bind(finished_at)
    .bind(&listing.headline)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        listing.write_results(connection, user, id).await?;
    }
    Ok(())
}

async fn finish(
    connection: &mut AnyConnection,
    user: &UserId,
    id: &str,
    rows: &[ResultRow],
    client: Option<&ClientHealth>,
) -> Result<(), StoreError> {
    for row in rows {
        rows::write_summary(connection, user, id, row).await?;
    }
    let listing = Listing::read(connection, user, id).await?;
    let done = sqlx::query(
        "update benchmarks set status = 'complete', error = null, finished_at = $3, client = $4, headline = $5
         where user_id = $1 and id = $2 and status <> 'deleted'",
    )
    .bind(user.as_str())
    .bind(id)
    .bind(now_ms())
    .bind(client.map(serde_json::to_string).transpose()?)
    .bind(&listing.headline)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        listing.write_results(connection, user, id).await?;
    }
    Ok(())
}

fn stored_benchmark(row: &AnyRow) -> Result<StoredBenchmark, StoreError> {
    let client: Option<String> = row.try_get("client")?;
    Ok(StoredBenchmark {
        id: row.try_get("id")?,
        status: status(row)?,
        error: row.try_get("error")?,
        created_at: row.try_get("created_at")?,
        finished_at: row.try_get("finished_at")?,
        parameters: serde_json::from_str(row.try_get("parameters")?)?,
        targets: serde_json::from_str(row.try_get("targets")?)?,
        client: client.as_deref().map(serde_json::from_str).transpose()?,
    })
}

/// An unknown status was written by a newer version.
fn status(row: &AnyRow) -> Result<BenchmarkStatus, StoreError> {
    let name: &str = row.try_get("status")?;
    Ok(serde_json::from_value(name.into())?)
}

fn row_key(row: &AnyRow) -> sqlx::Result<RowKey> {
    let model = ModelRef { provider_key: row.try_get("provider_key")?, model_id: row.try_get("model_id")? };
    Ok(RowKey { model, context_tokens: unsigned(row.try_get("context_tokens")?) })
}

/// Counts are `bigint` in the tables and always fit.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

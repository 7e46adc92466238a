//! The runs of a benchmark. Each is written once, when it has ended.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{BenchmarkStore, RowKey, StoreError, StoredRow, row_key, signed, unsigned};
use crate::accounts::UserId;
use bench::FinishedRow;
use bench::types::Run;
use stats::Accumulator;

pub(super) const RUNS: &str = "
    select provider_key, model_id, context_tokens, run
    from benchmark_runs where user_id = $1 and benchmark_id = $2
    order by provider_key, model_id, context_tokens, run_number";

/// Selects from the rows of a benchmark, each joined with its runs.
macro_rules! select_runs_of_rows {
    ($columns:literal, $join:literal, $condition:literal) => {
        concat!(
            "select ",
            $columns,
            " from benchmark_rows ",
            $join,
            " benchmark_runs runs
                on runs.user_id = benchmark_rows.user_id and runs.benchmark_id = benchmark_rows.benchmark_id
               and runs.provider_key = benchmark_rows.provider_key
               and runs.model_id = benchmark_rows.model_id
               and runs.context_tokens = benchmark_rows.context_tokens
             where benchmark_rows.user_id = $1 and benchmark_rows.benchmark_id = $2 and ",
            $condition
        )
    };
}

pub(super) const RUNS_OF_ROWS: &str = select_runs_of_rows!(
    "runs.provider_key, runs.model_id, runs.context_tokens, runs.run",
    "join",
    "benchmark_rows.position > $3 and benchmark_rows.position <= $4"
);

/// Selects the runs of rows without a summary, or without the notes that an older version did not write.
pub(super) const RUNS_WITHOUT_SUMMARY: &str = select_runs_of_rows!(
    "runs.provider_key, runs.model_id, runs.context_tokens, runs.run",
    "join",
    "(benchmark_rows.summary is null or benchmark_rows.run_notes is null)"
);

/// Selects from the row first, so that a row without runs differs from a missing row.
pub(super) const RUNS_OF_ROW: &str = select_runs_of_rows!(
    "runs.run",
    "left join",
    "benchmark_rows.provider_key = $3 and benchmark_rows.model_id = $4
     and benchmark_rows.context_tokens = $5"
);

pub(super) const COUNT: &str = "
    select count(*) from benchmark_runs where user_id = $1 and benchmark_id = $2";

impl BenchmarkStore {
    /// Stores a finished run, unless a run with this number exists already, which is not changed. Returns
    /// whether the stored run is this one, from now or from an earlier attempt.
    pub async fn save_run(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
        run: &Run,
    ) -> Result<bool, StoreError> {
        let mut connection = self.database.writer().acquire().await?;
        if insert_run(&mut connection, user, id, row, run).await? {
            return Ok(true);
        }
        let (stored,): (String,) = sqlx::query_as(
            "select run from benchmark_runs where user_id = $1 and benchmark_id = $2
             and provider_key = $3 and model_id = $4 and context_tokens = $5 and run_number = $6",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(&row.model.provider_key)
        .bind(&row.model.model_id)
        .bind(signed(row.context_tokens))
        .bind(signed(run.run_number))
        .fetch_one(&mut *connection)
        .await?;
        Ok(stored == without_chunks(run)?)
    }

    /// Returns the runs of each row in their order, without their chunk times.
    pub async fn runs(&self, user: &UserId, id: &str) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
        let rows = sqlx::query(RUNS).bind(user.as_str()).bind(id).fetch_all(self.database.reader()).await?;
        runs_by_row(&rows)
    }

    /// Returns the runs of the rows after position `after` up to position `last`, in the order of their
    /// numbers and without their chunk times.
    pub async fn runs_of_rows(
        &self,
        user: &UserId,
        id: &str,
        after: i64,
        last: i64,
    ) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
        let rows = sqlx::query(RUNS_OF_ROWS)
            .bind(user.as_str())
            .bind(id)
            .bind(after)
            .bind(last)
            .fetch_all(self.database.reader())
            .await?;
        let mut by_row = runs_by_row(&rows)?;
        by_row.values_mut().for_each(|runs| runs.sort_unstable_by_key(|run| run.run_number));
        Ok(by_row)
    }

    /// Returns the runs of each row without a stored summary or notes, in their order and without their chunk
    /// times.
    pub(super) async fn runs_without_summary(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
        let rows = sqlx::query(RUNS_WITHOUT_SUMMARY)
            .bind(user.as_str())
            .bind(id)
            .fetch_all(self.database.reader())
            .await?;
        let mut by_row = runs_by_row(&rows)?;
        by_row.values_mut().for_each(|runs| runs.sort_unstable_by_key(|run| run.run_number));
        Ok(by_row)
    }

    /// Returns the runs of one row in the order of their numbers, without their chunk times; `None` if the
    /// user has no such row.
    pub async fn runs_of_row(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
    ) -> Result<Option<Vec<Run>>, StoreError> {
        let found: Vec<(Option<String>,)> = sqlx::query_as(RUNS_OF_ROW)
            .bind(user.as_str())
            .bind(id)
            .bind(&row.model.provider_key)
            .bind(&row.model.model_id)
            .bind(signed(row.context_tokens))
            .fetch_all(self.database.reader())
            .await?;
        if found.is_empty() {
            return Ok(None);
        }
        let runs = found.iter().filter_map(|(run,)| run.as_deref()).map(serde_json::from_str);
        let mut runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
        runs.sort_unstable_by_key(|run| run.run_number);
        Ok(Some(runs))
    }

    /// Returns the number of runs of each row; 0 if the user has no such benchmark.
    pub async fn runs_per_row(&self, user: &UserId, id: &str) -> Result<u32, StoreError> {
        let runs: Option<i64> =
            sqlx::query_scalar("select coalesce(runs, 0) from benchmarks where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .fetch_optional(self.database.reader())
                .await?;
        Ok(runs.and_then(|runs| runs.try_into().ok()).unwrap_or_default())
    }

    /// Returns the number of stored runs.
    pub async fn count_runs(&self, user: &UserId, id: &str) -> Result<u64, StoreError> {
        let (count,): (i64,) =
            sqlx::query_as(COUNT).bind(user.as_str()).bind(id).fetch_one(self.database.reader()).await?;
        Ok(unsigned(count))
    }

    /// Returns all finished runs, so that a benchmark can be resumed. Chunk times are read only for rows
    /// without a summary, which will count their gaps, and one run at a time.
    pub async fn finished(&self, user: &UserId, id: &str) -> Result<Vec<FinishedRow>, StoreError> {
        let mut by_row = self.runs(user, id).await?;
        let mut finished = Vec::new();
        for StoredRow { key, warmup, summary, .. } in self.rows(user, id).await? {
            let runs = by_row.remove(&key).unwrap_or_default();
            let gaps_ms = match summary {
                Some(_) => Accumulator::new(),
                None => self.gaps_ms(user, id, &key, &runs).await?,
            };
            let RowKey { model, context_tokens } = key;
            finished.push(FinishedRow { model, context_tokens, warmup, runs, gaps_ms, summary });
        }
        Ok(finished)
    }

    /// Returns the gaps between the chunks of all successful `runs` of a row, in ms.
    async fn gaps_ms(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
        runs: &[Run],
    ) -> Result<Accumulator, StoreError> {
        let mut gaps_ms = Accumulator::new();
        for run in runs.iter().filter(|run| run.success) {
            let chunk_deltas_us = self.timeline(user, id, row, run.run_number).await?.unwrap_or_default();
            Run { chunk_deltas_us, ..run.clone() }.gaps_ms().for_each(|gap| gaps_ms.push(gap));
        }
        Ok(gaps_ms)
    }

    /// Returns the arrival times of one run's chunks, as in [`Run::chunk_deltas_us`]; `None` if the user has
    /// no such run.
    pub async fn timeline(
        &self,
        user: &UserId,
        id: &str,
        row: &RowKey,
        run_number: u64,
    ) -> Result<Option<Vec<u32>>, StoreError> {
        let deltas: Option<(String,)> = sqlx::query_as(
            "select chunk_deltas from benchmark_runs
             where user_id = $1 and benchmark_id = $2
               and provider_key = $3 and model_id = $4 and context_tokens = $5 and run_number = $6",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(&row.model.provider_key)
        .bind(&row.model.model_id)
        .bind(signed(row.context_tokens))
        .bind(signed(run_number))
        .fetch_optional(self.database.reader())
        .await?;
        Ok(deltas.map(|(deltas,)| serde_json::from_str(&deltas)).transpose()?)
    }
}

fn runs_by_row(rows: &[AnyRow]) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
    let mut by_row = HashMap::<_, Vec<Run>>::new();
    for row in rows {
        by_row.entry(row_key(row)?).or_default().push(serde_json::from_str(row.try_get("run")?)?);
    }
    Ok(by_row)
}

/// Returns the stored JSON of the run; the arrival times of its chunks have their own column.
fn without_chunks(run: &Run) -> Result<String, StoreError> {
    Ok(serde_json::to_string(&Run { chunk_deltas_us: Vec::new(), ..run.clone() })?)
}

pub(super) async fn insert_run(
    connection: &mut AnyConnection,
    user: &UserId,
    id: &str,
    row: &RowKey,
    run: &Run,
) -> Result<bool, StoreError> {
    let deltas = serde_json::to_string(&run.chunk_deltas_us)?;
    let done = sqlx::query(
            "insert into benchmark_runs
                 (benchmark_id, user_id, provider_key, model_id, context_tokens, run_number, run, chunk_deltas)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (benchmark_id, provider_key, model_id, context_tokens, run_number) do nothing",
        )
        .bind(id)
        .bind(user.as_str())
        .bind(&row.model.provider_key)
        .bind(&row.model.model_id)
        .bind(signed(row.context_tokens))
        .bind(signed(run.run_number))
        .bind(without_chunks(run)?)
        .bind(deltas)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

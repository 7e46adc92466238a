//! The runs of a benchmark: each written when it has ended, once.

use std::collections::HashMap;

use sqlx::{AnyConnection, Row};

use super::{BenchmarkStore, RowKey, StoreError, row_key, signed};
use crate::accounts::UserId;
use bench::FinishedRow;
use bench::types::Run;

pub(super) const RUNS: &str = "
    select provider_key, model_id, context_tokens, run
    from benchmark_runs where user_id = $1 and benchmark_id = $2
    order by provider_key, model_id, context_tokens, run_number";

impl BenchmarkStore {
    /// Stores a run that has ended, unless one of this number is stored already, which stays as it is.
    /// Returns whether this run is the stored one, be it from now or from an earlier try.
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

    /// The runs of each row in their order, without the arrivals of their chunks.
    pub async fn runs(&self, user: &UserId, id: &str) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
        let rows = sqlx::query(RUNS).bind(user.as_str()).bind(id).fetch_all(self.database.reader()).await?;
        let mut by_row = HashMap::<_, Vec<Run>>::new();
        for row in &rows {
            by_row.entry(row_key(row)?).or_default().push(serde_json::from_str(row.try_get("run")?)?);
        }
        Ok(by_row)
    }

    /// All that was finished, whole, so that a benchmark can go on with the rest.
    pub async fn finished(&self, user: &UserId, id: &str) -> Result<Vec<FinishedRow>, StoreError> {
        let mut whole = self.whole_runs(user, id).await?;
        let rows = self.rows(user, id).await?.into_iter();
        let finished = rows.map(|row| FinishedRow {
            runs: whole.remove(&row.key).unwrap_or_default(),
            context_tokens: row.key.context_tokens,
            model: row.key.model,
            warmup: row.warmup,
        });
        Ok(finished.collect())
    }

    async fn whole_runs(&self, user: &UserId, id: &str) -> Result<HashMap<RowKey, Vec<Run>>, StoreError> {
        let rows = sqlx::query(
            "select provider_key, model_id, context_tokens, run, chunk_deltas
             from benchmark_runs where user_id = $1 and benchmark_id = $2",
        )
        .bind(user.as_str())
        .bind(id)
        .fetch_all(self.database.reader())
        .await?;
        let mut by_row = HashMap::<_, Vec<Run>>::new();
        for row in &rows {
            let bare: Run = serde_json::from_str(row.try_get("run")?)?;
            let chunk_deltas_us = serde_json::from_str(row.try_get("chunk_deltas")?)?;
            by_row.entry(row_key(row)?).or_default().push(Run { chunk_deltas_us, ..bare });
        }
        Ok(by_row)
    }

    /// The arrivals of one run's chunks, as in [`Run::chunk_deltas_us`]; `None` when the user has no
    /// such run.
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

/// The run as it is stored, as JSON; the arrivals of its chunks are a column of their own.
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

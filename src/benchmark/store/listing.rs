//! The list columns of ended benchmarks. They are written once, when a benchmark ends, so that a page of the
//! history reads neither rows nor prompts.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{BenchmarkStore, StoreError, unsigned};
use crate::accounts::UserId;
use crate::benchmark::view::{Headline, HistoryResult, RowFigures};
use bench::types::Parameters;

pub(super) const LISTED_ROWS: &str = "
    select head, success_count, error_count, error, avg_tokens_per_second, std_dev_tps, tps_ci_low,
           tps_ci_high, avg_ttft_ms, avg_total_time_s, avg_input_tokens_per_second, avg_output_speed_tps,
           avg_itl_ms, total_cost
    from benchmark_rows where user_id = $1 and benchmark_id = $2 order by position";

/// Selects benchmarks that started before the list columns of parameters existed.
pub(super) const TO_FILL_IN: &str = "select id, user_id from benchmarks where runs is null limit 20";

/// Selects benchmarks that ended before the list columns of results existed.
pub(super) const TO_SUM_UP: &str = "
    select id, user_id from benchmarks
    where headline is null and status in ('complete', 'failed') limit 20";

/// The results as lists show them, as JSON.
pub(super) struct Listing {
    pub headline: String,
    pub results: String,
}

impl Listing {
    /// Calculates the results from the stored rows of one benchmark.
    pub(super) async fn read(
        connection: &mut AnyConnection,
        user: &UserId,
        id: &str,
    ) -> Result<Self, StoreError> {
        let rows = sqlx::query(LISTED_ROWS).bind(user.as_str()).bind(id).fetch_all(connection).await?;
        let results = rows
            .iter()
            .map(|row| Ok(HistoryResult::of(serde_json::from_str(row.try_get("head")?)?, figures(row)?)));
        Self::of(results.collect::<Result<Vec<_>, StoreError>>()?)
    }

    /// Like [`Self::read`], but logs rows that cannot be decoded and returns an empty listing.
    pub(super) async fn read_or_empty(
        connection: &mut AnyConnection,
        user: &UserId,
        id: &str,
    ) -> Result<Self, StoreError> {
        match Self::read(connection, user, id).await {
            Err(StoreError::Value(error)) => {
                tracing::error!(benchmark = id, "its rows cannot be read: {error}");
                Self::of(Vec::new())
            }
            listing => listing,
        }
    }

    /// The headline names the first models that were asked for; scripts take the first result for the fastest.
    fn of(mut results: Vec<HistoryResult>) -> Result<Self, StoreError> {
        let headline = serde_json::to_string(&Headline::of(&results))?;
        HistoryResult::sort_by_speed(&mut results);
        Ok(Self { headline, results: serde_json::to_string(&results)? })
    }

    /// Writes the results and the headline of a benchmark.
    pub(super) async fn write_results(
        &self,
        connection: &mut AnyConnection,
        user: &UserId,
        id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into benchmark_results (benchmark_id, user_id, results)
             select id, user_id, cast($3 as text) from benchmarks where user_id = $1 and id = $2
             on conflict (benchmark_id) do update set results = excluded.results",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(&self.results)
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl BenchmarkStore {
    /// Fills in the list columns of benchmarks that an older version of this program measured. Called when
    /// the server starts; after an interruption the next start continues with the rest.
    ///
    /// # Errors
    /// Fails if the database does. A value that this version cannot decode is logged and listed as empty.
    pub async fn fill_in_lists(&self) -> Result<(), StoreError> {
        loop {
            let batch = self.owners(TO_FILL_IN).await?;
            if batch.is_empty() {
                break;
            }
            for (id, user) in batch {
                self.fill_in_parameters(&user, &id).await?;
            }
        }
        loop {
            let batch = self.owners(TO_SUM_UP).await?;
            if batch.is_empty() {
                return Ok(());
            }
            for (id, user) in batch {
                self.fill_in_results(&user, &id).await?;
            }
        }
    }

    async fn owners(&self, sql: &'static str) -> Result<Vec<(String, UserId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(self.database.reader()).await?;
        Ok(rows.into_iter().map(|(id, user)| (id, UserId::new(user))).collect())
    }

    async fn fill_in_parameters(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let stored: Option<String> = sqlx::query_scalar(
            "select parameters from benchmark_inputs where user_id = $1 and benchmark_id = $2",
        )
        .bind(user.as_str())
        .bind(id)
        .fetch_optional(self.database.reader())
        .await?;
        let parameters = serde_json::from_str(stored.as_deref().unwrap_or_default());
        let parameters: Parameters = parameters.unwrap_or_else(|error| {
            tracing::error!(benchmark = id, "its parameters cannot be read: {error}");
            Parameters { context_tiers: Vec::new(), runs: 0, ..Parameters::default() }
        });
        sqlx::query(
            "update benchmarks set context_tiers = $3, runs = $4, max_tokens = $5, temperature = $6, warmup = $7
             where user_id = $1 and id = $2",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(serde_json::to_string(&parameters.context_tiers)?)
        .bind(i64::from(parameters.runs))
        .bind(i64::from(parameters.max_tokens))
        .bind(parameters.temperature)
        .bind(i64::from(parameters.warmup))
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    async fn fill_in_results(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        let listing = Listing::read_or_empty(&mut transaction, user, id).await?;
        listing.write_results(&mut transaction, user, id).await?;
        sqlx::query("update benchmarks set headline = $3 where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .bind(&listing.headline)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
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

//! Run times of the user's latest benchmarks, for estimates.

use std::collections::HashSet;

use super::{BenchmarkStore, StoreError, unsigned};
use crate::accounts::UserId;
use endpoint::ModelRef;

/// Number of benchmarks that are considered.
const RECENT: i64 = 20;

/// Maximum number of models that are queried one by one; for more models the benchmarks are queried one by
/// one.
const FEW_MODELS: usize = 10;

pub(super) const RECENT_IDS: &str =
    "select id from benchmarks where user_id = $1 and status = 'complete' order by id desc limit $2";

/// The order does not matter, because each model and tier occurs once.
pub(super) const TIMES_OF_A_BENCHMARK: &str = "
    select provider_key, model_id, context_tokens, avg_total_time_s from benchmark_rows
    where user_id = $1 and benchmark_id = $2 and avg_total_time_s is not null";

pub(super) const TIMES_OF_A_MODEL: &str = "
    select context_tokens, avg_total_time_s from benchmark_rows
    where user_id = $1 and provider_key = $2 and model_id = $3 and avg_total_time_s is not null
          and benchmark_id in (
              select id from benchmarks where user_id = $1 and status = 'complete' order by id desc limit $4
          )
    order by benchmark_id desc";

impl BenchmarkStore {
    /// Returns the mean duration of a run in s, for each of these models and tiers in the user's latest
    /// benchmarks, newest first. Includes other tiers of a model at least if its own tier was not measured.
    pub async fn recent_times(
        &self,
        user: &UserId,
        wanted: impl IntoIterator<Item = (ModelRef, u64)>,
    ) -> Result<Vec<(ModelRef, u64, f64)>, StoreError> {
        let mut missing: HashSet<(ModelRef, u64)> = wanted.into_iter().collect();
        let mut times = Vec::new();
        for id in self.recent_ids(user).await? {
            let models: HashSet<&ModelRef> = missing.iter().map(|(model, _)| model).collect();
            if models.len() <= FEW_MODELS {
                for model in models {
                    times.extend(self.times_of_model(user, model).await?);
                }
                break;
            }
            let measured = self.times_of_benchmark(user, &id).await?;
            for (model, tier, _) in &measured {
                missing.remove(&(model.clone(), *tier));
            }
            times.extend(measured);
        }
        Ok(times)
    }

    async fn recent_ids(&self, user: &UserId) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(RECENT_IDS)
            .bind(user.as_str())
            .bind(RECENT)
            .fetch_all(self.database.reader())
            .await
    }

    async fn times_of_benchmark(&self, user: &UserId, id: &str) -> sqlx::Result<Vec<(ModelRef, u64, f64)>> {
        let rows: Vec<(String, String, i64, f64)> = sqlx::query_as(TIMES_OF_A_BENCHMARK)
            .bind(user.as_str())
            .bind(id)
            .fetch_all(self.database.reader())
            .await?;
        let times = rows.into_iter().map(|(provider_key, model_id, tier, seconds)| {
            (ModelRef { provider_key, model_id }, unsigned(tier), seconds)
        });
        Ok(times.collect())
    }

    async fn times_of_model(
        &self,
        user: &UserId,
        model: &ModelRef,
    ) -> sqlx::Result<Vec<(ModelRef, u64, f64)>> {
        let rows: Vec<(i64, f64)> = sqlx::query_as(TIMES_OF_A_MODEL)
            .bind(user.as_str())
            .bind(&model.provider_key)
            .bind(&model.model_id)
            .bind(RECENT)
            .fetch_all(self.database.reader())
            .await?;
        Ok(rows.into_iter().map(|(tier, seconds)| (model.clone(), unsigned(tier), seconds)).collect())
    }
}

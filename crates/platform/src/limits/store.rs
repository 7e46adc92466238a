//! The SQL of the table `rate_limits`, which no other module names.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row};

use super::RateLimit;
use crate::accounts::UserId;
use crate::database::{Database, now_ms};

/// A subquery of statements about `jobs`: how many jobs of the job's user may run at once; null unless an admin
/// has set a number.
pub const MAX_CONCURRENT_OF_JOB: &str =
    "(select max_concurrent from rate_limits where rate_limits.user_id = jobs.user_id)";

const LIMITS: &str = "
    select benchmarks_per_hour, max_concurrent, max_runs_per_benchmark from rate_limits where user_id = $1";

/// Reads and writes the limits of users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RateLimits {
    database: Database,
}

impl FromRow<'_, AnyRow> for RateLimit {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            benchmarks_per_hour: row.try_get("benchmarks_per_hour")?,
            max_concurrent: row.try_get("max_concurrent")?,
            max_runs_per_benchmark: row.try_get("max_runs_per_benchmark")?,
        })
    }
}

impl RateLimits {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Returns the limits that an admin has set for this user, if any.
    pub async fn get(&self, user: &UserId) -> sqlx::Result<Option<RateLimit>> {
        sqlx::query_as(LIMITS).bind(user.as_str()).fetch_optional(self.database.reader()).await
    }

    /// Sets a user's limits; returns false if there is no such user.
    pub async fn set(&self, user: &UserId, limit: &RateLimit) -> sqlx::Result<bool> {
        let set = sqlx::query(
            "insert into rate_limits
                    (user_id, benchmarks_per_hour, max_concurrent, max_runs_per_benchmark, updated_at)
             select id, cast($2 as bigint), cast($3 as bigint), cast($4 as bigint), cast($5 as bigint)
             from users where id = $1 and deleted_at is null
             on conflict (user_id) do update
             set benchmarks_per_hour = excluded.benchmarks_per_hour,
                 max_concurrent = excluded.max_concurrent,
                 max_runs_per_benchmark = excluded.max_runs_per_benchmark,
                 updated_at = excluded.updated_at",
        )
        .bind(user.as_str())
        .bind(limit.benchmarks_per_hour)
        .bind(limit.max_concurrent)
        .bind(limit.max_runs_per_benchmark)
        .bind(now_ms())
        .execute(self.database.writer())
        .await?;
        Ok(set.rows_affected() == 1)
    }
}

/// Returns how many benchmarks an admin allows this user in an hour, if set; for use inside a transaction.
pub async fn benchmarks_per_hour(connection: &mut AnyConnection, user: &UserId) -> sqlx::Result<Option<i64>> {
    let limits: Option<RateLimit> =
        sqlx::query_as(LIMITS).bind(user.as_str()).fetch_optional(connection).await?;
    Ok(limits.map(|limits| limits.benchmarks_per_hour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;

    #[tokio::test]
    async fn a_limit_is_set_and_set_again() {
        for database in testing::databases().await {
            let anna = testing::add_user(&database, "anna").await;
            let store = RateLimits::new(database);
            assert_eq!(store.get(&anna).await.unwrap(), None);
            for max_concurrent in [2, 3] {
                let limit = RateLimit { benchmarks_per_hour: 10, max_concurrent, max_runs_per_benchmark: 5 };
                assert!(store.set(&anna, &limit).await.unwrap());
                assert_eq!(store.get(&anna).await.unwrap(), Some(limit));
            }
            let limit = RateLimit { benchmarks_per_hour: 10, max_concurrent: 1, max_runs_per_benchmark: 5 };
            assert!(!store.set(&UserId::new("nobody"), &limit).await.unwrap());
        }
    }
}

//! Brings the tables up to date. Each statement runs on SQLite and on PostgreSQL.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlStr};

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../../migrations/", $name)))),+]
    };
}

/// All of `migrations/`, oldest first. A released one never changes.
#[rustfmt::skip]
const MIGRATIONS: &[(&str, &str)] = &migrations![
    "0001_providers.sql",
    "0002_accounts.sql",
    "0003_configuration.sql",
    "0004_jobs.sql",
    "0005_benchmarks.sql",
    "0006_password_resets.sql",
    "0007_identities.sql",
    "0008_indexes.sql",
    "0009_jobs.sql",
    "0010_login_failures.sql",
    "0011_large_columns.sql",
    "0012_indexes.sql",
    "0013_deletions.sql",
    "0014_run_notes.sql",
    "0015_reset_makers.sql",
    "0017_proofs.sql",
    "0020_scripts.sql",
];

/// Runs what has not been run yet.
///
/// # Errors
/// When a statement fails, or the tables are of a newer version.
pub async fn run(pool: &AnyPool) -> Result<(), MigrateError> {
    run_first(pool, MIGRATIONS.len()).await
}

/// Runs the first `count`, as a version did that had no more.
async fn run_first(pool: &AnyPool, count: usize) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.iter().take(count).zip(1..).map(|(&(name, sql), version)| {
        let outside_transaction = false;
        let sql = SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, outside_transaction)
    });
    Migrator::with_migrations(migrations.collect()).run(pool).await
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::Executor;

    use super::*;
    use crate::database::testing;

    #[tokio::test]
    async fn large_columns_move_into_tables_of_their_own() {
        for database in testing::without_tables().await {
            run_first(database.writer(), 10).await.unwrap();
            testing::add_user(&database, "anna").await;
            database
                .writer()
                .execute(
                    "insert into benchmarks (id, user_id, status, created_at, prompt_preview, parameters, targets)
                     values ('b', 'anna', 'complete', 1, 'Say', '{\"runs\":3}', '[]');
                     insert into benchmark_rows (benchmark_id, user_id, provider_key, model_id, context_tokens,
                                                 position, head)
                     values ('b', 'anna', 'demo', 'fast', 0, 0, '{}');
                     insert into jobs (id, user_id, job_type, status, params, progress_pct, progress_detail, created_at)
                     values ('j', 'anna', 'benchmark', 'queued', '{\"n\":7}', 0, '', 1),
                            ('k', 'anna', 'benchmark', 'done', 'null', 0, '', 1)",
                )
                .await
                .unwrap();
            run(database.writer()).await.unwrap();
            let inputs: Vec<(String, String, String, String)> =
                sqlx::query_as("select benchmark_id, user_id, parameters, targets from benchmark_inputs")
                    .fetch_all(database.reader())
                    .await
                    .unwrap();
            assert_eq!(inputs, [("b".into(), "anna".into(), "{\"runs\":3}".into(), "[]".into())]);
            let payloads: Vec<(String, String, String)> =
                sqlx::query_as("select job_id, user_id, params from job_payloads")
                    .fetch_all(database.reader())
                    .await
                    .unwrap();
            assert_eq!(payloads, [("j".into(), "anna".into(), "{\"n\":7}".into())]);
            let (rows,): (i64,) = sqlx::query_as("select count(*) from benchmark_rows")
                .fetch_one(database.reader())
                .await
                .unwrap();
            assert_eq!(rows, 1, "changing a table took what belongs to it");
        }
    }

    #[test]
    fn every_migration_is_run() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

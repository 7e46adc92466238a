//! Brings the tables up to date. Each statement runs on SQLite and on PostgreSQL.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlStr};

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../migrations/", $name)))),+]
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
    "0012_ends.sql",
];

/// Runs what has not been run yet.
///
/// # Errors
/// When a statement fails, or the tables are of a newer version.
pub async fn run(pool: &AnyPool) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.iter().zip(1..).map(|(&(name, sql), version)| {
        let outside_transaction = false;
        let sql = SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, outside_transaction)
    });
    Migrator::with_migrations(migrations.collect()).run(pool).await
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_migration_is_run() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

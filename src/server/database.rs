//! Opens the embedded database and brings its tables up to date.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlStr, SqlitePool};

/// All of `migrations/`, oldest first. A released one never changes.
const MIGRATIONS: [(&str, &str); 1] =
    [("0001_providers.sql", include_str!("../../migrations/0001_providers.sql"))];

const FILE_NAME: &str = "studio.db";

/// Opens `studio.db` in `dir`; makes both where they do not exist.
///
/// # Errors
/// When the directory cannot be written, or the file is of a newer version or no database.
pub async fn open(dir: &Path) -> anyhow::Result<SqlitePool> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let file = dir.join(FILE_NAME);
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // With a write-ahead log this loses no committed row when the program crashes.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .with_context(|| format!("cannot open the database {}", file.display()))?;
    migrate(&pool).await.with_context(|| format!("cannot bring {} up to date", file.display()))?;
    Ok(pool)
}

async fn migrate(pool: &SqlitePool) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.iter().zip(1..).map(|(&(name, sql), version)| {
        let outside_transaction = false;
        let sql = SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, outside_transaction)
    });
    Migrator::with_migrations(migrations.collect()).run(pool).await
}

/// A database of its own for one test.
#[cfg(test)]
pub async fn in_memory() -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    // Each connection would have a database of its own.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    migrate(&pool).await?;
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opening_twice_keeps_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let nested = dir.path().join("new/data");
        open(&nested).await.unwrap().close().await;
        let pool = open(&nested).await.unwrap();
        let (mode,): (String,) = sqlx::query_as("pragma journal_mode").fetch_one(&pool).await.unwrap();
        assert_eq!(mode, "wal");
        pool.close().await;
    }

    #[test]
    fn every_migration_is_run() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.map(|(name, _)| name));
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = open(&file.join("data")).await.unwrap_err();
        assert!(format!("{error:#}").contains("cannot make the directory"), "{error:#}");
    }
}

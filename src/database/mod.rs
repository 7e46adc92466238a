//! The database: SQLite in a file of its own, or PostgreSQL where several processes share the work.
//! Rooms keep their SQL in their own `store.rs` and reach it through [`Database`].

pub mod backup;
mod migrations;
pub mod retry;
#[cfg(test)]
pub mod testing;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, SqliteConnection, Transaction};

const FILE_NAME: &str = "studio.db";
const CONNECTIONS: u32 = 8;

/// Sorts after every id: ids are hexadecimal, and in every collation that PostgreSQL may have been set
/// up with digits and `a` to `f` come before `z` (which is not so for punctuation such as `~`). A list
/// without a `before` binds it, so that `id < $2` stays a range of the index.
pub const AFTER_EVERY_ID: &str = "zzzzzzzz";

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum Location {
    /// The directory that holds (or will hold) `studio.db`.
    Sqlite(PathBuf),
    /// `postgres://…`; secret, for it carries a password.
    Postgres(SecretString),
}

/// Which dialect answers. Only what the shared SQL cannot say may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A pool of connections whose tables are up to date. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    location: Location,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

impl Database {
    /// Connects and brings the tables up to date; makes the SQLite file where there is none.
    ///
    /// # Errors
    /// When the directory cannot be written, the server cannot be reached, or the tables are of a
    /// newer version of this program.
    pub async fn open(location: Location) -> anyhow::Result<Self> {
        install_default_drivers();
        let pool = match &location {
            Location::Sqlite(dir) => sqlite_pool(dir).await?,
            Location::Postgres(url) => postgres_pool(url).await?,
        };
        if let Err(error) = migrations::run(&pool).await {
            // Connections that end later would still change the files.
            pool.close().await;
            return Err(error).context("cannot bring the database up to date");
        }
        let database = Self { pool, location };
        database.update_statistics().await.context("cannot analyse the database")?;
        Ok(database)
    }

    /// Renews the statistics of tables and indexes that have changed much since the last time; without
    /// them SQLite chooses the wrong index for several lists. PostgreSQL does this by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_statistics(&self) -> sqlx::Result<()> {
        if self.backend() == Backend::Sqlite {
            // 0x10002: look at all tables, not only at those that this connection has read. It samples
            // (SQLite sets a limit itself), so that large tables take no longer than small ones.
            sqlx::query("pragma optimize = 0x10002").execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Like [`Self::open`], but makes no SQLite file.
    ///
    /// # Errors
    /// Also when there is none.
    pub async fn open_existing(location: Location) -> anyhow::Result<Self> {
        if let Location::Sqlite(dir) = &location {
            let file = dir.join(FILE_NAME);
            ensure!(
                file.is_file(),
                "there is no database {}; set STUDIO_DATA or DATABASE_URL",
                file.display()
            );
        }
        Self::open(location).await
    }

    /// For single statements.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    pub fn backend(&self) -> Backend {
        match self.location {
            Location::Sqlite(_) => Backend::Sqlite,
            Location::Postgres(_) => Backend::Postgres,
        }
    }

    /// A transaction that may write. On SQLite it takes the write lock at once: one that began by
    /// reading could not take it any more once another had written.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        match self.backend() {
            Backend::Sqlite => self.pool.begin_with("begin immediate").await,
            Backend::Postgres => self.pool.begin().await,
        }
    }

    /// A connection that hears PostgreSQL's notifications; `None` on SQLite, where there is only
    /// this process.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn listener(&self) -> sqlx::Result<Option<PgListener>> {
        let Location::Postgres(url) = &self.location else { return Ok(None) };
        let options = PgConnectOptions::from_str(url.expose_secret())?;
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Some(PgListener::connect_with(&pool).await?))
    }

    /// A connection beside the pool, for what belongs to a connection rather than to a transaction.
    ///
    /// # Errors
    /// When the database cannot be opened or reached.
    pub async fn connect(&self) -> sqlx::Result<AnyConnection> {
        AnyConnection::connect_with(&self.pool.connect_options()).await
    }

    /// Lets running statements end and closes every connection.
    pub async fn close(&self) {
        if let Err(error) = self.update_statistics().await {
            tracing::warn!("the statistics of the database could not be renewed: {error}");
        }
        self.pool.close().await;
    }
}

async fn sqlite_pool(dir: &Path) -> anyhow::Result<AnyPool> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let file = dir.join(FILE_NAME);
    let cannot_open = || format!("cannot open the database {}", file.display());
    // The journal mode is kept in the file, so that the pool's connections find it set.
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    SqliteConnection::connect_with(&options).await.with_context(cannot_open)?.close().await?;
    let url = url::Url::from_file_path(std::path::absolute(&file)?)
        .map_err(|()| anyhow::anyhow!("{} is no usable path", file.display()))?;
    let url = url.as_str().replacen("file://", "sqlite://", 1);
    let options = AnyConnectOptions::from_str(&url).with_context(cannot_open)?;
    AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // With a write-ahead log this loses no committed row when the program crashes.
                connection.execute("pragma synchronous = normal").await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .with_context(cannot_open)
}

async fn postgres_pool(url: &SecretString) -> anyhow::Result<AnyPool> {
    let options = AnyConnectOptions::from_str(url.expose_secret()).map_err(|_| {
        // The error would repeat the address, and with it the password.
        anyhow::anyhow!("DATABASE_URL is no usable address; write postgres://user:password@host/database")
    })?;
    // A pool would try for half a minute before it says that nobody answers.
    AnyConnection::connect_with(&options)
        .await
        .context("cannot reach the PostgreSQL server that DATABASE_URL names")?
        .close()
        .await?;
    Ok(AnyPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?)
}

/// Now, in Unix milliseconds, as every table keeps time.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// A new id: a UUIDv7, so that ids sort by age.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opening_twice_keeps_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let nested = Location::Sqlite(dir.path().join("new & odd %/data"));
        Database::open(nested.clone()).await.unwrap().close().await;
        let database = Database::open(nested).await.unwrap();
        let (mode,): (String,) =
            sqlx::query_as("pragma journal_mode").fetch_one(database.pool()).await.unwrap();
        assert_eq!(mode, "wal");
        database.close().await;
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Database::open(Location::Sqlite(file.join("data"))).await.unwrap_err();
        assert!(format!("{error:#}").contains("cannot make the directory"), "{error:#}");
    }

    #[tokio::test]
    async fn a_password_is_in_no_error() {
        let url = "postgres://studio:hunter2@127.0.0.1:9/none";
        let error = Database::open(Location::Postgres(url.into())).await.unwrap_err();
        assert!(!format!("{error:#?}").contains("hunter2"), "{error:#}");
    }

    #[tokio::test]
    async fn values_keep_their_types_on_both() {
        for database in testing::databases().await {
            let row: (i64, f64, String, Option<i64>, Option<String>) = sqlx::query_as(
                "select cast($1 as bigint), cast($2 as double precision), cast($3 as text),
                        cast($4 as bigint), cast($5 as text)",
            )
            .bind(i64::MAX)
            .bind(0.1_f64)
            .bind("ä")
            .bind(None::<i64>)
            .bind(None::<String>)
            .fetch_one(database.pool())
            .await
            .unwrap();
            assert_eq!(row, (i64::MAX, 0.1, "ä".to_owned(), None, None));
        }
    }
}

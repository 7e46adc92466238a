//! The database: SQLite in a file of its own, or PostgreSQL where several processes share the work.
//! Modules keep their SQL in their own `store.rs` and reach it through [`Database`].

pub mod backup;
pub mod maintenance;
mod migrations;
pub mod private_files;
#[cfg(any(test, feature = "testing"))]
pub mod query_plans;
pub mod retry;
mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Transaction};

const FILE_NAME: &str = "studio.db";

/// Connections to PostgreSQL, and those that read a SQLite file; one more writes it.
const CONNECTIONS: u32 = 8;

/// How long a statement waits for a connection before it fails with [`sqlx::Error::PoolTimedOut`], which
/// users are told as "the database is busy".
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

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

/// Connections to a database whose tables are up to date. Cheap to clone.
///
/// A task that holds a writing connection or a transaction must not wait for another one: with SQLite
/// there is only one.
#[derive(Clone)]
pub struct Database {
    writer: AnyPool,
    reader: AnyPool,
    location: Location,
    /// The directory of a database that a test made for itself.
    #[cfg(any(test, feature = "testing"))]
    _files: Option<std::sync::Arc<tempfile::TempDir>>,
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
        let database = Self::connect_pools(location).await?;
        if let Err(error) = migrations::run(&database.writer).await {
            // Connections that end later would still change the files.
            database.close_connections().await;
            return Err(error).context("cannot bring the database up to date");
        }
        database.update_statistics().await.context("cannot analyse the database")?;
        Ok(database)
    }

    async fn connect_pools(location: Location) -> anyhow::Result<Self> {
        install_default_drivers();
        let (writer, reader) = match &location {
            Location::Sqlite(dir) => {
                let sqlite::Pools { writer, reader } = sqlite::open(dir).await?;
                (writer, reader)
            }
            Location::Postgres(url) => {
                let pool = postgres_pool(url).await?;
                (pool.clone(), pool)
            }
        };
        Ok(Self {
            writer,
            reader,
            location,
            #[cfg(any(test, feature = "testing"))]
            _files: None,
        })
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
            sqlx::query("pragma optimize = 0x10002").execute(&self.writer).await?;
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

    /// Empties SQLite's write-ahead log into the file. Returns false when a reader still needs a part of
    /// it; that part stays for now. PostgreSQL does this by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> sqlx::Result<bool> {
        match self.backend() {
            Backend::Sqlite => sqlite::checkpoint(&self.writer).await,
            Backend::Postgres => Ok(true),
        }
    }

    /// Gives up to `pages` unused pages of the SQLite file back to the file system; returns whether there
    /// may be more. PostgreSQL does this by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_pages(&self, pages: u32) -> sqlx::Result<bool> {
        match self.backend() {
            Backend::Sqlite => sqlite::release_pages(&self.writer, pages).await,
            Backend::Postgres => Ok(false),
        }
    }

    /// For single statements that only read. They see all that was committed before them, and wait for
    /// no writer. SQLite refuses to write here.
    pub fn reader(&self) -> &AnyPool {
        &self.reader
    }

    /// For single statements that write. With SQLite they are run one after the other, in the order in
    /// which they came.
    pub fn writer(&self) -> &AnyPool {
        &self.writer
    }

    pub fn backend(&self) -> Backend {
        match self.location {
            Location::Sqlite(_) => Backend::Sqlite,
            Location::Postgres(_) => Backend::Postgres,
        }
    }

    /// A transaction that may write. On SQLite it takes the write lock at once: one that began by
    /// reading could not take it any more once another process had written.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        match self.backend() {
            Backend::Sqlite => self.writer.begin_with("begin immediate").await,
            Backend::Postgres => self.writer.begin().await,
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

    /// A connection to PostgreSQL beside the pool, for what belongs to a connection rather than to a
    /// transaction; `None` on SQLite, where it would be a second writer.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(&self) -> sqlx::Result<Option<AnyConnection>> {
        match self.backend() {
            Backend::Sqlite => Ok(None),
            Backend::Postgres => AnyConnection::connect_with(&self.writer.connect_options()).await.map(Some),
        }
    }

    /// Lets running statements end and closes every connection.
    pub async fn close(&self) {
        if let Err(error) = self.update_statistics().await {
            tracing::warn!("the statistics of the database could not be renewed: {error}");
        }
        self.close_connections().await;
    }

    /// The writer goes last: with the last connection SQLite empties the write-ahead log.
    async fn close_connections(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
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
    let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
    Ok(pool.connect_with(options).await?)
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
mod tests;

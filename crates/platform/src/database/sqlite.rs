//! How a SQLite file is opened: one connection writes, several only read.
//!
//! SQLite has one write lock for the whole file, and connections that wait for it try again now and then
//! in no order. With a single writing connection they wait in the pool's queue instead, first come, first
//! served, and a page never waits behind them: readers see the last commit whatever is being written.

use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AnyConnection, AnyPool, Connection, Executor, SqliteConnection};

use super::{ACQUIRE_TIMEOUT, CONNECTIONS, FILE_NAME, private_files};

/// How long a statement waits for a lock of another process: a command such as `llm-studio user`, or a
/// backup. Within the server only one connection writes.
const BUSY_TIMEOUT_MS: u32 = 5_000;

/// The write-ahead log is cut to this many bytes when it is written from its beginning again.
pub const JOURNAL_SIZE_LIMIT: u64 = 64 << 20;

/// Settings of each connection, for none of them is kept in the file.
const PRAGMAS: &[&str] = &[
    // Nothing of a deleted user or benchmark is left in other tables.
    "foreign_keys = on",
    // With a write-ahead log a crash of the program loses no committed row. A power failure may lose the
    // last commits, but leaves the file whole; `full` would wait for the disk at each result.
    "synchronous = normal",
    // KiB (negative) per connection, taken as it is used: the upper levels of the indexes stay in memory.
    "cache_size = -4096",
    // No memory-mapped file: an I/O error of the disk would end the process instead of failing a statement.
    "mmap_size = 0",
    // What a statement sorts stays in memory; lists are pages and have little to sort.
    "temp_store = memory",
];

/// Settings of the connection that writes.
const WRITER_PRAGMAS: &[&str] = &[
    // Pages of 4 KiB: after 4 MiB a commit copies the log into the file as far as no reader needs it.
    "wal_autocheckpoint = 1000",
];

/// The two pools of one file.
pub(super) struct Pools {
    pub writer: AnyPool,
    pub reader: AnyPool,
}

/// Opens `studio.db` in `dir`, and makes both where they are not there yet.
pub(super) async fn open(dir: &Path) -> anyhow::Result<Pools> {
    private_files::create_dir(dir)
        .with_context(|| format!("cannot create the directory {}", dir.display()))?;
    let file = dir.join(FILE_NAME);
    let cannot_open = || format!("cannot open the database {}", file.display());
    // SQLite gives its log and its index of the log the mode of this file.
    private_files::open(&file)
        .and_then(|_| private_files::warn_if_readable(&file))
        .with_context(cannot_open)?;
    create(&file).await.with_context(cannot_open)?;
    let writer = pool(&file, Access::Write).await.with_context(cannot_open)?;
    let reader = pool(&file, Access::Read).await.with_context(cannot_open)?;
    Ok(Pools { writer, reader })
}

/// Makes the file with what is kept in it: the journal mode, and that deleted pages can be given back in
/// small steps. An older file keeps its way of reusing them; only a `vacuum`, which locks it for long,
/// would change that.
async fn create(file: &Path) -> sqlx::Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal);
    SqliteConnection::connect_with(&options).await?.close().await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

async fn pool(file: &Path, access: Access) -> anyhow::Result<AnyPool> {
    let url = url::Url::from_file_path(std::path::absolute(file)?)
        .map_err(|()| anyhow::anyhow!("{} is no usable path", file.display()))?;
    let mut url = url.as_str().replacen("file://", "sqlite://", 1);
    if access == Access::Read {
        url.push_str("?mode=ro");
    }
    let connections = if access == Access::Write { 1 } else { CONNECTIONS };
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| Box::pin(configure(connection, access)))
        .connect_with(AnyConnectOptions::from_str(&url)?)
        .await?;
    Ok(pool)
}

async fn configure(connection: &mut AnyConnection, access: Access) -> sqlx::Result<()> {
    let mut pragmas: Vec<String> = PRAGMAS.iter().map(ToString::to_string).collect();
    pragmas.push(format!("busy_timeout = {BUSY_TIMEOUT_MS}"));
    match access {
        Access::Write => {
            pragmas.extend(WRITER_PRAGMAS.iter().map(ToString::to_string));
            pragmas.push(format!("journal_size_limit = {JOURNAL_SIZE_LIMIT}"));
        }
        // Says so in the error when a statement that writes is sent to a reader.
        Access::Read => pragmas.push("query_only = on".to_owned()),
    }
    for pragma in pragmas {
        connection.execute(sqlx::AssertSqlSafe(format!("pragma {pragma}"))).await?;
    }
    Ok(())
}

/// Copies the write-ahead log into the file and empties it. Where a reader still needs a part of the log,
/// copies what it can, without waiting for that reader, and returns false.
pub(super) async fn checkpoint(writer: &AnyPool) -> sqlx::Result<bool> {
    let mut connection = writer.acquire().await?;
    // This connection is the only one that writes: nobody shall wait for a long read with it.
    connection.execute("pragma busy_timeout = 0").await?;
    let done: sqlx::Result<(i64, i64, i64)> =
        sqlx::query_as("pragma wal_checkpoint(truncate)").fetch_one(&mut *connection).await;
    let restore = format!("pragma busy_timeout = {BUSY_TIMEOUT_MS}");
    connection.execute(sqlx::AssertSqlSafe(restore)).await?;
    let (is_busy, ..) = done?;
    Ok(is_busy == 0)
}

/// Gives up to `pages` unused pages back to the file system; returns whether there may be more. Does
/// nothing to a file that was made before pages could be given back.
pub(super) async fn release_pages(writer: &AnyPool, pages: u32) -> sqlx::Result<bool> {
    let mut connection = writer.acquire().await?;
    let unused = async |connection: &mut AnyConnection| -> sqlx::Result<i64> {
        sqlx::query_scalar("pragma freelist_count").fetch_one(connection).await
    };
    let before = unused(&mut connection).await?;
    connection.execute(sqlx::AssertSqlSafe(format!("pragma incremental_vacuum({pages})"))).await?;
    let after = unused(&mut connection).await?;
    Ok(after > 0 && after < before)
}

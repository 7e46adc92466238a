//! Opening, one writer and several readers, and the write-ahead log.

use super::*;

#[tokio::test]
async fn opening_twice_keeps_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let nested = Location::Sqlite(dir.path().join("new & odd %/data"));
    Database::open(nested.clone()).await.unwrap().close().await;
    let database = Database::open(nested).await.unwrap();
    let (mode,): (String,) =
        sqlx::query_as("pragma journal_mode").fetch_one(database.reader()).await.unwrap();
    assert_eq!(mode, "wal");
    database.close().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Database::open(Location::Sqlite(file.join("data"))).await.unwrap_err();
    assert!(format!("{error:#}").contains("cannot create the directory"), "{error:#}");
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let database = Database::open(Location::Sqlite(data.clone())).await.unwrap();
    add_setting(database.writer(), "any", 10).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "the database, its log and the index of the log: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    database.close().await;
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
        .fetch_one(database.reader())
        .await
        .unwrap();
        assert_eq!(row, (i64::MAX, 0.1, "ä".to_owned(), None, None));
    }
}

/// A directory with a database, each connection as the server has it.
async fn sqlite_file() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(Location::Sqlite(dir.path().to_owned())).await.unwrap();
    (dir, database)
}

async fn add_setting(executor: impl sqlx::Executor<'_, Database = Any>, name: &str, bytes: usize) {
    sqlx::query("insert into settings (name, value, updated_at) values ($1, $2, 0)")
        .bind(name)
        .bind("x".repeat(bytes))
        .execute(executor)
        .await
        .unwrap();
}

async fn count_settings(executor: impl sqlx::Executor<'_, Database = Any>) -> i64 {
    sqlx::query_scalar("select count(*) from settings").fetch_one(executor).await.unwrap()
}

#[tokio::test]
async fn a_reader_refuses_to_write_and_sees_what_is_committed() {
    let database = testing::sqlite().await;
    let insert = "insert into settings (name, value, updated_at) values ('a', '', 0)";
    let error = sqlx::query(insert).execute(database.reader()).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
    // Also of a statement that returns rows: it is over when its caller goes on.
    let name: String = sqlx::query_scalar(
        "insert into settings (name, value, updated_at) values ('b', '', 0) returning name",
    )
    .fetch_one(database.writer())
    .await
    .unwrap();
    assert_eq!((name.as_str(), count_settings(database.reader()).await), ("b", 1));
}

#[tokio::test]
async fn pages_are_read_while_one_transaction_writes_and_eight_more_wait() {
    let database = testing::sqlite().await;
    let mut writing = database.begin().await.unwrap();
    add_setting(&mut *writing, "first", 1).await;
    let mut waiting: Vec<_> = (0..8)
        .map(|n| {
            let database = &database;
            Box::pin(async move { add_setting(database.writer(), &n.to_string(), 1).await })
        })
        .collect();
    for writer in &mut waiting {
        assert!(futures::poll!(writer).is_pending());
    }
    assert_eq!(count_settings(database.reader()).await, 0);
    for writer in &mut waiting {
        assert!(futures::poll!(writer).is_pending(), "the page was read after the writers only");
    }
    writing.commit().await.unwrap();
    futures::future::join_all(waiting).await;
    let written: Vec<String> = sqlx::query_scalar("select name from settings order by rowid")
        .fetch_all(database.reader())
        .await
        .unwrap();
    assert_eq!(written, ["first", "0", "1", "2", "3", "4", "5", "6", "7"], "in the order in which they came");
}

#[tokio::test]
async fn the_write_ahead_log_is_bounded_after_a_long_read() {
    let (dir, database) = sqlite_file().await;
    let log_bytes = || std::fs::metadata(dir.path().join("studio.db-wal")).unwrap().len();
    let mut reading = database.reader().begin().await.unwrap();
    assert_eq!(count_settings(&mut *reading).await, 0);
    for n in 0..4_000 {
        add_setting(database.writer(), &n.to_string(), 20_000).await;
    }
    assert!(log_bytes() > sqlite::JOURNAL_SIZE_LIMIT, "{}", log_bytes());
    assert!(!database.checkpoint().await.unwrap(), "the reader still needs it");
    assert_eq!(count_settings(&mut *reading).await, 0);
    reading.rollback().await.unwrap();
    // The next commits write the log from its beginning, and cut it.
    for n in 0..2 {
        add_setting(database.writer(), &format!("after {n}"), 5_000_000).await;
    }
    assert!(log_bytes() <= sqlite::JOURNAL_SIZE_LIMIT, "{}", log_bytes());
    assert!(database.checkpoint().await.unwrap());
    assert_eq!(log_bytes(), 0);
    database.close().await;
}

#[tokio::test]
async fn deleted_pages_are_given_back_step_by_step() {
    let (dir, database) = sqlite_file().await;
    for n in 0..10 {
        add_setting(database.writer(), &n.to_string(), 1_000_000).await;
    }
    sqlx::query("delete from settings").execute(database.writer()).await.unwrap();
    let mut steps = 0;
    while database.release_pages(500).await.unwrap() {
        steps += 1;
    }
    assert!(steps > 2, "{steps}");
    database.close().await;
    let bytes = std::fs::metadata(dir.path().join("studio.db")).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes}");
}

#[tokio::test]
async fn every_connection_has_its_settings() {
    let database = testing::sqlite().await;
    let setting = async |pool: &AnyPool, name: &str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("pragma {name}"));
        sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
    };
    for pool in [database.reader(), database.writer()] {
        for (name, value) in [
            ("foreign_keys", 1),
            ("synchronous", 1),
            ("busy_timeout", 5_000),
            ("cache_size", -4096),
            ("temp_store", 2),
            ("auto_vacuum", 2),
        ] {
            assert_eq!(setting(pool, name).await, value, "{name}");
        }
    }
    assert_eq!(setting(database.reader(), "query_only").await, 1);
    assert_eq!(setting(database.writer(), "query_only").await, 0);
    assert_eq!(setting(database.writer(), "journal_size_limit").await, 64 << 20);
    assert_eq!(setting(database.writer(), "wal_autocheckpoint").await, 1000);
}

//! Backups under load, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::database::{new_id, testing};

async fn open(dir: &Path) -> Database {
    Database::open(Location::Sqlite(dir.to_owned())).await.unwrap()
}

/// Names and values, which writers add two at a time.
async fn settings(database: &Database) -> Vec<(String, String)> {
    sqlx::query_as("select name, value from settings order by name")
        .fetch_all(database.reader())
        .await
        .unwrap()
}

async fn add_pair(database: &Database) {
    let mut transaction = database.begin().await.unwrap();
    let id = new_id();
    for side in ["left", "right"] {
        sqlx::query("insert into settings (name, value, updated_at) values ($1, $2, 0)")
            .bind(format!("{id} {side}"))
            .bind(&id)
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_writes_is_one_moment_of_the_database() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = open(data.path()).await;
    testing::add_user(&database, "anna").await;
    for _ in 0..20 {
        add_pair(&database).await;
    }
    let before = settings(&database).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (database, stop) = (database.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    add_pair(&database).await;
                }
            })
        })
        .collect();
    let file = other.path().join("backup.db");
    back_up(data.path(), &file).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let after = settings(&database).await;

    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1, "only the backup is left");
    let restored = other.path().join("restored");
    restore(&file, &restored).await.unwrap();
    let copy = open(&restored).await;
    let kept = settings(&copy).await;
    assert!(before.iter().all(|row| kept.contains(row)), "what was written before is in it");
    assert!(kept.iter().all(|row| after.contains(row)), "nothing else is in it");
    assert_eq!(kept.len() % 2, 0, "no transaction is in it by half");
    let users: Vec<(String,)> =
        sqlx::query_as("select id from users").fetch_all(copy.reader()).await.unwrap();
    assert_eq!(users, [("anna".to_owned(),)]);
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let data = tempfile::tempdir().unwrap();
    open(data.path()).await.close().await;
    let file = data.path().join("mine");
    fs::write(&file, "precious").unwrap();
    let error = back_up(data.path(), &file).await.unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let error = restore(&file, data.path()).await.unwrap_err().to_string();
    assert!(error.contains("studio.db is there already; move it away first"), "{error}");
}

#[tokio::test]
async fn where_nothing_is_nothing_is_made() {
    let empty = tempfile::tempdir().unwrap();
    let error = back_up(empty.path(), &empty.path().join("copy")).await.unwrap_err().to_string();
    assert!(error.contains("there is no database"), "{error}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (text, foreign) = (dir.path().join("text"), dir.path().join("foreign.db"));
    fs::write(&text, "no database at all, but long enough to look at".repeat(40)).unwrap();
    let options = SqliteConnectOptions::new().filename(&foreign).create_if_missing(true);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("create table things (id text)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    for file in [text, foreign, dir.path().join("none")] {
        let data = dir.path().join("data");
        let error = restore(&file, &data).await.unwrap_err();
        assert!(error.to_string().contains("is no backup of this program"), "{error:#}");
        assert!(!data.join(FILE_NAME).exists(), "{}", file.display());
    }
}

#[tokio::test]
async fn a_backup_of_a_newer_version_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (old, data) = (dir.path().join("old"), dir.path().join("data"));
    fs::create_dir(&old).unwrap();
    let database = open(&old).await;
    let good = dir.path().join("good.db");
    back_up(&old, &good).await.unwrap();
    sqlx::query("update _sqlx_migrations set version = 9999 where version = 1")
        .execute(database.writer())
        .await
        .unwrap();
    let newer = dir.path().join("newer.db");
    back_up(&old, &newer).await.unwrap();
    restore(&newer, &data).await.unwrap_err();
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "files of the failed attempt are left");
    restore(&good, &data).await.unwrap();
}

#[test]
fn a_file_that_is_not_kept_takes_the_log_of_its_database_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = NewFile::reserve(&dir.path().join(FILE_NAME)).unwrap();
    for suffix in ["-wal", "-shm"] {
        fs::write(with_suffix(file.path(), suffix), "left").unwrap();
    }
    drop(file);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

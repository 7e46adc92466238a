//! Reads all rows of one user and the shared tables as text, to detect changes.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::accounts::UserId;
use crate::database::{Backend, Database};

/// Tables without an owner, which only admins may change.
const SHARED_TABLES: [&str; 2] = ["settings", "invitations"];

/// Rows by table, sorted.
pub(super) type Record = BTreeMap<String, Vec<String>>;

/// Reads the user's rows and the shared tables.
pub(super) async fn of(database: &Database, user: &UserId) -> Record {
    let mut record = BTreeMap::new();
    for table in SHARED_TABLES {
        let row = row(database, table).await;
        let sql = AssertSqlSafe(format!("select {row} as line from {table} order by 1"));
        let rows = sqlx::query_scalar(sql).fetch_all(database.reader()).await.unwrap();
        record.insert(table.to_owned(), rows);
    }
    for table in tables(database).await {
        let key = if table == "users" { "id" } else { "user_id" };
        let row = row(database, &table).await;
        let sql = format!("select {row} as line from {table} where {key} = $1 order by 1");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(user.as_str())
            .fetch_all(database.reader())
            .await
            .unwrap();
        record.insert(table, rows);
    }
    record
}

/// Asserts that both are equal; names the tables that differ.
#[track_caller]
pub(super) fn assert_unchanged(before: &Record, after: &Record) {
    for (table, rows) in before {
        assert_eq!(after.get(table), Some(rows), "{table} was changed; right: before");
    }
}

async fn tables(database: &Database) -> Vec<String> {
    let sql = match database.backend() {
        Backend::Sqlite => {
            "select t.name from sqlite_master t, pragma_table_info(t.name) c
             where t.type = 'table' and (c.name = 'user_id' or (t.name = 'users' and c.name = 'id'))"
        }
        Backend::Postgres => {
            "select cast(table_name as text) from information_schema.columns
             where table_schema = current_schema()
               and (column_name = 'user_id' or (table_name = 'users' and column_name = 'id'))"
        }
    };
    sqlx::query_scalar(sql).fetch_all(database.reader()).await.unwrap()
}

/// Returns an SQL expression for a whole row of the table.
async fn row(database: &Database, table: &str) -> String {
    if database.backend() == Backend::Postgres {
        return format!("cast({table} as text)");
    }
    let columns: Vec<String> = sqlx::query_scalar("select name from pragma_table_info($1)")
        .bind(table)
        .fetch_all(database.reader())
        .await
        .unwrap();
    columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || '|' || ")
}

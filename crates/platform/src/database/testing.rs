//! Databases for tests: each empty and its own. PostgreSQL is among them when `TEST_DATABASE_URL`
//! names a server, as it does under `make test`.

#![allow(clippy::unwrap_used)]

use secrecy::SecretString;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection, Executor};
use std::sync::Arc;

use crate::accounts::UserId;

use super::{Database, Location, new_id};

/// One of each backend that can be tested here.
pub async fn databases() -> Vec<Database> {
    let mut databases = vec![sqlite().await];
    databases.extend(postgres().await);
    databases
}

/// A user to whom rows can belong.
pub async fn add_user(database: &Database, id: &str) -> UserId {
    sqlx::query(
        "insert into users (id, email, password_hash, role, created_at) values ($1, $2, '', 'user', 0)",
    )
    .bind(id)
    .bind(format!("{id}@example.org"))
    .execute(database.writer())
    .await
    .unwrap();
    UserId::new(id)
}

/// An admin to whom rows can belong.
pub async fn add_admin(database: &Database, id: &str) -> UserId {
    let user = add_user(database, id).await;
    sqlx::query("update users set role = 'admin' where id = $1")
        .bind(id)
        .execute(database.writer())
        .await
        .unwrap();
    user
}

/// An empty SQLite database in a directory of its own, which goes with it.
pub async fn sqlite() -> Database {
    let files = tempfile::tempdir().unwrap();
    let database = Database::open(Location::Sqlite(files.path().to_owned())).await.unwrap();
    Database { _files: Some(Arc::new(files)), ..database }
}

/// One of each backend, whose tables are still to be made.
pub async fn without_tables() -> Vec<Database> {
    let files = tempfile::tempdir().unwrap();
    let sqlite = Database::connect_pools(Location::Sqlite(files.path().to_owned())).await.unwrap();
    let mut databases = vec![Database { _files: Some(Arc::new(files)), ..sqlite }];
    if let Some(schema) = postgres_schema().await {
        databases.push(Database::connect_pools(Location::Postgres(schema)).await.unwrap());
    }
    databases
}

/// An empty schema of the server that `TEST_DATABASE_URL` names.
pub async fn postgres() -> Option<Database> {
    Some(Database::open(Location::Postgres(postgres_schema().await?)).await.unwrap())
}

/// The address of a new empty schema, for tests that start processes of their own.
pub async fn postgres_schema() -> Option<SecretString> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    install_default_drivers();
    let schema = format!("test_{}", new_id().replace('-', ""));
    let mut connection = AnyConnection::connect(&server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("create schema {schema}"))).await.unwrap();
    connection.close().await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{separator}options=-csearch_path%3D{schema}").into())
}

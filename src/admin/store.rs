//! The SQL of what admins see.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::types::UserRow;
use crate::accounts::{Role, UserId};
use crate::database::Database;

/// Reads users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminStore {
    database: Database,
}

impl FromRow<'_, AnyRow> for UserRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let role: String = row.try_get("role")?;
        Ok(Self {
            id: UserId::new(row.try_get::<String, _>("id")?),
            email: row.try_get("email")?,
            role: if role == Role::Admin.as_str() { Role::Admin } else { Role::User },
            created_at: row.try_get("created_at")?,
            last_login: row.try_get("last_login")?,
            benchmark_count: row.try_get("benchmark_count")?,
            key_count: row.try_get("key_count")?,
        })
    }
}

macro_rules! select_users {
    () => {
        "select u.id, u.email, u.role, u.created_at, u.last_login,
                (select count(*) from benchmarks b where b.user_id = u.id) as benchmark_count,
                (select count(*) from provider_keys k where k.user_id = u.id) as key_count
         from users u where u.deleted_at is null"
    };
}

const USERS: &str = concat!(select_users!(), " and u.id > $1 order by u.id limit $2");

impl AdminStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// At most `limit` users, oldest first, beginning after `after`.
    pub async fn users(&self, after: Option<&UserId>, limit: i64) -> sqlx::Result<Vec<UserRow>> {
        sqlx::query_as(USERS)
            .bind(after.map_or("", UserId::as_str))
            .bind(limit)
            .fetch_all(self.database.reader())
            .await
    }

    pub async fn user(&self, user: &UserId) -> sqlx::Result<Option<UserRow>> {
        sqlx::query_as(concat!(select_users!(), " and u.id = $1"))
            .bind(user.as_str())
            .fetch_optional(self.database.reader())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::query_plans::{Sorts, assert_read_by_index, bound, fill};
    use crate::database::testing;

    #[tokio::test]
    async fn the_list_of_users_reads_by_an_index() {
        for database in testing::databases().await {
            fill(&database).await;
            let page = bound(USERS, &["'00000250'", "50"]);
            assert_read_by_index(&database, Sorts::Nothing, &[page]).await;
        }
    }

    #[tokio::test]
    async fn users_come_in_pages() {
        for database in testing::databases().await {
            for id in ["a", "b", "c"] {
                testing::add_user(&database, id).await;
            }
            let store = AdminStore::new(database);
            let names = async |after: Option<&str>| {
                let page = store.users(after.map(UserId::new).as_ref(), 2).await.unwrap();
                page.into_iter().map(|user| user.id.to_string()).collect::<Vec<_>>()
            };
            assert_eq!(names(None).await, ["a", "b"]);
            assert_eq!(names(Some("b")).await, ["c"]);
        }
    }

    #[tokio::test]
    async fn a_user_whose_deletion_has_begun_is_not_listed() {
        for database in testing::databases().await {
            for id in ["a", "b"] {
                testing::add_user(&database, id).await;
            }
            let deletion = "update users set deleted_at = 1 where id = 'b'";
            sqlx::query(deletion).execute(database.writer()).await.unwrap();
            let store = AdminStore::new(database);
            let listed = store.users(None, 9).await.unwrap();
            assert_eq!(listed.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["a"]);
            assert_eq!(store.user(&UserId::new("b")).await.unwrap(), None);
        }
    }
}

//! What belongs to the whole installation, as names and values.

use crate::database::{Database, now_ms};

/// The SQL of the installation's settings.
#[derive(Debug, Clone)]
pub struct SettingsStore {
    database: Database,
}

impl SettingsStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    pub async fn get(&self, name: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar("select value from settings where name = $1")
            .bind(name)
            .fetch_optional(self.database.pool())
            .await
    }

    /// Sets what nobody has set yet. Of several at once one wins; all get the winner's value.
    pub async fn get_or_insert(&self, name: &str, value: &str) -> sqlx::Result<String> {
        sqlx::query(
            "insert into settings (name, value, updated_at) values ($1, $2, $3) on conflict (name) do nothing",
        )
        .bind(name)
        .bind(value)
        .bind(now_ms())
        .execute(self.database.pool())
        .await?;
        sqlx::query_scalar("select value from settings where name = $1")
            .bind(name)
            .fetch_one(self.database.pool())
            .await
    }

    pub async fn put(&self, name: &str, value: &str) -> sqlx::Result<()> {
        sqlx::query(
            "insert into settings (name, value, updated_at) values ($1, $2, $3)
             on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
        )
        .bind(name)
        .bind(value)
        .bind(now_ms())
        .execute(self.database.pool())
        .await?;
        Ok(())
    }

    pub async fn delete(&self, name: &str) -> sqlx::Result<()> {
        sqlx::query("delete from settings where name = $1").bind(name).execute(self.database.pool()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;

    #[tokio::test]
    async fn the_first_to_insert_wins_and_put_replaces() {
        for database in testing::databases().await {
            let settings = SettingsStore::new(database);
            assert_eq!(settings.get("a").await.unwrap(), None);
            assert_eq!(settings.get_or_insert("a", "1").await.unwrap(), "1");
            assert_eq!(settings.get_or_insert("a", "2").await.unwrap(), "1");
            settings.put("a", "3").await.unwrap();
            assert_eq!(settings.get("a").await.unwrap().as_deref(), Some("3"));
            settings.delete("a").await.unwrap();
            assert_eq!(settings.get("a").await.unwrap(), None);
        }
    }
}

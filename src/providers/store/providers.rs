//! Writes the table `providers`.

use super::rows::protocol_name;
use super::{ProviderStore, StoreError, models};
use crate::accounts::UserId;
use crate::database::new_id;
use crate::providers::settings::ProviderSettings;
use endpoint::types::Model;

impl ProviderStore {
    /// Adds a provider with its models behind the user's others. `None` when its key is taken.
    pub async fn insert(
        &self,
        user: &UserId,
        settings: &ProviderSettings,
        listed: &[Model],
        now_ms: i64,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let provider = &settings.provider;
        let id: Option<String> = sqlx::query_scalar(
            "insert into providers
                 (id, user_id, key, display_name, kind, protocol, base_url, headers, model_prefix, key_env,
                  direct_local, enabled, position, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                 (select coalesce(max(position), -1) + 1 from providers where user_id = $2), $13, $13)
             on conflict (user_id, key) do nothing returning id",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(&provider.key)
        .bind(&provider.display_name)
        .bind(provider.kind.facts().key)
        .bind(protocol_name(provider.protocol)?)
        .bind(&provider.base_url)
        .bind(serde_json::to_string(&provider.headers)?)
        .bind(settings.model_prefix.as_deref())
        .bind(settings.key_env.as_deref())
        .bind(i64::from(settings.direct_local))
        .bind(i64::from(settings.enabled))
        .bind(now_ms)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(id) = &id {
            models::append(&mut transaction, user, id, listed, now_ms).await?;
        }
        transaction.commit().await?;
        Ok(id)
    }

    /// Changes everything but the key by which users name it. False when the user has no such provider.
    pub async fn update(
        &self,
        user: &UserId,
        id: &str,
        settings: &ProviderSettings,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let provider = &settings.provider;
        let done = sqlx::query(
            "update providers set display_name = $3, kind = $4, protocol = $5, base_url = $6, headers = $7,
                 model_prefix = $8, key_env = $9, direct_local = $10, enabled = $11, updated_at = $12, seeded = 0
             where user_id = $1 and id = $2",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(&provider.display_name)
        .bind(provider.kind.facts().key)
        .bind(protocol_name(provider.protocol)?)
        .bind(&provider.base_url)
        .bind(serde_json::to_string(&provider.headers)?)
        .bind(settings.model_prefix.as_deref())
        .bind(settings.key_env.as_deref())
        .bind(i64::from(settings.direct_local))
        .bind(i64::from(settings.enabled))
        .bind(now_ms)
        .execute(self.database.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Marks the user's providers as added at registration.
    pub async fn mark_seeded(&self, user: &UserId) -> Result<(), StoreError> {
        sqlx::query("update providers set seeded = 1 where user_id = $1")
            .bind(user.as_str())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Returns the id of the provider with this key if it was added at registration and not changed since, nor
    /// given an API key.
    pub async fn seeded(&self, user: &UserId, key: &str) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar(
            "select id from providers where user_id = $1 and key = $2 and seeded = 1 and shared_as is null
                 and not exists (select 1 from provider_keys where provider_id = providers.id)",
        )
        .bind(user.as_str())
        .bind(key)
        .fetch_optional(self.database.reader())
        .await?;
        Ok(id)
    }

    /// Gives every user the provider under this key, or takes it back (`None`). False when the user has
    /// no such provider or somebody shares another one under this key.
    pub async fn share(
        &self,
        user: &UserId,
        id: &str,
        shared_as: Option<&str>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update providers set shared_as = $3, updated_at = $4 where user_id = $1 and id = $2
                 and not exists (select 1 from providers other where other.shared_as = $3 and other.id <> $2)",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(shared_as)
        .bind(now_ms)
        .execute(self.database.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps what became of a look for its models.
    pub async fn note_check(
        &self,
        user: &UserId,
        id: &str,
        problem: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("update providers set checked_at = $3, problem = $4 where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .bind(now_ms)
            .bind(problem)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Puts the user's providers in this order; those not named keep their places.
    pub async fn reorder(&self, user: &UserId, ids: &[String]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        for (position, id) in (0_i64..).zip(ids) {
            sqlx::query("update providers set position = $3 where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .bind(position)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Moves one provider to a place of its owner's choice.
    pub async fn place(&self, user: &UserId, id: &str, position: i64) -> Result<(), StoreError> {
        sqlx::query("update providers set position = $3 where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .bind(position)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Deletes a provider with its models and its key. False when the user has none with this id.
    pub async fn delete(&self, user: &UserId, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from providers where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

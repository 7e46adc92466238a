//! Writes the table `models`.

use sqlx::AnyConnection;

use super::{ProviderStore, StoreError};
use crate::accounts::UserId;
use crate::database::new_id;
use crate::providers::settings::ModelSettings;
use endpoint::types::Model;

impl ProviderStore {
    /// Adds models behind the provider's others; those that it has already stay as they are.
    pub async fn add_models(
        &self,
        user: &UserId,
        provider_id: &str,
        listed: &[Model],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        append(&mut transaction, user, provider_id, listed, now_ms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps what the provider's new list says about the models that are here, and marks those that
    /// it no longer has. What their owner says about them stays.
    pub async fn take_list(
        &self,
        user: &UserId,
        provider_id: &str,
        listed: &[Model],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("update models set offered = 0 where user_id = $1 and provider_id = $2")
            .bind(user.as_str())
            .bind(provider_id)
            .execute(&mut *transaction)
            .await?;
        for model in listed {
            sqlx::query(
                "update models set offered = 1, listed = $4, updated_at = $5
                 where user_id = $1 and provider_id = $2 and model_id = $3",
            )
            .bind(user.as_str())
            .bind(provider_id)
            .bind(&model.id)
            .bind(serde_json::to_string(model)?)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Changes a model's id, settings and switch. False when the user has no such model, or its
    /// provider another one with this id.
    pub async fn update_model(
        &self,
        user: &UserId,
        id: &str,
        model_id: &str,
        settings: &ModelSettings,
        enabled: bool,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update models set model_id = $3, settings = $4, enabled = $5, updated_at = $6
             where user_id = $1 and id = $2 and not exists (
                 select 1 from models other where other.provider_id = models.provider_id
                 and other.model_id = $3 and other.id <> $2)",
        )
        .bind(user.as_str())
        .bind(id)
        .bind(model_id)
        .bind(serde_json::to_string(settings)?)
        .bind(i64::from(enabled))
        .bind(now_ms)
        .execute(self.database.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Puts a provider's models in this order; those not named keep their places.
    pub async fn reorder_models(&self, user: &UserId, ids: &[String]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        for (position, id) in (0_i64..).zip(ids) {
            sqlx::query("update models set position = $3 where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .bind(position)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes a model. False when the user has none with this id.
    pub async fn delete_model(&self, user: &UserId, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from models where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

pub(super) async fn append(
    connection: &mut AnyConnection,
    user: &UserId,
    provider_id: &str,
    listed: &[Model],
    now_ms: i64,
) -> Result<(), StoreError> {
    for model in listed {
        sqlx::query(
            "insert into models
                 (id, user_id, provider_id, model_id, position, listed, settings, created_at, updated_at)
             values ($1, $2, $3, $4,
                 (select coalesce(max(position), -1) + 1 from models where provider_id = $3), $5, '{}', $6, $6)
             on conflict (provider_id, model_id) do nothing",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(provider_id)
        .bind(&model.id)
        .bind(serde_json::to_string(model)?)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

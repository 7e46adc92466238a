//! Writes the table `provider_keys`. What it holds is sealed.

use super::{ProviderStore, StoreError, StoredKey};
use crate::accounts::UserId;

impl ProviderStore {
    /// Keeps a key in place of the one before.
    pub async fn save_key(
        &self,
        user: &UserId,
        provider_id: &str,
        key: &StoredKey,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into provider_keys (provider_id, user_id, sealed, last4, origin, updated_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (provider_id) do update set sealed = excluded.sealed, last4 = excluded.last4,
                 origin = excluded.origin, updated_at = excluded.updated_at
             where provider_keys.user_id = $2",
        )
        .bind(provider_id)
        .bind(user.as_str())
        .bind(&key.sealed)
        .bind(&key.last4)
        .bind(&key.origin)
        .bind(key.updated_at)
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Forgets a key. False when there was none.
    pub async fn delete_key(&self, user: &UserId, provider_id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from provider_keys where user_id = $1 and provider_id = $2")
            .bind(user.as_str())
            .bind(provider_id)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

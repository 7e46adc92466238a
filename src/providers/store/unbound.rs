//! The table `unbound_keys`.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{ProviderStore, StoreError, UnboundKey};
use crate::accounts::UserId;
use crate::database::new_id;

pub(super) const LIST: &str = "
    select id, provider_key, sealed, last4, updated_at from unbound_keys where user_id = $1 order by provider_key";

impl FromRow<'_, AnyRow> for UnboundKey {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            provider_key: row.try_get("provider_key")?,
            sealed: row.try_get("sealed")?,
            last4: row.try_get("last4")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl ProviderStore {
    /// Returns the user's keys without a provider, in the order of the providers' keys.
    pub async fn unbound_keys(&self, user: &UserId) -> Result<Vec<UnboundKey>, StoreError> {
        Ok(sqlx::query_as(LIST).bind(user.as_str()).fetch_all(self.database.reader()).await?)
    }

    /// Stores a key, replacing the previous one for the same provider. Returns the id of its row; `None` if the
    /// user has `limit` others.
    pub async fn save_unbound_key(
        &self,
        user: &UserId,
        provider_key: &str,
        (sealed, last4): (&str, &str),
        limit: i64,
        now_ms: i64,
    ) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar(
            "insert into unbound_keys (id, user_id, provider_key, sealed, last4, updated_at)
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as text),
                    cast($6 as bigint)
             where (select count(*) from unbound_keys where user_id = $2 and provider_key <> $3) < $7
             on conflict (user_id, provider_key) do update set sealed = excluded.sealed, last4 = excluded.last4,
                 updated_at = excluded.updated_at
             returning id",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(provider_key)
        .bind(sealed)
        .bind(last4)
        .bind(now_ms)
        .bind(limit)
        .fetch_optional(self.database.writer())
        .await?;
        Ok(id)
    }

    /// Deletes a key; returns false if there was none.
    pub async fn delete_unbound_key(&self, user: &UserId, provider_key: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from unbound_keys where user_id = $1 and provider_key = $2")
            .bind(user.as_str())
            .bind(provider_key)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

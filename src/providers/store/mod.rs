//! The SQL of providers, their models and their keys.

mod keys;
mod models;
mod providers;
mod rows;
#[cfg(test)]
mod tests;
mod unbound;

use std::collections::HashMap;

use crate::accounts::UserId;
use crate::database::Database;

use super::settings::{ModelSettings, ProviderSettings};
use endpoint::types::Model;

use rows::{KeyRow, ModelRow, ProviderRow};

// A user's own and those that others share are found by two indexes, so they are two queries in one: an
// `or` over both would read everybody's.

const PROVIDERS: &str = "
    select p.*, 1 as own from providers p where p.user_id = $1
    union all
    select p.*, 0 as own from providers p join users u on u.id = p.user_id
    where p.shared_as is not null and p.user_id <> $1 and p.enabled = 1 and u.role = 'admin'
    order by own, position, created_at, id";

const MODELS: &str = "
    select m.* from models m where m.user_id = $1
    union all
    select m.* from models m join providers p on p.id = m.provider_id
    where p.shared_as is not null and p.user_id <> $1
    order by position, created_at, id";

const KEYS: &str = "
    select k.* from provider_keys k where k.user_id = $1
    union all
    select k.* from provider_keys k join providers p on p.id = k.provider_id
    where p.shared_as is not null and p.user_id <> $1";

const MODELS_OF_A_PROVIDER: &str =
    "select * from models where user_id = $1 and provider_id = $2 order by position, created_at, id";

/// A provider as it is kept: with its models, in its owner's order.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProvider {
    pub id: String,
    pub owner: UserId,
    pub settings: ProviderSettings,
    /// The key under which every other user finds it; `None`: it is its owner's alone.
    pub shared_as: Option<String>,
    pub position: i64,
    pub checked_at: Option<i64>,
    pub problem: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub key: Option<StoredKey>,
    pub models: Vec<StoredModel>,
}

/// A model as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    pub id: String,
    pub listed: Model,
    pub settings: ModelSettings,
    pub enabled: bool,
    pub offered: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A sealed API key.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredKey {
    pub sealed: String,
    pub last4: String,
    /// Scheme, host and port that it was saved for.
    pub origin: String,
    pub updated_at: i64,
}

/// An encrypted API key of a provider that does not exist yet.
#[derive(Debug, Clone, PartialEq)]
pub struct UnboundKey {
    pub id: String,
    /// The key of the provider that it is for.
    pub provider_key: String,
    pub sealed: String,
    pub last4: String,
    pub updated_at: i64,
}

/// Why a row could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("The database failed: {0}. Is the disk full, or the file in use by another program?")]
    Database(#[from] sqlx::Error),
    #[error("The database holds a value that this version does not understand: {0}")]
    Value(#[from] serde_json::Error),
}

/// The tables `providers`, `models` and `provider_keys`.
#[derive(Debug, Clone)]
pub struct ProviderStore {
    database: Database,
}

impl ProviderStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The providers that `user` can measure: first those that admins share, then their own, each in
    /// its owner's order.
    pub async fn list(&self, user: &UserId) -> Result<Vec<StoredProvider>, StoreError> {
        let pool = self.database.reader();
        let providers: Vec<ProviderRow> =
            sqlx::query_as(PROVIDERS).bind(user.as_str()).fetch_all(pool).await?;
        let models: Vec<ModelRow> = sqlx::query_as(MODELS).bind(user.as_str()).fetch_all(pool).await?;
        let keys: Vec<KeyRow> = sqlx::query_as(KEYS).bind(user.as_str()).fetch_all(pool).await?;
        assemble(providers, models, keys)
    }

    /// The user's own provider with this id.
    pub async fn find(&self, user: &UserId, id: &str) -> Result<Option<StoredProvider>, StoreError> {
        let provider: Option<ProviderRow> =
            sqlx::query_as("select * from providers where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .fetch_optional(self.database.reader())
                .await?;
        let Some(provider) = provider else { return Ok(None) };
        let models: Vec<ModelRow> = sqlx::query_as(MODELS_OF_A_PROVIDER)
            .bind(user.as_str())
            .bind(id)
            .fetch_all(self.database.reader())
            .await?;
        let keys: Vec<KeyRow> =
            sqlx::query_as("select * from provider_keys where user_id = $1 and provider_id = $2")
                .bind(user.as_str())
                .bind(id)
                .fetch_all(self.database.reader())
                .await?;
        Ok(assemble(vec![provider], models, keys)?.pop())
    }

    /// The ids of the user's own provider with this key, if there is one.
    pub async fn id_of(&self, user: &UserId, key: &str) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar("select id from providers where user_id = $1 and key = $2")
            .bind(user.as_str())
            .bind(key)
            .fetch_optional(self.database.reader())
            .await?;
        Ok(id)
    }

    /// The id of the provider of the user's own model with this id.
    pub async fn provider_of_model(&self, user: &UserId, id: &str) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar("select provider_id from models where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .fetch_optional(self.database.reader())
            .await?;
        Ok(id)
    }
}

fn assemble(
    providers: Vec<ProviderRow>,
    models: Vec<ModelRow>,
    keys: Vec<KeyRow>,
) -> Result<Vec<StoredProvider>, StoreError> {
    let mut models_of: HashMap<String, Vec<StoredModel>> = HashMap::new();
    for row in models {
        models_of.entry(row.provider_id.clone()).or_default().push(row.into_stored()?);
    }
    let mut keys_of: HashMap<String, StoredKey> =
        keys.into_iter().map(|row| (row.provider_id, row.key)).collect();
    providers
        .into_iter()
        .map(|row| {
            let models = models_of.remove(&row.id).unwrap_or_default();
            let key = keys_of.remove(&row.id);
            row.into_stored(models, key)
        })
        .collect()
}

//! The SQL of providers and models.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row};

use crate::accounts::UserId;
use crate::database::{Database, new_id};

use super::types::{Model, Protocol, Provider, ProviderKind};

/// A provider as it is kept: with its models, in the provider's own order.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProvider {
    pub provider: Provider,
    pub models: Vec<Model>,
    pub checked_at: Option<i64>,
    pub problem: Option<String>,
}

/// Why a row could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("The database failed: {0}. Is the disk full, or the file in use by another program?")]
    Database(#[from] sqlx::Error),
    #[error("The database holds a value that this version does not understand: {0}")]
    Value(#[from] serde_json::Error),
}

struct ProviderRow {
    id: String,
    key: String,
    display_name: String,
    kind: String,
    protocol: String,
    base_url: String,
    headers: String,
    checked_at: Option<i64>,
    problem: Option<String>,
}

impl FromRow<'_, AnyRow> for ProviderRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            key: row.try_get("key")?,
            display_name: row.try_get("display_name")?,
            kind: row.try_get("kind")?,
            protocol: row.try_get("protocol")?,
            base_url: row.try_get("base_url")?,
            headers: row.try_get("headers")?,
            checked_at: row.try_get("checked_at")?,
            problem: row.try_get("problem")?,
        })
    }
}

impl ProviderRow {
    fn into_stored(self, models: Vec<Model>) -> Result<StoredProvider, StoreError> {
        let provider = Provider {
            key: self.key,
            display_name: self.display_name,
            kind: ProviderKind::from_key(&self.kind).unwrap_or(ProviderKind::Custom),
            protocol: protocol_from(&self.protocol)?,
            base_url: self.base_url,
            headers: serde_json::from_str(&self.headers)?,
        };
        Ok(StoredProvider { provider, models, checked_at: self.checked_at, problem: self.problem })
    }
}

/// The tables `providers` and `models`.
#[derive(Debug, Clone)]
pub struct ProviderStore {
    database: Database,
}

impl ProviderStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// All providers of `user`, oldest first.
    pub async fn list(&self, user: &UserId) -> Result<Vec<StoredProvider>, StoreError> {
        let rows: Vec<ProviderRow> = sqlx::query_as(
            "select id, key, display_name, kind, protocol, base_url, headers, checked_at, problem
             from providers where user_id = $1 order by created_at, id",
        )
        .bind(user.as_str())
        .fetch_all(self.database.pool())
        .await?;
        let models: Vec<(String, String)> = sqlx::query_as(
            "select provider_id, model from models where user_id = $1 order by provider_id, position",
        )
        .bind(user.as_str())
        .fetch_all(self.database.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                let own = models.iter().filter(|(provider_id, _)| *provider_id == row.id);
                let own =
                    own.map(|(_, model)| serde_json::from_str(model)).collect::<serde_json::Result<_>>()?;
                row.into_stored(own)
            })
            .collect()
    }

    /// Writes a provider, found by its key, with what a look for its models brought: the models,
    /// which replace the known ones, or the problem, which leaves them.
    pub async fn save(
        &self,
        user: &UserId,
        provider: &Provider,
        found: Result<&[Model], &str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        let (provider_id,): (String,) = sqlx::query_as(
            "insert into providers
                 (id, user_id, key, display_name, kind, protocol, base_url, headers, checked_at, problem, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (user_id, key) do update set
                 display_name = excluded.display_name, kind = excluded.kind, protocol = excluded.protocol,
                 base_url = excluded.base_url, headers = excluded.headers,
                 checked_at = excluded.checked_at, problem = excluded.problem
             returning id",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(&provider.key)
        .bind(&provider.display_name)
        .bind(provider.kind.facts().key)
        .bind(protocol_name(provider.protocol)?)
        .bind(&provider.base_url)
        .bind(serde_json::to_string(&provider.headers)?)
        .bind(now_ms)
        .bind(found.err())
        .bind(now_ms)
        .fetch_one(&mut *transaction)
        .await?;
        if let Ok(models) = found {
            replace_models(&mut transaction, user, &provider_id, models, now_ms).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn replace_models(
    connection: &mut AnyConnection,
    user: &UserId,
    provider_id: &str,
    models: &[Model],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("delete from models where user_id = $1 and provider_id = $2")
        .bind(user.as_str())
        .bind(provider_id)
        .execute(&mut *connection)
        .await?;
    for (position, model) in (0_i64..).zip(models) {
        sqlx::query(
            "insert into models (id, user_id, provider_id, model_id, position, model, created_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (provider_id, model_id) do nothing",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(provider_id)
        .bind(&model.id)
        .bind(position)
        .bind(serde_json::to_string(model)?)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The protocol's serde name without its quotes.
fn protocol_name(protocol: Protocol) -> Result<String, StoreError> {
    let value = serde_json::to_value(protocol)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

fn protocol_from(name: &str) -> Result<Protocol, StoreError> {
    Ok(serde_json::from_value(serde_json::Value::String(name.to_owned()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;

    async fn stores() -> Vec<ProviderStore> {
        testing::databases().await.into_iter().map(ProviderStore::new).collect()
    }

    fn anna() -> UserId {
        UserId::new("anna")
    }

    fn ollama() -> Provider {
        let headers = vec![("x-team".into(), "bench".into())];
        Provider { headers, ..Provider::of_kind(ProviderKind::Ollama, "http://127.0.0.1:11434/v1") }
    }

    fn models(ids: &[&str]) -> Vec<Model> {
        ids.iter().map(|id| Model::named(*id)).collect()
    }

    #[tokio::test]
    async fn what_is_saved_is_listed() {
        for store in stores().await {
            store.save(&anna(), &ollama(), Ok(&models(&["b", "a"])), 7).await.unwrap();
            let expected = StoredProvider {
                provider: ollama(),
                models: models(&["b", "a"]),
                checked_at: Some(7),
                problem: None,
            };
            assert_eq!(store.list(&anna()).await.unwrap(), [expected]);
        }
    }

    #[tokio::test]
    async fn saving_again_replaces() {
        for store in stores().await {
            store.save(&anna(), &ollama(), Ok(&models(&["a", "b"])), 1).await.unwrap();
            store.save(&anna(), &ollama(), Ok(&models(&["c", "a", "c"])), 2).await.unwrap();
            let listed = store.list(&anna()).await.unwrap();
            assert_eq!((listed.len(), &listed[0].models), (1, &models(&["c", "a"])));
        }
    }

    #[tokio::test]
    async fn a_problem_keeps_the_models_and_success_forgets_the_problem() {
        for store in stores().await {
            store.save(&anna(), &ollama(), Ok(&models(&["a"])), 1).await.unwrap();
            store.save(&anna(), &ollama(), Err("It did not answer."), 9).await.unwrap();
            let listed = store.list(&anna()).await.unwrap();
            assert_eq!(listed[0].problem.as_deref(), Some("It did not answer."));
            assert_eq!((listed[0].checked_at, listed[0].models.len()), (Some(9), 1));
            store.save(&anna(), &ollama(), Ok(&[]), 10).await.unwrap();
            let listed = store.list(&anna()).await.unwrap();
            assert_eq!((listed[0].problem.as_deref(), listed[0].models.len()), (None, 0));
        }
    }

    #[tokio::test]
    async fn users_do_not_see_or_change_each_other() {
        for store in stores().await {
            store.save(&anna(), &ollama(), Ok(&models(&["a"])), 1).await.unwrap();
            store.save(&UserId::new("ben"), &ollama(), Ok(&models(&["b"])), 1).await.unwrap();
            store.save(&UserId::new("ben"), &ollama(), Err("It did not answer."), 9).await.unwrap();
            let listed = store.list(&anna()).await.unwrap();
            assert_eq!((listed[0].problem.as_deref(), &listed[0].models), (None, &models(&["a"])));
            assert!(store.list(&UserId::new("carla")).await.unwrap().is_empty());
        }
    }
}

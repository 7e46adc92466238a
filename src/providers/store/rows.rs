//! From rows of the database to what the service knows.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{StoreError, StoredKey, StoredModel, StoredProvider};
use crate::accounts::UserId;
use crate::providers::settings::ProviderSettings;
use endpoint::types::{Protocol, Provider, ProviderKind};

pub(super) struct ProviderRow {
    pub(super) id: String,
    user_id: String,
    key: String,
    display_name: String,
    kind: String,
    protocol: String,
    base_url: String,
    headers: String,
    model_prefix: Option<String>,
    key_env: Option<String>,
    direct_local: bool,
    enabled: bool,
    position: i64,
    shared_as: Option<String>,
    checked_at: Option<i64>,
    problem: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl FromRow<'_, AnyRow> for ProviderRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            key: row.try_get("key")?,
            display_name: row.try_get("display_name")?,
            kind: row.try_get("kind")?,
            protocol: row.try_get("protocol")?,
            base_url: row.try_get("base_url")?,
            headers: row.try_get("headers")?,
            model_prefix: row.try_get("model_prefix")?,
            key_env: row.try_get("key_env")?,
            direct_local: flag(row, "direct_local")?,
            enabled: flag(row, "enabled")?,
            position: row.try_get("position")?,
            shared_as: row.try_get("shared_as")?,
            checked_at: row.try_get("checked_at")?,
            problem: row.try_get("problem")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl ProviderRow {
    pub(super) fn into_stored(
        self,
        models: Vec<StoredModel>,
        key: Option<StoredKey>,
    ) -> Result<StoredProvider, StoreError> {
        let provider = Provider {
            key: self.key,
            display_name: self.display_name,
            kind: ProviderKind::from_key(&self.kind).unwrap_or(ProviderKind::Custom),
            protocol: protocol_from(&self.protocol)?,
            base_url: self.base_url,
            headers: serde_json::from_str(&self.headers)?,
        };
        let settings = ProviderSettings {
            provider,
            model_prefix: self.model_prefix,
            key_env: self.key_env,
            direct_local: self.direct_local,
            enabled: self.enabled,
        };
        Ok(StoredProvider {
            id: self.id,
            owner: UserId::new(self.user_id),
            settings,
            shared_as: self.shared_as,
            position: self.position,
            checked_at: self.checked_at,
            problem: self.problem,
            created_at: self.created_at,
            updated_at: self.updated_at,
            key,
            models,
        })
    }
}

pub(super) struct ModelRow {
    id: String,
    pub(super) provider_id: String,
    model_id: String,
    enabled: bool,
    offered: bool,
    listed: String,
    settings: String,
    created_at: i64,
    updated_at: i64,
}

impl FromRow<'_, AnyRow> for ModelRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            provider_id: row.try_get("provider_id")?,
            model_id: row.try_get("model_id")?,
            enabled: flag(row, "enabled")?,
            offered: flag(row, "offered")?,
            listed: row.try_get("listed")?,
            settings: row.try_get("settings")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl ModelRow {
    pub(super) fn into_stored(self) -> Result<StoredModel, StoreError> {
        let mut listed: endpoint::Model = serde_json::from_str(&self.listed)?;
        listed.id = self.model_id;
        Ok(StoredModel {
            id: self.id,
            listed,
            settings: serde_json::from_str(&self.settings)?,
            enabled: self.enabled,
            offered: self.offered,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) struct KeyRow {
    pub(super) provider_id: String,
    pub(super) key: StoredKey,
}

impl FromRow<'_, AnyRow> for KeyRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let key = StoredKey {
            sealed: row.try_get("sealed")?,
            last4: row.try_get("last4")?,
            origin: row.try_get("origin")?,
            updated_at: row.try_get("updated_at")?,
        };
        Ok(Self { provider_id: row.try_get("provider_id")?, key })
    }
}

fn flag(row: &AnyRow, column: &str) -> sqlx::Result<bool> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// The protocol's serde name without its quotes.
pub(super) fn protocol_name(protocol: Protocol) -> Result<String, StoreError> {
    let value = serde_json::to_value(protocol)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

fn protocol_from(name: &str) -> Result<Protocol, StoreError> {
    Ok(serde_json::from_value(serde_json::Value::String(name.to_owned()))?)
}

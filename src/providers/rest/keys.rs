//! `/api/keys`: API keys, which can be saved but not read.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::config::WhichProvider;
use super::{ProviderDone, Refusals};
use crate::accounts::Session;
use crate::http::{AppError, Body, BodyOr400};
use crate::providers::listing::{KeyState, ProviderListing};
use crate::providers::service::ProviderService;
use crate::providers::store::UnboundKey;
use crate::times;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    keys: Vec<KeyRow>,
}

/// The state of a provider's key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyRow {
    provider_key: String,
    display_name: String,
    key_env_name: Option<String>,
    /// Whether an admin's or the server's key is used.
    has_global_key: bool,
    has_user_key: bool,
    #[serde(flatten, with = "times::user_key_updated_at")]
    #[schema(value_type = times::user_key_updated_at::UserKeyUpdatedAt)]
    user_key_updated_at: Option<i64>,
    /// The last characters of the user's key.
    last4: Option<String>,
    /// The URL that the user's key was saved for, if the provider's current one is different. The key is not
    /// sent until it is entered again.
    locked_to: Option<String>,
    /// Whether there is no such provider. The key is sent nowhere until you add one.
    standalone: bool,
}

impl From<ProviderListing> for KeyRow {
    fn from(listing: ProviderListing) -> Self {
        let usual = listing.provider.kind.facts().key_env.first().map(|&name| name.to_owned());
        let (updated_at, last4, locked_to) = match &listing.key {
            KeyState::Saved { last4, updated_at } => (Some(*updated_at), Some(last4.clone()), None),
            KeyState::Locked { last4, origin, updated_at } => {
                (Some(*updated_at), Some(last4.clone()), Some(origin.clone()))
            }
            _ => (None, None, None),
        };
        Self {
            provider_key: listing.provider.key,
            display_name: listing.provider.display_name,
            key_env_name: listing.key_env.or(usual),
            has_global_key: matches!(listing.key, KeyState::Environment(_) | KeyState::Shared),
            has_user_key: updated_at.is_some(),
            user_key_updated_at: updated_at,
            last4,
            locked_to,
            standalone: false,
        }
    }
}

impl From<UnboundKey> for KeyRow {
    fn from(kept: UnboundKey) -> Self {
        Self {
            display_name: kept.provider_key.clone(),
            provider_key: kept.provider_key,
            key_env_name: None,
            has_global_key: false,
            has_user_key: true,
            user_key_updated_at: Some(kept.updated_at),
            last4: Some(kept.last4),
            locked_to: None,
            standalone: true,
        }
    }
}

/// List the state of the keys
#[utoipa::path(get, path = "/api/keys", tag = "keys", responses((status = 200, body = Keys), Refusals))]
pub(super) async fn list(
    State(service): State<ProviderService>,
    session: Session,
) -> Result<Json<Keys>, AppError> {
    let listings = service.list(session.user_id()).await?;
    let keyed = listings.into_iter().filter(|listing| !listing.provider.simulated());
    let unbound = service.unbound_keys(session.user_id()).await?;
    Ok(Json(Keys { keys: keyed.map(KeyRow::from).chain(unbound.into_iter().map(KeyRow::from)).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewKey {
    provider_key: String,
    /// The key, or `api_key`.
    #[schema(value_type = Option<String>, format = "password")]
    value: Option<SecretString>,
    #[schema(value_type = Option<String>, format = "password")]
    api_key: Option<SecretString>,
    /// Accepted and ignored: a key belongs to its provider.
    #[allow(dead_code, reason = "part of the API that scripts use")]
    key_name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeySaved {
    #[schema(example = "ok")]
    status: &'static str,
    /// The id of the provider; of the kept key if there is no such provider.
    key_id: String,
    provider_key: String,
}

/// Save a key
///
/// Replaces the previous one. It is only sent to the provider's current URL. If you have no such provider, it is
/// kept and sent nowhere until you add one with this key.
#[utoipa::path(
    put, path = "/api/keys", tag = "keys", request_body = NewKey,
    responses((status = 200, body = KeySaved), Refusals)
)]
pub(super) async fn save(
    State(service): State<ProviderService>,
    session: Session,
    Body(new): Body<NewKey>,
) -> Result<Json<KeySaved>, AppError> {
    let key = new.value.or(new.api_key);
    let key = key.ok_or_else(|| AppError::Invalid("Send the key as `value` or `api_key`.".into()))?;
    let key_id = service.save_key_by_name(session.user_id(), &new.provider_key, &key).await?;
    Ok(Json(KeySaved { status: "ok", key_id, provider_key: new.provider_key }))
}

/// Delete a key
#[utoipa::path(
    delete, path = "/api/keys", tag = "keys", request_body = WhichProvider,
    responses((status = 200, body = ProviderDone), Refusals)
)]
pub(super) async fn delete(
    State(service): State<ProviderService>,
    session: Session,
    BodyOr400(which): BodyOr400<WhichProvider>,
) -> Result<Json<ProviderDone>, AppError> {
    if service.remove_key_by_name(session.user_id(), &which.provider_key).await? {
        return Ok(Json(ProviderDone::to(which.provider_key)));
    }
    Err(AppError::NotFound(format!("You have no key for {}.", which.provider_key)))
}

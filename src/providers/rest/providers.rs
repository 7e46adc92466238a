//! `/api/v2/providers`: providers by row.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusals;
use super::config::{kind_of, new_provider};
use super::fields::{present_text, text};
use crate::accounts::Session;
use crate::http::{AppError, Body, Path};
use crate::providers::listing::ProviderListing;
use crate::providers::service::ProviderService;
use crate::providers::settings::ProviderSettings;
use crate::times;
use endpoint::types::ProviderKind;

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderRow {
    id: String,
    /// Its key in requests.
    key: String,
    name: String,
    /// Selects protocol and parameter rules: `openai`, `ollama`, `custom`, …
    kind: String,
    api_base: String,
    api_key_env: Option<String>,
    model_prefix: Option<String>,
    is_active: bool,
    sort_order: i64,
    /// Shared by an admin: usable, not changeable.
    shared: bool,
    #[serde(flatten, with = "times::created_at")]
    #[schema(value_type = times::created_at::CreatedAt)]
    created_at: i64,
    #[serde(flatten, with = "times::updated_at")]
    #[schema(value_type = times::updated_at::UpdatedAt)]
    updated_at: i64,
}

impl From<ProviderListing> for ProviderRow {
    fn from(listing: ProviderListing) -> Self {
        let facts = listing.provider.kind.facts();
        Self {
            shared: !listing.own(),
            id: listing.id,
            key: listing.provider.key,
            name: listing.provider.display_name,
            kind: facts.key.to_owned(),
            api_base: listing.provider.base_url,
            api_key_env: listing.key_env.or(facts.key_env.first().map(|&name| name.to_owned())),
            model_prefix: listing.model_prefix,
            is_active: listing.enabled,
            sort_order: listing.position,
            created_at: listing.created_at,
            updated_at: listing.updated_at,
        }
    }
}

/// List providers
///
/// Shared providers first, then the user's own in their order.
#[utoipa::path(get, path = "/api/v2/providers", tag = "providers", responses((status = 200, body = Vec<ProviderRow>), Refusals))]
pub(super) async fn list(
    State(service): State<ProviderService>,
    session: Session,
) -> Result<Json<Vec<ProviderRow>>, AppError> {
    let listings = service.list(session.user_id()).await?;
    Ok(Json(listings.into_iter().map(ProviderRow::from).collect()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewProvider {
    #[schema(pattern = "^[a-zA-Z0-9_-]+$", max_length = 64)]
    key: String,
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// One of the known kinds; by default the kind of this key, or `custom`.
    kind: Option<String>,
    /// Required if its kind has no default URL.
    #[serde(default, deserialize_with = "text")]
    api_base: Option<String>,
    /// A label for you; the variable is not read. Save the key with `PUT /api/keys`.
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 128)]
    api_key_env: Option<String>,
    /// A prefix that model ids may have in requests to this server. If neither `kind` nor `key` is a known kind,
    /// LiteLLM's name of a provider selects its kind.
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 64)]
    model_prefix: Option<String>,
}

/// Add a provider
#[utoipa::path(
    post, path = "/api/v2/providers", tag = "providers", request_body = NewProvider,
    responses((status = 201, body = ProviderRow), Refusals)
)]
pub(super) async fn add(
    State(service): State<ProviderService>,
    session: Session,
    Body(new): Body<NewProvider>,
) -> Result<(StatusCode, Json<ProviderRow>), AppError> {
    let kind = match &new.kind {
        Some(kind) => ProviderKind::from_key(kind)
            .ok_or_else(|| AppError::Invalid(format!("\"{kind}\" is not a kind of provider.")))?,
        None => kind_of(&new.key, new.model_prefix.as_deref(), new.api_base.as_deref()),
    };
    let settings = new_provider(&new.key, Some(new.name), new.api_base, kind)?;
    let settings = ProviderSettings { key_env: new.api_key_env, model_prefix: new.model_prefix, ..settings };
    let id = service.add_own(session.user_id(), &settings).await?;
    let listing = service.get(session.user_id(), &id).await?;
    Ok((StatusCode::CREATED, Json(listing.into())))
}

/// Get a provider
#[utoipa::path(
    get, path = "/api/v2/providers/{id}", tag = "providers", params(("id" = String, Path)),
    responses((status = 200, body = ProviderRow), Refusals)
)]
pub(super) async fn get(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<ProviderRow>, AppError> {
    Ok(Json(service.get(session.user_id(), &id).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ProviderChange {
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    name: Option<String>,
    /// If host or port change, the saved key is locked until it is entered again.
    #[serde(default, deserialize_with = "text")]
    api_base: Option<String>,
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>)]
    api_key_env: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>, max_length = 64)]
    model_prefix: Option<Option<String>>,
    is_active: Option<bool>,
    sort_order: Option<u32>,
}

/// Change a provider
///
/// Missing fields are not changed.
#[utoipa::path(
    put, path = "/api/v2/providers/{id}", tag = "providers", params(("id" = String, Path)),
    request_body = ProviderChange, responses((status = 200, body = ProviderRow), Refusals)
)]
pub(super) async fn change(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
    Body(change): Body<ProviderChange>,
) -> Result<Json<ProviderRow>, AppError> {
    let user = session.user_id();
    let apply = |settings: &mut ProviderSettings| {
        let provider = &mut settings.provider;
        provider.display_name = change.name.unwrap_or(std::mem::take(&mut provider.display_name));
        provider.base_url = change.api_base.unwrap_or(std::mem::take(&mut provider.base_url));
        settings.key_env = change.api_key_env.unwrap_or(settings.key_env.take());
        settings.model_prefix = change.model_prefix.unwrap_or(settings.model_prefix.take());
        settings.enabled = change.is_active.unwrap_or(settings.enabled);
    };
    service.change(user, &id, apply).await?;
    if let Some(position) = change.sort_order {
        service.place(user, &id, position).await?;
    }
    Ok(Json(service.get(user, &id).await?.into()))
}

/// Delete a provider
///
/// With its models and its key. Results are kept.
#[utoipa::path(
    delete, path = "/api/v2/providers/{id}", tag = "providers", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    service.delete(session.user_id(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

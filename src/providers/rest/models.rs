//! `/api/v2/models`: models by row.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusals;
use super::fields::{number, present_number, present_text, text};
use crate::accounts::{Session, UserId};
use crate::http::{AppError, Body, Path};
use crate::providers::listing::{ModelListing, ProviderListing};
use crate::providers::service::{ProviderError, ProviderService};
use crate::providers::settings::ModelSettings;
use crate::times;

/// A model of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelRow {
    id: String,
    provider_id: String,
    provider_key: String,
    provider_name: String,
    /// The id in the provider's API.
    litellm_id: String,
    display_name: String,
    /// Tokens.
    context_window: Option<u64>,
    /// Tokens.
    max_output_tokens: Option<u64>,
    skip_params: Vec<String>,
    is_active: bool,
    /// False if the provider's last list did not contain it.
    is_offered: bool,
    #[serde(flatten, with = "times::created_at")]
    #[schema(value_type = times::created_at::CreatedAt)]
    created_at: i64,
    #[serde(flatten, with = "times::updated_at")]
    #[schema(value_type = times::updated_at::UpdatedAt)]
    updated_at: i64,
}

fn rows(provider: ProviderListing) -> impl Iterator<Item = ModelRow> {
    let ProviderListing { id, provider, models, .. } = provider;
    models.into_iter().map(move |listing| {
        let ModelListing { model, .. } = listing;
        ModelRow {
            id: listing.id,
            provider_id: id.clone(),
            provider_key: provider.key.clone(),
            provider_name: provider.display_name.clone(),
            litellm_id: model.id,
            display_name: model.display_name,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
            skip_params: model.skip_params,
            is_active: listing.enabled,
            is_offered: listing.offered,
            created_at: listing.created_at,
            updated_at: listing.updated_at,
        }
    })
}

/// List models
///
/// The models of all the user's providers.
#[utoipa::path(get, path = "/api/v2/models", tag = "models", responses((status = 200, body = Vec<ModelRow>), Refusals))]
pub(super) async fn list(
    State(service): State<ProviderService>,
    session: Session,
) -> Result<Json<Vec<ModelRow>>, AppError> {
    let listings = service.list(session.user_id()).await?;
    Ok(Json(listings.into_iter().flat_map(rows).collect()))
}

/// List a provider's models
#[utoipa::path(
    get, path = "/api/v2/providers/{id}/models", tag = "models", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ModelRow>), Refusals)
)]
pub(super) async fn of_provider(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<Vec<ModelRow>>, AppError> {
    Ok(Json(rows(service.get(session.user_id(), &id).await?).collect()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewModel {
    /// The id in the provider's API. A prefix of LiteLLM is removed.
    #[schema(min_length = 1, max_length = 256)]
    litellm_id: String,
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    display_name: Option<String>,
    /// Tokens; if missing, the value of the provider or the catalog.
    #[serde(default, deserialize_with = "number")]
    #[schema(minimum = 1, maximum = 10_000_000)]
    context_window: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    max_output_tokens: Option<u64>,
    #[serde(default)]
    #[schema(max_items = 50)]
    skip_params: Vec<String>,
}

/// Add a model to a provider
#[utoipa::path(
    post, path = "/api/v2/providers/{id}/models", tag = "models", params(("id" = String, Path)),
    request_body = NewModel, responses((status = 201, body = ModelRow), Refusals)
)]
pub(super) async fn add(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
    Body(new): Body<NewModel>,
) -> Result<(StatusCode, Json<ModelRow>), AppError> {
    let settings = ModelSettings {
        display_name: new.display_name,
        context_window: new.context_window,
        max_output_tokens: new.max_output_tokens,
        skip_params: new.skip_params,
        ..ModelSettings::default()
    };
    let row = service.add_model(session.user_id(), &id, &new.litellm_id, &settings).await?;
    Ok((StatusCode::CREATED, Json(model(&service, session.user_id(), &row).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ModelChange {
    #[schema(min_length = 1, max_length = 256)]
    litellm_id: Option<String>,
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>, max_length = 256)]
    display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_number")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 10_000_000)]
    context_window: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present_number")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000)]
    max_output_tokens: Option<Option<u64>>,
    #[schema(max_items = 50)]
    skip_params: Option<Vec<String>>,
    is_active: Option<bool>,
}

/// Change a model
///
/// A null field is reset to the value of the provider or the catalog. Missing fields are not changed.
#[utoipa::path(
    put, path = "/api/v2/models/{id}", tag = "models", params(("id" = String, Path)),
    request_body = ModelChange, responses((status = 200, body = ModelRow), Refusals)
)]
pub(super) async fn change(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
    Body(change): Body<ModelChange>,
) -> Result<Json<ModelRow>, AppError> {
    let edited = service.change_model(session.user_id(), &id, |edit| {
        let settings = &mut edit.settings;
        edit.model_id = change.litellm_id.unwrap_or(std::mem::take(&mut edit.model_id));
        settings.display_name = change.display_name.unwrap_or(settings.display_name.take());
        settings.context_window = change.context_window.unwrap_or(settings.context_window);
        settings.max_output_tokens = change.max_output_tokens.unwrap_or(settings.max_output_tokens);
        settings.skip_params = change.skip_params.unwrap_or(std::mem::take(&mut settings.skip_params));
        edit.enabled = change.is_active.unwrap_or(edit.enabled);
    });
    edited.await?;
    Ok(Json(model(&service, session.user_id(), &id).await?))
}

/// Delete a model
///
/// Its results are kept.
#[utoipa::path(
    delete, path = "/api/v2/models/{id}", tag = "models", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(service): State<ProviderService>,
    session: Session,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    service.delete_model(session.user_id(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn model(service: &ProviderService, user: &UserId, id: &str) -> Result<ModelRow, ProviderError> {
    let listings = service.list(user).await?;
    listings.into_iter().flat_map(rows).find(|row| row.id == id).ok_or(ProviderError::NoSuchModel)
}

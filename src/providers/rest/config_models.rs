//! `/api/config/model`: changes of models by the provider's key and the model's id.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Refusals;
use super::config::taken_is_bad_request;
use super::fields::{number, present_number, present_text, text};
use crate::accounts::{Session, UserId};
use crate::http::{AppError, BodyOr400};
use crate::providers::listing::ModelListing;
use crate::providers::service::{ProviderError, ProviderService};
use crate::providers::settings::{CustomPrice, ModelSettings};
use endpoint::litellm;

/// Confirmation of a change, with the model's id.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelDone {
    #[schema(example = "ok")]
    status: &'static str,
    model_id: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewModel {
    provider_key: String,
    /// The id in the provider's API. A prefix of LiteLLM is removed; the response has the id that is used.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "number")]
    #[schema(minimum = 1, maximum = 10_000_000)]
    context_window: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    max_output_tokens: Option<u64>,
}

/// Add a model
#[utoipa::path(
    post, path = "/api/config/model", tag = "configuration", request_body = NewModel,
    responses((status = 200, body = ModelDone), Refusals)
)]
pub(super) async fn add_model(
    State(service): State<ProviderService>,
    session: Session,
    BodyOr400(new): BodyOr400<NewModel>,
) -> Result<Json<ModelDone>, AppError> {
    let listing = service.by_key(session.user_id(), &new.provider_key).await?;
    let settings = ModelSettings {
        display_name: new.display_name,
        context_window: new.context_window,
        max_output_tokens: new.max_output_tokens,
        ..ModelSettings::default()
    };
    let added = service.add_model(session.user_id(), &listing.id, &new.id, &settings).await;
    added.map_err(taken_is_bad_request)?;
    let model_id = litellm::bare_id(&listing.provider, listing.model_prefix.as_deref(), &new.id).to_owned();
    Ok(Json(ModelDone { status: "ok", model_id }))
}

/// A null field is reset to the value of the provider or the catalog. Missing fields are not changed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ModelChange {
    provider_key: String,
    model_id: String,
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    new_model_id: Option<String>,
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
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>, max_length = 50_000)]
    system_prompt: Option<Option<String>>,
    /// Parameters that are always sent to this model.
    #[schema(value_type = Option<Object>)]
    params: Option<Map<String, Value>>,
    /// Data of scripts about this model; never sent. Null removes a field, missing ones are not changed.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Map<String, Value>>,
    #[schema(max_items = 50)]
    aliases: Option<Vec<String>>,
    /// US dollars per million tokens. If only one of input and output is set and no price is known for the other,
    /// that one is 0.
    #[serde(default, deserialize_with = "present_number")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    input_cost_per_mtok: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present_number")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    cached_input_cost_per_mtok: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present_number")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    output_cost_per_mtok: Option<Option<f64>>,
    is_active: Option<bool>,
}

impl ModelChange {
    fn apply(&self, listing: &ModelListing) -> ModelSettings {
        let before = &listing.settings;
        let change = |new: &Option<Option<u64>>, old: Option<u64>| new.unwrap_or(old);
        let text = |new: &Option<Option<String>>, old: &Option<String>| new.clone().unwrap_or(old.clone());
        ModelSettings {
            display_name: text(&self.display_name, &before.display_name),
            context_window: change(&self.context_window, before.context_window),
            max_output_tokens: change(&self.max_output_tokens, before.max_output_tokens),
            price: self.price(listing),
            skip_params: self.skip_params.clone().unwrap_or_else(|| before.skip_params.clone()),
            system_prompt: text(&self.system_prompt, &before.system_prompt),
            params: self.params.clone().unwrap_or_else(|| before.params.clone()),
            custom_fields: self.merged_fields(&before.custom_fields),
            aliases: self.aliases.clone().unwrap_or_else(|| before.aliases.clone()),
        }
    }

    /// Completes a price of which only one half is given with the current value, which may be the catalog's.
    fn price(&self, listing: &ModelListing) -> Option<CustomPrice> {
        let given = [self.input_cost_per_mtok, self.cached_input_cost_per_mtok, self.output_cost_per_mtok];
        if given.iter().all(Option::is_none) {
            return listing.settings.price;
        }
        let [input, cached, output] = given;
        let halves = [input, output];
        if halves.contains(&Some(None)) && !halves.iter().any(|half| matches!(half, Some(Some(_)))) {
            return None;
        }
        let known = listing.model.price;
        let input = input.unwrap_or(known.map(|price| price.input_per_mtok));
        let cached = cached.unwrap_or(known.and_then(|price| price.cached_input_per_mtok));
        let output = output.unwrap_or(known.map(|price| price.output_per_mtok));
        (input.is_some() || output.is_some()).then_some(CustomPrice {
            input_per_mtok: input.unwrap_or(0.0),
            cached_input_per_mtok: cached,
            output_per_mtok: output.unwrap_or(0.0),
        })
    }

    fn merged_fields(&self, before: &Map<String, Value>) -> Map<String, Value> {
        let mut merged = before.clone();
        merged.extend(self.custom_fields.clone().unwrap_or_default());
        merged.retain(|_, value| !value.is_null());
        merged
    }
}

/// Change a model
#[utoipa::path(
    put, path = "/api/config/model", tag = "configuration", request_body = ModelChange,
    responses((status = 200, body = ModelDone), Refusals)
)]
pub(super) async fn change_model(
    State(service): State<ProviderService>,
    session: Session,
    BodyOr400(change): BodyOr400<ModelChange>,
) -> Result<Json<ModelDone>, AppError> {
    let listing = model_of(&service, session.user_id(), &change.provider_key, &change.model_id).await?;
    let settings = change.apply(&listing);
    let renamed = change.new_model_id.clone();
    let model_id = change.new_model_id.unwrap_or(change.model_id);
    let enabled = change.is_active.unwrap_or(listing.enabled);
    let edited = service.change_model(session.user_id(), &listing.id, |edit| {
        edit.model_id = renamed.unwrap_or(std::mem::take(&mut edit.model_id));
        edit.settings = settings;
        edit.enabled = enabled;
    });
    edited.await.map_err(taken_is_bad_request)?;
    Ok(Json(ModelDone { status: "ok", model_id }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WhichModel {
    provider_key: String,
    model_id: String,
}

/// Delete a model
///
/// Its results are kept.
#[utoipa::path(
    delete, path = "/api/config/model", tag = "configuration", request_body = WhichModel,
    responses((status = 200, body = ModelDone), Refusals)
)]
pub(super) async fn delete_model(
    State(service): State<ProviderService>,
    session: Session,
    BodyOr400(which): BodyOr400<WhichModel>,
) -> Result<Json<ModelDone>, AppError> {
    let listing = model_of(&service, session.user_id(), &which.provider_key, &which.model_id).await?;
    service.delete_model(session.user_id(), &listing.id).await?;
    Ok(Json(ModelDone { status: "ok", model_id: which.model_id }))
}

async fn model_of(
    service: &ProviderService,
    user: &UserId,
    provider_key: &str,
    model_id: &str,
) -> Result<ModelListing, ProviderError> {
    let provider = service.by_key(user, provider_key).await?;
    provider.find_model(model_id).cloned().ok_or_else(|| {
        ProviderError::UnknownModel(endpoint::ModelRef {
            provider_key: provider_key.to_owned(),
            model_id: model_id.to_owned(),
        })
    })
}

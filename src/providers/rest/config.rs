//! `/api/config`: the user's whole configuration, and changes by key and id.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{ProviderDone, Refusals, present};
use crate::accounts::{Session, UserId};
use crate::http::{AppError, Body};
use crate::providers::listing::{Access, KeyState, ModelListing, ProviderListing};
use crate::providers::service::{ProviderError, ProviderService};
use crate::providers::settings::{CustomPrice, ModelSettings, ProviderSettings};
use bench::types::Parameters;
use endpoint::types::{Provider, ProviderKind};

/// The user's providers and models, and the defaults of a benchmark.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Configuration {
    defaults: Defaults,
    /// By display name; if two providers have the same, the second has its key appended.
    #[schema(value_type = std::collections::HashMap<String, ConfiguredProvider>)]
    providers: Map<String, Value>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Defaults {
    prompt: String,
    runs: u32,
    max_tokens: u32,
    temperature: f64,
    context_tiers: Vec<u64>,
    warmup: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct ConfiguredProvider {
    id: String,
    provider_key: String,
    display_name: String,
    api_base: String,
    /// The environment variable with its key if it were shared by an admin.
    api_key_env: Option<String>,
    /// An ellipsis and the last four characters of the key, or null.
    api_key: Option<String>,
    model_id_prefix: Option<String>,
    direct_local: bool,
    is_active: bool,
    /// Shared by an admin: usable, not changeable.
    shared: bool,
    models: Vec<ConfiguredModel>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ConfiguredModel {
    id: String,
    model_id: String,
    display_name: String,
    /// Tokens.
    context_window: Option<u64>,
    /// Tokens.
    max_output_tokens: Option<u64>,
    skip_params: Vec<String>,
    system_prompt: Option<String>,
    /// Parameters that are always sent to this model.
    #[schema(value_type = Object)]
    custom_fields: Map<String, Value>,
    /// US dollars per million tokens.
    input_cost_per_mtok: Option<f64>,
    cached_input_cost_per_mtok: Option<f64>,
    output_cost_per_mtok: Option<f64>,
    aliases: Vec<String>,
    is_active: bool,
}

impl From<ModelListing> for ConfiguredModel {
    fn from(listing: ModelListing) -> Self {
        let ModelListing { id, model, settings, enabled, .. } = listing;
        Self {
            id,
            model_id: model.id,
            display_name: model.display_name,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
            skip_params: model.skip_params,
            system_prompt: model.system_prompt,
            custom_fields: model.params,
            input_cost_per_mtok: model.price.map(|price| price.input_per_mtok),
            cached_input_cost_per_mtok: model.price.and_then(|price| price.cached_input_per_mtok),
            output_cost_per_mtok: model.price.map(|price| price.output_per_mtok),
            aliases: settings.aliases,
            is_active: enabled,
        }
    }
}

impl From<ProviderListing> for ConfiguredProvider {
    fn from(listing: ProviderListing) -> Self {
        let facts = listing.provider.kind.facts();
        let usual = facts.key_env.first().map(|&name| name.to_owned());
        let api_key = match listing.key {
            KeyState::Saved { last4, .. } | KeyState::Locked { last4, .. } => Some(format!("…{last4}")),
            _ => None,
        };
        Self {
            id: listing.id,
            provider_key: listing.provider.key,
            display_name: listing.provider.display_name,
            api_base: listing.provider.base_url,
            api_key_env: listing.key_env.or(usual),
            api_key,
            model_id_prefix: listing.model_prefix,
            direct_local: listing.direct_local,
            is_active: listing.enabled,
            shared: listing.access == Access::Shared,
            models: listing.models.into_iter().map(ConfiguredModel::from).collect(),
        }
    }
}

/// Get the configuration
#[utoipa::path(get, path = "/api/config", tag = "configuration", responses((status = 200, body = Configuration), Refusals))]
pub(super) async fn get(
    State(service): State<ProviderService>,
    session: Session,
) -> Result<Json<Configuration>, AppError> {
    let listings = service.list(session.user_id()).await?;
    let mut providers = Map::new();
    for listing in listings {
        let provider = ConfiguredProvider::from(listing);
        let taken = providers.contains_key(&provider.display_name);
        let name = if taken {
            format!("{} ({})", provider.display_name, provider.provider_key)
        } else {
            provider.display_name.clone()
        };
        providers.insert(name, serde_json::to_value(provider).map_err(AppError::internal)?);
    }
    let Parameters { prompt, runs, max_tokens, temperature, context_tiers, warmup, .. } =
        Parameters::default();
    let defaults = Defaults { prompt, runs, max_tokens, temperature, context_tiers, warmup };
    Ok(Json(Configuration { defaults, providers }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewProvider {
    /// Its key in requests. The key of a known kind (`openai`, `ollama`, …) selects that kind's protocol, rules
    /// and URL.
    #[schema(pattern = "^[a-zA-Z0-9_-]+$", max_length = 64)]
    provider_key: String,
    #[schema(min_length = 1, max_length = 256)]
    display_name: Option<String>,
    /// Required if its kind has no default URL.
    api_base: Option<String>,
    /// One of its kind's known variables; others are rejected.
    api_key_env: Option<String>,
    #[schema(max_length = 64)]
    model_id_prefix: Option<String>,
    /// Write-only.
    #[schema(value_type = Option<String>, format = "password")]
    api_key: Option<SecretString>,
}

/// Add a provider
#[utoipa::path(
    post, path = "/api/config/provider", tag = "configuration", request_body = NewProvider,
    responses((status = 200, body = ProviderDone), Refusals)
)]
pub(super) async fn add_provider(
    State(service): State<ProviderService>,
    session: Session,
    Body(new): Body<NewProvider>,
) -> Result<Json<ProviderDone>, AppError> {
    let settings = new_provider(
        &new.provider_key,
        new.display_name,
        new.api_base,
        ProviderKind::from_key(&new.provider_key).unwrap_or(ProviderKind::Custom),
    )?;
    let settings =
        ProviderSettings { key_env: new.api_key_env, model_prefix: new.model_id_prefix, ..settings };
    let id = service.add(session.user_id(), &settings, &[]).await.map_err(taken_is_bad_request)?;
    if let Some(key) = new.api_key {
        service.save_key(session.user_id(), &id, &key).await?;
    }
    Ok(Json(ProviderDone::to(new.provider_key)))
}

/// Creates a provider from its kind and the user's settings.
pub(super) fn new_provider(
    key: &str,
    display_name: Option<String>,
    base_url: Option<String>,
    kind: ProviderKind,
) -> Result<ProviderSettings, AppError> {
    let facts = kind.facts();
    let base_url = base_url.filter(|url| !url.trim().is_empty()).or(facts.base_url.map(str::to_owned));
    let base_url =
        base_url.ok_or_else(|| AppError::Invalid(format!("{key} has no default URL: set api_base.")))?;
    let mut provider = Provider::of_kind(kind, base_url);
    let usual = if key == facts.key { facts.display_name } else { key };
    provider.display_name = display_name.unwrap_or_else(|| usual.to_owned());
    key.clone_into(&mut provider.key);
    Ok(provider.into())
}

/// These routes return 400 where `/api/v2` returns 409.
fn taken_is_bad_request(error: ProviderError) -> AppError {
    match error {
        ProviderError::Taken(_) | ProviderError::ModelTaken(_) => AppError::BadRequest(error.to_string()),
        other => other.into(),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ProviderChange {
    provider_key: String,
    #[schema(min_length = 1, max_length = 256)]
    display_name: Option<String>,
    /// Null resets it to its kind's default. If host or port change, the saved key is locked until it is
    /// entered again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    api_base: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    api_key_env: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 64)]
    model_id_prefix: Option<Option<String>>,
    /// Write-only.
    #[schema(value_type = Option<String>, format = "password")]
    api_key: Option<SecretString>,
    direct_local: Option<bool>,
    is_active: Option<bool>,
}

/// Change a provider
///
/// Missing fields are not changed.
#[utoipa::path(
    put, path = "/api/config/provider", tag = "configuration", request_body = ProviderChange,
    responses((status = 200, body = ProviderDone), Refusals)
)]
pub(super) async fn change_provider(
    State(service): State<ProviderService>,
    session: Session,
    Body(change): Body<ProviderChange>,
) -> Result<Json<ProviderDone>, AppError> {
    let listing = service.by_key(session.user_id(), &change.provider_key).await?;
    let usual = listing.provider.kind.facts().base_url;
    let apply = |settings: &mut ProviderSettings| {
        if let Some(name) = change.display_name {
            settings.provider.display_name = name;
        }
        if let Some(base_url) = change.api_base {
            let kept = settings.provider.base_url.clone();
            settings.provider.base_url = base_url.or(usual.map(str::to_owned)).unwrap_or(kept);
        }
        settings.key_env = change.api_key_env.unwrap_or(settings.key_env.take());
        settings.model_prefix = change.model_id_prefix.unwrap_or(settings.model_prefix.take());
        settings.direct_local = change.direct_local.unwrap_or(settings.direct_local);
        settings.enabled = change.is_active.unwrap_or(settings.enabled);
    };
    service.change(session.user_id(), &listing.id, apply).await?;
    if let Some(key) = change.api_key {
        service.save_key(session.user_id(), &listing.id, &key).await?;
    }
    Ok(Json(ProviderDone::to(change.provider_key)))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WhichProvider {
    pub(super) provider_key: String,
}

/// Delete a provider
///
/// With its models and its key. Results are kept.
#[utoipa::path(
    delete, path = "/api/config/provider", tag = "configuration", request_body = WhichProvider,
    responses((status = 200, body = ProviderDone), Refusals)
)]
pub(super) async fn delete_provider(
    State(service): State<ProviderService>,
    session: Session,
    Body(which): Body<WhichProvider>,
) -> Result<Json<ProviderDone>, AppError> {
    let listing = service.by_key(session.user_id(), &which.provider_key).await?;
    service.delete(session.user_id(), &listing.id).await?;
    Ok(Json(ProviderDone::to(which.provider_key)))
}

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
    /// The id in the provider's API.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    #[schema(max_length = 256)]
    display_name: Option<String>,
    #[schema(minimum = 1, maximum = 10_000_000)]
    context_window: Option<u64>,
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
    Body(new): Body<NewModel>,
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
    Ok(Json(ModelDone { status: "ok", model_id: new.id }))
}

/// A null field is reset to the value of the provider or the catalog. Missing fields are not changed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ModelChange {
    provider_key: String,
    model_id: String,
    #[schema(min_length = 1, max_length = 256)]
    new_model_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 256)]
    display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 10_000_000)]
    context_window: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000)]
    max_output_tokens: Option<Option<u64>>,
    #[schema(max_items = 50)]
    skip_params: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 50_000)]
    system_prompt: Option<Option<String>>,
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Map<String, Value>>,
    #[schema(max_items = 50)]
    aliases: Option<Vec<String>>,
    /// US dollars per million tokens; set both input and output.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    input_cost_per_mtok: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    cached_input_cost_per_mtok: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    output_cost_per_mtok: Option<Option<f64>>,
    is_active: Option<bool>,
}

impl ModelChange {
    fn apply(&self, listing: &ModelListing) -> Result<ModelSettings, AppError> {
        let before = &listing.settings;
        let change = |new: &Option<Option<u64>>, old: Option<u64>| new.unwrap_or(old);
        let text = |new: &Option<Option<String>>, old: &Option<String>| new.clone().unwrap_or(old.clone());
        Ok(ModelSettings {
            display_name: text(&self.display_name, &before.display_name),
            context_window: change(&self.context_window, before.context_window),
            max_output_tokens: change(&self.max_output_tokens, before.max_output_tokens),
            price: self.price(listing)?,
            skip_params: self.skip_params.clone().unwrap_or_else(|| before.skip_params.clone()),
            system_prompt: text(&self.system_prompt, &before.system_prompt),
            params: self.custom_fields.clone().unwrap_or_else(|| before.params.clone()),
            aliases: self.aliases.clone().unwrap_or_else(|| before.aliases.clone()),
        })
    }

    /// Completes a price of which only one half is given with the current value, which may be the catalog's.
    fn price(&self, listing: &ModelListing) -> Result<Option<CustomPrice>, AppError> {
        let given = [self.input_cost_per_mtok, self.cached_input_cost_per_mtok, self.output_cost_per_mtok];
        if given.iter().all(Option::is_none) {
            return Ok(listing.settings.price);
        }
        let known = listing.model.price;
        let [input, cached, output] = given;
        let input = input.unwrap_or(known.map(|price| price.input_per_mtok));
        let cached = cached.unwrap_or(known.and_then(|price| price.cached_input_per_mtok));
        let output = output.unwrap_or(known.map(|price| price.output_per_mtok));
        match (input, output) {
            (None, None) => Ok(None),
            (Some(input), Some(output)) => Ok(Some(CustomPrice {
                input_per_mtok: input,
                cached_input_per_mtok: cached,
                output_per_mtok: output,
            })),
            _ => Err(AppError::Invalid(
                "Set both input_cost_per_mtok and output_cost_per_mtok, or null for both.".into(),
            )),
        }
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
    Body(change): Body<ModelChange>,
) -> Result<Json<ModelDone>, AppError> {
    let listing = model_of(&service, session.user_id(), &change.provider_key, &change.model_id).await?;
    let settings = change.apply(&listing)?;
    let model_id = change.new_model_id.unwrap_or(change.model_id);
    let renamed = model_id.clone();
    let enabled = change.is_active.unwrap_or(listing.enabled);
    let edited = service.change_model(session.user_id(), &listing.id, |edit| {
        edit.model_id = renamed;
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
    Body(which): Body<WhichModel>,
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
    let model = provider.models.into_iter().find(|listing| listing.model.id == model_id);
    model.ok_or_else(|| {
        ProviderError::UnknownModel(endpoint::ModelRef {
            provider_key: provider_key.to_owned(),
            model_id: model_id.to_owned(),
        })
    })
}

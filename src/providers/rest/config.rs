//! `/api/config`: the user's whole configuration, and changes by key and id.

use axum::Json;
use axum::extract::State;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::fields::{present_text, text};
use super::{ProviderDone, Refusals};
use crate::accounts::Session;
use crate::http::{AppError, Body};
use crate::providers::listing::{Access, KeyState, ModelListing, ProviderListing};
use crate::providers::service::{ProviderError, ProviderService};
use crate::providers::settings::ProviderSettings;
use bench::types::{DEFAULT_RUNS_OF_REQUESTS, Parameters};
use endpoint::litellm;
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
    /// The name of an environment variable that the user noted, or the usual one of its kind. It is a label: the
    /// variable is not read.
    api_key_env: String,
    /// An ellipsis and the last four characters of the key; empty if there is none.
    api_key: String,
    model_id_prefix: String,
    direct_local: bool,
    is_active: bool,
    /// Shared by an admin: usable, not changeable.
    shared: bool,
    /// Whether its models can be benchmarked: it is enabled and has the API key that it needs.
    ready: bool,
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
    params: Map<String, Value>,
    /// Data of scripts about this model; never sent.
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
            params: model.params,
            custom_fields: settings.custom_fields,
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
        let ready = listing.usable();
        let api_key = match listing.key {
            KeyState::Saved { last4, .. } | KeyState::Locked { last4, .. } => format!("…{last4}"),
            _ => String::new(),
        };
        Self {
            ready,
            id: listing.id,
            provider_key: listing.provider.key,
            display_name: listing.provider.display_name,
            api_base: listing.provider.base_url,
            api_key_env: listing.key_env.or(usual).unwrap_or_default(),
            api_key,
            model_id_prefix: listing.model_prefix.unwrap_or_default(),
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
    let Parameters { prompt, max_tokens, temperature, context_tiers, warmup, .. } = Parameters::default();
    let defaults =
        Defaults { prompt, runs: DEFAULT_RUNS_OF_REQUESTS, max_tokens, temperature, context_tiers, warmup };
    Ok(Json(Configuration { defaults, providers }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewProvider {
    /// Its key in requests. The key of a known kind (`openai`, `ollama`, …) selects that kind's protocol, rules
    /// and URL.
    #[schema(pattern = "^[a-zA-Z0-9_-]+$", max_length = 64)]
    provider_key: String,
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    display_name: Option<String>,
    /// Required if its kind has no default URL.
    #[serde(default, deserialize_with = "text")]
    api_base: Option<String>,
    /// A label for you; the variable is not read. Save the key with `api_key`, or with `PUT /api/keys`.
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 128)]
    api_key_env: Option<String>,
    /// A prefix that model ids may have in requests to this server; it is not sent to the provider. If
    /// `provider_key` is not a known kind, LiteLLM's name of a provider selects its kind.
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 64)]
    model_id_prefix: Option<String>,
    /// Write-only.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "password")]
    api_key: Option<SecretString>,
}

/// Add a provider
///
/// A provider of the same key that the user has since registration and never changed is changed instead.
#[utoipa::path(
    post, path = "/api/config/provider", tag = "configuration", request_body = NewProvider,
    responses((status = 200, body = ProviderDone), Refusals)
)]
pub(super) async fn add_provider(
    State(service): State<ProviderService>,
    session: Session,
    Body(new): Body<NewProvider>,
) -> Result<Json<ProviderDone>, AppError> {
    let kind = kind_of(&new.provider_key, new.model_id_prefix.as_deref(), new.api_base.as_deref());
    let settings = new_provider(&new.provider_key, new.display_name, new.api_base, kind)?;
    let settings =
        ProviderSettings { key_env: new.api_key_env, model_prefix: new.model_id_prefix, ..settings };
    let id = service.add_own(session.user_id(), &settings).await.map_err(taken_is_bad_request)?;
    if let Some(key) = new.api_key.filter(is_filled) {
        service.save_key(session.user_id(), &id, &key).await?;
    }
    Ok(Json(ProviderDone::to(new.provider_key)))
}

/// Returns the kind of a provider by its key, or by the prefix that LiteLLM selects it by.
pub(super) fn kind_of(key: &str, prefix: Option<&str>, base_url: Option<&str>) -> ProviderKind {
    if let Some(kind) = ProviderKind::from_key(key) {
        return kind;
    }
    match prefix.and_then(litellm::kind_of_route) {
        // Many servers speak OpenAI's protocol. Those of others have their own rules.
        Some(ProviderKind::Openai)
            if base_url.is_some_and(|url| !ProviderKind::Openai.facts().is_own_origin(url)) =>
        {
            ProviderKind::Custom
        }
        kind => kind.unwrap_or(ProviderKind::Custom),
    }
}

fn is_filled(key: &SecretString) -> bool {
    !key.expose_secret().trim().is_empty()
}

/// Creates a provider from its kind and the user's settings.
pub(super) fn new_provider(
    key: &str,
    display_name: Option<String>,
    base_url: Option<String>,
    kind: ProviderKind,
) -> Result<ProviderSettings, AppError> {
    let facts = kind.facts();
    let base_url = base_url.or(facts.base_url.map(str::to_owned));
    let base_url =
        base_url.ok_or_else(|| AppError::Invalid(format!("{key} has no default URL: set api_base.")))?;
    let mut provider = Provider::of_kind(kind, base_url);
    let usual = if key == facts.key { facts.display_name } else { key };
    provider.display_name = display_name.unwrap_or_else(|| usual.to_owned());
    key.clone_into(&mut provider.key);
    Ok(provider.into())
}

/// These routes return 400 where `/api/v2` returns 409.
pub(super) fn taken_is_bad_request(error: ProviderError) -> AppError {
    match error {
        ProviderError::Taken(_) | ProviderError::ModelTaken(_) => AppError::BadRequest(error.to_string()),
        other => other.into(),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ProviderChange {
    provider_key: String,
    #[serde(default, deserialize_with = "text")]
    #[schema(max_length = 256)]
    display_name: Option<String>,
    /// Null resets it to its kind's default. If host or port change, the saved key is locked until it is
    /// entered again.
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>)]
    api_base: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_text")]
    #[schema(value_type = Option<String>)]
    api_key_env: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_text")]
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
    if let Some(key) = change.api_key.filter(is_filled) {
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

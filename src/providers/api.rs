//! Server functions of the provider pages.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::forms::ModelForm;
use super::listing::{ProviderHealth, ProviderListing};
#[cfg(feature = "ssr")]
use super::service::ProviderService;
#[cfg(feature = "ssr")]
use super::settings::ModelSettings;
use super::settings::Step;
#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::http::{AppError, into_server_fn_error};
use endpoint::types::Model;

/// A provider, with further data for its page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderDetails {
    pub listing: ProviderListing,
    /// Whether the user may share it.
    pub admin: bool,
    /// The server's environment variable whose key it would use if shared.
    pub environment: Option<String>,
}

/// A model that a provider lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub model: Model,
    /// Whether the user already has it.
    pub here: bool,
}

/// Returns the user's providers with their models, without keys.
#[server]
pub async fn list_providers() -> Result<Vec<ProviderListing>, ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.list(&user.id).await.map_err(into_server_fn_error)
}

/// Requests the model list of every reachable provider, and saves it.
#[server]
pub async fn refresh_models() -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.refresh(&user.id).await.map_err(into_server_fn_error)
}

/// Checks which enabled providers respond.
#[server]
pub async fn check_health() -> Result<Vec<ProviderHealth>, ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.health(&user.id).await.map_err(into_server_fn_error)
}

/// Returns one provider by the id of its row.
#[server]
pub async fn get_provider(id: String) -> Result<ProviderDetails, ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let listing = service.get(&user.id, &id).await.map_err(into_server_fn_error)?;
    let admin = user.role == crate::accounts::Role::Admin;
    let variable = service.environment_of(listing.provider.kind).filter(|_| admin);
    let own_origin = listing.provider.kind.facts().is_own_origin(&listing.provider.base_url);
    let environment = variable.filter(|_| own_origin).map(str::to_owned);
    Ok(ProviderDetails { listing, admin, environment })
}

/// Adds a provider and redirects to its page. An empty name or URL is its kind's default.
#[server]
pub async fn add_provider(
    kind: String,
    display_name: String,
    base_url: String,
    api_key: String,
) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let id =
        service.add_of_kind(&user.id, &kind, &display_name, &base_url).await.map_err(into_server_fn_error)?;
    if !api_key.trim().is_empty() {
        service.save_key(&user.id, &id, &api_key.into()).await.map_err(into_server_fn_error)?;
    }
    crate::http::redirect(&format!("/providers/{id}"));
    Ok(())
}

/// Changes name, URL and prefix of a provider.
#[server]
pub async fn change_provider(
    provider: String,
    display_name: String,
    base_url: String,
    model_prefix: String,
) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let change = |settings: &mut super::settings::ProviderSettings| {
        settings.provider.display_name = display_name;
        settings.provider.base_url = base_url;
        settings.model_prefix = Some(model_prefix.trim().to_owned()).filter(|prefix| !prefix.is_empty());
    };
    service.change(&user.id, &provider, change).await.map_err(into_server_fn_error)
}

/// Enables or disables a provider.
#[server]
pub async fn switch_provider(provider: String, on: bool) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.change(&user.id, &provider, |settings| settings.enabled = on).await.map_err(into_server_fn_error)
}

/// Moves a provider by one position.
#[server]
pub async fn step_provider(provider: String, step: Step) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.step(&user.id, &provider, step).await.map_err(into_server_fn_error)
}

/// Shares a provider with all users, or stops sharing it.
#[server]
pub async fn share_provider(provider: String, shared: bool) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.share(&user, &provider, shared).await.map_err(into_server_fn_error)
}

/// Deletes a provider and redirects to the list.
#[server]
pub async fn delete_provider(provider: String) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.delete(&user.id, &provider).await.map_err(into_server_fn_error)?;
    crate::http::redirect("/providers");
    Ok(())
}

/// Saves an API key, replacing the previous one.
#[server]
pub async fn save_key(provider: String, api_key: String) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.save_key(&user.id, &provider, &api_key.into()).await.map_err(into_server_fn_error)
}

/// Deletes an API key.
#[server]
pub async fn remove_key(provider: String) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.remove_key(&user.id, &provider).await.map(drop).map_err(into_server_fn_error)
}

/// Returns the models that a provider lists, with a mark on those that the user already has.
#[server]
pub async fn discover_models(provider: String) -> Result<Vec<Candidate>, ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let listing = service.get(&user.id, &provider).await.map_err(into_server_fn_error)?;
    let offered = service.discover(&user.id, &listing.provider.key).await.map_err(into_server_fn_error)?;
    let is_here = |model: &Model| listing.models.iter().any(|listed| listed.model.id == model.id);
    Ok(offered.into_iter().map(|model| Candidate { here: is_here(&model), model }).collect())
}

/// Adds models that a provider lists, and redirects to its page.
#[server]
pub async fn add_models(
    provider: String,
    #[server(default)] models: Vec<String>,
) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    if models.is_empty() {
        let error = AppError::Invalid("Choose at least one model.".to_owned());
        return Err(into_server_fn_error(error));
    }
    service.add_offered(&user.id, &provider, &models).await.map_err(into_server_fn_error)?;
    crate::http::redirect(&format!("/providers/{provider}"));
    Ok(())
}

/// Adds one model by its id.
#[server]
pub async fn add_model(provider: String, model_id: String) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let settings = ModelSettings::default();
    service
        .add_model(&user.id, &provider, model_id.trim(), &settings)
        .await
        .map(drop)
        .map_err(into_server_fn_error)
}

/// Changes a model's settings, and redirects to its provider.
#[server]
pub async fn change_model(
    provider: String,
    model: String,
    model_id: String,
    form: ModelForm,
) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    let settings = form.settings().map_err(|sentence| into_server_fn_error(AppError::Invalid(sentence)))?;
    let edited = service.change_model(&user.id, &model, |edit| {
        edit.model_id = model_id.trim().to_owned();
        let custom_fields = std::mem::take(&mut edit.settings.custom_fields);
        edit.settings = ModelSettings { custom_fields, ..settings };
    });
    edited.await.map_err(into_server_fn_error)?;
    crate::http::redirect(&format!("/providers/{provider}"));
    Ok(())
}

/// Enables or disables a model.
#[server]
pub async fn switch_model(model: String, on: bool) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.change_model(&user.id, &model, |edit| edit.enabled = on).await.map_err(into_server_fn_error)
}

/// Moves a model by one position.
#[server]
pub async fn step_model(model: String, step: Step) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.step_model(&user.id, &model, step).await.map_err(into_server_fn_error)
}

/// Deletes a model and redirects to its provider.
#[server]
pub async fn delete_model(provider: String, model: String) -> Result<(), ServerFnError> {
    let (Session { user, .. }, service) = Session::with::<ProviderService>()?;
    service.delete_model(&user.id, &model).await.map_err(into_server_fn_error)?;
    crate::http::redirect(&format!("/providers/{provider}"));
    Ok(())
}

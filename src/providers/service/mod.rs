//! The provider service: a user's providers, models, keys and prices.

mod edit;
mod health;
mod keys;
mod models;
mod refresh;
mod seeds;
mod targets;
#[cfg(test)]
mod tests;
mod unbound;

use std::net::SocketAddr;

use super::listing::{Access, ModelListing, ProviderListing};
use super::settings::{DEMO_URL, SHARED_PREFIX};
use super::store::{ProviderStore, StoreError, StoredModel, StoredProvider};
use crate::accounts::{Settings, UserId, Vault, VaultError};
use crate::database::Database;
use endpoint::catalog;
use endpoint::egress::AddressPolicy;
use endpoint::types::{ApiError, Model, ModelRef, Provider, ProviderKind};

use crate::http::AppError;

pub use health::LmStudio;
pub use keys::EnvironmentKeys;
pub use models::ModelEdit;
pub use targets::measurable;

/// An error of the provider service.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("There is no provider \"{0}\". Add it in Providers & models, or check its key.")]
    UnknownProvider(String),
    #[error("{} has no model \"{}\". Add it in Providers & models, or check its id.", .0.provider_key, .0.model_id)]
    UnknownModel(ModelRef),
    #[error(
        "No model is called \"{0}\". Name one of your models, as provider/model where several have its name."
    )]
    UnknownName(String),
    #[error("Model not found. It may have been deleted; reload the page.")]
    NoSuchModel,
    #[error("{0} is disabled. Enable it in Providers & models.")]
    SwitchedOff(String),
    #[error("{0} has no API key. Enter one in Providers & models.")]
    Keyless(String),
    #[error("{0}, shared by an admin, has no API key. Ask an admin to enter one.")]
    KeylessShared(String),
    #[error(
        "The API key of {name} was saved for {origin} and is only sent there. Enter the key for the new \
         address in Providers & models."
    )]
    KeyLocked { name: String, origin: String },
    #[error("{0} is shared by an admin. Only the admin can change it.")]
    NotYours(String),
    /// The address policy forbids its address; the sentence says which and what to do.
    #[error("{0}.")]
    AddressRefused(String),
    #[error("Only admins can share a provider.")]
    AdminsOnly,
    #[error("A provider \"{0}\" already exists. Choose another key.")]
    Taken(String),
    #[error("This provider already has a model \"{0}\".")]
    ModelTaken(String),
    /// A value is out of bounds; the sentence says which.
    #[error("{0}")]
    Invalid(String),
    #[error("Couldn’t get the models of {name}: {}", .error.message)]
    Unlisted { name: String, error: ApiError },
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ProviderError> for AppError {
    fn from(error: ProviderError) -> Self {
        let text = error.to_string();
        match error {
            ProviderError::UnknownProvider(_)
            | ProviderError::UnknownModel(_)
            | ProviderError::UnknownName(_)
            | ProviderError::NoSuchModel => Self::NotFound(text),
            ProviderError::SwitchedOff(_)
            | ProviderError::Keyless(_)
            | ProviderError::KeylessShared(_)
            | ProviderError::KeyLocked { .. }
            | ProviderError::AddressRefused(_) => Self::BadRequest(text),
            ProviderError::NotYours(_) => Self::Forbidden(text),
            ProviderError::AdminsOnly => Self::AdminsOnly,
            ProviderError::Taken(_) | ProviderError::ModelTaken(_) => Self::Conflict(text),
            ProviderError::Invalid(_) | ProviderError::Vault(VaultError::Address) => Self::Invalid(text),
            ProviderError::Unlisted { .. } => Self::Upstream(text),
            ProviderError::Vault(error) => Self::internal(error),
            ProviderError::Store(error) => Self::internal(error),
        }
    }
}

/// The providers of all users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProviderService {
    store: ProviderStore,
    installation: Settings,
    vault: Vault,
    environment: EnvironmentKeys,
    /// The address of this process's demo server.
    demo: Option<SocketAddr>,
}

impl ProviderService {
    /// Creates a service without a demo and without keys of the environment.
    pub fn new(database: Database, vault: Vault) -> Self {
        Self {
            installation: Settings::new(database.clone()),
            store: ProviderStore::new(database),
            vault,
            environment: EnvironmentKeys::default(),
            demo: None,
        }
    }

    /// Adds the demo server at this address.
    pub fn with_demo(self, address: SocketAddr) -> Self {
        Self { demo: Some(address), ..self }
    }

    /// Adds these keys for shared providers.
    pub fn with_environment(self, environment: EnvironmentKeys) -> Self {
        Self { environment, ..self }
    }

    /// Returns the user's providers: shared ones first, then their own.
    pub async fn list(&self, user: &UserId) -> Result<Vec<ProviderListing>, ProviderError> {
        let stored = self.store.list(user).await?;
        Ok(stored.into_iter().map(|stored| self.listing(user, stored)).collect())
    }

    /// Returns one of the user's providers by the id of its row.
    ///
    /// # Errors
    /// If the user has none with this id.
    pub async fn get(&self, user: &UserId, id: &str) -> Result<ProviderListing, ProviderError> {
        let stored = self.visible(user, |stored| stored.id == id).await?;
        let stored = stored.ok_or_else(|| ProviderError::UnknownProvider(id.to_owned()))?;
        Ok(self.listing(user, stored))
    }

    /// Returns one of the user's providers by its key.
    ///
    /// # Errors
    /// If the user has none with this key.
    pub async fn by_key(&self, user: &UserId, key: &str) -> Result<ProviderListing, ProviderError> {
        Ok(self.listing(user, self.stored_by_key(user, key).await?))
    }

    async fn stored_by_key(&self, user: &UserId, key: &str) -> Result<StoredProvider, ProviderError> {
        let stored = self.visible(user, |stored| key_for(user, stored) == key).await?;
        stored.ok_or_else(|| ProviderError::UnknownProvider(key.to_owned()))
    }

    async fn visible(
        &self,
        user: &UserId,
        wanted: impl Fn(&StoredProvider) -> bool,
    ) -> Result<Option<StoredProvider>, StoreError> {
        Ok(self.store.list(user).await?.into_iter().find(wanted))
    }

    /// Returns the user's own provider with this id.
    async fn own(&self, user: &UserId, id: &str) -> Result<StoredProvider, ProviderError> {
        match self.store.find(user, id).await? {
            Some(stored) => Ok(self.resolve_demo_url(stored)),
            None => match self.visible(user, |stored| stored.id == id).await? {
                Some(shared) => Err(ProviderError::NotYours(shared.settings.provider.display_name)),
                None => Err(ProviderError::UnknownProvider(id.to_owned())),
            },
        }
    }

    fn listing(&self, user: &UserId, stored: StoredProvider) -> ProviderListing {
        let stored = self.resolve_demo_url(stored);
        let key = self.key_state(user, &stored);
        let mut provider = stored.settings.provider.clone();
        let models = stored.models.iter().map(|model| model_listing(&provider, model)).collect();
        let access = access(user, &stored);
        provider.key = key_for(user, &stored).to_owned();
        if access == Access::Shared {
            provider.headers.clear();
        }
        ProviderListing {
            provider,
            access,
            key,
            models,
            id: stored.id,
            enabled: stored.settings.enabled,
            model_prefix: stored.settings.model_prefix,
            key_env: stored.settings.key_env,
            direct_local: stored.settings.direct_local,
            position: stored.position,
            checked_at: stored.checked_at,
            problem: stored.problem,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }

    /// Replaces the stored demo URL with the address of this process's demo server.
    fn resolve_demo_url(&self, mut stored: StoredProvider) -> StoredProvider {
        let provider = &mut stored.settings.provider;
        if provider.kind == ProviderKind::Demo && provider.base_url == DEMO_URL {
            provider.base_url = self.demo_url().unwrap_or_else(|| DEMO_URL.to_owned());
        }
        stored
    }

    fn demo_url(&self) -> Option<String> {
        Some(mock::demo_provider(&format!("http://{}", self.demo?)).base_url)
    }

    /// Returns the current address policy, without the demo's address.
    async fn networks(&self) -> Result<AddressPolicy, ProviderError> {
        let allowed = self.installation.allows_local_networks().await.map_err(StoreError::from)?;
        Ok(AddressPolicy::of_setting(allowed))
    }

    /// Returns a check of providers' URLs against the current address policy, as far as their addresses are known
    /// without a DNS lookup.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn address_check(
        &self,
    ) -> Result<impl Fn(&Provider) -> Result<(), ProviderError> + Send + use<>, ProviderError> {
        let (networks, service) = (self.networks().await?, self.clone());
        Ok(move |provider: &Provider| {
            let checked = service.policy_for(networks, provider).check_url(&provider.base_url);
            checked.map_err(|refused| ProviderError::AddressRefused(refused.to_string()))
        })
    }

    /// Returns the address policy for requests to this provider.
    fn policy_for(&self, networks: AddressPolicy, provider: &Provider) -> AddressPolicy {
        self.demo.map_or(networks, |demo| networks.for_provider(provider, demo))
    }
}

fn access(user: &UserId, stored: &StoredProvider) -> Access {
    match (&stored.owner == user, &stored.shared_as) {
        (true, None) => Access::Own,
        (true, Some(_)) => Access::OwnShared,
        (false, _) => Access::Shared,
    }
}

/// Returns the provider's key for this user.
fn key_for<'a>(user: &UserId, stored: &'a StoredProvider) -> &'a str {
    match &stored.shared_as {
        Some(shared_as) if &stored.owner != user => shared_as,
        _ => &stored.settings.provider.key,
    }
}

fn model_listing(provider: &Provider, stored: &StoredModel) -> ModelListing {
    ModelListing {
        id: stored.id.clone(),
        model: effective(provider, stored),
        settings: stored.settings.clone(),
        enabled: stored.enabled,
        offered: stored.offered,
        created_at: stored.created_at,
        updated_at: stored.updated_at,
    }
}

/// Returns the effective model: the user's settings take precedence over the provider's data, and those over
/// the catalog's.
fn effective(provider: &Provider, stored: &StoredModel) -> Model {
    let mut model = stored.settings.apply(stored.listed.clone());
    catalog::complete(provider, &mut model);
    model
}

/// Returns a key like `shared-openai`, `shared-openai-2`, … for this attempt.
fn shared_key(key: &str, attempt: usize) -> String {
    let number = if attempt == 1 { String::new() } else { format!("-{attempt}") };
    format!("{SHARED_PREFIX}{key}{number}")
}

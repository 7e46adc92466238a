//! From the names of models to what is measured.

use super::{ProviderError, ProviderService, key_for};
use crate::accounts::UserId;
use crate::providers::listing::{KeyState, ProviderListing};
use crate::providers::settings::ProviderSettings;
use crate::providers::store::{StoredModel, StoredProvider};
use bench::Target;
use endpoint::egress::AddressPolicy;
use endpoint::litellm;
use endpoint::types::{Model, ModelRef, Provider};

impl ProviderService {
    /// What is needed to measure each of `models`, in their order: its provider with the decrypted key, and
    /// the model as the user set it up. To check or describe models, [`measurable`] is enough.
    ///
    /// # Errors
    /// About the first that is unknown, switched off or without a key.
    pub async fn targets(&self, user: &UserId, models: &[ModelRef]) -> Result<Vec<Target>, ProviderError> {
        let stored = self.store.list(user).await?;
        let stored: Vec<_> = stored.into_iter().map(|stored| self.resolve_demo_url(stored)).collect();
        let networks = self.networks().await?;
        models.iter().map(|wanted| self.target(user, &stored, wanted, networks)).collect()
    }

    fn target(
        &self,
        user: &UserId,
        providers: &[StoredProvider],
        wanted: &ModelRef,
        networks: AddressPolicy,
    ) -> Result<Target, ProviderError> {
        let stored = providers
            .iter()
            .find(|stored| key_for(user, stored) == wanted.provider_key)
            .ok_or_else(|| ProviderError::UnknownProvider(wanted.provider_key.clone()))?;
        let listing = self.listing(user, stored.clone());
        let (_, model) = measurable(std::slice::from_ref(&listing), wanted)?;
        let mut provider = stored.settings.provider.clone();
        let policy = self.policy_for(networks, &provider);
        provider.key.clone_from(&wanted.provider_key);
        Ok(Target { provider, key: self.key(user, stored)?, model: model.clone(), policy })
    }

    /// The models that are meant by names: `provider/model`, a model's id (with or without its
    /// provider's prefix), its display name or an alias. Of several that are meant, one that can be
    /// measured now, in the order of the user's list.
    ///
    /// # Errors
    /// About the first name that means nothing.
    pub async fn named(&self, user: &UserId, names: &[String]) -> Result<Vec<ModelRef>, ProviderError> {
        let stored = self.store.list(user).await?;
        let stored: Vec<_> = stored.into_iter().map(|stored| self.resolve_demo_url(stored)).collect();
        names
            .iter()
            .map(|name| {
                self.meant(user, &stored, name).ok_or_else(|| ProviderError::UnknownName(name.clone()))
            })
            .collect()
    }

    fn meant(&self, user: &UserId, providers: &[StoredProvider], name: &str) -> Option<ModelRef> {
        let all =
            || providers.iter().flat_map(|stored| stored.models.iter().map(move |model| (stored, model)));
        let reference = |(stored, model): (&StoredProvider, &StoredModel)| ModelRef {
            provider_key: key_for(user, stored).to_owned(),
            model_id: model.listed.id.clone(),
        };
        let ready = |(stored, model): &(&StoredProvider, &StoredModel)| {
            stored.settings.enabled && model.enabled && self.has_key(stored)
        };
        let exact = |(stored, model): &(&StoredProvider, &StoredModel)| {
            name == format!("{}/{}", key_for(user, stored), model.listed.id)
        };
        let loose = |(stored, model): &(&StoredProvider, &StoredModel)| is_called(stored, model, name);
        all()
            .find(exact)
            .or_else(|| all().filter(loose).find(ready))
            .or_else(|| all().find(loose))
            .map(reference)
    }
}

/// Finds a model among the user's providers and checks that it can be measured now. Needs no key, only the
/// knowledge that there is one.
///
/// # Errors
/// When the model is unknown, switched off or without a key.
pub fn measurable<'a>(
    listings: &'a [ProviderListing],
    wanted: &ModelRef,
) -> Result<(&'a Provider, &'a Model), ProviderError> {
    let listing = listings
        .iter()
        .find(|listing| listing.provider.key == wanted.provider_key)
        .ok_or_else(|| ProviderError::UnknownProvider(wanted.provider_key.clone()))?;
    let found =
        listing.find_model(&wanted.model_id).ok_or_else(|| ProviderError::UnknownModel(wanted.clone()))?;
    let name = || listing.provider.display_name.clone();
    if !listing.enabled {
        return Err(ProviderError::SwitchedOff(name()));
    }
    match &listing.key {
        KeyState::Locked { origin, .. } => {
            return Err(ProviderError::KeyLocked { name: name(), origin: origin.clone() });
        }
        KeyState::Missing if listing.own() => return Err(ProviderError::Keyless(name())),
        KeyState::Missing => return Err(ProviderError::KeylessShared(name())),
        KeyState::NotNeeded | KeyState::Saved { .. } | KeyState::Environment(_) | KeyState::Shared => {}
    }
    if !found.enabled {
        return Err(ProviderError::SwitchedOff(found.model.display_name.clone()));
    }
    Ok((&listing.provider, &found.model))
}

fn is_called(stored: &StoredProvider, model: &StoredModel, name: &str) -> bool {
    let ProviderSettings { provider, model_prefix, .. } = &stored.settings;
    let settings = &model.settings;
    model.listed.id == name
        || model.listed.id == litellm::bare_id(provider, model_prefix.as_deref(), name)
        || settings.aliases.iter().any(|alias| alias == name)
        || settings.display_name.as_ref().unwrap_or(&model.listed.display_name) == name
}

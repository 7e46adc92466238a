//! Refreshes the model lists of providers.

use futures::future::{join, join_all};

use super::{ProviderError, ProviderService};
use crate::accounts::UserId;
use crate::database::now_ms;
use crate::providers::store::{StoreError, StoredProvider};
use endpoint::types::{ApiError, Model, Provider, ProviderKind};
use endpoint::{catalog, discovery};

impl ProviderService {
    /// Refreshes all providers: adds local servers that respond and their models, marks those that do not
    /// respond, and requests the model list of every hosted provider with a key.
    pub async fn refresh(&self, user: &UserId) -> Result<(), ProviderError> {
        let own: Vec<_> = self.own_providers(user).await?;
        let hosted = own.iter().filter(|stored| !is_at_default_port(&stored.settings.provider));
        let asked = join_all(hosted.map(|stored| self.refresh_one(user, stored)));
        let networks = self.networks().await?;
        let (asked, local) = join(asked, discovery::local_servers(networks)).await;
        asked.into_iter().collect::<Result<(), _>>()?;
        self.mark_unreachable(user, &own, &local).await?;
        for (provider, models) in local {
            self.upsert_discovered(user, &own, provider, &models).await?;
        }
        Ok(())
    }

    /// Adds a local server with its models, or only its models if its URL already exists.
    pub(super) async fn upsert_discovered(
        &self,
        user: &UserId,
        own: &[StoredProvider],
        mut provider: Provider,
        models: &[Model],
    ) -> Result<(), ProviderError> {
        let provider_of = |stored: &StoredProvider| stored.settings.provider.clone();
        let known = own.iter().find(|stored| stored.settings.provider.base_url == provider.base_url);
        if let Some(known) = known {
            self.store.add_models(user, &known.id, models, now_ms()).await?;
            return Ok(self.keep_list(user, &known.id, models).await?);
        }
        provider.key = free_key(&provider.key, own.iter().map(provider_of).map(|own| own.key));
        let id = self.add(user, &provider.into(), models).await?;
        Ok(self.store.note_check(user, &id, None, now_ms()).await?)
    }

    /// Returns the chat models that the provider (the user's own or a shared one) lists.
    ///
    /// # Errors
    /// If the user has no such provider, its key is missing, or its list cannot be loaded.
    pub async fn discover(&self, user: &UserId, key: &str) -> Result<Vec<Model>, ProviderError> {
        let stored = self.resolve_demo_url(self.stored_by_key(user, key).await?);
        let listed = self.list_models(user, &stored).await?;
        let name = stored.settings.provider.display_name.clone();
        let mut listed = listed.map_err(|error| ProviderError::Unlisted { name, error })?;
        if &stored.owner == user {
            self.keep_list(user, &stored.id, &listed).await?;
        }
        for model in &mut listed {
            catalog::complete(&stored.settings.provider, model);
        }
        Ok(listed)
    }

    /// Adds the models with these ids from the list of the user's own provider.
    ///
    /// # Errors
    /// As [`Self::discover`], or if the provider does not list an id.
    pub async fn add_offered(
        &self,
        user: &UserId,
        provider_id: &str,
        ids: &[String],
    ) -> Result<(), ProviderError> {
        let stored = self.own(user, provider_id).await?;
        let name = stored.settings.provider.display_name.clone();
        let listed = self.list_models(user, &stored).await?;
        let listed = listed.map_err(|error| ProviderError::Unlisted { name, error })?;
        let chosen: Vec<Model> = listed.into_iter().filter(|model| ids.contains(&model.id)).collect();
        if let Some(id) = ids.iter().find(|id| chosen.iter().all(|model| model.id != **id)) {
            return Err(ProviderError::Invalid(format!("{id} is no longer available. Reload the page.")));
        }
        self.add_models(user, provider_id, &chosen).await
    }

    async fn own_providers(&self, user: &UserId) -> Result<Vec<StoredProvider>, StoreError> {
        let visible = self.store.list(user).await?.into_iter();
        Ok(visible
            .filter(|stored| &stored.owner == user)
            .map(|stored| self.resolve_demo_url(stored))
            .collect())
    }

    /// Requests the model list of one provider, if its key is known, and saves the list or the error.
    async fn refresh_one(&self, user: &UserId, stored: &StoredProvider) -> Result<(), ProviderError> {
        if !stored.settings.enabled || stored.settings.provider.simulated() {
            return Ok(());
        }
        match self.list_models(user, stored).await {
            Ok(Ok(models)) => Ok(self.keep_list(user, &stored.id, &models).await?),
            Ok(Err(error)) => {
                Ok(self.store.note_check(user, &stored.id, Some(&error.message), now_ms()).await?)
            }
            Err(ProviderError::Store(error)) => Err(error.into()),
            // The key is missing, which its panel shows.
            Err(_) => Ok(()),
        }
    }

    pub(super) async fn list_models(
        &self,
        user: &UserId,
        stored: &StoredProvider,
    ) -> Result<Result<Vec<Model>, ApiError>, ProviderError> {
        let key = self.key(user, stored)?;
        let provider = &stored.settings.provider;
        let policy = self.policy_for(self.networks().await?, provider);
        let listed = discovery::list_models(policy, provider, key.as_ref()).await;
        // Prices are not stored, because they would become outdated; they are looked up when needed.
        Ok(listed.map(|models| models.into_iter().map(|model| Model { price: None, ..model }).collect()))
    }

    async fn keep_list(&self, user: &UserId, id: &str, models: &[Model]) -> Result<(), StoreError> {
        self.store.take_list(user, id, models, now_ms()).await?;
        self.store.note_check(user, id, None, now_ms()).await
    }

    /// Marks the known local servers that do not respond.
    async fn mark_unreachable(
        &self,
        user: &UserId,
        own: &[StoredProvider],
        answering: &[(Provider, Vec<Model>)],
    ) -> Result<(), StoreError> {
        let answers =
            |provider: &Provider| answering.iter().any(|(other, _)| other.base_url == provider.base_url);
        let local = own.iter().filter(|stored| is_at_default_port(&stored.settings.provider));
        for stored in local.filter(|stored| !answers(&stored.settings.provider)) {
            let base_url = &stored.settings.provider.base_url;
            let problem = format!("Unreachable at {base_url}. Start it, then scan again.");
            self.store.note_check(user, &stored.id, Some(&problem), now_ms()).await?;
        }
        Ok(())
    }
}

/// Returns whether [`discovery::local_servers`] can find it: a local kind at its default URL.
fn is_at_default_port(provider: &Provider) -> bool {
    let usual = provider.kind.facts().base_url;
    let local = [ProviderKind::Ollama, ProviderKind::LmStudio, ProviderKind::Vllm, ProviderKind::LlamaCpp];
    local.contains(&provider.kind) && usual == Some(provider.base_url.as_str())
}

/// Returns `wanted`, or `wanted-2`, `wanted-3`, … if it is in use.
pub(super) fn free_key(wanted: &str, taken: impl Iterator<Item = String>) -> String {
    let taken: Vec<String> = taken.collect();
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut keys = std::iter::once(wanted.to_owned()).chain(numbered);
    keys.find(|key| !taken.contains(key)).unwrap_or_default()
}

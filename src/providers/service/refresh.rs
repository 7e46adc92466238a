//! Asking providers which models they have.

use futures::future::{join, join_all};

use super::{ProviderError, ProviderService};
use crate::accounts::UserId;
use crate::database::now_ms;
use crate::providers::store::{StoreError, StoredProvider};
use endpoint::types::{ApiError, Model, Provider, ProviderKind};
use endpoint::{catalog, discovery};

impl ProviderService {
    /// Looks again: puts in local servers that answer with their models, marks those that do not, and
    /// asks every hosted provider that has a key what it offers now.
    pub async fn refresh(&self, user: &UserId) -> Result<(), ProviderError> {
        let own: Vec<_> = self.own_providers(user).await?;
        let hosted = own.iter().filter(|stored| !found_by_its_port(&stored.settings.provider));
        let asked = join_all(hosted.map(|stored| self.look_at(user, stored)));
        let networks = self.networks().await?;
        let (asked, local) = join(asked, discovery::local_servers(networks)).await;
        asked.into_iter().collect::<Result<(), _>>()?;
        self.note_gone(user, &own, &local).await?;
        for (provider, models) in local {
            self.upsert_discovered(user, &own, provider, &models).await?;
        }
        Ok(())
    }

    /// Puts in a local server that answers, or its models where its address is known already.
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

    /// The models that the provider lists for chat, the user's own or a shared one.
    ///
    /// # Errors
    /// When the user has no such provider, its key is missing, or it does not list its models.
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

    /// Adds those of the models that the user's own provider lists which have these ids.
    ///
    /// # Errors
    /// As [`Self::discover`], or when the provider lists none of this id.
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
            return Err(ProviderError::Invalid(format!(
                "{id} is not offered any more. Load the page again."
            )));
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

    /// Asks one provider, if it has what it takes, and keeps what it says, be it a problem.
    async fn look_at(&self, user: &UserId, stored: &StoredProvider) -> Result<(), ProviderError> {
        if !stored.settings.enabled || stored.settings.provider.simulated() {
            return Ok(());
        }
        match self.list_models(user, stored).await {
            Ok(Ok(models)) => Ok(self.keep_list(user, &stored.id, &models).await?),
            Ok(Err(error)) => {
                Ok(self.store.note_check(user, &stored.id, Some(&error.message), now_ms()).await?)
            }
            Err(ProviderError::Store(error)) => Err(error.into()),
            // Without its key there is nothing to ask with, which its panel says.
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
        // Prices are looked up when they are asked for: what is kept would grow old.
        Ok(listed.map(|models| models.into_iter().map(|model| Model { price: None, ..model }).collect()))
    }

    async fn keep_list(&self, user: &UserId, id: &str, models: &[Model]) -> Result<(), StoreError> {
        self.store.take_list(user, id, models, now_ms()).await?;
        self.store.note_check(user, id, None, now_ms()).await
    }

    /// Marks the local servers that are known but not among those that answer.
    async fn note_gone(
        &self,
        user: &UserId,
        own: &[StoredProvider],
        answering: &[(Provider, Vec<Model>)],
    ) -> Result<(), StoreError> {
        let answers =
            |provider: &Provider| answering.iter().any(|(other, _)| other.base_url == provider.base_url);
        let local = own.iter().filter(|stored| found_by_its_port(&stored.settings.provider));
        for stored in local.filter(|stored| !answers(&stored.settings.provider)) {
            let base_url = &stored.settings.provider.base_url;
            let problem = format!("It does not answer at {base_url}. Start it, then look again.");
            self.store.note_check(user, &stored.id, Some(&problem), now_ms()).await?;
        }
        Ok(())
    }
}

/// True for what [`discovery::local_servers`] finds: a local kind at its usual address.
fn found_by_its_port(provider: &Provider) -> bool {
    let usual = provider.kind.facts().base_url;
    let local = [ProviderKind::Ollama, ProviderKind::LmStudio, ProviderKind::Vllm, ProviderKind::LlamaCpp];
    local.contains(&provider.kind) && usual == Some(provider.base_url.as_str())
}

/// `wanted`, or `wanted-2`, `wanted-3`, … where it is taken.
pub(super) fn free_key(wanted: &str, taken: impl Iterator<Item = String>) -> String {
    let taken: Vec<String> = taken.collect();
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut keys = std::iter::once(wanted.to_owned()).chain(numbered);
    keys.find(|key| !taken.contains(key)).unwrap_or_default()
}

//! Adding, changing, ordering and deleting the models of a provider.

use super::edit::move_one;
use super::{ProviderError, ProviderService};
use crate::accounts::UserId;
use crate::database::now_ms;
use crate::providers::settings::{ModelSettings, ProviderSettings, Step, check_model_id};
use crate::providers::store::{StoredModel, StoredProvider};
use endpoint::litellm;
use endpoint::types::Model;

/// The editable data of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEdit {
    /// The id in the provider's API.
    pub model_id: String,
    pub settings: ModelSettings,
    pub enabled: bool,
}

impl ProviderService {
    /// Adds models to the user's own provider. Existing ones are not changed.
    ///
    /// # Errors
    /// If the user has no such provider or an id is invalid.
    pub async fn add_models(
        &self,
        user: &UserId,
        provider_id: &str,
        models: &[Model],
    ) -> Result<(), ProviderError> {
        let stored = self.own(user, provider_id).await?;
        models.iter().try_for_each(|model| check_model_id(&model.id)).map_err(ProviderError::Invalid)?;
        Ok(self.store.add_models(user, &stored.id, models, now_ms()).await?)
    }

    /// Adds one model with settings; a prefix of LiteLLM is removed from its id. Returns the id of its row.
    ///
    /// # Errors
    /// If the user has no such provider, the provider already has this model, or a value is out of bounds.
    pub async fn add_model(
        &self,
        user: &UserId,
        provider_id: &str,
        model_id: &str,
        settings: &ModelSettings,
    ) -> Result<String, ProviderError> {
        let stored = self.own(user, provider_id).await?;
        let model_id = bare_id(&stored, model_id);
        if has_model(&stored, model_id) {
            return Err(ProviderError::ModelTaken(model_id.to_owned()));
        }
        settings.check().map_err(ProviderError::Invalid)?;
        self.add_models(user, provider_id, &[Model::named(model_id)]).await?;
        let stored = self.own(user, provider_id).await?;
        let added = stored.models.into_iter().find(|model| model.listed.id == model_id);
        let id = added.ok_or(ProviderError::NoSuchModel)?.id;
        self.store.update_model(user, &id, model_id, settings, true, now_ms()).await?;
        Ok(id)
    }

    /// Changes the user's own model.
    ///
    /// # Errors
    /// If the user has no such model, its provider has another one with the new id, or a value is out of
    /// bounds.
    pub async fn change_model(
        &self,
        user: &UserId,
        id: &str,
        change: impl FnOnce(&mut ModelEdit),
    ) -> Result<(), ProviderError> {
        let (provider, model) = self.own_model(user, id).await?;
        let mut edit = ModelEdit {
            model_id: model.listed.id.clone(),
            settings: model.settings.clone(),
            enabled: model.enabled,
        };
        change(&mut edit);
        if edit.model_id != model.listed.id {
            edit.model_id = bare_id(&provider, &edit.model_id).to_owned();
        }
        if edit.model_id != model.listed.id {
            check_model_id(&edit.model_id).map_err(ProviderError::Invalid)?;
            if has_model(&provider, &edit.model_id) {
                return Err(ProviderError::ModelTaken(edit.model_id));
            }
        }
        edit.settings.check().map_err(ProviderError::Invalid)?;
        let ModelEdit { model_id, settings, enabled } = edit;
        let changed = self.store.update_model(user, id, &model_id, &settings, enabled, now_ms()).await?;
        if changed { Ok(()) } else { Err(ProviderError::NoSuchModel) }
    }

    /// Moves the user's own model by one position.
    ///
    /// # Errors
    /// If the user has no such model.
    pub async fn step_model(&self, user: &UserId, id: &str, step: Step) -> Result<(), ProviderError> {
        let (provider, _) = self.own_model(user, id).await?;
        let mut ids: Vec<String> = provider.models.into_iter().map(|model| model.id).collect();
        move_one(&mut ids, id, step);
        Ok(self.store.reorder_models(user, &ids).await?)
    }

    /// Deletes the user's own model. Results are kept.
    ///
    /// # Errors
    /// If the user has no such model.
    pub async fn delete_model(&self, user: &UserId, id: &str) -> Result<(), ProviderError> {
        self.own_model(user, id).await?;
        self.store.delete_model(user, id).await?;
        Ok(())
    }

    async fn own_model(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<(StoredProvider, StoredModel), ProviderError> {
        let provider_id = match self.store.provider_of_model(user, id).await? {
            Some(provider_id) => provider_id,
            None => return Err(self.why_not_own_model(user, id).await?),
        };
        let provider = self.own(user, &provider_id).await?;
        let model = provider.models.iter().find(|model| model.id == id).cloned();
        Ok((provider, model.ok_or(ProviderError::NoSuchModel)?))
    }

    async fn why_not_own_model(&self, user: &UserId, id: &str) -> Result<ProviderError, ProviderError> {
        let shared = self.visible(user, |stored| stored.models.iter().any(|model| model.id == id)).await?;
        Ok(match shared {
            Some(stored) => ProviderError::NotYours(stored.settings.provider.display_name),
            None => ProviderError::NoSuchModel,
        })
    }
}

fn bare_id<'a>(stored: &StoredProvider, id: &'a str) -> &'a str {
    let ProviderSettings { provider, model_prefix, .. } = &stored.settings;
    litellm::bare_id(provider, model_prefix.as_deref(), id)
}

fn has_model(stored: &StoredProvider, model_id: &str) -> bool {
    stored.models.iter().any(|model| model.listed.id == model_id)
}

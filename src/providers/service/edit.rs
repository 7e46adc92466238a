//! Adding, changing, ordering, sharing and deleting providers.

use super::refresh::free_key;
use super::seeds::known_models;
use super::{ProviderError, ProviderService, shared_key};
use crate::accounts::{Role, User, UserId};
use crate::database::now_ms;
use crate::providers::settings::{DEMO_URL, ProviderSettings, Step};
use endpoint::egress::check_base_url;
use endpoint::types::{Model, Provider, ProviderKind};

/// Maximum number of shared providers with the same key.
const MAX_SHARED_ALIKE: usize = 100;

impl ProviderService {
    /// Adds a provider of the user with its models. Returns the id of its row.
    ///
    /// # Errors
    /// If its key is in use or a value is out of bounds.
    pub async fn add(
        &self,
        user: &UserId,
        settings: &ProviderSettings,
        models: &[Model],
    ) -> Result<String, ProviderError> {
        let settings = self.checked(settings.clone())?;
        let id = self.store.insert(user, &settings, models, now_ms()).await?;
        id.ok_or(ProviderError::Taken(settings.provider.key))
    }

    /// Adds a provider that the user describes. Returns the id of its row. If the user has a provider of this key
    /// since registration and has never touched it, that one is changed instead. An API key that was kept for a
    /// provider of this key is bound to it.
    ///
    /// # Errors
    /// If its key is in use or a value is out of bounds.
    pub async fn add_own(&self, user: &UserId, settings: &ProviderSettings) -> Result<String, ProviderError> {
        let key = &settings.provider.key;
        let id = match self.store.seeded(user, key).await? {
            Some(id) => {
                let settings = self.checked(settings.clone())?;
                self.store.update(user, &id, &settings, now_ms()).await?;
                id
            }
            None => self.add(user, settings, &[]).await?,
        };
        self.bind_key(user, key, &id).await?;
        Ok(id)
    }

    /// Adds a provider of this kind with its default models. Returns the id of its row. An empty name or URL is
    /// the kind's default.
    ///
    /// # Errors
    /// If there is no such kind, or it has no default URL and none is given.
    pub async fn add_of_kind(
        &self,
        user: &UserId,
        kind: &str,
        display_name: &str,
        base_url: &str,
    ) -> Result<String, ProviderError> {
        let kind = ProviderKind::from_key(kind)
            .filter(|kind| *kind != ProviderKind::Demo)
            .ok_or_else(|| ProviderError::Invalid("Select a kind of provider from the list.".into()))?;
        let facts = kind.facts();
        let base_url = Some(base_url.trim()).filter(|url| !url.is_empty()).or(facts.base_url);
        let mut provider = Provider::of_kind(kind, base_url.unwrap_or_default());
        if !display_name.trim().is_empty() {
            display_name.trim().clone_into(&mut provider.display_name);
        }
        let own = self.store.list(user).await?.into_iter().filter(|stored| &stored.owner == user);
        provider.key = free_key(facts.key, own.map(|stored| stored.settings.provider.key));
        let key = provider.key.clone();
        let id = self.add(user, &provider.into(), &known_models(kind)).await?;
        self.bind_key(user, &key, &id).await?;
        Ok(id)
    }

    /// Inserts a provider with its models. If it exists, adds missing models and keeps its settings.
    pub async fn put(
        &self,
        user: &UserId,
        provider: &Provider,
        models: &[Model],
    ) -> Result<(), ProviderError> {
        let settings = ProviderSettings::from(provider.clone());
        match self.store.id_of(user, &provider.key).await? {
            Some(id) => Ok(self.store.add_models(user, &id, models, now_ms()).await?),
            None => self.add(user, &settings, models).await.map(drop),
        }
    }

    /// Changes the user's own provider, except its key (the name). If the origin changes, its API key is locked
    /// until it is entered again.
    ///
    /// # Errors
    /// If the user has no such provider or a value is out of bounds.
    pub async fn change(
        &self,
        user: &UserId,
        id: &str,
        change: impl FnOnce(&mut ProviderSettings),
    ) -> Result<(), ProviderError> {
        let before = self.own(user, id).await?;
        let mut settings = before.settings.clone();
        change(&mut settings);
        settings.provider.key.clone_from(&before.settings.provider.key);
        let settings = self.checked(settings)?;
        self.store.update(user, id, &settings, now_ms()).await?;
        Ok(())
    }

    /// Moves the user's own provider by one position.
    ///
    /// # Errors
    /// If the user has no such provider.
    pub async fn step(&self, user: &UserId, id: &str, step: Step) -> Result<(), ProviderError> {
        self.own(user, id).await?;
        let own = self.store.list(user).await?.into_iter().filter(|stored| &stored.owner == user);
        let mut ids: Vec<String> = own.map(|stored| stored.id).collect();
        move_one(&mut ids, id, step);
        Ok(self.store.reorder(user, &ids).await?)
    }

    /// Moves the user's own provider to this position.
    ///
    /// # Errors
    /// If the user has no such provider.
    pub async fn place(&self, user: &UserId, id: &str, position: u32) -> Result<(), ProviderError> {
        self.own(user, id).await?;
        Ok(self.store.place(user, id, position.into()).await?)
    }

    /// Shares an admin's own provider with all users, or stops sharing it.
    ///
    /// # Errors
    /// If the user is not an admin or has no such provider.
    pub async fn share(&self, user: &User, id: &str, shared: bool) -> Result<(), ProviderError> {
        if user.role != Role::Admin {
            return Err(ProviderError::AdminsOnly);
        }
        let stored = self.own(&user.id, id).await?;
        if !shared {
            self.store.share(&user.id, id, None, now_ms()).await?;
            return Ok(());
        }
        if stored.shared_as.is_some() {
            return Ok(());
        }
        if stored.settings.provider.simulated() {
            return Err(ProviderError::Invalid("All users already have the demo.".into()));
        }
        for attempt in 1..=MAX_SHARED_ALIKE {
            let key = shared_key(&stored.settings.provider.key, attempt);
            if self.store.share(&user.id, id, Some(&key), now_ms()).await? {
                return Ok(());
            }
        }
        Err(ProviderError::Invalid("Too many providers of this name are already shared.".into()))
    }

    /// Deletes the user's own provider with its models and its key. Results are kept.
    ///
    /// # Errors
    /// If the user has no such provider.
    pub async fn delete(&self, user: &UserId, id: &str) -> Result<(), ProviderError> {
        self.own(user, id).await?;
        self.store.delete(user, id).await?;
        Ok(())
    }

    /// Checks and normalises the settings for storage.
    fn checked(&self, mut settings: ProviderSettings) -> Result<ProviderSettings, ProviderError> {
        settings.check().map_err(ProviderError::Invalid)?;
        let provider = &mut settings.provider;
        provider.display_name = provider.display_name.trim().to_owned();
        let here = Some(&provider.base_url) == self.demo_url().as_ref() || provider.base_url == DEMO_URL;
        provider.base_url = match provider.kind {
            ProviderKind::Demo if here => DEMO_URL.to_owned(),
            ProviderKind::Demo => {
                let sentence = "The demo's URL can't be changed. Add a custom provider instead.";
                return Err(ProviderError::Invalid(sentence.into()));
            }
            _ => check_base_url(&provider.base_url).map_err(ProviderError::Invalid)?,
        };
        Ok(settings)
    }
}

/// Swaps `id` with its neighbour. Does nothing at the end of the list.
pub(super) fn move_one(ids: &mut [String], id: &str, step: Step) {
    let Some(from) = ids.iter().position(|other| other == id) else { return };
    let to = match step {
        Step::Up => from.checked_sub(1),
        Step::Down => Some(from + 1),
    };
    if let Some(to) = to.filter(|to| *to < ids.len()) {
        ids.swap(from, to);
    }
}

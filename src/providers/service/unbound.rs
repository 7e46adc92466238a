//! API keys that are saved before their provider is added.

use secrecy::SecretString;

use super::keys::{checked, end_of};
use super::{ProviderError, ProviderService};
use crate::accounts::{KeyPlace, UserId};
use crate::database::now_ms;
use crate::providers::settings::check_key;
use crate::providers::store::UnboundKey;

/// Maximum number of keys without a provider per user.
const MAX_UNBOUND: i64 = 50;

impl ProviderService {
    /// Saves an API key for the user's provider with this key. If there is none, the API key is kept and sent
    /// nowhere until the user adds such a provider. Returns the id of the provider or of the kept key.
    ///
    /// # Errors
    /// If the provider's key or the API key is invalid, or the user keeps too many of them.
    pub async fn save_key_by_name(
        &self,
        user: &UserId,
        provider_key: &str,
        key: &SecretString,
    ) -> Result<String, ProviderError> {
        match self.by_key(user, provider_key).await {
            Ok(listing) => {
                self.save_key(user, &listing.id, key).await?;
                Ok(listing.id)
            }
            Err(ProviderError::UnknownProvider(_)) => self.keep_key(user, provider_key, key).await,
            Err(error) => Err(error),
        }
    }

    async fn keep_key(
        &self,
        user: &UserId,
        provider_key: &str,
        key: &SecretString,
    ) -> Result<String, ProviderError> {
        check_key(provider_key).map_err(ProviderError::Invalid)?;
        let key = checked(key)?;
        let sealed = self.vault.seal(&KeyPlace::unbound(user, provider_key), &key)?;
        let last4 = end_of(&key);
        let id =
            self.store.save_unbound_key(user, provider_key, (&sealed, &last4), MAX_UNBOUND, now_ms()).await?;
        id.ok_or_else(|| {
            let sentence = format!("You keep {MAX_UNBOUND} keys without a provider. Delete one first.");
            ProviderError::Invalid(sentence)
        })
    }

    /// Returns the user's API keys without a provider.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unbound_keys(&self, user: &UserId) -> Result<Vec<UnboundKey>, ProviderError> {
        Ok(self.store.unbound_keys(user).await?)
    }

    /// Deletes the API key for the provider with this key, whether there is such a provider or not. Returns false
    /// if there was none.
    ///
    /// # Errors
    /// If the provider is another user's.
    pub async fn remove_key_by_name(&self, user: &UserId, provider_key: &str) -> Result<bool, ProviderError> {
        match self.by_key(user, provider_key).await {
            Ok(listing) => self.remove_key(user, &listing.id).await,
            Err(ProviderError::UnknownProvider(_)) => {
                Ok(self.store.delete_unbound_key(user, provider_key).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Binds the kept API key of this name, if any, to a provider that the user has added: from now on it is sent
    /// to the provider's URL and nowhere else.
    pub(super) async fn bind_key(
        &self,
        user: &UserId,
        provider_key: &str,
        provider_id: &str,
    ) -> Result<(), ProviderError> {
        let kept = self.store.unbound_keys(user).await?;
        let Some(kept) = kept.into_iter().find(|kept| kept.provider_key == provider_key) else {
            return Ok(());
        };
        match self.vault.open(&KeyPlace::unbound(user, provider_key), &kept.sealed) {
            Ok(key) => self.save_key(user, provider_id, &key).await?,
            Err(error) => tracing::warn!("a kept API key is dropped: {error}"),
        }
        self.store.delete_unbound_key(user, provider_key).await?;
        Ok(())
    }
}

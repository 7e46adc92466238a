//! API keys: selects the key for a request, and sends it only to the origin it was saved for.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ProviderError, ProviderService};
use crate::accounts::{KeyPlace, UserId};
use crate::database::now_ms;
use crate::providers::listing::KeyState;
use crate::providers::store::{StoredKey, StoredProvider};
use endpoint::types::ProviderKind;

/// Maximum length of a key in characters; real ones have a tenth.
const MAX_KEY: usize = 4096;
/// Minimum length of a key whose last characters are shown.
const SHOW_END_FROM: usize = 12;

/// API keys in the server's environment at its start, by variable. Its debug output contains only the
/// variables.
#[derive(Clone, Default)]
pub struct EnvironmentKeys(Arc<HashMap<&'static str, SecretString>>);

impl fmt::Debug for EnvironmentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl EnvironmentKeys {
    /// Reads the keys of all kinds of providers with `read`; empty ones are ignored.
    pub fn find(read: impl Fn(&str) -> Option<String>) -> Self {
        let found = Self::names().filter_map(|name| {
            let value = read(name)?.trim().to_owned();
            (!value.is_empty()).then(|| (name, value.into()))
        });
        Self(Arc::new(found.collect()))
    }

    /// Returns all variables that can contain a key.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ProviderKind::all().flat_map(|facts| facts.key_env.iter().copied())
    }

    /// Returns the key in this variable.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }
}

/// The key for requests to a provider.
enum Key<'a> {
    Stored(&'a StoredKey),
    Environment(&'static str, &'a SecretString),
    NotNeeded,
    Missing,
    Locked(&'a StoredKey),
}

impl ProviderService {
    /// Saves `key` for the user's own provider and its current URL, replacing the previous one.
    ///
    /// # Errors
    /// If the user has no such provider or the key is invalid.
    pub async fn save_key(
        &self,
        user: &UserId,
        provider_id: &str,
        key: &SecretString,
    ) -> Result<(), ProviderError> {
        let stored = self.own(user, provider_id).await?;
        let provider = &stored.settings.provider;
        if provider.simulated() {
            return Err(ProviderError::Invalid("The demo needs no key.".into()));
        }
        let key = checked(key)?;
        let place = KeyPlace::new(user, &stored.id, &provider.base_url)?;
        let sealed = StoredKey {
            sealed: self.vault.seal(&place, &key)?,
            last4: end_of(&key),
            origin: origin(&provider.base_url).unwrap_or_default(),
            updated_at: now_ms(),
        };
        Ok(self.store.save_key(user, &stored.id, &sealed).await?)
    }

    /// Deletes the key of the user's own provider. Returns false if there was none.
    ///
    /// # Errors
    /// If the user has no such provider.
    pub async fn remove_key(&self, user: &UserId, provider_id: &str) -> Result<bool, ProviderError> {
        let stored = self.own(user, provider_id).await?;
        Ok(self.store.delete_key(user, &stored.id).await?)
    }

    /// Returns the decrypted key for requests to this provider; `None` if none is needed.
    pub(super) fn key(
        &self,
        user: &UserId,
        stored: &StoredProvider,
    ) -> Result<Option<SecretString>, ProviderError> {
        let name = || stored.settings.provider.display_name.clone();
        match self.choose_key(stored) {
            Key::Stored(key) => {
                let base_url = &stored.settings.provider.base_url;
                let place = KeyPlace::new(&stored.owner, &stored.id, base_url)?;
                Ok(Some(self.vault.open(&place, &key.sealed)?))
            }
            Key::Environment(_, key) => Ok(Some(key.clone())),
            Key::NotNeeded => Ok(None),
            Key::Locked(key) if &stored.owner == user => {
                Err(ProviderError::KeyLocked { name: name(), origin: key.origin.clone() })
            }
            Key::Missing if &stored.owner == user => Err(ProviderError::Keyless(name())),
            Key::Missing | Key::Locked(_) => Err(ProviderError::KeylessShared(name())),
        }
    }

    /// Returns whether requests to this provider can be made with the keys that there are.
    pub(super) fn has_key(&self, stored: &StoredProvider) -> bool {
        !matches!(self.choose_key(stored), Key::Missing | Key::Locked(_))
    }

    /// Returns the state of the key for the user.
    pub(super) fn key_state(&self, user: &UserId, stored: &StoredProvider) -> KeyState {
        let key = self.choose_key(stored);
        if &stored.owner != user {
            return match key {
                Key::NotNeeded => KeyState::NotNeeded,
                Key::Stored(_) | Key::Environment(..) => KeyState::Shared,
                Key::Missing | Key::Locked(_) => KeyState::Missing,
            };
        }
        match key {
            Key::Stored(key) => KeyState::Saved { last4: key.last4.clone(), updated_at: key.updated_at },
            Key::Locked(key) => KeyState::Locked {
                last4: key.last4.clone(),
                origin: key.origin.clone(),
                updated_at: key.updated_at,
            },
            Key::Environment(name, _) => KeyState::Environment(name.to_owned()),
            Key::NotNeeded => KeyState::NotNeeded,
            Key::Missing => KeyState::Missing,
        }
    }

    /// Selects the key. A stored key is used only for the origin it was saved for; a key of the environment
    /// only for a shared provider at its kind's own origin.
    fn choose_key<'a>(&'a self, stored: &'a StoredProvider) -> Key<'a> {
        let provider = &stored.settings.provider;
        if let Some(key) = &stored.key {
            let same = origin(&provider.base_url).is_some_and(|origin| origin == key.origin);
            return if same { Key::Stored(key) } else { Key::Locked(key) };
        }
        if stored.shared_as.is_some()
            && let Some((name, key)) = self.environment_key(stored)
        {
            return Key::Environment(name, key);
        }
        let facts = provider.kind.facts();
        let needed = !facts.key_env.is_empty() && facts.is_own_origin(&provider.base_url);
        if needed { Key::Missing } else { Key::NotNeeded }
    }

    /// Returns the key of the environment that the provider would use if it were shared.
    fn environment_key(&self, stored: &StoredProvider) -> Option<(&'static str, &SecretString)> {
        let provider = &stored.settings.provider;
        let facts = provider.kind.facts();
        if !facts.is_own_origin(&provider.base_url) {
            return None;
        }
        let chosen = |name: &&&str| stored.settings.key_env.as_deref().is_none_or(|wanted| wanted == **name);
        let mut names = facts.key_env.iter().filter(chosen);
        names.find_map(|name| Some((*name, self.environment.get(name)?)))
    }

    /// Returns the environment variable whose key the user's own provider would use if it were shared.
    pub fn environment_of(&self, kind: ProviderKind) -> Option<&'static str> {
        kind.facts().key_env.iter().find(|name| self.environment.get(name).is_some()).copied()
    }

    /// Returns the keys of the environment for admins: variable and masked value, if set.
    pub fn environment(&self) -> Vec<(&'static str, Option<String>)> {
        let masked = |name| self.environment.get(name).map(|key| format!("…{}", end_of(key)));
        EnvironmentKeys::names().map(|name| (name, masked(name))).collect()
    }
}

/// Returns scheme, host and port, which keys are bound to.
pub(super) fn origin(base_url: &str) -> Option<String> {
    let origin = Url::parse(base_url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

pub(super) fn checked(key: &SecretString) -> Result<SecretString, ProviderError> {
    let text = key.expose_secret().trim();
    // Other characters are invalid in a header.
    let fits = |c: char| c.is_ascii_graphic();
    if text.is_empty() || text.len() > MAX_KEY || !text.chars().all(fits) {
        let sentence = format!("API keys can't contain spaces and have at most {MAX_KEY} characters.");
        return Err(ProviderError::Invalid(sentence));
    }
    Ok(text.into())
}

/// Returns the last four characters, by which its owner recognises it.
pub(super) fn end_of(key: &SecretString) -> String {
    let text = key.expose_secret();
    let long_enough = text.chars().count() >= SHOW_END_FROM;
    if long_enough { text.chars().skip(text.chars().count() - 4).collect() } else { String::new() }
}

//! API keys: which one a request carries, and that it is sent nowhere but where it belongs.

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

/// Characters of the longest key that is kept; real ones have a tenth.
const MAX_KEY: usize = 4096;
/// Of a shorter key not even the end is shown.
const SHOW_END_FROM: usize = 12;

/// API keys that were in the server's environment at its start, by variable. Its debug output names
/// the variables only.
#[derive(Clone, Default)]
pub struct EnvironmentKeys(Arc<HashMap<&'static str, SecretString>>);

impl fmt::Debug for EnvironmentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl EnvironmentKeys {
    /// The keys of all kinds of providers that `read` finds; empty ones do not count.
    pub fn find(read: impl Fn(&str) -> Option<String>) -> Self {
        let found = Self::names().filter_map(|name| {
            let value = read(name)?.trim().to_owned();
            (!value.is_empty()).then(|| (name, value.into()))
        });
        Self(Arc::new(found.collect()))
    }

    /// Every variable that can hold a key.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ProviderKind::all().flat_map(|facts| facts.key_env.iter().copied())
    }

    /// The key in this variable.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }
}

/// What a request to a provider carries.
enum Key<'a> {
    Stored(&'a StoredKey),
    Environment(&'static str, &'a SecretString),
    NotNeeded,
    Missing,
    Locked(&'a StoredKey),
}

impl ProviderService {
    /// Keeps `key` for the user's own provider and its present address, in place of the one before.
    ///
    /// # Errors
    /// When the user has no such provider or the key is none.
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

    /// Forgets the key of the user's own provider. False when there was none.
    ///
    /// # Errors
    /// When the user has no such provider.
    pub async fn remove_key(&self, user: &UserId, provider_id: &str) -> Result<bool, ProviderError> {
        let stored = self.own(user, provider_id).await?;
        Ok(self.store.delete_key(user, &stored.id).await?)
    }

    /// Decrypts the key that requests to this provider carry; `None` where none is needed.
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

    /// What the user may know about it.
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

    /// A stored key goes to the origin it was saved for; one of the environment to the own origin of
    /// its kind, for a provider that is shared.
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

    /// The key of the environment that the provider would have, were it shared.
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

    /// The variable of the server's environment from which the user's own provider would have its key,
    /// were it shared.
    pub fn environment_of(&self, kind: ProviderKind) -> Option<&'static str> {
        kind.facts().key_env.iter().find(|name| self.environment.get(name).is_some()).copied()
    }

    /// The keys of the environment, as an admin may see them: variable and masked value, if it is set.
    pub fn environment(&self) -> Vec<(&'static str, Option<String>)> {
        let masked = |name| self.environment.get(name).map(|key| format!("…{}", end_of(key)));
        EnvironmentKeys::names().map(|name| (name, masked(name))).collect()
    }
}

/// Scheme, host and port, as keys are bound to them.
pub(super) fn origin(base_url: &str) -> Option<String> {
    let origin = Url::parse(base_url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn checked(key: &SecretString) -> Result<SecretString, ProviderError> {
    let text = key.expose_secret().trim();
    // It goes into a header, which takes nothing else.
    let fits = |c: char| c.is_ascii_graphic();
    if text.is_empty() || text.len() > MAX_KEY || !text.chars().all(fits) {
        let sentence = format!("An API key has 1 to {MAX_KEY} letters, digits and signs, and no spaces.");
        return Err(ProviderError::Invalid(sentence));
    }
    Ok(text.into())
}

/// The last four characters, by which its owner knows it.
fn end_of(key: &SecretString) -> String {
    let text = key.expose_secret();
    let long_enough = text.chars().count() >= SHOW_END_FROM;
    if long_enough { text.chars().skip(text.chars().count() - 4).collect() } else { String::new() }
}

//! Which providers and models a user has: what is put in at start, how it is kept up to date.

use std::time::{SystemTime, UNIX_EPOCH};

use super::listing::{KeyStatus, ProviderListing};
use super::store::{ProviderStore, StoreError, StoredProvider};
use super::types::{KindFacts, Model, Provider, ProviderKind};

/// The one user until there are accounts.
pub const LOCAL_USER: &str = "0198c0de-0000-7000-8000-000000000001";

/// The providers of all users.
#[derive(Debug, Clone)]
pub struct ProviderService {
    store: ProviderStore,
}

impl ProviderService {
    pub fn new(store: ProviderStore) -> Self {
        Self { store }
    }

    /// The user's providers in the order of their kinds.
    pub async fn list(&self, user: &str) -> Result<Vec<ProviderListing>, StoreError> {
        let mut listings: Vec<_> = self.store.list(user).await?.into_iter().map(listing_of).collect();
        listings.sort_by_key(|listing| rank(listing.provider.kind));
        Ok(listings)
    }

    /// Puts in a provider whose models are known.
    pub async fn put(&self, user: &str, provider: Provider, models: Vec<Model>) -> Result<(), StoreError> {
        let now = now_ms();
        let stored = StoredProvider { provider, models, checked_at: Some(now), problem: None };
        self.store.save(user, &stored, now).await
    }

    /// Looks for providers whose key is in the environment.
    pub async fn look(&self, user: &str) -> Result<(), StoreError> {
        for facts in ProviderKind::all().filter(|facts| key_variable(facts).is_some()) {
            let Some(provider) = usual_provider(facts) else { continue };
            self.put(user, provider, Vec::new()).await?;
        }
        Ok(())
    }
}

/// The service and the user of the request that a server function answers.
pub fn of_request() -> (ProviderService, String) {
    (leptos::prelude::expect_context::<ProviderService>(), LOCAL_USER.to_owned())
}

/// The provider of this kind at its usual address.
fn usual_provider(facts: &KindFacts) -> Option<Provider> {
    Some(Provider {
        key: facts.key.to_owned(),
        display_name: facts.display_name.to_owned(),
        kind: facts.kind,
        protocol: facts.protocol,
        base_url: facts.base_url?.to_owned(),
        headers: Vec::new(),
    })
}

fn listing_of(stored: StoredProvider) -> ProviderListing {
    let key = key_status(stored.provider.kind.facts());
    ProviderListing {
        provider: stored.provider,
        key,
        models: stored.models,
        checked_at: stored.checked_at,
        problem: stored.problem,
    }
}

fn key_status(facts: &KindFacts) -> KeyStatus {
    if facts.key_env.is_empty() {
        return KeyStatus::NotNeeded;
    }
    match key_variable(facts) {
        Some(_) => KeyStatus::Set,
        None => KeyStatus::Missing(facts.key_env.iter().map(|&name| name.to_owned()).collect()),
    }
}

/// The environment variable that holds this kind's key.
fn key_variable(facts: &KindFacts) -> Option<&'static str> {
    facts.key_env.iter().copied().find(|name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty()))
}

fn rank(kind: ProviderKind) -> usize {
    ProviderKind::all().position(|facts| facts.kind == kind).unwrap_or(usize::MAX)
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

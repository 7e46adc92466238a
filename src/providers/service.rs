//! Which providers and models a user has: what is put in at start, how it is kept up to date.

use futures::future::{join, join_all};
use secrecy::SecretString;

use super::discovery;
use super::egress::AddressPolicy;
use super::listing::{KeyStatus, ProviderListing};
use super::store::{ProviderStore, StoreError, StoredProvider};
use super::types::{KindFacts, Model, Provider, ProviderKind};
use crate::accounts::UserId;
use crate::database::now_ms;

/// The one user there is runs the server, and may reach what it reaches.
const POLICY: AddressPolicy = AddressPolicy::PUBLIC_AND_LOCAL;

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
    pub async fn list(&self, user: &UserId) -> Result<Vec<ProviderListing>, StoreError> {
        let mut listings: Vec<_> = self.store.list(user).await?.into_iter().map(listing_of).collect();
        listings.sort_by_key(|listing| rank(listing.provider.kind));
        Ok(listings)
    }

    /// Puts in a provider whose models are known.
    pub async fn put(&self, user: &UserId, provider: &Provider, models: &[Model]) -> Result<(), StoreError> {
        self.store.save(user, provider, Ok(models), now_ms()).await
    }

    /// Looks for what is there: providers whose key is in the environment and local servers, each
    /// with its models. What was there before and no longer answers is kept and says so.
    pub async fn look(&self, user: &UserId) -> Result<(), StoreError> {
        let keyed = discovery::keyed_providers(|name| std::env::var(name).ok());
        let asked = join_all(keyed.into_iter().map(|(provider, key)| self.ask(user, provider, key)));
        let (asked, local) = join(asked, discovery::local_servers(POLICY)).await;
        asked.into_iter().collect::<Result<(), _>>()?;
        self.note_gone(user, &local).await?;
        for (provider, models) in &local {
            self.put(user, provider, models).await?;
        }
        Ok(())
    }

    /// Asks one provider for its models and keeps what it says, be it a problem.
    async fn ask(&self, user: &UserId, provider: Provider, key: SecretString) -> Result<(), StoreError> {
        let answer = discovery::list_models(POLICY, &provider, Some(&key)).await;
        let found = answer.as_deref().map_err(|error| error.message.as_str());
        self.store.save(user, &provider, found, now_ms()).await
    }

    /// Marks the local servers that are known but not among those that answer.
    async fn note_gone(&self, user: &UserId, answering: &[(Provider, Vec<Model>)]) -> Result<(), StoreError> {
        let known = self.store.list(user).await?.into_iter().map(|stored| stored.provider);
        let gone = known
            .filter(found_by_its_port)
            .filter(|provider| answering.iter().all(|(answering, _)| answering.key != provider.key));
        for provider in gone {
            let problem = format!("It does not answer at {}. Start it, then look again.", provider.base_url);
            self.store.save(user, &provider, Err(&problem), now_ms()).await?;
        }
        Ok(())
    }
}

/// True for what [`discovery::local_servers`] finds; the demo and hosted endpoints are not among them.
fn found_by_its_port(provider: &Provider) -> bool {
    let kind = provider.kind;
    kind == ProviderKind::Custom || (kind.facts().local && !provider.simulated())
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
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    if facts.key_env.iter().any(set) {
        return KeyStatus::Set;
    }
    KeyStatus::Missing(facts.key_env.iter().map(|&name| name.to_owned()).collect())
}

fn rank(kind: ProviderKind) -> usize {
    ProviderKind::all().position(|facts| facts.kind == kind).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;
    use crate::mock;

    fn anna() -> UserId {
        UserId::new("anna")
    }

    async fn service() -> ProviderService {
        ProviderService::new(ProviderStore::new(testing::sqlite().await))
    }

    #[tokio::test]
    async fn providers_are_listed_in_the_order_of_their_kinds() {
        let service = service().await;
        for kind in [ProviderKind::Demo, ProviderKind::Ollama, ProviderKind::Openai] {
            service
                .put(&anna(), &Provider::of_kind(kind, "http://127.0.0.1:1"), &[Model::named("m")])
                .await
                .unwrap();
        }
        let listed = service.list(&anna()).await.unwrap();
        let kinds: Vec<_> = listed.iter().map(|listing| listing.provider.kind).collect();
        assert_eq!(kinds, [ProviderKind::Openai, ProviderKind::Ollama, ProviderKind::Demo]);
    }

    #[tokio::test]
    async fn an_endpoint_that_answers_brings_its_models() {
        let service = service().await;
        let endpoint = mock::start_demo().unwrap();
        let provider = mock::demo_provider(&endpoint.base_url());
        service.ask(&anna(), provider, "any key".into()).await.unwrap();
        let listed = service.list(&anna()).await.unwrap();
        assert_eq!(listed[0].problem, None);
        let mut offered = mock::demo_models().into_iter().map(|model| model.id);
        let listed: Vec<_> = listed[0].models.iter().map(|model| model.id.clone()).collect();
        assert!(offered.all(|id| listed.contains(&id)), "{listed:?}");
    }

    #[tokio::test]
    async fn an_endpoint_that_does_not_answer_stays_with_its_problem() {
        let service = service().await;
        // Port 9 (discard) is closed on any machine that is not a museum.
        let provider = Provider::of_kind(ProviderKind::Openai, "http://127.0.0.1:9/v1");
        service.put(&anna(), &provider, &[Model::named("gpt-5.2")]).await.unwrap();
        service.ask(&anna(), provider, "sk-secret".into()).await.unwrap();
        let listed = service.list(&anna()).await.unwrap();
        assert!(!listed[0].ready() && listed[0].models.len() == 1);
        assert!(!listed[0].problem.as_ref().unwrap().contains("sk-secret"));
    }

    #[tokio::test]
    async fn a_local_server_that_is_gone_says_so_and_the_demo_never_is() {
        let service = service().await;
        for kind in [ProviderKind::Ollama, ProviderKind::Demo] {
            service
                .put(&anna(), &Provider::of_kind(kind, "http://127.0.0.1:9/v1"), &[Model::named("m")])
                .await
                .unwrap();
        }
        service.note_gone(&anna(), &[]).await.unwrap();
        let listed = service.list(&anna()).await.unwrap();
        let problems: Vec<_> = listed.iter().map(|listing| listing.problem.clone()).collect();
        let gone = "It does not answer at http://127.0.0.1:9/v1. Start it, then look again.".to_owned();
        assert_eq!(problems, [Some(gone), None]);
    }
}

//! Default providers of a new account: the demo, the well-known providers without keys, and the local servers
//! that respond.

use futures::future::BoxFuture;

use super::{ProviderError, ProviderService};
use crate::accounts::{OnRegistration, UserId};

use crate::providers::settings::DEMO_URL;
use endpoint::discovery;
use endpoint::types::{Model, Provider, ProviderKind};

/// A few current models of each provider, the most used first; discovery finds the others.
const MODELS: [(ProviderKind, &[&str]); 9] = [
    (ProviderKind::Openai, &["gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-4.1", "gpt-4o-mini"]),
    (
        ProviderKind::Anthropic,
        &["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-haiku-4-5"],
    ),
    (
        ProviderKind::Gemini,
        &["gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-2.5-pro", "gemini-2.5-flash"],
    ),
    (ProviderKind::Cohere, &["command-a-plus-05-2026", "command-a-03-2025", "command-r7b-12-2024"]),
    (ProviderKind::Mistral, &["mistral-large-latest", "mistral-medium-latest", "mistral-small-latest"]),
    (ProviderKind::Deepseek, &["deepseek-v4-pro", "deepseek-v4-flash"]),
    (ProviderKind::Xai, &["grok-4.7", "grok-4.5"]),
    (ProviderKind::Groq, &["openai/gpt-oss-120b", "openai/gpt-oss-20b"]),
    (ProviderKind::Together, &["meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai/gpt-oss-120b"]),
];

impl ProviderService {
    /// Adds the default providers of a new user. Local servers are added only if local networks are allowed.
    /// Existing data is not changed.
    pub async fn registered(&self, user: &UserId) -> Result<(), ProviderError> {
        let is_new = self.store.list(user).await?.iter().all(|stored| &stored.owner != user);
        let demo = Provider::of_kind(ProviderKind::Demo, DEMO_URL);
        self.put(user, &demo, &mock::demo_models()).await?;
        let own = self.store.list(user).await?;
        for (provider, models) in discovery::local_servers(self.networks().await?).await {
            self.upsert_discovered(user, &own, provider, &models).await?;
        }
        for (provider, models) in well_known() {
            self.put(user, &provider, &models).await?;
        }
        if is_new {
            self.store.mark_seeded(user).await?;
        }
        Ok(())
    }
}

impl OnRegistration for ProviderService {
    fn registered<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move { Ok(self.registered(user).await?) })
    }
}

/// Returns the hosted providers at their default URLs, each with a few models.
fn well_known() -> impl Iterator<Item = (Provider, Vec<Model>)> {
    let hosted = ProviderKind::all().filter(|facts| !facts.local);
    hosted.filter_map(|facts| {
        let provider = Provider::of_kind(facts.kind, facts.base_url?);
        Some((provider, known_models(facts.kind)))
    })
}

/// Returns the default models of a provider of this kind.
pub(super) fn known_models(kind: ProviderKind) -> Vec<Model> {
    let known = MODELS.iter().find(|(known, _)| *known == kind).map(|(_, ids)| *ids);
    known.unwrap_or_default().iter().map(|id| Model::named(*id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use endpoint::catalog;

    #[test]
    fn every_model_is_in_the_catalog() {
        for (kind, ids) in MODELS {
            for id in ids {
                let entry = catalog::lookup(kind, id);
                assert!(entry.is_some(), "{id}");
            }
        }
    }
}

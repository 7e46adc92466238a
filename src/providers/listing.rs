//! Providers and models for the pages, and their filter. Pure.

use serde::{Deserialize, Serialize};

use super::settings::ModelSettings;
use endpoint::types::{Model, Price, Provider, ProviderKind};

/// A provider of the user with its models and state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderListing {
    /// The id of the row; requests use the provider's `key`.
    pub id: String,
    pub provider: Provider,
    pub access: Access,
    pub enabled: bool,
    pub key: KeyState,
    /// In their owner's order.
    pub models: Vec<ModelListing>,
    pub model_prefix: Option<String>,
    /// The environment variable with its key if an admin shares it.
    pub key_env: Option<String>,
    pub direct_local: bool,
    pub position: i64,
    /// Unix milliseconds of the last model refresh; `None` before the first.
    pub checked_at: Option<i64>,
    /// The error of the last refresh, as a sentence.
    pub problem: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// The owner of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The user's own.
    Own,
    /// The user's own, shared with all users.
    OwnShared,
    /// Shared by an admin: the user can benchmark its models but not change it.
    Shared,
}

/// The state of the API key. The key itself never leaves the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    NotNeeded,
    Missing,
    Saved {
        last4: String,
        /// Unix milliseconds.
        updated_at: i64,
    },
    /// Saved for another URL than the provider's current one. It is not sent until the user enters it again.
    Locked {
        last4: String,
        origin: String,
        /// Unix milliseconds.
        updated_at: i64,
    },
    /// Read from this environment variable of the server.
    Environment(String),
    /// An admin's key, of which users see only that it exists.
    Shared,
}

/// A model of a provider with the user's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelListing {
    /// The id of the row; requests use the model's `id`.
    pub id: String,
    /// The model with the user's settings and the catalog's data applied.
    pub model: Model,
    pub settings: ModelSettings,
    pub enabled: bool,
    /// False if the provider's last list did not contain it.
    pub offered: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// The result of a health check of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ProviderHealth {
    /// Its display name.
    pub name: String,
    pub provider_key: String,
    pub status: HealthStatus,
    /// Duration of the request for its model list, in milliseconds; null if it failed.
    pub latency_ms: Option<f64>,
    pub error: Option<String>,
}

/// Whether a provider responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    Error,
    /// Not checked, because it has no key.
    NoKey,
}

impl ProviderListing {
    /// Returns whether its models can be benchmarked now.
    pub fn ready(&self) -> bool {
        self.problem.is_none() && self.usable() && self.switched_on().next().is_some()
    }

    /// Returns whether it is enabled and has its key, regardless of the last refresh.
    pub fn usable(&self) -> bool {
        self.enabled && !matches!(self.key, KeyState::Missing | KeyState::Locked { .. })
    }

    /// Returns the model with this id, which may have a prefix of LiteLLM.
    #[cfg(feature = "ssr")]
    pub fn find_model(&self, id: &str) -> Option<&ModelListing> {
        let with_id = |id: &str| self.models.iter().find(|listing| listing.model.id == id);
        let bare = || endpoint::litellm::bare_id(&self.provider, self.model_prefix.as_deref(), id);
        with_id(id).or_else(|| with_id(bare()))
    }

    /// Returns its enabled models.
    pub fn switched_on(&self) -> impl Iterator<Item = &ModelListing> {
        self.models.iter().filter(|listing| listing.enabled)
    }

    /// Returns whether the user may change it.
    pub fn own(&self) -> bool {
        self.access != Access::Shared
    }

    /// Returns whether it is a local server other than the built-in demo.
    pub fn local(&self) -> bool {
        self.provider.kind.facts().local && !self.provider.simulated()
    }

    fn names_match(&self, word: &str) -> bool {
        contains(&self.provider.display_name, word) || contains(&self.provider.key, word)
    }
}

/// Returns the models whose own name or whose provider's name contains every word of `query`, ignoring case.
/// Providers without such a model are left out, unless the query matches the provider itself.
pub fn matching(listings: &[ProviderListing], query: &str) -> Vec<ProviderListing> {
    let words: Vec<&str> = query.split_whitespace().collect();
    let narrowed = listings.iter().map(|listing| {
        let open: Vec<&str> = words.iter().copied().filter(|word| !listing.names_match(word)).collect();
        let models =
            listing.models.iter().filter(|listed| open.iter().all(|word| model_matches(&listed.model, word)));
        (open.is_empty(), ProviderListing { models: models.cloned().collect(), ..listing.clone() })
    });
    narrowed
        .filter(|(named, listing)| *named || !listing.models.is_empty())
        .map(|(_, listing)| listing)
        .collect()
}

fn model_matches(model: &Model, word: &str) -> bool {
    contains(&model.id, word) || contains(&model.display_name, word)
}

fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(&word.to_lowercase())
}

/// Returns the model with the lowest output price, with its provider.
pub fn cheapest_output(listings: &[ProviderListing]) -> Option<(&ProviderListing, &Model, Price)> {
    ready_models(listings)
        .filter_map(|(listing, model)| Some((listing, model, model.price?)))
        .min_by(|(_, _, a), (_, _, b)| a.output_per_mtok.total_cmp(&b.output_per_mtok))
}

/// Returns the model with the largest known context window, with its provider and that window in tokens.
/// Simulated models are excluded.
pub fn largest_context(listings: &[ProviderListing]) -> Option<(&ProviderListing, &Model, u64)> {
    ready_models(listings)
        .filter(|(listing, _)| !listing.provider.simulated())
        .filter_map(|(listing, model)| Some((listing, model, model.context_window?)))
        .max_by_key(|(_, _, window)| *window)
}

fn ready_models(listings: &[ProviderListing]) -> impl Iterator<Item = (&ProviderListing, &Model)> {
    let ready = listings.iter().filter(|listing| listing.ready());
    ready.flat_map(|listing| listing.switched_on().map(move |listed| (listing, &listed.model)))
}

/// Returns the kinds that are not among `listings`, in their usual order.
pub fn missing_kinds(listings: &[ProviderListing]) -> Vec<ProviderKind> {
    ProviderKind::all()
        .filter(|facts| facts.base_url.is_some())
        .map(|facts| facts.kind)
        .filter(|kind| listings.iter().all(|listing| listing.provider.kind != *kind))
        .collect()
}

#[cfg(test)]
impl ProviderListing {
    /// Creates a provider at its default URL with these models, all enabled.
    pub fn for_test(kind: ProviderKind, models: impl IntoIterator<Item = Model>) -> Self {
        Self {
            id: kind.facts().key.to_owned(),
            provider: Provider::of_kind(kind, kind.facts().base_url.unwrap_or_default()),
            access: Access::Own,
            enabled: true,
            key: KeyState::NotNeeded,
            models: models.into_iter().map(ModelListing::for_test).collect(),
            model_prefix: None,
            key_env: None,
            direct_local: false,
            position: 0,
            checked_at: None,
            problem: None,
            created_at: 0,
            updated_at: 0,
        }
    }
}

#[cfg(test)]
impl ModelListing {
    /// Creates a model without user settings.
    pub fn for_test(model: Model) -> Self {
        Self {
            id: model.id.clone(),
            model,
            settings: ModelSettings::default(),
            enabled: true,
            offered: true,
            created_at: 0,
            updated_at: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use endpoint::PriceSource;

    fn listing(kind: ProviderKind, models: &[&str]) -> ProviderListing {
        ProviderListing::for_test(kind, models.iter().map(|id| Model::named(*id)))
    }

    fn shown(listings: &[ProviderListing], query: &str) -> Vec<String> {
        let found = matching(listings, query);
        found
            .iter()
            .flat_map(|l| l.models.iter().map(|m| format!("{}/{}", l.provider.key, m.model.id)))
            .collect()
    }

    fn some() -> Vec<ProviderListing> {
        vec![
            listing(ProviderKind::Openai, &["gpt-5.2", "gpt-5.2-mini"]),
            listing(ProviderKind::Groq, &["llama-4", "gpt-oss-120b"]),
        ]
    }

    #[test]
    fn an_empty_query_shows_everything() {
        assert_eq!(matching(&some(), "  "), some());
    }

    #[test]
    fn a_word_finds_models_and_providers() {
        assert_eq!(shown(&some(), "MINI"), ["openai/gpt-5.2-mini"]);
        assert_eq!(shown(&some(), "groq"), ["groq/llama-4", "groq/gpt-oss-120b"]);
    }

    #[test]
    fn all_words_have_to_match_provider_or_model() {
        assert_eq!(shown(&some(), "groq gpt"), ["groq/gpt-oss-120b"]);
        assert!(matching(&some(), "groq mini").is_empty());
    }

    #[test]
    fn a_named_provider_without_models_stays() {
        let found = matching(&[listing(ProviderKind::Ollama, &[])], "ollama");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_cheapest_model_has_a_price_and_is_ready() {
        let mut listings = some();
        let price = |output| Price {
            input_per_mtok: 1.0,
            cached_input_per_mtok: None,
            output_per_mtok: output,
            up_to_input_tokens: None,
            source: PriceSource::Catalog,
        };
        listings[0].models[0].model.price = Some(price(10.0));
        listings[1].models[0].model.price = Some(price(0.5));
        assert_eq!(cheapest_output(&listings).unwrap().1.id, "llama-4");
        listings[1].problem = Some("It did not answer.".into());
        assert_eq!(cheapest_output(&listings).unwrap().1.id, "gpt-5.2");
    }

    #[test]
    fn disabled_or_without_a_key_is_not_ready() {
        let mut provider = listing(ProviderKind::Openai, &["gpt-5.2"]);
        assert!(provider.ready());
        provider.models[0].enabled = false;
        assert!(!provider.ready());
        provider.models[0].enabled = true;
        provider.key = KeyState::Missing;
        assert!(!provider.ready());
        provider.key = KeyState::Environment("OPENAI_API_KEY".into());
        assert!(provider.ready());
        provider.enabled = false;
        assert!(!provider.ready());
    }

    #[test]
    fn a_simulated_context_window_is_not_the_largest() {
        let mut listings =
            vec![listing(ProviderKind::Demo, &["demo"]), listing(ProviderKind::Vllm, &["qwen"])];
        listings[0].models[0].model.context_window = Some(1_000_000);
        listings[1].models[0].model.context_window = Some(32_768);
        assert_eq!(largest_context(&listings).unwrap().2, 32_768);
    }

    #[test]
    fn existing_kinds_are_not_missing() {
        let missing = missing_kinds(&some());
        assert!(missing.contains(&ProviderKind::Anthropic) && missing.contains(&ProviderKind::Ollama));
        assert!(!missing.contains(&ProviderKind::Openai) && !missing.contains(&ProviderKind::Demo));
    }
}

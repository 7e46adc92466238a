//! Providers and models as their page shows them, and the filter over them. Pure.

use serde::{Deserialize, Serialize};

use super::settings::ModelSettings;
use endpoint::types::{Model, Price, Provider, ProviderKind};

/// One provider that the user can measure, with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderListing {
    /// Names the row; the provider's `key` is how requests name it.
    pub id: String,
    pub provider: Provider,
    pub access: Access,
    pub enabled: bool,
    pub key: KeyState,
    /// In their owner's order.
    pub models: Vec<ModelListing>,
    pub model_prefix: Option<String>,
    /// The environment variable that holds its key where an admin shares it.
    pub key_env: Option<String>,
    pub direct_local: bool,
    pub position: i64,
    /// Unix milliseconds of the last look for models; `None` before the first.
    pub checked_at: Option<i64>,
    /// Why the last look found nothing, as a sentence.
    pub problem: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Whose a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The user's own.
    Own,
    /// The user's own, and every other user has it too.
    OwnShared,
    /// An admin's: the user measures its models and changes nothing.
    Shared,
}

/// Which API key there is. The key itself never leaves the server.
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
    /// Saved for another address than the provider has now, and sent nowhere until it is entered anew.
    Locked {
        last4: String,
        origin: String,
        /// Unix milliseconds.
        updated_at: i64,
    },
    /// In this environment variable of the server.
    Environment(String),
    /// An admin's, of whom users learn nothing but that there is one.
    Shared,
}

/// One model of a provider, as the user has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelListing {
    /// Names the row; the model's `id` is how requests name it.
    pub id: String,
    /// With the user's settings and the catalog's facts applied.
    pub model: Model,
    pub settings: ModelSettings,
    pub enabled: bool,
    /// False when the provider's last list did not have it.
    pub offered: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// What a provider answered when it was asked just now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ProviderHealth {
    /// Its display name.
    pub name: String,
    pub provider_key: String,
    pub status: HealthStatus,
    /// From the request for its list of models to the whole answer; null where there was none.
    pub latency_ms: Option<f64>,
    pub error: Option<String>,
}

/// Whether a provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    Error,
    /// It was not asked, because it has no key.
    NoKey,
}

impl ProviderListing {
    /// True when its models can be measured now.
    pub fn ready(&self) -> bool {
        self.problem.is_none() && self.usable() && self.switched_on().next().is_some()
    }

    /// True when it is switched on and no key is missing, whether it answered lately or not.
    pub fn usable(&self) -> bool {
        self.enabled && !matches!(self.key, KeyState::Missing | KeyState::Locked { .. })
    }

    /// Its models that are switched on.
    pub fn switched_on(&self) -> impl Iterator<Item = &ModelListing> {
        self.models.iter().filter(|listing| listing.enabled)
    }

    /// True when the user may change it.
    pub fn own(&self) -> bool {
        self.access != Access::Shared
    }

    /// True for endpoints on the user's own machine; the built-in demo does not count.
    pub fn local(&self) -> bool {
        self.provider.kind.facts().local && !self.provider.simulated()
    }

    fn names_match(&self, word: &str) -> bool {
        contains(&self.provider.display_name, word) || contains(&self.provider.key, word)
    }
}

/// The models whose own name or whose provider's name contains every word of `query`, ignoring case.
/// Providers without such a model are left out, unless the query names the provider itself.
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

/// The model with the lowest price for output, with its provider.
pub fn cheapest_output(listings: &[ProviderListing]) -> Option<(&ProviderListing, &Model, Price)> {
    ready_models(listings)
        .filter_map(|(listing, model)| Some((listing, model, model.price?)))
        .min_by(|(_, _, a), (_, _, b)| a.output_per_mtok.total_cmp(&b.output_per_mtok))
}

/// The model with the largest known context window, with its provider and that window in tokens.
/// Simulated models do not count: their window says nothing.
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

/// The kinds that are not among `listings` and could be, in the order in which people expect them.
pub fn missing_kinds(listings: &[ProviderListing]) -> Vec<ProviderKind> {
    ProviderKind::all()
        .filter(|facts| facts.base_url.is_some())
        .map(|facts| facts.kind)
        .filter(|kind| listings.iter().all(|listing| listing.provider.kind != *kind))
        .collect()
}

#[cfg(test)]
impl ProviderListing {
    /// One of the user's own at its usual address with these models, all switched on.
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
    /// A model that the user has not changed.
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
    fn the_cheapest_model_has_a_price_and_can_be_measured() {
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
    fn what_is_switched_off_or_without_a_key_is_not_ready() {
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
    fn what_is_there_is_not_missing() {
        let missing = missing_kinds(&some());
        assert!(missing.contains(&ProviderKind::Anthropic) && missing.contains(&ProviderKind::Ollama));
        assert!(!missing.contains(&ProviderKind::Openai) && !missing.contains(&ProviderKind::Demo));
    }
}

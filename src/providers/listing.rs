//! Providers and models as their page shows them, and the filter over them. Pure.

use serde::{Deserialize, Serialize};

use super::types::{Model, Price, Provider, ProviderKind};

/// One configured provider with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderListing {
    pub provider: Provider,
    pub key: KeyStatus,
    /// In the provider's own order.
    pub models: Vec<Model>,
    /// Unix milliseconds of the last look for models; `None` before the first.
    pub checked_at: Option<i64>,
    /// Why the last look found nothing, as a sentence.
    pub problem: Option<String>,
}

/// Whether there is an API key. The key itself never leaves the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    NotNeeded,
    /// Found in the environment.
    Set,
    /// Expected in one of these environment variables.
    Missing(Vec<String>),
}

impl ProviderListing {
    /// True when its models can be measured now.
    pub fn ready(&self) -> bool {
        self.problem.is_none() && !matches!(self.key, KeyStatus::Missing(_)) && !self.models.is_empty()
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
        let models = listing.models.iter().filter(|model| open.iter().all(|word| model_matches(model, word)));
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
    ready.flat_map(|listing| listing.models.iter().map(move |model| (listing, model)))
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
mod tests {
    use super::*;
    use crate::providers::PriceSource;

    fn listing(kind: ProviderKind, models: &[&str]) -> ProviderListing {
        ProviderListing {
            provider: Provider::of_kind(kind, kind.facts().base_url.unwrap_or_default()),
            key: KeyStatus::NotNeeded,
            models: models.iter().map(|id| Model::named(*id)).collect(),
            checked_at: None,
            problem: None,
        }
    }

    fn shown(listings: &[ProviderListing], query: &str) -> Vec<String> {
        let found = matching(listings, query);
        found.iter().flat_map(|l| l.models.iter().map(|m| format!("{}/{}", l.provider.key, m.id))).collect()
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
        listings[0].models[0].price = Some(price(10.0));
        listings[1].models[0].price = Some(price(0.5));
        assert_eq!(cheapest_output(&listings).unwrap().1.id, "llama-4");
        listings[1].problem = Some("It did not answer.".into());
        assert_eq!(cheapest_output(&listings).unwrap().1.id, "gpt-5.2");
    }

    #[test]
    fn a_simulated_context_window_is_not_the_largest() {
        let mut listings =
            vec![listing(ProviderKind::Demo, &["demo"]), listing(ProviderKind::Vllm, &["qwen"])];
        listings[0].models[0].context_window = Some(1_000_000);
        listings[1].models[0].context_window = Some(32_768);
        assert_eq!(largest_context(&listings).unwrap().2, 32_768);
    }

    #[test]
    fn what_is_there_is_not_missing() {
        let missing = missing_kinds(&some());
        assert!(missing.contains(&ProviderKind::Anthropic) && missing.contains(&ProviderKind::Ollama));
        assert!(!missing.contains(&ProviderKind::Openai) && !missing.contains(&ProviderKind::Demo));
    }
}

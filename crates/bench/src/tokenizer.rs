//! Token counting: the tokenizer of each model.

mod tables;

use std::time::Duration;

use tables::{CL100K, O200K, Tables};

use super::types::TokenSource;
use endpoint::{Model, Provider, ProviderKind};

/// The tokenizer of a model, or an estimate if its own is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenizer {
    /// OpenAI since GPT-4o, and gpt-oss wherever it runs; exact.
    O200k,
    /// OpenAI GPT-4 and 3.5; exact.
    Cl100k,
    /// Everything else: counted with `o200k`, marked estimated.
    Estimate,
}

/// Families of OpenAI's models by the beginning of their id, the first match wins.
const OPENAI_FAMILIES: [(&str, Tokenizer); 8] = [
    ("gpt-5", Tokenizer::O200k),
    ("gpt-4o", Tokenizer::O200k),
    ("chatgpt-4o", Tokenizer::O200k),
    ("gpt-4.", Tokenizer::O200k),
    ("codex-mini", Tokenizer::O200k),
    ("gpt-4", Tokenizer::Cl100k),
    ("gpt-3.5", Tokenizer::Cl100k),
    ("gpt-35", Tokenizer::Cl100k),
];

impl Tokenizer {
    /// Returns the tokenizer of this model.
    pub fn of(provider: &Provider, model: &Model) -> Self {
        let id = model.id.to_ascii_lowercase();
        let name = id.rsplit('/').next().unwrap_or(&id);
        if name.starts_with("gpt-oss") {
            return Self::O200k;
        }
        match provider.kind {
            ProviderKind::Openai => of_openai_model(id.strip_prefix("ft:").unwrap_or(&id)),
            ProviderKind::Openrouter => id.strip_prefix("openai/").map_or(Self::Estimate, of_openai_model),
            _ => Self::Estimate,
        }
    }

    /// Returns the number of tokens in `text`; special tokens count as ordinary text. May load the tables (about
    /// 0.2 s and tens of MB), so do not call it on the measured path.
    pub fn count(self, text: &str) -> u64 {
        self.tables().get().count_ordinary(text) as u64
    }

    /// Returns `Some(Estimated)` if the tokenizer is not the model's own.
    pub fn source(self) -> Option<TokenSource> {
        (self == Self::Estimate).then_some(TokenSource::Estimated)
    }

    fn tables(self) -> &'static Tables {
        match self {
            Self::O200k | Self::Estimate => &O200K,
            Self::Cl100k => &CL100K,
        }
    }
}

/// Frees the tables that have not been used for this long.
pub fn release_unused(unused_for: Duration) {
    for tables in [&O200K, &CL100K] {
        tables.release_unused(unused_for);
    }
}

fn of_openai_model(id: &str) -> Tokenizer {
    if is_o_series(id) {
        return Tokenizer::O200k;
    }
    let family = OPENAI_FAMILIES.iter().find(|(prefix, _)| id.starts_with(prefix));
    family.map_or(Tokenizer::Estimate, |&(_, tokenizer)| tokenizer)
}

/// `o1`, `o3-mini`, `o4-mini-2025-04-16`: an o, digits, then nothing or a dash.
fn is_o_series(id: &str) -> bool {
    let Some(rest) = id.strip_prefix('o') else { return false };
    let after_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    after_digits.len() < rest.len() && (after_digits.is_empty() || after_digits.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ProviderKind, model: &str) -> Tokenizer {
        let facts = kind.facts();
        let provider = Provider {
            key: facts.key.to_owned(),
            display_name: facts.display_name.to_owned(),
            kind,
            protocol: facts.protocol,
            base_url: String::new(),
            headers: Vec::new(),
        };
        Tokenizer::of(&provider, &Model::named(model))
    }

    #[test]
    fn openai_models_have_their_own_tokenizer() {
        for id in [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "chatgpt-4o-latest",
            "gpt-4.1-nano",
            "gpt-4.5-preview",
            "gpt-5",
            "gpt-5.1-codex",
            "o1",
            "o3-mini",
            "o4-mini-2025-04-16",
            "ft:gpt-4o-mini-2024-07-18:acme::abc123",
        ] {
            assert_eq!(of(ProviderKind::Openai, id), Tokenizer::O200k, "{id}");
        }
        for id in ["gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-4-32k", "gpt-3.5-turbo"] {
            assert_eq!(of(ProviderKind::Openai, id), Tokenizer::Cl100k, "{id}");
        }
    }

    #[test]
    fn a_name_alone_proves_nothing() {
        assert_eq!(of(ProviderKind::Custom, "gpt-4o"), Tokenizer::Estimate);
        assert_eq!(of(ProviderKind::Openai, "omni-moderation"), Tokenizer::Estimate);
        assert_eq!(of(ProviderKind::Openai, "o-next"), Tokenizer::Estimate);
        assert_eq!(of(ProviderKind::Openai, "text-something-new"), Tokenizer::Estimate);
        assert_eq!(of(ProviderKind::Anthropic, "claude-sonnet-4-5"), Tokenizer::Estimate);
    }

    #[test]
    fn gateways_are_known_by_the_vendor_in_the_id() {
        assert_eq!(of(ProviderKind::Openrouter, "openai/gpt-4o"), Tokenizer::O200k);
        assert_eq!(of(ProviderKind::Openrouter, "openai/gpt-4-turbo"), Tokenizer::Cl100k);
        assert_eq!(of(ProviderKind::Openrouter, "mistralai/mistral-large"), Tokenizer::Estimate);
        assert_eq!(of(ProviderKind::Groq, "openai/gpt-oss-20b"), Tokenizer::O200k);
        assert_eq!(of(ProviderKind::Ollama, "gpt-oss:20b"), Tokenizer::O200k);
    }

    /// Counts from OpenAI's cookbook, "How to count tokens with tiktoken".
    #[test]
    fn counts_as_tiktoken_does() {
        for (text, cl100k, o200k) in [
            ("antidisestablishmentarianism", 6, 6),
            ("2 + 2 = 4", 7, 7),
            ("お誕生日おめでとう", 9, 8),
            ("", 0, 0),
        ] {
            assert_eq!(Tokenizer::Cl100k.count(text), cl100k, "{text}");
            assert_eq!(Tokenizer::O200k.count(text), o200k, "{text}");
            assert_eq!(Tokenizer::Estimate.count(text), o200k, "{text}");
        }
    }

    #[test]
    fn special_tokens_are_ordinary_text() {
        assert!(Tokenizer::O200k.count("<|endoftext|>") > 1);
    }

    #[test]
    fn tables_come_back_after_their_release() {
        let before = Tokenizer::Cl100k.count("some words");
        release_unused(Duration::ZERO);
        assert_eq!(Tokenizer::Cl100k.count("some words"), before);
    }

    #[test]
    fn only_estimates_say_so() {
        assert_eq!(Tokenizer::Estimate.source(), Some(TokenSource::Estimated));
        assert_eq!(Tokenizer::O200k.source(), None);
    }
}

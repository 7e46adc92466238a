//! Provider-independent names and the names of each protocol.

use serde_json::Map;

use super::{draft::Draft, models};
use crate::types::{Protocol, ProviderKind};

/// Synonyms that are accepted for every provider.
const SYNONYMS: [(&str, &str); 4] = [
    ("max_completion_tokens", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("random_seed", "seed"),
    ("stop_sequences", "stop"),
];

const GEMINI_CAMEL: [(&str, &str); 8] = [
    ("maxOutputTokens", "max_tokens"),
    ("stopSequences", "stop"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("frequencyPenalty", "frequency_penalty"),
    ("presencePenalty", "presence_penalty"),
    ("thinkingConfig", "thinking_config"),
    ("safetySettings", "safety_settings"),
];

const COHERE_SHORT: [(&str, &str); 2] = [("p", "top_p"), ("k", "top_k")];

/// Returns the neutral name of a parameter from any of its names.
pub(super) fn neutral(protocol: Protocol, name: &str) -> String {
    let own: &[(&str, &str)] = match protocol {
        Protocol::GeminiGenerate => &GEMINI_CAMEL,
        Protocol::CohereChat => &COHERE_SHORT,
        Protocol::OpenaiChat | Protocol::AnthropicMessages => &[],
    };
    let known = SYNONYMS.iter().chain(own).find(|(written, _)| *written == name);
    known.map_or(name, |(_, neutral)| neutral).to_owned()
}

/// Returns the provider's name for a neutral one if it differs.
fn provider_name(draft: &Draft<'_>, neutral: &str) -> Option<&'static str> {
    match (draft.protocol, neutral) {
        (Protocol::GeminiGenerate, "max_tokens") => Some("max_output_tokens"),
        (Protocol::GeminiGenerate | Protocol::AnthropicMessages | Protocol::CohereChat, "stop") => {
            Some("stop_sequences")
        }
        (Protocol::CohereChat, "top_p") => Some("p"),
        (Protocol::CohereChat, "top_k") => Some("k"),
        (Protocol::OpenaiChat, "max_tokens") if models::openai::wants_completion_tokens(draft) => {
            Some("max_completion_tokens")
        }
        (Protocol::OpenaiChat, "seed") if draft.kind == ProviderKind::Mistral => Some("random_seed"),
        _ => None,
    }
}

/// Renames every parameter to its provider's name.
pub(super) fn apply(draft: &mut Draft<'_>) {
    for neutral in draft.names() {
        let Some(value) = draft.get(&neutral).cloned() else { continue };
        let name = provider_name(draft, &neutral).unwrap_or(&neutral).to_owned();
        let written = draft.asked_as(&neutral).to_owned();
        if differs_in_case_only(&written, &name) {
            draft.restore_name(&neutral, &name);
        } else {
            let reason = format!("{} calls {written} {name}.", draft.vendor());
            draft.rename(&neutral, Map::from_iter([(name, value)]), reason);
        }
    }
}

/// Returns whether two names differ only in case, like `topP` and `top_p`: the wire protocol converts the case.
fn differs_in_case_only(a: &str, b: &str) -> bool {
    let letters = |name: &str| name.replace('_', "").to_lowercase();
    a == b || letters(a) == letters(b)
}

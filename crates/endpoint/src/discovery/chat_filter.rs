//! Filters out models that cannot chat, by their ids. Lists in OpenAI's style contain all of a provider's
//! models and seldom their purpose. A model stays if in doubt.

use crate::types::ProviderKind;

/// Words in an id that indicate another use.
const OTHER_USE: [&str; 26] = [
    "aqa", "audio", "babbage", "bark", "bge", "clip", "dall", "davinci", "flux", "gte", "imagen", "image",
    "kokoro", "lyria", "ocr", "orpheus", "parakeet", "playai", "realtime", "rerank", "reranker", "sora",
    "speech", "tts", "veo", "whisper",
];

/// Prefixes of such words.
const OTHER_USE_PREFIXES: [&str; 5] = ["diffusion", "embed", "moderat", "transcri", "translat"];

/// Words in OpenAI ids of models that chat completions does not serve.
const OPENAI_ELSEWHERE: [&str; 4] = ["codex", "computer", "instruct", "research"];

/// Returns false for a model that certainly cannot chat.
pub(super) fn can_chat(kind: ProviderKind, id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let mut words = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    !words.any(|word| is_other_use(word) || (kind == ProviderKind::Openai && is_elsewhere(&id, word)))
}

fn is_other_use(word: &str) -> bool {
    OTHER_USE.contains(&word) || OTHER_USE_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// The pro models of o1, o3 and GPT-5 are served only by the responses endpoint.
fn is_elsewhere(id: &str, word: &str) -> bool {
    let pro = word == "pro" && ["o1-", "o3-", "gpt-5"].iter().any(|family| id.starts_with(family));
    pro || OPENAI_ELSEWHERE.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_for_other_uses_are_left_out() {
        for id in [
            "text-embedding-3-small",
            "text-embedding-nomic-embed-text-v1.5",
            "nomic-embed-text:latest",
            "whisper-1",
            "tts-1-hd",
            "gpt-4o-mini-tts",
            "dall-e-3",
            "gpt-image-1",
            "chatgpt-image-latest",
            "omni-moderation-latest",
            "gpt-4o-transcribe",
            "gpt-4o-realtime-preview",
            "gpt-audio-mini",
            "babbage-002",
            "davinci-002",
            "sora-2",
            "gpt-3.5-turbo-instruct",
            "gpt-5-codex",
            "gpt-5.2-pro",
            "o1-pro",
            "o3-deep-research",
            "BAAI/bge-large-en-v1.5",
        ] {
            assert!(!can_chat(ProviderKind::Openai, id), "{id}");
        }
    }

    #[test]
    fn models_that_chat_stay() {
        for id in [
            "gpt-4o",
            "gpt-4.1-nano",
            "o4-mini",
            "gpt-5.2",
            "gpt-5-chat-latest",
            "chatgpt-4o-latest",
            "gpt-4",
        ] {
            assert!(can_chat(ProviderKind::Openai, id), "{id}");
        }
        for id in [
            "llama3.2:latest",
            "Qwen/Qwen2.5-72B-Instruct",
            "qwen2.5-coder",
            "gemini-2.5-pro",
            "gemma-3-270m",
            "deepseek-reasoner",
            "claude-haiku-4-5",
            "SmolLM2-135M-Instruct",
            "imaginary-model",
        ] {
            assert!(can_chat(ProviderKind::Together, id), "{id}");
        }
    }
}

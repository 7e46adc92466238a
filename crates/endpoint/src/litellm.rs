//! Model ids as LiteLLM writes them. Scripts for programs that use LiteLLM name a model `openai/gpt-5.5`: LiteLLM
//! takes the part before the first slash as the provider and sends the rest.

use crate::types::{Provider, ProviderKind};

/// The names of LiteLLM's providers, each with the kind that it stands for.
const ROUTES: [(&str, ProviderKind); 20] = [
    ("openai", ProviderKind::Openai),
    ("anthropic", ProviderKind::Anthropic),
    ("gemini", ProviderKind::Gemini),
    ("vertex_ai", ProviderKind::Gemini),
    ("cohere", ProviderKind::Cohere),
    ("cohere_chat", ProviderKind::Cohere),
    ("mistral", ProviderKind::Mistral),
    ("deepseek", ProviderKind::Deepseek),
    ("xai", ProviderKind::Xai),
    ("openrouter", ProviderKind::Openrouter),
    ("groq", ProviderKind::Groq),
    ("together_ai", ProviderKind::Together),
    ("ollama", ProviderKind::Ollama),
    ("ollama_chat", ProviderKind::Ollama),
    ("lm_studio", ProviderKind::LmStudio),
    ("vllm", ProviderKind::Vllm),
    ("hosted_vllm", ProviderKind::Vllm),
    ("llamafile", ProviderKind::LlamaCpp),
    ("custom_openai", ProviderKind::Custom),
    ("openai_like", ProviderKind::Custom),
];

/// Real ids that begin with the name of their provider.
const REAL: [&str; 2] = ["groq/compound", "openrouter/"];

/// Returns the kind of provider that a prefix of LiteLLM stands for.
pub fn kind_of_route(route: &str) -> Option<ProviderKind> {
    ROUTES.iter().find(|(name, _)| *name == route).map(|(_, kind)| *kind)
}

/// Returns the id that the provider's API knows, without LiteLLM's prefix.
///
/// A prefix is removed only where it is one, because `openai/gpt-oss-20b` is the real id of a model at
/// OpenRouter, Hugging Face and on many local servers:
///
/// 1. the provider's own prefix (`model_id_prefix`), which its owner has declared;
/// 2. at a hosted provider's own address the name that LiteLLM has for it, such as `anthropic/` at Anthropic;
/// 3. at any other server the names of server programs (`lm_studio/`, `ollama/`, `hosted_vllm/`, …), which no
///    model's real id begins with.
///
/// Everything else is kept, and one prefix at most is removed.
pub fn bare_id<'a>(provider: &Provider, prefix: Option<&str>, id: &'a str) -> &'a str {
    let declared = prefix.map(|prefix| prefix.trim_end_matches('/')).filter(|prefix| !prefix.is_empty());
    let without_declared = declared.and_then(|prefix| id.strip_prefix(prefix)?.strip_prefix('/'));
    without_declared.or_else(|| without_route(provider, id)).filter(|bare| !bare.is_empty()).unwrap_or(id)
}

fn without_route<'a>(provider: &Provider, id: &'a str) -> Option<&'a str> {
    let (route, bare) = id.split_once('/')?;
    let meant = kind_of_route(route)?;
    // All ids of OpenRouter have a slash: `openrouter/auto` is one, `openrouter/openai/gpt-4o` has a prefix.
    let is_real = REAL.iter().any(|real| id.starts_with(real)) && !bare.contains('/');
    let facts = provider.kind.facts();
    let is_hosted = facts.base_url.is_some() && !facts.local;
    let is_prefix = if is_hosted && facts.is_own_origin(&provider.base_url) {
        meant == provider.kind
    } else {
        meant == ProviderKind::Custom || meant.facts().local
    };
    (is_prefix && !is_real).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: ProviderKind) -> Provider {
        Provider::of_kind(kind, kind.facts().base_url.unwrap_or("http://10.0.0.5:8000/v1"))
    }

    #[test]
    fn a_declared_prefix_is_removed_once() {
        let custom = at(ProviderKind::Custom);
        for (prefix, id, bare) in [
            ("openai", "openai/m", "m"),
            ("openai/", "openai/m", "m"),
            ("openai", "openai/openai/m", "openai/m"),
            ("my_provider", "my_provider/m", "m"),
            ("my_provider", "openai/m", "openai/m"),
            ("openai", "openai-large/m", "openai-large/m"),
            ("openai", "openai/", "openai/"),
            ("", "openai/m", "openai/m"),
        ] {
            assert_eq!(bare_id(&custom, Some(prefix), id), bare, "{prefix} {id}");
        }
    }

    #[test]
    fn a_hosted_provider_s_name_is_removed_at_its_own_address() {
        for (kind, id, bare) in [
            (ProviderKind::Openai, "openai/gpt-5.5", "gpt-5.5"),
            (ProviderKind::Anthropic, "anthropic/claude-opus-5-5", "claude-opus-5-5"),
            (ProviderKind::Gemini, "gemini/gemini-2.5-pro", "gemini-2.5-pro"),
            (ProviderKind::Cohere, "cohere_chat/command-r", "command-r"),
            (ProviderKind::Together, "together_ai/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            (ProviderKind::Together, "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            (ProviderKind::Groq, "groq/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            (ProviderKind::Groq, "groq/llama-3.3-70b-versatile", "llama-3.3-70b-versatile"),
            (ProviderKind::Groq, "groq/compound-mini", "groq/compound-mini"),
            (ProviderKind::Openrouter, "openrouter/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            (ProviderKind::Openrouter, "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            (ProviderKind::Openrouter, "openrouter/auto", "openrouter/auto"),
            (ProviderKind::Anthropic, "openai/gpt-5.5", "openai/gpt-5.5"),
        ] {
            assert_eq!(bare_id(&at(kind), None, id), bare, "{kind:?}");
        }
        let gateway = Provider::of_kind(ProviderKind::Anthropic, "https://gateway.example");
        assert_eq!(bare_id(&gateway, None, "anthropic/claude"), "anthropic/claude");
    }

    #[test]
    fn at_other_servers_only_names_of_server_programs_are_prefixes() {
        for kind in [ProviderKind::Custom, ProviderKind::Vllm, ProviderKind::LmStudio, ProviderKind::Ollama] {
            let server = at(kind);
            for id in ["lm_studio/m", "ollama/m", "hosted_vllm/m", "custom_openai/m"] {
                assert_eq!(bare_id(&server, None, id), "m", "{kind:?} {id}");
            }
            for id in ["openai/gpt-oss-20b", "mistralai/m", "deepseek/m", "m", "hosted_vllm/"] {
                assert_eq!(bare_id(&server, None, id), id, "{kind:?}");
            }
            assert_eq!(bare_id(&server, None, "hosted_vllm/openai/gpt-oss-20b"), "openai/gpt-oss-20b");
        }
    }
}

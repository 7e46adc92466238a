//! The parameters of each provider. Ranges and defaults are the providers' own, as documented in November 2026;
//! rules per model are in [`super::models`].

use super::spec::ParamSpec;
use crate::types::ProviderKind;

type Spec = ParamSpec;

const IGNORED_BY_OLLAMA: &str = "Ollama’s OpenAI endpoint ignores it; set it in the Modelfile instead.";
const SOME_MODELS: &str = "Only some models support it; others may reject the request.";

const fn max_tokens(ceiling: i64) -> Spec {
    Spec::integer("max_tokens", 1, ceiling).or(4096.0)
}

const fn temperature(max: f64, default: f64) -> Spec {
    Spec::number("temperature", 0.0, max, 0.1).or(default)
}

const fn top_p(max: f64) -> Spec {
    Spec::number("top_p", 0.0, max, 0.05)
}

const fn top_k(min: i64, max: i64) -> Spec {
    Spec::integer("top_k", min, max)
}

const fn frequency_penalty(min: f64, max: f64) -> Spec {
    Spec::number("frequency_penalty", min, max, 0.1).or(0.0)
}

const fn presence_penalty(min: f64, max: f64) -> Spec {
    Spec::number("presence_penalty", min, max, 0.1).or(0.0)
}

const fn any_seed() -> Spec {
    Spec::integer("seed", i64::MIN, i64::MAX)
}

const fn natural_seed() -> Spec {
    Spec::integer("seed", 0, i64::MAX)
}

const fn effort(values: &'static [&'static str]) -> Spec {
    Spec::choice("reasoning_effort", values)
}

const OPENAI: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(128_000),
    Spec::texts("stop", 4),
    top_p(1.0).or(1.0),
    Spec::unsupported("top_k"),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed().partial("Deprecated by OpenAI, which doesn’t guarantee determinism."),
    effort(&["none", "minimal", "low", "medium", "high", "xhigh"]),
    Spec::choice("service_tier", &["auto", "default", "flex", "priority"]),
    Spec::choice("verbosity", &["low", "medium", "high"]),
    Spec::object("prediction"),
    Spec::object("web_search_options"),
    Spec::object("response_format"),
];

const ANTHROPIC: &[Spec] = &[
    temperature(1.0, 1.0),
    max_tokens(128_000),
    Spec::texts("stop", 0),
    top_p(1.0),
    top_k(1, 500),
    Spec::unsupported("frequency_penalty"),
    Spec::unsupported("presence_penalty"),
    Spec::unsupported("seed"),
    effort(&["none", "low", "medium", "high", "xhigh", "max"]),
    Spec::object("thinking"),
    Spec::object("output_config"),
    Spec::object("cache_control"),
    Spec::any("inference_geo"),
    Spec::choice("service_tier", &["auto", "standard_only"]),
];

const GEMINI: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(65_536),
    Spec::texts("stop", 5),
    top_p(1.0),
    top_k(1, 100),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    Spec::integer("seed", i32::MIN as i64, i32::MAX as i64),
    effort(&["none", "minimal", "low", "medium", "high"]),
    Spec::object("thinking_config"),
    Spec::any("safety_settings"),
];

const OLLAMA: &[Spec] = &[
    temperature(2.0, 0.8),
    max_tokens(32_768),
    Spec::texts("stop", 0),
    top_p(1.0).or(0.9),
    top_k(1, 500).or(40.0).partial(IGNORED_BY_OLLAMA),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "low", "medium", "high"]).partial(SOME_MODELS),
    Spec::integer("mirostat", 0, 2).partial(IGNORED_BY_OLLAMA),
    Spec::number("mirostat_eta", 0.0, 1.0, 0.05).or(0.1).partial(IGNORED_BY_OLLAMA),
    Spec::number("mirostat_tau", 0.0, 10.0, 0.5).or(5.0).partial(IGNORED_BY_OLLAMA),
    Spec::number("repetition_penalty", 0.0, 3.0, 0.05).or(1.1).partial(IGNORED_BY_OLLAMA),
    Spec::number("min_p", 0.0, 1.0, 0.05).partial(IGNORED_BY_OLLAMA),
    Spec::integer("num_ctx", 1, 10_000_000).partial(IGNORED_BY_OLLAMA),
    Spec::any("keep_alive"),
];

const LM_STUDIO: &[Spec] = &[
    temperature(2.0, 0.8),
    max_tokens(32_768),
    Spec::texts("stop", 0),
    top_p(1.0).or(0.9),
    top_k(1, 500).or(40.0),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "low", "medium", "high"]).partial(SOME_MODELS),
    Spec::number("repetition_penalty", 0.0, 3.0, 0.05),
    Spec::number("repeat_penalty", 0.0, 3.0, 0.05).or(1.1),
    Spec::number("min_p", 0.0, 1.0, 0.05),
];

const LLAMA_CPP: &[Spec] = &[
    temperature(2.0, 0.8),
    max_tokens(1_048_576),
    Spec::texts("stop", 0),
    top_p(1.0).or(0.95),
    top_k(0, 1000).or(40.0),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "low", "medium", "high"]).partial(SOME_MODELS),
    Spec::number("repeat_penalty", 0.0, 3.0, 0.05).or(1.0),
    Spec::number("min_p", 0.0, 1.0, 0.05).or(0.05),
    Spec::number("typical_p", 0.0, 1.0, 0.05).or(1.0),
    Spec::integer("mirostat", 0, 2),
    Spec::number("mirostat_eta", 0.0, 1.0, 0.05).or(0.1),
    Spec::number("mirostat_tau", 0.0, 10.0, 0.5).or(5.0),
    Spec::boolean("ignore_eos"),
    Spec::boolean("cache_prompt"),
];

const VLLM: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(65_536),
    Spec::texts("stop", 0),
    top_p(1.0).or(1.0),
    top_k(1, 500),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "low", "medium", "high"]).partial(SOME_MODELS),
    Spec::number("repetition_penalty", 0.0, 3.0, 0.05).or(1.0),
    Spec::number("min_p", 0.0, 1.0, 0.05),
    Spec::number("typical_p", 0.0, 1.0, 0.05),
    Spec::any("guided_json"),
    Spec::any("guided_choice"),
    Spec::integer("best_of", 1, 20),
    Spec::boolean("ignore_eos"),
];

const MISTRAL: &[Spec] = &[
    temperature(1.5, 0.7),
    max_tokens(1_048_576),
    Spec::texts("stop", 0),
    top_p(1.0).or(1.0),
    Spec::unsupported("top_k"),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    natural_seed(),
    effort(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    Spec::boolean("safe_prompt"),
    Spec::choice("prompt_mode", &["reasoning"]),
];

const DEEPSEEK: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(393_216),
    Spec::texts("stop", 16),
    top_p(1.0).or(1.0),
    Spec::unsupported("top_k"),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    Spec::unsupported("seed"),
    effort(&["none", "enabled", "high", "max"]),
    Spec::object("thinking"),
];

const COHERE: &[Spec] = &[
    temperature(1.0, 0.3),
    max_tokens(64_000),
    Spec::texts("stop", 5),
    Spec::number("top_p", 0.01, 0.99, 0.05).or(0.75),
    top_k(0, 500).or(0.0),
    frequency_penalty(0.0, 1.0),
    presence_penalty(0.0, 1.0),
    natural_seed(),
    effort(&["none", "low", "medium", "high"]),
    Spec::object("thinking"),
    Spec::choice("safety_mode", &["CONTEXTUAL", "STRICT", "OFF"]),
    Spec::any("documents"),
    Spec::object("citation_options"),
];

const XAI: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(1_000_000),
    Spec::texts("stop", 4),
    top_p(1.0).or(1.0),
    Spec::unsupported("top_k"),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed().or(0.0),
    effort(&["none", "low", "medium", "high"]),
];

const OPENROUTER: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(1_048_576),
    Spec::texts("stop", 4),
    top_p(1.0).or(1.0),
    top_k(0, 1000).or(0.0),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "minimal", "low", "medium", "high", "xhigh"]),
    Spec::number("repetition_penalty", 0.0, 2.0, 0.05).or(1.0),
    Spec::number("min_p", 0.0, 1.0, 0.05).or(0.0),
    Spec::number("top_a", 0.0, 1.0, 0.05).or(0.0),
    Spec::object("provider"),
    Spec::object("reasoning"),
];

const GROQ: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(131_072),
    Spec::texts("stop", 4),
    top_p(1.0).or(1.0),
    Spec::unsupported("top_k"),
    frequency_penalty(-2.0, 2.0).partial("Groq accepts it, but none of its models use it yet."),
    presence_penalty(-2.0, 2.0).partial("Groq accepts it, but none of its models use it yet."),
    any_seed(),
    effort(&["none", "default", "low", "medium", "high"]).partial(SOME_MODELS),
    Spec::choice("reasoning_format", &["hidden", "raw", "parsed"]),
    Spec::choice("service_tier", &["auto", "on_demand", "flex", "performance"]),
];

const TOGETHER: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(1_048_576),
    Spec::texts("stop", 0),
    top_p(1.0),
    top_k(1, 500),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["low", "medium", "high"]).partial(SOME_MODELS),
    Spec::number("repetition_penalty", 0.0, 3.0, 0.05),
    Spec::number("min_p", 0.0, 1.0, 0.05),
];

const CUSTOM: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(1_048_576),
    Spec::texts("stop", 0),
    top_p(1.0).or(1.0),
    top_k(0, 1000).unknown(),
    frequency_penalty(-2.0, 2.0).unknown(),
    presence_penalty(-2.0, 2.0).unknown(),
    any_seed().unknown(),
    effort(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]).unknown(),
];

const DEMO: &[Spec] = &[
    temperature(2.0, 1.0),
    max_tokens(1_048_576),
    Spec::texts("stop", 0),
    top_p(1.0).or(1.0),
    top_k(0, 1000),
    frequency_penalty(-2.0, 2.0),
    presence_penalty(-2.0, 2.0),
    any_seed(),
    effort(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
];

/// Returns the parameters of a provider with their ranges, defaults and support.
pub fn parameters(kind: ProviderKind) -> &'static [ParamSpec] {
    match kind {
        ProviderKind::Openai => OPENAI,
        ProviderKind::Anthropic => ANTHROPIC,
        ProviderKind::Gemini => GEMINI,
        ProviderKind::Cohere => COHERE,
        ProviderKind::Mistral => MISTRAL,
        ProviderKind::Deepseek => DEEPSEEK,
        ProviderKind::Xai => XAI,
        ProviderKind::Openrouter => OPENROUTER,
        ProviderKind::Groq => GROQ,
        ProviderKind::Together => TOGETHER,
        ProviderKind::Ollama => OLLAMA,
        ProviderKind::LmStudio => LM_STUDIO,
        ProviderKind::Vllm => VLLM,
        ProviderKind::LlamaCpp => LLAMA_CPP,
        ProviderKind::Custom => CUSTOM,
        ProviderKind::Demo => DEMO,
    }
}

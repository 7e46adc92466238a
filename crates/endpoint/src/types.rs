//! Providers and models as plain data, shared by terminal, server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The wire protocol of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// `POST {base}/chat/completions`, OpenAI's chat completions and everything that speaks it.
    OpenaiChat,
    /// `POST {base}/v1/messages`, Anthropic's messages.
    AnthropicMessages,
    /// `POST {base}/models/{model}:streamGenerateContent?alt=sse`, Google's Gemini.
    GeminiGenerate,
    /// `POST {base}/v2/chat`, Cohere's chat.
    CohereChat,
}

/// Who runs the endpoint. Decides defaults, dialect details and which parameter rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    Openai,
    Anthropic,
    Gemini,
    Cohere,
    Mistral,
    Deepseek,
    Xai,
    Openrouter,
    Groq,
    Together,
    Ollama,
    LmStudio,
    Vllm,
    LlamaCpp,
    /// Any other endpoint; its protocol is what the user says (OpenAI chat by default).
    Custom,
    /// The built-in mock server: its numbers are simulated.
    Demo,
}

/// The fixed facts of a [`ProviderKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindFacts {
    pub kind: ProviderKind,
    /// The key under which users know it: `openai`, `lm_studio`, …
    pub key: &'static str,
    pub display_name: &'static str,
    pub protocol: Protocol,
    /// Base URL without a trailing slash; `None` where the user has to give one.
    pub base_url: Option<&'static str>,
    /// Environment variables that usually hold its key, first match wins; empty where none is needed.
    pub key_env: &'static [&'static str],
    /// Runs on the user's own machine or network: no key needed, found by its usual port.
    pub local: bool,
}

macro_rules! kind {
    ($kind:ident, $key:literal, $name:literal, $protocol:ident, $base:expr, $env:expr, $local:literal) => {
        KindFacts {
            kind: ProviderKind::$kind,
            key: $key,
            display_name: $name,
            protocol: Protocol::$protocol,
            base_url: $base,
            key_env: &$env,
            local: $local,
        }
    };
}

#[cfg(feature = "server")]
impl KindFacts {
    /// True when scheme, host and port of `base_url` are those of the provider's own address: only
    /// there do its usual key and its list prices belong.
    pub fn is_own_origin(&self, base_url: &str) -> bool {
        let origin = |url: &str| url::Url::parse(url).ok().map(|url| url.origin());
        self.base_url.is_some_and(|own| origin(own) == origin(base_url))
    }
}

const KINDS: [KindFacts; 16] = [
    kind!(
        Openai,
        "openai",
        "OpenAI",
        OpenaiChat,
        Some("https://api.openai.com/v1"),
        ["OPENAI_API_KEY"],
        false
    ),
    kind!(
        Anthropic,
        "anthropic",
        "Anthropic",
        AnthropicMessages,
        Some("https://api.anthropic.com"),
        ["ANTHROPIC_API_KEY"],
        false
    ),
    kind!(
        Gemini,
        "gemini",
        "Google Gemini",
        GeminiGenerate,
        Some("https://generativelanguage.googleapis.com/v1beta"),
        ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        false
    ),
    kind!(
        Cohere,
        "cohere",
        "Cohere",
        CohereChat,
        Some("https://api.cohere.com"),
        ["COHERE_API_KEY", "CO_API_KEY"],
        false
    ),
    kind!(
        Mistral,
        "mistral",
        "Mistral",
        OpenaiChat,
        Some("https://api.mistral.ai/v1"),
        ["MISTRAL_API_KEY"],
        false
    ),
    kind!(
        Deepseek,
        "deepseek",
        "DeepSeek",
        OpenaiChat,
        Some("https://api.deepseek.com"),
        ["DEEPSEEK_API_KEY"],
        false
    ),
    kind!(Xai, "xai", "xAI", OpenaiChat, Some("https://api.x.ai/v1"), ["XAI_API_KEY"], false),
    kind!(
        Openrouter,
        "openrouter",
        "OpenRouter",
        OpenaiChat,
        Some("https://openrouter.ai/api/v1"),
        ["OPENROUTER_API_KEY"],
        false
    ),
    kind!(Groq, "groq", "Groq", OpenaiChat, Some("https://api.groq.com/openai/v1"), ["GROQ_API_KEY"], false),
    kind!(
        Together,
        "together",
        "Together AI",
        OpenaiChat,
        Some("https://api.together.xyz/v1"),
        ["TOGETHER_API_KEY"],
        false
    ),
    kind!(Ollama, "ollama", "Ollama", OpenaiChat, Some("http://127.0.0.1:11434/v1"), [], true),
    kind!(LmStudio, "lm_studio", "LM Studio", OpenaiChat, Some("http://127.0.0.1:1234/v1"), [], true),
    kind!(Vllm, "vllm", "vLLM", OpenaiChat, Some("http://127.0.0.1:8000/v1"), [], true),
    kind!(LlamaCpp, "llama_cpp", "llama.cpp", OpenaiChat, Some("http://127.0.0.1:8080/v1"), [], true),
    kind!(Custom, "custom", "Custom", OpenaiChat, None, [], false),
    kind!(Demo, "demo", "Demo (simulated)", OpenaiChat, None, [], true),
];

impl ProviderKind {
    /// Every kind, in the order in which people expect to see them.
    pub fn all() -> impl Iterator<Item = &'static KindFacts> {
        KINDS.iter()
    }

    /// The facts of this kind.
    pub fn facts(self) -> &'static KindFacts {
        KINDS.iter().find(|facts| facts.kind == self).unwrap_or(&KINDS[14])
    }

    /// The kind with this key, if there is one.
    pub fn from_key(key: &str) -> Option<Self> {
        KINDS.iter().find(|facts| facts.key == key).map(|facts| facts.kind)
    }
}

/// One endpoint that models are reached through. Holds no secret: the key travels beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// Unique name chosen by the user or the kind's own key; `[a-zA-Z0-9_-]+`.
    pub key: String,
    pub display_name: String,
    pub kind: ProviderKind,
    pub protocol: Protocol,
    /// Without a trailing slash. Never carries credentials.
    pub base_url: String,
    /// Extra request headers (for gateways), sent as they are; never contain the API key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl Provider {
    /// A provider as its kind is by default, at this address (without a trailing slash).
    pub fn of_kind(kind: ProviderKind, base_url: impl Into<String>) -> Self {
        let facts = kind.facts();
        Self {
            key: facts.key.to_owned(),
            display_name: facts.display_name.to_owned(),
            kind,
            protocol: facts.protocol,
            base_url: base_url.into(),
            headers: Vec::new(),
        }
    }

    /// True for the built-in mock: such numbers are shown as simulated.
    pub fn simulated(&self) -> bool {
        self.kind == ProviderKind::Demo
    }
}

/// One model of one provider. A model is always the pair (provider, model).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The id that the provider's API knows.
    pub id: String,
    pub display_name: String,
    /// Tokens; `None` where nobody knows (then no tier is skipped).
    pub context_window: Option<u64>,
    pub max_output_tokens: Option<u64>,
    /// Parameters never sent to this model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_params: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Parameters always sent to this model, under the names of the parameter registry.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// `None`: nobody knows the price, so no cost is shown.
    pub price: Option<Price>,
}

impl Model {
    /// A model of which only the id is known.
    pub fn named(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            display_name: id.clone(),
            id,
            context_window: None,
            max_output_tokens: None,
            skip_params: Vec::new(),
            system_prompt: None,
            params: Map::new(),
            price: None,
        }
    }
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Price {
    pub input_per_mtok: f64,
    /// `None`: cached input is charged like any other input.
    pub cached_input_per_mtok: Option<f64>,
    pub output_per_mtok: f64,
    /// Beyond so many input tokens the provider asks another price; `None`: it holds for any length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_input_tokens: Option<u64>,
    pub source: PriceSource,
}

impl Price {
    /// USD for one request: uncached input, cached input and output (reasoning included), each at
    /// its price. `input` includes `cached_input`. `None` where this price does not hold for so much
    /// input: no cost rather than a wrong one.
    pub fn cost(&self, input: u64, cached_input: u64, output: u64) -> Option<f64> {
        if self.up_to_input_tokens.is_some_and(|limit| input > limit) {
            return None;
        }
        let cached = cached_input.min(input);
        let cached_price = self.cached_input_per_mtok.unwrap_or(self.input_per_mtok);
        let micro_usd = (input - cached) as f64 * self.input_per_mtok
            + cached as f64 * cached_price
            + output as f64 * self.output_per_mtok;
        Some(micro_usd / 1e6)
    }
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    Catalog,
    Custom,
}

/// Names a model unambiguously.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ModelRef {
    pub provider_key: String,
    pub model_id: String,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider_key, self.model_id)
    }
}

/// What kind of failure an endpoint reported or caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    RateLimited,
    AuthFailed,
    NotFound,
    InvalidRequest,
    Overloaded,
    Server,
    /// An error event inside a stream that began well.
    InStream,
    /// Where the request would have gone is not allowed; nothing was sent.
    AddressRefused,
    ConnectFailed,
    ConnectTimeout,
    FirstTokenTimeout,
    TotalTimeout,
    /// The stream ended without its end mark or was cut.
    ConnectionLost,
    /// A well-formed answer without any generated content.
    NoOutput,
    /// Bytes that are not what the protocol says.
    BadResponse,
    /// Another program reported the failure.
    Reported,
}

/// An endpoint's error, safe to show: key-like strings are masked, the text is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[error("[{}] {message}", .kind.as_str())]
pub struct ApiError {
    pub kind: ErrorKind,
    /// HTTP status where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub message: String,
    /// From `Retry-After`, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl ErrorKind {
    /// The name used in JSON and in front of messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::AuthFailed => "auth_failed",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::InStream => "in_stream",
            Self::AddressRefused => "address_refused",
            Self::ConnectFailed => "connect_failed",
            Self::ConnectTimeout => "connect_timeout",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::ConnectionLost => "connection_lost",
            Self::NoOutput => "no_output",
            Self::BadResponse => "bad_response",
            Self::Reported => "reported",
        }
    }
}

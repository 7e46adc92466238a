//! Providers, models, prices and errors as plain data, shared by terminal, server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The wire protocol of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// `POST {base}/chat/completions`, OpenAI's chat completions and compatible servers.
    OpenaiChat,
    /// `POST {base}/v1/messages`, Anthropic's messages.
    AnthropicMessages,
    /// `POST {base}/models/{model}:streamGenerateContent?alt=sse`, Google's Gemini.
    GeminiGenerate,
    /// `POST {base}/v2/chat`, Cohere's chat.
    CohereChat,
}

/// The kind of provider. It selects defaults, dialect and parameter rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// Cohere.
    Cohere,
    /// Mistral AI.
    Mistral,
    /// DeepSeek.
    Deepseek,
    /// xAI.
    Xai,
    /// OpenRouter.
    Openrouter,
    /// Groq.
    Groq,
    /// Together AI.
    Together,
    /// A local Ollama server.
    Ollama,
    /// A local LM Studio server.
    LmStudio,
    /// A local vLLM server.
    Vllm,
    /// A local llama.cpp server.
    LlamaCpp,
    /// Any other endpoint; the user chooses its protocol (OpenAI chat by default).
    Custom,
    /// The built-in mock server; its numbers are simulated.
    Demo,
}

/// The fixed facts of a [`ProviderKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindFacts {
    /// The kind.
    pub kind: ProviderKind,
    /// The key in URLs, files and commands: `openai`, `lm_studio`, …
    pub key: &'static str,
    /// The name shown to users.
    pub display_name: &'static str,
    /// The wire protocol.
    pub protocol: Protocol,
    /// Base URL without a trailing slash; `None` if the user has to enter one.
    pub base_url: Option<&'static str>,
    /// Environment variables that usually hold its API key, first match wins; empty if it needs none.
    pub key_env: &'static [&'static str],
    /// Whether it runs on the user's machine or network: needs no key, is found by its usual port.
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
    /// Returns whether `base_url` has the scheme, host and port of the provider's own address. Its usual API key
    /// and its list prices apply only there.
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
    /// Returns all kinds in display order.
    pub fn all() -> impl Iterator<Item = &'static KindFacts> {
        KINDS.iter()
    }

    /// Returns the facts of this kind.
    pub fn facts(self) -> &'static KindFacts {
        KINDS.iter().find(|facts| facts.kind == self).unwrap_or(&KINDS[14])
    }

    /// Returns the kind with this key; `None` if there is none.
    pub fn from_key(key: &str) -> Option<Self> {
        KINDS.iter().find(|facts| facts.key == key).map(|facts| facts.kind)
    }
}

/// An endpoint that serves models. Contains no secret: the API key is passed separately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// Unique name chosen by the user or the kind's own key; `[a-zA-Z0-9_-]+`.
    pub key: String,
    /// The name shown to users.
    pub display_name: String,
    /// The kind of provider.
    pub kind: ProviderKind,
    /// The wire protocol.
    pub protocol: Protocol,
    /// Base URL without a trailing slash; never contains credentials.
    pub base_url: String,
    /// Extra request headers (for gateways), sent unchanged; never contain the API key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl Provider {
    /// Creates a provider with its kind's defaults at this base URL (without a trailing slash).
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

    /// Returns whether it is the built-in mock server, whose numbers are shown as simulated.
    pub fn simulated(&self) -> bool {
        self.kind == ProviderKind::Demo
    }
}

/// One model of one provider. A model is always the pair (provider, model).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The model's id in the provider's API.
    pub id: String,
    /// The name shown to users.
    pub display_name: String,
    /// Context window, tokens; `None` if it is unknown (then no tier is skipped).
    pub context_window: Option<u64>,
    /// Limit of output tokens of one response; `None` if it is unknown.
    pub max_output_tokens: Option<u64>,
    /// Parameters never sent to this model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_params: Vec<String>,
    /// System prompt sent with every request to this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Parameters always sent to this model, under the names of the parameter registry.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// The price; `None` if it is unknown (then no cost is shown).
    pub price: Option<Price>,
}

impl Model {
    /// Creates a model with only its id known.
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

/// The price of a model, in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Price {
    /// Price of uncached input, USD per million tokens.
    pub input_per_mtok: f64,
    /// Price of cached input; `None` if it costs the same as other input.
    pub cached_input_per_mtok: Option<f64>,
    /// Price of output, reasoning included, USD per million tokens.
    pub output_per_mtok: f64,
    /// Largest input in tokens that the price applies to; `None` if it applies to any length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_input_tokens: Option<u64>,
    /// Source of the price.
    pub source: PriceSource,
}

impl Price {
    /// Returns the cost of one request in USD: uncached input, cached input and output (reasoning included),
    /// each times its price. `input` includes `cached_input`; all are tokens. `None` if the price does not
    /// apply to an input of this length.
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

/// The source of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The built-in catalog.
    Catalog,
    /// The user.
    Custom,
}

/// A reference to a model: the pair of provider and model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ModelRef {
    /// The provider's key.
    pub provider_key: String,
    /// The model's id at the provider.
    pub model_id: String,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider_key, self.model_id)
    }
}

/// The kind of failure of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The provider limited the rate of requests (HTTP 429).
    RateLimited,
    /// The API key is missing, wrong or not permitted.
    AuthFailed,
    /// The model or the path does not exist.
    NotFound,
    /// The provider rejected the request.
    InvalidRequest,
    /// The provider is overloaded.
    Overloaded,
    /// Any other HTTP error, such as a 500.
    Server,
    /// An error event inside a 200 stream.
    InStream,
    /// The address policy forbids the endpoint's address; nothing was sent.
    AddressRefused,
    /// DNS, TCP or TLS failed.
    ConnectFailed,
    /// Opening the connection took longer than its limit.
    ConnectTimeout,
    /// The first content chunk took longer than its limit.
    FirstTokenTimeout,
    /// The whole response took longer than its limit.
    TotalTimeout,
    /// The connection broke or the stream ended without its end mark.
    ConnectionLost,
    /// A well-formed response without generated content.
    NoOutput,
    /// The response does not follow the protocol.
    BadResponse,
    /// Another program reported the failure.
    Reported,
}

/// An error of a request, safe to show: key-like strings are masked and the length is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[error("[{}] {message}", .kind.as_str())]
pub struct ApiError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// HTTP status, if there was a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The message, for users.
    pub message: String,
    /// Seconds from the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl ErrorKind {
    /// Returns the name used in JSON and in front of messages.
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

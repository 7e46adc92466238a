//! The wire protocols: what goes over the line to each provider, typed both ways.
//!
//! Each protocol file holds serde types of requests, stream events and whole responses; each type
//! both serialises and deserialises, so that the client here and the server in [`mock`]
//! share them. This file holds the neutral types that the rest of the product speaks, and the
//! dispatch over [`Protocol`].

pub mod anthropic;
pub mod cohere;
mod error;
pub mod gemini;
mod lenient;
pub mod openai;
mod request;
mod think;

#[cfg(test)]
mod tests;

use secrecy::SecretString;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::types::{ApiError, ErrorKind};
use super::types::{Protocol, Provider};

/// A chat request in neutral terms. Every parameter has already been through the registry.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    pub model: String,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolDefinition>,
    pub tool_choice: Option<ToolChoice>,
    /// Provider-named parameters as resolved by the registry (`max_tokens` or
    /// `max_completion_tokens`, `temperature`, `stop`, passthrough, …), merged into the body at the
    /// place where the protocol wants them. They can never replace model, messages or stream.
    pub params: Map<String, Value>,
    pub stream: bool,
    /// Ask for token usage in the stream where the protocol has to be asked (OpenAI chat).
    pub include_usage: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// As most protocols name it.
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub role: Role,
    pub content: String,
    /// Calls an assistant message made.
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool message answers.
    pub tool_call_id: Option<String>,
}

/// A function the model may call; `parameters` is a JSON schema.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    Required,
    None,
    Named(String),
}

/// A complete tool call; `arguments` is the text the model wrote, which need not be valid JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// What one event of a stream says, in neutral terms. One wire event may yield several.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The provider's id of this response.
    Id(String),
    /// Visible text, never empty.
    Text(String),
    /// Reasoning ("thinking") text, never empty.
    Reasoning(String),
    ToolCall(ToolCallDelta),
    Finish(FinishReason),
    /// Supersedes earlier usage events field by field (a later `None` keeps what is known).
    Usage(Usage),
    /// An error inside a 200 stream: the run has failed.
    Error(ApiError),
    /// The protocol's own end mark (`[DONE]`, `message_stop`, …).
    Done,
}

impl StreamEvent {
    /// Visible text, if it is any.
    fn text(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Text(text))
    }

    /// Reasoning, if it is any.
    fn reasoning(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Reasoning(text))
    }
}

/// A part of a tool call. `index` tells parallel calls apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCallDelta {
    pub index: u32,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    /// Whatever else the provider said, as it said it.
    Other(String),
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(reason) => reason,
        })
    }
}

/// Token counts as the provider reports them. `output_tokens` includes reasoning; `input_tokens`
/// includes cached input (providers that report it apart are added up here).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub cached_input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Takes over what `later` knows.
    pub fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cached_input_tokens = later.cached_input_tokens.or(self.cached_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.reasoning_tokens = later.reasoning_tokens.or(self.reasoning_tokens);
    }
}

/// A whole, non-streamed answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatResponse {
    pub id: Option<String>,
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
    pub finish: Option<FinishReason>,
    pub usage: Usage,
}

/// A request ready for the wire: everything but the connection.
#[derive(Debug, Clone)]
pub struct WireRequest {
    /// Absolute URL; never carries the key.
    pub url: url::Url,
    /// Includes the key (marked sensitive) and `content-type`; not `host`.
    pub headers: http::HeaderMap,
    pub body: bytes::Bytes,
}

/// A model as a provider's list endpoint describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedModel {
    /// The id that chat requests use.
    pub id: String,
    pub display_name: Option<String>,
    /// Tokens.
    pub context_window: Option<u64>,
    /// Tokens.
    pub max_output_tokens: Option<u64>,
}

/// Why a request cannot be put on the wire; never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the base URL of provider \"{provider}\" is not usable: {reason}")]
    BaseUrl { provider: String, reason: String },
    #[error("header \"{name}\" of provider \"{provider}\" {reason}")]
    Header { provider: String, name: String, reason: &'static str },
    #[error("the API key of provider \"{provider}\" holds characters that no key has; copy it anew")]
    Key { provider: String },
    #[error("the request cannot be written as JSON: {0}")]
    Body(String),
}

/// Writes a chat request for the provider's protocol and dialect.
///
/// # Errors
/// When base URL, key or extra headers cannot be used.
pub fn encode(
    provider: &Provider,
    key: Option<&SecretString>,
    request: &ChatRequest,
) -> Result<WireRequest, WireError> {
    let (url, body) = match provider.protocol {
        Protocol::OpenaiChat => {
            (request::endpoint(provider, &openai::CHAT_PATH)?, json(&openai::body(provider, request)))
        }
        Protocol::AnthropicMessages => {
            (request::endpoint(provider, &anthropic::CHAT_PATH)?, json(&anthropic::body(request)))
        }
        Protocol::GeminiGenerate => (gemini::url(provider, request)?, json(&gemini::body(request))),
        Protocol::CohereChat => {
            (request::endpoint(provider, &cohere::CHAT_PATH)?, json(&cohere::body(request)))
        }
    };
    Ok(WireRequest { url, headers: request::json_headers(provider, key, request.stream)?, body: body? })
}

fn json<T: Serialize>(body: &T) -> Result<bytes::Bytes, WireError> {
    serde_json::to_vec(body).map(bytes::Bytes::from).map_err(|error| WireError::Body(error.to_string()))
}

/// Reads the events of one stream, whatever the protocol.
#[derive(Debug)]
pub struct Decoder {
    protocol: ProtocolDecoder,
    end_mark: bool,
}

#[derive(Debug)]
enum ProtocolDecoder {
    Openai(openai::Decoder),
    Anthropic(anthropic::Decoder),
    Gemini(gemini::Decoder),
    Cohere(cohere::Decoder),
}

impl Decoder {
    /// For one stream of this provider.
    pub fn new(provider: &Provider) -> Self {
        let protocol = match provider.protocol {
            Protocol::OpenaiChat => ProtocolDecoder::Openai(openai::Decoder::new(provider.kind)),
            Protocol::AnthropicMessages => ProtocolDecoder::Anthropic(anthropic::Decoder::default()),
            Protocol::GeminiGenerate => ProtocolDecoder::Gemini(gemini::Decoder::default()),
            Protocol::CohereChat => ProtocolDecoder::Cohere(cohere::Decoder::default()),
        };
        Self { protocol, end_mark: false }
    }

    /// Reads the data of one SSE event and adds what it says to `out`. `event_name` is empty where
    /// the server gave none. What cannot be read becomes [`StreamEvent::Error`].
    pub fn decode(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        match data.trim_ascii() {
            b"" => {}
            b"[DONE]" => {
                self.end(out);
                self.end_mark = true;
                out.push(StreamEvent::Done);
            }
            data => match &mut self.protocol {
                ProtocolDecoder::Openai(decoder) => decoder.decode(event_name, data, out),
                ProtocolDecoder::Anthropic(decoder) => decoder.decode(event_name, data, out),
                ProtocolDecoder::Gemini(decoder) => decoder.decode(event_name, data, out),
                ProtocolDecoder::Cohere(decoder) => decoder.decode(event_name, data, out),
            },
        }
    }

    /// Whether the end mark or a finish reason has come. A stream that ends before was cut.
    pub fn finished(&self) -> bool {
        self.end_mark
            || match &self.protocol {
                ProtocolDecoder::Openai(decoder) => decoder.finished(),
                ProtocolDecoder::Anthropic(decoder) => decoder.finished(),
                ProtocolDecoder::Gemini(decoder) => decoder.finished(),
                ProtocolDecoder::Cohere(decoder) => decoder.finished(),
            }
    }

    /// Gives out text that was held back because it might have been the beginning of a tag. To be
    /// called when no more events come.
    pub fn end(&mut self, out: &mut Vec<StreamEvent>) {
        if let ProtocolDecoder::Openai(decoder) = &mut self.protocol {
            decoder.end(out);
        }
    }
}

/// Reads a whole, non-streamed answer that came with a success status.
///
/// # Errors
/// When the body is an error all the same, or is not what the protocol says.
pub fn decode_response(provider: &Provider, body: &[u8]) -> Result<ChatResponse, ApiError> {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Err(error::no_answer(provider, body));
    }
    match provider.protocol {
        Protocol::OpenaiChat => openai::decode_response(provider, body),
        Protocol::AnthropicMessages => anthropic::decode_response(provider, body),
        Protocol::GeminiGenerate => gemini::decode_response(provider, body),
        Protocol::CohereChat => cohere::decode_response(provider, body),
    }
}

/// What an answer with an error status, or with a redirect (none is followed), means. The text is
/// safe to show.
pub fn decode_error(provider: &Provider, status: u16, headers: &http::HeaderMap, body: &[u8]) -> ApiError {
    let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    match status {
        300..=399 => error::redirect(provider, status, header(http::header::LOCATION)),
        _ => error::from_http(provider, status, header(http::header::RETRY_AFTER), body),
    }
}

/// The request (a `GET` without body) for the provider's list of models.
///
/// # Errors
/// When base URL, key or extra headers cannot be used.
pub fn models_request(provider: &Provider, key: Option<&SecretString>) -> Result<WireRequest, WireError> {
    let (path, query): (&[&str], &[(&str, &str)]) = match provider.protocol {
        Protocol::OpenaiChat => (&["models"], &[]),
        Protocol::AnthropicMessages => (&["v1", "models"], &[("limit", "1000")]),
        Protocol::GeminiGenerate => (&["models"], &[("pageSize", "1000")]),
        Protocol::CohereChat => (&["v1", "models"], &[("endpoint", "chat"), ("page_size", "1000")]),
    };
    let mut url = request::endpoint(provider, path)?;
    for (name, value) in query {
        url.query_pairs_mut().append_pair(name, value);
    }
    Ok(WireRequest {
        url,
        headers: request::headers(provider, key, "application/json")?,
        body: bytes::Bytes::new(),
    })
}

/// Reads a provider's list of models, in its order; models that cannot chat are left out where the
/// list tells them apart.
///
/// # Errors
/// When the body is not what the protocol says.
pub fn decode_models(provider: &Provider, body: &[u8]) -> Result<Vec<ListedModel>, ApiError> {
    match provider.protocol {
        Protocol::OpenaiChat => openai::decode_models(body),
        Protocol::AnthropicMessages => anthropic::decode_models(body),
        Protocol::GeminiGenerate => gemini::decode_models(body),
        Protocol::CohereChat => cohere::decode_models(body),
    }
}

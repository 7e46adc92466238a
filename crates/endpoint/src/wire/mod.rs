//! The wire protocols: typed requests, stream events and responses of each provider.
//!
//! Each protocol file holds serde types of requests, stream events and whole responses; each type
//! both serialises and deserialises, so that the client here and the server in [`mock`]
//! share them. This file holds the provider-independent types and the dispatch over [`Protocol`].

pub mod anthropic;
pub mod cohere;
mod error;
pub mod gemini;
mod lenient;
pub mod openai;
mod repetition;
mod request;
mod think;

#[cfg(test)]
mod tests;

use std::fmt;

use repetition::Repetition;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::types::{ApiError, ErrorKind};
use super::types::{Protocol, Provider};

/// A provider-independent chat request. The registry has already resolved its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model's id.
    pub model: String,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<ToolDefinition>,
    /// Whether and which tool the model must call; `None` leaves it to the provider's default.
    pub tool_choice: Option<ToolChoice>,
    /// Provider-named parameters as resolved by the registry (`max_tokens` or
    /// `max_completion_tokens`, `temperature`, `stop`, passthrough, …), merged into the body where
    /// the protocol expects them. They can never replace model, messages or stream.
    pub params: Map<String, Value>,
    /// Whether to stream the response.
    pub stream: bool,
    /// Ask for token usage in the stream where the protocol has to be asked (OpenAI chat).
    pub include_usage: bool,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator's instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// Returns the name that most protocols use.
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
    /// Tool calls of an assistant message.
    pub tool_calls: Vec<ToolCall>,
    /// In a tool message: id of the call that it answers.
    pub tool_call_id: Option<String>,
}

/// A function the model may call; `parameters` is a JSON schema.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Name of the function.
    pub name: String,
    /// Description for the model.
    pub description: Option<String>,
    /// JSON schema of the arguments.
    pub parameters: Value,
}

/// Whether and which tool the model must call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// At least one tool.
    Required,
    /// No tool.
    None,
    /// The tool with this name.
    Named(String),
}

/// A complete tool call; `arguments` is the text the model wrote, which need not be valid JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Id of the call.
    pub id: String,
    /// Name of the function.
    pub name: String,
    /// Arguments as the model wrote them.
    pub arguments: String,
}

/// A provider-independent stream event. One wire event may yield several.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The provider's id of this response.
    Id(String),
    /// Visible text, never empty.
    Text(String),
    /// Reasoning ("thinking") text, never empty.
    Reasoning(String),
    /// A part of a tool call.
    ToolCall(ToolCallDelta),
    /// Generation stopped.
    Finish(FinishReason),
    /// Supersedes earlier usage events field by field (a later `None` keeps what is known).
    Usage(Usage),
    /// An error inside a 200 stream: the run has failed.
    Error(ApiError),
    /// The protocol's own end mark (`[DONE]`, `message_stop`, …).
    Done,
}

impl StreamEvent {
    /// Returns visible text; `None` if it is empty.
    fn text(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Text(text))
    }

    /// Returns reasoning; `None` if it is empty.
    fn reasoning(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Reasoning(text))
    }
}

/// A part of a tool call. `index` distinguishes parallel calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCallDelta {
    /// Position of the call in the response, 0-based.
    pub index: u32,
    /// Id of the call; usually in its first part only.
    pub id: Option<String>,
    /// Name of the function; usually in its first part only.
    pub name: Option<String>,
    /// A part of the arguments, JSON text.
    pub arguments: String,
}

/// Why generation stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model finished, or generated a stop sequence.
    Stop,
    /// The limit of output tokens was reached.
    Length,
    /// The model called tools.
    ToolCalls,
    /// The provider's content filter stopped it.
    ContentFilter,
    /// Any other reason, as the provider names it.
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
/// includes cached input (added here for providers that report it separately).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input_tokens: Option<u64>,
    /// Input tokens read from the provider's cache; part of `input_tokens`.
    pub cached_input_tokens: Option<u64>,
    /// Output tokens, reasoning included.
    pub output_tokens: Option<u64>,
    /// Reasoning tokens; part of `output_tokens`.
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Overwrites the counts that `later` contains.
    pub fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cached_input_tokens = later.cached_input_tokens.or(self.cached_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.reasoning_tokens = later.reasoning_tokens.or(self.reasoning_tokens);
    }
}

/// A whole response, not streamed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatResponse {
    /// The provider's id of the response.
    pub id: Option<String>,
    /// Visible text.
    pub text: String,
    /// Reasoning text.
    pub reasoning: String,
    /// The tool calls.
    pub tool_calls: Vec<ToolCall>,
    /// Why generation stopped; `None` if the provider does not say.
    pub finish: Option<FinishReason>,
    /// Token counts as reported.
    pub usage: Usage,
}

/// An encoded request, ready to be sent on a connection.
#[derive(Debug, Clone)]
pub struct WireRequest {
    /// Absolute URL; never carries the key.
    pub url: url::Url,
    /// Includes the key (marked sensitive) and `content-type`; not `host`.
    pub headers: http::HeaderMap,
    /// The JSON body.
    pub body: bytes::Bytes,
}

/// A model in a provider's model list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedModel {
    /// The id that chat requests use.
    pub id: String,
    /// The name shown to users.
    pub display_name: Option<String>,
    /// Context window, tokens.
    pub context_window: Option<u64>,
    /// Limit of output tokens.
    pub max_output_tokens: Option<u64>,
}

/// The reason why a request cannot be encoded; never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The base URL cannot be parsed or extended by a path.
    #[error("the base URL of provider \"{provider}\" is not usable: {reason}")]
    BaseUrl {
        /// The provider's key.
        provider: String,
        /// Why the URL is not usable.
        reason: String,
    },
    /// An extra header has an invalid name or value.
    #[error("header \"{name}\" of provider \"{provider}\" {reason}")]
    Header {
        /// The provider's key.
        provider: String,
        /// Name of the header.
        name: String,
        /// What is wrong with it; continues a sentence.
        reason: &'static str,
    },
    /// The API key contains characters that an HTTP header cannot hold.
    #[error("the API key of provider \"{provider}\" holds characters that no key has; copy it anew")]
    Key {
        /// The provider's key.
        provider: String,
    },
    /// The body cannot be serialised; holds the reason.
    #[error("the request cannot be written as JSON: {0}")]
    Body(String),
}

/// Encodes a chat request for the provider's protocol and dialect.
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

/// A decoder of the events of one stream, for every protocol.
#[derive(Debug)]
pub struct Decoder {
    protocol: ProtocolDecoder,
    repetition: Repetition,
    end_mark: bool,
}

#[derive(Debug, Clone)]
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
        Self { protocol, repetition: Repetition::default(), end_mark: false }
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
            data => match self.repetition.recognise(event_name, data) {
                Some(event) => out.push(event),
                None => self.parse(event_name, data, out),
            },
        }
    }

    fn parse(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        let before = out.len();
        self.protocol.decode(event_name, data, out);
        if let [found] = &out[before..]
            && self.protocol.passes_on(found)
        {
            let mut parser = self.protocol.clone();
            self.repetition.learn(event_name, data, found, |data, out| parser.decode(event_name, data, out));
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

impl ProtocolDecoder {
    fn decode(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        match self {
            Self::Openai(decoder) => decoder.decode(event_name, data, out),
            Self::Anthropic(decoder) => decoder.decode(event_name, data, out),
            Self::Gemini(decoder) => decoder.decode(event_name, data, out),
            Self::Cohere(decoder) => decoder.decode(event_name, data, out),
        }
    }

    /// Whether the text of this event, which was decoded just now, passed through unchanged, and that of all later
    /// ones like it will too.
    fn passes_on(&self, event: &StreamEvent) -> bool {
        match self {
            Self::Openai(decoder) => decoder.passes_on(event),
            Self::Anthropic(_) | Self::Gemini(_) | Self::Cohere(_) => true,
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

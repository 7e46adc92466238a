//! The wire protocols: what goes over the line to each provider, typed both ways.
//!
//! Each protocol file holds serde types of requests, stream events and whole responses; each type
//! both serialises and deserialises, so that the client here and the server in [`crate::mock`]
//! share them. This file holds the neutral types that the rest of the product speaks, and the
//! dispatch over [`Protocol`].

pub mod anthropic;
pub mod cohere;
pub mod gemini;
mod lenient;
pub mod openai;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::types::{ApiError, ErrorKind};

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

/// Token counts as the provider reports them. `output_tokens` includes reasoning; `input_tokens`
/// includes cached input (providers that report it apart are added up here).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub cached_input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
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

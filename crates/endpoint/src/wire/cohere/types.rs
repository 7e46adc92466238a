//! Cohere v2 chat as JSON: requests, responses and stream events.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::lenient;

/// Body of `POST {base}/v2/chat`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    /// The model's id.
    pub model: String,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// `REQUIRED` or `NONE`; leaving it out lets the model choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<String>,
    /// Required by the API.
    #[serde(default)]
    pub stream: bool,
    /// Limit of output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Everything else: sampling parameters, `thinking`, …
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A message of a request, or the message of a whole response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Tool calls of an assistant message.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The model's plan for its tool calls, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_plan: Option<String>,
    /// In a tool message: id of the call that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

/// Plain text or parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts.
    Parts(Vec<Part>),
}

/// A part of a message; in `content-delta` the new part of its text, without the type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// `text`, `thinking`, …
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Visible text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Reasoning text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Always `function`.
    #[serde(rename = "type", default = "function_kind")]
    pub kind: String,
    /// The function.
    pub function: Function,
}

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Function {
    /// Name of the function.
    pub name: String,
    /// Description for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON schema.
    #[serde(default)]
    pub parameters: Value,
}

/// A tool call, complete or (in `tool-call-delta`) a piece of its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCall {
    /// Id of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Always `function`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The called function.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub function: FunctionCall,
}

/// Name and arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Name of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Arguments as JSON text, or a part of it.
    #[serde(default, deserialize_with = "lenient::json_text")]
    pub arguments: String,
}

fn function_kind() -> String {
    "function".to_owned()
}

/// One event of a stream. A flat struct: `kind` says which fields are set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Event {
    /// The type of the event.
    #[serde(rename = "type", default)]
    pub kind: EventKind,
    /// Id of the response, in `message-start` and `message-end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Index of the content part or the tool call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The contents of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<EventDelta>,
}

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The message starts.
    MessageStart,
    /// A content part starts.
    ContentStart,
    /// A content part grows.
    ContentDelta,
    /// A content part ends.
    ContentEnd,
    /// The tool plan grows.
    ToolPlanDelta,
    /// A tool call starts.
    ToolCallStart,
    /// A tool call's arguments grow.
    ToolCallDelta,
    /// A tool call ends.
    ToolCallEnd,
    /// The message ends.
    MessageEnd,
    /// Citations, debug output, error bodies and unknown types.
    #[default]
    #[serde(other)]
    Unknown,
}

impl EventKind {
    /// Returns the SSE event name.
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageStart => "message-start",
            Self::ContentStart => "content-start",
            Self::ContentDelta => "content-delta",
            Self::ContentEnd => "content-end",
            Self::ToolPlanDelta => "tool-plan-delta",
            Self::ToolCallStart => "tool-call-start",
            Self::ToolCallDelta => "tool-call-delta",
            Self::ToolCallEnd => "tool-call-end",
            Self::MessageEnd => "message-end",
            Self::Unknown => "unknown",
        }
    }
}

/// The contents of an event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventDelta {
    /// The new part of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageDelta>,
    /// In `message-end`: `COMPLETE`, `MAX_TOKENS`, `TOOL_CALL`, `ERROR`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Token counts, in `message-end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// An error inside the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// The new part of a message. `message-start` has empty lists where later events have one object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MessageDelta {
    /// Always `assistant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The new part of the content.
    #[serde(default, deserialize_with = "lenient::object_or_first", skip_serializing_if = "Option::is_none")]
    pub content: Option<Part>,
    /// The new part of the tool plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_plan: Option<String>,
    /// The new part of a tool call.
    #[serde(default, deserialize_with = "lenient::object_or_first", skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<ToolCall>,
}

/// Token counts: billed and processed ones. The latter include Cohere's own preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Billed tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_units: Option<TokenCounts>,
    /// Processed tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
    /// Input tokens read from the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
}

/// Input and output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Input tokens.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Output tokens.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// A whole response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Response {
    /// Id of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `COMPLETE`, `MAX_TOKENS`, `TOOL_CALL`, `ERROR`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The message.
    #[serde(default)]
    pub message: Option<Message>,
    /// Token counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// Body of an error response.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The message.
    pub message: String,
}

/// Response of `GET {base}/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelList {
    /// The models of this page.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub models: Vec<ModelEntry>,
    /// Cursor of the next page; `None` on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A model of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelEntry {
    /// The model's id.
    pub name: String,
    /// `chat`, `embed`, …; empty if the server does not say.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub endpoints: Vec<String>,
    /// Context window, tokens.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
}

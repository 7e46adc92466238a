//! Anthropic messages as JSON: requests, responses and stream events.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::lenient;

/// Body of `POST {base}/v1/messages`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    /// The model's id.
    pub model: String,
    /// Required by the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Content>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether and which tool the model must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether to stream the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Everything else: sampling parameters, `thinking`, …
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A message of a request; `role` is `user` or `assistant`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `user` or `assistant`.
    pub role: String,
    /// The content.
    pub content: Content,
}

/// Plain text or blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Blocks.
    Blocks(Vec<Block>),
}

/// A block of a message; in `content_block_start` with empty text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Visible text.
    Text {
        /// The text.
        #[serde(default)]
        text: String,
    },
    /// Reasoning.
    Thinking {
        /// The reasoning text.
        #[serde(default)]
        thinking: String,
        /// Anthropic's signature of the reasoning.
        #[serde(default)]
        signature: String,
    },
    /// A tool call of the model.
    ToolUse {
        /// Id of the call.
        id: String,
        /// Name of the tool.
        name: String,
        /// An object; empty in `content_block_start`.
        #[serde(default)]
        input: Value,
    },
    /// The result of a tool call.
    ToolResult {
        /// Id of the call.
        tool_use_id: String,
        /// The result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        /// Whether the tool failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    /// Redacted reasoning, images, server tools and unknown types.
    #[serde(other)]
    Unknown,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Name of the tool.
    pub name: String,
    /// Description for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON schema.
    #[serde(default)]
    pub input_schema: Value,
}

/// Whether and which tool the model must call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChoice {
    /// `auto`, `any`, `none` or `tool`.
    #[serde(rename = "type")]
    pub kind: String,
    /// With `tool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// One event of a stream; the SSE event name equals `type`. Read through [`RawEvent`], because
/// serde reads a tagged enum by building a tree of it first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[serde(from = "RawEvent")]
pub enum Event {
    /// The message starts.
    MessageStart {
        /// The message, without content.
        message: Box<Response>,
    },
    /// A block starts.
    ContentBlockStart {
        /// Index of the block.
        index: u32,
        /// The block, with empty text.
        content_block: Block,
    },
    /// A block grows.
    ContentBlockDelta {
        /// Index of the block.
        index: u32,
        /// The new part.
        delta: BlockDelta,
    },
    /// A block ends.
    ContentBlockStop {
        /// Index of the block.
        index: u32,
    },
    /// Generation stopped.
    MessageDelta {
        /// Why it stopped.
        delta: MessageDelta,
        /// Token counts.
        usage: Usage,
    },
    /// The end mark of the stream.
    MessageStop,
    /// Keeps the connection alive.
    Ping,
    /// An error inside a 200 stream.
    Error {
        /// The error.
        error: ErrorDetail,
    },
    /// Any other event.
    Unknown,
}

impl Event {
    /// The SSE event name under which it is sent.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Error { .. } => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// The new part of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockDelta {
    /// Text.
    TextDelta {
        /// The new part of the text.
        text: String,
    },
    /// Reasoning text.
    ThinkingDelta {
        /// The new part of the reasoning.
        thinking: String,
    },
    /// The signature of the reasoning.
    SignatureDelta {
        /// The signature.
        signature: String,
    },
    /// A part of a tool call's arguments.
    InputJsonDelta {
        /// The new part of the arguments, JSON text.
        partial_json: String,
    },
    /// Any other delta.
    Unknown,
}

/// The end of a message: why generation stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MessageDelta {
    /// `end_turn`, `max_tokens`, `tool_use`, …
    pub stop_reason: Option<String>,
    /// The stop sequence that was generated, if any.
    pub stop_sequence: Option<String>,
}

/// All events in one flat struct.
#[derive(Deserialize)]
struct RawEvent {
    #[serde(rename = "type", default)]
    kind: EventKind,
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    message: Option<Box<Response>>,
    #[serde(default)]
    content_block: Option<Block>,
    #[serde(default)]
    delta: Option<RawDelta>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<ErrorDetail>,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventKind {
    MessageStart,
    ContentBlockStart,
    ContentBlockDelta,
    ContentBlockStop,
    MessageDelta,
    /// The end mark of the stream.
    MessageStop,
    /// Keeps the connection alive.
    Ping,
    Error,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Default, Deserialize)]
struct RawDelta {
    #[serde(rename = "type", default)]
    kind: DeltaKind,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop_sequence: Option<String>,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeltaKind {
    TextDelta,
    ThinkingDelta,
    SignatureDelta,
    InputJsonDelta,
    #[default]
    #[serde(other)]
    Unknown,
}

impl From<RawEvent> for Event {
    fn from(raw: RawEvent) -> Self {
        let index = raw.index.unwrap_or_default();
        let delta = raw.delta.unwrap_or_default();
        match raw.kind {
            EventKind::MessageStart => Self::MessageStart { message: raw.message.unwrap_or_default() },
            EventKind::ContentBlockStart => {
                Self::ContentBlockStart { index, content_block: raw.content_block.unwrap_or(Block::Unknown) }
            }
            EventKind::ContentBlockDelta => Self::ContentBlockDelta { index, delta: delta.into() },
            EventKind::ContentBlockStop => Self::ContentBlockStop { index },
            EventKind::MessageDelta => Self::MessageDelta {
                delta: MessageDelta { stop_reason: delta.stop_reason, stop_sequence: delta.stop_sequence },
                usage: raw.usage.unwrap_or_default(),
            },
            EventKind::MessageStop => Self::MessageStop,
            EventKind::Ping => Self::Ping,
            EventKind::Error => Self::Error { error: raw.error.unwrap_or_default() },
            EventKind::Unknown => match raw.error {
                Some(error) => Self::Error { error },
                None => Self::Unknown,
            },
        }
    }
}

impl From<RawDelta> for BlockDelta {
    fn from(raw: RawDelta) -> Self {
        match raw.kind {
            DeltaKind::TextDelta => Self::TextDelta { text: raw.text.unwrap_or_default() },
            DeltaKind::ThinkingDelta => Self::ThinkingDelta { thinking: raw.thinking.unwrap_or_default() },
            DeltaKind::SignatureDelta => {
                Self::SignatureDelta { signature: raw.signature.unwrap_or_default() }
            }
            DeltaKind::InputJsonDelta => {
                Self::InputJsonDelta { partial_json: raw.partial_json.unwrap_or_default() }
            }
            DeltaKind::Unknown => Self::Unknown,
        }
    }
}

/// A whole response; in `message_start` one without content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Id of the message.
    #[serde(default)]
    pub id: Option<String>,
    /// `message`
    #[serde(rename = "type", default = "message_kind")]
    pub kind: String,
    /// Always `assistant`.
    #[serde(default = "assistant")]
    pub role: String,
    /// The model's id.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub model: String,
    /// The generated blocks.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub content: Vec<Block>,
    /// Written even when `null`, as Anthropic does.
    #[serde(default)]
    pub stop_reason: Option<String>,
    /// The stop sequence that was generated, if any.
    #[serde(default)]
    pub stop_sequence: Option<String>,
    /// Token counts.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub usage: Usage,
    /// Set instead of the rest if a 200 response is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            id: None,
            kind: message_kind(),
            role: assistant(),
            model: String::new(),
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: Usage::default(),
            error: None,
        }
    }
}

fn message_kind() -> String {
    "message".to_owned()
}

fn assistant() -> String {
    "assistant".to_owned()
}

/// Token counts. `input_tokens` excludes cache reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens neither read from nor written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Input tokens written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Input tokens read from the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Output tokens, reasoning included.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Breakdown of the output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<OutputTokensDetails>,
}

/// Breakdown of `output_tokens`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Part of `output_tokens`.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<u64>,
}

/// Body of an error response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `error`
    #[serde(rename = "type")]
    pub kind: String,
    /// The error.
    pub error: ErrorDetail,
}

/// Type and message of an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// `overloaded_error`, `rate_limit_error`, …
    #[serde(rename = "type", default, deserialize_with = "lenient::null_as_default")]
    pub kind: String,
    /// The message.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message: String,
}

/// Response of `GET {base}/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelList {
    /// The models of this page.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub data: Vec<ModelEntry>,
    /// Whether there are more pages.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub has_more: bool,
    /// Id of the first model of this page.
    #[serde(default)]
    pub first_id: Option<String>,
    /// Id of the last model of this page: the cursor of the next one.
    #[serde(default)]
    pub last_id: Option<String>,
}

/// A model of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelEntry {
    /// The model's id.
    pub id: String,
    /// `model`
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name shown to users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `active`, `deprecated` or `retired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Limit of input tokens.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// Limit of output tokens.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

//! Anthropic messages as JSON: what goes over the wire in both directions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::lenient;

/// Body of `POST {base}/v1/messages`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    pub model: String,
    /// Required by the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Content>,
    pub messages: Vec<Message>,
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Everything else: sampling parameters, `thinking`, …
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A message of a request; `role` is `user` or `assistant`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: String,
    pub content: Content,
}

/// Plain text or blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

/// A block of a message. Also what `content_block_start` announces, then with empty text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    ToolUse {
        id: String,
        name: String,
        /// An object; empty in `content_block_start`.
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    /// Redacted thinking, images, server tools and what is yet to come.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON schema.
    #[serde(default)]
    pub input_schema: Value,
}

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
    MessageStart { message: Box<Response> },
    ContentBlockStart { index: u32, content_block: Block },
    ContentBlockDelta { index: u32, delta: BlockDelta },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: MessageDelta, usage: Usage },
    MessageStop,
    Ping,
    Error { error: ErrorDetail },
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

/// What a block grew by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockDelta {
    TextDelta { text: String },
    ThinkingDelta { thinking: String },
    SignatureDelta { signature: String },
    InputJsonDelta { partial_json: String },
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MessageDelta {
    pub stop_reason: Option<String>,
    pub stop_sequence: Option<String>,
}

/// All events in one flat shape.
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
    MessageStop,
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

/// A whole answer; in `message_start` one without content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    #[serde(default)]
    pub id: Option<String>,
    /// `message`
    #[serde(rename = "type", default = "message_kind")]
    pub kind: String,
    #[serde(default = "assistant")]
    pub role: String,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub model: String,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub content: Vec<Block>,
    /// Written even when `null`, as Anthropic does.
    #[serde(default)]
    pub stop_reason: Option<String>,
    #[serde(default)]
    pub stop_sequence: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub usage: Usage,
    /// Set instead of the rest when a 200 answer is an error.
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

/// `input_tokens` leaves out what was read from or written to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<OutputTokensDetails>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Part of `output_tokens`.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<u64>,
}

/// Body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `error`
    #[serde(rename = "type")]
    pub kind: String,
    pub error: ErrorDetail,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// `overloaded_error`, `rate_limit_error`, …
    #[serde(rename = "type", default, deserialize_with = "lenient::null_as_default")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message: String,
}

/// Answer of `GET {base}/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelList {
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub data: Vec<ModelEntry>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub has_more: bool,
    #[serde(default)]
    pub first_id: Option<String>,
    #[serde(default)]
    pub last_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelEntry {
    pub id: String,
    /// `model`
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `active`, `deprecated` or `retired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

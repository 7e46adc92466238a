//! Anthropic messages.

mod types;

#[cfg(test)]
mod tests;

pub use types::*;

use serde_json::Value;

use super::{
    ApiError, ChatRequest, ChatResponse, FinishReason, ListedModel, Role, StreamEvent, ToolCall,
    ToolCallDelta, ToolDefinition, error,
    request::{arguments_object, free_params, listed, rename},
};
use crate::Provider;

/// Path of the chat endpoint below the base URL.
pub(super) const CHAT_PATH: [&str; 2] = ["v1", "messages"];

/// Sent where nobody says how long an answer may be: the API wants a figure.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// The body of a chat request.
pub(super) fn body(request: &ChatRequest) -> Request {
    let mut extra = free_params(&request.params);
    rename(&mut extra, &[("max_completion_tokens", "max_tokens"), ("stop", "stop_sequences")]);
    listed(&mut extra, "stop_sequences");
    Request {
        model: request.model.clone(),
        max_tokens: (!extra.contains_key("max_tokens")).then_some(DEFAULT_MAX_TOKENS),
        system: system(&request.messages),
        messages: messages(&request.messages),
        tools: request.tools.iter().map(Tool::from).collect(),
        tool_choice: request.tool_choice.as_ref().map(ToolChoice::from),
        stream: request.stream.then_some(true),
        extra,
    }
}

/// System messages stand above the conversation, not in it.
fn system(messages: &[super::Message]) -> Option<Content> {
    let texts: Vec<&str> =
        messages.iter().filter(|message| message.role == Role::System).map(|m| m.content.as_str()).collect();
    (!texts.is_empty()).then(|| Content::Text(texts.join("\n\n")))
}

/// The conversation. The results of parallel calls belong into one user message.
fn messages(messages: &[super::Message]) -> Vec<Message> {
    let mut turns: Vec<Message> = Vec::with_capacity(messages.len());
    let mut after_result = false;
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let is_result = message.role == Role::Tool;
        match turns.last_mut() {
            Some(Message { content: Content::Blocks(blocks), .. }) if is_result && after_result => {
                blocks.push(tool_result(message));
            }
            _ => turns.push(turn(message)),
        }
        after_result = is_result;
    }
    turns
}

fn turn(message: &super::Message) -> Message {
    let (role, content) = match message.role {
        Role::Assistant if !message.tool_calls.is_empty() => {
            ("assistant", Content::Blocks(call_blocks(message)))
        }
        Role::Assistant => ("assistant", Content::Text(message.content.clone())),
        Role::Tool => ("user", Content::Blocks(vec![tool_result(message)])),
        Role::User | Role::System => ("user", Content::Text(message.content.clone())),
    };
    Message { role: role.to_owned(), content }
}

fn call_blocks(message: &super::Message) -> Vec<Block> {
    let text = (!message.content.is_empty()).then(|| Block::Text { text: message.content.clone() });
    let calls = message.tool_calls.iter().map(|call| Block::ToolUse {
        id: call.id.clone(),
        name: call.name.clone(),
        input: arguments_object(call),
    });
    text.into_iter().chain(calls).collect()
}

fn tool_result(message: &super::Message) -> Block {
    Block::ToolResult {
        tool_use_id: message.tool_call_id.clone().unwrap_or_default(),
        content: Some(Content::Text(message.content.clone())),
        is_error: None,
    }
}

impl From<&ToolDefinition> for Tool {
    fn from(tool: &ToolDefinition) -> Self {
        Self {
            name: tool.name.clone(),
            description: tool.description.clone(),
            input_schema: tool.parameters.clone(),
        }
    }
}

impl From<&super::ToolChoice> for ToolChoice {
    fn from(choice: &super::ToolChoice) -> Self {
        let (kind, name) = match choice {
            super::ToolChoice::Auto => ("auto", None),
            super::ToolChoice::Required => ("any", None),
            super::ToolChoice::None => ("none", None),
            super::ToolChoice::Named(name) => ("tool", Some(name.clone())),
        };
        Self { kind: kind.to_owned(), name }
    }
}

/// Reads one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoder {
    usage: Usage,
    /// Content block index of each tool call, in the order in which they began.
    tool_blocks: Vec<u32>,
    finished: bool,
}

impl Decoder {
    pub(super) fn decode(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        match error::read_event(event_name, data) {
            Ok(event) => self.read(event, data, out),
            Err(error) => out.push(StreamEvent::Error(error)),
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    fn read(&mut self, event: Event, data: &[u8], out: &mut Vec<StreamEvent>) {
        match event {
            Event::MessageStart { message } => self.start(*message, out),
            Event::ContentBlockStart { index, content_block } => self.start_block(index, content_block, out),
            Event::ContentBlockDelta { index, delta } => self.grow_block(index, delta, out),
            Event::MessageDelta { delta, usage } => self.finish(delta, usage, out),
            Event::MessageStop => {
                self.finished = true;
                out.push(StreamEvent::Done);
            }
            Event::Error { .. } => out.push(StreamEvent::Error(error::in_stream(data))),
            Event::Unknown => out.extend(error::find_in_stream(data).map(StreamEvent::Error)),
            Event::ContentBlockStop { .. } | Event::Ping => {}
        }
    }

    fn start(&mut self, message: Response, out: &mut Vec<StreamEvent>) {
        out.extend(message.id.filter(|id| !id.is_empty()).map(StreamEvent::Id));
        // The output count of a message that has only begun says nothing.
        self.usage = Usage { output_tokens: None, output_tokens_details: None, ..message.usage };
        out.push(StreamEvent::Usage(self.usage.neutral()));
    }

    fn start_block(&mut self, index: u32, block: Block, out: &mut Vec<StreamEvent>) {
        match block {
            Block::Text { text } => out.extend(StreamEvent::text(text)),
            Block::Thinking { thinking, .. } => out.extend(StreamEvent::reasoning(thinking)),
            Block::ToolUse { id, name, input } => {
                self.tool_blocks.push(index);
                out.push(StreamEvent::ToolCall(ToolCallDelta {
                    index: self.call_number(index),
                    id: Some(id),
                    name: Some(name),
                    arguments: whole_input(&input),
                }));
            }
            Block::ToolResult { .. } | Block::Unknown => {}
        }
    }

    fn grow_block(&mut self, index: u32, delta: BlockDelta, out: &mut Vec<StreamEvent>) {
        match delta {
            BlockDelta::TextDelta { text } => out.extend(StreamEvent::text(text)),
            BlockDelta::ThinkingDelta { thinking } => out.extend(StreamEvent::reasoning(thinking)),
            BlockDelta::InputJsonDelta { partial_json } if !partial_json.is_empty() => {
                let index = self.call_number(index);
                out.push(StreamEvent::ToolCall(ToolCallDelta {
                    index,
                    arguments: partial_json,
                    ..Default::default()
                }));
            }
            BlockDelta::InputJsonDelta { .. } | BlockDelta::SignatureDelta { .. } | BlockDelta::Unknown => {}
        }
    }

    /// Position of a content block among the tool calls.
    fn call_number(&self, block: u32) -> u32 {
        self.tool_blocks.iter().position(|&index| index == block).map_or(block, |number| number as u32)
    }

    fn finish(&mut self, delta: MessageDelta, usage: Usage, out: &mut Vec<StreamEvent>) {
        self.usage = self.usage.updated(usage);
        out.push(StreamEvent::Usage(self.usage.neutral()));
        if let Some(reason) = delta.stop_reason {
            self.finished = true;
            out.push(StreamEvent::Finish(finish_reason(reason)));
        }
    }
}

/// The input of a call that was announced whole; usually it follows in pieces.
fn whole_input(input: &Value) -> String {
    match input.as_object() {
        Some(object) if !object.is_empty() => input.to_string(),
        _ => String::new(),
    }
}

fn finish_reason(reason: String) -> FinishReason {
    match reason.as_str() {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason),
    }
}

impl Usage {
    /// In neutral terms: input is the sum of what was read fresh, from and into the cache.
    fn neutral(&self) -> super::Usage {
        let cached = self.cache_read_input_tokens;
        let cache = cached.unwrap_or(0).saturating_add(self.cache_creation_input_tokens.unwrap_or(0));
        let input = self.input_tokens.map(|fresh| fresh.saturating_add(cache));
        super::Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.output_tokens_details.and_then(|details| details.thinking_tokens),
        }
    }

    /// The later report wins field by field.
    fn updated(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        }
    }
}

/// Reads a whole answer.
pub(super) fn decode_response(provider: &Provider, body: &[u8]) -> Result<ChatResponse, ApiError> {
    let bad = |error: serde_json::Error| error::bad_response(body, &error);
    let response: Response = serde_json::from_slice(body).map_err(bad)?;
    if response.error.is_some() || response.id.is_none() {
        let json: Value = serde_json::from_slice(body).map_err(bad)?;
        return Err(error::in_body(provider, &json));
    }
    let mut answer = ChatResponse {
        id: response.id,
        finish: response.stop_reason.map(finish_reason),
        usage: response.usage.neutral(),
        ..ChatResponse::default()
    };
    for block in response.content {
        match block {
            Block::Text { text } => answer.text.push_str(&text),
            Block::Thinking { thinking, .. } => answer.reasoning.push_str(&thinking),
            Block::ToolUse { id, name, input } => {
                answer.tool_calls.push(ToolCall { id, name, arguments: input.to_string() });
            }
            Block::ToolResult { .. } | Block::Unknown => {}
        }
    }
    Ok(answer)
}

/// Reads the list of models: those that can still be called.
pub(super) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>, ApiError> {
    let list: ModelList = serde_json::from_slice(body).map_err(|error| error::bad_response(body, &error))?;
    let callable = |entry: &ModelEntry| entry.lifecycle.as_deref() != Some("retired");
    Ok(list.data.into_iter().filter(callable).map(ListedModel::from).collect())
}

impl From<ModelEntry> for ListedModel {
    fn from(entry: ModelEntry) -> Self {
        Self {
            id: entry.id,
            display_name: entry.display_name,
            context_window: entry.max_input_tokens.filter(|tokens| *tokens > 0),
            max_output_tokens: entry.max_tokens.filter(|tokens| *tokens > 0),
        }
    }
}

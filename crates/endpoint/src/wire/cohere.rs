//! Cohere v2 chat.

mod types;

#[cfg(test)]
mod tests;

pub use types::*;

use serde_json::Value;

use super::{
    ApiError, ChatRequest, ChatResponse, FinishReason, ListedModel, StreamEvent, ToolCallDelta, ToolChoice,
    ToolDefinition, error,
    request::{free_params, listed, rename},
};
use crate::Provider;

/// Path of the chat endpoint below the base URL.
pub(super) const CHAT_PATH: [&str; 2] = ["v2", "chat"];

/// Names that other protocols use for the same thing.
const RENAMED: [(&str, &str); 4] =
    [("max_completion_tokens", "max_tokens"), ("top_p", "p"), ("top_k", "k"), ("stop", "stop_sequences")];

/// The body of a chat request.
pub(super) fn body(request: &ChatRequest) -> Request {
    let mut extra = free_params(&request.params);
    rename(&mut extra, &RENAMED);
    listed(&mut extra, "stop_sequences");
    Request {
        model: request.model.clone(),
        messages: request.messages.iter().map(Message::from).collect(),
        tools: offered(request).map(Tool::from).collect(),
        tool_choice: request.tool_choice.as_ref().and_then(tool_choice).map(str::to_owned),
        stream: request.stream,
        max_tokens: None,
        extra,
    }
}

/// Cohere cannot name the tool to call: it is offered no other, and told to call one.
fn offered(request: &ChatRequest) -> impl Iterator<Item = &ToolDefinition> {
    let named = match &request.tool_choice {
        Some(ToolChoice::Named(name)) => Some(name),
        _ => None,
    };
    request.tools.iter().filter(move |tool| named.is_none_or(|name| tool.name == *name))
}

fn tool_choice(choice: &ToolChoice) -> Option<&'static str> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Required | ToolChoice::Named(_) => Some("REQUIRED"),
        ToolChoice::None => Some("NONE"),
    }
}

impl From<&super::Message> for Message {
    fn from(message: &super::Message) -> Self {
        let only_calls = message.content.is_empty() && !message.tool_calls.is_empty();
        Self {
            role: message.role.as_str().to_owned(),
            content: (!only_calls).then(|| Content::Text(message.content.clone())),
            tool_calls: message.tool_calls.iter().map(ToolCall::from).collect(),
            tool_plan: None,
            tool_call_id: message.tool_call_id.clone(),
        }
    }
}

impl From<&super::ToolCall> for ToolCall {
    fn from(call: &super::ToolCall) -> Self {
        let function = FunctionCall { name: Some(call.name.clone()), arguments: call.arguments.clone() };
        Self { id: Some(call.id.clone()), kind: Some("function".to_owned()), function }
    }
}

impl From<&ToolDefinition> for Tool {
    fn from(tool: &ToolDefinition) -> Self {
        let function = Function {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        };
        Self { kind: "function".to_owned(), function }
    }
}

/// Reads one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoder {
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
        let delta = event.delta.unwrap_or_default();
        match event.kind {
            EventKind::MessageStart => out.extend(event.id.map(StreamEvent::Id)),
            EventKind::MessageEnd => self.finish(delta, out),
            EventKind::Unknown => out.extend(unknown_error(data)),
            _ => read_message(event.index.unwrap_or_default(), delta.message.unwrap_or_default(), out),
        }
    }

    fn finish(&mut self, delta: EventDelta, out: &mut Vec<StreamEvent>) {
        self.finished = true;
        out.extend(delta.usage.map(|usage| StreamEvent::Usage(usage.neutral())));
        out.push(match delta.error.filter(|error| !error.is_null()) {
            Some(error) => StreamEvent::Error(error_in(&error)),
            None => finish_event(delta.finish_reason.unwrap_or_default()),
        });
        out.push(StreamEvent::Done);
    }
}

/// Citations and the like have a `type`; an event without one may be an error body.
fn unknown_error(data: &[u8]) -> Option<StreamEvent> {
    error::find_in_stream(data).map(StreamEvent::Error)
}

fn error_in(error: &Value) -> ApiError {
    match error.as_str() {
        Some(text) => error::in_stream_text(text),
        None => error::in_stream_value(error),
    }
}

fn read_message(index: u32, message: MessageDelta, out: &mut Vec<StreamEvent>) {
    let part = message.content.unwrap_or_default();
    out.extend(part.thinking.and_then(StreamEvent::reasoning));
    out.extend(message.tool_plan.and_then(StreamEvent::reasoning));
    out.extend(part.text.and_then(StreamEvent::text));
    out.extend(message.tool_calls.map(|call| {
        StreamEvent::ToolCall(ToolCallDelta {
            index,
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        })
    }));
}

fn finish_event(reason: String) -> StreamEvent {
    match reason.as_str() {
        "ERROR" | "TIMEOUT" => {
            StreamEvent::Error(error::in_stream_text(&format!("the stream finished with {reason}")))
        }
        _ => StreamEvent::Finish(finish_reason(reason)),
    }
}

fn finish_reason(reason: String) -> FinishReason {
    match reason.as_str() {
        "COMPLETE" | "STOP_SEQUENCE" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason),
    }
}

impl Usage {
    /// In neutral terms: what went through the model; what was billed where nothing else is said.
    fn neutral(&self) -> super::Usage {
        let tokens = self.tokens.unwrap_or_default();
        let billed = self.billed_units.unwrap_or_default();
        super::Usage {
            input_tokens: tokens.input_tokens.or(billed.input_tokens),
            cached_input_tokens: self.cached_tokens,
            output_tokens: tokens.output_tokens.or(billed.output_tokens),
            reasoning_tokens: None,
        }
    }
}

/// Reads a whole answer.
pub(super) fn decode_response(provider: &Provider, body: &[u8]) -> Result<ChatResponse, ApiError> {
    let bad = |error: serde_json::Error| error::bad_response(body, &error);
    let json: Value = serde_json::from_slice(body).map_err(bad)?;
    if json.get("finish_reason").is_none() {
        return Err(error::in_body(provider, &json));
    }
    let response: Response = serde_json::from_value(json).map_err(bad)?;
    let mut answer = ChatResponse {
        id: response.id,
        finish: response.finish_reason.map(finish_reason),
        usage: response.usage.map(|usage| usage.neutral()).unwrap_or_default(),
        ..ChatResponse::default()
    };
    read_answer(response.message.unwrap_or_default(), &mut answer);
    Ok(answer)
}

fn read_answer(message: Message, answer: &mut ChatResponse) {
    answer.reasoning = message.tool_plan.unwrap_or_default();
    match message.content {
        Some(Content::Text(text)) => answer.text = text,
        Some(Content::Parts(parts)) => {
            for part in parts {
                answer.reasoning.push_str(&part.thinking.unwrap_or_default());
                answer.text.push_str(&part.text.unwrap_or_default());
            }
        }
        None => {}
    }
    answer.tool_calls = message.tool_calls.into_iter().map(super::ToolCall::from).collect();
}

impl From<ToolCall> for super::ToolCall {
    fn from(call: ToolCall) -> Self {
        Self {
            id: call.id.unwrap_or_default(),
            name: call.function.name.unwrap_or_default(),
            arguments: call.function.arguments,
        }
    }
}

/// Reads the list of models: those that chat.
pub(super) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>, ApiError> {
    let list: ModelList = serde_json::from_slice(body).map_err(|error| error::bad_response(body, &error))?;
    let chats =
        |entry: &ModelEntry| entry.endpoints.is_empty() || entry.endpoints.iter().any(|name| name == "chat");
    Ok(list.models.into_iter().filter(chats).map(ListedModel::from).collect())
}

impl From<ModelEntry> for ListedModel {
    fn from(entry: ModelEntry) -> Self {
        Self {
            id: entry.name,
            display_name: None,
            context_window: entry.context_length,
            max_output_tokens: None,
        }
    }
}

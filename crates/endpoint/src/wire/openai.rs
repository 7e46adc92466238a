//! OpenAI chat completions and everything that speaks them.

mod types;

#[cfg(test)]
mod tests;

pub use types::*;

use serde_json::Value;

use super::{
    ApiError, ChatRequest, ChatResponse, FinishReason, ListedModel, StreamEvent, ToolCallDelta,
    ToolDefinition, error, request::free_params, think::ThinkSplitter,
};
use crate::{Provider, ProviderKind};

/// Path of the chat endpoint below the base URL.
pub(super) const CHAT_PATH: [&str; 2] = ["chat", "completions"];

/// Together's kinds of models that do not chat.
const NOT_CHAT: [&str; 8] =
    ["image", "embedding", "moderation", "rerank", "audio", "video", "transcribe", "tts"];

/// The body of a chat request.
pub(super) fn body(provider: &Provider, request: &ChatRequest) -> Request {
    Request {
        model: request.model.clone(),
        messages: request.messages.iter().map(Message::from).collect(),
        stream: request.stream.then_some(true),
        stream_options: asks_for_usage(provider, request).then_some(StreamOptions { include_usage: true }),
        tools: request.tools.iter().map(Tool::from).collect(),
        tool_choice: request.tool_choice.as_ref().map(ToolChoice::from),
        extra: free_params(&request.params),
        ..Request::default()
    }
}

/// Mistral reports usage unasked and refuses fields that it does not know.
fn asks_for_usage(provider: &Provider, request: &ChatRequest) -> bool {
    request.stream && request.include_usage && provider.kind != ProviderKind::Mistral
}

impl From<&super::Message> for Message {
    fn from(message: &super::Message) -> Self {
        let only_calls = message.content.is_empty() && !message.tool_calls.is_empty();
        Self {
            role: message.role.as_str().to_owned(),
            content: (!only_calls).then(|| Content::Text(message.content.clone())),
            tool_calls: message.tool_calls.iter().map(ToolCall::from).collect(),
            tool_call_id: message.tool_call_id.clone(),
            ..Self::default()
        }
    }
}

impl From<&super::ToolCall> for ToolCall {
    fn from(call: &super::ToolCall) -> Self {
        let function = FunctionCall { name: call.name.clone(), arguments: call.arguments.clone() };
        Self { id: call.id.clone(), kind: "function".to_owned(), function }
    }
}

impl From<&ToolDefinition> for Tool {
    fn from(tool: &ToolDefinition) -> Self {
        let function = Function {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: Some(tool.parameters.clone()),
        };
        Self { kind: "function".to_owned(), function }
    }
}

impl From<&super::ToolChoice> for ToolChoice {
    fn from(choice: &super::ToolChoice) -> Self {
        match choice {
            super::ToolChoice::Auto => Self::Mode("auto".to_owned()),
            super::ToolChoice::Required => Self::Mode("required".to_owned()),
            super::ToolChoice::None => Self::Mode("none".to_owned()),
            super::ToolChoice::Named(name) => {
                Self::Named { kind: "function".to_owned(), function: FunctionName { name: name.clone() } }
            }
        }
    }
}

/// Reads one stream.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    dialect: ProviderKind,
    think: ThinkSplitter,
    id_seen: bool,
    finished: bool,
    calls: CallNumbering,
}

impl Decoder {
    pub(super) fn new(dialect: ProviderKind) -> Self {
        Self {
            dialect,
            think: ThinkSplitter::default(),
            id_seen: false,
            finished: false,
            calls: CallNumbering::default(),
        }
    }

    pub(super) fn decode(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        if event_name == "error" {
            return out.push(StreamEvent::Error(error::in_stream(data)));
        }
        match serde_json::from_slice::<Chunk<'_>>(data) {
            Ok(chunk) if chunk.may_be_error() => out.extend(error_in(&chunk, data).map(StreamEvent::Error)),
            Ok(chunk) => self.read(chunk, out),
            Err(error) => out.push(StreamEvent::Error(error::unreadable(data, &error))),
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the text of this event, decoded just now, stood in the chunk as it is, and whether that of later chunks
    /// like it will pass unchanged: inline tags can neither begin nor end there.
    pub(super) fn passes_on(&self, event: &StreamEvent) -> bool {
        match event {
            StreamEvent::Text(_) => self.think.is_past_tags(),
            _ => !self.think.is_inside_tags(),
        }
    }

    pub(super) fn end(&mut self, out: &mut Vec<StreamEvent>) {
        self.think.flush(out);
    }

    fn read(&mut self, chunk: Chunk<'_>, out: &mut Vec<StreamEvent>) {
        if !self.id_seen
            && let Some(id) = chunk.id.filter(|id| !id.is_empty())
        {
            self.id_seen = true;
            out.push(StreamEvent::Id(id.into_owned()));
        }
        for choice in chunk.choices {
            self.read_choice(choice, out);
        }
        if let Some(usage) = chunk.usage.or_else(|| chunk.x_groq.and_then(|groq| groq.usage)) {
            out.push(StreamEvent::Usage(usage.neutral(self.dialect)));
        }
    }

    fn read_choice(&mut self, choice: ChunkChoice<'_>, out: &mut Vec<StreamEvent>) {
        let delta = choice.delta;
        // Some servers send both spellings with the same text.
        out.extend(delta.reasoning_content.or(delta.reasoning).and_then(StreamEvent::reasoning));
        self.read_content(delta.content, out);
        self.read_text(delta.refusal.unwrap_or_default(), out);
        for call in delta.tool_calls {
            out.push(StreamEvent::ToolCall(self.calls.neutral(call)));
        }
        if let Some(error) = choice.error {
            out.push(StreamEvent::Error(error::in_stream_value(&error)));
        } else if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.end(out);
            self.finished = true;
            out.push(finish_event(&reason));
        }
    }

    fn read_content(&mut self, content: Option<Content>, out: &mut Vec<StreamEvent>) {
        match content {
            Some(Content::Text(text)) => self.read_text(text, out),
            Some(Content::Parts(parts)) => {
                for part in parts {
                    out.extend(
                        part.thinking.and_then(|thinking| StreamEvent::reasoning(thinking.into_text())),
                    );
                    self.read_text(part.text.unwrap_or_default(), out);
                }
            }
            None => {}
        }
    }

    fn read_text(&mut self, text: String, out: &mut Vec<StreamEvent>) {
        if !text.is_empty() {
            self.think.push(text, out);
        }
    }
}

impl Chunk<'_> {
    /// True for errors, and for chunks with nothing of a chunk in them.
    fn may_be_error(&self) -> bool {
        self.error.is_some()
            || self.object.as_deref() == Some("error")
            || (self.choices.is_empty() && self.usage.is_none() && self.id.is_none())
    }
}

fn error_in(chunk: &Chunk<'_>, data: &[u8]) -> Option<ApiError> {
    match &chunk.error {
        Some(_) => Some(error::in_stream(data)),
        None => error::find_in_stream(data),
    }
}

fn finish_event(reason: &str) -> StreamEvent {
    match reason {
        "error" => StreamEvent::Error(error::in_stream_text("the stream finished with an error")),
        reason => StreamEvent::Finish(finish_reason(reason)),
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" | "eos" => FinishReason::Stop,
        "length" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Numbers the calls of servers that leave `index` out: a new id begins a new call.
#[derive(Debug, Clone, Default)]
struct CallNumbering {
    last: Option<(u32, Option<String>)>,
}

impl CallNumbering {
    fn neutral(&mut self, call: ToolCallChunk) -> ToolCallDelta {
        let id = call.id.filter(|id| !id.is_empty());
        let index = call.index.unwrap_or_else(|| self.guess(id.as_deref()));
        match &mut self.last {
            Some((last, _)) if *last == index && id.is_none() => {}
            last => *last = Some((index, id.clone())),
        }
        ToolCallDelta {
            index,
            id,
            name: call.function.name.filter(|name| !name.is_empty()),
            arguments: call.function.arguments,
        }
    }

    fn guess(&self, id: Option<&str>) -> u32 {
        match &self.last {
            None => 0,
            Some((index, last_id)) if id.is_some() && id != last_id.as_deref() => index.saturating_add(1),
            Some((index, _)) => *index,
        }
    }
}

impl Usage {
    /// In neutral terms. xAI leaves reasoning out of `completion_tokens` (its total shows it).
    fn neutral(&self, dialect: ProviderKind) -> super::Usage {
        let reasoning = self.completion_tokens_details.and_then(|details| details.reasoning_tokens);
        let apart = dialect == ProviderKind::Xai && !self.total_is_prompt_and_completion();
        let output = self
            .completion_tokens
            .map(|tokens| tokens.saturating_add(reasoning.filter(|_| apart).unwrap_or(0)));
        let cached = self.prompt_tokens_details.and_then(|details| details.cached_tokens);
        super::Usage {
            input_tokens: self.prompt_tokens,
            cached_input_tokens: cached.or(self.prompt_cache_hit_tokens).or(self.cached_tokens),
            output_tokens: output,
            reasoning_tokens: reasoning,
        }
    }

    fn total_is_prompt_and_completion(&self) -> bool {
        matches!((self.total_tokens, self.prompt_tokens, self.completion_tokens),
            (Some(total), Some(prompt), Some(completion)) if total == prompt.saturating_add(completion))
    }
}

/// Reads a whole answer.
pub(super) fn decode_response(provider: &Provider, body: &[u8]) -> Result<ChatResponse, ApiError> {
    let response: Response =
        serde_json::from_slice(body).map_err(|error| error::bad_response(body, &error))?;
    if response.error.is_some() || (response.id.is_none() && response.choices.is_empty()) {
        let json: Value = serde_json::from_slice(body).map_err(|error| error::bad_response(body, &error))?;
        return Err(error::in_body(provider, &json));
    }
    let usage = response.usage.map(|usage| usage.neutral(provider.kind)).unwrap_or_default();
    let mut answer = ChatResponse { id: response.id, usage, ..ChatResponse::default() };
    if let Some(choice) = response.choices.into_iter().next() {
        answer.finish = choice.finish_reason.as_deref().map(finish_reason);
        read_message(choice.message, &mut answer);
    }
    Ok(answer)
}

fn read_message(message: Message, answer: &mut ChatResponse) {
    let delta = Delta {
        content: message.content,
        reasoning_content: message.reasoning_content,
        reasoning: message.reasoning,
        refusal: message.refusal,
        ..Delta::default()
    };
    let mut decoder = Decoder::new(ProviderKind::Custom);
    let mut events = Vec::new();
    decoder.read_choice(ChunkChoice { delta, ..ChunkChoice::default() }, &mut events);
    decoder.end(&mut events);
    for event in events {
        match event {
            StreamEvent::Text(text) => answer.text.push_str(&text),
            StreamEvent::Reasoning(text) => answer.reasoning.push_str(&text),
            _ => {}
        }
    }
    answer.tool_calls = message.tool_calls.into_iter().map(super::ToolCall::from).collect();
}

impl From<ToolCall> for super::ToolCall {
    fn from(call: ToolCall) -> Self {
        Self { id: call.id, name: call.function.name, arguments: call.function.arguments }
    }
}

/// Reads the list of models, Together's bare list included.
pub(super) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>, ApiError> {
    let bare = body.trim_ascii_start().starts_with(b"[");
    let entries = if bare {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|list: ModelList| list.data)
    };
    let entries: Vec<ModelEntry> = entries.map_err(|error| error::bad_response(body, &error))?;
    Ok(entries.into_iter().filter(ModelEntry::can_chat).map(ListedModel::from).collect())
}

impl ModelEntry {
    /// False only where the server says so.
    fn can_chat(&self) -> bool {
        let kind_chats = self.kind.as_deref().is_none_or(|kind| !NOT_CHAT.contains(&kind));
        let capability = self.capabilities.as_ref().and_then(|all| all.get("completion_chat"));
        kind_chats && self.active != Some(false) && capability.and_then(Value::as_bool) != Some(false)
    }
}

impl From<ModelEntry> for ListedModel {
    fn from(entry: ModelEntry) -> Self {
        // The context that a server was started with comes before the one it was trained for.
        let context_window = entry
            .max_model_len
            .or(entry.meta.and_then(|meta| meta.n_ctx.or(meta.n_ctx_train)))
            .or(entry.context_length)
            .or(entry.context_window)
            .or(entry.max_context_length);
        let max_output_tokens =
            entry.max_completion_tokens.or(entry.top_provider.and_then(|top| top.max_completion_tokens));
        Self {
            id: entry.id,
            display_name: entry.display_name.or(entry.name),
            context_window: context_window.filter(|tokens| *tokens > 0),
            max_output_tokens: max_output_tokens.filter(|tokens| *tokens > 0),
        }
    }
}

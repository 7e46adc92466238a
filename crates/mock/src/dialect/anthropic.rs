//! Anthropic messages.

use serde_json::json as value;

use super::{Dialect, Reply, STREAM_ERROR, json, unreadable};
use crate::presets::Preset;
use crate::script::{Call, ChatRequest, Segment, Tool, UsageRequest};
use crate::track::{Fragment, Pieces, TEXT, Track};
use endpoint::Protocol;
use endpoint::wire::anthropic as api;
use endpoint::wire::{self, FinishReason};

pub(super) struct Anthropic;

/// Clients return it unchanged, so any value will do.
const SIGNATURE: &str = "c2ltdWxhdGVk";

impl Dialect for Anthropic {
    fn protocol(&self) -> Protocol {
        Protocol::AnthropicMessages
    }

    fn read(&self, body: &[u8]) -> Result<ChatRequest, String> {
        let request: api::Request = serde_json::from_slice(body).map_err(unreadable)?;
        let max_tokens = request.max_tokens.ok_or("max_tokens: Field required")?;
        let messages = request.messages.iter().map(|message| length(&message.content));
        let tools = request.tools.into_iter();
        Ok(ChatRequest {
            model: request.model,
            stream: request.stream.unwrap_or_default(),
            max_tokens: Some(max_tokens),
            input_bytes: messages.sum::<usize>() + request.system.as_ref().map_or(0, length),
            tools: tools.map(|tool| Tool { name: tool.name, parameters: tool.input_schema }).collect(),
            tool_choice: tool_choice(request.tool_choice)?,
            usage: UsageRequest::Implied,
        })
    }

    fn opening(&self, reply: &Reply<'_>) -> String {
        let usage = reply.usage.map(|usage| wire::Usage { output_tokens: Some(1), ..usage });
        let message = api::Response { usage: api_usage(usage), ..response(reply) };
        event(&api::Event::MessageStart { message: Box::new(message) }) + &event(&api::Event::Ping)
    }

    fn track(&self, _reply: &Reply<'_>, index: u32, segment: &Segment) -> Track {
        match segment {
            Segment::Text(words) => {
                let delta = api::BlockDelta::TextDelta { text: TEXT.to_owned() };
                let block = api::Block::Text { text: String::new() };
                track(index, block, delta, None, Pieces::Words(words.clone()))
            }
            Segment::Reasoning(words) => {
                let delta = api::BlockDelta::ThinkingDelta { thinking: TEXT.to_owned() };
                let signature = api::BlockDelta::SignatureDelta { signature: SIGNATURE.into() };
                let block = api::Block::Thinking { thinking: String::new(), signature: String::new() };
                track(index, block, delta, Some(signature), Pieces::Words(words.clone()))
            }
            Segment::Call(call) => {
                let delta = api::BlockDelta::InputJsonDelta { partial_json: TEXT.to_owned() };
                let (id, name) = (call.id.clone(), call.name.clone());
                let fragments: Vec<_> = call.pieces().map(|piece| Fragment::token(&piece)).collect();
                let block = api::Block::ToolUse { id, name, input: value!({}) };
                track(index, block, delta, None, Pieces::Fragments(fragments.into_iter()))
            }
        }
    }

    fn ending(&self, reply: &Reply<'_>) -> String {
        let usage = reply.usage.and_then(|usage| usage.output_tokens);
        let end = api::Event::MessageDelta {
            delta: api::MessageDelta { stop_reason: Some(stop_reason(reply)), stop_sequence: None },
            usage: api::Usage { output_tokens: usage, ..api::Usage::default() },
        };
        event(&end) + &event(&api::Event::MessageStop)
    }

    fn stream_error(&self, _reply: &Reply<'_>) -> String {
        event(&api::Event::Error { error: error_detail(529, STREAM_ERROR) })
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        let response = api::Response {
            content: reply.script.segments.iter().map(block).collect(),
            stop_reason: Some(stop_reason(reply)),
            usage: api_usage(reply.usage),
            ..response(reply)
        };
        json(&response).into_bytes()
    }

    fn refusal(&self, status: u16, message: &str) -> Vec<u8> {
        let body = api::ErrorBody { kind: "error".into(), error: error_detail(status, message) };
        json(&body).into_bytes()
    }

    fn models(&self, models: &[Preset]) -> Vec<u8> {
        let entry = |preset: &Preset| api::ModelEntry {
            id: preset.id.to_owned(),
            kind: Some("model".into()),
            display_name: Some(preset.display_name.to_owned()),
            created_at: Some("2025-01-01T00:00:00Z".into()),
            max_input_tokens: Some(preset.context_window),
            max_tokens: Some(preset.max_output_tokens),
            lifecycle: Some("active".into()),
        };
        let list = api::ModelList {
            data: models.iter().map(entry).collect(),
            has_more: false,
            first_id: models.first().map(|preset| preset.id.to_owned()),
            last_id: models.last().map(|preset| preset.id.to_owned()),
        };
        json(&list).into_bytes()
    }
}

fn tool_choice(choice: Option<api::ToolChoice>) -> Result<wire::ToolChoice, String> {
    let Some(choice) = choice else { return Ok(wire::ToolChoice::Auto) };
    match (choice.kind.as_str(), choice.name) {
        ("auto", _) => Ok(wire::ToolChoice::Auto),
        ("any", _) => Ok(wire::ToolChoice::Required),
        ("none", _) => Ok(wire::ToolChoice::None),
        ("tool", Some(name)) => Ok(wire::ToolChoice::Named(name)),
        (kind, _) => {
            Err(format!("tool_choice: `{kind}` is invalid; use auto, any, none, or tool with a name"))
        }
    }
}

fn length(content: &api::Content) -> usize {
    match content {
        api::Content::Text(text) => text.len(),
        api::Content::Blocks(blocks) => blocks.iter().map(block_length).sum(),
    }
}

fn block_length(block: &api::Block) -> usize {
    match block {
        api::Block::Text { text } => text.len(),
        api::Block::ToolResult { content: Some(content), .. } => length(content),
        _ => 0,
    }
}

fn event(event: &api::Event) -> String {
    format!("event: {}\ndata: {}\n\n", event.name(), json(event))
}

fn track(
    index: u32,
    content_block: api::Block,
    delta: api::BlockDelta,
    last: Option<api::BlockDelta>,
    pieces: Pieces,
) -> Track {
    let delta_event = |delta| event(&api::Event::ContentBlockDelta { index, delta });
    let open = event(&api::Event::ContentBlockStart { index, content_block });
    let close = last.map(delta_event).unwrap_or_default() + &event(&api::Event::ContentBlockStop { index });
    Track::new(open, &delta_event(delta), close, pieces)
}

fn response(reply: &Reply<'_>) -> api::Response {
    api::Response { id: Some(reply.id.to_owned()), model: reply.model.to_owned(), ..api::Response::default() }
}

fn block(segment: &Segment) -> api::Block {
    match segment {
        Segment::Text(words) => api::Block::Text { text: words.text() },
        Segment::Reasoning(words) => {
            api::Block::Thinking { thinking: words.text(), signature: SIGNATURE.into() }
        }
        Segment::Call(call) => {
            api::Block::ToolUse { id: call.id.clone(), name: call.name.clone(), input: input(call) }
        }
    }
}

/// A truncated call has no complete arguments, so its input is an empty object.
fn input(call: &Call) -> serde_json::Value {
    serde_json::from_str(&call.arguments).unwrap_or_else(|_| value!({}))
}

fn stop_reason(reply: &Reply<'_>) -> String {
    match &reply.script.finish {
        FinishReason::Stop => "end_turn",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Other(reason) => reason,
    }
    .to_owned()
}

fn api_usage(usage: Option<wire::Usage>) -> api::Usage {
    let usage = usage.unwrap_or_default();
    let cached = usage.cached_input_tokens;
    api::Usage {
        input_tokens: usage.input_tokens.map(|input| input - cached.unwrap_or_default()),
        cache_creation_input_tokens: None,
        cache_read_input_tokens: cached,
        output_tokens: usage.output_tokens,
        output_tokens_details: usage
            .reasoning_tokens
            .map(|tokens| api::OutputTokensDetails { thinking_tokens: Some(tokens) }),
    }
}

fn error_detail(status: u16, message: &str) -> api::ErrorDetail {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    api::ErrorDetail { kind: kind.to_owned(), message: message.to_owned() }
}

//! Cohere v2 chat.

use super::{Dialect, Reply, STREAM_ERROR, json, unreadable};
use crate::presets::Preset;
use crate::script::{Call, ChatRequest, Segment, Tool, UsageRequest};
use crate::track::{Fragment, Pieces, TEXT, Track};
use endpoint::Protocol;
use endpoint::wire::cohere::{self as api, EventKind};
use endpoint::wire::{self, FinishReason};

pub(super) struct Cohere;

impl Dialect for Cohere {
    fn protocol(&self) -> Protocol {
        Protocol::CohereChat
    }

    fn read(&self, body: &[u8]) -> Result<ChatRequest, String> {
        let request: api::Request = serde_json::from_slice(body).map_err(unreadable)?;
        let tools = request.tools.into_iter().map(|tool| tool.function);
        Ok(ChatRequest {
            model: request.model,
            stream: request.stream,
            max_tokens: request.max_tokens,
            input_bytes: request
                .messages
                .iter()
                .filter_map(|message| message.content.as_ref())
                .map(length)
                .sum(),
            tools: tools.map(|tool| Tool { name: tool.name, parameters: tool.parameters }).collect(),
            tool_choice: tool_choice(request.tool_choice)?,
            usage: UsageRequest::Implied,
        })
    }

    fn opening(&self, reply: &Reply<'_>) -> String {
        let message = api::MessageDelta { role: Some("assistant".into()), ..Default::default() };
        let start = growth(EventKind::MessageStart, None, message);
        event(&api::Event { id: Some(reply.id.to_owned()), ..start })
    }

    fn track(&self, _reply: &Reply<'_>, index: u32, segment: &Segment) -> Track {
        match segment {
            Segment::Text(words) => {
                content_track(index, text_part(""), text_delta(TEXT), Pieces::Words(words.clone()))
            }
            Segment::Reasoning(words) => {
                content_track(index, thinking_part(""), thinking_delta(TEXT), Pieces::Words(words.clone()))
            }
            Segment::Call(call) => call_track(call),
        }
    }

    fn ending(&self, reply: &Reply<'_>) -> String {
        let delta = api::EventDelta {
            finish_reason: Some(finish_reason(&reply.script.finish).to_owned()),
            usage: reply.usage.map(api_usage),
            ..api::EventDelta::default()
        };
        message_end(reply, delta)
    }

    fn stream_error(&self, reply: &Reply<'_>) -> String {
        let delta = api::EventDelta {
            finish_reason: Some("ERROR".into()),
            error: Some(STREAM_ERROR.into()),
            ..api::EventDelta::default()
        };
        message_end(reply, delta)
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        let segments = &reply.script.segments;
        let parts: Vec<_> = segments.iter().filter_map(part).collect();
        let message = api::Message {
            role: "assistant".into(),
            content: (!parts.is_empty()).then_some(api::Content::Parts(parts)),
            tool_calls: segments.iter().filter_map(whole_call).collect(),
            ..api::Message::default()
        };
        let response = api::Response {
            id: Some(reply.id.to_owned()),
            finish_reason: Some(finish_reason(&reply.script.finish).to_owned()),
            message: Some(message),
            usage: reply.usage.map(api_usage),
        };
        json(&response).into_bytes()
    }

    fn refusal(&self, _status: u16, message: &str) -> Vec<u8> {
        json(&api::ErrorBody { id: None, message: message.to_owned() }).into_bytes()
    }

    fn models(&self, models: &[Preset]) -> Vec<u8> {
        let entry = |preset: &Preset| api::ModelEntry {
            name: preset.id.to_owned(),
            endpoints: vec!["chat".into()],
            context_length: Some(preset.context_window),
        };
        let list = api::ModelList { models: models.iter().map(entry).collect(), next_page_token: None };
        json(&list).into_bytes()
    }
}

/// Cohere has no choice by name: a client that wants one tool sends only that tool.
fn tool_choice(choice: Option<String>) -> Result<wire::ToolChoice, String> {
    match choice.as_deref() {
        None => Ok(wire::ToolChoice::Auto),
        Some("REQUIRED") => Ok(wire::ToolChoice::Required),
        Some("NONE") => Ok(wire::ToolChoice::None),
        Some(choice) => Err(format!("tool_choice `{choice}` is invalid; use REQUIRED or NONE")),
    }
}

fn length(content: &api::Content) -> usize {
    match content {
        api::Content::Text(text) => text.len(),
        api::Content::Parts(parts) => {
            parts.iter().filter_map(|part| part.text.as_ref()).map(String::len).sum()
        }
    }
}

fn event(event: &api::Event) -> String {
    format!("event: {}\ndata: {}\n\n", event.kind.name(), json(event))
}

fn growth(kind: EventKind, index: Option<u32>, message: api::MessageDelta) -> api::Event {
    let delta = api::EventDelta { message: Some(message), ..api::EventDelta::default() };
    api::Event { kind, index, delta: Some(delta), ..api::Event::default() }
}

fn text_delta(text: &str) -> api::Part {
    api::Part { text: Some(text.to_owned()), ..api::Part::default() }
}

fn thinking_delta(thinking: &str) -> api::Part {
    api::Part { thinking: Some(thinking.to_owned()), ..api::Part::default() }
}

fn text_part(text: &str) -> api::Part {
    api::Part { kind: Some("text".into()), ..text_delta(text) }
}

fn thinking_part(thinking: &str) -> api::Part {
    api::Part { kind: Some("thinking".into()), ..thinking_delta(thinking) }
}

fn content_track(index: u32, start: api::Part, delta: api::Part, pieces: Pieces) -> Track {
    let content = |kind, part| {
        let message = api::MessageDelta { content: Some(part), ..api::MessageDelta::default() };
        event(&growth(kind, Some(index), message))
    };
    let end = api::Event { kind: EventKind::ContentEnd, index: Some(index), ..api::Event::default() };
    let open = content(EventKind::ContentStart, start);
    Track::new(open, &content(EventKind::ContentDelta, delta), event(&end), pieces)
}

fn call_track(call: &Call) -> Track {
    let tool_call = |kind, call_part| {
        let message = api::MessageDelta { tool_calls: Some(call_part), ..api::MessageDelta::default() };
        event(&growth(kind, Some(call.index), message))
    };
    let start = api::ToolCall {
        id: Some(call.id.clone()),
        kind: Some("function".into()),
        function: api::FunctionCall { name: Some(call.name.clone()), arguments: String::new() },
    };
    let piece = api::ToolCall {
        function: api::FunctionCall { name: None, arguments: TEXT.to_owned() },
        ..api::ToolCall::default()
    };
    let end = api::Event { kind: EventKind::ToolCallEnd, index: Some(call.index), ..api::Event::default() };
    let open = tool_call(EventKind::ToolCallStart, start);
    let delta = tool_call(EventKind::ToolCallDelta, piece);
    let fragments: Vec<_> = call.pieces().map(|piece| Fragment::token(&piece)).collect();
    Track::new(open, &delta, event(&end), Pieces::Fragments(fragments.into_iter()))
}

fn message_end(reply: &Reply<'_>, delta: api::EventDelta) -> String {
    event(&api::Event {
        kind: EventKind::MessageEnd,
        id: Some(reply.id.to_owned()),
        delta: Some(delta),
        ..api::Event::default()
    })
}

fn part(segment: &Segment) -> Option<api::Part> {
    match segment {
        Segment::Reasoning(words) => Some(thinking_part(&words.text())),
        Segment::Text(words) => Some(text_part(&words.text())),
        Segment::Call(_) => None,
    }
}

fn whole_call(segment: &Segment) -> Option<api::ToolCall> {
    let Segment::Call(call) = segment else { return None };
    Some(api::ToolCall {
        id: Some(call.id.clone()),
        kind: Some("function".into()),
        function: api::FunctionCall { name: Some(call.name.clone()), arguments: call.arguments.clone() },
    })
}

fn finish_reason(finish: &FinishReason) -> &str {
    match finish {
        FinishReason::Stop => "COMPLETE",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ToolCalls => "TOOL_CALL",
        FinishReason::ContentFilter => "ERROR_TOXIC",
        FinishReason::Other(reason) => reason,
    }
}

fn api_usage(usage: wire::Usage) -> api::Usage {
    let counts = api::TokenCounts { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
    api::Usage { billed_units: Some(counts), tokens: Some(counts), cached_tokens: usage.cached_input_tokens }
}

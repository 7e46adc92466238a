//! OpenAI chat completions.

use super::{Dialect, Reply, STREAM_ERROR, json, unreadable};
use crate::presets::Preset;
use crate::script::{Call, ChatRequest, Segment, Tool, UsageRequest};
use crate::track::{Fragment, Pieces, TEXT, Track};
use endpoint::Protocol;
use endpoint::wire::openai as api;
use endpoint::wire::{self, FinishReason};

pub(super) struct Openai;

impl Dialect for Openai {
    fn protocol(&self) -> Protocol {
        Protocol::OpenaiChat
    }

    fn read(&self, body: &[u8]) -> Result<ChatRequest, String> {
        let request: api::Request = serde_json::from_slice(body).map_err(unreadable)?;
        let tools = request.tools.into_iter().map(|tool| Tool {
            name: tool.function.name,
            parameters: tool.function.parameters.unwrap_or_default(),
        });
        Ok(ChatRequest {
            model: request.model,
            stream: request.stream.unwrap_or_default(),
            max_tokens: request.max_completion_tokens.or(request.max_tokens),
            tools: tools.collect(),
            tool_choice: tool_choice(request.tool_choice)?,
            input_bytes: request.messages.into_iter().filter_map(|message| message.content).map(length).sum(),
            usage: match request.stream_options {
                Some(options) if options.include_usage => UsageRequest::Requested,
                _ => UsageRequest::NotRequested,
            },
        })
    }

    fn opening(&self, reply: &Reply<'_>) -> String {
        let delta =
            api::Delta { role: Some("assistant".into()), content: Some("".into()), ..api::Delta::default() };
        event(reply, delta, None)
    }

    fn track(&self, reply: &Reply<'_>, _index: u32, segment: &Segment) -> Track {
        match segment {
            Segment::Text(words) => {
                let delta = api::Delta { content: Some(TEXT.into()), ..api::Delta::default() };
                let event = event(reply, delta, None);
                Track::new(String::new(), &event, String::new(), Pieces::Words(words.clone()))
            }
            Segment::Reasoning(words) => {
                let delta = api::Delta { reasoning_content: Some(TEXT.to_owned()), ..api::Delta::default() };
                let event = event(reply, delta, None);
                Track::new(String::new(), &event, String::new(), Pieces::Words(words.clone()))
            }
            Segment::Call(call) => call_track(reply, call),
        }
    }

    fn ending(&self, reply: &Reply<'_>) -> String {
        let finish = finish_reason(&reply.script.finish);
        let mut ending = event(reply, api::Delta::default(), Some(finish));
        if let Some(usage) = reply.usage {
            ending += &data(&api::Chunk { usage: Some(api_usage(usage)), ..chunk(reply) });
        }
        ending + "data: [DONE]\n\n"
    }

    fn stream_error(&self, _reply: &Reply<'_>) -> String {
        data(&error_body(500, STREAM_ERROR))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        let mut message = api::Message { role: "assistant".into(), ..api::Message::default() };
        let mut text = String::new();
        for segment in &reply.script.segments {
            match segment {
                Segment::Reasoning(words) => message.reasoning_content = Some(words.text()),
                Segment::Text(words) => text += &words.text(),
                Segment::Call(call) => message.tool_calls.push(whole_call(call)),
            }
        }
        if message.tool_calls.is_empty() || !text.is_empty() {
            message.content = Some(api::Content::Text(text));
        }
        let choice = api::Choice {
            index: 0,
            message,
            finish_reason: Some(finish_reason(&reply.script.finish).to_owned()),
        };
        let response = api::Response {
            id: Some(reply.id.to_owned()),
            object: Some("chat.completion".into()),
            created: Some(reply.created),
            model: Some(reply.model.to_owned()),
            choices: vec![choice],
            usage: reply.usage.map(api_usage),
            error: None,
        };
        json(&response).into_bytes()
    }

    fn refusal(&self, status: u16, message: &str) -> Vec<u8> {
        json(&error_body(status, message)).into_bytes()
    }

    fn models(&self, models: &[Preset]) -> Vec<u8> {
        let entry = |preset: &Preset| api::ModelEntry {
            id: preset.id.to_owned(),
            object: Some("model".into()),
            created: Some(0),
            owned_by: Some("llm-studio mock (simulated)".into()),
            name: Some(preset.display_name.to_owned()),
            context_length: Some(preset.context_window),
            max_completion_tokens: Some(preset.max_output_tokens),
            ..api::ModelEntry::default()
        };
        let list = api::ModelList { object: Some("list".into()), data: models.iter().map(entry).collect() };
        json(&list).into_bytes()
    }
}

fn tool_choice(choice: Option<api::ToolChoice>) -> Result<wire::ToolChoice, String> {
    match choice {
        None => Ok(wire::ToolChoice::Auto),
        Some(api::ToolChoice::Named { function, .. }) => Ok(wire::ToolChoice::Named(function.name)),
        Some(api::ToolChoice::Mode(mode)) => match mode.as_str() {
            "auto" => Ok(wire::ToolChoice::Auto),
            "required" => Ok(wire::ToolChoice::Required),
            "none" => Ok(wire::ToolChoice::None),
            _ => Err(format!("tool_choice `{mode}` is invalid; use auto, required or none")),
        },
    }
}

fn length(content: api::Content) -> usize {
    content.into_text().len()
}

fn data(value: &impl serde::Serialize) -> String {
    format!("data: {}\n\n", json(value))
}

fn chunk<'a>(reply: &Reply<'a>) -> api::Chunk<'a> {
    api::Chunk {
        id: Some(reply.id.into()),
        object: Some("chat.completion.chunk".into()),
        created: Some(reply.created),
        model: Some(reply.model.into()),
        ..api::Chunk::default()
    }
}

fn event(reply: &Reply<'_>, delta: api::Delta<'_>, finish: Option<&str>) -> String {
    let choice = api::ChunkChoice { delta, finish_reason: finish.map(Into::into), ..Default::default() };
    data(&api::Chunk { choices: vec![choice], ..chunk(reply) })
}

fn call_track(reply: &Reply<'_>, call: &Call) -> Track {
    let event = |chunk| event(reply, api::Delta { tool_calls: vec![chunk], ..api::Delta::default() }, None);
    let open = api::ToolCallChunk {
        index: Some(call.index),
        id: Some(call.id.clone()),
        kind: Some("function".into()),
        function: api::FunctionChunk { name: Some(call.name.clone()), arguments: String::new() },
    };
    let piece = api::ToolCallChunk {
        index: Some(call.index),
        function: api::FunctionChunk { name: None, arguments: TEXT.to_owned() },
        ..api::ToolCallChunk::default()
    };
    let fragments: Vec<_> = call.pieces().map(|piece| Fragment::token(&piece)).collect();
    Track::new(event(open), &event(piece), String::new(), Pieces::Fragments(fragments.into_iter()))
}

fn whole_call(call: &Call) -> api::ToolCall {
    api::ToolCall {
        id: call.id.clone(),
        kind: "function".into(),
        function: api::FunctionCall { name: call.name.clone(), arguments: call.arguments.clone() },
    }
}

fn finish_reason(finish: &FinishReason) -> &str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(reason) => reason,
    }
}

fn api_usage(usage: wire::Usage) -> api::Usage {
    let total = usage.input_tokens.unwrap_or_default() + usage.output_tokens.unwrap_or_default();
    api::Usage {
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        total_tokens: Some(total),
        prompt_tokens_details: usage
            .cached_input_tokens
            .map(|cached| api::PromptTokensDetails { cached_tokens: Some(cached) }),
        completion_tokens_details: usage
            .reasoning_tokens
            .map(|reasoning| api::CompletionTokensDetails { reasoning_tokens: Some(reasoning) }),
        ..api::Usage::default()
    }
}

fn error_body(status: u16, message: &str) -> api::ErrorBody {
    let (kind, code) = match status {
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    api::ErrorBody {
        error: api::ErrorDetail {
            message: message.to_owned(),
            kind: Some(kind.to_owned()),
            param: None,
            code: code.map(Into::into),
        },
    }
}

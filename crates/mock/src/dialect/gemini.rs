//! Google's Gemini `generateContent`. The model and whether to stream are in the URL, not in the body.

use serde_json::{Value, json as value};

use super::{Dialect, Reply, STREAM_ERROR, json, unreadable};
use crate::presets::Preset;
use crate::script::{Call, ChatRequest, Segment, Tool, UsageRequest};
use crate::track::{Fragment, Pieces, TEXT, Track};
use endpoint::Protocol;
use endpoint::wire::gemini as api;
use endpoint::wire::{self, FinishReason};

pub(super) struct Gemini;

impl Dialect for Gemini {
    fn protocol(&self) -> Protocol {
        Protocol::GeminiGenerate
    }

    fn read(&self, body: &[u8]) -> Result<ChatRequest, String> {
        let request: api::Request = serde_json::from_slice(body).map_err(unreadable)?;
        let input = request.contents.iter().chain(&request.system_instruction).map(length).sum();
        let declarations = request.tools.into_iter().flat_map(|tool| tool.function_declarations);
        Ok(ChatRequest {
            model: String::new(),
            stream: false,
            max_tokens: request.generation_config.and_then(|config| config.max_output_tokens),
            tools: declarations.map(tool).collect(),
            tool_choice: tool_choice(request.tool_config)?,
            input_bytes: input,
            usage: UsageRequest::Implied,
        })
    }

    fn opening(&self, _reply: &Reply<'_>) -> String {
        String::new()
    }

    fn track(&self, reply: &Reply<'_>, _index: u32, segment: &Segment) -> Track {
        match segment {
            Segment::Text(words) => {
                let event = event(&chunk(reply, vec![api::Part::text(TEXT)]));
                Track::new(String::new(), &event, String::new(), Pieces::Words(words.clone()))
            }
            Segment::Reasoning(words) => {
                let event = event(&chunk(reply, vec![api::Part::thought(TEXT)]));
                Track::new(String::new(), &event, String::new(), Pieces::Words(words.clone()))
            }
            Segment::Call(call) => {
                let json = event(&chunk(reply, vec![call_part(call)]));
                let fragment = Fragment { tokens: call.tokens, json };
                let pieces = Pieces::Fragments(vec![fragment].into_iter());
                Track::new(String::new(), TEXT, String::new(), pieces)
            }
        }
    }

    fn ending(&self, reply: &Reply<'_>) -> String {
        event(&finished(reply, vec![api::Part::text("")]))
    }

    fn stream_error(&self, _reply: &Reply<'_>) -> String {
        event(&error_body(503, STREAM_ERROR))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        let parts = reply.script.segments.iter().map(part).collect();
        json(&finished(reply, parts)).into_bytes()
    }

    fn refusal(&self, status: u16, message: &str) -> Vec<u8> {
        json(&error_body(status, message)).into_bytes()
    }

    fn models(&self, models: &[Preset]) -> Vec<u8> {
        let entry = |preset: &Preset| api::ModelEntry {
            name: format!("models/{}", preset.id),
            display_name: Some(preset.display_name.to_owned()),
            input_token_limit: Some(preset.context_window),
            output_token_limit: Some(preset.max_output_tokens),
            supported_generation_methods: vec!["generateContent".into(), "streamGenerateContent".into()],
        };
        let list = api::ModelList { models: models.iter().map(entry).collect(), next_page_token: None };
        json(&list).into_bytes()
    }
}

fn tool(declaration: api::FunctionDeclaration) -> Tool {
    let schema = declaration.parameters_json_schema.or(declaration.parameters);
    Tool { name: declaration.name, parameters: schema.unwrap_or_default() }
}

fn tool_choice(config: Option<api::ToolConfig>) -> Result<wire::ToolChoice, String> {
    let calling = config.and_then(|config| config.function_calling_config).unwrap_or_default();
    match calling.mode.as_deref() {
        None | Some("AUTO" | "MODE_UNSPECIFIED") => Ok(wire::ToolChoice::Auto),
        Some("NONE") => Ok(wire::ToolChoice::None),
        Some("ANY" | "VALIDATED") => Ok(match calling.allowed_function_names.into_iter().next() {
            Some(name) => wire::ToolChoice::Named(name),
            None => wire::ToolChoice::Required,
        }),
        Some(mode) => Err(format!("functionCallingConfig.mode `{mode}` is invalid; use AUTO, ANY or NONE")),
    }
}

fn length(content: &api::Content) -> usize {
    content.parts.iter().filter_map(|part| part.text.as_ref()).map(String::len).sum()
}

/// Google ends its lines with CR LF.
fn event(value: &impl serde::Serialize) -> String {
    format!("data: {}\r\n\r\n", json(value))
}

fn chunk(reply: &Reply<'_>, parts: Vec<api::Part>) -> api::Response {
    let content = api::Content { role: Some("model".into()), parts };
    api::Response {
        candidates: vec![api::Candidate { content: Some(content), finish_reason: None, index: Some(0) }],
        model_version: Some(reply.model.to_owned()),
        response_id: Some(reply.id.to_owned()),
        ..api::Response::default()
    }
}

fn finished(reply: &Reply<'_>, parts: Vec<api::Part>) -> api::Response {
    let mut response = chunk(reply, parts);
    for candidate in &mut response.candidates {
        candidate.finish_reason = Some(finish_reason(&reply.script.finish).to_owned());
    }
    response.usage_metadata = reply.usage.map(usage_metadata);
    response
}

fn part(segment: &Segment) -> api::Part {
    match segment {
        Segment::Reasoning(words) => api::Part::thought(words.text()),
        Segment::Text(words) => api::Part::text(words.text()),
        Segment::Call(call) => call_part(call),
    }
}

/// A truncated call has no complete arguments, so its arguments are an empty object.
fn call_part(call: &Call) -> api::Part {
    let args: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| value!({}));
    let function_call =
        api::FunctionCall { id: Some(call.id.clone()), name: call.name.clone(), args: Some(args) };
    api::Part { function_call: Some(function_call), ..api::Part::default() }
}

/// Gemini has no separate finish reason for tool calls.
fn finish_reason(finish: &FinishReason) -> &str {
    match finish {
        FinishReason::Stop | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
        FinishReason::Other(reason) => reason,
    }
}

fn usage_metadata(usage: wire::Usage) -> api::UsageMetadata {
    let output = usage.output_tokens.unwrap_or_default();
    let thoughts = usage.reasoning_tokens;
    api::UsageMetadata {
        prompt_token_count: usage.input_tokens,
        cached_content_token_count: usage.cached_input_tokens,
        candidates_token_count: Some(output - thoughts.unwrap_or_default()),
        thoughts_token_count: thoughts,
        total_token_count: Some(usage.input_tokens.unwrap_or_default() + output),
    }
}

fn error_body(status: u16, message: &str) -> api::ErrorBody {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "FAILED_PRECONDITION",
    };
    api::ErrorBody {
        error: api::ErrorDetail {
            code: Some(status.into()),
            message: message.to_owned(),
            status: Some(name.to_owned()),
            details: None,
        },
    }
}

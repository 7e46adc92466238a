//! Google's Gemini `generateContent`, streamed and whole.

mod types;

#[cfg(test)]
mod tests;

pub use types::*;

use serde_json::{Map, Value};
use url::Url;

use super::{
    ApiError, ChatRequest, ChatResponse, FinishReason, ListedModel, Role, StreamEvent, ToolCall,
    ToolCallDelta, ToolChoice, ToolDefinition, WireError, error,
    request::{arguments_object, endpoint, free_params, listed, object_or, rename},
};
use crate::Provider;

/// Parameters that stand beside `generationConfig`; all others stand in it.
const TOP_LEVEL: [&str; 5] = ["safetySettings", "cachedContent", "labels", "store", "serviceTier"];

/// Names that other protocols use for the same thing.
const RENAMED: [(&str, &str); 3] =
    [("maxTokens", "maxOutputTokens"), ("maxCompletionTokens", "maxOutputTokens"), ("stop", "stopSequences")];

/// The address of a chat request.
pub(super) fn url(provider: &Provider, request: &ChatRequest) -> Result<Url, WireError> {
    let model = request.model.strip_prefix("models/").unwrap_or(&request.model);
    let method = if request.stream { "streamGenerateContent" } else { "generateContent" };
    let mut url = endpoint(provider, &["models"])?;
    let path = format!("{}/{}:{method}", url.path(), encoded(model));
    url.set_path(&path);
    if request.stream {
        url.query_pairs_mut().append_pair("alt", "sse");
    }
    Ok(url)
}

/// Percent-encodes all but unreserved characters, so that a model's id stays one path segment and
/// cannot name another method.
fn encoded(model: &str) -> String {
    let mut encoded = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The body of a chat request.
pub(super) fn body(request: &ChatRequest) -> Request {
    let (generation_config, extra) = parameters(request);
    Request {
        contents: contents(&request.messages),
        system_instruction: system_instruction(&request.messages),
        generation_config,
        tools: tools(&request.tools),
        tool_config: request.tool_choice.as_ref().map(ToolConfig::from),
        extra,
    }
}

/// Parameters in Gemini's spelling, those of `generationConfig` and those beside it.
fn parameters(request: &ChatRequest) -> (Option<GenerationConfig>, Map<String, Value>) {
    let mut params: Map<String, Value> =
        free_params(&request.params).into_iter().map(|(name, value)| (camel_case(&name), value)).collect();
    let given = params.shift_remove("generationConfig");
    rename(&mut params, &RENAMED);
    listed(&mut params, "stopSequences");
    let (beside, mut inside): (Map<_, _>, Map<_, _>) =
        params.into_iter().partition(|(name, _)| TOP_LEVEL.contains(&name.as_str()));
    if let Some(Value::Object(given)) = given {
        inside.extend(given);
    }
    let config = GenerationConfig { max_output_tokens: None, extra: inside };
    ((!config.extra.is_empty()).then_some(config), beside)
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

fn system_instruction(messages: &[super::Message]) -> Option<Content> {
    let parts: Vec<Part> = messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(|message| Part::text(&message.content))
        .collect();
    (!parts.is_empty()).then_some(Content { role: None, parts })
}

/// The conversation. The results of parallel calls belong into one message.
fn contents(messages: &[super::Message]) -> Vec<Content> {
    let mut contents: Vec<Content> = Vec::with_capacity(messages.len());
    let mut after_result = false;
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let is_result = message.role == Role::Tool;
        let parts = if is_result { vec![function_response(message, messages)] } else { parts(message) };
        match contents.last_mut() {
            Some(last) if is_result && after_result => last.parts.extend(parts),
            _ => contents.push(Content { role: Some(role(message.role).to_owned()), parts }),
        }
        after_result = is_result;
    }
    contents
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Assistant => "model",
        Role::User | Role::Tool | Role::System => "user",
    }
}

fn parts(message: &super::Message) -> Vec<Part> {
    let only_calls = message.content.is_empty() && !message.tool_calls.is_empty();
    let text = (!only_calls).then(|| Part::text(&message.content));
    let calls = message.tool_calls.iter().map(|call| {
        let call = FunctionCall { id: None, name: call.name.clone(), args: Some(arguments_object(call)) };
        Part { function_call: Some(call), ..Part::default() }
    });
    text.into_iter().chain(calls).collect()
}

/// Gemini knows results by the function's name, which stands in the call that they answer.
fn function_response(message: &super::Message, messages: &[super::Message]) -> Part {
    let call = messages
        .iter()
        .flat_map(|message| &message.tool_calls)
        .find(|call| Some(&call.id) == message.tool_call_id.as_ref());
    let name = call.map(|call| call.name.clone()).or_else(|| message.tool_call_id.clone());
    let response = FunctionResponse {
        id: None,
        name: name.unwrap_or_default(),
        response: object_or(&message.content, "result"),
    };
    Part { function_response: Some(response), ..Part::default() }
}

fn tools(tools: &[ToolDefinition]) -> Vec<Tool> {
    if tools.is_empty() {
        return Vec::new();
    }
    let function_declarations = tools
        .iter()
        .map(|tool| FunctionDeclaration {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: None,
            parameters_json_schema: Some(tool.parameters.clone()),
        })
        .collect();
    vec![Tool { function_declarations }]
}

impl From<&ToolChoice> for ToolConfig {
    fn from(choice: &ToolChoice) -> Self {
        let (mode, allowed_function_names) = match choice {
            ToolChoice::Auto => ("AUTO", Vec::new()),
            ToolChoice::Required => ("ANY", Vec::new()),
            ToolChoice::None => ("NONE", Vec::new()),
            ToolChoice::Named(name) => ("ANY", vec![name.clone()]),
        };
        let config = FunctionCallingConfig { mode: Some(mode.to_owned()), allowed_function_names };
        Self { function_calling_config: Some(config) }
    }
}

/// Reads one stream. There is no end mark: the finish reason is the last thing that must come.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoder {
    id_seen: bool,
    calls: u32,
    finished: bool,
}

impl Decoder {
    pub(super) fn decode(&mut self, event_name: &str, data: &[u8], out: &mut Vec<StreamEvent>) {
        if event_name == "error" {
            return out.push(StreamEvent::Error(error::in_stream(data)));
        }
        match serde_json::from_slice::<Response>(data) {
            Ok(response) if response.may_be_error() => {
                out.extend(error::find_in_stream(data).map(StreamEvent::Error));
            }
            Ok(response) => self.read(response, out),
            Err(error) => out.push(StreamEvent::Error(error::unreadable(data, &error))),
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    fn read(&mut self, response: Response, out: &mut Vec<StreamEvent>) {
        if !self.id_seen
            && let Some(id) = response.response_id
        {
            self.id_seen = true;
            out.push(StreamEvent::Id(id));
        }
        for candidate in response.candidates {
            self.read_candidate(candidate, out);
        }
        if response.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.finished = true;
            out.push(StreamEvent::Finish(FinishReason::ContentFilter));
        }
        out.extend(response.usage_metadata.map(|usage| StreamEvent::Usage(usage.neutral())));
    }

    fn read_candidate(&mut self, candidate: Candidate, out: &mut Vec<StreamEvent>) {
        for part in candidate.content.unwrap_or_default().parts {
            self.read_part(part, out);
        }
        if let Some(reason) = candidate.finish_reason {
            self.finished = true;
            out.push(StreamEvent::Finish(self.finish_reason(reason)));
        }
    }

    fn read_part(&mut self, part: Part, out: &mut Vec<StreamEvent>) {
        let event = if part.thought == Some(true) { StreamEvent::reasoning } else { StreamEvent::text };
        out.extend(part.text.and_then(event));
        if let Some(call) = part.function_call {
            out.push(StreamEvent::ToolCall(ToolCallDelta {
                index: self.calls,
                id: Some(call.id.unwrap_or_else(|| format!("call_{}", self.calls))),
                name: Some(call.name),
                arguments: call.args.unwrap_or_else(|| Value::Object(Map::new())).to_string(),
            }));
            self.calls += 1;
        }
    }

    /// Gemini says `STOP` after calls too.
    fn finish_reason(&self, reason: String) -> FinishReason {
        match reason.as_str() {
            "STOP" if self.calls > 0 => FinishReason::ToolCalls,
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
                FinishReason::ContentFilter
            }
            _ => FinishReason::Other(reason),
        }
    }
}

impl Response {
    /// True for errors, and for answers with nothing of an answer in them.
    fn may_be_error(&self) -> bool {
        self.error.is_some()
            || (self.candidates.is_empty() && self.prompt_feedback.is_none() && self.usage_metadata.is_none())
    }
}

impl UsageMetadata {
    /// In neutral terms: output is the sum of answer and thoughts.
    fn neutral(&self) -> super::Usage {
        let output = match (self.candidates_token_count, self.thoughts_token_count) {
            (None, None) => None,
            (answer, thoughts) => Some(answer.unwrap_or(0).saturating_add(thoughts.unwrap_or(0))),
        };
        super::Usage {
            input_tokens: self.prompt_token_count,
            cached_input_tokens: self.cached_content_token_count,
            output_tokens: output,
            reasoning_tokens: self.thoughts_token_count,
        }
    }
}

/// Reads a whole answer.
pub(super) fn decode_response(provider: &Provider, body: &[u8]) -> Result<ChatResponse, ApiError> {
    let bad = |error: serde_json::Error| error::bad_response(body, &error);
    let response: Response = serde_json::from_slice(body).map_err(bad)?;
    if response.may_be_error() {
        let json: Value = serde_json::from_slice(body).map_err(bad)?;
        return Err(error::in_body(provider, &json));
    }
    let mut events = Vec::new();
    Decoder::default().read(response, &mut events);
    let mut answer = ChatResponse::default();
    for event in events {
        match event {
            StreamEvent::Id(id) => answer.id = Some(id),
            StreamEvent::Text(text) => answer.text.push_str(&text),
            StreamEvent::Reasoning(text) => answer.reasoning.push_str(&text),
            StreamEvent::ToolCall(call) => answer.tool_calls.push(ToolCall {
                id: call.id.unwrap_or_default(),
                name: call.name.unwrap_or_default(),
                arguments: call.arguments,
            }),
            StreamEvent::Finish(reason) => answer.finish = Some(reason),
            StreamEvent::Usage(usage) => answer.usage = usage,
            StreamEvent::Error(_) | StreamEvent::Done => {}
        }
    }
    Ok(answer)
}

/// Reads the list of models: those that generate content.
pub(super) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>, ApiError> {
    let list: ModelList = serde_json::from_slice(body).map_err(|error| error::bad_response(body, &error))?;
    let generates =
        |entry: &ModelEntry| entry.supported_generation_methods.iter().any(|name| name == "generateContent");
    Ok(list.models.into_iter().filter(generates).map(ListedModel::from).collect())
}

impl From<ModelEntry> for ListedModel {
    fn from(entry: ModelEntry) -> Self {
        Self {
            id: entry.name.strip_prefix("models/").unwrap_or(&entry.name).to_owned(),
            display_name: entry.display_name,
            context_window: entry.input_token_limit,
            max_output_tokens: entry.output_token_limit,
        }
    }
}

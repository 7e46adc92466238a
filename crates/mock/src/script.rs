//! The content of one response, independent of the protocol: reasoning, text, tool calls, and how it ends.

use serde_json::Value;

use super::arguments;
use super::scenario::Scenario;
use super::values::{Failure, Think};
use super::words::Words;
use endpoint::wire::{FinishReason, ToolChoice, Usage};

/// A chat request, independent of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) max_tokens: Option<u64>,
    pub(super) tools: Vec<Tool>,
    pub(super) tool_choice: ToolChoice,
    /// Length of all text in the request, bytes.
    pub(super) input_bytes: usize,
    pub(super) usage: UsageRequest,
}

/// A function in the request's list of tools.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    /// A JSON schema.
    pub(super) parameters: Value,
}

/// Whether a stream ends with its token usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageRequest {
    /// The protocol always reports it.
    Implied,
    /// Requested with `stream_options`.
    Requested,
    /// Not requested, in a protocol that reports usage only on request.
    NotRequested,
}

/// The complete content of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Script {
    pub(super) segments: Vec<Segment>,
    pub(super) finish: FinishReason,
    pub(super) usage: Usage,
    pub(super) ending: Ending,
}

/// A part of a response with content of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Segment {
    Reasoning(Words),
    Text(Words),
    Call(Call),
}

/// A tool call, truncated if the token limit was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) index: u32,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) tokens: u32,
    pub(super) complete: bool,
}

/// The end of a response after its last token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The protocol's normal end.
    Complete,
    /// An error event.
    Error,
    /// Nothing; the connection stays open.
    Stall,
    /// The connection closes.
    Cut,
}

impl ChatRequest {
    /// Returns the number of input tokens: one for four bytes of text, rounded up.
    pub(super) fn input_tokens(&self) -> u64 {
        self.input_bytes.div_ceil(4) as u64
    }

    fn calls(&self, scenario: &Scenario) -> Vec<&Tool> {
        let count = match &self.tool_choice {
            ToolChoice::None => 0,
            ToolChoice::Auto => scenario.tool_calls,
            ToolChoice::Required | ToolChoice::Named(_) => scenario.tool_calls.max(1),
        };
        let allowed: Vec<&Tool> = match &self.tool_choice {
            ToolChoice::Named(name) => self.tools.iter().filter(|tool| tool.name == *name).collect(),
            _ => self.tools.iter().collect(),
        };
        allowed.into_iter().cycle().take(count as usize).collect()
    }
}

impl Script {
    /// Composes the response to `request`. `failure` is how this request fails, if it does. `number` identifies the
    /// request on this server and determines where the text begins.
    pub(super) fn compose(request: &ChatRequest, scenario: &Scenario, failure: Failure, number: u64) -> Self {
        let ending = Ending::of(failure);
        let limit = request.max_tokens.unwrap_or(u64::MAX);
        let allowed = match ending {
            Ending::Complete => limit,
            _ => limit.min(u64::from(scenario.error_after)),
        };
        let mut tokens = Budget { wanted: 0, allowed };
        let mut segments = Vec::new();

        let reasoning = tokens.grant(scenario.reasoning_tokens);
        if reasoning > 0 {
            segments.push(match scenario.think {
                Think::Field => Segment::Reasoning(Words::new("", number, reasoning)),
                Think::Tags => Segment::Text(Words::new("<think>", number, reasoning)),
            });
        }

        let calls = request.calls(scenario);
        let finish = if calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
        if calls.is_empty() {
            let text = tokens.grant(scenario.tokens);
            let inline = reasoning > 0 && scenario.think == Think::Tags;
            let lead = if inline { "</think>" } else { "" };
            segments.extend((text > 0).then(|| Segment::Text(Words::new(lead, number + 1, text))));
        }
        let calls = (0..).zip(calls).map_while(|(index, tool)| Call::to(tool, number, index, &mut tokens));
        segments.extend(calls.map(Segment::Call));

        Self {
            segments,
            finish: if tokens.wanted > limit { FinishReason::Length } else { finish },
            usage: usage(request, scenario, reasoning, tokens.granted()),
            ending,
        }
    }
}

fn usage(request: &ChatRequest, scenario: &Scenario, reasoning: u32, output: u64) -> Usage {
    let input = request.input_tokens();
    let reported = scenario.reasoning_tokens > 0 && scenario.think == Think::Field;
    Usage {
        input_tokens: Some(input),
        cached_input_tokens: (scenario.cached_tokens > 0).then(|| input.min(scenario.cached_tokens.into())),
        output_tokens: Some(output),
        reasoning_tokens: reported.then_some(reasoning.into()),
    }
}

impl Ending {
    fn of(failure: Failure) -> Self {
        match failure {
            Failure::Stream => Self::Error,
            Failure::Stall => Self::Stall,
            Failure::Cut => Self::Cut,
            Failure::None | Failure::Status(_) | Failure::Hang => Self::Complete,
        }
    }
}

/// Output tokens: how many the scenario wants and how many may be sent.
struct Budget {
    wanted: u64,
    allowed: u64,
}

impl Budget {
    fn grant(&mut self, wanted: u32) -> u32 {
        let left = self.allowed.saturating_sub(self.wanted);
        self.wanted += u64::from(wanted);
        u32::try_from(left).map_or(wanted, |left| wanted.min(left))
    }

    fn granted(&self) -> u64 {
        self.wanted.min(self.allowed)
    }
}

impl Call {
    fn to(tool: &Tool, number: u64, index: u32, tokens: &mut Budget) -> Option<Self> {
        let arguments = arguments::for_schema(&tool.parameters).to_string();
        let pieces: Vec<String> = pieces(&arguments).collect();
        let granted = tokens.grant(pieces.len() as u32);
        (granted > 0).then(|| Self {
            index,
            id: format!("call_{number}_{index}"),
            name: tool.name.clone(),
            arguments: pieces.iter().take(granted as usize).map(String::as_str).collect(),
            tokens: granted,
            complete: granted as usize == pieces.len(),
        })
    }

    /// Returns the arguments token by token.
    pub(super) fn pieces(&self) -> impl Iterator<Item = String> {
        pieces(&self.arguments)
    }
}

/// Splits arguments into tokens of four characters.
fn pieces(arguments: &str) -> impl Iterator<Item = String> {
    let mut rest = arguments.chars();
    std::iter::from_fn(move || {
        let piece: String = rest.by_ref().take(4).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scenario::DEFAULT;

    fn request() -> ChatRequest {
        ChatRequest {
            model: "mock".into(),
            stream: true,
            max_tokens: None,
            tools: vec![
                Tool {
                    name: "weather".into(),
                    parameters: json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}),
                },
                Tool { name: "clock".into(), parameters: json!({}) },
            ],
            tool_choice: ToolChoice::Auto,
            input_bytes: 9,
            usage: UsageRequest::Implied,
        }
    }

    fn tokens_in(script: &Script) -> u64 {
        let count = |segment: &Segment| match segment {
            Segment::Reasoning(words) | Segment::Text(words) => words.left(),
            Segment::Call(call) => call.tokens,
        };
        script.segments.iter().map(|segment| u64::from(count(segment))).sum()
    }

    fn names(script: &Script) -> Vec<&str> {
        script.segments.iter().filter_map(call_of).map(|call| call.name.as_str()).collect()
    }

    fn call_of(segment: &Segment) -> Option<&Call> {
        if let Segment::Call(call) = segment { Some(call) } else { None }
    }

    proptest! {
        #[test]
        fn never_exceeds_the_token_limit_and_counts_its_tokens(
            max_tokens in prop::option::of(0_u64..200),
            tokens in 0_u32..200,
            reasoning_tokens in 0_u32..100,
            tool_calls in 0_u32..5,
            think in prop::sample::select(vec![Think::Field, Think::Tags]),
        ) {
            let scenario = Scenario { tokens, reasoning_tokens, tool_calls, think, ..DEFAULT };
            let script = Script::compose(&ChatRequest { max_tokens, ..request() }, &scenario, Failure::None, 1);
            prop_assert_eq!(script.usage.output_tokens, Some(tokens_in(&script)));
            prop_assert!(tokens_in(&script) <= max_tokens.unwrap_or(u64::MAX));
            if script.finish == FinishReason::Length {
                prop_assert_eq!(Some(tokens_in(&script)), max_tokens);
            }
        }
    }

    #[test]
    fn text_alone_by_default() {
        let script = Script::compose(&request(), &DEFAULT, Failure::None, 1);
        assert!(matches!(script.segments.as_slice(), [Segment::Text(_)]));
        assert_eq!(script.finish, FinishReason::Stop);
        assert_eq!(script.usage.input_tokens, Some(3));
    }

    #[test]
    fn the_requests_maximum_truncates_the_response() {
        let script =
            Script::compose(&ChatRequest { max_tokens: Some(7), ..request() }, &DEFAULT, Failure::None, 1);
        assert_eq!((script.finish.clone(), tokens_in(&script)), (FinishReason::Length, 7));
        let exact =
            Script::compose(&ChatRequest { max_tokens: Some(64), ..request() }, &DEFAULT, Failure::None, 1);
        assert_eq!(exact.finish, FinishReason::Stop);
    }

    #[test]
    fn calls_the_named_tool() {
        let request = ChatRequest { tool_choice: ToolChoice::Named("clock".into()), ..request() };
        let script = Script::compose(&request, &DEFAULT, Failure::None, 1);
        assert_eq!((names(&script), script.finish.clone()), (vec!["clock"], FinishReason::ToolCalls));
    }

    #[test]
    fn calls_the_scenarios_number_of_tools_unless_forbidden() {
        let scenario = Scenario { tool_calls: 3, ..DEFAULT };
        let script = Script::compose(&request(), &scenario, Failure::None, 1);
        assert_eq!(names(&script), ["weather", "clock", "weather"]);
        let forbidden = ChatRequest { tool_choice: ToolChoice::None, ..request() };
        assert!(names(&Script::compose(&forbidden, &scenario, Failure::None, 1)).is_empty());
    }

    #[test]
    fn the_pieces_concatenated_are_the_arguments() {
        let forced = ChatRequest { tool_choice: ToolChoice::Required, ..request() };
        let script = Script::compose(&forced, &DEFAULT, Failure::None, 1);
        let call = script.segments.first().and_then(call_of).unwrap();
        assert_eq!(call.pieces().collect::<String>(), call.arguments);
        assert_eq!(call.pieces().count(), call.tokens as usize);
        assert_eq!(
            serde_json::from_str::<Value>(&call.arguments).unwrap(),
            json!({"city": "simulated city"})
        );
    }

    #[test]
    fn a_failure_follows_the_set_number_of_tokens() {
        let scenario = Scenario { error_after: 3, reasoning_tokens: 2, ..DEFAULT };
        let script = Script::compose(&request(), &scenario, Failure::Cut, 1);
        assert_eq!((script.ending, tokens_in(&script)), (Ending::Cut, 3));
    }

    #[test]
    fn inline_reasoning_is_closed_before_the_text() {
        let scenario = Scenario { think: Think::Tags, reasoning_tokens: 2, tokens: 2, ..DEFAULT };
        let script = Script::compose(&request(), &scenario, Failure::None, 1);
        let text = |segment: &Segment| match segment {
            Segment::Text(words) => words.text(),
            _ => String::new(),
        };
        let whole: String = script.segments.iter().map(text).collect();
        assert!(whole.starts_with("<think>") && whole.contains("</think>"), "{whole}");
        assert_eq!(script.usage.reasoning_tokens, None);
    }
}

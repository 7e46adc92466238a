use serde_json::{Value, json};

use super::*;
use crate::scenario::{DEFAULT, Scenario};
use crate::script::{Tool, UsageRequest};
use crate::values::Failure;
use endpoint::wire::ToolChoice;

/// JSON pointers to the content of a protocol's events and of its complete responses.
struct Pointers {
    protocol: Protocol,
    event: Content<&'static str>,
    document: Content<&'static str>,
}

#[derive(Debug, PartialEq)]
struct Content<T> {
    text: T,
    reasoning: T,
    arguments: T,
}

const POINTERS: [Pointers; 4] = [
    Pointers {
        protocol: Protocol::OpenaiChat,
        event: Content {
            text: "/choices/0/delta/content",
            reasoning: "/choices/0/delta/reasoning_content",
            arguments: "/choices/0/delta/tool_calls/0/function/arguments",
        },
        document: Content {
            text: "/choices/0/message/content",
            reasoning: "/choices/0/message/reasoning_content",
            arguments: "/choices/0/message/tool_calls/0/function/arguments",
        },
    },
    Pointers {
        protocol: Protocol::AnthropicMessages,
        event: Content {
            text: "/delta/text",
            reasoning: "/delta/thinking",
            arguments: "/delta/partial_json",
        },
        document: Content {
            text: "/content/1/text",
            reasoning: "/content/0/thinking",
            arguments: "/content/1/input",
        },
    },
    Pointers {
        protocol: Protocol::CohereChat,
        event: Content {
            text: "/delta/message/content/text",
            reasoning: "/delta/message/content/thinking",
            arguments: "/delta/message/tool_calls/function/arguments",
        },
        document: Content {
            text: "/message/content/1/text",
            reasoning: "/message/content/0/thinking",
            arguments: "/message/tool_calls/0/function/arguments",
        },
    },
    Pointers {
        protocol: Protocol::GeminiGenerate,
        event: Content {
            text: "/candidates/0/content/parts/0/text",
            reasoning: "/candidates/0/content/parts/0/thought",
            arguments: "/candidates/0/content/parts/0/functionCall/args",
        },
        document: Content {
            text: "/candidates/0/content/parts/1/text",
            reasoning: "/candidates/0/content/parts/0/text",
            arguments: "/candidates/0/content/parts/1/functionCall/args",
        },
    },
];

fn script(tool_choice: ToolChoice) -> Script {
    let parameters = json!({
        "type": "object", "required": ["quote"],
        "properties": {"quote": {"type": "string", "default": "a \"quoted\"\nné\u{1F980}"}},
    });
    let request = ChatRequest {
        model: "mock".into(),
        stream: true,
        max_tokens: None,
        tools: vec![Tool { name: "note".into(), parameters }],
        tool_choice,
        input_bytes: 40,
        usage: UsageRequest::Requested,
    };
    let scenario = Scenario { tokens: 12, reasoning_tokens: 5, cached_tokens: 3, ..DEFAULT };
    Script::compose(&request, &scenario, Failure::None, 1)
}

fn content_of_script(script: &Script) -> Content<String> {
    let mut content = Content { text: String::new(), reasoning: String::new(), arguments: String::new() };
    for segment in &script.segments {
        match segment {
            Segment::Reasoning(words) => content.reasoning += &words.text(),
            Segment::Text(words) => content.text += &words.text(),
            Segment::Call(call) => content.arguments += &call.arguments,
        }
    }
    content
}

fn reply(script: &Script) -> Reply<'_> {
    Reply { id: "id-1", model: "mock", created: 1, script, usage: Some(script.usage) }
}

fn stream(dialect: &dyn Dialect, reply: &Reply<'_>) -> Vec<Value> {
    let mut bytes = dialect.opening(reply).into_bytes();
    for (index, segment) in (0..).zip(&reply.script.segments) {
        let mut track = dialect.track(reply, index, segment);
        while !track.is_done() {
            track.write_burst(2, 3, &mut bytes, &mut Vec::new());
        }
    }
    bytes.extend(dialect.ending(reply).into_bytes());
    let text = String::from_utf8(bytes).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn text_at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => String::new(),
    }
}

/// Gemini marks a text part as reasoning with a flag.
fn is_thought(event: &Value) -> bool {
    event.pointer("/candidates/0/content/parts/0/thought") == Some(&Value::Bool(true))
}

fn content_of_events(events: &[Value], pointers: &Content<&str>) -> Content<String> {
    let mut content = Content { text: String::new(), reasoning: String::new(), arguments: String::new() };
    for event in events {
        let text = text_at(event, pointers.text);
        let kind = if is_thought(event) { &mut content.reasoning } else { &mut content.text };
        kind.push_str(&text);
        content.reasoning += &text_at(event, pointers.reasoning);
        content.arguments += &text_at(event, pointers.arguments);
    }
    content
}

#[test]
fn a_stream_has_the_content_of_its_script() {
    for tool_choice in [ToolChoice::None, ToolChoice::Required] {
        let script = script(tool_choice);
        for pointers in &POINTERS {
            let events = stream(of(pointers.protocol), &reply(&script));
            assert_eq!(
                content_of_events(&events, &pointers.event),
                content_of_script(&script),
                "{:?}",
                pointers.protocol
            );
        }
    }
}

#[test]
fn a_complete_response_has_the_content_of_its_script() {
    for tool_choice in [ToolChoice::None, ToolChoice::Required] {
        let script = script(tool_choice);
        for pointers in &POINTERS {
            let document: Value =
                serde_json::from_slice(&of(pointers.protocol).document(&reply(&script))).unwrap();
            let content = Content {
                text: text_at(&document, pointers.document.text),
                reasoning: text_at(&document, pointers.document.reasoning),
                arguments: text_at(&document, pointers.document.arguments),
            };
            assert_eq!(content, content_of_script(&script), "{:?}", pointers.protocol);
        }
    }
}

#[test]
fn usage_adds_up_in_every_protocol() {
    let script = script(ToolChoice::None);
    let document =
        |protocol| serde_json::from_slice::<Value>(&of(protocol).document(&reply(&script))).unwrap();
    let openai = &document(Protocol::OpenaiChat)["usage"];
    assert_eq!((&openai["prompt_tokens"], &openai["completion_tokens"]), (&json!(10), &json!(17)));
    assert_eq!(openai["prompt_tokens_details"]["cached_tokens"], 3);
    let anthropic = &document(Protocol::AnthropicMessages)["usage"];
    assert_eq!((&anthropic["input_tokens"], &anthropic["cache_read_input_tokens"]), (&json!(7), &json!(3)));
    assert_eq!(anthropic["output_tokens"], 17);
    assert_eq!(anthropic["output_tokens_details"]["thinking_tokens"], 5);
    let gemini = &document(Protocol::GeminiGenerate)["usageMetadata"];
    assert_eq!((&gemini["candidatesTokenCount"], &gemini["thoughtsTokenCount"]), (&json!(12), &json!(5)));
    let cohere = &document(Protocol::CohereChat)["usage"]["tokens"];
    assert_eq!(*cohere, json!({"input_tokens": 10, "output_tokens": 17}));
}

#[test]
fn reads_the_same_request_in_every_protocol() {
    let schema = json!({"type": "object"});
    let bodies = [
        (
            Protocol::OpenaiChat,
            json!({
                "model": "m", "messages": [{"role": "user", "content": "12345678"}], "max_completion_tokens": 9,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
            }),
        ),
        (
            Protocol::AnthropicMessages,
            json!({
                "model": "m", "system": "1234", "messages": [{"role": "user", "content": "5678"}], "max_tokens": 9,
                "tools": [{"name": "f", "input_schema": schema}], "tool_choice": {"type": "tool", "name": "f"},
            }),
        ),
        (
            Protocol::GeminiGenerate,
            json!({
                "contents": [{"parts": [{"text": "1234"}, {"text": "5678"}]}],
                "generationConfig": {"maxOutputTokens": 9},
                "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            }),
        ),
    ];
    for (protocol, body) in bodies {
        let request = of(protocol).read(body.to_string().as_bytes()).unwrap();
        assert_eq!((request.max_tokens, request.input_tokens()), (Some(9), 2), "{protocol:?}");
        assert_eq!(request.tools, [Tool { name: "f".into(), parameters: schema.clone() }], "{protocol:?}");
        assert_eq!(request.tool_choice, ToolChoice::Named("f".into()), "{protocol:?}");
    }
}

#[test]
fn an_invalid_body_is_reported_in_a_sentence() {
    for pointers in &POINTERS {
        let message = of(pointers.protocol).read(b"{").unwrap_err();
        assert!(message.starts_with("invalid request body"), "{message}");
    }
}

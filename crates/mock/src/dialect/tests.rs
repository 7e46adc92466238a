use serde_json::{Value, json};

use super::*;
use crate::scenario::{DEFAULT, Scenario};
use crate::script::{Tool, UsageWish};
use crate::values::Failure;
use endpoint::wire::ToolChoice;

/// Where a protocol keeps what an answer says, as JSON pointers into its events and its documents.
struct Places {
    protocol: Protocol,
    event: Said<&'static str>,
    whole: Said<&'static str>,
}

#[derive(Debug, PartialEq)]
struct Said<T> {
    text: T,
    reasoning: T,
    arguments: T,
}

const PLACES: [Places; 4] = [
    Places {
        protocol: Protocol::OpenaiChat,
        event: Said {
            text: "/choices/0/delta/content",
            reasoning: "/choices/0/delta/reasoning_content",
            arguments: "/choices/0/delta/tool_calls/0/function/arguments",
        },
        whole: Said {
            text: "/choices/0/message/content",
            reasoning: "/choices/0/message/reasoning_content",
            arguments: "/choices/0/message/tool_calls/0/function/arguments",
        },
    },
    Places {
        protocol: Protocol::AnthropicMessages,
        event: Said { text: "/delta/text", reasoning: "/delta/thinking", arguments: "/delta/partial_json" },
        whole: Said {
            text: "/content/1/text",
            reasoning: "/content/0/thinking",
            arguments: "/content/1/input",
        },
    },
    Places {
        protocol: Protocol::CohereChat,
        event: Said {
            text: "/delta/message/content/text",
            reasoning: "/delta/message/content/thinking",
            arguments: "/delta/message/tool_calls/function/arguments",
        },
        whole: Said {
            text: "/message/content/1/text",
            reasoning: "/message/content/0/thinking",
            arguments: "/message/tool_calls/0/function/arguments",
        },
    },
    Places {
        protocol: Protocol::GeminiGenerate,
        event: Said {
            text: "/candidates/0/content/parts/0/text",
            reasoning: "/candidates/0/content/parts/0/thought",
            arguments: "/candidates/0/content/parts/0/functionCall/args",
        },
        whole: Said {
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
    let ask = Ask {
        model: "mock".into(),
        stream: true,
        max_tokens: None,
        tools: vec![Tool { name: "note".into(), parameters }],
        tool_choice,
        input_bytes: 40,
        usage: UsageWish::Asked,
    };
    let scenario = Scenario { tokens: 12, reasoning_tokens: 5, cached_tokens: 3, ..DEFAULT };
    Script::compose(&ask, &scenario, Failure::None, 1)
}

fn said_by(script: &Script) -> Said<String> {
    let mut said = Said { text: String::new(), reasoning: String::new(), arguments: String::new() };
    for segment in &script.segments {
        match segment {
            Segment::Reasoning(words) => said.reasoning += &words.text(),
            Segment::Text(words) => said.text += &words.text(),
            Segment::Call(call) => said.arguments += &call.arguments,
        }
    }
    said
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

/// Gemini marks reasoning beside the text instead of naming it.
fn is_thought(event: &Value) -> bool {
    event.pointer("/candidates/0/content/parts/0/thought") == Some(&Value::Bool(true))
}

fn said_in(events: &[Value], places: &Said<&str>) -> Said<String> {
    let mut said = Said { text: String::new(), reasoning: String::new(), arguments: String::new() };
    for event in events {
        let text = text_at(event, places.text);
        let kind = if is_thought(event) { &mut said.reasoning } else { &mut said.text };
        kind.push_str(&text);
        said.reasoning += &text_at(event, places.reasoning);
        said.arguments += &text_at(event, places.arguments);
    }
    said
}

#[test]
fn a_stream_says_what_its_script_says() {
    for tool_choice in [ToolChoice::None, ToolChoice::Required] {
        let script = script(tool_choice);
        for places in &PLACES {
            let events = stream(of(places.protocol), &reply(&script));
            assert_eq!(said_in(&events, &places.event), said_by(&script), "{:?}", places.protocol);
        }
    }
}

#[test]
fn a_document_says_what_its_script_says() {
    for tool_choice in [ToolChoice::None, ToolChoice::Required] {
        let script = script(tool_choice);
        for places in &PLACES {
            let document: Value =
                serde_json::from_slice(&of(places.protocol).whole(&reply(&script))).unwrap();
            let said = Said {
                text: text_at(&document, places.whole.text),
                reasoning: text_at(&document, places.whole.reasoning),
                arguments: text_at(&document, places.whole.arguments),
            };
            assert_eq!(said, said_by(&script), "{:?}", places.protocol);
        }
    }
}

#[test]
fn usage_adds_up_in_every_protocol() {
    let script = script(ToolChoice::None);
    let whole = |protocol| serde_json::from_slice::<Value>(&of(protocol).whole(&reply(&script))).unwrap();
    let openai = &whole(Protocol::OpenaiChat)["usage"];
    assert_eq!((&openai["prompt_tokens"], &openai["completion_tokens"]), (&json!(10), &json!(17)));
    assert_eq!(openai["prompt_tokens_details"]["cached_tokens"], 3);
    let anthropic = &whole(Protocol::AnthropicMessages)["usage"];
    assert_eq!((&anthropic["input_tokens"], &anthropic["cache_read_input_tokens"]), (&json!(7), &json!(3)));
    assert_eq!(anthropic["output_tokens"], 17);
    assert_eq!(anthropic["output_tokens_details"]["thinking_tokens"], 5);
    let gemini = &whole(Protocol::GeminiGenerate)["usageMetadata"];
    assert_eq!((&gemini["candidatesTokenCount"], &gemini["thoughtsTokenCount"]), (&json!(12), &json!(5)));
    let cohere = &whole(Protocol::CohereChat)["usage"]["tokens"];
    assert_eq!(*cohere, json!({"input_tokens": 10, "output_tokens": 17}));
}

#[test]
fn reads_the_same_wish_from_every_protocol() {
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
        let ask = of(protocol).read(body.to_string().as_bytes()).unwrap();
        assert_eq!((ask.max_tokens, ask.input_tokens()), (Some(9), 2), "{protocol:?}");
        assert_eq!(ask.tools, [Tool { name: "f".into(), parameters: schema.clone() }], "{protocol:?}");
        assert_eq!(ask.tool_choice, ToolChoice::Named("f".into()), "{protocol:?}");
    }
}

#[test]
fn what_cannot_be_read_is_said_in_a_sentence() {
    for places in &PLACES {
        let message = of(places.protocol).read(b"{").unwrap_err();
        assert!(message.starts_with("the request body is not what this protocol expects"), "{message}");
    }
}

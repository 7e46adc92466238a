//! Streams and answers as Anthropic, and llama.cpp in its manner, send them.

use serde_json::json;

use super::*;
use crate::{
    ErrorKind,
    ProviderKind::Anthropic,
    wire::{
        Usage as NeutralUsage, decode_models, decode_response,
        tests::{decode_all, provider, request, user},
    },
};

fn decode(events: &[(&str, &str)]) -> Vec<StreamEvent> {
    decode_all(Anthropic, events).0
}

fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> StreamEvent {
    StreamEvent::ToolCall(ToolCallDelta {
        index,
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
    })
}

const START: (&str, &str) = (
    "message_start",
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"cache_creation":{"ephemeral_5m_input_tokens":3},"output_tokens":1,"service_tier":"standard"}}}"#,
);

#[test]
fn a_stream_with_thinking_and_text() {
    let (events, finished) = decode_all(
        Anthropic,
        &[
            START,
            (
                "content_block_start",
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            ),
            ("ping", r#"{"type": "ping"}"#),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            ),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Eq=="}}"#,
            ),
            ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
            (
                "content_block_start",
                r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            ),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"<think>"}}"#,
            ),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":""}}"#,
            ),
            (
                "message_delta",
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9,"output_tokens_details":{"thinking_tokens":6}}}"#,
            ),
            ("message_stop", r#"{"type":"message_stop"}"#),
        ],
    );
    let input =
        NeutralUsage { input_tokens: Some(17), cached_input_tokens: Some(4), ..NeutralUsage::default() };
    assert!(finished);
    assert_eq!(
        events,
        [
            StreamEvent::Id("msg_1".into()),
            StreamEvent::Usage(input),
            StreamEvent::Reasoning("hm".into()),
            StreamEvent::Text("<think>".into()),
            StreamEvent::Usage(NeutralUsage { output_tokens: Some(9), reasoning_tokens: Some(6), ..input }),
            StreamEvent::Finish(FinishReason::Stop),
            StreamEvent::Done,
        ]
    );
}

#[test]
fn the_last_usage_report_wins_field_by_field() {
    let events = decode(&[
        START,
        (
            "",
            r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"input_tokens":20,"cache_read_input_tokens":null,"output_tokens":5}}"#,
        ),
    ]);
    let last = NeutralUsage {
        input_tokens: Some(27),
        cached_input_tokens: Some(4),
        output_tokens: Some(5),
        reasoning_tokens: None,
    };
    assert_eq!(events[2..], [StreamEvent::Usage(last), StreamEvent::Finish(FinishReason::Length)]);
}

#[test]
fn tool_calls_are_numbered_among_themselves() {
    let events = decode(&[
        ("", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#),
        (
            "",
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"g","input":{"y":2}}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"!"}}"#,
        ),
        ("", r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{}}"#),
    ]);
    assert_eq!(
        events[..4],
        [
            call(0, Some("a"), Some("f"), ""),
            call(0, None, None, "{\"x\":1}"),
            call(1, Some("b"), Some("g"), "{\"y\":2}"),
            call(1, None, None, "!"),
        ]
    );
    assert_eq!(events.last(), Some(&StreamEvent::Finish(FinishReason::ToolCalls)));
}

#[test]
fn what_is_unknown_is_passed_over() {
    let events = decode(&[
        (
            "",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web","input":{}}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
        ),
        (
            "",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"a":1}}}"#,
        ),
        ("", r#"{"type":"content_block_delta","index":0,"delta":null}"#),
        ("new_event", r#"{"type":"new_event","data":[1]}"#),
    ]);
    assert_eq!(events, []);
}

#[test]
fn errors_inside_a_stream() {
    for (name, data, message) in [
        (
            "error",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "overloaded_error: Overloaded",
        ),
        (
            "",
            r#"{"type":"error","error":{"details":null,"type":"api_error","message":"boom"},"request_id":"r"}"#,
            "api_error: boom",
        ),
        ("", r#"{"error":{"message":"boom","code":500}}"#, "boom"),
        ("", r#"{"error":"boom"}"#, "boom"),
    ] {
        let events = decode(&[START, (name, data)]);
        let Some(StreamEvent::Error(error)) = events.last() else { panic!("{data}: {events:?}") };
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InStream, message), "{data}");
    }
}

#[test]
fn a_cut_stream_is_not_finished() {
    let text = ("", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#);
    let (events, finished) = decode_all(Anthropic, &[START, text]);
    assert_eq!(events.last(), Some(&StreamEvent::Text("a".into())));
    assert!(!finished);
}

#[test]
fn garbage_is_a_bad_response() {
    let events = decode(&[("", "{\"type\":")]);
    assert!(matches!(events.as_slice(), [StreamEvent::Error(error)] if error.kind == ErrorKind::BadResponse));
}

#[test]
fn a_request_is_written_exactly() {
    let mut request = request();
    let call =
        |id: &str, arguments: &str| ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() };
    let result =
        |id: &str| crate::wire::Message { role: Role::Tool, tool_call_id: Some(id.into()), ..user("18") };
    request.messages = vec![
        crate::wire::Message { role: Role::System, ..user("Be brief.") },
        user("hi"),
        crate::wire::Message {
            role: Role::Assistant,
            tool_calls: vec![call("a", "{\"x\":1}"), call("b", ""), call("c", "{\"x")],
            ..user("Let me see.")
        },
        result("a"),
        result("b"),
        user("and?"),
        crate::wire::Message { role: Role::System, ..user("Be kind.") },
    ];
    request.params = serde_json::from_value(json!({"stop": "END", "temperature": 0.5})).unwrap();
    assert_eq!(
        serde_json::to_value(body(&request)).unwrap(),
        json!({
            "model": "some-model",
            "max_tokens": 4096,
            "system": "Be brief.\n\nBe kind.",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                    {"type": "tool_use", "id": "b", "name": "f", "input": {}},
                    {"type": "tool_use", "id": "c", "name": "f", "input": {"arguments": "{\"x"}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "18"},
                    {"type": "tool_result", "tool_use_id": "b", "content": "18"}]},
                {"role": "user", "content": "and?"},
            ],
            "stream": true,
            "stop_sequences": ["END"],
            "temperature": 0.5,
        })
    );
    request.params = serde_json::from_value(json!({"max_completion_tokens": 7})).unwrap();
    assert_eq!(serde_json::to_value(body(&request)).unwrap()["max_tokens"], 7);
}

#[test]
fn a_whole_answer() {
    let answer = decode_response(
        &provider(Anthropic),
        br#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
            {"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"yes"},
            {"type":"tool_use","id":"a","name":"f","input":{"x":1}}],
            "stop_reason":"refusal","stop_sequence":null,
            "usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":3}}"#,
    )
    .unwrap();
    assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("yes", "hm"));
    assert_eq!(answer.tool_calls[0].arguments, "{\"x\":1}");
    assert_eq!(answer.finish, Some(FinishReason::ContentFilter));
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(3), Some(3)));
    let error = br#"{"type":"error","error":{"type":"api_error","message":"boom"}}"#;
    assert_eq!(
        decode_response(&provider(Anthropic), error).unwrap_err().message,
        "Anthropic answered with an error: api_error: boom"
    );
}

#[test]
fn a_model_list() {
    let body = br#"{"data":[{"type":"model","id":"old","display_name":"Old","lifecycle":"retired"},{"type":"model","id":"claude","display_name":"Claude","created_at":"2025-01-01T00:00:00Z",
        "max_input_tokens":200000,"max_tokens":64000,"capabilities":{}}],"has_more":false,"first_id":null,"last_id":null}"#;
    assert_eq!(
        decode_models(&provider(Anthropic), body).unwrap(),
        [ListedModel {
            id: "claude".into(),
            display_name: Some("Claude".into()),
            context_window: Some(200_000),
            max_output_tokens: Some(64_000),
        }]
    );
}

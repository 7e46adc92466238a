//! Streams and answers as Cohere sends them.

use serde_json::json;

use super::*;
use crate::{
    ErrorKind, ProviderKind,
    wire::{
        Role, Usage as NeutralUsage, decode_models, decode_response,
        tests::{decode_all, provider, request, user},
    },
};

fn decode(events: &[(&str, &str)]) -> (Vec<StreamEvent>, bool) {
    decode_all(ProviderKind::Cohere, events)
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
    "message-start",
    r#"{"id":"r1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
);

#[test]
fn a_stream_with_thinking_and_text() {
    let (events, finished) = decode(&[
        START,
        (
            "content-start",
            r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
        ),
        (
            "content-delta",
            r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"hm"}}}}"#,
        ),
        ("content-end", r#"{"type":"content-end","index":0}"#),
        (
            "content-start",
            r#"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        ),
        (
            "content-delta",
            r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"yes"}}}}"#,
        ),
        (
            "citation-start",
            r#"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":0,"end":3,"text":"yes","sources":[]}}}}"#,
        ),
        ("citation-end", r#"{"type":"citation-end","index":0}"#),
        ("content-end", r#"{"type":"content-end","index":1}"#),
        (
            "message-end",
            r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":5,"output_tokens":9},"tokens":{"input_tokens":71,"output_tokens":10},"cached_tokens":64}}}"#,
        ),
    ]);
    assert!(finished);
    assert_eq!(
        events,
        [
            StreamEvent::Id("r1".into()),
            StreamEvent::Reasoning("hm".into()),
            StreamEvent::Text("yes".into()),
            StreamEvent::Usage(NeutralUsage {
                input_tokens: Some(71),
                cached_input_tokens: Some(64),
                output_tokens: Some(10),
                reasoning_tokens: None,
            }),
            StreamEvent::Finish(FinishReason::Stop),
            StreamEvent::Done,
        ]
    );
}

#[test]
fn parallel_tool_calls_after_a_plan() {
    let (events, _) = decode(&[
        START,
        ("", r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I will"}}}"#),
        (
            "",
            r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"a","type":"function","function":{"name":"f","arguments":""}}}}}"#,
        ),
        (
            "",
            r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"x\":1}"}}}}}"#,
        ),
        ("", r#"{"type":"tool-call-end","index":0}"#),
        (
            "",
            r#"{"type":"tool-call-start","index":1,"delta":{"message":{"tool_calls":[{"id":"b","type":"function","function":{"name":"g"}}]}}}"#,
        ),
        (
            "",
            r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":5.0,"output_tokens":9}}}}"#,
        ),
    ]);
    assert_eq!(
        events[1..],
        [
            StreamEvent::Reasoning("I will".into()),
            call(0, Some("a"), Some("f"), ""),
            call(0, None, None, "{\"x\":1}"),
            call(1, Some("b"), Some("g"), ""),
            StreamEvent::Usage(NeutralUsage {
                input_tokens: Some(5),
                output_tokens: Some(9),
                ..NeutralUsage::default()
            }),
            StreamEvent::Finish(FinishReason::ToolCalls),
            StreamEvent::Done,
        ]
    );
}

#[test]
fn errors_inside_a_stream() {
    for (name, data, message) in [
        ("", r#"{"type":"message-end","delta":{"error":"boom","finish_reason":"ERROR"}}"#, "boom"),
        (
            "",
            r#"{"type":"message-end","delta":{"error":{"message":"boom"},"finish_reason":"ERROR"}}"#,
            "boom",
        ),
        (
            "",
            r#"{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}"#,
            "the stream finished with TIMEOUT",
        ),
        ("", r#"{"id":"r","message":"boom"}"#, "boom"),
        ("error", r#"{"message":"boom"}"#, "boom"),
    ] {
        let (events, _) = decode(&[START, (name, data)]);
        let error = events.iter().find_map(|event| match event {
            StreamEvent::Error(error) => Some(error),
            _ => None,
        });
        let error = error.unwrap_or_else(|| panic!("{data}: {events:?}"));
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InStream, message), "{data}");
        assert!(!events.iter().any(|event| matches!(event, StreamEvent::Finish(_))));
    }
    let (events, _) = decode(&[("", "{\"type\":")]);
    assert!(matches!(events.as_slice(), [StreamEvent::Error(error)] if error.kind == ErrorKind::BadResponse));
}

#[test]
fn a_cut_stream_is_not_finished() {
    let text = ("", r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}"#);
    assert!(!decode(&[START, text]).1);
}

#[test]
fn a_request_is_written_exactly() {
    let mut request = request();
    request.messages.push(crate::wire::Message {
        role: Role::Assistant,
        tool_calls: vec![crate::wire::ToolCall { id: "a".into(), name: "f".into(), arguments: "{}".into() }],
        ..user("")
    });
    request.messages.push(crate::wire::Message {
        role: Role::Tool,
        tool_call_id: Some("a".into()),
        ..user("18")
    });
    request.params =
        serde_json::from_value(json!({"max_tokens": 5, "top_p": 0.9, "k": 3, "top_k": 4, "stop": ["END"]}))
            .unwrap();
    assert_eq!(
        serde_json::to_value(body(&request)).unwrap(),
        json!({
            "model": "some-model",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "content": "18", "tool_call_id": "a"},
            ],
            "stream": true,
            "max_tokens": 5,
            "p": 0.9,
            "k": 3,
            "stop_sequences": ["END"],
        })
    );
    request.stream = false;
    assert_eq!(serde_json::to_value(body(&request)).unwrap()["stream"], false);
}

#[test]
fn a_whole_answer() {
    let cohere = provider(ProviderKind::Cohere);
    let answer = decode_response(
        &cohere,
        br#"{"id":"r","finish_reason":"MAX_TOKENS","message":{"role":"assistant","tool_plan":"plan ",
            "content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"yes"}],
            "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
            "usage":{"tokens":{"input_tokens":3,"output_tokens":4}},"meta":{}}"#,
    )
    .unwrap();
    assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("yes", "plan hm"));
    assert_eq!(answer.tool_calls[0].name, "f");
    assert_eq!(answer.finish, Some(FinishReason::Length));
    assert_eq!(answer.usage.output_tokens, Some(4));
    let error = decode_response(&cohere, br#"{"id":"r","message":"boom"}"#).unwrap_err();
    assert_eq!(error.message, "Cohere answered with an error: boom");
}

#[test]
fn a_model_list_holds_what_chats() {
    let body = br#"{"models":[{"name":"embed","endpoints":["embed"]},
        {"name":"command-x","endpoints":["generate","chat"],"finetuned":false,"context_length":256000.0,
         "features":["tools"]}],"next_page_token":null}"#;
    assert_eq!(
        decode_models(&provider(ProviderKind::Cohere), body).unwrap(),
        [ListedModel {
            id: "command-x".into(),
            display_name: None,
            context_window: Some(256_000),
            max_output_tokens: None,
        }]
    );
}

//! Streams and answers as Gemini sends them.

use serde_json::json;

use super::*;
use crate::{
    ErrorKind, ProviderKind,
    wire::{
        Usage as NeutralUsage, decode_models, decode_response, encode,
        tests::{decode_all, provider, request, user},
    },
};

fn decode(data: &[&str]) -> (Vec<StreamEvent>, bool) {
    let events: Vec<(&str, &str)> = data.iter().map(|data| ("", *data)).collect();
    decode_all(ProviderKind::Gemini, &events)
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> StreamEvent {
    StreamEvent::ToolCall(ToolCallDelta {
        index,
        id: Some(id.to_owned()),
        name: Some(name.to_owned()),
        arguments: arguments.to_owned(),
    })
}

#[test]
fn a_stream_with_thoughts_and_text() {
    let (events, finished) = decode(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":20,"thoughtsTokenCount":12,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"m","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"yes"},{"text":"","thoughtSignature":"x"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"totalTokenCount":25,"thoughtsTokenCount":12,"cachedContentTokenCount":2},"modelVersion":"m","responseId":"r1"}"#,
    ]);
    let begun = NeutralUsage {
        input_tokens: Some(8),
        cached_input_tokens: None,
        output_tokens: Some(12),
        reasoning_tokens: Some(12),
    };
    assert!(finished);
    assert_eq!(
        events,
        [
            StreamEvent::Id("r1".into()),
            StreamEvent::Reasoning("hm".into()),
            StreamEvent::Usage(begun),
            StreamEvent::Text("yes".into()),
            StreamEvent::Finish(FinishReason::Stop),
            StreamEvent::Usage(NeutralUsage {
                cached_input_tokens: Some(2),
                output_tokens: Some(17),
                ..begun
            }),
        ]
    );
}

#[test]
fn chunks_without_content_yield_nothing_but_usage() {
    for data in [
        r#"{"candidates":[{"content":{"role":"model"},"index":0}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"}}]}"#,
        r#"{"candidates":[{"index":0}],"promptFeedback":{}}"#,
        r#"{"candidates":[]}"#,
        "{}",
    ] {
        assert_eq!(decode(&[data]), (vec![], false), "{data}");
    }
    let (events, _) = decode(&[r#"{"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8}}"#]);
    assert!(matches!(events.as_slice(), [StreamEvent::Usage(usage)] if usage.output_tokens.is_none()));
}

#[test]
fn parallel_calls_are_numbered_and_change_the_finish_reason() {
    let (events, _) = decode(&[
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":1}}},{"functionCall":{"id":"own","name":"g"}}],"role":"model"}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}],"role":"model"},"finishReason":"STOP"}]}"#,
    ]);
    assert_eq!(
        events,
        [
            call(0, "call_0", "f", "{\"x\":1}"),
            call(1, "own", "g", "{}"),
            call(2, "call_2", "f", "{}"),
            StreamEvent::Finish(FinishReason::ToolCalls),
        ]
    );
}

#[test]
fn finish_reasons_and_blocked_prompts() {
    for (said, meant) in [
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Other("MALFORMED_FUNCTION_CALL".into())),
    ] {
        let data = format!(r#"{{"candidates":[{{"finishReason":"{said}"}}]}}"#);
        assert_eq!(decode(&[&data]), (vec![StreamEvent::Finish(meant)], true));
    }
    let blocked =
        r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":8}}"#;
    let (events, finished) = decode(&[blocked]);
    assert_eq!(events[0], StreamEvent::Finish(FinishReason::ContentFilter));
    assert!(finished);
}

#[test]
fn errors_inside_a_stream() {
    for data in [
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
        r#"[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]"#,
    ] {
        let (events, finished) = decode(&[r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#, data]);
        let Some(StreamEvent::Error(error)) = events.last() else { panic!("{events:?}") };
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::InStream, "UNAVAILABLE: The model is overloaded.")
        );
        assert!(!finished);
    }
    let (events, _) = decode(&["{\"candidates\":"]);
    assert!(matches!(events.as_slice(), [StreamEvent::Error(error)] if error.kind == ErrorKind::BadResponse));
}

#[test]
fn parameters_go_where_gemini_wants_them() {
    let mut request = request();
    request.params = serde_json::from_value(json!({
        "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "topK": 3, "stop": "END",
        "thinking_config": {"thinkingBudget": 0}, "safety_settings": [],
        "generationConfig": {"seed": 1}
    }))
    .unwrap();
    let written = serde_json::to_value(body(&request)).unwrap();
    assert_eq!(
        written,
        json!({
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "generationConfig": {
                "temperature": 0.5, "topP": 0.9, "topK": 3, "thinkingConfig": {"thinkingBudget": 0},
                "maxOutputTokens": 5, "stopSequences": ["END"], "seed": 1
            },
            "safetySettings": []
        })
    );
}

#[test]
fn a_conversation_with_tools_is_written_exactly() {
    let mut request = request();
    let call =
        |id: &str, name: &str| ToolCall { id: id.into(), name: name.into(), arguments: "{\"x\":1}".into() };
    let result = |id: &str, content: &str| crate::wire::Message {
        role: Role::Tool,
        tool_call_id: Some(id.into()),
        ..user(content)
    };
    request.messages = vec![
        crate::wire::Message { role: Role::System, ..user("Be brief.") },
        user("hi"),
        crate::wire::Message {
            role: Role::Assistant,
            tool_calls: vec![call("a", "f"), call("b", "g")],
            ..user("")
        },
        result("a", "18"),
        result("b", "{\"t\":18}"),
    ];
    assert_eq!(
        serde_json::to_value(body(&request)).unwrap(),
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}]},
                {"role": "model", "parts": [
                    {"functionCall": {"name": "f", "args": {"x": 1}}},
                    {"functionCall": {"name": "g", "args": {"x": 1}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "f", "response": {"result": "18"}}},
                    {"functionResponse": {"name": "g", "response": {"t": 18}}}]},
            ]
        })
    );
}

#[test]
fn the_listed_form_of_a_model_id_is_understood() {
    let request = ChatRequest { model: "models/gemini-x".into(), stream: false, ..request() };
    let url = encode(&provider(ProviderKind::Gemini), None, &request).unwrap().url;
    assert_eq!(url.path(), "/v1beta/models/gemini-x:generateContent");
    assert_eq!(url.query(), None);
}

#[test]
fn a_whole_answer() {
    let gemini = provider(ProviderKind::Gemini);
    let answer = decode_response(
        &gemini,
        br#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"yes"},
            {"functionCall":{"name":"f","args":{}}}],"role":"model"},"finishReason":"STOP"}],
            "usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"thoughtsTokenCount":3},"responseId":"r"}"#,
    )
    .unwrap();
    assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("yes", "hm"));
    assert_eq!(answer.tool_calls[0].id, "call_0");
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    assert_eq!(answer.usage.output_tokens, Some(5));
    let error =
        decode_response(&gemini, br#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#);
    assert_eq!(error.unwrap_err().kind, ErrorKind::RateLimited);
}

#[test]
fn a_model_list_holds_what_generates_content() {
    let body = br#"{"models":[
        {"name":"models/embed","supportedGenerationMethods":["embedContent"]},
        {"name":"models/gemini-x","displayName":"Gemini X","inputTokenLimit":1048576,"outputTokenLimit":65536,
         "supportedGenerationMethods":["generateContent","countTokens"],"temperature":1}]}"#;
    assert_eq!(
        decode_models(&provider(ProviderKind::Gemini), body).unwrap(),
        [ListedModel {
            id: "gemini-x".into(),
            display_name: Some("Gemini X".into()),
            context_window: Some(1_048_576),
            max_output_tokens: Some(65_536),
        }]
    );
}

//! Each wire type reads what it writes, and writes what the real servers write.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::wire::{anthropic, cohere, gemini, openai};

/// Reads `value` as a `T` and writes it back.
fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn openai_requests_keep_what_they_do_not_know() {
    let request = json!({
        "model": "m", "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "content": "18", "tool_call_id": "c1"}],
        "stream": true, "stream_options": {"include_usage": true},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "max_tokens": 5, "temperature": 0.7, "min_p": 0.1
    });
    assert_eq!(round_trip::<openai::Request>(&request), request);
}

#[test]
fn openai_chunks_borrow_their_metadata_and_survive_a_round_trip() {
    let text = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a\n"},"finish_reason":null}]}"#;
    let chunk: openai::Chunk<'_> = serde_json::from_str(text).unwrap();
    assert!(matches!(chunk.id, Some(std::borrow::Cow::Borrowed("c"))));
    assert_eq!(serde_json::to_string(&chunk).unwrap(), text);
}

#[test]
fn anthropic_requests_and_events_survive_a_round_trip() {
    let request = json!({
        "model": "m", "max_tokens": 5, "system": "Be brief.", "stream": true,
        "messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "18"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "f"}, "top_k": 3
    });
    assert_eq!(round_trip::<anthropic::Request>(&request), request);
    for event in [
        json!({"type": "message_start", "message": {"id": "m1", "type": "message", "role": "assistant",
            "model": "m", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
        json!({"type": "ping"}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ] {
        assert_eq!(round_trip::<anthropic::Event>(&event), event);
        let parsed: anthropic::Event = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(event["type"], parsed.name());
    }
}

#[test]
fn gemini_requests_and_responses_survive_a_round_trip() {
    let request = json!({
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"maxOutputTokens": 5, "topP": 0.5},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "safetySettings": []
    });
    assert_eq!(round_trip::<gemini::Request>(&request), request);
    let response = json!({
        "candidates": [{"content": {"role": "model", "parts": [
            {"text": "hm", "thought": true}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
            "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
        "modelVersion": "m", "responseId": "r"
    });
    assert_eq!(round_trip::<gemini::Response>(&response), response);
}

#[test]
fn cohere_requests_and_events_survive_a_round_trip() {
    let request = json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "REQUIRED", "max_tokens": 5, "p": 0.9
    });
    assert_eq!(round_trip::<cohere::Request>(&request), request);
    for event in [
        json!({"type": "message-start", "id": "r", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "content-start", "index": 0,
            "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "a"}}}}),
        json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls":
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {
            "billed_units": {"input_tokens": 1, "output_tokens": 2},
            "tokens": {"input_tokens": 60, "output_tokens": 2}}}}),
    ] {
        assert_eq!(round_trip::<cohere::Event>(&event), event);
        let parsed: cohere::Event = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(event["type"], parsed.kind.name());
    }
}

//! Streams and answers as OpenAI and its dialects send them.

use serde_json::json;

use super::*;
use crate::{
    ErrorKind,
    wire::{
        Role, Usage as NeutralUsage, decode_models, decode_response,
        tests::{decode_all, provider, request, user},
    },
};

use ProviderKind::{Custom, Deepseek, Groq, LlamaCpp, Mistral, Openai, Openrouter, Xai};

/// What the `data` of one stream says.
fn decode(kind: ProviderKind, data: &[&str]) -> Vec<StreamEvent> {
    let events: Vec<(&str, &str)> = data.iter().map(|data| ("", *data)).collect();
    decode_all(kind, &events).0
}

fn text(text: &str) -> StreamEvent {
    StreamEvent::Text(text.to_owned())
}

fn reasoning(text: &str) -> StreamEvent {
    StreamEvent::Reasoning(text.to_owned())
}

fn id(id: &str) -> StreamEvent {
    StreamEvent::Id(id.to_owned())
}

fn usage(input: u64, cached: Option<u64>, output: u64, reasoning: Option<u64>) -> NeutralUsage {
    NeutralUsage {
        input_tokens: Some(input),
        cached_input_tokens: cached,
        output_tokens: Some(output),
        reasoning_tokens: reasoning,
    }
}

fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> StreamEvent {
    StreamEvent::ToolCall(ToolCallDelta {
        index,
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
    })
}

#[test]
fn an_openai_stream() {
    let (events, finished) = decode_all(
        Openai,
        &[
            (
                "",
                r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
            ),
            (
                "",
                r#"{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hé\n"},"finish_reason":null}]}"#,
            ),
            ("", r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
            (
                "",
                r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}}"#,
            ),
            ("", "[DONE]"),
        ],
    );
    assert!(finished);
    assert_eq!(
        events,
        [
            id("c1"),
            text("Hé\n"),
            StreamEvent::Finish(FinishReason::Stop),
            StreamEvent::Usage(usage(10, Some(4), 7, Some(3))),
            StreamEvent::Done,
        ]
    );
}

#[test]
fn chunks_without_content_yield_nothing() {
    for data in [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#,
        r#"{"choices":[{"delta":{"content":"","reasoning":null,"reasoning_content":"","tool_calls":null}}]}"#,
        r#"{"choices":[{"delta":null,"finish_reason":""}]}"#,
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"choices":null,"error":null,"usage":null}"#,
        "  ",
        "{}",
    ] {
        assert_eq!(decode(Custom, &[data]), [], "{data}");
    }
}

#[test]
fn a_stream_is_finished_by_a_finish_reason_or_the_end_mark_alone() {
    let begun = ("", r#"{"choices":[{"delta":{"content":"a"}}]}"#);
    let finish = ("", r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#);
    assert!(!decode_all(Openai, &[begun]).1);
    assert!(decode_all(Openai, &[begun, finish]).1);
    assert!(decode_all(Openai, &[begun, ("", " [DONE] ")]).1);
}

#[test]
fn reasoning_in_all_spellings() {
    let deepseek = r#"{"choices":[{"delta":{"content":null,"reasoning_content":"hm"}}]}"#;
    assert_eq!(decode(Deepseek, &[deepseek]), [reasoning("hm")]);
    let openrouter = r#"{"choices":[{"delta":{"content":"","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}}]}"#;
    assert_eq!(decode(Openrouter, &[openrouter]), [reasoning("hm")]);
    let both = r#"{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}"#;
    assert_eq!(decode(ProviderKind::Vllm, &[both]), [reasoning("hm")]);
    let mistral = r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"yes"}]}}]}"#;
    assert_eq!(decode(Mistral, &[mistral]), [reasoning("hm"), text("yes")]);
    let inline = [
        r#"{"choices":[{"delta":{"content":"<th"}}]}"#,
        r#"{"choices":[{"delta":{"content":"ink>hm</"}}]}"#,
        r#"{"choices":[{"delta":{"content":"think>yes"}}]}"#,
    ];
    assert_eq!(decode(ProviderKind::Ollama, &inline), [reasoning("hm"), text("yes")]);
}

#[test]
fn held_text_comes_out_before_the_finish_reason() {
    let data = [
        r#"{"choices":[{"delta":{"content":"<"}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ];
    assert_eq!(decode(Openai, &data), [text("<"), StreamEvent::Finish(FinishReason::Stop)]);
}

#[test]
fn refusals_are_visible_text() {
    assert_eq!(decode(Openai, &[r#"{"choices":[{"delta":{"refusal":"No."}}]}"#]), [text("No.")]);
}

#[test]
fn parallel_tool_calls() {
    let events = decode(
        Openai,
        &[
            r#"{"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}},{"index":1,"function":{"arguments":"{"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"","function":{"name":null,"arguments":"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
    );
    assert_eq!(
        events,
        [
            call(0, Some("a"), Some("f"), ""),
            call(1, Some("b"), Some("g"), ""),
            call(0, None, None, "{\"x\""),
            call(1, None, None, "{"),
            call(1, None, None, "}"),
            StreamEvent::Finish(FinishReason::ToolCalls),
        ]
    );
}

#[test]
fn calls_without_an_index_are_told_apart_by_their_ids() {
    let events = decode(
        Custom,
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x":1}}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}"#,
        ],
    );
    assert_eq!(
        events,
        [
            call(0, Some("a"), Some("f"), r#"{"x":1}"#),
            call(1, Some("b"), Some("g"), ""),
            call(1, None, None, "{}"),
        ]
    );
}

#[test]
fn usage_in_every_dialect() {
    for (kind, data, expected) in [
        (
            Groq,
            r#"{"id":"g","x_groq":{"id":"r","usage":{"queue_time":0.1,"prompt_tokens":5,"completion_tokens":6}},"choices":[]}"#,
            usage(5, None, 6, None),
        ),
        (
            Deepseek,
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":1}}"#,
            usage(9, Some(8), 2, None),
        ),
        (
            ProviderKind::Together,
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"cached_tokens":3}}"#,
            usage(9, Some(3), 2, None),
        ),
        (
            LlamaCpp,
            r#"{"choices":[],"usage":{"prompt_tokens":9.0,"completion_tokens":2,"total_tokens":11},"timings":{"prompt_n":9,"predicted_ms":1.5}}"#,
            usage(9, None, 2, None),
        ),
        (
            Custom,
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}}"#,
            usage(1, None, 2, None),
        ),
    ] {
        let events = decode(kind, &[data]);
        assert_eq!(events.last(), Some(&StreamEvent::Usage(expected)), "{data}");
    }
}

#[test]
fn xai_leaves_reasoning_out_of_its_completion_tokens() {
    let apart = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}}"#;
    let together = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":25,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}}"#;
    let expected = [StreamEvent::Usage(usage(10, None, 25, Some(20)))];
    assert_eq!(decode(Xai, &[apart]), expected);
    assert_eq!(decode(Xai, &[together]), expected);
    assert_eq!(decode(Openai, &[together]), expected);
}

#[test]
fn errors_inside_a_stream() {
    for (name, data, message) in [
        ("", r#"{"error":{"message":"boom","type":"server_error","code":null}}"#, "server_error: boom"),
        ("", r#"{"error":"boom"}"#, "boom"),
        ("", r#"{"object":"error","message":"boom","code":500}"#, "boom"),
        (
            "",
            r#"{"id":"o","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"boom"}}"#,
            "boom",
        ),
        (
            "",
            r#"{"id":"o","choices":[{"delta":{},"finish_reason":"error","error":{"message":"boom"}}]}"#,
            "boom",
        ),
        ("", r#"{"message":"boom","request_id":"r"}"#, "boom"),
        ("error", r#"{"error":{"message":"boom"}}"#, "boom"),
        ("error", "boom", "boom"),
        ("", r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#, "the stream finished with an error"),
    ] {
        let (events, _) = decode_all(Custom, &[(name, data)]);
        let Some(StreamEvent::Error(error)) = events.last() else { panic!("{data}: {events:?}") };
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InStream, message), "{data}");
    }
}

#[test]
fn garbage_is_a_bad_response() {
    for data in ["{", "{\"choices\":7}", "hello", "\"text\"", "7"] {
        let events = decode(Custom, &[data]);
        assert!(
            matches!(events.as_slice(), [StreamEvent::Error(error)] if error.kind == ErrorKind::BadResponse),
            "{data}: {events:?}"
        );
    }
}

#[test]
fn a_request_is_written_exactly() {
    let mut request = request();
    request.messages.insert(0, crate::wire::Message { role: Role::System, ..user("Be brief.") });
    request.params.insert("max_tokens".into(), json!(5));
    request.params.insert("min_p".into(), json!(0.1));
    assert_eq!(
        serde_json::to_value(body(&provider(Openai), &request)).unwrap(),
        json!({
            "model": "some-model",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 5,
            "min_p": 0.1,
        })
    );
    let mistral = serde_json::to_value(body(&provider(Mistral), &request)).unwrap();
    assert_eq!(mistral.get("stream_options"), None);
    request.include_usage = false;
    assert!(body(&provider(Openai), &request).stream_options.is_none());
}

#[test]
fn a_conversation_with_tools_is_written_exactly() {
    let mut request = request();
    let call = crate::wire::ToolCall { id: "a".into(), name: "f".into(), arguments: "{\"x\":".into() };
    request.messages.push(crate::wire::Message { role: Role::Assistant, tool_calls: vec![call], ..user("") });
    request.messages.push(crate::wire::Message {
        role: Role::Tool,
        tool_call_id: Some("a".into()),
        ..user("18")
    });
    assert_eq!(
        serde_json::to_value(&body(&provider(Openai), &request).messages[1..]).unwrap(),
        json!([
            {"role": "assistant", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":"}}]},
            {"role": "tool", "content": "18", "tool_call_id": "a"},
        ])
    );
}

#[test]
fn a_whole_answer() {
    let answer = decode_response(
        &provider(LlamaCpp),
        br#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
            "message":{"role":"assistant","content":"<think>hm</think>yes",
                "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
            "finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},"timings":{"predicted_n":4}}"#,
    )
    .unwrap();
    assert_eq!(answer.id.as_deref(), Some("c1"));
    assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("yes", "hm"));
    assert_eq!(answer.tool_calls[0].name, "f");
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    assert_eq!(answer.usage, usage(3, None, 4, None));
}

#[test]
fn an_error_in_a_200_answer_is_an_error() {
    let openrouter = provider(Openrouter);
    let error = decode_response(&openrouter, br#"{"error":{"code":429,"message":"slow down"}}"#).unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::RateLimited, Some(429)));
    assert_eq!(error.message, "OpenRouter answered with an error: slow down");
    assert_eq!(decode_response(&openrouter, b"<html>").unwrap_err().kind, ErrorKind::BadResponse);
    assert_eq!(decode_response(&openrouter, b"{}").unwrap_err().kind, ErrorKind::Server);
}

#[test]
fn model_lists_of_every_dialect() {
    let list = |kind, body: &str| {
        let models = decode_models(&provider(kind), body.as_bytes()).unwrap();
        models.into_iter().map(|m| (m.id, m.context_window, m.max_output_tokens)).collect::<Vec<_>>()
    };
    for (kind, body, expected) in [
        (
            Openai,
            r#"{"object":"list","data":[{"id":"gpt","object":"model","created":1,"owned_by":"x"}]}"#,
            ("gpt", None, None),
        ),
        (
            ProviderKind::Vllm,
            r#"{"data":[{"id":"v","max_model_len":4096,"permission":[]}]}"#,
            ("v", Some(4096), None),
        ),
        (
            LlamaCpp,
            r#"{"models":[{"name":"x"}],"data":[{"id":"l","meta":{"n_ctx_train":8192,"n_vocab":1}}]}"#,
            ("l", Some(8192), None),
        ),
        (
            LlamaCpp,
            r#"{"data":[{"id":"l","meta":{"n_ctx_train":8192,"n_ctx":2048}}]}"#,
            ("l", Some(2048), None),
        ),
        (
            Openrouter,
            r#"{"data":[{"id":"o/r","name":"R","context_length":100,"top_provider":{"context_length":90,"max_completion_tokens":10}}]}"#,
            ("o/r", Some(100), Some(10)),
        ),
        (
            Mistral,
            r#"{"data":[{"id":"emb","capabilities":{"completion_chat":false}},{"id":"m","capabilities":{"completion_chat":true},"max_context_length":32768,"type":"base"}]}"#,
            ("m", Some(32768), None),
        ),
        (
            Groq,
            r#"{"data":[{"id":"off","active":false},{"id":"g","active":true,"context_window":131072,"max_completion_tokens":8192}]}"#,
            ("g", Some(131072), Some(8192)),
        ),
        (
            ProviderKind::Together,
            r#" [{"id":"flux","type":"image"},{"id":"t","type":"chat","display_name":"T","context_length":0}]"#,
            ("t", None, None),
        ),
        (
            ProviderKind::LmStudio,
            r#"{"data":[{"id":"s","capabilities":["tool_use"],"max_context_length":4096}]}"#,
            ("s", Some(4096), None),
        ),
    ] {
        let (id, window, output) = expected;
        assert_eq!(list(kind, body), [(id.to_owned(), window, output)], "{body}");
    }
    assert_eq!(list(Openai, r#"{"object":"list","data":null}"#), []);
    assert!(decode_models(&provider(Openai), b"not json").is_err());
}

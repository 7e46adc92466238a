//! Whatever an endpoint sends, every decoder answers with events or an error, and never panics.

use http::HeaderMap;
use proptest::prelude::*;
use serde_json::Value;

use super::{decode_all, provider};
use crate::{
    ProviderKind,
    wire::{Decoder, StreamEvent, decode_error, decode_models, decode_response},
};

const KINDS: [ProviderKind; 5] = [
    ProviderKind::Openai,
    ProviderKind::Xai,
    ProviderKind::Anthropic,
    ProviderKind::Gemini,
    ProviderKind::Cohere,
];

/// One event of each protocol that has most of its fields.
const EVENTS: [&str; 5] = [
    r#"{"id":"c","choices":[{"index":0,"delta":{"content":"a","reasoning":"b","tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}"#,
    r#"{"type":"message_start","message":{"id":"m","content":[{"type":"text","text":"a"}],"usage":{"input_tokens":1,"cache_read_input_tokens":2}}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a","thought":true},{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}],"usageMetadata":{"candidatesTokenCount":1,"thoughtsTokenCount":2}}"#,
    r#"{"type":"message-end","delta":{"message":{"content":{"text":"a"}},"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":1}}}}"#,
];

/// Puts `value` where the `at`-th node of the document stands.
fn replace(document: &mut Value, at: &mut usize, value: &Value) {
    if *at == 0 {
        document.clone_from(value);
    }
    *at = at.wrapping_sub(1);
    match document {
        Value::Array(list) => list.iter_mut().for_each(|node| replace(node, at, value)),
        Value::Object(object) => object.values_mut().for_each(|node| replace(node, at, value)),
        _ => {}
    }
}

fn try_everything(data: &[u8]) {
    for kind in KINDS {
        let provider = provider(kind);
        let mut decoder = Decoder::new(&provider);
        let mut out = Vec::new();
        decoder.decode("", data, &mut out);
        decoder.decode("error", data, &mut out);
        decoder.decode("", data, &mut out);
        decoder.end(&mut out);
        let _ = decode_response(&provider, data);
        let _ = decode_models(&provider, data);
        assert!(decode_error(&provider, 500, &HeaderMap::new(), data).message.chars().count() < 500);
    }
}

proptest! {
    #[test]
    fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
        try_everything(&data);
    }

    #[test]
    fn a_known_event_with_anything_in_one_place(
        event in prop::sample::select(&EVENTS[..]),
        at in 0usize..30,
        value in prop::sample::select(vec!["null", "[]", "{}", "-1", "1.5e300", "\"x\"", "true", "[[1]]", "18446744073709551615"]),
    ) {
        let mut document: Value = serde_json::from_str(event).unwrap();
        replace(&mut document, &mut { at }, &serde_json::from_str(value).unwrap());
        try_everything(document.to_string().as_bytes());
    }
}

#[test]
fn absurd_counts_are_not_believed() {
    let max = u64::MAX;
    for (kind, data) in [
        (
            ProviderKind::Xai,
            format!(
                r#"{{"choices":[],"usage":{{"prompt_tokens":{max},"completion_tokens":{max},"total_tokens":{max},"completion_tokens_details":{{"reasoning_tokens":{max}}}}}}}"#
            ),
        ),
        (
            ProviderKind::Anthropic,
            format!(
                r#"{{"type":"message_delta","delta":{{}},"usage":{{"input_tokens":{max},"cache_read_input_tokens":{max},"cache_creation_input_tokens":{max},"output_tokens":{max}}}}}"#
            ),
        ),
        (
            ProviderKind::Gemini,
            format!(r#"{{"usageMetadata":{{"candidatesTokenCount":{max},"thoughtsTokenCount":{max}}}}}"#),
        ),
    ] {
        let (events, _) = decode_all(kind, &[("", &data)]);
        let Some(StreamEvent::Usage(usage)) = events.last() else { panic!("{events:?}") };
        assert_eq!(usage.output_tokens, None);
    }
}

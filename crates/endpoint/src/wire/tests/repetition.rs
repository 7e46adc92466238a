//! Recognising an event by the bytes around its text finds what the parser finds.

use proptest::prelude::*;

use super::provider;
use crate::{
    ProviderKind,
    wire::{Decoder, ProtocolDecoder, StreamEvent},
};

/// Events of real servers, each with the name of its event, and `@` where the generated text stands.
const EVENTS: [(ProviderKind, &str, &str); 17] = [
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"chatcmpl-B9","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1","service_tier":"default","system_fingerprint":"fp_4","choices":[{"index":0,"delta":{"content":"@"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aB3"}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"@"},"logprobs":{"content":[{"token":"@","logprob":-0.1}]},"finish_reason":null}]}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"@","refusal":null},"finish_reason":null}],"usage":null}"#,
    ),
    (ProviderKind::Openai, "", r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"@"}]}"#),
    (ProviderKind::Openai, "", r#"{"id":"@","choices":[],"usage":{"completion_tokens":5}}"#),
    (ProviderKind::Openai, "", r#"{"error":{"message":"@","code":500}}"#),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"@"}}]}}]}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"@"},"finish_reason":"stop"}],"usage":{"completion_tokens":5}}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c", "choices": [{"delta": {"content": null, "reasoning_content": "@"}, "index": 0}]}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning":"@","reasoning_content":"@","content":""}}]}"#,
    ),
    (
        ProviderKind::Openai,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"@"}]}]}}]}"#,
    ),
    (
        ProviderKind::Anthropic,
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}}"#,
    ),
    (
        ProviderKind::Anthropic,
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"@"}}"#,
    ),
    (
        ProviderKind::Anthropic,
        "error",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"@"}}"#,
    ),
    (
        ProviderKind::Gemini,
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"@"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"r"}"#,
    ),
    (
        ProviderKind::Gemini,
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"@","thought":true}],"role":"model"}}],"usageMetadata":{"totalTokenCount":5}}"#,
    ),
    (
        ProviderKind::Cohere,
        "content-delta",
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"@"}}}}"#,
    ),
];

/// Bytes as they may stand between the quotation marks of the text, valid JSON or not.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let plain = "[a-z <>/é漢🦀]{0,8}".prop_map(String::into_bytes);
    let odd = prop::sample::select(vec![
        &b"Hello"[..],
        b"",
        b" ",
        b"\\n",
        b"\\\"quoted\\\"",
        b"\\u00e9\\ud83e\\udd80",
        b"\\ud83e",
        b"\\x",
        b"\\",
        b"\"",
        b"a\",\"content\":\"b",
        b"a\"},\"finish_reason\":\"stop\",\"x\":{\"y\":\"",
        b"\x01",
        b"\t",
        b"\xff",
        b"\xc3",
        b"<think>",
        b"</think>",
        b"text_delta",
        b"error",
        b"stop",
        b"probe",
        b"@",
    ]);
    prop_oneof![3 => plain, 2 => odd.prop_map(<[u8]>::to_vec)]
}

fn filled(template: &str, text: &[u8]) -> Vec<u8> {
    template.split('@').map(str::as_bytes).collect::<Vec<_>>().join(text)
}

/// What both decoders find in a stream of these events, event by event.
fn assert_same(kind: ProviderKind, events: &[(&str, Vec<u8>)]) -> Result<u32, TestCaseError> {
    let mut decoder = Decoder::new(&provider(kind));
    let mut parser: ProtocolDecoder = Decoder::new(&provider(kind)).protocol;
    let mut recognised = 0;
    for (name, data) in events {
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        recognised += u32::from(decoder.repetition.recognise(name, data).is_some());
        decoder.decode(name, data, &mut found);
        parser.decode(name, data.trim_ascii(), &mut expected);
        prop_assert_eq!(&found, &expected, "{} {}", name, String::from_utf8_lossy(data));
        prop_assert_eq!(
            decoder.finished(),
            Decoder { protocol: parser.clone(), ..Decoder::new(&provider(kind)) }.finished()
        );
    }
    Ok(recognised)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Any mixture of events of one provider, with any texts, cut off at any place or not.
    #[test]
    fn what_is_recognised_is_what_the_parser_finds(
        kind in prop::sample::select(vec![
            ProviderKind::Openai, ProviderKind::Anthropic, ProviderKind::Gemini, ProviderKind::Cohere,
        ]),
        picks in prop::collection::vec(
            (any::<prop::sample::Index>(), 1usize..6, prop::collection::vec(text(), 6), 0usize..40),
            1..8,
        ),
    ) {
        let of_kind: Vec<_> = EVENTS.iter().filter(|(of, ..)| *of == kind).collect();
        let mut events = Vec::new();
        for (pick, times, texts, cut) in &picks {
            let (_, name, template) = of_kind[pick.index(of_kind.len())];
            for text in texts.iter().take(*times) {
                let mut data = filled(template, text);
                if *cut < 3 {
                    data.truncate(data.len() - 1 - cut);
                }
                events.push((*name, data));
            }
        }
        assert_same(kind, &events)?;
    }
}

#[test]
fn the_usual_events_are_recognised() {
    for (kind, name, template) in EVENTS {
        let is_plain_text = template.matches('@').count() == 1
            && !["error", "finish_reason\":\"", "usage\":{", "usageMetadata", "tool_calls"]
                .iter()
                .any(|word| template.contains(word));
        let data = |text: &str| (name, filled(template, text.as_bytes()));
        let events = ["Hello", " world", "\\n\\n", "é", "it's", "<b>"].map(data);
        let recognised = assert_same(kind, &events).unwrap();
        // The first has the id, the second is learned.
        let expected = if is_plain_text { 4 } else { 0 };
        assert!(recognised >= expected && (expected > 0 || recognised == 0), "{recognised} of {template}");
    }
}

#[test]
fn a_changed_event_is_learned_anew_and_what_never_repeats_is_given_up() {
    let chunk = |created: u32, text: &str| {
        let data =
            format!(r#"{{"id":"c","created":{created},"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
        ("", data.into_bytes())
    };
    let texts = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let every_second: Vec<_> = (0..60).flat_map(|second| texts.map(|text| chunk(second, text))).collect();
    let recognised = assert_same(ProviderKind::Openai, &every_second).unwrap();
    assert!(recognised >= 60 * 9 - 1, "{recognised}");
    let never_twice: Vec<_> = (0..60).map(|number| chunk(number, "a")).collect();
    assert_eq!(assert_same(ProviderKind::Openai, &never_twice).unwrap(), 0);
    let mut decoder = Decoder::new(&provider(ProviderKind::Openai));
    let mut out: Vec<StreamEvent> = Vec::new();
    for (name, data) in &never_twice {
        decoder.decode(name, data, &mut out);
    }
    assert!(!decoder.repetition.still_learns());
}

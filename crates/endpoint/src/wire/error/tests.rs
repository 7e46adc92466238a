//! Masking, bounding, and what error answers of each dialect become.

use super::*;
use crate::{ProviderKind, wire::tests::provider};

#[test]
fn masks_everything_that_looks_like_a_key() {
    for (text, safe_text) in [
        (
            "Incorrect API key provided: sk-proj-AbC_12-x. See docs",
            "Incorrect API key provided: *** See docs",
        ),
        ("bad key AIzaSyD-1_x9", "bad key ***"),
        ("Authorization: Bearer 1a2b3c4d5e", "Authorization: Bearer ***"),
        ("{\"api_key\":\"abcd1234efgh\"}", "{\"api_key\":\"***\"}"),
        ("?key=abcd1234&x=1", "?key=***&x=1"),
        ("got Zx81kfP0aQmN27vTbYc5LdRe", "got ***"),
        ("sk-ant-api03-abc***xyz is wrong", "*** is wrong"),
    ] {
        assert_eq!(safe(text), safe_text);
    }
}

#[test]
fn leaves_ordinary_words_alone() {
    for text in [
        "The model `meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8` does not exist",
        "claude-sonnet-4-5-20250929: max_tokens: 99999 > 64000",
        "This key is not allowed; request 7f3b1c2e-aaaa-4bbb-8ccc-1234567890ab failed",
    ] {
        assert_eq!(safe(text), text);
    }
}

#[test]
fn text_is_one_bounded_line() {
    assert_eq!(safe(" a\n\tb\u{1b}[31m c "), "a b [31m c");
    let long = safe(&"é ".repeat(1_000));
    assert_eq!(long.chars().count(), MAX_TEXT + 1);
    assert!(long.ends_with('…'));
}

#[test]
fn every_dialect_of_error_body_is_read() {
    for (body, text) in [
        (r#"{"error":{"message":"m1","type":"t","code":null}}"#, "t: m1"),
        (r#"{"error":"model 'x' not found"}"#, "model 'x' not found"),
        (r#"{"object":"error","message":"m2","code":400}"#, "m2"),
        (r#"{"detail":"m3"}"#, "m3"),
        (r#"{"detail":[{"loc":["body"],"msg":"a"},{"msg":"b"}]}"#, "a; b"),
        (r#"{"message":{"detail":[{"msg":"m4"}]}}"#, "m4"),
        (r#"[{"error":{"code":503,"message":"m5","status":"UNAVAILABLE"}}]"#, "UNAVAILABLE: m5"),
        (
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"why"}}}"#,
            "Provider returned error (why)",
        ),
        (r#"{"error":{"code":7}}"#, r#"{"code":7}"#),
        ("upstream\ntimed out", "upstream timed out"),
        ("<html><body>x</body></html>", "a web page came instead of JSON; is the base URL right?"),
    ] {
        let error = from_http(&provider(ProviderKind::Openai), 500, None, body.as_bytes());
        assert_eq!(error.message, format!("OpenAI answered HTTP 500: {text}"));
    }
    assert_eq!(
        from_http(&provider(ProviderKind::Openai), 502, None, b"").message,
        "OpenAI answered HTTP 502"
    );
}

#[test]
fn the_status_decides_the_kind() {
    for (status, kind) in [
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::AuthFailed),
        (402, ErrorKind::InvalidRequest),
        (403, ErrorKind::AuthFailed),
        (404, ErrorKind::NotFound),
        (422, ErrorKind::InvalidRequest),
        (429, ErrorKind::RateLimited),
        (498, ErrorKind::Overloaded),
        (500, ErrorKind::Server),
        (503, ErrorKind::Overloaded),
        (529, ErrorKind::Overloaded),
    ] {
        assert_eq!(from_http(&provider(ProviderKind::Groq), status, None, b"{}").kind, kind, "{status}");
    }
    let wrong_key = br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
        "details":[{"reason":"API_KEY_INVALID"}]}}"#;
    let error = from_http(&provider(ProviderKind::Gemini), 400, None, wrong_key);
    assert_eq!(error.kind, ErrorKind::AuthFailed);
    assert!(error.message.ends_with("check the API key in GEMINI_API_KEY"), "{}", error.message);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    for (value, expected) in [
        ("20", Some(20)),
        (" 1.2 ", Some(2)),
        ("0", Some(0)),
        ("Mon, 05 Jan 2026 10:00:30 GMT", Some(30)),
        ("Mon, 05 Jan 2026 09:00:00 GMT", Some(0)),
        ("-1", None),
        ("NaN", None),
        ("soon", None),
    ] {
        assert_eq!(seconds(value, now), expected, "{value}");
    }
}

#[test]
fn gemini_says_in_the_body_how_long_to_wait() {
    let body = br#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}"#;
    let gemini = provider(ProviderKind::Gemini);
    assert_eq!(from_http(&gemini, 429, None, body).retry_after_s, Some(35));
    assert_eq!(from_http(&gemini, 429, Some("3"), body).retry_after_s, Some(3));
}

#[test]
fn garbage_is_quoted_and_never_panics() {
    let error = serde_json::from_slice::<u8>(b"\xff{").unwrap_err();
    let answer = unreadable(b"\xff{ sk-abcdefgh", &error);
    assert_eq!(answer.kind, ErrorKind::BadResponse);
    assert!(answer.message.ends_with("{ ***"), "{}", answer.message);
    assert_eq!(in_stream(b"\xfe\xff").kind, ErrorKind::InStream);
}

//! Tests of endpoints that are odd but readable.

use bench::types::TokenSource;

use super::*;

async fn assert_measured(name: &str, script: Vec<Do>) {
    let runs = runs(script).await;
    for run in &runs {
        assert!(run.success, "{name}: {:?}", run.error);
        assert_eq!((run.chunks, run.output_tokens), (2, Some(7)), "{name}");
        assert!(run.ttft_ms.is_some() && run.total_time_s >= run.ttft_ms.map(|ms| ms / 1e3), "{name}");
    }
    assert_eq!(runs.len(), 2, "{name}");
}

#[tokio::test]
async fn every_framing_of_a_response_is_read() {
    let whole = answer();
    let chunked = |body: &str| format!("{}{}0\r\n\r\n", head("transfer-encoding: chunked\r\n"), chunk(body));
    let extended = format!(
        "{}{:x};name=value;quoted=\"x\"\r\n{whole}\r\n0\r\nx-trailer: 1\r\n\r\n",
        head("Transfer-Encoding: Chunked\r\nTrailer: x-trailer\r\n"),
        whole.len()
    );
    let with_pings = whole.replace("data: ", ": keep-alive\n\nevent: ping\ndata:\n\nretry: 5\nid: 9\ndata: ");
    for (name, script) in [
        ("content-length", vec![write(stream_of(&whole))]),
        ("chunked", vec![write(chunked(&whole))]),
        ("extensions and trailers", vec![write(extended)]),
        ("until the connection closes", vec![write(head("") + &whole), Do::Close]),
        ("connection: close", vec![write(head("connection: close\r\n") + &whole), Do::Close]),
        ("HTTP/1.0", vec![write(format!("HTTP/1.0 200 OK\r\n\r\n{whole}")), Do::Close]),
        ("100 Continue", vec![write("HTTP/1.1 100 Continue\r\n\r\n"), write(chunked(&whole))]),
        (
            "103 Early Hints",
            vec![write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"), write(chunked(&whole))],
        ),
        ("CRLF", vec![write(stream_of(&whole.replace('\n', "\r\n")))]),
        ("CR", vec![write(stream_of(&whole.replace('\n', "\r")))]),
        ("byte order mark", vec![write(stream_of(&format!("\u{feff}{whole}")))]),
        ("no space after the colon", vec![write(stream_of(&whole.replace("data: ", "data:")))]),
        ("comments and pings", vec![write(stream_of(&with_pings))]),
        ("no content-type", vec![write(sized("200 OK", &whole))]),
        (
            "odd content-type",
            vec![write(sized("200 OK\r\nCONTENT-TYPE: Text/Event-Stream; Charset=UTF-8", &whole))],
        ),
        ("events called JSON", vec![write(sized("200 OK\r\ncontent-type: application/json", &whole))]),
        ("identity coding", vec![write(sized("200 OK\r\ncontent-encoding: identity", &whole))]),
        ("last blank line missing", vec![write(stream_of(whole.trim_end()))]),
        ("no end mark", vec![write(stream_of(whole.trim_end_matches(DONE)))]),
    ] {
        assert_measured(name, script).await;
    }
}

#[tokio::test]
async fn a_response_may_be_split_at_every_byte() {
    let body = [&text("é"), &text("🦀"), &finish("漢字🦀"), &usage("7"), DONE].concat().replace('\n', "\r\n");
    let framed = format!("{}0\r\n\r\n", chunk(&body));
    let script = vec![write(head("transfer-encoding: chunked\r\n")), Do::Drip(framed.into())];
    for run in runs(script).await {
        assert!(run.success, "{:?}", run.error);
        assert_eq!((run.chunks, run.output_tokens), (2, Some(7)));
        assert_eq!(run.finish_reason.as_deref(), Some("漢字🦀"));
    }
}

#[tokio::test]
async fn data_after_the_end_mark_is_ignored() {
    let late =
        [&answer(), &text("c"), "data: {garbage\n\n", &event(r#"{"error":"late"}"#), &usage("99")].concat();
    let open = head("transfer-encoding: chunked\r\n") + &chunk(&answer());
    for (name, script) in [
        ("events", vec![write(stream_of(&late))]),
        ("bytes beyond the length", vec![write(stream_of(&answer()) + "HTTP/1.1 500 Oops\r\n\r\n")]),
        (
            "an unasked 408",
            vec![write(stream_of(&answer())), write("HTTP/1.1 408 Timeout\r\n\r\n"), Do::Close],
        ),
        ("an open connection", vec![write(open.clone()), Do::Hold]),
        ("an open connection without framing", vec![write(head("") + &answer()), Do::Hold]),
        ("a cut", vec![write(open.clone()), Do::Close]),
        ("broken framing", vec![write(open.clone() + "zz\r\n"), Do::Close]),
        ("comments without end", vec![write(head("") + &answer()), Do::Endless(b": ping\n\n".to_vec())]),
        ("a length never reached", vec![write(head("content-length: 99999\r\n") + &answer()), Do::Close]),
    ] {
        assert_measured(name, script).await;
    }
}

#[tokio::test]
async fn a_kept_connection_may_be_closed_at_any_time() {
    assert_measured("before the next request", vec![write(stream_of(&answer())), Do::Close]).await;
    assert_measured("with the next request", vec![write(stream_of(&answer())), Do::Read, Do::Close]).await;
}

/// A server that closes after a while has received the request, so a retry would hide a failure.
#[tokio::test]
async fn a_received_request_is_not_retried() {
    let pause = Do::Pause(std::time::Duration::from_millis(1_200));
    let script = vec![write(stream_of(&answer())), Do::Read, pause, Do::Close];
    let runs = runs(script).await;
    assert!(runs[0].success);
    assert_eq!(runs[1].error.as_ref().unwrap().kind.as_str(), "connection_lost");
}

#[tokio::test]
async fn a_complete_response_instead_of_a_stream_is_one_chunk() {
    let body = concat!(
        "{\n  \"id\": \"r1\",\n  \"choices\": [{\"message\": {\"content\": \"whole\"}, \"finish_reason\": \"stop\"}],\n",
        "  \"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 7}\n}\n"
    );
    for content_type in [
        "",
        "\r\ncontent-type: application/json",
        "\r\nContent-Type: Application/JSON",
        "\r\ncontent-type: text/event-stream",
    ] {
        for run in runs(vec![write(sized(&format!("200 OK{content_type}"), body))]).await {
            assert!(run.success, "{content_type}: {:?}", run.error);
            assert_eq!((run.chunks, run.output_tokens), (1, Some(7)), "{content_type}");
            assert_eq!(run.finish_reason.as_deref(), Some("stop"));
        }
    }
}

#[tokio::test]
async fn content_is_found_in_every_field() {
    let delta = |delta: &str| event(&format!(r#"{{"id":"r1","choices":[{{"index":0,"delta":{delta}}}]}}"#));
    let call = r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}"#;
    for (name, first) in [
        (
            "parts",
            delta(
                r#"{"content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":null}]}"#,
            ),
        ),
        ("tool calls", delta(call)),
        ("tool calls with an object", delta(&call.replace(r#""{}""#, r#"{"a":1}"#))),
        ("reasoning", delta(r#"{"reasoning_content":"hm","content":null}"#)),
        ("reasoning by another name", delta(r#"{"reasoning":"hm","content":""}"#)),
        ("after a role", delta(r#"{"role":"assistant","content":""}"#) + &text("a")),
        ("beside nulls", event(r#"{"id":"r1","choices":null,"usage":null,"error":null}"#) + &text("a")),
        ("beside an empty chunk", event(r#"{"id":"r1","choices":[{"index":0}]}"#) + &text("a")),
    ] {
        let body = [&first, &first.replace("\"hm\"", "\"so\""), &finish("stop"), &usage("7"), DONE].concat();
        let run = runs(vec![write(stream_of(&body))]).await.remove(1);
        assert!(run.success, "{name}: {:?}", run.error);
        assert_eq!((run.chunks, run.output_tokens), (2, Some(7)), "{name}");
    }
}

#[tokio::test]
async fn plausible_usage_is_used() {
    let content = [text("one two"), text(" three")].concat();
    let whole = |usage: &str| [&content, &finish("stop"), usage, DONE].concat();
    let reported = |tokens| (Some(tokens), Some(TokenSource::Reported));
    let estimated = (Some(3), Some(TokenSource::Estimated));
    for (name, body, expected) in [
        ("before the content", usage("7") + &whole(""), reported(7)),
        ("twice", usage("3") + &whole(&usage("7")), reported(7)),
        ("a float", whole(&usage("7.0")), reported(7)),
        ("text", whole(&usage("\"7\"")), reported(7)),
        ("missing", whole(""), estimated),
        ("null", whole(&usage("null")), estimated),
        ("negative", whole(&usage("-7")), estimated),
        ("zero beside content", whole(&usage("0")), estimated),
        ("beyond belief", whole(&usage("1e300")), estimated),
        ("beyond 64 bits", whole(&usage("99999999999999999999999")), estimated),
        ("a list", whole(&usage("[7]")), estimated),
        ("a usage that is text", whole(&event(r#"{"id":"r1","choices":[],"usage":"none"}"#)), estimated),
        ("a usage that is false", whole(&event(r#"{"id":"r1","choices":[],"usage":false}"#)), estimated),
    ] {
        for run in runs(vec![write(stream_of(&body))]).await {
            assert!(run.success, "{name}: {:?}", run.error);
            assert_eq!((run.output_tokens, run.token_source), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn ids_and_reasons_are_limited_and_have_no_control_characters() {
    let long = "x".repeat(100_000);
    let id = event(&format!(r#"{{"id":"\u001b[31m{long}","choices":[{{"delta":{{"content":"a"}}}}]}}"#));
    let body = [&id, &finish(&format!(r"\u0007\n{long}")), DONE].concat();
    let run = runs(vec![write(stream_of(&body))]).await.remove(0);
    assert!(run.success, "{:?}", run.error);
    for label in [run.response_id.unwrap(), run.finish_reason.unwrap()] {
        assert!(label.len() <= 200 && !label.contains(char::is_control), "{label:?}");
    }
}

#[tokio::test]
async fn every_protocol_may_send_a_complete_response() {
    use endpoint::Protocol::{AnthropicMessages, CohereChat, GeminiGenerate};
    for (protocol, body) in [
        (
            AnthropicMessages,
            r#"{"id":"r1","type":"message","role":"assistant","content":[{"type":"text","text":"whole"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":7}}"#,
        ),
        (
            GeminiGenerate,
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"whole"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7}}"#,
        ),
        (
            CohereChat,
            r#"{"id":"r1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"whole"}]},"usage":{"tokens":{"input_tokens":5,"output_tokens":7}}}"#,
        ),
    ] {
        let server = serve(vec![write(sized("200 OK", body))]).await;
        let mut target = target(&format!("http://127.0.0.1:{}", server.port), "m");
        target.provider.protocol = protocol;
        let run = bench(target, quick()).await.runs.remove(0);
        assert!(run.success, "{protocol:?}: {:?}", run.error);
        assert_eq!((run.chunks, run.output_tokens), (1, Some(7)), "{protocol:?}");
    }
}

/// Gemini's default: one JSON list, written in parts, although events were requested.
#[tokio::test]
async fn a_list_of_chunks_instead_of_events_is_reported() {
    let body = r#"[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},
{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}]"#;
    let server = serve(vec![write(sized("200 OK\r\ncontent-type: application/json", body))]).await;
    let mut target = target(&format!("http://127.0.0.1:{}", server.port), "m");
    target.provider.protocol = endpoint::Protocol::GeminiGenerate;
    let run = bench(target, quick()).await.runs.remove(0);
    assert_eq!(run.error.unwrap().kind.as_str(), "bad_response");
}

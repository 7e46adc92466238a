//! Tests of endpoints that cannot be measured: each failure has the right kind and one clear sentence, within
//! its timeout.

use bench::types::Timeouts;
use endpoint::{ApiError, ErrorKind};

use super::{server::greet, *};

fn error_of(name: &str, run: Run) -> ApiError {
    assert!(!run.success, "{name}");
    let error = run.error.unwrap();
    assert!(error.message.chars().count() < 600, "{name}: {} characters", error.message.len());
    assert!(!error.message.contains(char::is_control), "{name}: {}", error.message);
    assert!(!error.message.contains("battery"), "{name} shows the key: {}", error.message);
    error
}

async fn assert_fails(name: &str, script: Vec<Do>, kind: ErrorKind, words: &[&str]) {
    for run in runs(script).await {
        let error = error_of(name, run);
        assert_eq!(error.kind, kind, "{name}: {}", error.message);
        for word in words {
            assert!(error.message.contains(word), "{name}: no {word:?} in: {}", error.message);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = serve(vec![write(stream_of(&answer()))]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/v1?token=abcd1234", elsewhere.port);
        let response = sized(&format!("{status} Moved\r\nlocation: {location}"), "<html>moved</html>");
        let shown = location.split('?').next().unwrap();
        let words = [&status.to_string(), shown, "not followed", "base URL"];
        assert_fails("redirect", vec![write(response)], ErrorKind::BadResponse, &words).await;
    }
    let nowhere = vec![write(sized("302 Found", ""))];
    assert_fails("redirect to nowhere", nowhere, ErrorKind::BadResponse, &["redirect", "base URL"]).await;
    let mut elsewhere = elsewhere;
    assert!(elsewhere.requests.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn success_without_a_response_shows_what_was_received() {
    let page = "<!DOCTYPE html>\n<html><body>\ndata of our users: please log in</body></html>";
    for (name, response, words) in [
        ("204", "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), ["empty body", "base URL"]),
        ("empty", sized("200 OK", ""), ["empty body", "base URL"]),
        ("blank", sized("200 OK", " \r\n\r\n"), ["empty body", "base URL"]),
        ("login page", sized("200 OK\r\ncontent-type: text/html", page), ["web page", "login"]),
        ("page as events", sized("200 OK\r\ncontent-type: text/event-stream", page), ["web page", "login"]),
        ("page as JSON", sized("200 OK\r\ncontent-type: application/json", page), ["web page", "login"]),
        (
            "prose",
            sized("200 OK\r\ncontent-type: text/plain", "It works!"),
            ["It works!", "neither events nor JSON"],
        ),
        ("broken JSON", sized("200 OK", r#"{"choices": [{"mess"#), ["EOF", "choices"]),
        ("other JSON", sized("200 OK", r#"{"choices": 5}"#), ["choices", "expected"]),
        ("unreadable event", stream_of("data: {\"choices\": 5}\n\n"), ["protocol", "choices"]),
        ("gzip", sized("200 OK\r\ncontent-encoding: gzip", "\u{1f}\u{8b}..."), ["gzip", "compress"]),
    ] {
        assert_fails(name, vec![write(response)], ErrorKind::BadResponse, &words).await;
    }
}

#[tokio::test]
async fn a_response_without_content_is_no_output() {
    let filtered = [&finish("content_filter"), &usage("0"), DONE].concat();
    let whole = r#"{"id":"r1","choices":[{"message":{"content":null},"finish_reason":"length"}]}"#;
    for (name, response, word) in [
        ("finish only", stream_of(&filtered), "content_filter"),
        ("end mark only", stream_of(DONE), "nothing"),
        ("whole", sized("200 OK\r\ncontent-type: application/json", whole), "length"),
    ] {
        assert_fails(name, vec![write(response)], ErrorKind::NoOutput, &[word]).await;
    }
}

#[tokio::test]
async fn error_bodies_of_any_shape_are_shown() {
    let long = format!(r#"{{"error": "{}"}}"#, "no ".repeat(300_000));
    for (body, word) in [
        (r#"{"error": "plain reason"}"#, "plain reason"),
        (r#"{"error": {"message": "a reason", "type": "t"}}"#, "t: a reason"),
        (r#"{"error": {"message": {"detail": "deep reason"}}}"#, "deep reason"),
        (r#"{"detail": "the detail"}"#, "the detail"),
        (r#"{"message": "the message"}"#, "the message"),
        (r#"[{"error": {"message": "listed"}}]"#, "listed"),
        (r#"{"errors": ["in a list of its own"]}"#, "in a list of its own"),
        (r#"{"error": [[[{"x": 1}]]]}"#, "x"),
        ("null", "HTTP 500"),
        ("", "HTTP 500"),
        ("<html><h1>502</h1></html>", "web page"),
        (&long, "no no no"),
        (&"[".repeat(200_000), "[[["),
        (&"\u{1b}[2J\u{0}".repeat(100), "[2J"),
    ] {
        let response = sized("500 Oops\r\ncontent-type: application/json", body);
        assert_fails(&body[..body.len().min(60)], vec![write(response)], ErrorKind::Server, &[word]).await;
    }
    let packed = sized("429 Slow\r\nretry-after: 7\r\ncontent-encoding: gzip", "\u{1f}\u{8b}...");
    assert_fails("packed", vec![write(packed)], ErrorKind::RateLimited, &["HTTP 429"]).await;
    let stalled = vec![write("HTTP/1.1 503 Busy\r\ncontent-length: 50\r\n\r\npartly told"), Do::Close];
    assert_fails("stalled", stalled, ErrorKind::Overloaded, &["partly told"]).await;
    let endless = vec![write("HTTP/1.1 500 Oops\r\n\r\n"), Do::Endless(vec![b'e'; 1 << 16])];
    assert_fails("endless", endless, ErrorKind::Server, &["eee"]).await;
}

#[tokio::test]
async fn an_echoed_key_is_never_shown() {
    let pad = "x ".repeat(140);
    for body in [
        format!(r#"{{"error": "wrong key: {KEY}"}}"#),
        format!(r#"{{"error": "{pad}{KEY}"}}"#),
        format!("Authorization: Bearer {KEY}"),
        r#"{"error": "wrong key sk-proj-abcdefgh12345678"}"#.to_owned(),
    ] {
        let response = sized("401 Unauthorized", &body);
        assert_fails("refusal", vec![write(response)], ErrorKind::AuthFailed, &["***", "check the API key"])
            .await;
    }
    let in_stream = stream_of(&(text("a") + &event(&format!(r#"{{"error":{{"message":"bad {KEY}"}}}}"#))));
    assert_fails("in a stream", vec![write(in_stream)], ErrorKind::InStream, &["bad ***"]).await;
    let garbage = stream_of(&format!("data: {{{KEY}\n\n"));
    assert_fails("in garbage", vec![write(garbage)], ErrorKind::BadResponse, &["***"]).await;
    let location = sized(&format!("302 Found\r\nlocation: /{KEY}"), "");
    assert_fails("in a redirect", vec![write(location)], ErrorKind::BadResponse, &["***"]).await;
}

#[tokio::test]
async fn non_http_is_reported() {
    let big_header = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "h".repeat(1 << 20));
    let bad_chunk = head("transfer-encoding: chunked\r\n") + "not a size\r\n";
    for (name, bytes, words) in [
        ("garbage", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(), ["HTTP/1.1", "base URL"]),
        ("TLS", b"\x15\x03\x01\x00\x02\x02\x46\x15\x03\x01\x00\x02\x02\x46".to_vec(), ["https", "base URL"]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), ["HTTP/1.1", "base URL"]),
        ("a megabyte of headers", big_header.into(), ["headers", "too large"]),
        ("a chunk without a size", bad_chunk.into(), ["HTTP/1.1", "base URL"]),
    ] {
        assert_fails(name, vec![write(bytes), Do::Close], ErrorKind::BadResponse, &words).await;
    }
}

#[tokio::test]
async fn plain_http_at_an_https_url_is_reported() {
    let plain = greet(vec![write("HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
    let row = bench(target(&format!("https://127.0.0.1:{}/v1", plain.port), "m"), quick()).await;
    let error = error_of("https", row.runs[0].clone());
    assert_eq!(error.kind, ErrorKind::ConnectFailed);
    assert!(error.message.contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_broken_connection_is_reported() {
    let partly = head("") + &text("a");
    let in_chunk = head("transfer-encoding: chunked\r\n") + "ff\r\n" + &text("a") + "data: {";
    for (name, script, word) in [
        ("unanswered", vec![Do::Close], "without an answer"),
        ("in the head", vec![write("HTTP/1.1 200 OK\r\nconte"), Do::Close], "connection"),
        ("between chunks", vec![write(partly.clone()), Do::Close], "stream ended"),
        ("inside an event", vec![write(partly.clone() + "data: {\"cho"), Do::Close], "stream ended"),
        ("inside a chunk", vec![write(in_chunk), Do::Close], "connection"),
    ] {
        assert_fails(name, script, ErrorKind::ConnectionLost, &[word]).await;
    }
    for (name, greeting) in [("at once", vec![]), ("with garbage", vec![write("220 smtp ready\r\n")])] {
        let row = bench_server(&greet(greeting).await, quick()).await;
        let error = error_of(name, row.runs[0].clone());
        assert!([ErrorKind::ConnectionLost, ErrorKind::BadResponse].contains(&error.kind), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_takes_precedence_over_a_lost_connection() {
    let body = text("a") + &event(r#"{"error":{"message":"out of memory"}}"#);
    let cut = vec![write(head("transfer-encoding: chunked\r\n") + &chunk(&body)), Do::Close];
    assert_fails("cut", cut, ErrorKind::InStream, &["out of memory"]).await;
    let open = vec![write(head("") + &body), Do::Hold];
    assert_fails("open", open, ErrorKind::InStream, &["out of memory"]).await;
    let named = vec![write(stream_of("event: error\ndata: \"overheated\"\n\n"))];
    assert_fails("named", named, ErrorKind::InStream, &["overheated"]).await;
}

#[tokio::test]
async fn sizes_are_limited() {
    let endless = |begin: &str, more: &[u8]| vec![write(head("") + begin), Do::Endless(more.to_vec())];
    let block = vec![b'x'; 1 << 16];
    let big = text(&"y".repeat(1 << 16));
    let comments = b": still thinking\n\n".repeat(1_000);
    for (name, script, word) in [
        ("one endless event", endless("data: ", &block), "16 MiB"),
        ("one event of endless lines", endless("", &b"data: x\n".repeat(8_192)), "16 MiB"),
        ("endless content", endless("", big.as_bytes()), "2 MiB"),
        ("endless comments", endless("", &comments), "64 MiB"),
    ] {
        let row = bench_server(&serve(script).await, quick()).await;
        let error = error_of(name, row.runs[0].clone());
        assert_eq!(error.kind, ErrorKind::BadResponse, "{name}: {error}");
        assert!(error.message.contains(word), "{name}: {error}");
    }
}

#[tokio::test]
async fn timeouts_apply_to_every_endpoint() {
    let first_token = Timeouts { connect_s: 5.0, first_token_s: 0.2, total_s: 20.0 };
    let total = Timeouts { connect_s: 5.0, first_token_s: 20.0, total_s: 0.2 };
    let both = [(first_token, ErrorKind::FirstTokenTimeout), (total, ErrorKind::TotalTimeout)];
    let comments = b": still thinking\n\n".repeat(1_000);
    for (timeouts, kind) in both {
        for (name, script) in [
            ("silence", vec![Do::Hold]),
            ("half a head", vec![write("HTTP/1.1 200 OK\r\n"), Do::Hold]),
            ("a head only", vec![write(head("")), Do::Hold]),
            ("dripping comments", vec![write(head("")), Do::Drip(comments.clone())]),
            ("endless roles", vec![write(head("")), Do::Endless(text("").into())]),
        ] {
            let row = bench_server(&serve(script).await, Parameters { timeouts, ..quick() }).await;
            assert_eq!(error_of(name, row.runs[0].clone()).kind, kind, "{name}");
        }
    }
    let script = vec![write(head("") + &text("a")), Do::Hold];
    let timeouts = Timeouts { connect_s: 5.0, first_token_s: 0.2, total_s: 0.4 };
    let row = bench_server(&serve(script).await, Parameters { timeouts, ..quick() }).await;
    assert_eq!(error_of("a stall", row.runs[0].clone()).kind, ErrorKind::TotalTimeout);
}

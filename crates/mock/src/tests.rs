//! Tests of the server over real sockets with raw HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::*;

/// Sends one request and reads until the server closes the connection.
fn exchange(server: &Handle, path: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    send(&mut stream, path, body, "close");
    let mut answer = Vec::new();
    // A closed connection may end with a reset; the data before it counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn send(stream: &mut TcpStream, path: &str, body: &Value, connection: &str) {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: mock\r\nconnection: {connection}\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn chat(settings: &str) -> Value {
    json!({"model": format!("mock/ttft=0,gap=0,{settings}"), "stream": true,
           "messages": [{"role": "user", "content": "hello"}]})
}

fn read_until(stream: &mut TcpStream, end: &str) {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(end.as_bytes()) {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "closed too early");
        answer.extend_from_slice(&buffer[..read]);
    }
}

const CHAT: &str = "/v1/chat/completions";

/// Returns the frames of a chunked body without the last one; `None` if that is missing.
fn frames(answer: &str) -> Option<Vec<&str>> {
    let (_, mut rest) = answer.split_once("\r\n\r\n")?;
    let mut frames = Vec::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        match usize::from_str_radix(size, 16).unwrap() {
            0 => return Some(frames),
            size => frames.push(after.get(..size)?),
        }
        rest = after.get(frames.last()?.len() + 2..)?;
    }
}

#[test]
fn each_burst_is_one_frame() {
    let server = start_demo().unwrap();
    let answer = exchange(&server, CHAT, &chat("tokens=10,burst=4"));
    let events: Vec<_> =
        frames(&answer).unwrap().iter().map(|frame| frame.matches("data: ").count()).collect();
    // The role, three bursts, then finish reason and end mark.
    assert_eq!(events, [1, 4, 4, 2, 2]);
}

#[test]
fn usage_is_reported_only_on_request() {
    let server = start_demo().unwrap();
    let mut body = chat("tokens=1");
    assert!(!exchange(&server, CHAT, &body).contains("prompt_tokens"));
    body["stream_options"] = json!({"include_usage": true});
    assert!(exchange(&server, CHAT, &body).contains("prompt_tokens"));
    body["model"] = "mock/usage=none,ttft=0,gap=0,tokens=1".into();
    assert!(!exchange(&server, CHAT, &body).contains("prompt_tokens"));
    body["model"] = "mock/usage=rejected".into();
    assert!(exchange(&server, CHAT, &body).starts_with("HTTP/1.1 400"));
}

#[test]
fn error_statuses_use_the_protocols_error_body() {
    let server = start_demo().unwrap();
    let answer = exchange(&server, CHAT, &chat("error=429"));
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 2"), "{answer}");
    let body = json!({"model": "mock/error=529", "max_tokens": 1, "messages": []});
    let answer = exchange(&server, "/v1/messages", &body);
    assert!(answer.starts_with("HTTP/1.1 529") && answer.contains("overloaded_error"), "{answer}");
}

#[test]
fn the_error_rate_fails_the_same_requests_each_time() {
    let statuses = || -> Vec<_> {
        let server = start_demo().unwrap();
        let body = chat("error=500,error_rate=0.5,tokens=1,seed=3");
        (0..20).map(|_| exchange(&server, CHAT, &body).starts_with("HTTP/1.1 500")).collect()
    };
    let first = statuses();
    assert!(first.contains(&true) && first.contains(&false));
    assert_eq!(first, statuses());
}

#[test]
fn a_stream_error_follows_its_tokens_and_ends_the_stream() {
    let server = start_demo().unwrap();
    let answer = exchange(&server, CHAT, &chat("error=stream,error_after=2"));
    let frames = frames(&answer).unwrap();
    assert_eq!(frames.len(), 4);
    assert!(frames[3].starts_with("data: {\"error\""), "{}", frames[3]);
    assert!(!answer.contains("[DONE]"));
}

#[test]
fn a_cut_stream_has_its_tokens_but_no_end() {
    let server = start_demo().unwrap();
    let answer = exchange(&server, CHAT, &chat("error=cut,error_after=2"));
    assert_eq!(answer.matches("\"content\"").count(), 3, "the role's empty one and two tokens: {answer}");
    assert_eq!(frames(&answer), None);
}

#[test]
fn one_connection_serves_several_requests() {
    let server = start_demo().unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    for connection in ["keep-alive", "keep-alive", "close"] {
        send(&mut stream, CHAT, &chat("tokens=1"), connection);
        read_until(&mut stream, "0\r\n\r\n");
    }
}

#[test]
fn the_log_records_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let server = start(Config { log: Some(log.clone()), ..Config::default() }).unwrap();
    let ttft_ns = Millis::of(3).nanos();
    let answer = exchange(&server, CHAT, &chat("ttft=3,tokens=5,chunk=2"));
    exchange(&server, CHAT, &chat("error=500"));
    exchange(&server, CHAT, &chat("error=cut,error_after=1"));
    let mut stalled = TcpStream::connect(server.address).unwrap();
    send(&mut stalled, CHAT, &chat("error=stall,error_after=1"), "close");
    read_until(&mut stalled, "finish_reason\":null}]}\n\n\r\n");
    let mut hung = TcpStream::connect(server.address).unwrap();
    send(&mut hung, CHAT, &chat("error=hang"), "close");
    // The server has one thread: when it has answered this request, it has read all earlier ones.
    exchange(&server, CHAT, &chat("tokens=1"));
    drop(server);

    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    let (ended, open) = outcomes.split_at(4);
    assert_eq!(ended, ["completed", "refused", "cut", "completed"]);
    assert!(open.contains(&"stalled") && open.contains(&"hung"), "{open:?}");
    assert_eq!((&lines[0]["tokens"], &lines[0]["output_tokens"]), (&json!([2, 2, 1]), &json!(5)));
    assert_eq!(lines[0]["input_tokens"], 2);
    assert!(answer.contains(lines[0]["id"].as_str().unwrap()));
    let written: Vec<u64> = serde_json::from_value(lines[0]["write_ns"].clone()).unwrap();
    assert!(written[0] >= lines[0]["received_ns"].as_u64().unwrap() + ttft_ns);
    assert!(written.is_sorted());
}

#[test]
fn dropping_the_handle_stops_the_server() {
    let server = start_demo().unwrap();
    let address = server.address;
    let mut waiting = TcpStream::connect(address).unwrap();
    send(&mut waiting, CHAT, &chat("error=hang"), "close");
    drop(server);
    // A server that still ran would keep this connection open and never answer.
    assert!(matches!(waiting.read_to_end(&mut Vec::new()), Ok(0) | Err(_)));
}

#[test]
fn the_demo_is_marked_as_simulated() {
    let provider = demo_provider("http://127.0.0.1:1");
    assert!(provider.simulated() && provider.base_url == "http://127.0.0.1:1/v1");
    for model in demo_models() {
        assert!(model.display_name.contains("simulated") && model.price.is_none(), "{model:?}");
    }
}

//! The real program on a pseudo-terminal and on pipes, with an endpoint and a file whose texts would control it.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
};

use bench::types::Report;
use endpoint::printable::{is_printable, printable_json};
use nix::pty::openpty;
use serde_json::json;

/// Sets the clipboard and the title, makes a link, clears the screen (also in one byte), goes back over the line, turns
/// the direction of text, begins a formula and a table cell.
const HOSTILE: &str = "=1+1|\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]0;t\u{7}\u{1b}]8;;http://evil.example\u{1b}\\\u{1b}[2J\u{9b}2J\r\u{8}\n\u{202e}";

/// Serves a model that answers and one that fails, both with the hostile text wherever an endpoint chooses it.
fn endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream.unwrap()));
        }
    });
    format!("http://{address}/v1")
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, kind, body) = if head.starts_with("GET") {
        let models =
            ["good", "bad"].map(|name| json!({ "id": format!("{name}{HOSTILE}"), "object": "model" }));
        ("200 OK", "application/json", json!({ "object": "list", "data": models }).to_string())
    } else if String::from_utf8_lossy(&body).contains("\"bad") {
        (
            "400 Bad Request",
            "application/json",
            json!({ "error": { "message": HOSTILE, "code": HOSTILE } }).to_string(),
        )
    } else {
        ("200 OK", "text/event-stream", stream_of_chunks())
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // The client may have closed the connection.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn stream_of_chunks() -> String {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let chunk = json!({ "id": HOSTILE, "object": "chat.completion.chunk", "model": HOSTILE,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] });
        format!("data: {chunk}\n\n")
    };
    [
        chunk(json!({ "content": "a" }), None),
        chunk(json!({ "content": " b" }), None),
        chunk(json!({}), Some(HOSTILE)),
    ]
    .concat()
        + "data: [DONE]\n\n"
}

/// Runs the command on pipes and returns what it wrote to stdout and stderr.
fn on_pipes(command: &mut Command) -> [String; 2] {
    let output = command.output().unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
}

/// Runs the command on a pseudo-terminal and returns what it wrote to it.
fn on_a_terminal(command: &mut Command) -> String {
    let terminal = openpty(None, None).unwrap();
    let program = |end: &std::os::fd::OwnedFd| Stdio::from(end.try_clone().unwrap());
    let mut child =
        command.stdout(program(&terminal.slave)).stderr(program(&terminal.slave)).spawn().unwrap();
    // The descriptors kept by the command and here would keep the terminal open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    drop(terminal.slave);
    let mut written = Vec::new();
    let mut buffer = [0; 4096];
    let mut end = fs::File::from(terminal.master);
    // Reading fails when the last writer has closed the terminal.
    while let Ok(count @ 1..) = end.read(&mut buffer) {
        written.extend_from_slice(&buffer[..count]);
    }
    child.wait().unwrap();
    String::from_utf8_lossy(&written).into_owned()
}

/// Asserts that the text contains nothing of [`HOSTILE`] that a terminal obeys.
fn assert_harmless(text: &str) {
    let hostile = ["\u{1b}]", "\u{1b}[2J", "\u{9b}", "\u{7}", "\u{8}", "\u{202e}", "\u{1b}\\"];
    for part in hostile {
        assert!(!text.contains(part), "{part:?} was written: {text:?}");
    }
}

fn sandbox(base_url: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let models = ["good", "bad"]
        .map(|id| json!({ "id": format!("{id}{HOSTILE}"), "name": format!("{id} {HOSTILE}") }));
    let config = json!({ "providers": {
        "listed": { "kind": "custom", "base_url": base_url, "name": HOSTILE },
        "named": { "kind": "custom", "base_url": base_url, "name": HOSTILE, "models": models },
    } });
    // YAML allows such characters as escapes only.
    let config = printable_json(config.to_string());
    fs::write(directory.path().join("llm-studio.yaml"), config).unwrap();
    directory
}

#[test]
fn nothing_that_an_endpoint_says_controls_the_terminal() {
    let base_url = endpoint();
    let directory = sandbox(&base_url);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-studio"));
        command.args(arguments).current_dir(directory.path()).env_clear().env("TERM", "xterm-256color");
        command.stdin(Stdio::null());
        command
    };
    let bench = ["bench", "--runs", "1", "--no-warmup"];
    let calls: Vec<Vec<&str>> = vec![
        [&bench[..], &["--list"]].concat(),
        [&bench[..], &["--no-save"]].concat(),
        [&bench[..], &["--no-save", "--verbose"]].concat(),
        [&bench[..], &["--no-save", "--format", "markdown"]].concat(),
        [&bench[..], &["--no-save", "--format", "csv"]].concat(),
        [&bench[..], &["--format", "json"]].concat(),
        [&bench[..], &["--model", HOSTILE]].concat(),
        vec!["bench", "--base-url", &base_url],
        vec!["bench", "--provider", HOSTILE],
        vec!["bench", HOSTILE],
        vec!["compare", HOSTILE, HOSTILE],
    ];
    for arguments in calls {
        let written = on_a_terminal(&mut command(&arguments));
        assert!(!written.is_empty(), "{arguments:?}");
        assert_harmless(&written);
        for text in on_pipes(&mut command(&arguments)) {
            assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{arguments:?}: {text:?}");
        }
    }
    let saved = fs::read_dir(directory.path().join("results")).unwrap().next().unwrap().unwrap().path();
    let json = fs::read_to_string(&saved).unwrap();
    let report: Report = serde_json::from_str(&json).unwrap();
    assert!(
        report.results.iter().any(|row| row.model_id == format!("bad{HOSTILE}")),
        "the file keeps every text"
    );
    let saved = saved.to_str().unwrap();
    for format in ["table", "markdown", "json"] {
        let arguments = ["compare", saved, saved, "--format", format];
        assert_harmless(&on_a_terminal(&mut command(&arguments)));
        for text in on_pipes(&mut command(&arguments)) {
            assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{arguments:?}: {text:?}");
        }
    }
}

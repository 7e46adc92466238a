//! Tests the program with a real model, SmolLM2-135M-Instruct in llama.cpp, over both of its protocols. The
//! figures must agree with the server's own.
//!
//! What is compared, run by run:
//! - token counts: equal to the server's.
//! - `ttft_ms` and the server's `prompt_ms`, which runs from taking up the prompt to sampling the
//!   first token. The client's figure also includes parsing, templating and tokenizing the request
//!   and two trips over loopback, together 1 to 3 ms.
//! - `output_speed_tps` and the server's tokens per second. Both leave out the first token: the
//!   server divides the others by the time since it was sampled, the client by the time since it
//!   arrived. If the model stops by itself, its end-of-sequence token is counted but not sent, so
//!   the client sees one gap less.
//!
//! Server and client share two cores with whatever else runs there, so one run in three may miss
//! the tolerance of the times; the counts never.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]
#![allow(clippy::print_stdout, reason = "the test prints what it measured")]

mod recorder;
mod server;

use std::{collections::HashMap, net::SocketAddr, process::Command};

use bench::types::{Report, ResultRow, Run, Status, TokenSource};
use recorder::Recorder;
use serde_json::Value;
use server::{RealLlm, Timings};

const MODEL: &str = "smollm2-135m-instruct";
const RUNS: usize = 3;
const MAX_TOKENS: u64 = 64;

/// With the second the server processes a new prompt in each run; with the first it has all but one token in
/// its cache after the warm-up.
const TIERS: [u64; 2] = [0, 300];

#[test]
#[ignore = "needs the real model: run by make test"]
fn figures_are_the_servers_own() {
    let server = RealLlm::start();

    let recorder = Recorder::before(server.address);
    let report = bench(recorder.address, "openai", "/v1");
    let events = recorder.events();
    let streamed = timings_by_response(&events);
    for row in &report.results {
        assert_row(row, |run| streamed[run.response_id.as_deref().expect("its streams have an id")]);
    }
    let requests = TIERS.len() * (1 + RUNS);
    let logged: Vec<Timings> = (0..requests).map(|_| server.next_logged()).collect();
    assert!(streamed.values().all(|timings| logged.iter().any(|logged| logged.agrees_with(timings))));

    let report = bench(server.address, "anthropic", "");
    for row in &report.results {
        let _warmup = server.next_logged();
        assert_row(row, |_| server.next_logged());
    }
}

/// Runs the program without any configuration.
fn bench(address: SocketAddr, protocol: &str, path: &str) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_llm-studio"))
        .args(["bench", "--no-save", "--format", "json", "--model-id", MODEL, "--protocol", protocol])
        .args(["--base-url", &format!("http://{address}{path}")])
        .args(["--runs", &RUNS.to_string(), "--max-tokens", &MAX_TOKENS.to_string()])
        .args(["--context-tiers", &TIERS.map(|tier| tier.to_string()).join(",")])
        .args(["--temperature", "0"])
        .current_dir(&directory)
        .env("HOME", directory.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "bench over {protocol} failed: {stderr}");
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.status, Status::Complete);
    assert_eq!(report.results.len(), TIERS.len());
    report
}

/// Returns llama.cpp's `timings` by response id.
fn timings_by_response(events: &[Value]) -> HashMap<&str, Timings> {
    events
        .iter()
        .filter_map(|event| Some((event["id"].as_str()?, Timings::from_json(event.get("timings")?)?)))
        .collect()
}

#[track_caller]
fn assert_row(row: &ResultRow, mut server: impl FnMut(&Run) -> Timings) {
    assert_eq!(row.runs.len(), RUNS);
    let mut agreeing = (0, 0);
    for run in &row.runs {
        let timings = server(run);
        assert_counts(run, &timings);
        let (ttft_ms, speed) = (run.ttft_ms.unwrap(), run.output_speed_tps.unwrap());
        println!(
            "{:?} tier {:>3}, run {}: TTFT {ttft_ms:.2} ms, server {:.2}; {speed:.2} tok/s, server {:.2}",
            row.protocol, row.context_tokens, run.run_number, timings.prompt_ms, timings.tokens_per_second,
        );
        agreeing.0 += usize::from((ttft_ms - timings.prompt_ms).abs() <= (0.05 * timings.prompt_ms).max(3.0));
        agreeing.1 += usize::from((speed / speed_without_end(&timings) - 1.0).abs() <= 0.05);
    }
    assert!(agreeing.0 >= RUNS - 1, "TTFT agrees in {} of {RUNS} runs", agreeing.0);
    assert!(agreeing.1 >= RUNS - 1, "speed agrees in {} of {RUNS} runs", agreeing.1);
}

#[track_caller]
fn assert_counts(run: &Run, timings: &Timings) {
    assert!(run.success, "{:?}", run.error);
    assert_eq!(run.token_source, Some(TokenSource::Reported));
    assert_eq!(run.output_tokens, Some(timings.output_tokens));
    let uncached = run.input_tokens.unwrap() - run.cached_input_tokens.unwrap();
    assert_eq!(uncached, timings.prompt_tokens);
}

/// Returns the server's speed without the end-of-sequence token, which the client cannot see.
fn speed_without_end(timings: &Timings) -> f64 {
    let gaps = timings.output_tokens as f64 - 1.0;
    let unseen = if timings.output_tokens < MAX_TOKENS { 1.0 } else { 0.0 };
    timings.tokens_per_second * gaps / (gaps - unseen)
}

//! Tests of the engine with odd, broken and hostile endpoints. Readable responses are measured; others fail
//! within the timeout with the right kind of error and one clear sentence.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used)]

mod addresses;
mod failures;
mod oddities;
mod server;

use bench::{
    Plan, Stop, Target, start,
    types::{Parameters, ResultRow, Run, Timeouts},
};
use endpoint::{Model, Provider, ProviderKind, egress::AddressPolicy};

use server::{Do, Server, serve};

const KEY: &str = "correct horse battery";

fn target(base_url: &str, model: &str) -> Target {
    let mut provider = Provider::of_kind(ProviderKind::Custom, base_url);
    provider.display_name = "Odd".into();
    Target {
        provider,
        key: Some(KEY.to_owned().into()),
        model: Model::named(model),
        policy: AddressPolicy::PUBLIC_AND_LOCAL,
    }
}

fn quick() -> Parameters {
    let timeouts = Timeouts { connect_s: 5.0, first_token_s: 20.0, total_s: 30.0 };
    Parameters { runs: 1, warmup: false, timeouts, ..Parameters::default() }
}

async fn bench(target: Target, parameters: Parameters) -> ResultRow {
    let plan = Plan { targets: vec![target], parameters, finished: Vec::new(), keep_chunk_times: true };
    let running = start(plan, Stop::default()).unwrap();
    running.report.await.unwrap().results.remove(0)
}

async fn bench_server(server: &Server, parameters: Parameters) -> ResultRow {
    bench(target(&format!("http://127.0.0.1:{}/v1", server.port), "m"), parameters).await
}

/// Makes two runs against this script, so that the first could affect the second.
async fn runs(script: Vec<Do>) -> Vec<Run> {
    bench_server(&serve(script).await, Parameters { runs: 2, ..quick() }).await.runs
}

fn write(bytes: impl Into<Vec<u8>>) -> Do {
    Do::Write(bytes.into())
}

fn event(json: &str) -> String {
    format!("data: {json}\n\n")
}

fn text(text: &str) -> String {
    event(&format!(r#"{{"id":"r1","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#))
}

fn finish(reason: &str) -> String {
    event(&format!(r#"{{"id":"r1","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#))
}

fn usage(completion_tokens: &str) -> String {
    event(&format!(
        r#"{{"id":"r1","choices":[],"usage":{{"prompt_tokens":5,"completion_tokens":{completion_tokens}}}}}"#
    ))
}

const DONE: &str = "data: [DONE]\n\n";

/// Returns two chunks with seven tokens and an end mark.
fn answer() -> String {
    [&text("a"), &text("b"), &finish("stop"), &usage("7"), DONE].concat()
}

fn head(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{headers}\r\n")
}

/// Returns a complete response with this body.
fn sized(status_and_headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status_and_headers}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn stream_of(body: &str) -> String {
    sized("200 OK\r\ncontent-type: text/event-stream", body)
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

//! The engine against the real mock, over real sockets.

mod open_loop;
mod resume;
mod stop;

use std::io::{Read, Write};

use super::*;
use crate::types::{LoadParameters, ResultRow, Timeouts, TokenSource};
use endpoint::{ErrorKind, Protocol, ProviderKind};

fn target(mock: &mock::Handle, key: &str, scenario: &str) -> Target {
    target_on(mock, key, scenario, Protocol::OpenaiChat)
}

fn target_on(mock: &mock::Handle, key: &str, scenario: &str, protocol: Protocol) -> Target {
    let provider = Provider {
        key: key.into(),
        display_name: key.into(),
        kind: ProviderKind::Custom,
        protocol,
        base_url: mock::base_url(&mock.base_url(), protocol),
        headers: Vec::new(),
    };
    Target {
        provider,
        key: None,
        model: Model::named(format!("mock/{scenario}")),
        policy: AddressPolicy::PUBLIC_AND_LOCAL,
    }
}

/// One short run, so that a test is quick.
fn quick() -> Parameters {
    Parameters { runs: 1, warmup: false, max_tokens: 1_000, ..Parameters::default() }
}

async fn report(targets: Vec<Target>, parameters: Parameters) -> (Report, Vec<Event>) {
    outcome(plan(targets, parameters), Stop::default(), |_| ()).await
}

fn plan(targets: Vec<Target>, parameters: Parameters) -> Plan {
    Plan { targets, parameters, finished: Vec::new(), keep_chunk_times: true }
}

/// What comes of a plan while `on_event` watches.
async fn outcome(plan: Plan, stop: Stop, mut on_event: impl FnMut(&Event)) -> (Report, Vec<Event>) {
    let mut running = start(plan, stop).unwrap();
    let mut events = Vec::new();
    while let Some(event) = running.events.recv().await {
        on_event(&event);
        events.push(event);
    }
    (running.report.await.unwrap(), events)
}

async fn only_row(scenario: &str, parameters: Parameters) -> ResultRow {
    let mock = mock::start_demo().unwrap();
    let (mut report, _) = report(vec![target(&mock, "mock", scenario)], parameters).await;
    assert_eq!(report.results.len(), 1);
    report.results.remove(0)
}

fn failure(row: &ResultRow) -> ErrorKind {
    assert_eq!((row.summary.success_count, row.summary.error_count), (0, 1));
    assert_eq!(row.summary.ttft_ms, None);
    row.runs[0].error.as_ref().unwrap().kind
}

#[tokio::test]
async fn every_protocol_counts_the_same_tokens() {
    let mock = mock::start_demo().unwrap();
    for protocol in
        [Protocol::OpenaiChat, Protocol::AnthropicMessages, Protocol::GeminiGenerate, Protocol::CohereChat]
    {
        let target = target_on(&mock, "mock", "ttft=5,gap=1,tokens=12,reasoning=3", protocol);
        let (report, _) = report(vec![target], quick()).await;
        let run = &report.results[0].runs[0];
        assert!(run.success, "{protocol:?}: {:?}", run.error);
        assert_eq!(run.output_tokens, Some(15), "{protocol:?}");
        assert_eq!(run.token_source, Some(TokenSource::Reported), "{protocol:?}");
        assert_eq!(run.chunks, 15, "{protocol:?}");
        assert!(run.ttfa_ms.is_some() && run.ttfa_ms >= run.ttft_ms, "{protocol:?}");
        assert_eq!(run.chunk_deltas_us.len(), 15, "{protocol:?}");
    }
}

#[tokio::test]
async fn events_come_in_order_and_count_every_request() {
    let mock = mock::start_demo().unwrap();
    let parameters = Parameters { runs: 2, warmup: true, ..quick() };
    let (report, events) = report(vec![target(&mock, "mock", "ttft=1,gap=0,tokens=4")], parameters).await;
    let names: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned())
        .filter(|name| name != "param_adjustments")
        .collect();
    let expected = [
        "benchmark_init",
        "benchmark_progress",
        "benchmark_warmup",
        "benchmark_progress",
        "benchmark_result",
        "benchmark_progress",
        "benchmark_result",
        "benchmark_row",
    ];
    assert_eq!(names, expected);
    let Event::BenchmarkInit { data } = &events[0] else { panic!("{:?}", events[0]) };
    assert_eq!(data.total_requests, 3);
    assert!(report.results[0].warmup.as_ref().unwrap().success);
    assert_eq!(report.results[0].summary.success_count, 2);
}

#[tokio::test]
async fn the_connection_is_opened_once_and_kept() {
    let row = only_row("ttft=1,gap=0,tokens=4", Parameters { runs: 4, ..quick() }).await;
    let opened: Vec<bool> = row.runs.iter().map(|run| run.connect_ms.is_some()).collect();
    assert_eq!(opened, [true, false, false, false]);
}

#[tokio::test]
async fn the_phases_of_connecting_are_timed_where_they_happen() {
    let mock = mock::start_demo().unwrap();
    for (host, is_name) in [("127.0.0.1", false), ("localhost", true)] {
        let mut target = target(&mock, "mock", "ttft=1,gap=0,tokens=4");
        target.provider.base_url = target.provider.base_url.replace("127.0.0.1", host);
        let (report, _) = report(vec![target], Parameters { runs: 2, ..quick() }).await;
        let [first, second] = &report.results[0].runs[..] else { panic!("{report:?}") };
        assert_eq!((first.dns_ms.is_some(), first.tls_ms), (is_name, None), "{host}: {first:?}");
        let phases = first.dns_ms.unwrap_or(0.0) + first.tcp_ms.unwrap();
        assert!(phases <= first.connect_ms.unwrap(), "{host}: {first:?}");
        let reused = [second.connect_ms, second.dns_ms, second.tcp_ms, second.tls_ms];
        assert_eq!(reused, [None; 4], "{host}");
        assert_eq!(report.results[0].summary.tcp_ms.unwrap().n, 1, "{host}");
    }
}

/// Answers the first request of each connection like llama.cpp, which promises to keep the
/// connection and closes it; the second request on it goes unheard.
fn server_that_closes(answers: bool) -> std::net::SocketAddr {
    const EVENTS: &str = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            read_request(&mut stream);
            if answers {
                let length = EVENTS.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}");
                stream.write_all(format!("{head}\r\n\r\n{EVENTS}").as_bytes()).unwrap();
                read_request(&mut stream);
            }
        }
    });
    address
}

/// Reads until a JSON body has ended, or the client has gone.
fn read_request(stream: &mut std::net::TcpStream) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"}") {
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => request.extend(&buffer[..n]),
            _ => return,
        }
    }
}

async fn row_from(address: std::net::SocketAddr, runs: u32) -> ResultRow {
    let mock = mock::start_demo().unwrap();
    let mut target = target(&mock, "closing", "tokens=1");
    target.provider.base_url = format!("http://{address}/v1");
    let (mut report, _) = report(vec![target], Parameters { runs, ..quick() }).await;
    report.results.remove(0)
}

#[tokio::test]
async fn a_connection_that_the_server_closed_after_an_answer_fails_no_run() {
    let row = row_from(server_that_closes(true), 3).await;
    assert_eq!(row.summary.success_count, 3, "{:?}", row.runs);
    assert!(row.runs.iter().all(|run| run.connect_ms.is_some()));
}

#[tokio::test]
async fn a_new_connection_that_breaks_unheard_is_a_failure() {
    let row = row_from(server_that_closes(false), 1).await;
    assert_eq!(failure(&row), ErrorKind::ConnectionLost);
}

#[tokio::test]
async fn failures_are_recorded_as_what_they_are() {
    for (scenario, expected) in [
        ("error=429", ErrorKind::RateLimited),
        ("error=500", ErrorKind::Server),
        ("error=stream,error_after=3,gap=0,ttft=1", ErrorKind::InStream),
        ("error=cut,error_after=3,gap=0,ttft=1", ErrorKind::ConnectionLost),
    ] {
        let row = only_row(scenario, quick()).await;
        assert_eq!(failure(&row), expected, "{scenario}");
    }
}

#[tokio::test]
async fn a_run_that_fails_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let mock = mock::start(mock::Config { log: Some(log.clone()), ..Default::default() }).unwrap();
    let scenarios = ["error=429", "error=500", "error=cut,error_after=0,ttft=1"];
    let targets = scenarios.map(|scenario| target(&mock, "mock", scenario)).to_vec();
    let (report, _) = report(targets, Parameters { runs: 2, ..quick() }).await;
    drop(mock);
    assert!(report.results.iter().all(|row| row.summary.error_count == 2), "{:?}", report.results);
    let asked = std::fs::read_to_string(log).unwrap();
    assert_eq!(asked.lines().count(), 2 * scenarios.len(), "{asked}");
}

#[tokio::test]
async fn a_timeout_says_what_did_not_come() {
    let usual = Timeouts::default();
    for (scenario, timeouts, expected) in [
        ("error=hang", Timeouts { first_token_s: 0.2, ..usual }, ErrorKind::FirstTokenTimeout),
        ("error=stall,ttft=1", Timeouts { total_s: 0.2, ..usual }, ErrorKind::TotalTimeout),
    ] {
        let row = only_row(scenario, Parameters { timeouts, ..quick() }).await;
        assert_eq!(failure(&row), expected, "{scenario}");
    }
}

#[tokio::test]
async fn a_refused_connection_says_where() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mock = mock::start_demo().unwrap();
    let mut target = target(&mock, "mock", "tokens=1");
    target.provider.base_url = format!("http://{address}/v1");
    let (report, _) = report(vec![target], quick()).await;
    assert_eq!(failure(&report.results[0]), ErrorKind::ConnectFailed);
    assert!(report.results[0].runs[0].error.as_ref().unwrap().message.contains(&address.to_string()));
}

#[tokio::test]
async fn a_provider_that_hangs_costs_another_nothing() {
    let (hanging, sound) = (mock::start_demo().unwrap(), mock::start_demo().unwrap());
    let targets =
        vec![target(&hanging, "hanging", "error=hang"), target(&sound, "sound", "ttft=1,gap=0,tokens=4")];
    let stop = Stop::default();
    let cancel_after_first_row = |event: &Event| {
        if let Event::BenchmarkRow { data } = event {
            assert_eq!((data.provider_key.as_str(), data.summary.success_count), ("sound", 3));
            stop.cancel.cancel();
        }
    };
    let plan = plan(targets, Parameters { runs: 3, ..quick() });
    let (report, _) = outcome(plan, stop.clone(), cancel_after_first_row).await;
    assert_eq!(report.status, Status::Cancelled);
    assert_eq!(report.results.len(), 1, "what was never finished is not reported");
}

#[tokio::test]
async fn usage_is_asked_for_and_done_without_where_it_is_refused() {
    let row = only_row("usage=rejected,ttft=1,gap=0,tokens=6", Parameters { runs: 2, ..quick() }).await;
    assert_eq!(row.summary.success_count, 2, "{:?}", row.runs[0].error);
    assert_eq!(row.runs[0].token_source, Some(TokenSource::Estimated));
}

#[tokio::test]
async fn a_tier_that_does_not_fit_is_skipped_and_said_so() {
    let mock = mock::start_demo().unwrap();
    let mut target = target(&mock, "mock", "ttft=1,gap=0,tokens=4");
    target.model.context_window = Some(4_000);
    let parameters = Parameters { context_tiers: vec![0, 1_000, 3_000], ..quick() };
    let (report, _) = report(vec![target], parameters).await;
    let skipped: Vec<bool> = report.results.iter().map(|row| row.skipped.is_some()).collect();
    assert_eq!(skipped, [false, false, true]);
    assert!(report.results[1].runs[0].input_tokens > report.results[0].runs[0].input_tokens);
    assert!(report.results[2].runs.is_empty());
}

#[tokio::test]
async fn a_load_makes_every_request_and_keeps_as_many_in_flight_as_asked() {
    let load = LoadParameters::closed(8, 50);
    let row = only_row("ttft=5,gap=1,tokens=10", Parameters { load: Some(load), ..quick() }).await;
    let summary = row.load.unwrap();
    assert_eq!((summary.max_in_flight, summary.connections_opened), (8, 8));
    assert_eq!(row.summary.success_count, 50);
    assert_eq!(row.summary.gap_ms.unwrap().n, 50 * 9);
    assert!(summary.output_tokens_per_second.unwrap() > 0.0);
    assert_eq!(row.runs.len(), 50);
    assert!(row.runs.iter().all(|run| run.chunk_deltas_us.is_empty() && run.connect_ms.is_none()));
}

#[tokio::test]
async fn runs_differ_so_that_no_prefix_cache_can_know_them() {
    let template = RequestTemplate::new(target(&mock::start_demo().unwrap(), "mock", "tokens=1"), &quick());
    let first = template.prepare(0, true).unwrap().text;
    let second = template.prepare(0, true).unwrap().text;
    assert_ne!(first[..8], second[..8]);
}

#[test]
fn a_plan_that_cannot_be_run_is_refused_with_a_reason() {
    let target = Target {
        provider: mock::demo_provider("http://127.0.0.1:1"),
        key: None,
        model: Model::named("m"),
        policy: AddressPolicy::PUBLIC,
    };
    let load = Some(LoadParameters::closed(1, 1));
    for (targets, parameters, expected) in [
        (vec![], quick(), "no model"),
        (vec![target.clone(), target.clone()], Parameters { load, ..quick() }, "one model, not 2"),
        (vec![target], Parameters { runs: 21, ..quick() }, "runs"),
    ] {
        let error = start(plan(targets, parameters), Stop::default()).unwrap_err();
        assert!(error.0.contains(expected), "{error}");
    }
}

//! The open loop against the mock.

use super::*;
use crate::types::{Arrivals, OpenLoop};

/// `requests` at `rate` per second, at most `limit` in flight.
fn open_load(rate: f64, arrivals: Arrivals, limit: u32, requests: u64) -> Parameters {
    let open_loop = Some(OpenLoop { rate, arrivals, seed: 1 });
    Parameters { load: Some(LoadParameters { concurrency: limit, requests, open_loop }), ..quick() }
}

#[track_caller]
fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-6 * expected.abs().max(1.0), "{actual} is not {expected}");
}

#[tokio::test]
async fn every_request_is_made_and_latencies_count_from_the_intended_starts() {
    let parameters = open_load(400.0, Arrivals::Poisson, 64, 80);
    let row = only_row("ttft=5,gap=1,tokens=4", parameters).await;
    let load = row.load.unwrap();
    let open = load.open_loop.unwrap();
    assert_eq!((row.summary.success_count, row.runs.len(), load.requests), (80, 80, 80));
    assert_eq!((open.offered_requests_per_second, open.arrivals), (400.0, Arrivals::Poisson));
    assert!(load.requests_per_second.unwrap() > 0.0);
    let delays = open.start_delay_ms.unwrap();
    let (ttft, total) = (open.ttft_ms.unwrap(), open.total_time_s.unwrap());
    assert_eq!((delays.n, ttft.n, total.n), (80, 80, 80));
    assert_close(ttft.mean, row.summary.ttft_ms.unwrap().mean + delays.mean);
    assert_close(total.mean, row.summary.total_time_s.unwrap().mean + delays.mean / 1e3);
    let latest = row.runs.iter().map(|run| run.start_delay_ms.unwrap()).fold(0.0, f64::max);
    assert_close(delays.max, latest);
    assert!(row.runs.iter().all(|run| run.chunk_deltas_us.is_empty()));
}

/// The server needs 50 ms for each request and gets two at a time: 40 requests a second. Asked for 400, the n-th
/// pair of requests starts n × 50 ms after the first one at the earliest, however fast this machine is.
#[tokio::test]
async fn the_wait_for_a_stalled_server_shows_in_the_open_loop_and_not_in_the_service_time() {
    const STALL_MS: f64 = 50.0;
    let parameters = open_load(400.0, Arrivals::Constant, 2, 40);
    let row = only_row("ttft=50,gap=0,tokens=2", parameters).await;
    let load = row.load.unwrap();
    let open = load.open_loop.unwrap();
    assert_eq!((row.summary.success_count, load.max_in_flight), (40, 2));
    for run in &row.runs {
        let before = run.run_number - 1;
        let earliest_ms = (before / 2) as f64 * STALL_MS - before as f64 * 2.5;
        let delay_ms = run.start_delay_ms.unwrap();
        assert!(delay_ms >= earliest_ms, "run {} started after {delay_ms} ms", run.run_number);
    }
    assert!(open.held_back > 0, "{open:?}");
    let (service, intended) = (row.summary.ttft_ms.unwrap(), open.ttft_ms.unwrap());
    assert!(service.min < intended.p50, "{service:?} {intended:?}");
    assert_close(intended.mean, service.mean + open.start_delay_ms.unwrap().mean);
    // The time of arrival comes from another clock, which is off by microseconds.
    assert!(intended.max >= 20.0 * STALL_MS - 39.0 * 2.5 - 1.0, "{intended:?}");
}

#[tokio::test]
async fn connections_are_opened_as_they_are_needed() {
    let parameters = open_load(1_000.0, Arrivals::Constant, 100, 30);
    let row = only_row("ttft=300,gap=0,tokens=2", parameters).await;
    let load = row.load.unwrap();
    assert_eq!(row.summary.success_count, 30, "{:?}", row.runs[0].error);
    assert!((u64::from(load.max_in_flight)..=100).contains(&load.connections_opened), "{load:?}");
    assert_eq!(load.open_loop.unwrap().held_back, 0);
}

#[tokio::test]
async fn failures_are_counted_and_are_in_no_latency() {
    let parameters = open_load(500.0, Arrivals::Poisson, 8, 20);
    let row = only_row("error=500", parameters).await;
    let open = row.load.unwrap().open_loop.unwrap();
    assert_eq!((row.summary.error_count, open.ttft_ms), (20, None));
    assert_eq!(open.start_delay_ms.unwrap().n, 20, "they were sent");
}

#[tokio::test]
async fn an_endpoint_that_is_down_fails_every_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mock = mock::start_demo().unwrap();
    let mut target = target(&mock, "mock", "tokens=1");
    target.provider.base_url = format!("http://{address}/v1");
    let (report, _) = report(vec![target], open_load(500.0, Arrivals::Poisson, 8, 20)).await;
    let row = &report.results[0];
    assert_eq!((report.status, row.summary.error_count), (Status::Complete, 20));
    assert_eq!(row.load.as_ref().unwrap().open_loop.as_ref().unwrap().start_delay_ms, None);
}

#[tokio::test]
async fn a_drain_ends_what_is_in_flight_and_starts_nothing_more() {
    let mock = mock::start_demo().unwrap();
    let stop = Stop::default();
    let parameters = open_load(200.0, Arrivals::Poisson, 4, 100_000);
    let plan = plan(vec![target(&mock, "mock", "ttft=5,gap=0,tokens=2")], parameters);
    let (report, _) = outcome(plan, stop.clone(), |event| {
        if let Event::BenchmarkProgress { data } = event
            && data.run > 0
        {
            stop.drain.cancel();
        }
    })
    .await;
    assert_eq!(report.status, Status::Interrupted);
    let row = &report.results[0];
    assert_eq!(row.summary.error_count, 0, "{:?}", row.runs);
    assert!((1..100_000).contains(&row.summary.success_count), "{:?}", row.summary);
    assert!(row.load.as_ref().unwrap().open_loop.as_ref().unwrap().start_delay_ms.is_some());
}

#[tokio::test]
async fn a_cancel_keeps_the_figures_so_far() {
    let mock = mock::start_demo().unwrap();
    let stop = Stop::default();
    let parameters = open_load(200.0, Arrivals::Constant, 4, 100_000);
    let plan = plan(vec![target(&mock, "mock", "ttft=5,gap=0,tokens=2")], parameters);
    let (report, _) = outcome(plan, stop.clone(), |event| {
        if let Event::BenchmarkProgress { data } = event
            && data.run > 0
        {
            stop.cancel.cancel();
        }
    })
    .await;
    assert_eq!(report.status, Status::Cancelled);
    let load = report.results[0].load.as_ref().unwrap();
    assert!(load.open_loop.as_ref().unwrap().ttft_ms.is_some(), "{load:?}");
}

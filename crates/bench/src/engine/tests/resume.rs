//! Going on with what an earlier start has left.

use super::*;
use crate::{
    summary,
    types::{Run, RunResult, RunSummary, WarmupOutcome},
};
use stats::Accumulator;

const SCENARIO: &str = "ttft=1,gap=0,tokens=4";

/// The gap between the two chunks of an earlier run, ms.
const EARLIER_GAP_MS: f64 = 7_000.0;

/// A run of an earlier start, unlike any that the mock gives.
fn earlier_run(number: u64) -> Run {
    serde_json::from_value(serde_json::json!({
        "run_number": number, "success": true, "started_at": number, "ttft_ms": 60_000.0, "chunks": 2,
        "clock": "kernel",
    }))
    .unwrap()
}

fn finished(target: &Target, numbers: impl IntoIterator<Item = u64>) -> FinishedRow {
    let model = ModelRef { provider_key: target.provider.key.clone(), model_id: target.model.id.clone() };
    let warmup = WarmupOutcome {
        success: true,
        ttft_ms: Some(60_000.0),
        connect_ms: None,
        dns_ms: None,
        tcp_ms: None,
        tls_ms: None,
        error: None,
    };
    let runs: Vec<_> = numbers.into_iter().map(earlier_run).collect();
    let mut gaps_ms = Accumulator::new();
    runs.iter().for_each(|_| gaps_ms.push(EARLIER_GAP_MS));
    FinishedRow { model, context_tokens: 0, warmup: Some(warmup), runs, gaps_ms, summary: None }
}

fn init(events: &[Event]) -> &Init {
    match &events[0] {
        Event::BenchmarkInit { data } => data,
        other => panic!("{other:?}"),
    }
}

/// Run, requests done and requests in all, of each progress.
fn progress(events: &[Event]) -> Vec<(u64, u64, u64)> {
    let told = |event: &Event| match event {
        Event::BenchmarkProgress { data } => Some((data.run, data.provider_done, data.provider_total)),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

fn results(events: &[Event]) -> Vec<&RunResult> {
    let told = events.iter().filter_map(|event| match event {
        Event::BenchmarkResult { data } => Some(&**data),
        _ => None,
    });
    told.collect()
}

fn rows(events: &[Event]) -> Vec<&ResultRow> {
    let told = events.iter().filter_map(|event| match event {
        Event::BenchmarkRow { data } => Some(&**data),
        _ => None,
    });
    told.collect()
}

fn numbers<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<u64> {
    runs.into_iter().map(|run| run.run_number).collect()
}

#[tokio::test]
async fn holes_are_filled_and_nothing_else() {
    let mock = mock::start_demo().unwrap();
    let target = target(&mock, "mock", SCENARIO);
    let finished = vec![finished(&target, [4, 2])];
    let parameters = Parameters { runs: 5, warmup: true, ..quick() };
    let plan = Plan { finished, ..plan(vec![target], parameters) };
    let (report, events) = outcome(plan, Stop::default(), |_| ()).await;

    assert_eq!((init(&events).total_requests, init(&events).done_requests), (6, 2));
    assert_eq!(progress(&events), [(0, 2, 6), (1, 3, 6), (3, 4, 6), (5, 5, 6)]);
    assert_eq!(numbers(results(&events).iter().filter_map(|result| result.run.as_ref())), [1, 3, 5]);
    assert_eq!(report.status, Status::Complete);
    let row = &report.results[0];
    assert_eq!(rows(&events), [row]);
    assert_eq!(numbers(&row.runs), [1, 2, 3, 4, 5]);
    assert_eq!(row.summary.success_count, 5);
    assert_eq!(row.summary.ttft_ms.unwrap().max, 60_000.0);
    let gaps = row.summary.gap_ms.unwrap();
    assert_eq!((gaps.n, gaps.max), (3 * 3 + 2, EARLIER_GAP_MS), "gaps of earlier runs count too");
    assert!(row.warmup.as_ref().unwrap().ttft_ms.unwrap() < 60_000.0, "warmed up anew");
}

#[tokio::test]
async fn a_finished_row_is_reported_without_being_run() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let mock = mock::start(mock::Config { log: Some(log.clone()), ..Default::default() }).unwrap();
    let (done, left) = (target(&mock, "mock", "tokens=9"), target(&mock, "mock", SCENARIO));
    let finished = vec![finished(&done, [1, 2])];
    let parameters = Parameters { runs: 2, warmup: true, ..quick() };
    let plan = Plan { finished, ..plan(vec![done, left], parameters) };
    let (report, events) = outcome(plan, Stop::default(), |_| ()).await;
    drop(mock);

    assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 3);
    assert_eq!((init(&events).total_requests, init(&events).done_requests), (6, 3));
    assert_eq!(progress(&events), [(0, 3, 6), (1, 4, 6), (2, 5, 6)]);
    assert_eq!(rows(&events), [&report.results[1]], "only what was finished now is told");
    let row = &report.results[0];
    assert_eq!((row.model_id.as_str(), row.summary.success_count), ("mock/tokens=9", 2));
    assert_eq!(row.warmup.as_ref().unwrap().ttft_ms, Some(60_000.0));
}

#[tokio::test]
async fn what_a_drain_left_is_done_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let mock = mock::start(mock::Config { log: Some(log.clone()), ..Default::default() }).unwrap();
    let target = target(&mock, "mock", "ttft=20,gap=0,tokens=4");
    let parameters = Parameters { runs: 10, ..quick() };
    let stop = Stop::default();
    let drain_after_a_result = |event: &Event| {
        if let Event::BenchmarkResult { .. } = event {
            stop.drain.cancel();
        }
    };
    let first = plan(vec![target.clone()], parameters.clone());
    let (first, _) = outcome(first, stop.clone(), drain_after_a_result).await;
    assert_eq!(first.status, Status::Interrupted);

    let runs = first.results[0].runs.clone();
    let finished = vec![FinishedRow { runs: runs.clone(), ..finished(&target, []) }];
    let second = Plan { finished, ..plan(vec![target], parameters) };
    let (second, _) = outcome(second, Stop::default(), |_| ()).await;
    drop(mock);
    assert_eq!(second.status, Status::Complete);
    assert_eq!(numbers(&second.results[0].runs), (1..=10).collect::<Vec<_>>());
    assert_eq!(second.results[0].runs[..runs.len()], runs, "what was finished is kept as it was");
    assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 10, "no run was made twice");
}

#[tokio::test]
async fn events_are_enough_to_put_every_row_together() {
    let mock = mock::start_demo().unwrap();
    let mut small = target(&mock, "mock", SCENARIO);
    small.model.context_window = Some(4_000);
    let parameters = Parameters { runs: 2, warmup: true, context_tiers: vec![0, 1_000, 5_000], ..quick() };
    let (report, events) = report(vec![small], parameters).await;
    let rebuilt: Vec<_> = init(&events).rows.iter().map(|head| rebuild(head, &events)).collect();
    assert_eq!(rebuilt.len(), 3);
    for (rebuilt, row) in rebuilt.into_iter().zip(report.results) {
        // From chunks kept to the microsecond, where the engine has nanoseconds.
        let gap_ms = row.summary.gap_ms;
        assert_eq!(rebuilt.summary.gap_ms.map(|gaps| gaps.n), gap_ms.map(|gaps| gaps.n));
        let summary = RunSummary { gap_ms, ..rebuilt.summary.clone() };
        assert_eq!(ResultRow { summary, ..rebuilt }, row);
    }
}

fn rebuild(head: &RowHead, events: &[Event]) -> ResultRow {
    let here = |model: &str, tier: u64| model == head.model_id && tier == head.context_tokens;
    let warmup = events.iter().find_map(|event| match event {
        Event::BenchmarkWarmup { data } if here(&data.model_id, data.context_tokens) => {
            Some(data.outcome.clone())
        }
        _ => None,
    });
    let results = results(events).into_iter().filter(|result| here(&result.model_id, result.context_tokens));
    summary::row(head.clone(), warmup, results.filter_map(|result| result.run.clone()).collect())
}

#[tokio::test]
async fn a_finished_row_keeps_its_summary() {
    let mock = mock::start_demo().unwrap();
    let target = target(&mock, "mock", SCENARIO);
    let whole = finished(&target, [1, 2]);
    let summary = RunSummary { success_count: 2, total_cost: Some(0.5), ..RunSummary::default() };
    let finished = vec![FinishedRow { summary: Some(summary.clone()), ..whole }];
    let plan = Plan { finished, ..plan(vec![target], Parameters { runs: 2, ..quick() }) };
    let (report, _) = outcome(plan, Stop::default(), |_| ()).await;
    assert_eq!(report.results[0].summary, summary);
}

#[tokio::test]
async fn chunk_times_are_only_in_the_events_where_the_report_does_not_keep_them() {
    let mock = mock::start_demo().unwrap();
    let plan = plan(vec![target(&mock, "mock", SCENARIO)], Parameters { runs: 2, ..quick() });
    let plan = Plan { keep_chunk_times: false, ..plan };
    let (report, events) = outcome(plan, Stop::default(), |_| ()).await;
    for run in results(&events).iter().filter_map(|result| result.run.as_ref()) {
        assert_eq!(run.chunk_deltas_us.len() as u64, run.chunks);
    }
    for row in rows(&events).into_iter().chain(&report.results) {
        assert!(row.runs.iter().all(|run| run.chunks > 0 && run.chunk_deltas_us.is_empty()));
        assert!(row.summary.gap_ms.is_some());
    }
}

#[test]
fn a_load_is_not_gone_on_with() {
    let target = Target {
        provider: mock::demo_provider("http://127.0.0.1:1"),
        key: None,
        model: Model::named("m"),
        policy: AddressPolicy::PUBLIC,
    };
    let load = Some(LoadParameters::closed(1, 1));
    let finished = vec![finished(&target, [1])];
    let plan = Plan { finished, ..plan(vec![target], Parameters { load, ..quick() }) };
    let error = start(plan, Stop::default()).unwrap_err();
    assert!(error.0.contains("in one go"), "{error}");
}

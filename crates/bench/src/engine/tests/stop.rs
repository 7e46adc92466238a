//! Ends before the end: what is under way, what is begun, what is kept.

use super::*;

/// What comes of one model when `on_run` may stop it as a run of that number (0: the warm-up) is
/// about to begin.
async fn stopped(scenario: &str, parameters: Parameters, on_run: fn(&Stop, u64)) -> (Report, Vec<Event>) {
    let mock = mock::start_demo().unwrap();
    let stop = Stop::default();
    let plan = plan(vec![target(&mock, "mock", scenario)], parameters);
    outcome(plan, stop.clone(), |event| {
        if let Event::BenchmarkProgress { data } = event {
            on_run(&stop, data.run);
        }
    })
    .await
}

fn drain_on<const RUN: u64>(stop: &Stop, run: u64) {
    if run == RUN {
        stop.drain.cancel();
    }
}

fn count(events: &[Event], is_counted: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is_counted(event)).count()
}

fn is_row(event: &Event) -> bool {
    matches!(event, Event::BenchmarkRow { .. })
}

#[tokio::test]
async fn a_drain_lets_the_run_under_way_end_and_begins_no_other() {
    let parameters = Parameters { runs: 20, ..quick() };
    let (report, events) = stopped("ttft=30,gap=1,tokens=5", parameters, drain_on::<2>).await;
    let begun = count(&events, |event| matches!(event, Event::BenchmarkProgress { .. }));
    let ended = count(&events, |event| matches!(event, Event::BenchmarkResult { .. }));
    assert_eq!(report.status, Status::Interrupted);
    assert_eq!(begun, ended, "what was begun has ended");
    assert!((2..20).contains(&ended), "{ended}");
    assert_eq!(report.results[0].summary.success_count, ended as u64);
    assert_eq!(count(&events, is_row), 0, "a row with missing runs is not finished");
}

#[tokio::test]
async fn a_drain_in_the_last_run_interrupts_nothing() {
    let parameters = Parameters { runs: 2, ..quick() };
    let (report, events) = stopped("ttft=5,gap=0,tokens=2", parameters, drain_on::<2>).await;
    assert_eq!((report.status, count(&events, is_row)), (Status::Complete, 1));
}

#[tokio::test]
async fn a_warm_up_is_not_waited_for() {
    let (report, _) = stopped("error=hang", Parameters { warmup: true, ..quick() }, drain_on::<0>).await;
    assert_eq!(report.status, Status::Interrupted);
    assert!(report.results.is_empty(), "{:?}", report.results);
}

#[tokio::test]
async fn a_cancel_ends_a_drain_that_takes_too_long() {
    let drain_then_cancel = |stop: &Stop, _| {
        stop.drain.cancel();
        stop.cancel.cancel();
    };
    let (report, _) = stopped("error=hang", quick(), drain_then_cancel).await;
    assert_eq!(report.status, Status::Cancelled);
}

#[tokio::test]
async fn a_drained_load_ends_what_is_in_flight() {
    let requests = 1_000_000;
    let load = Some(LoadParameters::closed(4, requests));
    let drain_at_once = |stop: &Stop, _| stop.drain.cancel();
    let (report, events) =
        stopped("ttft=5,gap=0,tokens=2", Parameters { load, ..quick() }, drain_at_once).await;
    assert_eq!(report.status, Status::Interrupted);
    let row = &report.results[0];
    assert_eq!(row.summary.error_count, 0, "{:?}", row.runs);
    assert!((4..requests).contains(&row.summary.success_count), "{:?}", row.summary);
    assert_eq!(count(&events, is_row), 0);
}

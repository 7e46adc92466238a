//! Rows, runs and messages for tests.

use super::state::BenchmarkState;
use crate::benchmark::page_row::PageRow;
use crate::messages::{JobState, ServerMessage};
use bench::summary;
use bench::types::{
    Clock, Event, Init, ResultRow, RowHead, Run, RunResult, TokenSource, WarmupOutcome, WarmupResult,
};
use endpoint::{ApiError, ErrorKind, ModelRef, Protocol};

/// Returns a running benchmark with the id `b1`.
pub fn state(rows: Vec<PageRow>) -> BenchmarkState {
    BenchmarkState { id: "b1".into(), job: JobState::Running, error: None, rows }
}

/// Returns a successful run of 2 s with 100 tokens; a higher number means a slower run.
pub fn run(number: u64) -> Run {
    let slower = number as f64;
    Run {
        run_number: number,
        success: true,
        error: None,
        response_id: None,
        started_at: 1_000 * number as i64,
        start_delay_ms: None,
        connect_ms: None,
        dns_ms: None,
        tcp_ms: None,
        tls_ms: None,
        ttft_ms: Some(100.0 * slower),
        ttfa_ms: Some(100.0 * slower),
        total_time_s: Some(2.0),
        output_tokens: Some(100),
        reasoning_tokens: None,
        input_tokens: Some(20),
        cached_input_tokens: None,
        token_source: Some(TokenSource::Reported),
        tokens_per_second: Some(50.0),
        output_speed_tps: Some(60.0 - slower),
        itl_ms: Some(20.0),
        itl_p50_ms: Some(20.0),
        itl_p95_ms: Some(25.0),
        itl_p99_ms: Some(30.0),
        input_tokens_per_second: Some(200.0),
        chunks: 3,
        tokens_per_chunk: Some(33.3),
        cost: None,
        cost_source: None,
        finish_reason: None,
        clock: Clock::User,
        lateness_mean_ms: None,
        lateness_max_ms: None,
        chunk_deltas_us: vec![100_000, 20_000, 25_000],
    }
}

pub fn failed(number: u64) -> Run {
    let error = ApiError {
        kind: ErrorKind::RateLimited,
        status: Some(429),
        message: "slow down".into(),
        retry_after_s: None,
    };
    Run { success: false, error: Some(error), total_time_s: None, output_speed_tps: None, ..run(number) }
}

pub fn head(provider: &str, model: &str, tier: u64) -> RowHead {
    RowHead {
        provider: provider.into(),
        provider_key: provider.into(),
        model: model.into(),
        model_id: model.into(),
        protocol: Protocol::OpenaiChat,
        simulated: false,
        reported: false,
        context_tokens: tier,
        context_token_source: None,
        price: None,
        adjustments: Vec::new(),
        skipped: None,
    }
}

pub fn row(provider: &str, model: &str, tier: u64, runs: Vec<Run>) -> ResultRow {
    summary::row(head(provider, model, tier), None, runs)
}

/// Returns the [`row`] as a page shows it.
pub fn page_row(provider: &str, model: &str, tier: u64, runs: Vec<Run>) -> PageRow {
    PageRow::with_runs(row(provider, model, tier, runs))
}

/// Returns all result messages of a benchmark of `models` models, two context sizes and `runs` runs.
pub fn messages(models: usize, runs: u64) -> Vec<ServerMessage> {
    engine_events(models, runs).into_iter().map(|event| ServerMessage::of_event("b1", event)).collect()
}

fn engine_events(models: usize, runs: u64) -> Vec<Event> {
    let names: Vec<String> = (0..models).map(|index| format!("m{index}")).collect();
    let heads: Vec<RowHead> =
        names.iter().flat_map(|name| [0, 5_000].map(|tier| head("openai", name, tier))).collect();
    let init = Init {
        targets: names
            .iter()
            .map(|name| ModelRef { provider_key: "openai".into(), model_id: name.clone() })
            .collect(),
        runs: runs as u32,
        context_tiers: vec![0, 5_000],
        max_tokens: 512,
        total_requests: heads.len() as u64 * (runs + 1),
        done_requests: 0,
        rows: heads.clone(),
    };
    let mut events = vec![Event::BenchmarkInit { data: init }];
    for head in heads {
        events.extend(events_of_row(&head, runs));
    }
    events
}

fn events_of_row(head: &RowHead, runs: u64) -> Vec<Event> {
    let outcome = WarmupOutcome {
        success: true,
        ttft_ms: Some(90.0),
        connect_ms: None,
        dns_ms: None,
        tcp_ms: None,
        tls_ms: None,
        error: None,
    };
    let warmup = WarmupResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        outcome: outcome.clone(),
    };
    let made: Vec<Run> = (1..=runs).map(|number| if number == 3 { failed(3) } else { run(number) }).collect();
    let results = made.iter().map(|run| RunResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        runs: runs as u32,
        skipped: None,
        run: Some(run.clone()),
    });
    let mut events = vec![Event::BenchmarkWarmup { data: Box::new(warmup) }];
    events.extend(results.map(|result| Event::BenchmarkResult { data: Box::new(result) }));
    let row = summary::row(head.clone(), Some(outcome), made.clone());
    events.push(Event::BenchmarkRow { data: Box::new(row) });
    events
}

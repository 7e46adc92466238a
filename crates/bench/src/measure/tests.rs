use proptest::prelude::*;

use super::*;
use endpoint::{ApiError, ErrorKind, PriceSource};

const MS: u64 = 1_000_000;
const SENT: u64 = 5_000 * MS;

/// A response whose chunks arrive so many ms after the request, a token each.
fn exchange(arrivals_ms: &[u64]) -> Exchange {
    let recording = Recording {
        arrivals_ns: arrivals_ms.iter().map(|at| SENT + at * MS).collect(),
        first_text_ns: arrivals_ms.first().map(|at| SENT + at * MS),
        content: "word ".repeat(arrivals_ms.len()),
        first_chunk_bytes: 5,
        usage: Usage {
            output_tokens: Some(arrivals_ms.len() as u64),
            input_tokens: Some(100),
            ..Usage::default()
        },
        complete: true,
        lateness_us: vec![40; arrivals_ms.len()],
        ..Recording::default()
    };
    Exchange { sent_ns: Some(SENT), recording, outcome: Ok(()), unheard: false, reusable: true }
}

fn context() -> RunContext {
    RunContext { run_number: 1, started_at: 0, opened: None, price: None, tokenizer: Tokenizer::Estimate }
}

fn run(exchange: &Exchange) -> Run {
    measure(exchange, &context(), "the prompt")
}

fn close(actual: Option<f64>, expected: f64) {
    let actual = actual.unwrap();
    assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
}

#[test]
fn a_steady_stream_has_the_textbook_figures() {
    let run = run(&exchange(&[200, 210, 220, 230, 240]));
    close(run.ttft_ms, 200.0);
    close(run.ttfa_ms, 200.0);
    close(run.total_time_s, 0.24);
    close(run.tokens_per_second, 5.0 / 0.24);
    close(run.output_speed_tps, 4.0 / 0.04);
    close(run.itl_ms, 10.0);
    close(run.itl_p99_ms, 10.0);
    close(run.tokens_per_chunk, 1.0);
    close(run.input_tokens_per_second, 500.0);
    assert_eq!(run.chunk_deltas_us, [200_000, 10_000, 10_000, 10_000, 10_000]);
    assert_eq!(run.token_source, Some(TokenSource::Reported));
    assert_eq!(run.clock, Clock::Kernel);
    close(run.lateness_mean_ms, 0.04);
}

#[test]
fn reasoning_counts_for_the_first_token_but_not_for_the_first_answer() {
    let mut exchange = exchange(&[100, 110, 120]);
    exchange.recording.first_text_ns = Some(SENT + 120 * MS);
    exchange.recording.reasoning_bytes = 10;
    let run = run(&exchange);
    close(run.ttft_ms, 100.0);
    close(run.ttfa_ms, 120.0);
}

#[test]
fn hidden_reasoning_does_not_inflate_the_output_speed() {
    let mut exchange = exchange(&[3_000, 3_010, 3_020]);
    exchange.recording.usage.output_tokens = Some(1_003);
    exchange.recording.usage.reasoning_tokens = Some(1_000);
    let run = run(&exchange);
    assert_eq!(run.output_tokens, Some(1_003));
    close(run.output_speed_tps, 2.0 / 0.02);
    close(run.tokens_per_chunk, 1.0);
}

#[test]
fn a_chunk_is_not_a_token() {
    let mut exchange = exchange(&[100, 200, 300, 400]);
    exchange.recording.usage.output_tokens = Some(40);
    let run = run(&exchange);
    close(run.tokens_per_chunk, 10.0);
    close(run.output_speed_tps, 30.0 / 0.3);
    close(run.itl_ms, 100.0);
}

#[test]
fn one_chunk_or_one_instant_has_no_output_speed() {
    assert_eq!(run(&exchange(&[100])).output_speed_tps, None);
    assert_eq!(run(&exchange(&[100])).itl_ms, None);
    assert_eq!(run(&exchange(&[100, 100, 100])).output_speed_tps, None);
}

#[test]
fn cached_input_is_neither_speed_nor_full_price() {
    let mut exchange = exchange(&[100, 110]);
    exchange.recording.usage.cached_input_tokens = Some(80);
    let price = Price {
        input_per_mtok: 1.0,
        cached_input_per_mtok: Some(0.1),
        output_per_mtok: 10.0,
        up_to_input_tokens: None,
        source: PriceSource::Custom,
    };
    let run = measure(&exchange, &RunContext { price: Some(price), ..context() }, "");
    close(run.input_tokens_per_second, 200.0);
    close(run.cost, (20.0 * 1.0 + 80.0 * 0.1 + 2.0 * 10.0) / 1e6);
    assert_eq!(run.cost_source, Some(PriceSource::Custom));
}

#[test]
fn no_reported_usage_means_estimated_tokens() {
    let mut exchange = exchange(&[100, 110]);
    exchange.recording.usage = Usage::default();
    let run = run(&exchange);
    assert_eq!(run.token_source, Some(TokenSource::Estimated));
    assert!(run.output_tokens > Some(0) && run.input_tokens > Some(0));
}

#[test]
fn a_failed_run_keeps_its_times_and_has_no_cost() {
    let mut exchange = exchange(&[100, 110]);
    let error =
        ApiError { kind: ErrorKind::InStream, status: None, message: "broken".into(), retry_after_s: None };
    exchange.outcome = Err(error.clone());
    let price = Price {
        input_per_mtok: 1.0,
        cached_input_per_mtok: None,
        output_per_mtok: 1.0,
        up_to_input_tokens: None,
        source: PriceSource::Catalog,
    };
    let run = measure(&exchange, &RunContext { price: Some(price), ..context() }, "");
    assert!(!run.success);
    assert_eq!(run.error, Some(error));
    assert_eq!(run.cost, None);
    close(run.ttft_ms, 100.0);
}

#[test]
fn a_request_that_was_never_sent_has_no_metrics() {
    let error =
        ApiError { kind: ErrorKind::ConnectFailed, status: None, message: "no".into(), retry_after_s: None };
    let run = run(&Exchange::unsent(error));
    assert_eq!((run.ttft_ms, run.total_time_s, run.output_tokens), (None, None, None));
    assert_eq!(run.clock, Clock::User);
}

#[test]
fn one_read_on_the_user_clock_makes_it_the_run_s_clock() {
    let mut exchange = exchange(&[100, 110]);
    exchange.recording.user_clock_reads = 1;
    assert_eq!(run(&exchange).clock, Clock::User);
}

#[test]
fn a_connection_s_phases_are_the_run_s() {
    let opened = Opened { connect_ms: 9.0, dns_ms: Some(1.0), tcp_ms: 2.0, tls_ms: Some(4.0) };
    let run = measure(&exchange(&[100]), &RunContext { opened: Some(opened), ..context() }, "the prompt");
    let phases = [run.connect_ms, run.dns_ms, run.tcp_ms, run.tls_ms];
    assert_eq!(phases, [Some(9.0), Some(1.0), Some(2.0), Some(4.0)]);
}

#[test]
fn a_run_of_an_earlier_version_can_be_read() {
    let mut stored = serde_json::to_value(run(&exchange(&[100]))).unwrap();
    for added in ["dns_ms", "tcp_ms", "tls_ms"] {
        assert!(stored.as_object_mut().unwrap().remove(added).is_some(), "{added}");
    }
    assert_eq!(serde_json::from_value::<Run>(stored).unwrap(), run(&exchange(&[100])));
}

proptest! {
    /// Deltas replay the arrivals to the microsecond, and no metric is ever negative or infinite.
    #[test]
    fn metrics_stay_sane(gaps_ns in prop::collection::vec(0u64..3_000_000_000, 1..60), tokens in 0u64..5_000) {
        let arrivals: Vec<u64> = gaps_ns.iter().scan(SENT, |at, gap| { *at += gap; Some(*at) }).collect();
        let mut exchange = exchange(&vec![0; gaps_ns.len()]);
        exchange.recording.arrivals_ns = arrivals.clone();
        exchange.recording.usage.output_tokens = Some(tokens);
        let run = run(&exchange);
        let replayed: u64 = run.chunk_deltas_us.iter().map(|&delta| u64::from(delta)).sum();
        prop_assert!(replayed.abs_diff((arrivals[arrivals.len() - 1] - SENT) / 1_000) <= 1);
        for metric in [run.ttft_ms, run.total_time_s, run.tokens_per_second, run.output_speed_tps, run.itl_ms,
            run.itl_p50_ms, run.itl_p95_ms, run.itl_p99_ms, run.tokens_per_chunk] {
            prop_assert!(metric.is_none_or(|value| value.is_finite() && value >= 0.0), "{:?}", run);
        }
    }
}

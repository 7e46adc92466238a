//! Reports for the tests of this module.

use bench::types::*;
use endpoint::printable::is_printable;
use endpoint::{
    ApiError, ErrorKind, Price, PriceSource, Protocol,
    registry::{Adjustment, AdjustmentAction},
};
use stats::{Summary, summarize};

/// Texts that a terminal obeys, that reorder or hide other text, or that are markup or a formula in an exported file.
pub const HOSTILE: &[&str] = &[
    "\u{1b}[2J",
    "\u{1b}[1A\u{1b}[2K",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}P+q\u{1b}\\",
    "\u{1b}c",
    "\u{1b}[1;31",
    "\u{1b}[1m\u{1b}[6n",
    "\u{9b}2J",
    "\u{9d}52;c;eA==\u{9c}",
    "\r",
    "\r\n",
    "\n\n| x |",
    "\u{8}",
    "\u{7f}",
    "\u{2028}",
    "\u{202e}",
    "\u{2067}",
    "\u{200f}",
    "\u{feff}",
    "=cmd|' /C calc'!A0",
    "|x|;=1+1",
    "</td><script>*&lt;*",
];

/// Returns the characters in a text for a terminal that are neither shown nor a line break nor part of a style of
/// a table or the log.
pub fn obeyed(text: &str) -> String {
    let styles = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[3m", "\u{1b}[22m", "\u{1b}[31m"];
    let without_styles = styles.iter().fold(text.to_owned(), |text, style| text.replace(style, ""));
    without_styles.chars().filter(|&c| c != '\n' && !is_printable(c)).collect()
}

/// Returns a report with a successful model, one with a failed run and adjusted parameters, one that always
/// failed, and a skipped context size.
pub fn report() -> Report {
    let good = row("openai", "OpenAI", "gpt-4o", [run(1, 300.0), run(2, 310.0), run(3, 320.0)].to_vec());
    let mixed = ResultRow {
        adjustments: vec![Adjustment {
            param: "temperature".into(),
            original: 0.7.into(),
            adjusted: Some(1.0.into()),
            action: AdjustmentAction::Clamp,
            reason: "the model allows 1 only".into(),
        }],
        ..row("local", "Local", "fast", [estimated(1, 20.0), failed(2), estimated(3, 22.5)].to_vec())
    };
    let dead = row("local", "Local", "dead", vec![failed(1), failed(2), failed(3)]);
    let skipped = ResultRow {
        context_tokens: 50_000,
        skipped: Some(Skip { reason: "50,000 tokens do not fit into a window of 8,192".into() }),
        ..row("local", "Local", "fast", Vec::new())
    };
    Report {
        schema_version: SCHEMA_VERSION,
        tool: "llm-studio".into(),
        tool_version: "0.1.0".into(),
        status: Status::Complete,
        started_at: "2026-01-02T03:04:05Z".into(),
        finished_at: "2026-01-02T03:05:05Z".into(),
        parameters: Parameters { context_tiers: vec![0, 50_000], ..Default::default() },
        client: ClientHealth {
            clock: Clock::Kernel,
            lateness_p50_ms: Some(0.031),
            lateness_p99_ms: Some(0.212),
            lateness_max_ms: Some(0.4),
            cpu_s: 0.12,
            cpu_us_per_token: Some(18.2),
            peak_rss_mb: 31.4,
            warning: None,
        },
        results: vec![good, mixed, dead, skipped],
    }
}

/// Returns the report as read back from a file: serde_json rounds the last bit of some floats.
pub fn reread() -> Report {
    serde_json::from_str(&serde_json::to_string(&report()).unwrap()).unwrap()
}

/// Returns a report of the same endpoints under load.
pub fn load_report() -> Report {
    let mut report = report();
    report.parameters.load = Some(LoadParameters::closed(64, 2_000));
    report.parameters.context_tiers = vec![0];
    report.results.truncate(1);
    report.results[0].load = Some(LoadSummary {
        concurrency: 64,
        requests: 2_000,
        duration_s: 20.5,
        steady_s: 20.1,
        output_tokens_per_second: Some(5_012.3),
        requests_per_second: Some(97.4),
        max_in_flight: 64,
        connections_opened: 64,
        runs_omitted: 1_997,
        open_loop: None,
    });
    report
}

/// Returns a report of the same endpoints at 20 requests per second.
pub fn open_loop_report() -> Report {
    let mut report = load_report();
    let open = OpenLoop { rate: 20.0, arrivals: Arrivals::Poisson, seed: 7 };
    report.parameters.load = Some(LoadParameters { concurrency: 8, requests: 3, open_loop: Some(open) });
    let row = &mut report.results[0];
    let delays = [0.1, 0.2, 90.0];
    for (run, delay_ms) in row.runs.iter_mut().zip(delays) {
        run.start_delay_ms = Some(delay_ms);
    }
    let since_intended = |value: fn(&Run) -> Option<f64>, per_ms: f64| {
        let delayed = row.runs.iter().filter_map(|run| Some(value(run)? + run.start_delay_ms? * per_ms));
        summarize(&delayed.collect::<Vec<_>>())
    };
    let open_loop = OpenLoopSummary {
        offered_requests_per_second: open.rate,
        arrivals: open.arrivals,
        ttft_ms: since_intended(|run| run.ttft_ms, 1.0),
        total_time_s: since_intended(|run| run.total_time_s, 1e-3),
        start_delay_ms: summarize(&delays),
        held_back: 1,
    };
    if let Some(load) = &mut row.load {
        *load = LoadSummary {
            concurrency: 8,
            requests: 3,
            requests_per_second: Some(18.7),
            max_in_flight: 8,
            runs_omitted: 0,
            open_loop: Some(open_loop),
            ..load.clone()
        };
    }
    report
}

/// Returns a row with these runs and their summary.
pub fn row(key: &str, provider: &str, model: &str, runs: Vec<Run>) -> ResultRow {
    ResultRow {
        provider: provider.into(),
        provider_key: key.into(),
        model: model.into(),
        model_id: model.into(),
        protocol: Protocol::OpenaiChat,
        simulated: false,
        reported: false,
        context_tokens: 0,
        context_token_source: None,
        price: Some(Price {
            input_per_mtok: 2.5,
            cached_input_per_mtok: None,
            output_per_mtok: 10.0,
            up_to_input_tokens: None,
            source: PriceSource::Catalog,
        }),
        adjustments: Vec::new(),
        skipped: None,
        warmup: None,
        summary: summary(&runs),
        runs,
        load: None,
    }
}

fn summary(runs: &[Run]) -> RunSummary {
    let good: Vec<_> = runs.iter().filter(|run| run.success).collect();
    let of = |value: fn(&Run) -> Option<f64>| -> Option<Summary> {
        summarize(&good.iter().filter_map(|run| value(run)).collect::<Vec<_>>())
    };
    RunSummary {
        success_count: good.len() as u64,
        error_count: (runs.len() - good.len()) as u64,
        ttft_ms: of(|run| run.ttft_ms),
        ttfa_ms: of(|run| run.ttfa_ms),
        total_time_s: of(|run| run.total_time_s),
        tokens_per_second: of(|run| run.tokens_per_second),
        output_speed_tps: of(|run| run.output_speed_tps),
        itl_ms: of(|run| run.itl_ms),
        gap_ms: of(|run| run.itl_p50_ms),
        output_tokens: of(|run| run.output_tokens.map(|n| n as f64)),
        cost: of(|run| run.cost),
        total_cost: good.iter().filter_map(|run| run.cost).reduce(|a, b| a + b),
        ..Default::default()
    }
}

/// Returns a run of 100 tokens, 10 ms apart, after `ttft_ms`.
pub fn run(number: u64, ttft_ms: f64) -> Run {
    let total_time_s = ttft_ms / 1e3 + 0.99;
    Run {
        run_number: number,
        success: true,
        error: None,
        response_id: Some(format!("resp-{number}")),
        started_at: 1_767_323_045_000 + number as i64,
        start_delay_ms: None,
        connect_ms: None,
        dns_ms: None,
        tcp_ms: None,
        tls_ms: None,
        ttft_ms: Some(ttft_ms),
        ttfa_ms: Some(ttft_ms),
        total_time_s: Some(total_time_s),
        output_tokens: Some(100),
        reasoning_tokens: None,
        input_tokens: Some(40),
        cached_input_tokens: Some(0),
        token_source: Some(TokenSource::Reported),
        tokens_per_second: Some(100.0 / total_time_s),
        output_speed_tps: Some(100.0),
        itl_ms: Some(10.0),
        itl_p50_ms: Some(10.0),
        itl_p95_ms: Some(10.5),
        itl_p99_ms: Some(11.0),
        input_tokens_per_second: Some(40.0 / ttft_ms * 1e3),
        chunks: 100,
        tokens_per_chunk: Some(1.0),
        cost: Some(0.0011),
        cost_source: Some(PriceSource::Catalog),
        finish_reason: Some("stop".into()),
        clock: Clock::Kernel,
        lateness_mean_ms: Some(0.03),
        lateness_max_ms: Some(0.2),
        chunk_deltas_us: vec![(ttft_ms * 1e3) as u32, 10_000, 10_000],
    }
}

fn estimated(number: u64, ttft_ms: f64) -> Run {
    Run { token_source: Some(TokenSource::Estimated), cost: None, cost_source: None, ..run(number, ttft_ms) }
}

fn failed(number: u64) -> Run {
    Run {
        success: false,
        error: Some(ApiError {
            kind: ErrorKind::RateLimited,
            status: Some(429),
            message: "slow down".into(),
            retry_after_s: Some(2),
        }),
        response_id: None,
        ttft_ms: None,
        ttfa_ms: None,
        total_time_s: None,
        output_tokens: None,
        input_tokens: None,
        cached_input_tokens: None,
        token_source: None,
        tokens_per_second: None,
        output_speed_tps: None,
        itl_ms: None,
        itl_p50_ms: None,
        itl_p95_ms: None,
        itl_p99_ms: None,
        input_tokens_per_second: None,
        chunks: 0,
        tokens_per_chunk: None,
        cost: None,
        cost_source: None,
        finish_reason: None,
        lateness_mean_ms: None,
        lateness_max_ms: None,
        chunk_deltas_us: Vec::new(),
        ..run(number, 0.0)
    }
}

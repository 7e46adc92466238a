//! Accuracy and CPU cost of the measuring client: runs the real binary against the real mock in another
//! process on loopback and compares its report with the mock's log. Then compares its cost with plain
//! blocking sockets on the same machine. Prints a table of each and writes `benches/results/`.
//!
//! Run by `make bench`; `make bench CASE=step` runs the cases whose name contains `step`, `CASE=ratio` the
//! comparison with blocking sockets.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a bench prints its figures")]

#[allow(dead_code, reason = "shared with the bench of the server")]
mod harness;

use harness::{
    Case, Figures, Limits, Verdict, blocking,
    ratio::{self, RatioCase, RatioPromise, RatioVerdict},
};

/// Errors below 1 ms; 1 ms is 10 % of a gap of 10 ms.
const BELOW_A_MILLISECOND: Limits = Limits { ttft_ms: Some(1.0), itl_percent: Some(10.0), ..Limits::NONE };

const CASES: [Case; 6] = [
    Case {
        name: "one-stream",
        what: "1 stream, 50 requests, 50 ms, then 5 ms x 40 tokens",
        scenario: "ttft=50,gap=5,tokens=40",
        concurrency: 1,
        requests: 50,
        contended: false,
        limits: Limits { ttft_ms: Some(0.4), itl_percent: Some(0.1), ..Limits::NONE },
    },
    Case {
        name: "out-of-step",
        what: "64 streams, 1,000 requests, 50 to 250 ms, then 10 ms x 50 tokens",
        scenario: "ttft=50,ttft_max=250,gap=10,tokens=50",
        concurrency: 64,
        requests: 1_000,
        contended: false,
        limits: Limits {
            ttft_ms: Some(0.2),
            itl_percent: Some(0.05),
            cpu_us: Some(40.0),
            rss_mb: Some(48.0),
            ..Limits::NONE
        },
    },
    Case {
        name: "in-step",
        what: "64 streams, 2,000 requests, 100 ms, then 10 ms x 50 tokens",
        scenario: "ttft=100,gap=10,tokens=50",
        concurrency: 64,
        requests: 2_000,
        contended: false,
        limits: Limits {
            ttft_ms: Some(0.3),
            itl_percent: Some(0.1),
            cpu_us: Some(40.0),
            rss_mb: Some(48.0),
            ..Limits::NONE
        },
    },
    Case {
        name: "capacity",
        what: "64 streams, 4,096 requests, 500 tokens each, unpaced, 20 events a write",
        scenario: "ttft=0,gap=0,tokens=500,burst=20",
        concurrency: 64,
        requests: 4_096,
        contended: false,
        limits: Limits {
            tokens_per_second: Some(500_000.0),
            cpu_us: Some(4.0),
            rss_mb: Some(48.0),
            ..Limits::NONE
        },
    },
    Case {
        name: "busy-out-of-step",
        what: "as out-of-step, while another process keeps both cores busy",
        scenario: "ttft=50,ttft_max=250,gap=10,tokens=50",
        concurrency: 64,
        requests: 1_000,
        contended: true,
        limits: BELOW_A_MILLISECOND,
    },
    Case {
        name: "busy-in-step",
        what: "as in-step, while another process keeps both cores busy",
        scenario: "ttft=100,gap=10,tokens=50",
        concurrency: 64,
        requests: 2_000,
        contended: true,
        limits: BELOW_A_MILLISECOND,
    },
];

const RATIO_CASES: [RatioCase; 2] = [
    RatioCase {
        load: Case {
            name: "ratio-out-of-step",
            what: "as out-of-step, by turns with blocking sockets",
            scenario: "ttft=50,ttft_max=250,gap=10,tokens=50",
            concurrency: 64,
            requests: 1_000,
            contended: false,
            limits: Limits::NONE,
        },
        rounds: 6,
        promise: RatioPromise { cpu_at_most: 1.5, tokens_per_second_at_least: None },
    },
    RatioCase {
        load: Case {
            name: "ratio-capacity",
            what: "as capacity, by turns with blocking sockets",
            scenario: "ttft=0,gap=0,tokens=500,burst=20",
            concurrency: 64,
            requests: 4_096,
            contended: false,
            limits: Limits::NONE,
        },
        rounds: 4,
        promise: RatioPromise { cpu_at_most: 2.5, tokens_per_second_at_least: Some(0.4) },
    },
];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == blocking::ARGUMENT).is_some() {
        return blocking::run_from_arguments(arguments);
    }
    let wanted = arguments.find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut verdicts = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&wanted)) {
        eprintln!("{}: {}", case.name, case.what);
        let figures: Figures = harness::run(case)?;
        verdicts.push(Verdict { case, figures });
    }
    let mut ratios = Vec::new();
    for case in RATIO_CASES.iter().filter(|case| case.load.name.contains(&wanted)) {
        eprintln!("{}: {}", case.load.name, case.load.what);
        let figures = ratio::run(case)?;
        ratios.push(RatioVerdict { case, figures });
    }
    harness::publish(&verdicts, &ratios)
}

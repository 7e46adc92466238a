//! Which figures of a result stand in the final table: one set for requests one after the other,
//! one for load.

use super::{
    figures::{NONE, dollars, measured, printable, range, spread, whole},
    grid::{Align, Cell, Column, Grid},
};
use crate::{
    benchmark::types::{Report, ResultRow, Run, TokenSource},
    stats::Summary,
};

/// One column: how it is headed, what it shows of a row, and what makes a value the best.
struct Figure {
    column: Column,
    text: fn(&ResultRow) -> Option<String>,
    ranked: Ranked,
    /// Whether the column says anything about these results.
    worth_showing: fn(&[ResultRow]) -> bool,
}

/// By which value the rows of one tier are ranked.
#[derive(Clone, Copy)]
enum Ranked {
    No,
    Highest(fn(&ResultRow) -> Option<f64>),
    Lowest(fn(&ResultRow) -> Option<f64>),
}

/// The table of a report: one row per provider, model and tier.
pub fn grid(report: &Report) -> Grid {
    let set = if report.parameters.load.is_some() { UNDER_LOAD } else { ONE_BY_ONE };
    let figures: Vec<_> = set.iter().filter(|figure| (figure.worth_showing)(&report.results)).collect();
    let cell = |figure: &Figure, row: &ResultRow| Cell {
        text: (figure.text)(row).unwrap_or_else(|| NONE.to_owned()),
        best: figure.ranked.is_best(row, &report.results),
    };
    Grid {
        columns: figures.iter().map(|figure| figure.column).collect(),
        rows: report
            .results
            .iter()
            .map(|row| figures.iter().map(|figure| cell(figure, row)).collect())
            .collect(),
    }
}

impl Ranked {
    /// True when no other row of the tier is better and at least one is worse.
    fn is_best(self, row: &ResultRow, rows: &[ResultRow]) -> bool {
        let (of, direction): (fn(&ResultRow) -> Option<f64>, f64) = match self {
            Self::No => return false,
            Self::Highest(of) => (of, 1.0),
            Self::Lowest(of) => (of, -1.0),
        };
        let Some(own) = of(row) else { return false };
        let others = || rows.iter().filter(|other| other.context_tokens == row.context_tokens).filter_map(of);
        others().all(|value| direction * value <= direction * own)
            && others().any(|value| direction * value < direction * own)
    }
}

const fn text_column(title: &'static str) -> Column {
    Column { title, unit: "", align: Align::Left, dispensable: 0 }
}

const fn number_column(title: &'static str, unit: &'static str, dispensable: u8) -> Column {
    Column { title, unit, align: Align::Right, dispensable }
}

fn always(_: &[ResultRow]) -> bool {
    true
}

fn has_cost(rows: &[ResultRow]) -> bool {
    rows.iter().any(|row| row.summary.cost.is_some())
}

const PROVIDER: Figure = Figure {
    column: text_column("Provider"),
    text: |row| Some(printable(&row.provider)),
    ranked: Ranked::No,
    worth_showing: always,
};

const MODEL: Figure = Figure {
    column: text_column("Model"),
    text: |row| Some(model_name(row)),
    ranked: Ranked::No,
    worth_showing: always,
};

const CONTEXT: Figure = Figure {
    column: number_column("Context", "tokens", 0),
    text: |row| Some(context_tokens(row)),
    ranked: Ranked::No,
    worth_showing: |rows| rows.iter().any(|row| row.context_tokens > 0),
};

const CACHED: Figure = Figure {
    column: number_column("Cached", "input tokens", 6),
    text: |row| row.summary.cached_input_tokens.map(|tokens| measured(tokens.mean)),
    ranked: Ranked::No,
    worth_showing: |rows| {
        rows.iter().any(|row| row.summary.cached_input_tokens.is_some_and(|tokens| tokens.mean > 0.0))
    },
};

const ONE_BY_ONE: &[Figure] = &[
    PROVIDER,
    MODEL,
    CONTEXT,
    Figure {
        column: number_column("Output", "tok/s", 0),
        text: |row| row.summary.output_speed_tps.map(mean_and_sd),
        ranked: Ranked::Highest(|row| row.summary.output_speed_tps.map(|speed| speed.mean)),
        worth_showing: always,
    },
    Figure {
        column: number_column("p5–p95", "tok/s", 7),
        text: |row| {
            let speed = row.summary.output_speed_tps.filter(|speed| speed.n > 1)?;
            Some(range(speed.p5, speed.p95))
        },
        ranked: Ranked::No,
        worth_showing: always,
    },
    Figure {
        column: number_column("End to end", "tok/s", 4),
        text: |row| row.summary.tokens_per_second.map(mean_and_sd),
        ranked: Ranked::Highest(|row| row.summary.tokens_per_second.map(|speed| speed.mean)),
        worth_showing: always,
    },
    Figure {
        column: number_column("TTFT", "ms", 0),
        text: |row| row.summary.ttft_ms.map(mean_and_sd),
        ranked: Ranked::Lowest(|row| row.summary.ttft_ms.map(|ttft| ttft.mean)),
        worth_showing: always,
    },
    Figure {
        column: number_column("TTFT p95", "ms", 3),
        text: |row| row.summary.ttft_ms.map(|ttft| measured(ttft.p95)),
        ranked: Ranked::Lowest(|row| row.summary.ttft_ms.map(|ttft| ttft.p95)),
        worth_showing: always,
    },
    Figure {
        column: number_column("First text", "ms", 2),
        text: |row| row.summary.ttfa_ms.map(mean_and_sd),
        ranked: Ranked::Lowest(|row| row.summary.ttfa_ms.map(|ttfa| ttfa.mean)),
        worth_showing: |rows| rows.iter().any(reasons_first),
    },
    Figure {
        column: number_column("Gap p95", "ms", 5),
        text: |row| row.summary.gap_ms.map(|gap| measured(gap.p95)),
        ranked: Ranked::Lowest(|row| row.summary.gap_ms.map(|gap| gap.p95)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Tokens", "a run", 2),
        text: output_tokens,
        ranked: Ranked::No,
        worth_showing: always,
    },
    CACHED,
    Figure {
        column: number_column("Cost", "a run", 1),
        text: |row| row.summary.cost.map(|cost| dollars(cost.mean)),
        ranked: Ranked::Lowest(|row| row.summary.cost.map(|cost| cost.mean)),
        worth_showing: has_cost,
    },
    Figure {
        column: number_column("Runs", "", 0),
        text: |row| Some(outcome(row)),
        ranked: Ranked::No,
        worth_showing: always,
    },
];

const UNDER_LOAD: &[Figure] = &[
    PROVIDER,
    MODEL,
    CONTEXT,
    Figure {
        column: number_column("In flight", "", 4),
        text: |row| row.load.as_ref().map(|load| whole(load.concurrency.into())),
        ranked: Ranked::No,
        worth_showing: always,
    },
    Figure {
        column: number_column("Throughput", "tok/s", 0),
        text: |row| row.load.as_ref().and_then(|load| load.output_tokens_per_second).map(measured),
        ranked: Ranked::Highest(|row| row.load.as_ref().and_then(|load| load.output_tokens_per_second)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Rate", "req/s", 0),
        text: |row| row.load.as_ref().and_then(|load| load.requests_per_second).map(measured),
        ranked: Ranked::Highest(|row| row.load.as_ref().and_then(|load| load.requests_per_second)),
        worth_showing: always,
    },
    Figure {
        column: number_column("TTFT p50", "ms", 0),
        text: |row| row.summary.ttft_ms.map(|ttft| measured(ttft.p50)),
        ranked: Ranked::Lowest(|row| row.summary.ttft_ms.map(|ttft| ttft.p50)),
        worth_showing: always,
    },
    Figure {
        column: number_column("TTFT p95", "ms", 1),
        text: |row| row.summary.ttft_ms.map(|ttft| measured(ttft.p95)),
        ranked: Ranked::Lowest(|row| row.summary.ttft_ms.map(|ttft| ttft.p95)),
        worth_showing: always,
    },
    Figure {
        column: number_column("TTFT p99", "ms", 3),
        text: |row| row.summary.ttft_ms.map(|ttft| measured(ttft.p99)),
        ranked: Ranked::Lowest(|row| row.summary.ttft_ms.map(|ttft| ttft.p99)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Gap p50", "ms", 2),
        text: |row| row.summary.gap_ms.map(|gap| measured(gap.p50)),
        ranked: Ranked::Lowest(|row| row.summary.gap_ms.map(|gap| gap.p50)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Gap p95", "ms", 5),
        text: |row| row.summary.gap_ms.map(|gap| measured(gap.p95)),
        ranked: Ranked::Lowest(|row| row.summary.gap_ms.map(|gap| gap.p95)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Gap p99", "ms", 6),
        text: |row| row.summary.gap_ms.map(|gap| measured(gap.p99)),
        ranked: Ranked::Lowest(|row| row.summary.gap_ms.map(|gap| gap.p99)),
        worth_showing: always,
    },
    Figure {
        column: number_column("Tokens", "a request", 7),
        text: output_tokens,
        ranked: Ranked::No,
        worth_showing: always,
    },
    CACHED,
    Figure {
        column: number_column("Cost", "in all", 4),
        text: |row| row.summary.total_cost.map(dollars),
        ranked: Ranked::No,
        worth_showing: has_cost,
    },
    Figure {
        column: number_column("Requests", "", 0),
        text: |row| Some(outcome(row)),
        ranked: Ranked::No,
        worth_showing: always,
    },
];

fn mean_and_sd(summary: Summary) -> String {
    spread(summary.mean, summary.sd)
}

/// The model's name, marked where its numbers do not come from a real model.
fn model_name(row: &ResultRow) -> String {
    let name = printable(&row.model);
    let told = format!("{} {name}", row.provider).to_lowercase().contains("simulated");
    if row.simulated && !told { format!("{name} (simulated)") } else { name }
}

fn reasons_first(row: &ResultRow) -> bool {
    let (Some(ttft), Some(ttfa)) = (row.summary.ttft_ms, row.summary.ttfa_ms) else { return false };
    ttfa.mean - ttft.mean > 0.01
}

fn output_tokens(row: &ResultRow) -> Option<String> {
    let tokens = measured_count(row.summary.output_tokens?.mean);
    Some(if is_estimated(row) { format!("{tokens} est.") } else { tokens })
}

fn context_tokens(row: &ResultRow) -> String {
    let tokens = whole(row.context_tokens);
    if has_estimated_context(row) { format!("≈ {tokens}") } else { tokens }
}

/// True when the row's context was measured out with a tokenizer that is not the model's own.
pub fn has_estimated_context(row: &ResultRow) -> bool {
    row.context_token_source == Some(TokenSource::Estimated)
}

fn measured_count(mean: f64) -> String {
    if mean.fract() == 0.0 { whole(mean as u64) } else { measured(mean) }
}

/// True when any of the row's token counts is not the server's own.
pub fn is_estimated(row: &ResultRow) -> bool {
    row.runs
        .iter()
        .filter(|run| run.success)
        .any(|run: &Run| run.token_source == Some(TokenSource::Estimated))
}

fn outcome(row: &ResultRow) -> String {
    match (&row.skipped, row.summary.success_count, row.summary.error_count) {
        (Some(_), 0, 0) => "skipped".to_owned(),
        (None, 0, 0) => "none".to_owned(),
        (_, ok, 0) => format!("{} ok", whole(ok)),
        (_, 0, failed) => format!("{} failed", whole(failed)),
        (_, ok, failed) => format!("{} ok, {} failed", whole(ok), whole(failed)),
    }
}

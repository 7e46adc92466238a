//! The columns of the final table: one set for sequential requests, one for a closed loop, one for an open loop.

use super::{
    figures::{NONE, dollars, measured, range, spread, whole},
    grid::{Align, Cell, Column, Grid},
    printable,
};
use crate::cli::metrics::open_loop;
use bench::types::{LoadParameters, Report, ResultRow, Run, RunSummary, TokenSource};
use stats::Summary;

/// One column: its heading, its content, and when it is shown.
struct Figure {
    column: Column,
    content: Content,
    /// Returns whether the column has any content for these results.
    worth_showing: fn(&[ResultRow]) -> bool,
}

/// The content of a cell. With a direction, the best rows of each context size are marked.
#[derive(Clone, Copy)]
enum Content {
    Text(fn(&ResultRow) -> Option<String>),
    /// Mean and standard deviation; ranked by the mean.
    Spread(fn(&RunSummary) -> Option<Summary>, Better),
    Value(fn(&ResultRow) -> Option<f64>, Better),
    Dollars(fn(&ResultRow) -> Option<f64>, Better),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Higher,
    Lower,
}

/// Returns the table of a report: one row per provider, model and context size.
pub fn grid(report: &Report) -> Grid {
    let set = match report.parameters.load {
        None => SEQUENTIAL,
        Some(LoadParameters { open_loop: None, .. }) => UNDER_LOAD,
        Some(LoadParameters { open_loop: Some(_), .. }) => AT_A_RATE,
    };
    let figures: Vec<_> = set.iter().filter(|figure| (figure.worth_showing)(&report.results)).collect();
    let cell = |figure: &Figure, row: &ResultRow| Cell {
        text: figure.content.text(row).unwrap_or_else(|| NONE.to_owned()),
        best: figure.content.is_best(row, &report.results),
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

impl Content {
    fn text(self, row: &ResultRow) -> Option<String> {
        match self {
            Self::Text(of) => of(row),
            Self::Spread(of, _) => of(&row.summary).map(|summary| spread(summary.mean, summary.sd)),
            Self::Value(of, _) => of(row).map(measured),
            Self::Dollars(of, _) => of(row).map(dollars),
        }
    }

    /// Returns a value that is higher for better rows.
    fn merit(self, row: &ResultRow) -> Option<f64> {
        let (value, better) = match self {
            Self::Text(_) => return None,
            Self::Spread(of, better) => (of(&row.summary)?.mean, better),
            Self::Value(of, better) | Self::Dollars(of, better) => (of(row)?, better),
        };
        Some(if better == Better::Higher { value } else { -value })
    }

    /// Returns whether no other row of the context size is better and at least one is worse.
    fn is_best(self, row: &ResultRow, rows: &[ResultRow]) -> bool {
        let Some(own) = self.merit(row) else { return false };
        let tier = || rows.iter().filter(|other| other.context_tokens == row.context_tokens);
        let merits = || tier().filter_map(|other| self.merit(other));
        merits().all(|merit| merit <= own) && merits().any(|merit| merit < own)
    }
}

impl Figure {
    const fn of(column: Column, content: Content) -> Self {
        Self { column, content, worth_showing: |_| true }
    }

    const fn text(column: Column, of: fn(&ResultRow) -> Option<String>) -> Self {
        Self::of(column, Content::Text(of))
    }

    const fn shown_if(mut self, worth_showing: fn(&[ResultRow]) -> bool) -> Self {
        self.worth_showing = worth_showing;
        self
    }
}

const fn text_column(title: &'static str) -> Column {
    Column { title, unit: "", align: Align::Left, dispensable: 0 }
}

const fn number_column(title: &'static str, unit: &'static str, dispensable: u8) -> Column {
    Column { title, unit, align: Align::Right, dispensable }
}

const PROVIDER: Figure = Figure::text(text_column("Provider"), |row| Some(printable(&row.provider)));

const MODEL: Figure = Figure::text(text_column("Model"), |row| Some(model_name(row)));

const CONTEXT: Figure = Figure::text(number_column("Context", "tokens", 0), |row| Some(context_tokens(row)))
    .shown_if(|rows| rows.iter().any(|row| row.context_tokens > 0));

const CACHED: Figure = Figure::text(number_column("Cached", "input tokens", 6), |row| {
    row.summary.cached_input_tokens.map(|tokens| measured(tokens.mean))
})
.shown_if(|rows| {
    rows.iter().any(|row| row.summary.cached_input_tokens.is_some_and(|tokens| tokens.mean > 0.0))
});

const fn spread_of(
    title: &'static str,
    unit: &'static str,
    dispensable: u8,
    of: fn(&RunSummary) -> Option<Summary>,
    better: Better,
) -> Figure {
    Figure::of(number_column(title, unit, dispensable), Content::Spread(of, better))
}

const fn value_of(
    title: &'static str,
    unit: &'static str,
    dispensable: u8,
    of: fn(&ResultRow) -> Option<f64>,
    better: Better,
) -> Figure {
    Figure::of(number_column(title, unit, dispensable), Content::Value(of, better))
}

const SEQUENTIAL: &[Figure] = &[
    PROVIDER,
    MODEL,
    CONTEXT,
    spread_of("Output", "tok/s", 0, |summary| summary.output_speed_tps, Better::Higher),
    Figure::text(number_column("p5–p95", "tok/s", 7), speed_range),
    spread_of("End to end", "tok/s", 4, |summary| summary.tokens_per_second, Better::Higher),
    spread_of("TTFT", "ms", 0, |summary| summary.ttft_ms, Better::Lower),
    value_of("TTFT p95", "ms", 3, |row| Some(row.summary.ttft_ms?.p95), Better::Lower),
    spread_of("First text", "ms", 2, |summary| summary.ttfa_ms, Better::Lower)
        .shown_if(|rows| rows.iter().any(reasons_first)),
    value_of("Gap p95", "ms", 5, |row| Some(row.summary.gap_ms?.p95), Better::Lower),
    Figure::text(number_column("Tokens", "a run", 2), output_tokens),
    CACHED,
    Figure::of(
        number_column("Cost", "a run", 1),
        Content::Dollars(|row| Some(row.summary.cost?.mean), Better::Lower),
    )
    .shown_if(has_cost),
    Figure::text(number_column("Runs", "", 0), |row| Some(outcome(row))),
];

const UNDER_LOAD: &[Figure] = &[
    PROVIDER,
    MODEL,
    CONTEXT,
    Figure::text(number_column("In flight", "", 4), |row| Some(whole(row.load.as_ref()?.concurrency.into()))),
    value_of("Throughput", "tok/s", 0, |row| row.load.as_ref()?.output_tokens_per_second, Better::Higher),
    value_of("Rate", "req/s", 0, |row| row.load.as_ref()?.requests_per_second, Better::Higher),
    value_of("TTFT p50", "ms", 0, |row| Some(row.summary.ttft_ms?.p50), Better::Lower),
    value_of("TTFT p95", "ms", 1, |row| Some(row.summary.ttft_ms?.p95), Better::Lower),
    value_of("TTFT p99", "ms", 3, |row| Some(row.summary.ttft_ms?.p99), Better::Lower),
    value_of("Gap p50", "ms", 2, |row| Some(row.summary.gap_ms?.p50), Better::Lower),
    value_of("Gap p95", "ms", 5, |row| Some(row.summary.gap_ms?.p95), Better::Lower),
    value_of("Gap p99", "ms", 6, |row| Some(row.summary.gap_ms?.p99), Better::Lower),
    Figure::text(number_column("Tokens", "a request", 7), output_tokens),
    CACHED,
    Figure::text(number_column("Cost", "total", 4), |row| row.summary.total_cost.map(dollars))
        .shown_if(has_cost),
    Figure::text(number_column("Requests", "", 0), |row| Some(outcome(row))),
];

/// Latencies count from the intended starts.
const AT_A_RATE: &[Figure] = &[
    PROVIDER,
    MODEL,
    CONTEXT,
    value_of("Offered", "req/s", 0, |row| Some(open_loop(row)?.offered_requests_per_second), Better::Higher),
    value_of("Achieved", "req/s", 0, |row| row.load.as_ref()?.requests_per_second, Better::Higher),
    value_of("Throughput", "tok/s", 3, |row| row.load.as_ref()?.output_tokens_per_second, Better::Higher),
    value_of("TTFT p50", "ms", 0, |row| Some(open_loop(row)?.ttft_ms?.p50), Better::Lower),
    value_of("TTFT p95", "ms", 2, |row| Some(open_loop(row)?.ttft_ms?.p95), Better::Lower),
    value_of("TTFT p99", "ms", 0, |row| Some(open_loop(row)?.ttft_ms?.p99), Better::Lower),
    value_of("Total p50", "s", 5, |row| Some(open_loop(row)?.total_time_s?.p50), Better::Lower),
    value_of("Total p99", "s", 4, |row| Some(open_loop(row)?.total_time_s?.p99), Better::Lower),
    value_of("Delay p99", "ms", 1, |row| Some(open_loop(row)?.start_delay_ms?.p99), Better::Lower),
    value_of("Gap p95", "ms", 7, |row| Some(row.summary.gap_ms?.p95), Better::Lower),
    Figure::text(number_column("Tokens", "a request", 8), output_tokens),
    CACHED,
    Figure::text(number_column("Cost", "total", 6), |row| row.summary.total_cost.map(dollars))
        .shown_if(has_cost),
    Figure::text(number_column("Requests", "", 0), |row| Some(outcome(row))),
];

fn has_cost(rows: &[ResultRow]) -> bool {
    rows.iter().any(|row| row.summary.cost.is_some())
}

/// Shows p5 and p95: the worst case of throughput is p5.
fn speed_range(row: &ResultRow) -> Option<String> {
    let speed = row.summary.output_speed_tps.filter(|speed| speed.n > 1)?;
    Some(range(speed.p5, speed.p95))
}

/// Returns the model's name, marked if it is simulated.
fn model_name(row: &ResultRow) -> String {
    let name = printable(&row.model);
    let is_marked = format!("{} {name}", row.provider).to_lowercase().contains("simulated");
    if row.simulated && !is_marked { format!("{name} (simulated)") } else { name }
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

/// Returns whether the row's context was built with a tokenizer that is not the model's own.
pub fn has_estimated_context(row: &ResultRow) -> bool {
    row.context_token_source == Some(TokenSource::Estimated)
}

fn measured_count(mean: f64) -> String {
    if mean.fract() == 0.0 { whole(mean as u64) } else { measured(mean) }
}

/// Returns whether any token count of the row is estimated.
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

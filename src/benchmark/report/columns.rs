//! The columns of the table of results: value, sort order and description.

use crate::benchmark::page_row::PageRow;
use bench::types::RunSummary;
use stats::Summary;
use ui::format;
use ui::table::Direction;

/// One column of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub metric: Metric,
    pub title: &'static str,
    pub unit: &'static str,
    /// The description of the number, in one line.
    pub about: &'static str,
    pub best_first: Direction,
    pub width: Width,
}

/// The minimum screen size at which a column is shown by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Phone,
    Tablet,
    Desktop,
    /// Shown only with "all metrics".
    OnDemand,
}

/// A number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    OutputSpeed,
    OutputSpeedInterval,
    OutputSpeedRange,
    EndToEnd,
    Ttft,
    TtftInterval,
    TtftRange,
    Ttfa,
    ItlMean,
    GapP50,
    GapP95,
    GapP99,
    InputSpeed,
    TokensPerChunk,
    OutputTokens,
    ReasoningTokens,
    InputTokens,
    CachedInput,
    TotalTime,
    Connect,
    Dns,
    Tcp,
    Tls,
    Lateness,
    Cost,
    TotalCost,
}

/// A formatted number of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub value: String,
    /// Standard deviation; `None` for a single run.
    pub spread: Option<String>,
}

const fn column(
    metric: Metric,
    title: &'static str,
    unit: &'static str,
    about: &'static str,
    best_first: Direction,
    width: Width,
) -> Column {
    Column { metric, title, unit, about, best_first, width }
}

use Direction::{Ascending as Low, Descending as High};
use Width::{Desktop, OnDemand, Phone, Tablet};

/// All metrics of the measurement page, in the order of the table.
#[rustfmt::skip]
pub const COLUMNS: [Column; 26] = [
    column(Metric::OutputSpeed, "Output speed", "tok/s", "tokens per second after the first token, mean ± standard deviation", High, Phone),
    column(Metric::OutputSpeedInterval, "95 % interval", "tok/s", "of the mean output speed", High, OnDemand),
    column(Metric::OutputSpeedRange, "p5 – p95", "tok/s", "of the output speed; p5 is the slow end", High, OnDemand),
    column(Metric::EndToEnd, "End to end", "tok/s", "output tokens ÷ total time", High, Tablet),
    column(Metric::Ttft, "TTFT", "ms", "from request to first generated token, mean ± standard deviation", Low, Tablet),
    column(Metric::TtftInterval, "95 % interval", "ms", "of the mean TTFT", Low, OnDemand),
    column(Metric::TtftRange, "p5 – p95", "ms", "of the TTFT", Low, OnDemand),
    column(Metric::Ttfa, "First visible text", "ms", "from request to the first visible text, after any reasoning", Low, OnDemand),
    column(Metric::ItlMean, "Inter-token (mean)", "ms", "between chunks, mean of the runs’ means", Low, OnDemand),
    column(Metric::GapP50, "Inter-token p50", "ms", "between chunks, over all gaps of all runs", Low, OnDemand),
    column(Metric::GapP95, "Inter-token p95", "ms", "between chunks, over all gaps of all runs", Low, Desktop),
    column(Metric::GapP99, "Inter-token p99", "ms", "between chunks, over all gaps of all runs", Low, OnDemand),
    column(Metric::InputSpeed, "Input speed", "tok/s", "uncached input tokens ÷ time to first token", High, OnDemand),
    column(Metric::TokensPerChunk, "Tokens/chunk", "", "a chunk may carry several tokens", High, OnDemand),
    column(Metric::OutputTokens, "Tokens", "", "output tokens of a run, reasoning included", High, Desktop),
    column(Metric::ReasoningTokens, "Reasoning", "tokens", "output tokens of a run that are reasoning", High, OnDemand),
    column(Metric::InputTokens, "Input", "tokens", "input tokens of a run", High, OnDemand),
    column(Metric::CachedInput, "Cached input", "tokens", "input tokens served from the provider’s cache", High, OnDemand),
    column(Metric::TotalTime, "Total time", "s", "from request to last token", Low, OnDemand),
    column(Metric::Connect, "Connect", "ms", "DNS, TCP and TLS of new connections; not part of any other number", Low, OnDemand),
    column(Metric::Dns, "DNS", "ms", "name resolution of new connections; part of Connect", Low, OnDemand),
    column(Metric::Tcp, "TCP", "ms", "TCP connect of new connections; part of Connect", Low, OnDemand),
    column(Metric::Tls, "TLS", "ms", "TLS handshake of new connections; part of Connect", Low, OnDemand),
    column(Metric::Lateness, "Client lag", "ms", "delay between the kernel’s receive time and this client reading the chunk", Low, OnDemand),
    column(Metric::Cost, "Cost", "", "of one run", Low, Desktop),
    column(Metric::TotalCost, "Total cost", "", "of all successful runs", Low, OnDemand),
];

impl Metric {
    fn summary(self, of: &RunSummary) -> Option<Summary> {
        match self {
            Self::OutputSpeed | Self::OutputSpeedInterval | Self::OutputSpeedRange => of.output_speed_tps,
            Self::EndToEnd => of.tokens_per_second,
            Self::Ttft | Self::TtftInterval | Self::TtftRange => of.ttft_ms,
            Self::Ttfa => of.ttfa_ms,
            Self::ItlMean => of.itl_ms,
            Self::GapP50 | Self::GapP95 | Self::GapP99 => of.gap_ms,
            Self::InputSpeed => of.input_tokens_per_second,
            Self::TokensPerChunk => of.tokens_per_chunk,
            Self::OutputTokens => of.output_tokens,
            Self::ReasoningTokens => of.reasoning_tokens,
            Self::InputTokens => of.input_tokens,
            Self::CachedInput => of.cached_input_tokens,
            Self::TotalTime => of.total_time_s,
            Self::Connect => of.connect_ms,
            Self::Dns => of.dns_ms,
            Self::Tcp => of.tcp_ms,
            Self::Tls => of.tls_ms,
            Self::Lateness => of.lateness_ms,
            Self::Cost | Self::TotalCost => of.cost,
        }
    }

    /// Returns the value to sort by; `None` if there is none.
    pub fn value(self, row: &PageRow) -> Option<f64> {
        let summary = self.summary(&row.summary)?;
        match self {
            Self::OutputSpeedInterval | Self::TtftInterval => summary.ci_low,
            Self::OutputSpeedRange | Self::TtftRange => Some(summary.p5),
            Self::GapP50 => Some(summary.p50),
            Self::GapP95 => Some(summary.p95),
            Self::GapP99 => Some(summary.p99),
            Self::TotalCost => row.summary.total_cost,
            _ => Some(summary.mean),
        }
    }

    /// Returns the formatted value; `None` if there is none.
    pub fn cell(self, row: &PageRow) -> Option<Cell> {
        let summary = self.summary(&row.summary)?;
        let only = |value| Some(Cell { value, spread: None });
        match self {
            Self::OutputSpeed | Self::Ttft => {
                let value = self.write(summary.mean);
                let spread = summary.sd.map(|sd| format::spread(sd, &value));
                Some(Cell { value, spread })
            }
            Self::OutputSpeedInterval | Self::TtftInterval => {
                let (low, high) = summary.ci_low.zip(summary.ci_high)?;
                only(self.range(low, high))
            }
            Self::OutputSpeedRange | Self::TtftRange => only(self.range(summary.p5, summary.p95)),
            _ => only(self.write(self.value(row)?)),
        }
    }

    fn range(self, low: f64, high: f64) -> String {
        format!("{} – {}", self.write(low), self.write(high))
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Ttft
            | Self::TtftInterval
            | Self::TtftRange
            | Self::Ttfa
            | Self::ItlMean
            | Self::GapP50
            | Self::GapP95
            | Self::GapP99
            | Self::Connect
            | Self::Dns
            | Self::Tcp
            | Self::Tls
            | Self::Lateness => format::millis(value),
            Self::OutputTokens | Self::ReasoningTokens | Self::InputTokens | Self::CachedInput => {
                format::integer(value.round().max(0.0) as u64)
            }
            Self::Cost | Self::TotalCost => format::usd(value),
            _ => format::number(value),
        }
    }
}

/// Returns the index of the best row for this metric if there are at least two rows to compare. Simulated
/// rows are ignored if there are real ones.
pub fn best(column: &Column, rows: &[PageRow]) -> Option<usize> {
    let real = rows.iter().any(|row| !row.simulated);
    let known: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !(real && row.simulated))
        .filter_map(|(place, row)| Some((place, column.metric.value(row)?)))
        .collect();
    let order = |(_, a): &&(usize, f64), (_, b): &&(usize, f64)| match column.best_first {
        Low => a.total_cmp(b),
        High => b.total_cmp(a),
    };
    (known.len() > 1).then(|| known.iter().min_by(order)).flatten().map(|(place, _)| *place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{failed, page_row as row, run};

    fn of(metric: Metric) -> &'static Column {
        COLUMNS.iter().find(|column| column.metric == metric).expect("every metric has a column")
    }

    #[test]
    fn formats_means_with_spread_and_ranges_with_both_ends() {
        let row = row("openai", "a", 0, vec![run(1), run(2), run(3)]);
        let written = |metric: Metric| metric.cell(&row).map(|cell| (cell.value, cell.spread));
        assert_eq!(written(Metric::OutputSpeed), Some(("58.0".into(), Some("± 1.0".into()))));
        assert_eq!(written(Metric::Ttft), Some(("200".into(), Some("± 100".into()))));
        assert_eq!(written(Metric::TtftInterval), Some(("-48.4 – 448".into(), None)));
        assert_eq!(written(Metric::OutputSpeedRange), Some(("57.1 – 58.9".into(), None)));
        assert_eq!(written(Metric::OutputTokens), Some(("100".into(), None)));
    }

    #[test]
    fn shows_nothing_for_unknown_values() {
        let unmeasured = row("openai", "a", 0, vec![failed(1)]);
        assert!(COLUMNS.iter().all(|column| column.metric.cell(&unmeasured).is_none()));
        let once = row("openai", "a", 0, vec![run(1)]);
        assert_eq!(Metric::OutputSpeed.cell(&once).unwrap().spread, None);
        assert_eq!(Metric::TtftInterval.cell(&once), None);
    }

    #[test]
    fn best_requires_two_rows_and_ignores_simulated_models() {
        let rows = |simulated| {
            let mut fastest = row("demo", "d", 0, vec![run(1)]);
            fastest.row.simulated = simulated;
            vec![row("openai", "a", 0, vec![run(5)]), fastest, row("openai", "b", 0, vec![run(3)])]
        };
        assert_eq!(best(of(Metric::OutputSpeed), &rows(false)), Some(1));
        assert_eq!(best(of(Metric::OutputSpeed), &rows(true)), Some(2));
        assert_eq!(best(of(Metric::Ttft), &rows(true)), Some(2));
        assert_eq!(best(of(Metric::OutputSpeed), &rows(false)[..1]), None);
    }
}

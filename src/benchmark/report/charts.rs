//! The data of a benchmark's charts.

use super::{hue_of, short_name};
use crate::benchmark::page_row::PageRow;
use bench::types::RunSummary;
use stats::Summary;
use ui::chart::{BarRow, Bars, ChartSpec, Point, Quantity, Scatter};
use ui::format::tokens;

/// Returns the output speed of each row.
pub fn output_speed(rows: &[PageRow]) -> ChartSpec {
    bars(rows, "tok/s", |summary| summary.output_speed_tps)
}

/// Returns the time to the first token of each row.
pub fn first_token(rows: &[PageRow]) -> ChartSpec {
    bars(rows, "ms", |summary| summary.ttft_ms)
}

/// Returns the output speed against the time to the first token, for the rows that have both.
pub fn speed_against_first_token(rows: &[PageRow]) -> ChartSpec {
    let points = rows.iter().filter_map(|row| {
        Some(Point {
            label: label(row, rows),
            hue: hue_of(row).to_owned(),
            x: row.summary.ttft_ms?.mean,
            y: row.summary.output_speed_tps?.mean,
            simulated: row.simulated,
        })
    });
    ChartSpec::Scatter(Scatter {
        x: Quantity { name: "TTFT", unit: "ms" },
        y: Quantity { name: "output speed", unit: "tok/s" },
        points: points.collect(),
    })
}

fn bars(rows: &[PageRow], unit: &'static str, of: fn(&RunSummary) -> Option<Summary>) -> ChartSpec {
    let measured = rows.iter().filter(|row| row.skipped.is_none());
    let rows = measured.map(|row| {
        let summary = of(&row.summary);
        BarRow {
            label: label(row, rows),
            hue: hue_of(row).to_owned(),
            value: summary.map(|summary| summary.mean),
            // With few runs the interval may reach below zero, which is impossible for speeds and times.
            interval: summary.and_then(|summary| Some((summary.ci_low?.max(0.0), summary.ci_high?))),
            simulated: row.simulated,
        }
    });
    ChartSpec::Bars(Bars { unit, rows: rows.collect() })
}

/// Returns the model's name, with its context size if the benchmark has several.
fn label(row: &PageRow, rows: &[PageRow]) -> String {
    let several = rows.iter().any(|other| other.context_tokens != row.context_tokens);
    let name = short_name(row);
    if several { format!("{name} · {}", tokens(row.context_tokens)) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{page_row as row, run};
    use bench::types::Skip;

    #[test]
    fn bars_exist_before_the_first_result() {
        let mut skipped = row("openai", "a", 50_000, vec![]);
        skipped.row.skipped = Some(Skip { reason: "too long".into() });
        let rows = [row("openai", "a", 0, vec![run(1), run(2)]), row("openai", "b", 0, vec![]), skipped];
        let ChartSpec::Bars(bars) = output_speed(&rows) else { panic!("no bars") };
        let seen: Vec<_> = bars.rows.iter().map(|bar| (bar.label.as_str(), bar.value)).collect();
        assert_eq!(seen, [("a · 0", Some(58.5)), ("b · 0", None)]);
        assert!(bars.rows[0].interval.is_some_and(|(low, high)| low < 58.5 && high > 58.5));
    }

    #[test]
    fn points_require_both_values() {
        let rows = [row("openai", "a", 0, vec![run(1)]), row("openai", "b", 0, vec![])];
        let ChartSpec::Scatter(scatter) = speed_against_first_token(&rows) else { panic!("no scatter") };
        assert_eq!(scatter.points.len(), 1);
        assert_eq!((scatter.points[0].x, scatter.points[0].y), (100.0, 59.0));
    }
}

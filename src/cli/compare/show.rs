//! A comparison as a table.

use super::comparison::{Better, Comparison, MetricPair, Row, RowKey, ValuePair};
use crate::cli::output::{
    Align, Canvas, Cell, Column, Grid, NONE, dollars, escape_markdown, label, measured, percent, printable,
};
use stats::{Summary, Verdict};

/// For a terminal.
pub fn table(comparison: &Comparison, canvas: Canvas) -> String {
    let mut lines = vec![heading(comparison), String::new(), grid(comparison).draw(canvas), String::new()];
    lines.extend(remarks(comparison));
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// For documents and issues.
pub fn markdown(comparison: &Comparison) -> String {
    let remarks: Vec<_> =
        remarks(comparison).iter().map(|remark| format!("- {}", escape_markdown(remark))).collect();
    let text = format!(
        "{}\n\n{}\n\n{}",
        escape_markdown(&heading(comparison)),
        grid(comparison).markdown(),
        remarks.join("\n")
    );
    text.trim_end().to_owned() + "\n"
}

fn heading(comparison: &Comparison) -> String {
    format!("A: {}, B: {}", printable(&comparison.a.started_at), printable(&comparison.b.started_at))
}

fn grid(comparison: &Comparison) -> Grid {
    let column = |title, align, dispensable| Column { title, unit: "", align, dispensable };
    Grid {
        columns: vec![
            column("Model", Align::Left, 0),
            column("Metric", Align::Left, 0),
            column("A", Align::Right, 0),
            column("B", Align::Right, 0),
            column("B against A", Align::Right, 0),
            column("95 % interval", Align::Right, 1),
            column("Verdict", Align::Left, 0),
        ],
        rows: comparison.rows.iter().flat_map(lines).collect(),
    }
}

/// One line per metric; the model is named on the first.
fn lines(row: &Row) -> Vec<Vec<Cell>> {
    let load = row.load.iter().map(value_line);
    let lines = load.chain(row.metrics.iter().map(metric_line));
    lines
        .enumerate()
        .map(|(index, texts)| {
            let name = if index == 0 { key_label(&row.key) } else { String::new() };
            std::iter::once(name).chain(texts).map(Cell::from).collect()
        })
        .collect()
}

fn metric_line(pair: &MetricPair) -> [String; 6] {
    let figure = |summary: &Summary| match pair.metric {
        "cost" => dollars(summary.mean),
        _ => measured(summary.mean),
    };
    let difference = &pair.difference;
    let interval = difference.percent_ci_low.zip(difference.percent_ci_high);
    [
        pair.metric.to_owned(),
        figure(&pair.a),
        figure(&pair.b),
        or_none(difference.percent.map(percent)),
        or_none(interval.map(|(low, high)| format!("{} to {}", percent(low), percent(high)))),
        verdict(difference.verdict, pair.better).to_owned(),
    ]
}

fn value_line(pair: &ValuePair) -> [String; 6] {
    [
        pair.metric.to_owned(),
        measured(pair.a),
        measured(pair.b),
        or_none(pair.percent.map(percent)),
        NONE.to_owned(),
        "one value each".to_owned(),
    ]
}

fn verdict(verdict: Verdict, better: Better) -> &'static str {
    match (verdict, better) {
        (Verdict::TooFewRuns, _) => "too few runs",
        (Verdict::NoClearDifference, _) => "no clear difference",
        (Verdict::Higher, Better::Higher) | (Verdict::Lower, Better::Lower) => "B is better",
        (Verdict::Higher, Better::Lower) | (Verdict::Lower, Better::Higher) => "B is worse",
        (Verdict::Higher, Better::Neither) => "B is higher",
        (Verdict::Lower, Better::Neither) => "B is lower",
    }
}

fn remarks(comparison: &Comparison) -> Vec<String> {
    let conditions = &comparison.differing_conditions;
    let differing = (!conditions.is_empty())
        .then(|| format!("Measured under different conditions: {}.", printable(&conditions.join("; "))));
    let failed = comparison.rows.iter().filter(|row| row.error_count != [0, 0]).map(|row| {
        let [a, b] = row.error_count;
        format!("Failed runs of {}: {a} in A, {b} in B.", key_label(&row.key))
    });
    let only_a = comparison.only_in_a.iter().map(|key| format!("Only in A: {}", key_label(key)));
    let only_b = comparison.only_in_b.iter().map(|key| format!("Only in B: {}", key_label(key)));
    differing.into_iter().chain(failed).chain(only_a).chain(only_b).collect()
}

fn key_label(key: &RowKey) -> String {
    label(&key.provider_key, &key.model_id, key.context_tokens)
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;

    fn comparison() -> Comparison {
        let mut a = fixture::report();
        let mut b = fixture::report();
        let slower = [1, 2, 3].map(|number| fixture::run(number, 400.0 + number as f64)).to_vec();
        b.results[0] = fixture::row("openai", "OpenAI", "gpt-4o", slower);
        a.results.remove(3);
        b.parameters.temperature = 0.0;
        Comparison::of(&a, &b)
    }

    #[test]
    fn on_a_terminal() {
        insta::assert_snapshot!(table(&comparison(), Canvas::plain()));
    }

    #[test]
    fn as_markdown() {
        insta::assert_snapshot!(markdown(&comparison()));
    }
}

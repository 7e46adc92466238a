//! A row in few bytes, for the page and the browser: numbers in arrays, with seven digits. The page shows four
//! at most. REST has all digits and all names.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use bench::types::{LoadSummary, ResultRow, RowHead, Run, RunSummary, WarmupOutcome};
use stats::Summary;

/// How many summaries a [`RunSummary`] has.
const SUMMARIES: usize = 19;

/// A summary in the order of its fields; `n` and the outliers are whole numbers.
type Short<Number> = (u64, Number, Option<Number>, [Number; 6], [Option<Number>; 4], Option<u64>);

/// Successful runs, failed runs, the summaries in the order of their fields, USD of all successful runs.
type ShortRuns<Number> = (u64, u64, Vec<Option<Short<Number>>>, Option<f64>);

/// Writes the row.
pub(super) fn serialize<S: Serializer>(row: &ResultRow, serializer: S) -> Result<S::Ok, S::Error> {
    let summary = &row.summary;
    let summaries = in_order(summary).iter().map(|summary| summary.as_ref().map(shorten)).collect();
    let runs: ShortRuns<f32> = (summary.success_count, summary.error_count, summaries, summary.total_cost);
    (row.head(), &row.warmup, &row.runs, runs, &row.load).serialize(serializer)
}

/// Reads what [`serialize`] wrote.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ResultRow, D::Error> {
    type Parts = (RowHead, Option<WarmupOutcome>, Vec<Run>, ShortRuns<f64>, Option<LoadSummary>);
    let (head, warmup, runs, (success_count, error_count, summaries, total_cost), load) =
        Parts::deserialize(deserializer)?;
    let summaries: Vec<Option<Summary>> =
        summaries.into_iter().map(|summary| summary.map(lengthen)).collect();
    let summaries = summaries
        .try_into()
        .map_err(|_| serde::de::Error::custom(format!("a row has {SUMMARIES} summaries; reload the page")))?;
    let summary = RunSummary { success_count, error_count, total_cost, ..out_of_order(summaries) };
    Ok(ResultRow { warmup, runs, summary, load, ..head.into() })
}

fn shorten(summary: &Summary) -> Short<f32> {
    let &Summary {
        n,
        mean,
        sd,
        min,
        max,
        p5,
        p50,
        p95,
        p99,
        ci_low,
        ci_high,
        median_ci_low,
        median_ci_high,
        outliers,
    } = summary;
    let short = |value: f64| value as f32;
    (
        n,
        short(mean),
        sd.map(short),
        [min, max, p5, p50, p95, p99].map(short),
        [ci_low, ci_high, median_ci_low, median_ci_high].map(|value| value.map(short)),
        outliers,
    )
}

fn lengthen(short: Short<f64>) -> Summary {
    let (
        n,
        mean,
        sd,
        [min, max, p5, p50, p95, p99],
        [ci_low, ci_high, median_ci_low, median_ci_high],
        outliers,
    ) = short;
    Summary {
        n,
        mean,
        sd,
        min,
        max,
        p5,
        p50,
        p95,
        p99,
        ci_low,
        ci_high,
        median_ci_low,
        median_ci_high,
        outliers,
    }
}

fn in_order(summary: &RunSummary) -> [Option<Summary>; SUMMARIES] {
    let &RunSummary {
        success_count: _,
        error_count: _,
        ttft_ms,
        ttfa_ms,
        total_time_s,
        tokens_per_second,
        output_speed_tps,
        input_tokens_per_second,
        itl_ms,
        gap_ms,
        tokens_per_chunk,
        output_tokens,
        reasoning_tokens,
        input_tokens,
        cached_input_tokens,
        connect_ms,
        dns_ms,
        tcp_ms,
        tls_ms,
        cost,
        lateness_ms,
        total_cost: _,
    } = summary;
    [
        ttft_ms,
        ttfa_ms,
        total_time_s,
        tokens_per_second,
        output_speed_tps,
        input_tokens_per_second,
        itl_ms,
        gap_ms,
        tokens_per_chunk,
        output_tokens,
        reasoning_tokens,
        input_tokens,
        cached_input_tokens,
        connect_ms,
        dns_ms,
        tcp_ms,
        tls_ms,
        cost,
        lateness_ms,
    ]
}

/// The inverse of [`in_order`], without counts and total.
fn out_of_order(summaries: [Option<Summary>; SUMMARIES]) -> RunSummary {
    let [
        ttft_ms,
        ttfa_ms,
        total_time_s,
        tokens_per_second,
        output_speed_tps,
        input_tokens_per_second,
        itl_ms,
        gap_ms,
        tokens_per_chunk,
        output_tokens,
        reasoning_tokens,
        input_tokens,
        cached_input_tokens,
        connect_ms,
        dns_ms,
        tcp_ms,
        tls_ms,
        cost,
        lateness_ms,
    ] = summaries;
    RunSummary {
        success_count: 0,
        error_count: 0,
        ttft_ms,
        ttfa_ms,
        total_time_s,
        tokens_per_second,
        output_speed_tps,
        input_tokens_per_second,
        itl_ms,
        gap_ms,
        tokens_per_chunk,
        output_tokens,
        reasoning_tokens,
        input_tokens,
        cached_input_tokens,
        connect_ms,
        dns_ms,
        tcp_ms,
        tls_ms,
        cost,
        lateness_ms,
        total_cost: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::PageRow;
    use super::*;
    use crate::benchmark::report::testing::{failed, row, run};
    use bench::summary::summarize;

    #[test]
    fn what_is_sent_in_short_is_the_same_row() {
        let mut sent = row("openai", "a", 5_000, vec![run(1), run(2), failed(3)]);
        // Each in its own place: no two summaries are equal.
        let mut summaries = in_order(&sent.summary);
        let any = summaries[0].unwrap();
        for (place, summary) in summaries.iter_mut().enumerate().skip(1) {
            *summary = (place % 5 > 0).then_some(Summary { mean: place as f64, ..any });
        }
        sent.summary = RunSummary {
            success_count: 2,
            error_count: 1,
            total_cost: Some(0.123_456_789_012_3),
            ..out_of_order(summaries)
        };
        let sent = PageRow::with_runs(sent);
        let received: PageRow = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        let digits = |row: &PageRow| serde_json::to_string(&row.summary).unwrap();
        // These numbers have few digits, apart from the interval.
        let rounded = |row: &PageRow| in_order(&row.summary).map(|s| s.map(|s| (s.n, s.mean, s.p50, s.max)));
        assert_eq!(rounded(&received), rounded(&sent), "{} and {}", digits(&received), digits(&sent));
        assert_eq!((received.holds_runs(), received.made()), (true, 3));
        assert_eq!(received.summary.total_cost, sent.summary.total_cost);
        assert_eq!((&received.notes, received.head()), (&sent.notes, sent.head()));
        assert_eq!((&received.runs, &received.warmup), (&sent.runs, &sent.warmup));
    }

    #[test]
    fn seven_digits_are_sent() {
        let runs: Vec<Run> = [1.0 / 3.0, 2.0 / 3.0, 123_456.789_012]
            .map(|ttft_ms| Run { ttft_ms: Some(ttft_ms), ..run(1) })
            .into();
        let of = summarize(&runs).ttft_ms.unwrap();
        let received: Short<f64> =
            serde_json::from_str(&serde_json::to_string(&shorten(&of)).unwrap()).unwrap();
        let received = lengthen(received);
        for (sent, received) in [(of.mean, received.mean), (of.max, received.max), (of.p5, received.p5)] {
            assert!((sent - received).abs() <= sent * 1e-7, "{sent} became {received}");
        }
        assert_eq!((received.n, received.median_ci_low), (of.n, of.median_ci_low));
    }
}

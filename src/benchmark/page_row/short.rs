//! A compact encoding of a row for the page and the browser: numbers in arrays, with seven digits. The page
//! shows at most four. REST returns all digits and field names.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use bench::types::{LoadSummary, ResultRow, RowHead, Run, RunSummary, WarmupOutcome};
use stats::Summary;

/// A summary in the order of its fields; `n` and the outliers are whole numbers.
type Short = (u64, f32, Option<f32>, [f32; 6], [Option<f32>; 4], Option<u64>);

/// Successful runs, failed runs, the summaries in the order of their fields, USD of all successful runs.
type ShortRuns = (u64, u64, Vec<Option<Short>>, Option<f64>);

/// Serializes the row.
pub(super) fn serialize<S: Serializer>(row: &ResultRow, serializer: S) -> Result<S::Ok, S::Error> {
    let summary = &row.summary;
    let summaries = summary.summaries().iter().map(|summary| summary.map(shorten)).collect();
    let runs: ShortRuns = (summary.success_count, summary.error_count, summaries, summary.total_cost);
    (row.head(), &row.warmup, &row.runs, runs, &row.load).serialize(serializer)
}

/// Deserializes the output of [`serialize`].
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ResultRow, D::Error> {
    type Parts = (RowHead, Option<WarmupOutcome>, Vec<Run>, ShortRuns, Option<LoadSummary>);
    let (head, warmup, runs, (success_count, error_count, summaries, total_cost), load) =
        Parts::deserialize(deserializer)?;
    let summaries: Vec<Option<Summary>> =
        summaries.into_iter().map(|summary| summary.map(lengthen)).collect();
    let summaries = summaries
        .try_into()
        .map_err(|_| serde::de::Error::custom("a row has another number of summaries; reload the page"))?;
    let counts = RunSummary { success_count, error_count, total_cost, ..RunSummary::default() };
    let summary = counts.with_summaries(summaries);
    Ok(ResultRow { warmup, runs, summary, load, ..head.into() })
}

fn shorten(summary: &Summary) -> Short {
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

fn lengthen(short: Short) -> Summary {
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
        mean: mean.into(),
        sd: sd.map(f64::from),
        min: min.into(),
        max: max.into(),
        p5: p5.into(),
        p50: p50.into(),
        p95: p95.into(),
        p99: p99.into(),
        ci_low: ci_low.map(f64::from),
        ci_high: ci_high.map(f64::from),
        median_ci_low: median_ci_low.map(f64::from),
        median_ci_high: median_ci_high.map(f64::from),
        outliers,
    }
}

/// Returns the summary as the browser deserializes it.
pub(super) fn rounded(summary: &RunSummary) -> RunSummary {
    let summaries = summary.summaries().map(|summary| summary.map(shorten).map(lengthen));
    summary.clone().with_summaries(summaries)
}

#[cfg(test)]
mod tests {
    use super::super::PageRow;
    use super::*;
    use crate::benchmark::report::testing::{failed, row, run};

    #[test]
    fn a_row_survives_the_compact_encoding() {
        let mut sent = row("openai", "a", 5_000, vec![run(1), run(2), failed(3)]);
        // All summaries differ, so that swapped fields are detected.
        let mut summaries = sent.summary.summaries().map(Option::<&Summary>::cloned);
        let any = summaries[0].unwrap();
        for (place, summary) in summaries.iter_mut().enumerate().skip(1) {
            *summary = (place % 5 > 0).then_some(Summary { mean: place as f64, ..any });
        }
        let counts = RunSummary { total_cost: Some(0.123_456_789_012_3), ..sent.summary };
        sent.summary = counts.with_summaries(summaries);
        let sent = PageRow::with_runs(sent).rounded();
        let received: PageRow = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(received, sent);
    }

    #[test]
    fn the_browser_reads_the_numbers_of_the_server() {
        let times = [1.0 / 3.0, 2.0 / 3.0, 123_456.789_012];
        let runs = times.iter().map(|ttft_ms| Run { ttft_ms: Some(*ttft_ms), ..run(1) }).collect();
        let exact = PageRow::with_runs(row("openai", "a", 0, runs));
        let shown = exact.clone().rounded();
        let received: PageRow = serde_json::from_str(&serde_json::to_string(&shown).unwrap()).unwrap();
        assert_eq!(received, shown, "rows would be sorted differently than on the server");
        let (exact, shown) = (exact.summary.ttft_ms.unwrap(), shown.summary.ttft_ms.unwrap());
        for (exact, shown) in [(exact.mean, shown.mean), (exact.max, shown.max), (exact.p5, shown.p5)] {
            assert!((exact - shown).abs() <= exact * 1e-7, "{exact} became {shown}");
        }
    }
}

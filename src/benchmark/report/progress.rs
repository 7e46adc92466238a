//! Progress and remaining time of each provider.

use super::hue_of;
use crate::benchmark::page_row::PageRow;
use bench::types::{Parameters, Run};

/// One provider's part of a benchmark. Providers run in parallel, each with one request at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderProgress {
    pub key: String,
    pub name: String,
    pub hue: &'static str,
    /// Measured runs, failed ones included.
    pub done: u64,
    pub total: u64,
    pub failed: u64,
    /// Estimated from its finished runs; `None` before the first.
    pub seconds_left: Option<f64>,
}

/// Returns the progress of each provider, in order of appearance, without providers that have no requests.
/// `now_ms` is the current time in Unix milliseconds.
pub fn by_provider(rows: &[PageRow], parameters: &Parameters, now_ms: i64) -> Vec<ProviderProgress> {
    let mut keys: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.skipped.is_none()) {
        if !keys.contains(&row.provider_key.as_str()) {
            keys.push(&row.provider_key);
        }
    }
    let runs = u64::from(parameters.runs);
    keys.into_iter()
        .filter_map(|key| {
            let own: Vec<&PageRow> =
                rows.iter().filter(|row| row.provider_key == key && row.skipped.is_none()).collect();
            let first = own.first()?;
            Some(ProviderProgress {
                key: key.to_owned(),
                name: first.provider.clone(),
                hue: hue_of(first),
                done: own.iter().map(|row| row.made()).sum(),
                total: own.len() as u64 * runs,
                failed: own.iter().map(|row| row.summary.error_count).sum(),
                seconds_left: seconds_left(&own, parameters, now_ms),
            })
        })
        .collect()
}

/// Estimates the remaining time from the mean duration of a row's requests, minus the time of the current
/// request.
fn seconds_left(rows: &[&PageRow], parameters: &Parameters, now_ms: i64) -> Option<f64> {
    let ahead: Vec<f64> = rows
        .iter()
        .filter(|row| missing(row, parameters) > 0)
        .map(|row| Some(seconds_per_request(row, rows)? * missing(row, parameters) as f64))
        .collect::<Option<_>>()?;
    let under_way = rows.iter().find(|row| missing(row, parameters) > 0);
    let spent = under_way.and_then(|row| {
        let idle = (now_ms - last_end_ms(rows)?) as f64 / 1e3;
        Some(idle.clamp(0.0, seconds_per_request(row, rows)?))
    });
    Some(ahead.iter().sum::<f64>() - spent.unwrap_or(0.0))
}

/// Returns the number of remaining requests, including the warm-up.
fn missing(row: &PageRow, parameters: &Parameters) -> u64 {
    let runs = u64::from(parameters.runs).saturating_sub(row.made());
    let warmup = parameters.warmup && row.warmup.is_none() && row.made() == 0;
    runs + u64::from(warmup)
}

/// Returns the mean duration of the row's own runs, else of the model's at other tiers, else of the
/// provider's.
fn seconds_per_request(row: &PageRow, rows: &[&PageRow]) -> Option<f64> {
    let of_model = || rows.iter().filter(|other| other.model_id == row.model_id).copied();
    mean_seconds(std::iter::once(row))
        .or_else(|| mean_seconds(of_model()))
        .or_else(|| mean_seconds(rows.iter().copied()))
}

fn mean_seconds<'a>(rows: impl Iterator<Item = &'a PageRow>) -> Option<f64> {
    let times: Vec<f64> = rows.flat_map(|row| &row.runs).filter_map(seconds).collect();
    (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64)
}

fn seconds(run: &Run) -> Option<f64> {
    Some(run.total_time_s? + run.connect_ms.unwrap_or(0.0) / 1e3)
}

fn last_end_ms(rows: &[&PageRow]) -> Option<i64> {
    let ends = rows.iter().flat_map(|row| &row.runs);
    ends.map(|run| run.started_at + (seconds(run).unwrap_or(0.0) * 1e3) as i64).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{failed, page_row as row, run};
    use bench::types::Skip;

    fn parameters(runs: u32) -> Parameters {
        Parameters { runs, warmup: false, ..Parameters::default() }
    }

    #[test]
    fn counts_each_provider_separately() {
        let rows = [
            row("openai", "a", 0, vec![run(1), failed(2)]),
            row("groq", "b", 0, vec![]),
            row("openai", "a", 5_000, vec![]),
        ];
        let progress = by_provider(&rows, &parameters(3), 0);
        let seen: Vec<_> = progress.iter().map(|p| (p.name.as_str(), p.done, p.total, p.failed)).collect();
        assert_eq!(seen, [("openai", 2, 6, 1), ("groq", 0, 3, 0)]);
    }

    #[test]
    fn skipped_tiers_have_no_requests() {
        let mut skipped = row("openai", "a", 50_000, vec![]);
        skipped.row.skipped = Some(Skip { reason: "too long".into() });
        let progress = by_provider(&[row("openai", "a", 0, vec![]), skipped.clone()], &parameters(2), 0);
        assert_eq!(progress[0].total, 2);
        assert_eq!(by_provider(&[skipped], &parameters(2), 0), []);
    }

    #[test]
    fn estimates_the_remaining_time_from_finished_runs() {
        // Two runs of 2 s each, the second ended at 4 s; four more are missing.
        let rows = [row("openai", "a", 0, vec![run(1), run(2)]), row("openai", "a", 5_000, vec![])];
        let left = |now_ms| by_provider(&rows, &parameters(3), now_ms)[0].seconds_left;
        assert_eq!(left(4_000), Some(8.0));
        assert_eq!(left(5_000), Some(7.0), "time of the current run is subtracted");
        assert_eq!(left(60_000), Some(6.0), "at most the whole run is subtracted");
        assert_eq!(left(0), Some(8.0), "a wrong clock adds nothing");
    }

    #[test]
    fn includes_warm_ups_in_the_remaining_time() {
        let rows = [row("openai", "a", 0, vec![run(1)]), row("openai", "b", 0, vec![])];
        let parameters = Parameters { warmup: true, ..parameters(1) };
        assert_eq!(by_provider(&rows, &parameters, 0)[0].seconds_left, Some(4.0));
    }

    #[test]
    fn has_no_remaining_time_before_the_first_result() {
        let rows = [row("openai", "a", 0, vec![failed(1)])];
        assert_eq!(by_provider(&rows, &parameters(3), 0)[0].seconds_left, None);
        let done = [row("openai", "a", 0, vec![run(1)])];
        assert_eq!(by_provider(&done, &parameters(1), 0)[0].seconds_left, Some(0.0));
    }
}

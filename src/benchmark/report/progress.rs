//! How far each provider is, and how long it may still take.

use super::hue_of;
use crate::benchmark::page_row::PageRow;
use bench::types::{Parameters, Run};

/// One provider's part of a benchmark. Providers run side by side, each one request after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderProgress {
    pub key: String,
    pub name: String,
    pub hue: &'static str,
    /// Measured runs, failed ones included.
    pub done: u64,
    pub total: u64,
    pub failed: u64,
    /// From what its finished runs took; none before the first.
    pub seconds_left: Option<f64>,
}

/// Each provider's progress, in the order in which they appear; those with nothing to do are left out.
/// `now_ms` is the present in Unix milliseconds.
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

/// What is missing, each at what requests of its row take, less what the one under way has had.
fn seconds_left(rows: &[&PageRow], parameters: &Parameters, now_ms: i64) -> Option<f64> {
    let ahead: Vec<f64> = rows
        .iter()
        .filter(|row| missing(row, parameters) > 0)
        .map(|row| Some(seconds_of_one(row, rows)? * missing(row, parameters) as f64))
        .collect::<Option<_>>()?;
    let under_way = rows.iter().find(|row| missing(row, parameters) > 0);
    let spent = under_way.and_then(|row| {
        let idle = (now_ms - last_end_ms(rows)?) as f64 / 1e3;
        Some(idle.clamp(0.0, seconds_of_one(row, rows)?))
    });
    Some(ahead.iter().sum::<f64>() - spent.unwrap_or(0.0))
}

/// Requests that are still to be made, the warm-up included.
fn missing(row: &PageRow, parameters: &Parameters) -> u64 {
    let runs = u64::from(parameters.runs).saturating_sub(row.made());
    let warmup = parameters.warmup && row.warmup.is_none() && row.made() == 0;
    runs + u64::from(warmup)
}

/// From the row's own runs, else from the model's at other tiers, else from the provider's.
fn seconds_of_one(row: &PageRow, rows: &[&PageRow]) -> Option<f64> {
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
    fn providers_are_counted_apart() {
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
    fn a_skipped_tier_is_no_work() {
        let mut skipped = row("openai", "a", 50_000, vec![]);
        skipped.row.skipped = Some(Skip { reason: "too long".into() });
        let progress = by_provider(&[row("openai", "a", 0, vec![]), skipped.clone()], &parameters(2), 0);
        assert_eq!(progress[0].total, 2);
        assert_eq!(by_provider(&[skipped], &parameters(2), 0), []);
    }

    #[test]
    fn the_time_left_follows_what_the_runs_took() {
        // Two runs of 2 s each, the second ended at 4 s; four more to come.
        let rows = [row("openai", "a", 0, vec![run(1), run(2)]), row("openai", "a", 5_000, vec![])];
        let left = |now_ms| by_provider(&rows, &parameters(3), now_ms)[0].seconds_left;
        assert_eq!(left(4_000), Some(8.0));
        assert_eq!(left(5_000), Some(7.0), "the run under way counts down");
        assert_eq!(left(60_000), Some(6.0), "but never below nothing");
        assert_eq!(left(0), Some(8.0), "nor up, whatever the clock says");
    }

    #[test]
    fn warm_ups_take_time_too() {
        let rows = [row("openai", "a", 0, vec![run(1)]), row("openai", "b", 0, vec![])];
        let parameters = Parameters { warmup: true, ..parameters(1) };
        assert_eq!(by_provider(&rows, &parameters, 0)[0].seconds_left, Some(4.0));
    }

    #[test]
    fn nothing_is_promised_before_the_first_result() {
        let rows = [row("openai", "a", 0, vec![failed(1)])];
        assert_eq!(by_provider(&rows, &parameters(3), 0)[0].seconds_left, None);
        let done = [row("openai", "a", 0, vec![run(1)])];
        assert_eq!(by_provider(&done, &parameters(1), 0)[0].seconds_left, Some(0.0));
    }
}

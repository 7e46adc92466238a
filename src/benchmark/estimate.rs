//! How long a benchmark will take, judged by earlier ones. Pure.

use std::collections::HashMap;

use bench::types::Preview;
use endpoint::ModelRef;

/// Seconds until the last provider is done, providers side by side. `None` where nobody knows of a
/// row. `times` are mean times of a run by model and tier, the latest first.
pub fn duration_s(rows: &[Preview], times: &[(ModelRef, u64, f64)]) -> Option<f64> {
    let mut by_provider = HashMap::<&str, f64>::new();
    for row in rows.iter().filter(|row| row.requests > 0) {
        let seconds = run_time_s(row, times)?;
        *by_provider.entry(&row.model.provider_key).or_default() += seconds * row.requests as f64;
    }
    by_provider.into_values().reduce(f64::max)
}

/// The latest time of this model, at the nearest tier.
fn run_time_s(row: &Preview, times: &[(ModelRef, u64, f64)]) -> Option<f64> {
    let own = times.iter().filter(|(model, ..)| *model == row.model);
    // The first of several that are equally near.
    own.min_by_key(|(_, tier, _)| tier.abs_diff(row.context_tokens)).map(|(.., seconds)| *seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(provider: &str, id: &str) -> ModelRef {
        ModelRef { provider_key: provider.into(), model_id: id.into() }
    }

    fn row(provider: &str, id: &str, tier: u64, requests: u64) -> Preview {
        Preview {
            provider: provider.into(),
            model: model(provider, id),
            context_tokens: tier,
            skip: None,
            requests,
            input_tokens: 0,
            max_output_tokens: 0,
            cost_at_most: None,
            adjustments: Vec::new(),
        }
    }

    #[test]
    fn models_of_a_provider_add_up_and_providers_run_side_by_side() {
        let times = [(model("a", "m"), 0, 2.0), (model("a", "n"), 0, 1.0), (model("b", "m"), 0, 4.0)];
        let rows = [row("a", "m", 0, 3), row("a", "n", 0, 3), row("b", "m", 0, 2)];
        assert_eq!(duration_s(&rows, &times), Some(9.0));
    }

    #[test]
    fn the_nearest_tier_counts_and_of_it_the_latest_time() {
        let times = [(model("a", "m"), 5_000, 7.0), (model("a", "m"), 0, 2.0), (model("a", "m"), 0, 50.0)];
        assert_eq!(duration_s(&[row("a", "m", 1_000, 1)], &times), Some(2.0));
    }

    #[test]
    fn what_was_never_measured_is_not_guessed() {
        let times = [(model("a", "m"), 0, 2.0)];
        assert_eq!(duration_s(&[row("a", "m", 0, 1), row("a", "new", 0, 1)], &times), None);
        assert_eq!(duration_s(&[row("a", "m", 0, 1), row("a", "new", 0, 0)], &times), Some(2.0));
    }
}

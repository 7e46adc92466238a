//! Estimates the duration of a benchmark from earlier ones. Pure.

use std::collections::HashMap;

use bench::types::Preview;
use endpoint::ModelRef;

/// Returns the seconds until the last provider has finished; providers run in parallel. `None` if a row was
/// never measured. `times` are mean run times by model and tier, the latest first.
pub fn duration_s(rows: &[Preview], times: &[(ModelRef, u64, f64)]) -> Option<f64> {
    let mut by_provider = HashMap::<&str, f64>::new();
    for row in rows.iter().filter(|row| row.requests > 0) {
        let seconds = run_time_s(row, times)?;
        *by_provider.entry(&row.model.provider_key).or_default() += seconds * row.requests as f64;
    }
    by_provider.into_values().reduce(f64::max)
}

/// Returns the latest time of this model at the nearest tier.
fn run_time_s(row: &Preview, times: &[(ModelRef, u64, f64)]) -> Option<f64> {
    let own = times.iter().filter(|(model, ..)| *model == row.model);
    // `min_by_key` returns the first, and so the latest, of equally near tiers.
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
    fn adds_models_of_a_provider_and_runs_providers_in_parallel() {
        let times = [(model("a", "m"), 0, 2.0), (model("a", "n"), 0, 1.0), (model("b", "m"), 0, 4.0)];
        let rows = [row("a", "m", 0, 3), row("a", "n", 0, 3), row("b", "m", 0, 2)];
        assert_eq!(duration_s(&rows, &times), Some(9.0));
    }

    #[test]
    fn uses_the_latest_time_of_the_nearest_tier() {
        let times = [(model("a", "m"), 5_000, 7.0), (model("a", "m"), 0, 2.0), (model("a", "m"), 0, 50.0)];
        assert_eq!(duration_s(&[row("a", "m", 1_000, 1)], &times), Some(2.0));
    }

    #[test]
    fn returns_none_for_unmeasured_models() {
        let times = [(model("a", "m"), 0, 2.0)];
        assert_eq!(duration_s(&[row("a", "m", 0, 1), row("a", "new", 0, 1)], &times), None);
        assert_eq!(duration_s(&[row("a", "m", 0, 1), row("a", "new", 0, 0)], &times), Some(2.0));
    }
}

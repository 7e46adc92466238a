//! Validation of benchmark parameters, shared by the terminal, the pages and the engine.

use std::{collections::HashSet, fmt::Display, ops::RangeInclusive};

use super::types::{
    CONCURRENCY_RANGE, LoadParameters, MAX_TIER, MAX_TOKENS_RANGE, Parameters, RUNS_RANGE, TEMPERATURE_RANGE,
    TIMEOUT_RANGE,
};

/// The reason why a plan cannot be run: one sentence that says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub String);

impl Parameters {
    /// Checks everything that does not depend on the models.
    ///
    /// # Errors
    /// Names the first parameter that is out of bounds, its bounds and its value.
    pub fn check(&self) -> Result<(), PlanError> {
        let Self { prompt, runs, max_tokens, temperature, context_tiers, timeouts, load, .. } = self;
        ensure(!prompt.trim().is_empty(), || "the prompt is empty".into())?;
        within("runs", runs, &RUNS_RANGE)?;
        within("max_tokens", max_tokens, &MAX_TOKENS_RANGE)?;
        within("temperature", temperature, &TEMPERATURE_RANGE)?;
        check_tiers(context_tiers)?;
        within("the timeout for connecting in seconds", &timeouts.connect_s, &TIMEOUT_RANGE)?;
        within("the timeout for the first token in seconds", &timeouts.first_token_s, &TIMEOUT_RANGE)?;
        within("the total timeout in seconds", &timeouts.total_s, &TIMEOUT_RANGE)?;
        load.as_ref().map_or(Ok(()), |load| check_load(load, context_tiers))
    }
}

fn check_tiers(tiers: &[u64]) -> Result<(), PlanError> {
    ensure(!tiers.is_empty(), || {
        "context_tiers names no tier: give at least one, 0 for the bare prompt".into()
    })?;
    tiers.iter().try_for_each(|tier| within("a tier of context_tiers", tier, &(0..=MAX_TIER)))?;
    let mut seen = HashSet::new();
    let twice = tiers.iter().find(|tier| !seen.insert(**tier));
    twice.map_or(Ok(()), |tier| refuse(format!("context_tiers names {tier} twice")))
}

fn check_load(load: &LoadParameters, tiers: &[u64]) -> Result<(), PlanError> {
    within("the concurrency of a load", &load.concurrency, &CONCURRENCY_RANGE)?;
    ensure(load.requests >= u64::from(load.concurrency), || {
        format!(
            "a load of {} requests cannot keep {} in flight: ask for at least as many requests",
            load.requests, load.concurrency
        )
    })?;
    ensure(tiers.len() == 1, || "a load measures one context tier: give only one".into())
}

/// Checks that `value` lies in `range`.
///
/// # Errors
/// When it does not; the error names `name`, the range and the value.
pub fn within<T: PartialOrd + Display>(
    name: &str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), PlanError> {
    ensure(range.contains(value), || {
        format!("{name} must be {} to {}, not {value}", range.start(), range.end())
    })
}

/// Checks that `holds` is true.
///
/// # Errors
/// When it is false, with the sentence that `complaint` returns.
pub fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), PlanError> {
    if holds { Ok(()) } else { refuse(complaint()) }
}

/// Returns a [`PlanError`] with this sentence.
///
/// # Errors
/// Always.
pub fn refuse(complaint: String) -> Result<(), PlanError> {
    Err(PlanError(complaint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timeouts;

    #[test]
    fn the_usual_parameters_are_within_bounds() {
        assert_eq!(Parameters::default().check(), Ok(()));
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let usual = Parameters::default;
        let timeouts = |total_s| Timeouts { total_s, ..Timeouts::default() };
        let load = |concurrency, requests| Some(LoadParameters { concurrency, requests });
        for (parameters, expected) in [
            (Parameters { prompt: " \n".into(), ..usual() }, "the prompt is empty"),
            (Parameters { runs: 0, ..usual() }, "runs must be 1 to 20, not 0"),
            (Parameters { runs: 21, ..usual() }, "runs must be 1 to 20, not 21"),
            (Parameters { max_tokens: 16_385, ..usual() }, "max_tokens must be 1 to 16384"),
            (Parameters { temperature: f64::NAN, ..usual() }, "temperature must be 0 to 2, not NaN"),
            (Parameters { context_tiers: vec![], ..usual() }, "at least one"),
            (Parameters { context_tiers: vec![5, 0, 5], ..usual() }, "names 5 twice"),
            (Parameters { context_tiers: vec![u64::MAX], ..usual() }, "must be 0 to 2000000"),
            (Parameters { timeouts: timeouts(-1.0), ..usual() }, "the total timeout"),
            (Parameters { timeouts: timeouts(f64::NAN), ..usual() }, "the total timeout"),
            (Parameters { load: load(0, 9), ..usual() }, "concurrency of a load must be 1 to 4096"),
            (Parameters { load: load(9, 3), ..usual() }, "at least as many requests"),
            (Parameters { load: load(1, 1), context_tiers: vec![0, 5], ..usual() }, "one context tier"),
        ] {
            let error = parameters.check().unwrap_err();
            assert!(error.0.contains(expected), "{error}");
        }
    }
}

//! Validation of benchmark parameters, shared by the terminal, the pages and the engine.

use std::{collections::HashSet, fmt::Display, ops::RangeInclusive};

use super::types::{
    CONCURRENCY_RANGE, LoadParameters, MAX_TIER, MAX_TOKENS_RANGE, OPEN_LOOP_DURATION_RANGE,
    OPEN_LOOP_REQUESTS_RANGE, OpenLoop, Parameters, RATE_RANGE, RUNS_RANGE, TEMPERATURE_RANGE, TIMEOUT_RANGE,
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
    match &load.open_loop {
        None => ensure(load.requests >= u64::from(load.concurrency), || {
            format!(
                "a load of {} requests cannot keep {} in flight: ask for at least as many requests",
                load.requests, load.concurrency
            )
        })?,
        Some(open) => open.check(load.requests)?,
    }
    ensure(tiers.len() == 1, || "a load measures one context tier: give only one".into())
}

impl OpenLoop {
    fn check(&self, requests: u64) -> Result<(), PlanError> {
        within("the rate of a load in requests per second", &self.rate, &RATE_RANGE)?;
        let (fewest, most) = OPEN_LOOP_REQUESTS_RANGE.into_inner();
        ensure(OPEN_LOOP_REQUESTS_RANGE.contains(&requests), || {
            format!(
                "a load at a rate has {fewest} to {most} requests, not {requests}: ask for another number"
            )
        })?;
        let seconds = requests as f64 / self.rate;
        let longest = OPEN_LOOP_DURATION_RANGE.end();
        ensure(seconds <= *longest, || {
            format!(
                "{requests} requests at {} per second take {seconds:.0} s, and a load lasts at most {longest} s: \
                 ask for fewer requests or a higher rate",
                self.rate
            )
        })
    }

    /// Returns the number of requests that start within `duration_s` seconds on average.
    ///
    /// # Errors
    /// When the rate or the duration is out of bounds, or it comes to less than one request or more than a load
    /// may have.
    pub fn requests_within(&self, duration_s: f64) -> Result<u64, PlanError> {
        within("the rate of a load in requests per second", &self.rate, &RATE_RANGE)?;
        within("the duration of a load in seconds", &duration_s, &OPEN_LOOP_DURATION_RANGE)?;
        let requests = (self.rate * duration_s).round();
        let (rate, most) = (self.rate, *OPEN_LOOP_REQUESTS_RANGE.end());
        ensure(requests >= 1.0, || {
            format!(
                "{rate} requests per second for {duration_s} s are less than one request: raise the rate or the \
                 duration"
            )
        })?;
        ensure(requests <= most as f64, || {
            format!(
                "{rate} requests per second for {duration_s} s are {requests} requests, and a load has at most \
                 {most}: lower the rate or the duration"
            )
        })?;
        Ok(requests as u64)
    }
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
    use crate::types::{Arrivals, Timeouts};

    #[test]
    fn the_usual_parameters_are_within_bounds() {
        assert_eq!(Parameters::default().check(), Ok(()));
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let usual = Parameters::default;
        let timeouts = |total_s| Timeouts { total_s, ..Timeouts::default() };
        let load = |concurrency, requests| Some(LoadParameters::closed(concurrency, requests));
        let open = |rate, requests| {
            let open_loop = Some(OpenLoop { rate, arrivals: Arrivals::Poisson, seed: 1 });
            Some(LoadParameters { concurrency: 512, requests, open_loop })
        };
        for (parameters, expected) in [
            (Parameters { prompt: " \n".into(), ..usual() }, "the prompt is empty"),
            (Parameters { runs: 0, ..usual() }, "runs must be 1 to 20, not 0"),
            (Parameters { runs: 21, ..usual() }, "runs must be 1 to 20, not 21"),
            (Parameters { max_tokens: 128_001, ..usual() }, "max_tokens must be 1 to 128000"),
            (Parameters { temperature: f64::NAN, ..usual() }, "temperature must be 0 to 2, not NaN"),
            (Parameters { context_tiers: vec![], ..usual() }, "at least one"),
            (Parameters { context_tiers: vec![5, 0, 5], ..usual() }, "names 5 twice"),
            (Parameters { context_tiers: vec![u64::MAX], ..usual() }, "must be 0 to 2000000"),
            (Parameters { timeouts: timeouts(-1.0), ..usual() }, "the total timeout"),
            (Parameters { timeouts: timeouts(f64::NAN), ..usual() }, "the total timeout"),
            (Parameters { load: load(0, 9), ..usual() }, "concurrency of a load must be 1 to 4096"),
            (Parameters { load: load(9, 3), ..usual() }, "at least as many requests"),
            (
                Parameters { load: open(0.0, 9), ..usual() },
                "the rate of a load in requests per second must be",
            ),
            (Parameters { load: open(-1.0, 9), ..usual() }, "must be 0.001 to 10000, not -1"),
            (Parameters { load: open(f64::NAN, 9), ..usual() }, "must be 0.001 to 10000, not NaN"),
            (Parameters { load: open(1e9, 9), ..usual() }, "must be 0.001 to 10000, not 1000000000"),
            (Parameters { load: open(20.0, 0), ..usual() }, "1 to 1000000 requests, not 0"),
            (Parameters { load: open(20.0, 1_000_001), ..usual() }, "1 to 1000000 requests, not 1000001"),
            (
                Parameters { load: open(0.001, 1_000), ..usual() },
                "take 1000000 s, and a load lasts at most 86400 s",
            ),
            (Parameters { load: load(1, 1), context_tiers: vec![0, 5], ..usual() }, "one context tier"),
        ] {
            let error = parameters.check().unwrap_err();
            assert!(error.0.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_open_loop_may_have_fewer_requests_than_its_limit_in_flight() {
        let open_loop = Some(OpenLoop { rate: 20.0, arrivals: Arrivals::Constant, seed: 1 });
        let load = Some(LoadParameters { concurrency: 512, requests: 1, open_loop });
        assert_eq!(Parameters { load, ..Parameters::default() }.check(), Ok(()));
    }

    #[test]
    fn a_rate_and_a_duration_make_a_number_of_requests() {
        let within = |rate, duration_s| {
            OpenLoop { rate, arrivals: Arrivals::Poisson, seed: 1 }
                .requests_within(duration_s)
                .map_err(|error| error.0)
        };
        assert_eq!(within(20.0, 30.0), Ok(600));
        assert_eq!(within(2.5, 1.0), Ok(3));
        for (rate, duration_s, expected) in [
            (f64::INFINITY, 1.0, "the rate of a load"),
            (20.0, f64::NAN, "the duration of a load in seconds must be 0.001 to 86400, not NaN"),
            (20.0, 86_401.0, "the duration of a load"),
            (0.1, 1.0, "less than one request"),
            (10_000.0, 86_400.0, "are 864000000 requests, and a load has at most 1000000"),
        ] {
            let error = within(rate, duration_s).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

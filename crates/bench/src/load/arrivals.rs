//! The schedule of an open loop: the intended start times of its requests.

use std::{thread, time::Duration};

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    scheduling::prefer_promptness,
    types::{Arrivals, LoadParameters, OpenLoop},
};
use endpoint::client::clock::monotonic_ns;

/// Longest sleep between two checks whether the load was cancelled.
const MAX_SLEEP: Duration = Duration::from_millis(100);

/// An infinite, ascending iterator over the intended starts of an open loop, in ns since the first one (0).
#[derive(Debug)]
pub struct Schedule {
    gap_ns: f64,
    yielded: u64,
    /// Draws the gaps; `None` for equal gaps.
    random: Option<Random>,
}

#[derive(Debug)]
struct Random {
    // Unlike `StdRng`, this generator is the same in every version of `rand`, so a recorded seed stays
    // reproducible.
    rng: Xoshiro256PlusPlus,
    at_ns: f64,
}

impl Schedule {
    /// Creates the schedule of `open`.
    pub fn new(open: &OpenLoop) -> Self {
        let random = match open.arrivals {
            Arrivals::Constant => None,
            Arrivals::Poisson => {
                Some(Random { rng: Xoshiro256PlusPlus::seed_from_u64(open.seed), at_ns: 0.0 })
            }
        };
        Self { gap_ns: 1e9 / open.rate, yielded: 0, random }
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let before = self.yielded;
        self.yielded += 1;
        let at_ns = match &mut self.random {
            // A product instead of a sum, so that rounding errors do not accumulate.
            None => before as f64 * self.gap_ns,
            Some(Random { at_ns, .. }) if before == 0 => *at_ns,
            Some(Random { rng, at_ns }) => {
                // Inverse transform sampling of the exponential distribution.
                *at_ns -= (-rng.random::<f64>()).ln_1p() * self.gap_ns;
                *at_ns
            }
        };
        Some(at_ns.round() as u64)
    }
}

/// Sends each intended start (monotonic ns) of `load` at its time; closes the channel after the last one. A
/// separate thread waits for the times: tokio's timers have a resolution of 1 ms, which would delay each
/// request. If no thread can be started, the channel is closed immediately, and the load is reported as
/// interrupted.
pub fn intended_starts(load: &LoadParameters, open: &OpenLoop, started_ns: u64) -> UnboundedReceiver<u64> {
    let (due, starts) = unbounded_channel();
    let requests = usize::try_from(load.requests).unwrap_or(usize::MAX);
    let schedule = Schedule::new(open).take(requests);
    let thread = thread::Builder::new().name("arrivals".into()).spawn(move || {
        prefer_promptness();
        for intended_ns in schedule.map(|offset| started_ns + offset) {
            if !wait_until(intended_ns, &due) || due.send(intended_ns).is_err() {
                return;
            }
        }
    });
    if let Err(error) = thread {
        tracing::error!(%error, "the requests cannot be started: the system gives no thread to wait for their times");
    }
    starts
}

/// Sleeps until `intended_ns`; returns false if the receiver was dropped.
fn wait_until(intended_ns: u64, due: &UnboundedSender<u64>) -> bool {
    loop {
        let left = Duration::from_nanos(intended_ns.saturating_sub(monotonic_ns()));
        if left.is_zero() {
            return true;
        }
        if due.is_closed() {
            return false;
        }
        thread::sleep(left.min(MAX_SLEEP));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::RATE_RANGE;

    fn schedule(rate: f64, arrivals: Arrivals, seed: u64) -> Schedule {
        Schedule::new(&OpenLoop { rate, arrivals, seed })
    }

    fn gaps_s(rate: f64, seed: u64, count: usize) -> Vec<f64> {
        let starts: Vec<u64> = schedule(rate, Arrivals::Poisson, seed).take(count + 1).collect();
        starts.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect()
    }

    proptest! {
        #[test]
        fn constant_starts_are_exact(rate in RATE_RANGE, number in 0_usize..100_000) {
            let start = schedule(rate, Arrivals::Constant, 0).nth(number).unwrap();
            let exact = number as f64 * 1e9 / rate;
            // Rounded to the nanosecond and to the precision of a double.
            prop_assert!((start as f64 - exact).abs() <= 0.5 + exact * 1e-15, "{start} is not {exact}");
        }

        #[test]
        fn random_starts_begin_at_zero_and_ascend(rate in RATE_RANGE, seed in any::<u64>()) {
            let starts: Vec<u64> = schedule(rate, Arrivals::Poisson, seed).take(1_000).collect();
            prop_assert_eq!(starts[0], 0);
            prop_assert!(starts.is_sorted());
        }

        #[test]
        fn equal_seeds_give_equal_starts(seed in any::<u64>()) {
            let starts = |seed| schedule(20.0, Arrivals::Poisson, seed).take(50).collect::<Vec<_>>();
            prop_assert_eq!(starts(seed), starts(seed));
            prop_assert_ne!(starts(seed), starts(seed ^ 1));
        }
    }

    /// Returns the Kolmogorov-Smirnov statistic: the largest distance between the sample's distribution
    /// function and that of the exponential distribution.
    fn distance_from_exponential(mut gaps: Vec<f64>, rate: f64) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = |(index, gap): (usize, &f64)| {
            let expected = 1.0 - (-gap * rate).exp();
            let (below, up_to) = (index as f64 / n, (index as f64 + 1.0) / n);
            (expected - below).abs().max((up_to - expected).abs())
        };
        gaps.iter().enumerate().map(distance).fold(0.0, f64::max)
    }

    #[test]
    fn random_gaps_are_exponential() {
        let (rate, count) = (20.0, 20_000);
        // Critical value of the test at a significance level of 1 %.
        let critical = 1.63 / f64::from(count).sqrt();
        let distance = distance_from_exponential(gaps_s(rate, 42, count as usize), rate);
        assert!(distance < critical, "{distance} of {critical}");
        let equal: Vec<f64> = (0..count).map(|index| f64::from(index) / (10.0 * f64::from(count))).collect();
        assert!(distance_from_exponential(equal, rate) > critical, "the test rejects other distributions");
    }

    #[tokio::test]
    async fn starts_are_sent_in_order_and_not_early() {
        let open = OpenLoop { rate: 1_000.0, arrivals: Arrivals::Poisson, seed: 7 };
        let load = LoadParameters { concurrency: 1, requests: 20, open_loop: Some(open) };
        let started_ns = monotonic_ns();
        let mut starts = intended_starts(&load, &open, started_ns);
        let mut seen = Vec::new();
        while let Some(intended_ns) = starts.recv().await {
            assert!(monotonic_ns() >= intended_ns);
            seen.push(intended_ns - started_ns);
        }
        assert_eq!(seen, Schedule::new(&open).take(20).collect::<Vec<_>>());
    }
}

//! Bookkeeping of a load: requests in flight, the steady state and its throughput. Does no I/O: callers pass
//! the monotonic time in ns.

use crate::{
    run::Measured,
    types::{LoadParameters, LoadSummary, OpenLoop, OpenLoopSummary},
};

#[derive(Debug)]
pub struct Ledger {
    load: LoadParameters,
    started_ns: u64,
    handed_out: u64,
    done: u64,
    in_flight: u32,
    max_in_flight: u32,
    connections_opened: u64,
    /// Requests of an open loop that were due while `concurrency` others were in flight.
    held_back: u64,
    /// Start of the steady state: every slot has its first request or, in an open loop, the first successful
    /// request has ended.
    steady_from_ns: Option<u64>,
    /// End of the steady state: the first slot finds no more requests or, in an open loop, the last request
    /// is started.
    steady_to_ns: Option<u64>,
    /// Requests and tokens of all successful requests.
    whole: Yield,
    /// Their shares within the steady state.
    steady: Yield,
    last_tick: Tick,
}

#[derive(Debug, Default)]
struct Yield {
    requests: f64,
    tokens: f64,
}

/// Time and tokens at the last progress event.
#[derive(Debug, Default)]
struct Tick {
    at_ns: u64,
    tokens: f64,
}

/// The times and tokens of a successful request.
struct Success<'a> {
    sent_ns: u64,
    arrivals_ns: &'a [u64],
    tokens: u64,
}

impl Ledger {
    /// Creates the ledger of a load that starts at `now_ns` with this number of open connections.
    pub fn new(load: LoadParameters, connections_opened: u64, now_ns: u64) -> Self {
        Self {
            load,
            started_ns: now_ns,
            handed_out: 0,
            done: 0,
            in_flight: 0,
            max_in_flight: 0,
            connections_opened,
            held_back: 0,
            steady_from_ns: None,
            steady_to_ns: None,
            whole: Yield::default(),
            steady: Yield::default(),
            last_tick: Tick::default(),
        }
    }

    /// Returns the number of the next request, from 1; `None` if all have been taken.
    pub fn take_request(&mut self, now_ns: u64) -> Option<u64> {
        if self.all_handed_out() {
            return None;
        }
        self.handed_out += 1;
        self.in_flight += 1;
        self.max_in_flight = self.max_in_flight.max(self.in_flight);
        if self.load.open_loop.is_some() {
            if self.all_handed_out() {
                self.steady_to_ns.get_or_insert(now_ns);
            }
        } else if self.in_flight == self.load.concurrency {
            self.steady_from_ns.get_or_insert(now_ns);
        }
        Some(self.handed_out)
    }

    /// Returns the start of the load.
    pub fn started_ns(&self) -> u64 {
        self.started_ns
    }

    /// Counts a connection that was opened between two requests.
    pub fn count_connection(&mut self) {
        self.connections_opened += 1;
    }

    /// Counts a request that waits because the maximum number of requests is in flight.
    pub fn hold_back(&mut self) {
        self.held_back += 1;
    }

    /// Returns whether all requests have been taken.
    pub fn all_handed_out(&self) -> bool {
        self.handed_out == self.load.requests
    }

    /// Ends the steady state of a closed loop: a slot has no more requests.
    pub fn slot_found_no_work(&mut self, now_ns: u64) {
        self.steady_to_ns.get_or_insert(now_ns);
    }

    /// Records the end of a request.
    pub fn record(&mut self, measured: &Measured) {
        self.done += 1;
        self.in_flight -= 1;
        self.connections_opened += u64::from(measured.run.connect_ms.is_some());
        let lasted_ns = measured.run.total_time_s.map(|seconds| (seconds * 1e9) as u64);
        let (Some(last), Some(lasted_ns)) = (measured.arrivals_ns.last(), lasted_ns) else { return };
        if measured.run.success {
            self.count(&Success {
                sent_ns: last.saturating_sub(lasted_ns),
                arrivals_ns: &measured.arrivals_ns,
                tokens: measured.run.output_tokens.unwrap_or(0),
            });
        }
    }

    /// Adds a successful request. Tokens are counted at the arrival times of their chunks. A request that is
    /// only partly within the steady state is counted with its share: counting it at its end would be wrong
    /// by up to one round in a load of few rounds, whose requests end together.
    fn count(&mut self, success: &Success<'_>) {
        let tokens = success.tokens as f64;
        self.whole.requests += 1.0;
        self.whole.tokens += tokens;
        let arrivals = success.arrivals_ns;
        if self.load.open_loop.is_some() {
            self.steady_from_ns = self.steady_from_ns.or(arrivals.last().copied());
        }
        let Some(from) = self.steady_from_ns else { return };
        let to = self.steady_to_ns.unwrap_or(u64::MAX);
        let arrived = arrivals.iter().filter(|&&at| at >= from && at < to).count();
        self.steady.tokens += tokens * arrived as f64 / arrivals.len().max(1) as f64;
        self.steady.requests += success.share_within(from, to);
    }

    /// Returns the requests done, the requests in total, and output tokens per second since the last call.
    pub fn progress(&mut self, now_ns: u64) -> (u64, u64, Option<f64>) {
        let last = std::mem::replace(&mut self.last_tick, Tick { at_ns: now_ns, tokens: self.whole.tokens });
        let seconds = now_ns.saturating_sub(last.at_ns) as f64 / 1e9;
        let live = (last.at_ns > 0 && seconds > 0.0).then(|| (self.whole.tokens - last.tokens) / seconds);
        (self.done, self.load.requests, live)
    }

    /// Returns the summary so far; the collector sets `runs_omitted` and the latencies of an open loop.
    pub fn summary(&self, now_ns: u64) -> LoadSummary {
        let duration_s = now_ns.saturating_sub(self.started_ns) as f64 / 1e9;
        let end = self.steady_to_ns.unwrap_or(now_ns);
        let steady_s = self.steady_from_ns.map_or(0.0, |start| end.saturating_sub(start) as f64 / 1e9);
        // In an open loop two single requests delimit the steady state, so a short one is not representative.
        let long_enough = self.load.open_loop.is_none() || steady_s >= duration_s / 2.0;
        let (counted, seconds) = if self.steady.requests > 0.0 && steady_s > 0.0 && long_enough {
            (&self.steady, steady_s)
        } else {
            (&self.whole, duration_s)
        };
        let rate = |amount: f64| (self.whole.requests > 0.0 && seconds > 0.0).then(|| amount / seconds);
        LoadSummary {
            concurrency: self.load.concurrency,
            requests: self.load.requests,
            duration_s,
            steady_s,
            output_tokens_per_second: rate(counted.tokens),
            requests_per_second: rate(counted.requests),
            max_in_flight: self.max_in_flight,
            connections_opened: self.connections_opened,
            runs_omitted: 0,
            open_loop: self.load.open_loop.map(|open| self.open_loop(&open)),
        }
    }

    /// Returns the open-loop part of the summary; the collector sets the latencies.
    fn open_loop(&self, open: &OpenLoop) -> OpenLoopSummary {
        OpenLoopSummary {
            offered_requests_per_second: open.rate,
            arrivals: open.arrivals,
            ttft_ms: None,
            total_time_s: None,
            start_delay_ms: None,
            held_back: self.held_back,
        }
    }
}

impl Success<'_> {
    /// Returns the share of the request's time, from sending to the last content, between `from` and `to`.
    fn share_within(&self, from: u64, to: u64) -> f64 {
        let ended = self.arrivals_ns.last().copied().unwrap_or(self.sent_ns);
        if ended <= self.sent_ns {
            return if (from..to).contains(&ended) { 1.0 } else { 0.0 };
        }
        let within = ended.min(to).saturating_sub(self.sent_ns.max(from));
        within as f64 / (ended - self.sent_ns) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Arrivals;

    const S: u64 = 1_000_000_000;

    /// Simulates a load in which every request takes a second and has a token in the middle and one at the
    /// end. The slots start at the same time (`step_ns` 0) or `step_ns` apart.
    fn simulate_closed(concurrency: u32, requests: u64, step_ns: u64) -> LoadSummary {
        let load = LoadParameters::closed(concurrency, requests);
        let start = 10 * S;
        let mut ledger = Ledger::new(load, concurrency.into(), start);
        let mut due: Vec<u64> = (0..concurrency).map(|slot| start + u64::from(slot) * step_ns).collect();
        let mut sent: Vec<Option<u64>> = vec![None; due.len()];
        while let Some((slot, &now)) =
            due.iter().enumerate().filter(|(_, at)| **at < u64::MAX).min_by_key(|(_, at)| **at)
        {
            if let Some(sent_ns) = sent[slot].take() {
                ledger.done += 1;
                ledger.in_flight -= 1;
                ledger.count(&Success { sent_ns, arrivals_ns: &[sent_ns + S / 2, now], tokens: 2 });
            }
            if ledger.take_request(now).is_some() {
                (sent[slot], due[slot]) = (Some(now), now + S);
            } else {
                ledger.slot_found_no_work(now);
                due[slot] = u64::MAX;
            }
        }
        ledger.summary(start + requests * S)
    }

    #[track_caller]
    fn assert_near(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual / expected - 1.0).abs() < 0.01, "{actual} instead of {expected}");
    }

    #[test]
    fn rates_of_few_synchronous_rounds_are_exact() {
        for rounds in 2..5 {
            let summary = simulate_closed(64, 64 * rounds, 0);
            assert_near(summary.requests_per_second, 64.0);
        }
    }

    #[test]
    fn asynchronous_requests_have_the_same_rates() {
        let summary = simulate_closed(64, 64 * 8, S / 64);
        assert_near(summary.requests_per_second, 64.0);
        assert_near(summary.output_tokens_per_second, 128.0);
        assert_eq!(summary.max_in_flight, 64);
    }

    #[test]
    fn a_load_without_steady_state_is_counted_completely() {
        let mut ledger = Ledger::new(LoadParameters::closed(2, 2), 2, S);
        ledger.take_request(S);
        ledger.count(&Success { sent_ns: S, arrivals_ns: &[2 * S], tokens: 10 });
        let summary = ledger.summary(3 * S);
        assert_eq!((summary.steady_s, summary.requests_per_second), (0.0, Some(0.5)));
        assert_eq!(summary.output_tokens_per_second, Some(5.0));
    }

    #[test]
    fn a_load_without_finished_requests_has_no_rate() {
        let mut ledger = Ledger::new(LoadParameters::closed(1, 9), 1, S);
        ledger.take_request(S);
        assert_eq!(ledger.summary(2 * S).requests_per_second, None);
        assert_eq!(ledger.progress(2 * S), (0, 9, None));
    }

    /// Simulates an open loop: a request every `gap_ns`, each takes `lasts_ns`; at most `limit` in flight.
    fn simulate_open(limit: u32, requests: u64, gap_ns: u64, lasts_ns: u64) -> LoadSummary {
        let open_loop = Some(OpenLoop { rate: 1e9 / gap_ns as f64, arrivals: Arrivals::Constant, seed: 0 });
        let start = 10 * S;
        let mut ledger = Ledger::new(LoadParameters { concurrency: limit, requests, open_loop }, 0, start);
        let mut ends = std::collections::VecDeque::new();
        let mut now = start;
        for number in 0..requests {
            now = now.max(start + number * gap_ns);
            if ends.len() == limit as usize {
                now = now.max(ends[0]);
            }
            while ends.front().is_some_and(|&end| end <= now) {
                finish(&mut ledger, ends.pop_front().unwrap(), lasts_ns);
            }
            ledger.take_request(now);
            ends.push_back(now + lasts_ns);
        }
        for end in ends {
            now = end;
            finish(&mut ledger, end, lasts_ns);
        }
        ledger.summary(now)
    }

    fn finish(ledger: &mut Ledger, end: u64, lasts_ns: u64) {
        ledger.done += 1;
        ledger.in_flight -= 1;
        ledger.count(&Success { sent_ns: end - lasts_ns, arrivals_ns: &[end], tokens: 3 });
    }

    #[test]
    fn an_open_loop_within_capacity_achieves_the_offered_rate() {
        let summary = simulate_open(512, 400, S / 20, 2 * S);
        assert_near(summary.requests_per_second, 20.0);
        assert_near(summary.output_tokens_per_second, 60.0);
        assert_eq!(
            (summary.max_in_flight, summary.open_loop.unwrap().offered_requests_per_second),
            (40, 20.0)
        );
    }

    #[test]
    fn a_concurrency_limit_reduces_the_achieved_rate() {
        let summary = simulate_open(8, 400, S / 20, S);
        assert_near(summary.requests_per_second, 8.0);
        assert_eq!(summary.max_in_flight, 8);
    }

    #[test]
    fn an_open_loop_that_ends_before_its_first_response_is_counted_completely() {
        let summary = simulate_open(512, 10, S / 10, 9 * S / 10);
        assert_near(summary.requests_per_second, 10.0 / 1.8);
    }
}

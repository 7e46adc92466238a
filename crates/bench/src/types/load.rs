//! Parameters and figures of load mode.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use stats::Summary;

/// Allowed number of requests in flight in load mode.
pub const CONCURRENCY_RANGE: RangeInclusive<u32> = 1..=4096;
/// Requests in flight, at most, of an open loop that sets no limit of its own: fewer than the sockets that
/// systems usually allow a process.
pub const DEFAULT_MAX_IN_FLIGHT: u32 = 512;
/// Allowed rate of an open loop, requests per second.
pub const RATE_RANGE: RangeInclusive<f64> = 0.001..=10_000.0;
/// Allowed number of requests of an open loop.
pub const OPEN_LOOP_REQUESTS_RANGE: RangeInclusive<u64> = 1..=1_000_000;
/// Allowed time over which the requests of an open loop are started, in seconds: up to a day.
pub const OPEN_LOOP_DURATION_RANGE: RangeInclusive<f64> = 0.001..=86_400.0;

/// Load mode: a closed loop or an open loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoadParameters {
    /// Number of requests in flight: exactly so many in a closed loop, at most so many in an open loop.
    pub concurrency: u32,
    /// Number of requests in total.
    pub requests: u64,
    /// When the requests of an open loop start; `None` is a closed loop, in which a request starts when the one
    /// before it on its connection has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_loop: Option<OpenLoop>,
}

impl LoadParameters {
    /// Returns a closed loop with `concurrency` requests in flight until `requests` have been made.
    pub const fn closed(concurrency: u32, requests: u64) -> Self {
        Self { concurrency, requests, open_loop: None }
    }
}

/// The intended starts of an open loop's requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OpenLoop {
    /// Requests per second, on average.
    pub rate: f64,
    /// How the intended starts are spread.
    pub arrivals: Arrivals,
    /// Seed of the random arrivals: the same seed gives the same intended starts.
    pub seed: u64,
}

/// How the intended starts of an open loop are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// A Poisson process: gaps drawn from an exponential distribution, as if many users sent requests
    /// independently of each other.
    #[default]
    Poisson,
    /// Equal gaps.
    Constant,
}

impl Arrivals {
    /// Every way, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Poisson, Self::Constant];

    /// Returns the name, as in the results file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Constant => "constant",
        }
    }
}

/// Figures of a whole load; load mode only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoadSummary {
    /// Number of requests in flight, as asked for.
    pub concurrency: u32,
    /// Number of requests, as asked for.
    pub requests: u64,
    /// Wall time of the whole load, s.
    pub duration_s: f64,
    /// Duration of the steady state, s. Closed loop: from when all connections were busy until the first one had
    /// no more work. Open loop: from the end of the first successful request to the start of the last request.
    pub steady_s: f64,
    /// Throughput of all connections together, over the steady state (over the whole load if it was too
    /// short to have one). Successful requests only; tokens count when their chunk arrived.
    pub output_tokens_per_second: Option<f64>,
    /// Successful requests per second, over the same time.
    pub requests_per_second: Option<f64>,
    /// Largest number of requests in flight at once.
    pub max_in_flight: u32,
    /// Number of connections opened, reopened ones included.
    pub connections_opened: u64,
    /// Runs left out of `runs` to keep memory flat; the summary counts them all.
    pub runs_omitted: u64,
    /// Figures of an open loop; `None` for a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_loop: Option<OpenLoopSummary>,
}

/// Figures of an open loop. Its latencies count from the intended start of each request, so the time that a
/// request waited before it was sent is part of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OpenLoopSummary {
    /// Requests per second, as asked for.
    pub offered_requests_per_second: f64,
    /// How the intended starts were spread.
    pub arrivals: Arrivals,
    /// From the intended start to the first token, ms; successful requests only.
    pub ttft_ms: Option<Summary>,
    /// From the intended start to the last content chunk, s; successful requests only.
    pub total_time_s: Option<Summary>,
    /// From the intended start to the actual start, ms; all requests that were sent.
    pub start_delay_ms: Option<Summary>,
    /// Number of requests that had to wait because `concurrency` requests were in flight at their intended start.
    pub held_back: u64,
}

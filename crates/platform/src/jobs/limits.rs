//! How many jobs a user may have: started in an hour, waiting, running at once.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

/// The hour that hourly limits look back on.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// How many jobs of one user may wait.
pub(super) const WAITING_JOBS: i64 = 100;

/// What a job counts against when it is submitted. Neither cancelling nor deleting it gives that back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HourlyLimit {
    Benchmarks,
}

impl HourlyLimit {
    /// The name in the database.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Benchmarks => "benchmarks",
        }
    }
}

/// How much of an hourly limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Allowance {
    /// Executions in any hour.
    #[schema(example = 2000)]
    pub limit: i64,
    /// How many of them are left now.
    #[schema(example = 1998)]
    pub remaining: i64,
    #[schema(example = "1 hour")]
    pub window: &'static str,
}

/// How jobs are run by one process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Benchmarks that a user may start in an hour, where no admin has set another number.
    pub benchmarks_per_hour: i64,
    /// Jobs that this process runs at once, of all users.
    pub slots: usize,
    /// A running job is stopped, and has failed, after this long.
    pub time_limit: Duration,
    /// What stops has this long to do so; then it is dropped where it stands.
    pub stop_within: Duration,
    /// How long a worker may send no heartbeat before others take over its jobs.
    pub lease: Duration,
    /// How long a job waits that a passing fault interrupted; each further time twice as long.
    pub pause: Duration,
    /// Whether other processes use the same database. Where none does, whatever worker is registered
    /// when this one starts has crashed.
    pub peers: Cluster,
}

/// Who else may run jobs of the same database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cluster {
    SingleProcess,
    MultiProcess,
}

impl Settings {
    /// The limits that hold where nothing else is said.
    pub fn new(peers: Cluster) -> Self {
        Self {
            benchmarks_per_hour: 2000,
            slots: 64,
            time_limit: Duration::from_hours(2),
            stop_within: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            pause: Duration::from_secs(5),
            peers,
        }
    }

    /// The same with what the environment says: `BENCHMARK_RATE_LIMIT`.
    ///
    /// # Errors
    /// When it is not a number from 1.
    pub fn from_env(peers: Cluster) -> anyhow::Result<Self> {
        let settings = Self::new(peers);
        let Ok(text) = std::env::var("BENCHMARK_RATE_LIMIT") else { return Ok(settings) };
        Ok(Self { benchmarks_per_hour: parse_rate_limit(&text)?, ..settings })
    }

    pub(super) fn hourly_default(&self, limit: HourlyLimit) -> i64 {
        match limit {
            HourlyLimit::Benchmarks => self.benchmarks_per_hour,
        }
    }
}

fn parse_rate_limit(text: &str) -> anyhow::Result<i64> {
    text.trim().parse().ok().filter(|limit| *limit >= 1).with_context(|| {
        format!("BENCHMARK_RATE_LIMIT={text} is no number of benchmarks; write, for example, 2000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_a_number_from_one() {
        assert_eq!(parse_rate_limit(" 20 ").unwrap(), 20);
        for text in ["", "0", "-1", "many", "1.5"] {
            assert!(parse_rate_limit(text).is_err(), "{text}");
        }
    }
}

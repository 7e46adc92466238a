//! The limits of a user as plain data, shared by server and browser.

use serde::{Deserialize, Serialize};

/// Jobs of one user that run at once unless an admin has set another number.
pub const DEFAULT_MAX_CONCURRENT: i64 = 1;
/// Runs of one model and context size that administration shows for a user without a limit.
pub const DEFAULT_MAX_RUNS: i64 = 20;

/// The limits of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RateLimit {
    /// Benchmarks started in any hour, 1 to 100,000.
    #[cfg_attr(feature = "ssr", schema(minimum = 1, maximum = 100_000, example = 2000))]
    pub benchmarks_per_hour: i64,
    /// Jobs that run at once, 1 to 50.
    #[cfg_attr(feature = "ssr", schema(minimum = 1, maximum = 50, example = 1))]
    pub max_concurrent: i64,
    /// Runs of one model and tier in a benchmark, 1 to 100.
    #[cfg_attr(feature = "ssr", schema(minimum = 1, maximum = 100, example = 20))]
    pub max_runs_per_benchmark: i64,
}

impl RateLimit {
    /// Returns a sentence about the number that is out of bounds, if any.
    pub fn problem(&self) -> Option<String> {
        [
            ("benchmarks_per_hour", self.benchmarks_per_hour, 100_000),
            ("max_concurrent", self.max_concurrent, 50),
            ("max_runs_per_benchmark", self.max_runs_per_benchmark, 100),
        ]
        .into_iter()
        .find(|(_, value, most)| !(1..=*most).contains(value))
        .map(|(name, value, most)| format!("{name} is 1 to {most}, not {value}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_bounds() {
        let fine = RateLimit { benchmarks_per_hour: 2000, max_concurrent: 1, max_runs_per_benchmark: 20 };
        assert_eq!(fine.problem(), None);
        assert_eq!(
            RateLimit { max_concurrent: 0, ..fine }.problem().unwrap(),
            "max_concurrent is 1 to 50, not 0."
        );
        assert!(RateLimit { benchmarks_per_hour: 100_001, ..fine }.problem().is_some());
    }
}

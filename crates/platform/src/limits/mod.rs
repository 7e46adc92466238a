//! Limits per user that admins set: benchmarks an hour, concurrent jobs, runs of a benchmark.

#[cfg(feature = "ssr")]
mod store;
pub mod types;

#[cfg(feature = "ssr")]
pub use store::{MAX_CONCURRENT_OF_JOB, RateLimits, benchmarks_per_hour};
pub use types::RateLimit;

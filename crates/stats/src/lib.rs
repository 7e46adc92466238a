//! Summary statistics of samples: moments, percentiles, confidence intervals, outliers and the comparison of
//! two means. Pure functions that all screens, exports and the terminal share, so that a percentile means the
//! same everywhere.

mod compare;
mod interval;
mod moments;
mod order;
mod summary;

#[cfg(feature = "server")]
mod accumulator;
#[cfg(test)]
mod tests;

#[cfg(feature = "server")]
pub use accumulator::Accumulator;
pub use compare::{Difference, Verdict, compare};
pub use order::percentile;
pub use summary::{Collect, Summary, summarize};

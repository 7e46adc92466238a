//! Summaries of samples. Pure; knows nothing of benchmarks. Every screen, export and the terminal
//! take their figures from here, so that a percentile means the same thing everywhere.

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

//! Summaries of samples. Pure; knows nothing of benchmarks. Every screen, export and the terminal
//! take their figures from here.

mod summary;

pub use summary::{Summary, summarize};

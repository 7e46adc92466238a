//! Speed runs: what is measured, how, and what comes out.

pub mod types;

#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "ssr")]
pub mod filler;
#[cfg(feature = "ssr")]
pub mod tokenizer;

#[cfg(feature = "ssr")]
pub use engine::{Plan, PlanError, Running, Target, start};

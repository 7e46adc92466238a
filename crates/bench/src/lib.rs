//! The benchmark engine: a plan of models and parameters becomes measured runs, events and summaries.
//!
//! The types, their bounds and the summaries compile for the browser too; the engine needs the
//! `server` feature.

pub mod bounds;
pub mod summary;
pub mod types;

#[cfg(feature = "server")]
mod engine;
#[cfg(feature = "server")]
pub mod filler;
#[cfg(feature = "server")]
mod group;
#[cfg(feature = "server")]
mod health;
#[cfg(feature = "server")]
pub mod json;
#[cfg(feature = "server")]
mod load;
#[cfg(feature = "server")]
pub mod measure;
#[cfg(feature = "server")]
mod preview;
#[cfg(feature = "server")]
mod request;
#[cfg(feature = "server")]
mod results;
#[cfg(feature = "server")]
mod resume;
#[cfg(feature = "server")]
mod run;
#[cfg(feature = "server")]
mod scheduling;
#[cfg(feature = "server")]
pub mod tokenizer;

pub use bounds::PlanError;
#[cfg(feature = "server")]
pub use engine::{Plan, Running, Stop, Target, start};
#[cfg(feature = "server")]
pub use preview::preview;
#[cfg(feature = "server")]
pub use resume::FinishedRow;
